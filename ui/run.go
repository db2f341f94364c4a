package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"offhook/desk"
	"offhook/ui/bridge"
	"offhook/ui/theme"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
)

// NoTerminalError: the screen needs a terminal and there is none.
type NoTerminalError struct{ Stream string }

func (e *NoTerminalError) Error() string {
	return fmt.Sprintf("offhook's screen needs a terminal, but %s is not one: start it in a terminal, or use offhook play for scripts", e.Stream)
}

// Run shows the screen on the program's terminal until the desk has finished (Snapshot.Quit) or ctx ends, and leaves the
// terminal as it was. opt.Send may block: commands wait in a queue, in order, and Run returns when the last was given.
func Run(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) error {
	if !term.IsTerminal(os.Stdin.Fd()) {
		return &NoTerminalError{"standard input"}
	}
	if !term.IsTerminal(os.Stdout.Fd()) {
		return &NoTerminalError{"standard output"}
	}
	if _, err := theme.Named(opt.Theme, true); err != nil {
		return err
	}
	r := Start(ctx, opt, snapshots, more...)
	<-r.Done()
	return r.Err()
}

// Running is a screen that is being shown. Its methods may be called from any goroutine.
type Running struct {
	model   *Model
	program *tea.Program
	queue   *bridge.Queue
	bridge  *bridge.Bridge
	behind  func() int
	closing atomic.Bool
	done    chan struct{}
	err     error // settled when done is closed
}

// Start shows the screen on whatever streams the program options name, a virtual terminal for example, and returns at
// once. The caller waits for Done.
func Start(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) *Running {
	deliver := opt.Send
	if deliver == nil {
		deliver = func(desk.Command) {}
	}
	r := &Running{queue: bridge.NewQueue(), bridge: bridge.New(snapshots), behind: opt.Busy, done: make(chan struct{})}
	opt.Send = r.queue.Put
	r.model = New(opt)
	filter := func(m tea.Model, msg tea.Msg) tea.Msg {
		if r.closing.Load() {
			return msg
		}
		return guard(m, msg)
	}
	r.program = tea.NewProgram(r.model, append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(filter)}, more...)...)
	go r.run(ctx, deliver)
	return r
}

// run owns everything that runs for the screen, and ends when all of it has.
func (r *Running) run(ctx context.Context, deliver func(desk.Command)) {
	defer close(r.done)
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { r.queue.Run(inner, deliver) })
	helpers.Go(func() { r.bridge.Run(inner, r.program.Send) })
	_, err := r.program.Run()
	stop()
	helpers.Wait()
	switch {
	case err == nil:
	case ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)): // asked to end
	default:
		r.err = fmt.Errorf("the screen stopped: %w", err)
	}
}

// Resize tells the screen that its terminal has another size; a real terminal tells it by itself.
func (r *Running) Resize(w, h int) { r.program.Send(tea.WindowSizeMsg{Width: w, Height: h}) }

// Busy is how many things are under way: snapshots on their way to the screen, commands on their way to the desk, and
// what Options.Busy counts behind it. Zero: what can be seen is what is.
func (r *Running) Busy() int {
	n := r.queue.Busy() + r.bridge.Busy() + r.model.Busy()
	if r.behind != nil {
		n += r.behind()
	}
	if r.model.Applied() != r.bridge.Sent() {
		n++
	}
	return n
}

// Done is closed when the screen has ended and the terminal is as it was.
func (r *Running) Done() <-chan struct{} { return r.done }

// Err is why the screen ended; nil when it was asked to, and while it runs.
func (r *Running) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Stop ends the screen without asking anybody, and waits.
func (r *Running) Stop() {
	r.closing.Store(true)
	r.program.Quit()
	<-r.done
}

// guard keeps the program from ending under a call: a signal that asks it to end becomes the desk's question, and ends it
// when it comes again while the question stands.
func guard(model tea.Model, msg tea.Msg) tea.Msg {
	m, ok := model.(*Model)
	if !ok {
		return msg
	}
	switch msg.(type) {
	case tea.QuitMsg, tea.InterruptMsg:
		if m.snap.Quit || m.snap.Leaving || !m.page.Live() {
			return tea.QuitMsg{}
		}
		m.opt.Send(desk.Command{Verb: desk.Quit})
		return nil
	}
	return msg
}
