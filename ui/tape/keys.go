package tape

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/charmbracelet/vhs/parser"
	"github.com/charmbracelet/vhs/token"
)

// namedKeys are the keys of "#: key", as an xterm sends them.
var namedKeys = map[string]string{
	"f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~", "f7": "\x1b[18~",
	"f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
	"home": "\x1b[H", "end": "\x1b[F", "shift+tab": "\x1b[Z",
	"ctrl+left": "\x1b[1;5D", "ctrl+right": "\x1b[1;5C", "shift+left": "\x1b[1;2D", "shift+right": "\x1b[1;2C",
}

func keyNames() string { return strings.Join(slices.Sorted(maps.Keys(namedKeys)), ", ") }

// directKey is the key of "#: key". Ctrl+s and Ctrl+m belong here too: VHS takes their letters for seconds and minutes.
func directKey(name string) (string, bool) {
	name = strings.ToLower(name)
	if letter, ok := strings.CutPrefix(name, "ctrl+"); ok && len(letter) == 1 && letter[0] >= 'a' && letter[0] <= 'z' {
		return string(letter[0] & 0x1f), true
	}
	key, ok := namedKeys[name]
	return key, ok
}

// plainKeys are VHS's own keys.
var plainKeys = map[parser.CommandType]string{
	token.ENTER: "\r", token.SPACE: " ", token.TAB: "\t", token.BACKSPACE: "\x7f", token.DELETE: "\x1b[3~", token.INSERT: "\x1b[2~",
	token.ESCAPE: "\x1b", token.UP: "\x1b[A", token.DOWN: "\x1b[B", token.RIGHT: "\x1b[C", token.LEFT: "\x1b[D",
	token.PAGE_UP: "\x1b[5~", token.PAGE_DOWN: "\x1b[6~",
}

func isChord(t parser.CommandType) bool { return t == token.CTRL || t == token.ALT || t == token.SHIFT }

// vhsKey is what a terminal sends for one of VHS's key commands.
func vhsKey(c parser.Command) (string, error) {
	if key, ok := plainKeys[c.Type]; ok {
		return key, nil
	}
	parts := strings.Fields(c.Args) // "Ctrl+Alt+x" arrives as "Alt x"
	if len(parts) == 0 {
		return "", fmt.Errorf("%s what?", c.Type)
	}
	last := parts[len(parts)-1]
	mods := append([]string{c.Type.String()}, parts[:len(parts)-1]...)
	key, ok := namedByVHS(last)
	if !ok {
		key = last
	}
	if slices.Contains(mods, "Shift") {
		switch {
		case last == "Tab":
			key = "\x1b[Z"
		case len(key) == 1:
			key = strings.ToUpper(key)
		default:
			return "", fmt.Errorf("Shift+%s has no bytes of its own in a terminal", last)
		}
	}
	if slices.Contains(mods, "Ctrl") {
		switch {
		case last == "Left" || last == "Right":
			key = namedKeys["ctrl+"+strings.ToLower(last)]
		case len(key) == 1:
			key = string(key[0] & 0x1f)
		default:
			return "", fmt.Errorf("Ctrl+%s has no bytes of its own in a terminal", last)
		}
	}
	if slices.Contains(mods, "Alt") {
		key = "\x1b" + key
	}
	return key, nil
}

func namedByVHS(name string) (string, bool) {
	for t, key := range plainKeys {
		if t.String() == name {
			return key, true
		}
	}
	return "", false
}
