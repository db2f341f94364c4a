package tape

import (
	"fmt"
	"html"
	"image/color"
	"os"
	"path/filepath"
	"strings"
)

// shotKinds are the pictures that can be made.
var shotKinds = []string{".svg", ".txt", ".ansi"}

// shoot writes a picture of the screen: .txt, .ansi or .svg by its ending.
func (p *player) shoot(path string) error {
	var body string
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".txt":
		body = p.screen.text() + "\n"
	case ".ansi":
		body = p.screen.ansi() + "\n"
	case ".svg":
		body = SVG(p.screen.cells())
	default:
		return fmt.Errorf("a shot is .txt, .ansi or .svg, not %q", ext)
	}
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(body), 0o644)
}

// The geometry of an SVG picture, in pixels.
const (
	cellW, cellH = 8.4, 17
	margin       = 14
)

// SVG draws a screen. Every run of equal style becomes one text element that is stretched to its cells, so that the columns
// stand whatever font the viewer has.
func SVG(rows [][]Cell) string {
	cols := 0
	for _, r := range rows {
		n := 0
		for _, c := range r {
			n += c.Width
		}
		cols = max(cols, n)
	}
	var b strings.Builder
	w, h := float64(cols)*cellW+2*margin, float64(len(rows))*cellH+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="#16181d"/>`+"\n")
	b.WriteString(`<g font-family="ui-monospace,'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" fill="#d7dae0" xml:space="preserve">` + "\n")
	for y, row := range rows {
		x := 0
		for i := 0; i < len(row); {
			run := row[i]
			text, width := "", 0
			for i < len(row) && sameStyle(row[i], run) {
				text += row[i].Text
				width += row[i].Width
				i++
			}
			drawRun(&b, run, text, x, y, width)
			x += width
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

func sameStyle(a, b Cell) bool {
	return a.Fg == b.Fg && a.Bg == b.Bg && a.Bold == b.Bold && a.Reverse == b.Reverse && a.Faint == b.Faint
}

func drawRun(b *strings.Builder, style Cell, text string, x, y, width int) {
	fg, bg := style.Fg, style.Bg
	if style.Reverse {
		fg, bg = bg, fg
		if fg == nil {
			fg = color.RGBA{0x16, 0x18, 0x1d, 0xff}
		}
		if bg == nil {
			bg = color.RGBA{0xd7, 0xda, 0xe0, 0xff}
		}
	}
	left, top := margin+float64(x)*cellW, margin+float64(y)*cellH
	if bg != nil {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, float64(width)*cellW, cellH, hex(bg))
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	attrs := ""
	if fg != nil {
		attrs += ` fill="` + hex(fg) + `"`
	}
	if style.Bold {
		attrs += ` font-weight="bold"`
	}
	if style.Faint {
		attrs += ` opacity="0.6"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		left, top+12.8, float64(width)*cellW, attrs, html.EscapeString(text))
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
