package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"offhook/desk"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
)

// Stage is the screen at work: the program, the bridge that feeds it and the queue that takes its commands away. Run shows it
// on the real terminal, scripted play on a virtual one.
type Stage struct {
	model  *Model
	prog   *tea.Program
	queue  *bridge.Queue
	bridge *bridge.Bridge
	ctx    context.Context
	ending atomic.Bool // Stop was called
	stop   context.CancelFunc
	work   sync.WaitGroup
	done   chan struct{}
	err    error
}

// Open starts the screen on the streams that the options name. opt.Send may block: commands wait in a queue, in order. The
// screen ends with the desk (Snapshot.Quit), with ctx, or by Stop; then Done is closed and the last command was given.
func Open(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) *Stage {
	s := &Stage{queue: bridge.NewQueue(), bridge: bridge.New(snapshots), ctx: ctx, done: make(chan struct{})}
	deliver := opt.Send
	if deliver == nil {
		deliver = func(desk.Command) {}
	}
	opt.Send = s.queue.Put
	s.model = New(opt)
	s.prog = tea.NewProgram(s.model, append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(guard)}, more...)...)
	var inner context.Context
	inner, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.work.Go(func() { s.queue.Run(inner, deliver) })
	s.work.Go(func() { s.bridge.Run(inner, s.prog.Send) })
	go s.run()
	return s
}

func (s *Stage) run() {
	defer close(s.done)
	_, err := s.prog.Run()
	s.stop()
	s.work.Wait()
	if (s.ending.Load() || s.ctx.Err() != nil) && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)) {
		return
	}
	if err != nil {
		s.err = fmt.Errorf("the screen stopped: %w", err)
	}
}

// Busy counts what is on its way between keys, screen and desk: zero when all of it has come to rest.
func (s *Stage) Busy() int { return s.model.Busy() + s.queue.Busy() + s.bridge.Busy() }

// Applied is the Seq of the newest snapshot on the screen.
func (s *Stage) Applied() uint64 { return s.model.Applied() }

// Resize tells the screen the terminal's new size; a real terminal tells it by itself.
func (s *Stage) Resize(w, h int) { s.prog.Send(tea.WindowSizeMsg{Width: w, Height: h}) }

// Done is closed when the screen has ended.
func (s *Stage) Done() <-chan struct{} { return s.done }

// Err is why the screen ended; nil when it was asked to, or has not ended.
func (s *Stage) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends the screen whatever is up, and waits.
func (s *Stage) Stop() {
	s.ending.Store(true)
	s.prog.Kill()
	late := time.AfterFunc(2*time.Second, s.stop)
	defer late.Stop()
	<-s.done
}
