package boardpage

import (
	"context"
	"errors"
	"fmt"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// Run shows the board on the program's terminal until the supervisor leaves or ctx ends, and leaves the terminal as it was.
func Run(ctx context.Context, opt Options, more ...tea.ProgramOption) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	p := tea.NewProgram(New(inner, opt), append([]tea.ProgramOption{tea.WithContext(ctx)}, more...)...)
	var done sync.WaitGroup
	done.Go(func() { Feed(inner, opt.Source, p.Send) })
	_, err := p.Run()
	stop()
	done.Wait()
	if ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)) {
		return nil // asked to end
	}
	if err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return fmt.Errorf("the board stopped: %w", err)
	}
	return nil
}

// Feed tells a program about every change of the source, until ctx ends. The source says at most ten times a second that it
// has changed; the rows themselves are fetched when the screen is drawn.
func Feed(ctx context.Context, source Source, send func(tea.Msg)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-source.Changes():
			send(Dirty{})
		}
	}
}
