package tape

import (
	"context"
	"sync/atomic"
	"time"

	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// Options are what a Bubble Tea program needs to run on a virtual terminal.
func (t Terminal) Options(ctx context.Context) []tea.ProgramOption {
	return []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(t.In), tea.WithOutput(t.Out), tea.WithWindowSize(t.Width, t.Height), tea.WithFPS(120),
		tea.WithColorProfile(colorprofile.TrueColor), tea.WithoutSignalHandler(), tea.WithEnvironment(t.Environ),
	}
}

// teaProgram is a Program around a Bubble Tea program.
type teaProgram struct {
	p     *tea.Program
	busy  func() int
	taken atomic.Uint64
	done  chan struct{}
	err   error
}

// StartTea runs a model on a virtual terminal. busy counts what is under way behind the model; nil: nothing ever is.
func StartTea(ctx context.Context, model tea.Model, t Terminal, busy func() int, more ...tea.ProgramOption) Program {
	if busy == nil {
		busy = func() int { return 0 }
	}
	tp := &teaProgram{busy: busy, done: make(chan struct{})}
	tp.p = tea.NewProgram(bridge.Watched{Model: model, Taken: &tp.taken}, append(t.Options(ctx), more...)...)
	go func() {
		defer close(tp.done)
		_, tp.err = tp.p.Run()
	}()
	return tp
}

func (t *teaProgram) Resize(w, h int)       { t.p.Send(tea.WindowSizeMsg{Width: w, Height: h}) }
func (t *teaProgram) Busy() int             { return t.busy() }
func (t *teaProgram) Taken() uint64         { return t.taken.Load() }
func (t *teaProgram) Done() <-chan struct{} { return t.done }

func (t *teaProgram) Err() error {
	select {
	case <-t.done:
		return t.err
	default:
		return nil
	}
}

// Stop asks the program to end, and ends it when it does not.
func (t *teaProgram) Stop() {
	t.p.Quit()
	late := time.AfterFunc(2*time.Second, t.p.Kill)
	defer late.Stop()
	<-t.done
}
