package keymap

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// special are the keys that have a name and make no character, as terminals report them.
var special = [...]string{
	"enter", "tab", "esc", "backspace", "delete", "insert", "space", "up", "down", "left", "right", "home", "end", "pgup", "pgdown",
	"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
}

// aliases are names that people write for the same keys.
var aliases = [...][2]string{
	{"escape", "esc"}, {"return", "enter"}, {"pageup", "pgup"}, {"pagedown", "pgdown"}, {"del", "delete"}, {"ins", "insert"},
	{"control", "ctrl"}, {"spacebar", "space"},
}

// Normalise brings a key as a person writes it ("Ctrl+P", "Shift+p", "Escape", "F2") into the form that the terminal
// reports ("ctrl+p", "P", "esc", "f2"). A single character stands for itself, its case included.
func Normalise(key string) (string, error) {
	if key == " " {
		return "space", nil
	}
	key = strings.TrimSpace(key)
	if r, n := utf8.DecodeRuneInString(key); n == len(key) && n > 0 {
		if !unicode.IsPrint(r) {
			return "", fmt.Errorf("%q is not a key", key)
		}
		return key, nil
	}
	parts := strings.Split(key, "+")
	if strings.HasSuffix(key, "++") { // "ctrl++": the plus key itself
		parts = append(parts[:len(parts)-2], "+")
	}
	var ctrl, alt, shift bool
	for _, mod := range parts[:len(parts)-1] {
		switch alias(strings.ToLower(mod)) {
		case "ctrl":
			ctrl = true
		case "alt":
			alt = true
		case "shift":
			shift = true
		default:
			return "", fmt.Errorf("%q is not a key: %q is neither ctrl, alt nor shift", key, mod)
		}
	}
	base := parts[len(parts)-1]
	name := alias(strings.ToLower(base))
	r, n := utf8.DecodeRuneInString(base)
	switch {
	case slices.Contains(special[:], name):
	case n == len(base) && n > 0 && unicode.IsPrint(r):
		name = strings.ToLower(base)
		if shift && !ctrl && !alt { // the terminal reports the character it makes
			return strings.ToUpper(base), nil
		}
	default:
		return "", fmt.Errorf("%q is not a key%s", key, didYouMean(name, special[:]))
	}
	var sb strings.Builder
	for _, m := range []struct {
		on   bool
		name string
	}{{ctrl, "ctrl+"}, {alt, "alt+"}, {shift, "shift+"}} {
		if m.on {
			sb.WriteString(m.name)
		}
	}
	return sb.String() + name, nil
}

func alias(s string) string {
	for _, a := range aliases {
		if s == a[0] {
			return a[1]
		}
	}
	return s
}

// Character reports whether the key makes a character, and so goes into a text field that has the focus.
func Character(key string) bool { return key == "space" || utf8.RuneCountInString(key) == 1 }

// Display is the key as help shows it: "a", "P", "^P", "F2", "Esc", "↑".
func Display(key string) string {
	switch key {
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "left":
		return "←"
	case "right":
		return "→"
	case "shift+tab":
		return "⇧Tab"
	case "pgup":
		return "PgUp"
	case "pgdown":
		return "PgDn"
	}
	if rest, ok := strings.CutPrefix(key, "ctrl+"); ok {
		if Character(rest) {
			return "^" + strings.ToUpper(rest)
		}
		return "^" + Display(rest)
	}
	if Character(key) && key != "space" {
		return key
	}
	parts := strings.Split(key, "+")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "+")
}

// didYouMean is ": did you mean …?" for the nearest of the names, or nothing when none is near.
func didYouMean(name string, names []string) string {
	best, at := "", len(name)/2+1
	for _, n := range names {
		if d := distance(name, n); d < at {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is the number of letters to insert, drop or change that makes b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, cost)
		}
	}
	return row[len(b)]
}
