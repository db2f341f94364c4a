package boardpage

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// Run shows the board on the program's terminal until the supervisor leaves or ctx ends, and leaves the terminal as it was.
func Run(ctx context.Context, opt Options, more ...tea.ProgramOption) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	// Signals end the board by ctx; Bubble Tea's own handler could then never end.
	p := tea.NewProgram(New(inner, opt), append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithoutSignalHandler()}, more...)...)
	_, err := p.Run()
	if ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)) {
		return nil // asked to end
	}
	if err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return fmt.Errorf("the board stopped: %w", err)
	}
	return nil
}
