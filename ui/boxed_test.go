package ui

import (
	"strings"
	"testing"

	"offhook/desk"

	tea "charm.land/bubbletea/v2"
)

// A box takes the letters, so the action bar names the keys that reach the call through it, and no other.
func TestTheBarNamesTheKeysThatWorkThroughABox(t *testing.T) {
	b := onBench(idle(), nil)
	b.press(tea.Key{Code: 'w', Text: "w"})
	b.show(ringing(fred(desk.Incoming)))
	if s := b.text(); !strings.Contains(s, "F2 Answer") || !strings.Contains(s, "F3 Decline") || strings.Contains(s, "d Decline") {
		t.Errorf("the bar:\n%s", s)
	}
	b.press(tea.Key{Code: tea.KeyF3})
	if s := b.text(); !strings.Contains(s, "Decline Fred Bloggs?") {
		t.Errorf("after F3:\n%s", s)
	}
	b.press(tea.Key{Code: tea.KeyEscape})
	if s := b.text(); !strings.Contains(s, "a Answer") {
		t.Errorf("without the box:\n%s", s)
	}
}
