package ui

import (
	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
)

// What opens by itself comes while somebody may be typing: the key was meant for what stood there before, and must neither become
// text of a form nor pick a record of a list.

// surprise is the form or the list of the page that opened by itself, named so that a second one is another; "" is none.
func surprise(s *desk.Snapshot) string {
	switch {
	case s.Form != nil && s.FormAuto:
		return "form " + string(s.FormFor) + " " + s.Form.Object
	case s.Form == nil && s.Search != nil && s.Search.Auto:
		return "list " + string(s.Search.For)
	}
	return ""
}

// came starts the wait of a form or a list that has opened by itself since the snapshot before.
func (m *Model) came(before, now *desk.Snapshot) {
	if is := surprise(now); is == "" {
		m.ahead = grace{}
	} else if is != surprise(before) {
		m.ahead.open(m.opt.Now(), m.opt.Grace)
	}
}

// early reports whether a key, or pasted text without one, was on its way before the form or the list came that would take it. Notes
// that are being written go on, and what only the desk knows (function and Ctrl keys) works.
func (m *Model) early(in keymap.Context, key string) bool {
	if !m.ahead.holds(m.opt.Now()) || !m.page.Surprised() {
		return false
	}
	_, here := m.opt.Keys.Find(in, key)
	if _, desk := m.opt.Keys.Find(keymap.Desk, key); desk && !here && !keymap.Character(key) {
		return false
	}
	m.flash = text.Clean("A form or list has just opened, so that key did nothing.")
	return true
}
