package tape

import (
	"bytes"
	"image/color"
	"io"
	"strings"
	"sync"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// screen is a virtual terminal. It is safe for use from many goroutines: the emulator's own cells are only read under the
// lock that its writer holds.
type screen struct {
	mu     sync.Mutex
	em     *vt.Emulator
	title  string
	titles []string // the renderer clears the title when it ends
	bells  int
	clip   string
	writes uint64
	left   string        // the screen as it was when the program went back to the shell's
	wake   chan struct{} // a write has come
}

// Cell is one cell of the screen, as pictures need it.
type Cell struct {
	Text          string
	Width         int
	Fg, Bg        color.Color // nil: the terminal's own
	Bold, Reverse bool
	Faint         bool
}

func newScreen(w, h int) *screen {
	s := &screen{em: vt.NewEmulator(w, h), wake: make(chan struct{}, 1)}
	s.em.SetCallbacks(vt.Callbacks{
		Bell:  func() { s.bells++ },
		Title: func(t string) { s.title = t; s.titles = append(s.titles, t) },
	})
	s.em.RegisterOscHandler(52, func(data []byte) bool { s.clip = string(data); return true })
	// Without a tty the renderer leaves carriage returns to the terminal.
	_, _ = s.em.Write([]byte(ansi.SetModeLineFeedNewLine))
	return s
}

// Write is what the program prints.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	if s.em.IsAltScreen() && bytes.Contains(p, []byte(ansi.ResetModeAltScreenSaveCursor)) {
		s.left = s.lines()
	}
	n, err := s.em.Write(p)
	s.writes++
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return n, err
}

func (s *screen) resize(w, h int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.em.Resize(w, h)
}

// text is the screen as lines, without trailing blanks.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines()
}

// last is the screen, or when the program has left it, the screen as it was before.
func (s *screen) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left != "" {
		return s.left
	}
	return s.lines()
}

func (s *screen) lines() string {
	lines := strings.Split(s.em.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \r")
	}
	return strings.Join(lines, "\n")
}

// line is the line that the cursor is on.
func (s *screen) line() string {
	lines := strings.Split(s.text(), "\n")
	s.mu.Lock()
	y := s.em.CursorPosition().Y
	s.mu.Unlock()
	if y < len(lines) {
		return lines[y]
	}
	return ""
}

// cells copies the screen.
func (s *screen) cells() [][]Cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make([][]Cell, s.em.Height())
	for y := range rows {
		for x := 0; x < s.em.Width(); {
			c := s.em.CellAt(x, y)
			cell := Cell{Text: " ", Width: 1}
			if c != nil && c.Content != "" {
				cell = Cell{Text: c.Content, Width: max(c.Width, 1), Fg: c.Style.Fg, Bg: c.Style.Bg}
				cell.Bold = c.Style.Attrs&uv.AttrBold != 0
				cell.Faint = c.Style.Attrs&uv.AttrFaint != 0
				cell.Reverse = c.Style.Attrs&uv.AttrReverse != 0
			}
			rows[y] = append(rows[y], cell)
			x += cell.Width
		}
	}
	return rows
}

func (s *screen) ansi() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.em.Render()
}

// answers copies what the terminal answers to queries (device attributes, colours) to the program's input. The emulator
// blocks in Write until somebody reads its answers, so this must run before the program starts; it ends with the close of
// the emulator's input.
func (s *screen) answers(to io.Writer) { _, _ = io.Copy(to, readerFunc(s.em.Read)) }

func (s *screen) close() {
	if c, ok := s.em.InputPipe().(io.Closer); ok {
		_ = c.Close()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// pump is an unbounded pipe: neither the terminal's answers nor the player's keys ever wait for the program.
type pump struct {
	mu  sync.Mutex
	c   *sync.Cond
	buf []byte
	eof bool
}

func newPump() *pump { p := &pump{}; p.c = sync.NewCond(&p.mu); return p }

func (p *pump) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = append(p.buf, b...)
	p.c.Broadcast()
	return len(b), nil
}

func (p *pump) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && !p.eof {
		p.c.Wait()
	}
	if len(p.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	return n, nil
}

// empty reports whether the program has read everything.
func (p *pump) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.buf) == 0
}

func (p *pump) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eof = true
	p.c.Broadcast()
	return nil
}
