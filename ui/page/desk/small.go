package deskpage

import (
	"strconv"

	"offhook/desk"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/row"
)

// small is the page of a terminal that is too small: it still shows who rings, for how long, and the keys that matter.
func (p *Page) small(c canvas, w, h int) Frame {
	th, s := c.th, p.snap
	glyph, word, ink := bar.Badge(th, s.State)
	lines := []string{row.New(w).Put(ink, " "+glyph+" "+word+" ").Gap(1).Put(th.Dim, bar.Since(s, c.now)).String()}
	call := p.ringing(desk.Answer)
	if call == nil {
		call = p.Focused()
	}
	if call != nil && call.State == desk.Ended {
		call = nil
	}
	var items []bar.Item
	if call != nil {
		name, number := calls.Who(call)
		timer := calls.Clock(calls.Length(call, c.now))
		lines = append(lines, row.Line(w, []row.Seg{{Ink: th.Strong, Text: name}}, row.Seg{Ink: th.Strong, Text: timer}))
		if number != "" && h >= 6 {
			lines = append(lines, row.New(w).Put(th.Dim, number).String())
		}
		if p.takesLetters() {
			items = p.callItems([]string{"call.answer", "call.decline", "call.hangup"})
		} else {
			items = p.items([]string{"call.answer", "call.decline", "call.hangup", "call.hold", "call.mute"}, "call.answer")
		}
		for i := range items {
			items[i].Next = false // no room for the mark
		}
	} else if !p.Boxed {
		items = p.items([]string{"state.available", "state.away", "app.quit"}, "")
	}
	actions, zones := bar.Actions(th, w, max(min(h-len(lines), 2), 1), items)
	for _, z := range zones {
		z.Line += len(lines)
		p.zones = append(p.zones, z)
	}
	lines = append(lines, actions...)
	for i := len(s.Notices) - 1; i >= 0 && len(lines) < h-1; i-- {
		if n := s.Notices[i]; n.Severity != desk.Info {
			glyph, ink := bar.Severity(th, n.Severity)
			for j, l := range row.Wrap(n.Text.String(), w-2) {
				if len(lines) >= h-1 {
					break
				}
				if j > 0 {
					glyph = " "
				}
				lines = append(lines, row.New(w).Put(ink, glyph).Gap(1).Put(th.Text, l).String())
			}
		}
	}
	if len(lines) < h {
		lines = append(row.Height(lines, w, h-1), row.New(w).Put(th.Faint, "Needs "+strconv.Itoa(MinWidth)+"×"+strconv.Itoa(MinHeight)).String())
	}
	return Frame{Lines: row.Height(lines, w, h)}
}
