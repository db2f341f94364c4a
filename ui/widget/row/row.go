// Package row lays words out on lines of a fixed width.
//
// Every line that leaves this package is exactly as wide as was asked for, so that columns and boxes fit together
// without measuring styled text again. It works on cells, not characters, and knows nothing of what it lays out.
package row

import (
	"strings"

	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

// Seg is a piece of text in one ink.
type Seg struct {
	Ink  theme.Ink
	Text string
}

// Width is the number of cells that s takes.
func Width(s string) int {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// Fit shortens s to at most w cells, ending in … when something was cut.
func Fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if Width(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, "…")
}

const spaces = "                                                                                                                                "

// Blank is a line of w spaces.
func Blank(w int) string {
	if w <= 0 {
		return ""
	}
	if w <= len(spaces) {
		return spaces[:w]
	}
	return strings.Repeat(" ", w)
}

// Row is one line under construction. Use New.
type Row struct {
	sb      strings.Builder
	used, w int
	limit   int
	cut     bool // something did not fit: nothing may follow it but what Right puts
}

// New starts a line of w cells.
func New(w int) *Row {
	r := &Row{w: max(w, 0), limit: max(w, 0)}
	r.sb.Grow(w + 64)
	return r
}

// Keep reserves n cells at the right end, for what Right will put there.
func (r *Row) Keep(n int) *Row {
	r.limit = max(r.w-n, 0)
	return r
}

// Left is how many cells are free.
func (r *Row) Left() int { return max(r.limit-r.used, 0) }

// Used is the column at which the next text begins.
func (r *Row) Used() int { return r.used }

// Put writes s, shortened to what fits.
func (r *Row) Put(ink theme.Ink, s string) *Row {
	left := r.limit - r.used
	if left <= 0 || s == "" || r.cut {
		return r
	}
	n := Width(s)
	if n > left {
		s = Fit(s, left)
		n, r.cut = Width(s), true
	}
	ink.Paint(&r.sb, s)
	r.used += n
	return r
}

// Raw writes s, which takes n cells and holds escape sequences of our own making.
func (r *Row) Raw(s string, n int) *Row {
	if r.used+n <= r.limit {
		r.sb.WriteString(s)
		r.used += n
	}
	return r
}

// Gap writes n spaces.
func (r *Row) Gap(n int) *Row {
	n = min(n, r.limit-r.used)
	if n > 0 {
		r.sb.WriteString(Blank(n))
		r.used += n
	}
	return r
}

// To moves to a column.
func (r *Row) To(col int) *Row { return r.Gap(col - r.used) }

// Cell writes s in a column of w cells and one space behind it.
func (r *Row) Cell(ink theme.Ink, s string, w int) *Row {
	end := r.used + w
	return r.Put(ink, Fit(s, min(w, r.limit-r.used))).To(end).Gap(1)
}

// Segs writes several pieces.
func (r *Row) Segs(segs ...Seg) *Row {
	for _, s := range segs {
		r.Put(s.Ink, s.Text)
	}
	return r
}

// Right writes the pieces flush right; what was kept for them is free now.
func (r *Row) Right(segs ...Seg) *Row {
	r.limit, r.cut = r.w, false
	return r.To(r.w - SegsWidth(segs)).Segs(segs...)
}

// Fill writes ch up to the right end, less keep cells.
func (r *Row) Fill(ink theme.Ink, ch string, keep int) *Row {
	r.cut = false
	if n := r.limit - r.used - keep; n > 0 {
		ink.Paint(&r.sb, strings.Repeat(ch, n))
		r.used += n
	}
	return r
}

// String is the line, filled with spaces to its width.
func (r *Row) String() string {
	r.limit = r.w
	r.Gap(r.w - r.used)
	return r.sb.String()
}

// SegsWidth is the number of cells that the pieces take together.
func SegsWidth(segs []Seg) int {
	n := 0
	for _, s := range segs {
		n += Width(s.Text)
	}
	return n
}

// Line is the common case: pieces on the left, pieces on the right, the left side shortened when both do not fit.
func Line(w int, left []Seg, right ...Seg) string {
	r := New(w)
	if n := SegsWidth(right); n > 0 && n < w {
		r.Keep(n + 1)
		return r.Segs(left...).Right(right...).String()
	}
	return r.Segs(left...).String()
}

// Height makes lines exactly h lines of w cells: it cuts what is too much and adds blank lines.
func Height(lines []string, w, h int) []string {
	if h < 0 {
		h = 0
	}
	if len(lines) > h {
		return lines[:h]
	}
	for len(lines) < h {
		lines = append(lines, Blank(w))
	}
	return lines
}

// Columns joins blocks of lines side by side with a divider between them. Each block holds lines of its own width.
func Columns(h int, divider string, widths []int, blocks ...[]string) []string {
	out := make([]string, h)
	var sb strings.Builder
	for y := range h {
		sb.Reset()
		for i, b := range blocks {
			if i > 0 {
				sb.WriteString(divider)
			}
			if y < len(b) {
				sb.WriteString(b[y])
			} else {
				sb.WriteString(Blank(widths[i]))
			}
		}
		out[y] = sb.String()
	}
	return out
}

// Wrap breaks s into lines of at most w cells, at spaces where it can.
func Wrap(s string, w int) []string {
	if w <= 0 || s == "" {
		return nil
	}
	var out []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for Width(word) > w {
			if line != "" {
				out, line = append(out, line), ""
			}
			head := ansi.Truncate(word, w, "")
			if head == "" { // a cell too narrow for a wide character
				return append(out, Fit(word, w))
			}
			out, word = append(out, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= w:
			line += " " + word
		default:
			out, line = append(out, line), word
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
