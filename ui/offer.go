package ui

import (
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/widget/overlay"

	tea "charm.land/bubbletea/v2"
)

// offer opens the dial box with a number that another program handed over, when the agent does nothing that it would disturb: no box,
// no text, no call that rings. Otherwise it stays a line with a key, also later: a box must not open when nobody thinks of it any more.
func (m *Model) offer() tea.Cmd {
	o := m.snap.Offer
	if o == nil || o.ID == m.offered {
		return nil
	}
	m.offered = o.ID
	var told tea.Cmd
	if m.blurred && m.opt.Notify != NotifyOff {
		told = tea.Raw(notification(m.opt.Notify, text.Clean("Call?"), o.Number))
	}
	a, ok := m.opt.Keys.Action("call.offered")
	if !ok || o.Quiet || m.over != nil || m.page.Context() != keymap.Desk || len(m.rang) > 0 || m.snap.Leaving || !m.page.Possible(a) {
		return told
	}
	cmd := m.apply(m.page.Do(a))
	m.popped = true
	m.hush.open(m.opt.Now(), m.opt.Grace)
	return tea.Batch(told, cmd)
}

// sudden reports whether a key, or pasted text, was on its way before the open box opened by itself. Without it, an Enter that was meant
// for a card would call whomever a web page likes.
func (m *Model) sudden(in keymap.Context) bool {
	_, entry := m.over.(*overlay.Entry)
	if !m.popped || in != keymap.List && !entry || !m.hush.holds(m.opt.Now()) {
		return false
	}
	m.flash = text.Clean("A box has just opened, so that key did nothing.")
	return true
}
