package ui

import (
	"net/url"
	"strings"

	"offhook/internal/text"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Multiplexer is a program between offhook and the terminal that keeps the clipboard to itself.
type Multiplexer string

// The multiplexers. tmux takes OSC 52 itself only with "set-clipboard on", and hands it on, wrapped, with "allow-passthrough on": it is
// told both ways. GNU screen hands on what is wrapped.
const (
	NoMultiplexer Multiplexer = ""
	Tmux          Multiplexer = "tmux"
	Screen        Multiplexer = "screen"
)

// Around guesses the multiplexer from the environment.
func Around(getenv func(string) string) Multiplexer {
	switch {
	case getenv("TMUX") != "":
		return Tmux
	case getenv("STY") != "":
		return Screen
	}
	return NoMultiplexer
}

// screenChunk is the longest piece that GNU screen hands on.
const screenChunk = 76

// copy puts clean text on the clipboard of the terminal that the agent sits at (OSC 52), which works over SSH.
func (m *Model) copy(s string) tea.Cmd {
	switch m.opt.Inside {
	case Tmux:
		return tea.Batch(tea.SetClipboard(s), tea.Raw(ansi.TmuxPassthrough(ansi.SetSystemClipboard(s))))
	case Screen:
		return tea.Raw(ansi.ScreenPassthrough(ansi.SetSystemClipboard(s), screenChunk))
	}
	return tea.SetClipboard(s)
}

// browsed tells whether an address was opened.
type browsed struct {
	address string
	opened  bool
}

// browse opens a record in the browser: https addresses of the signed-in org, and nothing else. Where no browser can be, the address
// is copied.
func (m *Model) browse(address string) tea.Cmd {
	open, org := m.opt.Browse, m.snap.Agent.Org.String()
	return func() tea.Msg {
		return browsed{address, open != nil && OwnPage(address, org) && open(address)}
	}
}

func (m *Model) browsed(b browsed) tea.Cmd {
	if b.opened {
		m.flash = text.Clean("Opening in the browser: " + b.address)
		return nil
	}
	why := "No browser opens here"
	if !OwnPage(b.address, m.snap.Agent.Org.String()) {
		why = "Only https pages of your org are opened"
	}
	m.flash = text.Clean(why + ", so the address was copied: " + b.address)
	return m.copy(b.address)
}

// OwnPage reports whether an address is an https page of the org with this host.
func OwnPage(address, org string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Host != "" && strings.EqualFold(u.Host, org)
}
