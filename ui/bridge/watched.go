package bridge

import (
	"sync/atomic"

	tea "charm.land/bubbletea/v2"
)

// Watched is a model whose keys and pastes are counted in Taken when it has acted upon them: whoever types for somebody sends the next one
// then.
type Watched struct {
	tea.Model
	Taken *atomic.Uint64
}

// Update implements tea.Model.
func (w Watched) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	next, cmd := w.Model.Update(msg)
	switch msg.(type) {
	case tea.KeyPressMsg, tea.PasteMsg:
		w.Taken.Add(1)
	}
	return Watched{next, w.Taken}, cmd
}
