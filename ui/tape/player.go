package tape

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Program is what a tape is played against.
type Program interface {
	// Resize tells the program that the terminal has another size.
	Resize(w, h int)
	// Busy is how many things are under way in the program and behind it; zero when it has come to rest.
	Busy() int
	// Done is closed when the program has ended.
	Done() <-chan struct{}
	// Err is why it ended; nil when it was asked to.
	Err() error
	// Stop asks it to end and waits.
	Stop()
	// Taken is how many keys and pastes the program has acted upon.
	Taken() uint64
}

// World is a program behind which things can happen that no key of its own causes: somebody calls, or writes.
type World interface {
	// Happen makes it happen, in the words behind "#: world"; it returns when it is on its way.
	Happen(what string) error
}

// Terminal is the virtual terminal that a program is started on.
type Terminal struct {
	In            io.Reader
	Out           io.Writer
	Width, Height int
	Environ       []string
	Settings      []string // lines that the tape wants in the program's settings
}

// Start starts the program under test on a terminal.
type Start func(ctx context.Context, t Terminal) (Program, error)

// Failure is an expectation that was not met, with the screen as it was.
type Failure struct {
	File   string
	Line   int
	Step   string // the command as it stands in the tape
	Why    string
	Screen string
	Closer string // the line of the screen that comes nearest
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s\n  %s\n", f.File, f.Line, f.Step, f.Why)
	if f.Closer != "" {
		fmt.Fprintf(&b, "  nearest line: %s\n", f.Closer)
	}
	width := 0
	lines := strings.Split(f.Screen, "\n")
	for _, l := range lines {
		width = max(width, len([]rune(l)))
	}
	fmt.Fprintf(&b, "  ┌%s\n", strings.Repeat("─", width+1))
	for _, l := range lines {
		fmt.Fprintf(&b, "  │%s\n", l)
	}
	fmt.Fprintf(&b, "  └%s", strings.Repeat("─", width+1))
	return b.String()
}

// DiedError: the program under test ended in the middle of a tape.
type DiedError struct {
	File   string
	Line   int
	Err    error
	Screen string
}

func (e *DiedError) Error() string {
	return fmt.Sprintf("%s:%d: the program under test ended: %v\n%s", e.File, e.Line, e.Err, e.Screen)
}

// Unwrap gives the cause.
func (e *DiedError) Unwrap() error { return e.Err }

const (
	// takeLimit is how long a key may take until the program has acted upon it; some bytes are no key.
	takeLimit = 5 * time.Second
	// secondLook is how long an expectation may take that is not met when the program seems to rest: on a busy machine the screen
	// may still be on its way.
	secondLook = 5 * time.Second
)

// player plays one tape.
type player struct {
	script *Script
	screen *screen
	in     *pump
	prog   Program
	clip   string
}

// Play plays a tape. It returns nil, a *Failure, a *DiedError, or what kept the program from starting.
func Play(ctx context.Context, script *Script, start Start) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &player{script: script, screen: newScreen(script.Width, script.Height), in: newPump()}
	answered := make(chan struct{})
	go func() { defer close(answered); p.screen.answers(p.in) }()
	defer func() {
		p.screen.close()
		_ = p.in.Close()
		<-answered
	}()
	var err error
	p.prog, err = start(ctx, Terminal{
		In: p.in, Out: p.screen, Width: script.Width, Height: script.Height,
		Environ: []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, Settings: script.Settings,
	})
	if err != nil {
		return err
	}
	defer p.prog.Stop()
	for i, st := range script.steps {
		err := p.play(ctx, st)
		if err == nil {
			select {
			case <-p.prog.Done():
				err = p.died(st)
			default:
			}
		}
		var died *DiedError
		if errors.As(err, &died) && i == len(script.steps)-1 && (st.kind == doKeys || st.kind == doPause) && p.prog.Err() == nil {
			return nil // the tape ends with leaving
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *player) died(st step) error {
	err := p.prog.Err()
	if err == nil {
		err = errors.New("it was asked to end")
	}
	return &DiedError{File: st.file, Line: st.line, Err: err, Screen: p.screen.last()}
}

func (p *player) play(ctx context.Context, st step) error {
	switch st.kind {
	case doKeys:
		return p.keys(ctx, st)
	case doPause:
		return p.until(ctx, st, st.wait, func() bool { return false })
	case doWait:
		err := p.until(ctx, st, st.wait, func() bool { return st.re.MatchString(p.scope(st)) })
		if err == nil && !st.re.MatchString(p.scope(st)) {
			return p.fail(st, fmt.Sprintf("did not appear within %s", st.wait), st.re)
		}
		return err
	case doExpect:
		if met, err := p.settled(ctx, st, func() bool { return st.re.MatchString(p.screen.text()) }); err != nil || !met {
			return cmp.Or(err, p.fail(st, "is not on the screen", st.re))
		}
	case doAbsent:
		if met, err := p.settled(ctx, st, func() bool { return !st.re.MatchString(p.screen.text()) }); err != nil || !met {
			return cmp.Or(err, p.fail(st, "is on the screen", nil))
		}
	case doIdle:
		return p.rest(ctx, st)
	case doResize:
		p.screen.resize(st.w, st.h)
		p.prog.Resize(st.w, st.h)
	case doShot:
		if err := p.rest(ctx, st); err != nil {
			return err
		}
		return p.shoot(st.arg)
	case doCopy:
		p.clip = st.arg
	case doWorld:
		world, ok := p.prog.(World)
		if !ok {
			return p.fail(st, "nothing can happen behind this program: it works with a world of its own", nil)
		}
		if err := world.Happen(st.arg); err != nil {
			return p.fail(st, err.Error(), nil)
		}
	case doPaste:
		return p.send(ctx, st, "\x1b[200~"+p.clip+"\x1b[201~")
	}
	return nil
}

// keys types, one key at a time.
func (p *player) keys(ctx context.Context, st step) error {
	for _, k := range st.keys {
		if err := p.send(ctx, st, k); err != nil {
			return err
		}
	}
	return nil
}

// send types one key or paste and waits until the program has acted upon it. So an Escape is over before the next key, which would else
// make Alt+key of it, and what the key sets going is counted by Busy before anybody asks.
func (p *player) send(ctx context.Context, st step, bytes string) error {
	before := p.prog.Taken()
	_, _ = p.in.Write([]byte(bytes))
	if err := p.until(ctx, st, waitLimit, p.in.empty); err != nil {
		return err
	}
	return p.until(ctx, st, takeLimit, func() bool { return p.prog.Taken() > before })
}

// settled waits for rest, and tells whether the screen is then, or soon, as it should be.
func (p *player) settled(ctx context.Context, st step, met func() bool) (bool, error) {
	if err := p.rest(ctx, st); err != nil {
		return false, err
	}
	if err := p.until(ctx, st, secondLook, met); err != nil {
		return false, err
	}
	return met(), nil
}

// rest waits until the program has read its input, nothing is under way behind it, and the screen stands still.
func (p *player) rest(ctx context.Context, st step) error {
	quiet, writes := 0, uint64(0)
	err := p.until(ctx, st, waitLimit, func() bool {
		p.screen.mu.Lock()
		w := p.screen.writes
		p.screen.mu.Unlock()
		if !p.in.empty() || p.prog.Busy() > 0 || w != writes {
			quiet, writes = 0, w
			return false
		}
		quiet++
		return quiet >= 4 // four looks in a row: longer than the renderer keeps a frame back
	})
	if err == nil && quiet < 4 && p.prog.Busy() > 0 {
		return p.fail(st, fmt.Sprintf("the program did not come to rest within %s", waitLimit), nil)
	}
	return err
}

func (p *player) scope(st step) string {
	if st.last {
		return p.screen.line()
	}
	return p.screen.text()
}

// until looks whenever the screen changes, and every 10 ms, until ready or the limit is over; running out is the caller's
// to judge.
func (p *player) until(ctx context.Context, st step, limit time.Duration, ready func() bool) error {
	over := time.NewTimer(limit)
	defer over.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return nil
		case <-p.prog.Done():
			if ready() {
				return nil
			}
			return p.died(st)
		case <-p.screen.wake:
		case <-look.C:
		}
	}
	return nil
}

func (p *player) fail(st step, why string, re *regexp.Regexp) error {
	f := &Failure{File: st.file, Line: st.line, Step: st.text, Why: why, Screen: p.screen.text()}
	if re != nil {
		f.Closer = nearestLine(re, f.Screen)
	}
	return f
}

// nearestLine is the line that shares most words with the pattern.
func nearestLine(re *regexp.Regexp, screen string) string {
	words := strings.FieldsFunc(re.String(), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') })
	best, most := "", 0
	for line := range strings.SplitSeq(screen, "\n") {
		n := 0
		for _, w := range words {
			if len(w) > 2 && strings.Contains(strings.ToLower(line), strings.ToLower(w)) {
				n++
			}
		}
		if n > most {
			best, most = strings.TrimSpace(line), n
		}
	}
	return best
}
