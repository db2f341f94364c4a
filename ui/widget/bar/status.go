package bar

import (
	"slices"
	"strconv"
	"strings"
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
	short       string // what is left of text when the line is full
	well        bool
}

// least is how many cells of the text stay.
func (p part) least(n int) int {
	if p.name == "Salesforce" && p.well {
		return 2 * n
	}
	return n
}

// Status is the last line: how the links are, and what has not reached Salesforce yet. Links that are well give up their
// words first when the line is short; what is wrong is always said.
func Status(th *theme.Theme, w int, s *desk.Snapshot, now time.Time) string {
	sound := link(th, "Sound", s.Links.Sound)
	if s.Agent.Demo && s.Links.Sound.Health == desk.HealthWarn { // practising without a loudspeaker is nothing to worry about
		sound.ink, sound.glyph, sound.well = th.Faint, "○", true
	}
	parts := []part{telephone(th, s), salesforce(th, w, s), outbox(th, s, now), sound, link(th, "Hub", s.Links.Hub)}
	if h := s.Links.Disk.Health; h != "" && h != desk.HealthOK && h != desk.HealthOff {
		parts = append(parts, link(th, "Disk", s.Links.Disk))
	}
	if api, known := apiUse(th, s); known {
		if with := slices.Insert(slices.Clone(parts), 2, api); !api.well || excess(with, 3, w) <= 0 {
			parts = with
		}
	}
	parts, gap := shorten(parts, w)
	r := row.New(w).Gap(1)
	for i, p := range parts {
		if i > 0 {
			r.Gap(gap)
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
		for _, where := range [...]string{" at ", " on "} { // "registered at pbx.example:5060" says enough with its first word
			if word, _, ok := strings.Cut(p.text, where); ok {
				p.short = word
			}
		}
	case desk.HealthWaiting:
		p.ink, p.glyph, p.short = th.Warning, "◌", "waiting"
	case desk.HealthWarn:
		p.ink, p.glyph, p.short = th.Ringing, "!", "in trouble"
		if name == "Sound" {
			p.short = "none" // the call goes on without
		}
	case desk.HealthDown:
		p.ink, p.glyph, p.short = th.Problem, "✗", "down"
	default:
		p.ink, p.glyph, p.well = th.Faint, "○", true
		if p.text == "" {
			p.text = "off"
		}
	}
	return p
}

// salesforce is the link of the org. Who is signed in, and where, stays in view; when the line is short the org comes first: to
// work in the wrong one is the dearer mistake.
func salesforce(th *theme.Theme, w int, s *desk.Snapshot) part {
	a := s.Agent
	p := link(th, "Salesforce", s.Links.Salesforce)
	if !p.well || a.User.Empty() || s.Links.Salesforce.Health != desk.HealthOK {
		return p
	}
	org := a.OrgName
	if a.Sandbox {
		org = text.Clean("sandbox")
	}
	if org.Empty() {
		p.text, p.short = a.User.String(), ""
		if w >= 160 && !a.Org.Empty() {
			p.text += " at " + a.Org.String()
			p.short = a.User.String()
		}
		return p
	}
	who := a.Name.Or(a.User).String()
	p.text = who + " at " + a.OrgName.Or(a.Org).String()
	if a.Sandbox {
		p.text += " (sandbox)"
	}
	p.short = org.Truncate(10).String() + ": " + who
	return p
}

// apiUse tells how much of the org's API calls is used: below 80 % where nothing else has to give way, from then on always.
func apiUse(th *theme.Theme, s *desk.Snapshot) (part, bool) {
	p := part{ink: th.Warning, glyph: "!", name: "API", text: strconv.Itoa(s.APIUse) + " %"}
	switch {
	case s.APIUse >= 95:
		p.ink = th.Problem
	case s.APIUse < 80:
		p.ink, p.glyph, p.well = th.Good, "●", true
	}
	return p, s.APIUse > 0
}

// telephone is the link of the telephone; of several accounts, how many are well and the first that is not.
func telephone(th *theme.Theme, s *desk.Snapshot) part {
	p := link(th, "SIP", s.Links.SIP)
	if len(s.Accounts) < 2 {
		return p
	}
	p.short, _, _ = strings.Cut(p.text, ",")
	for _, a := range s.Accounts {
		if a.Health == desk.HealthDown {
			user, _, _ := strings.Cut(a.Name.String(), "@")
			p.short += " " + row.Fit(user, 12) + " down"
			break
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
		p.short = p.text
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

// shorten takes words away, and in the end whole parts that are well, until the rest fits into w cells with gaps between.
func shorten(parts []part, w int) (left []part, gap int) {
	if excess(parts, 3, w) <= 0 {
		return parts, 3
	}
	gap = 2
	for i := range parts { // what is well says less
		if p := &parts[i]; p.well && p.short != "" && excess(parts, gap, w) > 0 {
			p.text = p.short
		}
	}
	for i := len(parts) - 1; i >= 0 && excess(parts, gap, w) > 0; i-- { // who is signed in, and that calls can come in, stays
		if p := &parts[i]; p.well && (p.name == "Sound" || p.name == "Hub") {
			if p.text = ""; p.short == "none" { // its name alone would say that there is one
				p.text = p.short
			}
		}
	}
	well := func(p part) bool { return p.well && p.name != "Unsent" }
	for _, drop := range [...]string{"", "Hub", "Sound"} { // those that work tell least
		parts = slices.DeleteFunc(parts, func(p part) bool { return p.well && p.text == "" && p.name == drop })
		if full := cut(slices.Clone(parts), gap, w, well, 10); excess(full, gap, w) <= 0 {
			return full, gap
		}
	}
	for i := range parts { // a word for what is wrong; the notices tell the story
		if parts[i].short != "" {
			parts[i].text = parts[i].short
		}
	}
	cut(parts, gap, w, well, 8)
	for _, last := range []bool{false, true} { // who is signed in goes last
		if last {
			cut(parts, gap, w, well, 4)
		}
		for i := range parts {
			if excess(parts, gap, w) > 0 && well(parts[i]) && (parts[i].name == "Salesforce") == last {
				if parts[i].text = ""; parts[i].name == "Sound" && parts[i].short == "none" {
					parts[i].name = "Silent"
				}
			}
		}
	}
	for i := len(parts) - 1; i >= 0 && excess(parts, gap, w) > 0; i-- {
		if well(parts[i]) {
			parts = slices.Delete(parts, i, i+1)
		}
	}
	return cut(parts, gap, w, func(part) bool { return true }, 4), gap
}

// excess is how many cells the parts take too many.
func excess(parts []part, gap, w int) int {
	n := 1 + gap*(len(parts)-1) - w
	for _, p := range parts {
		n += row.Width(p.glyph) + 1 + row.Width(p.name)
		if p.text != "" {
			n += 1 + row.Width(p.text)
		}
	}
	return n
}

// cut shortens the longest texts of some parts, to no less than least cells each; who is signed in, and where, takes more.
func cut(parts []part, gap, w int, which func(part) bool, least int) []part {
	for over := excess(parts, gap, w); over > 0; over = excess(parts, gap, w) {
		longest := -1
		for i, p := range parts {
			if which(p) && row.Width(p.text) > p.least(least) && (longest < 0 || row.Width(p.text) > row.Width(parts[longest].text)) {
				longest = i
			}
		}
		if longest < 0 {
			break
		}
		p := &parts[longest]
		p.text = row.Fit(p.text, max(row.Width(p.text)-over, p.least(least)))
	}
	return parts
}
