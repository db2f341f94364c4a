package ui

import (
	"offhook/desk"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
)

// Beside is a second page in the desk's terminal, such as the board of the team in the demo. A key changes between the two;
// a ringing call brings the desk to the front.
type Beside struct {
	Page  tea.Model
	Key   string // as Key.Keystroke tells it: "ctrl+b"
	First bool   // the page is shown before the desk
}

// pair is the root model of two pages. Keys, pastes and clicks go to the page that is shown, everything else to both.
type pair struct {
	desk   *Model
	beside Beside
	other  tea.Model
	away   bool // the second page is shown
	rang   bool
}

func newPair(d *Model, b Beside) *pair {
	return &pair{desk: d, beside: b, other: b.Page, away: b.First}
}

// Init implements tea.Model.
func (p *pair) Init() tea.Cmd { return tea.Batch(p.desk.Init(), p.other.Init()) }

// Update implements tea.Model.
func (p *pair) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		if msg.Keystroke() == p.beside.Key {
			p.away = !p.away
			return p, nil
		}
		return p, p.shown(msg)
	case tea.KeyReleaseMsg, tea.PasteMsg, tea.MouseMsg:
		return p, p.shown(msg)
	case bridge.Snapshot:
		ringing := msg.State == desk.Ringing
		if ringing && !p.rang {
			p.away = false
		}
		p.rang = ringing
	}
	_, first := p.desk.Update(msg)
	var second tea.Cmd
	p.other, second = p.other.Update(msg)
	return p, tea.Batch(first, second)
}

func (p *pair) shown(msg tea.Msg) (cmd tea.Cmd) {
	if p.away {
		p.other, cmd = p.other.Update(msg)
		return cmd
	}
	_, cmd = p.desk.Update(msg)
	return cmd
}

// View implements tea.Model.
func (p *pair) View() tea.View {
	if p.away {
		return p.other.View()
	}
	return p.desk.View()
}
