// Package overlay holds the boxes that open above a page: help, the palette, number entry, the keypad and questions.
//
// A box takes all keys while it is open, asks for commands by its outcome and never acts itself. A box about a call that
// has gone closes by itself.
package overlay

import (
	"slices"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Outcome is what a key at a box leads to.
type Outcome struct {
	Close    bool           // the box has done its work
	Commands []desk.Command // for the desk, in order
	Action   string         // name of an action to start, as if its key had been pressed
	Handled  bool           // false: the key meant nothing here
}

// Box is an open box.
type Box interface {
	// Press gives the box a key; name is the action that the key has in the Overlay context, or empty.
	Press(k tea.Key, name string) Outcome
	// Paste gives the box pasted text.
	Paste(s string) Outcome
	// Alive reports whether what the box is about still exists.
	Alive(s *desk.Snapshot) bool
	// Draw draws the inside of the box for a screen of w by h cells.
	Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn
}

// Drawn is a box as lines of Width-4 cells, to be framed.
type Drawn struct {
	Title  string
	Lines  []string
	Foot   []row.Seg
	Width  int
	Cursor bool
	X, Y   int // of the cursor, inside the frame
}

// Lay frames the box and lays it in the middle of the screen, above base. The first and the last line stay readable:
// a ringing call and a broken link are seen through every box. It returns the cursor's place when the box has one.
func (d Drawn) Lay(th *theme.Theme, base []string, w int) (lines []string, x, y int, cursor bool) {
	box := row.Box(th, d.Width, d.Title, d.Foot, d.Lines)
	h := len(base)
	left, top := max((w-d.Width)/2, 0), max((h-len(box))/2, min(1, h-1))
	if over := top + len(box) - h; over > 0 {
		top = max(top-over, 0)
	}
	keep := func(i int) bool { return i == 0 || i == h-1 }
	return row.Over(th, base, w, box, d.Width, left, top, keep), left + 2 + d.X, top + 1 + d.Y, d.Cursor
}

// callIn finds a call of the snapshot.
func callIn(s *desk.Snapshot, key desk.CallKey) *desk.Call {
	if s == nil {
		return nil
	}
	for i := range s.Calls {
		if s.Calls[i].Key == key {
			return &s.Calls[i]
		}
	}
	return nil
}

// up reports whether a call is still there to be talked with. A verb that is impossible for a moment (a hold is being
// confirmed) must not close a box with half a number in it.
func up(s *desk.Snapshot, key desk.CallKey) bool {
	c := callIn(s, key)
	return c != nil && c.State != desk.Ended && c.State != desk.Ending
}

// can reports whether a call exists and allows the verb.
func can(s *desk.Snapshot, key desk.CallKey, v desk.Verb) bool {
	c := callIn(s, key)
	return c != nil && slices.Contains(c.Can, v)
}

// Hints are the keys that a box's foot shows: action, words, action, words …
func Hints(th *theme.Theme, keys keymap.Map, pairs ...string) (out []row.Seg) {
	for i := 0; i+1 < len(pairs); i += 2 {
		k := keys.Key(pairs[i])
		if k == "" {
			continue
		}
		if len(out) > 0 {
			out = append(out, row.Seg{Text: "   "})
		}
		out = append(out, row.Seg{Ink: th.Key, Text: k}, row.Seg{Ink: th.Dim, Text: " " + pairs[i+1]})
	}
	return out
}
