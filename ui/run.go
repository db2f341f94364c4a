package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

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
	return run(ctx, opt, snapshots, more...)
}

// run is Run on any streams that the options name.
func run(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) error {
	queue := bridge.NewQueue()
	deliver := opt.Send
	if deliver == nil {
		deliver = func(desk.Command) {}
	}
	opt.Send = queue.Put
	model := New(opt)
	p := tea.NewProgram(model, append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(guard)}, more...)...)

	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { queue.Run(inner, deliver) })
	done.Go(func() { bridge.New(snapshots).Run(inner, p.Send) })
	_, err := p.Run()
	stop()
	done.Wait()
	if ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)) {
		return nil // asked to end
	}
	if err != nil {
		return fmt.Errorf("the screen stopped: %w", err)
	}
	return nil
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
			if _, interrupted := msg.(tea.InterruptMsg); interrupted {
				return tea.QuitMsg{}
			}
			return msg
		}
		m.opt.Send(desk.Command{Verb: desk.Quit})
		return nil
	}
	return msg
}
