// Package edit is a text field: one line, or several for notes.
//
// It holds what a person types and pastes, cleaned like any other text, moves by characters as people see them, and
// says which part to show and where the cursor stands. It draws no frame and knows nothing of what the text is for.
package edit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"offhook/internal/text"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// MaxPaste is how many bytes of a paste are taken. What Set is given may be longer: it was typed or pasted piece by piece.
const MaxPaste = 16 << 10

// Field is a text field. The zero value is an empty line.
type Field struct {
	text  string
	at    int             // byte offset of the cursor, always between two characters
	top   int             // first line, or cell, that Show showed last
	Lines bool            // several lines: Enter makes a new one
	Limit int             // characters, 0 for no limit
	Allow func(rune) bool // characters that are let in; nil lets all in
}

// Value is the text as it is now.
func (f *Field) Value() string { return f.text }

// Set replaces the text and puts the cursor behind it.
func (f *Field) Set(s string) {
	f.text = f.clean(s)
	f.at, f.top = len(f.text), 0
}

func (f *Field) clean(s string) string {
	if f.Lines {
		return text.CleanBlock(s, len(s)).String()
	}
	return text.Clean(s).String()
}

// Insert puts s in at the cursor and reports whether the text changed.
func (f *Field) Insert(s string) bool {
	if len(s) > MaxPaste {
		n := MaxPaste
		for n > 0 && !utf8.RuneStart(s[n]) { // half a character would become �
			n--
		}
		s = s[:n]
	}
	if s != " " && s != "\n" { // cleaning trims; a typed space between two words must stay
		lead, trail := "", ""
		if strings.HasPrefix(s, " ") {
			lead = " "
		}
		if len(s) > 1 && strings.HasSuffix(s, " ") {
			trail = " "
		}
		if s = f.clean(s); s != "" {
			s = lead + s + trail
		}
	}
	if f.Allow != nil {
		s = strings.Map(func(r rune) rune {
			if !f.Allow(r) {
				return -1
			}
			return r
		}, s)
	}
	if f.Limit > 0 {
		room := f.Limit - len([]rune(f.text))
		if r := []rune(s); len(r) > room {
			s = string(r[:max(room, 0)])
		}
	}
	if s == "" {
		return false
	}
	f.text = f.text[:f.at] + s + f.text[f.at:]
	f.at += len(s)
	return true
}

// Key gives the field a key. handled: the key is the field's; changed: the text is another now.
func (f *Field) Key(k tea.Key) (handled, changed bool) {
	if k.Text != "" && k.Mod&^(tea.ModShift|tea.ModCapsLock|tea.ModNumLock) == 0 {
		return true, f.Insert(k.Text)
	}
	before := f.text
	switch k.Keystroke() {
	case "space", "shift+space":
		f.Insert(" ")
	case "enter", "shift+enter":
		if !f.Lines {
			return false, false
		}
		f.Insert("\n")
	case "left", "ctrl+b":
		f.at = f.before(f.at)
	case "right":
		f.at = f.after(f.at)
	case "ctrl+left", "alt+b", "alt+left":
		f.at = f.wordBefore()
	case "ctrl+right", "alt+f", "alt+right":
		f.at = f.wordAfter()
	case "home", "ctrl+a":
		f.at = strings.LastIndexByte(f.text[:f.at], '\n') + 1
	case "end", "ctrl+e":
		f.at = f.lineEnd(f.at)
	case "backspace", "shift+backspace", "ctrl+h":
		f.cut(f.before(f.at), f.at)
	case "delete", "ctrl+d":
		f.cut(f.at, f.after(f.at))
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		f.cut(f.wordBefore(), f.at)
	case "ctrl+u":
		f.cut(strings.LastIndexByte(f.text[:f.at], '\n')+1, f.at)
	case "ctrl+k":
		f.cut(f.at, f.lineEnd(f.at))
	default:
		return false, false
	}
	return true, f.text != before
}

func (f *Field) lineEnd(at int) int {
	if i := strings.IndexByte(f.text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(f.text)
}

func (f *Field) cut(from, to int) {
	f.text = f.text[:from] + f.text[to:]
	f.at = from
}

// next is the length in bytes and cells of the first character of s as people see it.
func next(s string) (n, cells int) {
	if s == "" {
		return 0, 0
	}
	if s[0] >= 0x20 && s[0] < 0x7f && (len(s) == 1 || s[1] < 0x80) {
		return 1, 1
	}
	if s[0] == '\n' {
		return 1, 0
	}
	c, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return max(len(c), 1), w
}

func (f *Field) after(at int) int {
	n, _ := next(f.text[at:])
	return at + n
}

func (f *Field) before(at int) int {
	prev := 0
	for i := 0; i < at; {
		prev = i
		n, _ := next(f.text[i:])
		i += n
	}
	return prev
}

func (f *Field) wordBefore() int {
	head := strings.TrimRightFunc(f.text[:f.at], unicode.IsSpace)
	i := strings.LastIndexFunc(head, unicode.IsSpace)
	if i < 0 {
		return 0
	}
	_, n := utf8.DecodeRuneInString(head[i:]) // not every space is one byte
	return i + n
}

func (f *Field) wordAfter() int {
	tail := f.text[f.at:]
	rest := strings.TrimLeftFunc(tail, unicode.IsSpace)
	i := strings.IndexFunc(rest, unicode.IsSpace)
	if i < 0 {
		return len(f.text)
	}
	return f.at + len(tail) - len(rest) + i
}

// Line returns the part of a one-line field that w cells show, and the cursor's column in it.
func (f *Field) Line(w int) (shown string, col int) {
	col = row.Width(f.text[:f.at])
	if w <= 1 {
		return "", 0
	}
	if col < f.top {
		f.top = col
	}
	if col > f.top+w-1 {
		f.top = col - w + 1
	}
	if total := row.Width(f.text); total < w {
		f.top = 0
	}
	return window(f.text, f.top, w), col - f.top
}

// window is what the cells from..from+w of s show; half a wide character is a space.
func window(s string, from, w int) string {
	var sb strings.Builder
	for at, i := 0, 0; i < len(s); {
		n, c := next(s[i:])
		switch {
		case at >= from+w:
			return sb.String()
		case at >= from && at+c <= from+w:
			sb.WriteString(s[i : i+n])
		case at < from && at+c > from, at < from+w && at+c > from+w:
			sb.WriteByte(' ')
		}
		i, at = i+n, at+c
	}
	return sb.String()
}

// Area returns the h lines of w cells that show a field of several lines, wrapped at spaces, and where the cursor stands.
func (f *Field) Area(w, h int) (lines []string, x, y int) {
	if w <= 1 || h <= 0 {
		return nil, 0, 0
	}
	var all []string
	start := 0
	place := func(from, to int, last bool) { // the line f.text[from:to]; the cursor stands on it when it is inside
		if f.at >= from && (f.at < to || last && f.at == to) {
			y, x = len(all), min(row.Width(f.text[from:f.at]), w-1)
		}
		all = append(all, strings.TrimRight(f.text[from:to], " \n"))
	}
	cells, space := 0, -1
	for i := 0; i < len(f.text); {
		n, c := next(f.text[i:])
		if f.text[i] == '\n' {
			place(start, i, true)
			start, cells, space = i+n, 0, -1
			i += n
			continue
		}
		for cells+c > w && i > start { // twice when a word that went to the next line is too wide for it
			end := i
			if space > start {
				end = space
			}
			place(start, end, false)
			start, space = end, -1
			cells = row.Width(f.text[start:i])
		}
		cells += c
		i += n
		if f.text[i-n] == ' ' {
			space = i
		}
	}
	place(start, len(f.text), true)
	f.top = min(f.top, max(len(all)-h, 0)) // a panel that grew shows more, not blanks
	if y < f.top {
		f.top = y
	}
	if y >= f.top+h {
		f.top = y - h + 1
	}
	return all[f.top:min(f.top+h, len(all))], x, y - f.top
}

// Move goes up or down by lines in a field of several lines that is w cells wide.
func (f *Field) Move(by int) {
	start := strings.LastIndexByte(f.text[:f.at], '\n') + 1
	col := row.Width(f.text[start:f.at])
	switch {
	case by < 0 && start == 0:
		f.at = 0
		return
	case by < 0:
		start = strings.LastIndexByte(f.text[:start-1], '\n') + 1
	default:
		end := f.lineEnd(f.at)
		if end == len(f.text) {
			f.at = end
			return
		}
		start = end + 1
	}
	at := start
	for end, cells := f.lineEnd(start), 0; at < end && cells < col; {
		n, c := next(f.text[at:])
		at, cells = at+n, cells+c
	}
	f.at = at
}
