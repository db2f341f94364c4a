package ui

import (
	"offhook/desk"
	"offhook/internal/text"
	deskpage "offhook/ui/page/desk"
	"offhook/ui/widget/overlay"

	tea "charm.land/bubbletea/v2"
)

// owed opens the box of results for a call that is over and needs one, once, when nothing else is being done.
func (m *Model) owed() {
	owes := map[desk.CallKey]bool{}
	for i := range m.snap.Calls {
		c := &m.snap.Calls[i]
		if !c.NeedsResult {
			continue
		}
		owes[c.Key] = m.owes[c.Key]
		if !owes[c.Key] && m.over == nil && !m.page.Typing() && len(m.rang) == 0 {
			m.over, m.popped, owes[c.Key] = overlay.NewResult(m.snap, c, deskpage.Name(c)), true, true
			m.hush.open(m.opt.Now(), m.opt.Grace)
		}
	}
	m.owes = owes
}

// alarm tells about callbacks whose time has come since the last snapshot: by the bell, and on the desktop when nobody looks. The line
// is the desk's.
func (m *Model) alarm() tea.Cmd {
	var cmds []tea.Cmd
	due := map[string]bool{}
	for _, cb := range m.snap.Callbacks {
		if !cb.Due {
			continue
		}
		due[cb.Key] = true
		if m.alarmed[cb.Key] {
			continue
		}
		if len(cmds) == 0 {
			cmds = append(cmds, tea.Raw("\a"))
		}
		if m.blurred && m.opt.Notify != NotifyOff {
			cmds = append(cmds, tea.Raw(notification(m.opt.Notify, text.Clean("Call back"), cb.Name.Or(cb.Number))))
		}
	}
	m.alarmed = due
	return tea.Batch(cmds...)
}
