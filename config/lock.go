package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// The system file may lock settings, so that nothing after it sets them: locked = ["salesforce.*", "toll.*", "recording.consent"]. A
// lock also holds the default of a setting that the system file leaves alone. Secrets are not settings and never locked.

// lockWord is the key of the system file that lists what is locked.
const lockWord = "locked"

// lock reads what the system file locks. It is believed only of a file that nobody but the administrator can write: untrusted says why
// not, or nothing.
func (l *Loaded) lock(f settings, untrusted string) (bad Problems) {
	if f.locked == nil {
		return nil
	}
	wrong := func(format string, args ...any) {
		bad = append(bad, Problem{File: f.path, Line: lineOf(f.raw, lockWord), Key: lockWord, Text: fmt.Sprintf(format, args...)})
	}
	list, ok := f.locked.([]any)
	if !ok {
		wrong(`must be a list, as ["salesforce.*", "recording.consent"]`)
		return bad
	}
	var patterns []string
	for _, e := range list {
		p, ok := e.(string)
		switch near := ""; {
		case !ok:
			wrong("must be a list of texts in quotes; %v is not one", e)
		case !known(p, &near):
			line := fmt.Sprintf("%q is neither a setting nor a section as salesforce.*", p)
			if near != "" {
				line += "; did you mean " + near + "?"
			}
			wrong("%s", line)
		default:
			patterns = append(patterns, p)
		}
	}
	if untrusted != "" {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%s locks settings, but %s: the locks are not honoured. Give it to root and take others' right to write away (chown root, chmod 644; its folder 755).", f.path, untrusted))
		return bad
	}
	l.locks, l.locker = patterns, f.path
	return bad
}

// known reports whether a pattern of locked means something, and what comes near if not.
func known(pattern string, near *string) bool {
	if pattern == "*" || strings.HasPrefix(pattern, "keys.") {
		return true
	}
	var all []string
	for _, s := range Sections() {
		all = append(all, s.Name+".*")
		for _, k := range s.Keys {
			all = append(all, k.Path)
		}
	}
	for _, a := range all {
		if a == pattern {
			return true
		}
	}
	*near = nearest(pattern, all)
	return false
}

// Locked returns the pattern that locks a setting, and the file in which it stands; ok is false when nothing does.
func (l *Loaded) Locked(path string) (pattern, file string, ok bool) {
	if k, found := Find(path); found && k.Secret {
		return "", "", false
	}
	for _, p := range l.locks {
		section, all := strings.CutSuffix(p, "*")
		if p == path || all && strings.HasPrefix(path, section) {
			return p, l.locker, true
		}
	}
	return "", "", false
}

// refuse takes locked settings out of a table of a later layer, with one line for each.
func (l *Loaded) refuse(file, raw string, table map[string]any) (bad Problems) {
	if l.locks == nil {
		return nil
	}
	for section, v := range table {
		keys, _ := v.(map[string]any)
		for key := range keys {
			path := section + "." + key
			if text := l.refusal(path); text != "" {
				delete(keys, key)
				bad = append(bad, Problem{File: file, Line: lineOf(raw, path), Key: path, Text: text})
			}
		}
	}
	return bad
}

// refusal says why a setting may not be set after the system file; "" when it may.
func (l *Loaded) refusal(path string) string {
	pattern, file, ok := l.Locked(path)
	if !ok {
		return ""
	}
	if pattern == path {
		pattern = ""
	} else {
		pattern = " (" + pattern + ")"
	}
	return fmt.Sprintf("is locked in %s%s: only whoever administers this computer may change it, there; take it out here", file, pattern)
}

// unsafe says why somebody else than the administrator may have written a file, or nothing: it and its folder count.
func unsafe(file string) string {
	for _, path := range []string{file, filepath.Dir(file)} {
		if why := writable(path); why != "" {
			return why
		}
	}
	return ""
}

// judgeOwner says why a file or folder of this owner and mode may be somebody else's work, or nothing.
func judgeOwner(path string, owner uint32, mode fs.FileMode) string {
	switch {
	case owner != 0:
		return path + " does not belong to root"
	case mode.Perm()&0o022 != 0:
		return fmt.Sprintf("%s can be written by others (mode %#o)", path, mode.Perm())
	}
	return ""
}
