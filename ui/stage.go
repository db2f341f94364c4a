package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"offhook/desk"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
)

// Stage is the screen at work: the program, the bridge that feeds it and the queue that takes its commands away. Run
// shows it on the real terminal, scripted play on a virtual one. Its methods may be called from any goroutine.
type Stage struct {
	model   *Model
	program *tea.Program
	queue   *bridge.Queue
	bridge  *bridge.Bridge
	behind  func() int
	closing atomic.Bool
	taken   atomic.Uint64
	done    chan struct{}
	err     error // settled when done is closed
}

// Open shows the screen on whatever streams the program options name, a virtual terminal for example, and returns at
// once. opt.Send may block: commands wait in a queue, in order. The stage ends with the desk (Snapshot.Quit), with ctx, or
// by Stop; the caller waits for Done.
func Open(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) *Stage {
	deliver := opt.Send
	if deliver == nil {
		deliver = func(desk.Command) {}
	}
	s := &Stage{queue: bridge.NewQueue(), bridge: bridge.New(snapshots), behind: opt.Busy, done: make(chan struct{})}
	opt.Send = s.queue.Put
	s.model = New(opt)
	filter := func(m tea.Model, msg tea.Msg) tea.Msg {
		if s.closing.Load() {
			return msg
		}
		if w, ok := m.(bridge.Watched); ok {
			m = w.Model
		}
		return guard(m, msg)
	}
	var root tea.Model = s.model
	if opt.Beside.Page != nil {
		root = newPair(s.model, opt.Beside)
	}
	// Signals end the program by ctx, as main has it. Bubble Tea's own handler would wait for ever for its event loop, which ctx
	// has ended by then: SIGTERM would leave a dead screen over a desk that goes on taking calls.
	s.program = tea.NewProgram(bridge.Watched{Model: root, Taken: &s.taken}, append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(filter), tea.WithoutSignalHandler()}, more...)...)
	go s.run(ctx, deliver)
	return s
}

// run owns everything that runs for the screen, and ends when all of it has.
func (s *Stage) run(ctx context.Context, deliver func(desk.Command)) {
	defer close(s.done)
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { s.queue.Run(inner, deliver) })
	helpers.Go(func() { s.bridge.Run(inner, s.program.Send) })
	_, err := s.program.Run()
	stop()
	helpers.Wait()
	switch {
	case err == nil:
	case ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)): // asked to end
	default:
		s.err = fmt.Errorf("the screen stopped: %w", err)
	}
}

// Resize tells the screen that its terminal has another size; a real terminal tells it by itself.
func (s *Stage) Resize(w, h int) { s.program.Send(tea.WindowSizeMsg{Width: w, Height: h}) }

// Busy is how many things are under way: snapshots on their way to the screen, commands on their way to the desk, and
// what Options.Busy counts behind it. Zero: what can be seen is what is.
func (s *Stage) Busy() int {
	n := s.queue.Busy() + s.bridge.Busy() + s.model.Busy()
	if s.behind != nil {
		n += s.behind()
	}
	if s.model.Applied() != s.bridge.Sent() {
		n++
	}
	return n
}

// Taken is how many keys and pastes the screen has acted upon; what they set going is counted by Busy by then.
func (s *Stage) Taken() uint64 { return s.taken.Load() }

// Applied is the Seq of the newest snapshot on the screen.
func (s *Stage) Applied() uint64 { return s.model.Applied() }

// Done is closed when the screen has ended and the terminal is as it was.
func (s *Stage) Done() <-chan struct{} { return s.done }

// Err is why the screen ended; nil when it was asked to, and while it runs.
func (s *Stage) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends the screen without asking anybody, and waits.
func (s *Stage) Stop() {
	s.closing.Store(true)
	s.program.Quit()
	<-s.done
}
