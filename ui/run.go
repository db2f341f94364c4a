package ui

import (
	"context"
	"fmt"
	"os"

	"offhook/desk"
	"offhook/ui/theme"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
)

// NoTerminalError: the screen needs a terminal and there is none.
type NoTerminalError struct{ Stream string }

func (e *NoTerminalError) Error() string {
	return fmt.Sprintf("offhook's screen needs a terminal, but %s is not one: start it in a terminal, or use offhook play for scripts", e.Stream)
}

// CheckTerminal tells whether Run can show a screen here: nil, or a NoTerminalError.
func CheckTerminal() error {
	if !term.IsTerminal(os.Stdin.Fd()) {
		return &NoTerminalError{"standard input"}
	}
	if !term.IsTerminal(os.Stdout.Fd()) {
		return &NoTerminalError{"standard output"}
	}
	return nil
}

// Run shows the screen on the program's terminal until the desk has finished (Snapshot.Quit) or ctx ends, and leaves the
// terminal as it was. opt.Send may block: commands wait in a queue, in order, and Run returns when the last was given.
func Run(ctx context.Context, opt Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) error {
	if err := CheckTerminal(); err != nil {
		return err
	}
	if _, err := theme.Named(opt.Theme, true); err != nil {
		return err
	}
	s := Open(ctx, opt, snapshots, more...)
	<-s.Done()
	return s.Err()
}

// guard keeps the program from ending under a call: a signal that asks it to end becomes the desk's question, and ends it
// when it comes again while the question stands.
func guard(model tea.Model, msg tea.Msg) tea.Msg {
	if p, ok := model.(*pair); ok {
		model = p.desk
	}
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
