package theme

import (
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ink is one style as the two strings that switch it on and off, so that painting a word costs two writes and no
// measuring. The zero Ink paints nothing around the text.
type Ink struct{ on string }

const off = "\x1b[m"

// Paint writes s in this ink.
func (k Ink) Paint(sb *strings.Builder, s string) {
	if s == "" {
		return
	}
	if k.on == "" {
		sb.WriteString(s)
		return
	}
	sb.WriteString(k.on)
	sb.WriteString(s)
	sb.WriteString(off)
}

// Render returns s in this ink.
func (k Ink) Render(s string) string {
	if k.on == "" || s == "" {
		return s
	}
	return k.on + s + off
}

type attr uint8

const (
	bold attr = 1 << iota
	underline
	reverse
	italic
)

// mix makes an ink; a nil colour is the terminal's own.
func mix(fg, bg color.Color, a attr) Ink {
	s := ansi.NewStyle()
	if a&bold != 0 {
		s = s.Bold()
	}
	if a&italic != 0 {
		s = s.Italic(true)
	}
	if a&underline != 0 {
		s = s.Underline(true)
	}
	if a&reverse != 0 {
		s = s.Reverse(true)
	}
	if fg != nil {
		s = s.ForegroundColor(fg)
	}
	if bg != nil {
		s = s.BackgroundColor(bg)
	}
	if len(s) == 0 {
		return Ink{}
	}
	return Ink{s.String()}
}
