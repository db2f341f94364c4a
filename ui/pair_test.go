package ui

import (
	"testing"

	"offhook/desk"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
)

// counter is a page that counts the keys it gets.
type counter struct{ keys, others int }

func (c counter) Init() tea.Cmd { return nil }
func (c counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(tea.KeyPressMsg); ok {
		c.keys++
	} else {
		c.others++
	}
	return c, nil
}
func (c counter) View() tea.View { return tea.NewView("the other page") }

func TestAKeyChangesBetweenTwoPagesAndARingBringsTheDesk(t *testing.T) {
	p := newPair(New(Options{}), Beside{Page: counter{}, Key: "ctrl+b", First: true})
	other := func() counter { return p.other.(counter) }
	if p.View().Content != "the other page" {
		t.Fatal("the second page is not shown first")
	}
	p.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
	if other().keys != 1 {
		t.Fatal("the page that is shown did not get the key")
	}
	p.Update(tea.KeyPressMsg{Code: 'b', Mod: tea.ModCtrl})
	p.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
	if p.away || other().keys != 1 {
		t.Fatal("the desk is not shown, or the hidden page got a key")
	}
	p.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if p.desk.w != 100 || other().others == 0 {
		t.Fatal("the size did not reach both pages")
	}
	p.away = true
	p.Update(bridge.Snapshot{Snapshot: &desk.Snapshot{State: desk.Ringing}})
	if p.away {
		t.Fatal("a ringing call did not bring the desk to the front")
	}
	p.away = true
	p.Update(bridge.Snapshot{Snapshot: &desk.Snapshot{State: desk.Ringing}})
	if !p.away {
		t.Fatal("the same ring took the page away twice")
	}
}
