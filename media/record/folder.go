package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"
)

// stamp is the beginning of a recording's name, in UTC.
const stamp = "20060102T150405Z"

// ours is the name of a recording, its sidecar, or a sidecar that was being written.
var ours = regexp.MustCompile(`^(\d{8}T\d{6}Z)-[A-Za-z0-9_-][A-Za-z0-9._-]*\.(wav|opus)(\.age|\.json|\.json\.new)?$`)

// baseName is a recording's name without its ending: the time, and the Call-ID with everything but letters, digits and
// a few marks replaced. It never names another folder, and never hides.
func baseName(start time.Time, callID string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, callID)
	if len(clean) > 60 {
		clean = clean[:60]
	}
	if clean == "" {
		clean = "call"
	}
	return start.UTC().Format(stamp) + "-" + clean
}

// Sweep deletes the recordings in dir that are older than so many days at now, by the time in their names, with what
// belongs to them; it returns their names. Other files are never touched. With no days nothing is ever deleted. What
// cannot be deleted is in the error; the rest goes all the same.
func Sweep(dir string, days int, now time.Time) (deleted []string, err error) {
	if days <= 0 {
		return nil, nil
	}
	root, entries, err := list(dir)
	if root == nil {
		return nil, err
	}
	defer root.Close()
	limit := now.AddDate(0, 0, -days)
	var errs []error
	for _, e := range entries {
		at, ok := timeOf(e)
		if !ok || !at.Before(limit) {
			continue
		}
		if err := root.Remove(e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("delete a recording: %w", err))
			continue
		}
		if !strings.Contains(e.Name(), ".json") {
			deleted = append(deleted, e.Name())
		}
	}
	return deleted, errors.Join(errs...)
}

// list opens the folder and reads it. A folder that is not there is empty.
func list(dir string) (*os.Root, []fs.DirEntry, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open the folder of recordings: %w", err)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		root.Close()
		return nil, nil, fmt.Errorf("read the folder of recordings: %w", err)
	}
	return root, entries, nil
}

// timeOf is when a recording began; false for what is none.
func timeOf(e fs.DirEntry) (time.Time, bool) {
	m := ours.FindStringSubmatch(e.Name())
	if m == nil || !e.Type().IsRegular() {
		return time.Time{}, false
	}
	at, err := time.Parse(stamp, m[1])
	return at, err == nil
}
