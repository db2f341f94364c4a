package bar

import (
	"strconv"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// part is one entry of the status line.
type part struct {
	ink         theme.Ink
	glyph, name string
	text        string
	well        bool
}

// Status is the last line: how the links are, and what has not reached Salesforce yet. Links that are well give up their
// words first when the line is short; what is wrong is always said.
func Status(th *theme.Theme, w int, s *desk.Snapshot, now time.Time) string {
	sf := s.Links.Salesforce
	if sf.Health == desk.HealthOK && !s.Agent.User.Empty() {
		sf.Text = s.Agent.User
		if w >= 160 && !s.Agent.Org.Empty() {
			sf.Text = text.Clean(s.Agent.User.String() + " at " + s.Agent.Org.String())
		}
	}
	parts := []part{link(th, "SIP", s.Links.SIP), link(th, "Salesforce", sf), outbox(th, s, now), link(th, "Sound", s.Links.Sound), link(th, "Hub", s.Links.Hub)}
	if h := s.Links.Disk.Health; h != "" && h != desk.HealthOK && h != desk.HealthOff {
		parts = append(parts, link(th, "Disk", s.Links.Disk))
	}
	shorten(parts, w)
	r := row.New(w).Gap(1)
	for i, p := range parts {
		if i > 0 {
			r.Gap(3)
		}
		r.Put(p.ink, p.glyph).Gap(1).Put(th.Text, p.name)
		if p.text != "" {
			ink := th.Dim
			if !p.well {
				ink = p.ink
			}
			r.Gap(1).Put(ink, p.text)
		}
	}
	return r.String()
}

func link(th *theme.Theme, name string, l desk.Link) part {
	p := part{name: name, text: l.Text.String()}
	switch l.Health {
	case desk.HealthOK:
		p.ink, p.glyph, p.well = th.Good, "●", true
	case desk.HealthWaiting:
		p.ink, p.glyph = th.Warning, "◌"
	case desk.HealthWarn:
		p.ink, p.glyph = th.Ringing, "!"
	case desk.HealthDown:
		p.ink, p.glyph = th.Problem, "✗"
	default:
		p.ink, p.glyph, p.well = th.Faint, "○", true
		if p.text == "" {
			p.text = "off"
		}
	}
	return p
}

func outbox(th *theme.Theme, s *desk.Snapshot, now time.Time) part {
	o := s.Outbox
	p := part{name: "Unsent", text: strconv.Itoa(o.Pending)}
	switch {
	case o.Dead > 0:
		p.ink, p.glyph = th.Problem, "✗"
		p.text += ", " + strconv.Itoa(o.Dead) + " refused"
	case o.Pending > 0:
		p.ink, p.glyph = th.Warning, "◌"
		if !o.Paused.Empty() {
			p.text += " " + o.Paused.String()
		} else if d := now.Sub(o.Oldest); !o.Oldest.IsZero() && d >= time.Minute {
			p.text += " for " + Ago(d)
		}
	default:
		p.ink, p.glyph, p.well = th.Good, "✓", true
	}
	return p
}

// shorten takes words away until the parts fit into w cells.
func shorten(parts []part, w int) {
	total := func() int {
		n := 1
		for i, p := range parts {
			if i > 0 {
				n += 3
			}
			n += row.Width(p.glyph) + 1 + row.Width(p.name)
			if p.text != "" {
				n += 1 + row.Width(p.text)
			}
		}
		return n
	}
	for limit := 48; total() > w && limit >= 12; limit -= 4 { // long words become shorter
		for i := range parts {
			if parts[i].well && parts[i].name != "Unsent" {
				parts[i].text = row.Fit(parts[i].text, limit)
			}
		}
	}
	for i := len(parts) - 1; i >= 0 && total() > w; i-- { // what is well says less
		if parts[i].well && parts[i].name != "Unsent" {
			parts[i].text = ""
		}
	}
	for limit := 40; total() > w && limit >= 8; limit -= 4 {
		for i := range parts {
			parts[i].text = row.Fit(parts[i].text, limit)
		}
	}
}
