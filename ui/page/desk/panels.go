package deskpage

import (
	"strconv"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/caller"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/overlay"
	"offhook/ui/widget/row"
)

// panel is a block of lines of one width, with the cursor when a text field in it has the focus.
type panel struct {
	lines  []string
	cursor bool
	x, y   int
}

func (p *panel) add(lines ...string) { p.lines = append(p.lines, lines...) }

// join puts q under p.
func (p *panel) join(q panel) {
	if q.cursor {
		p.cursor, p.x, p.y = true, q.x, len(p.lines)+q.y
	}
	p.lines = append(p.lines, q.lines...)
}

// canvas is what the panels of one frame are drawn with.
type canvas struct {
	th  *theme.Theme
	now time.Time
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if what == "match" {
		return strconv.Itoa(n) + " matches"
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// calls draws the heading and the calls, on at most h lines. at is the line and column at which the panel will stand.
func (p *Page) calls(c canvas, w, h, atX, atY int) panel {
	list := p.snap.Calls
	var right []row.Seg
	if len(list) > 1 {
		right = []row.Seg{{Ink: c.th.Dim, Text: count(len(list), "call") + "  "}, {Ink: c.th.Key, Text: p.keys.Key("call.next")}, {Ink: c.th.Dim, Text: " next"}}
	}
	out := panel{lines: []string{row.Heading(c.th, w, "Calls", right...)}}
	if len(list) == 0 {
		out.add(p.quiet(c, w, h-1)...)
		return out
	}
	look := calls.Look{Theme: c.th, Now: c.now, Width: w, Focus: p.focus, Accounts: len(p.snap.Accounts) > 1}
	lines, owner := look.Draw(list, h-1)
	for i, o := range owner {
		if o >= 0 {
			p.rows = append(p.rows, callRow{atY + 1 + i, atX, atX + w, list[o].Key})
		}
	}
	out.add(lines...)
	return out
}

// quiet says why no call is here and what to do.
func (p *Page) quiet(c canvas, w, h int) []string {
	s := p.snap
	glyph, ink, says, does := "○", c.th.Dim, "", ""
	switch s.State {
	case "":
		glyph, says = "◌", "Connecting to the desk."
	case desk.Starting:
		glyph, ink, says = "◌", c.th.Warning, "Starting: the phone registers and Salesforce is asked who you are."
	case desk.Offline:
		glyph, ink, says, does = "✗", c.th.Problem, "Offline: no call can come in.", p.hint("desk.reconnect", "tries again now")
	case desk.Away:
		glyph, ink, says, does = "‖", c.th.Held, "Away: no calls come in.", p.hint("state.available", "takes calls again")
	case desk.NotResponding:
		glyph, ink, says, does = "!", c.th.Problem, "A call rang and was not answered: no more come in.", p.hint("state.available", "takes calls again")
	default:
		says, does = "No call. The next one rings here.", p.hint("call.dial", "calls a number")
		if s.Agent.Demo && s.Agent.Quiet {
			does = p.hint("demo.next", "lets the next practice customer call")
		}
	}
	var out []string
	for i, l := range row.Wrap(says, w-6) {
		r := row.New(w).Gap(2)
		if i == 0 {
			r.Put(ink, glyph)
		} else {
			r.Gap(1)
		}
		out = append(out, r.Gap(1).Put(c.th.Text, l).String())
	}
	if does != "" {
		out = append(out, row.New(w).Gap(4).Put(c.th.Dim, does).String())
	}
	return out[:min(len(out), max(h, 0))]
}

func (p *Page) hint(action, does string) string {
	if k := p.keys.Key(action); k != "" {
		return k + " " + does + "."
	}
	return ""
}

// middle draws what the agent works at: the New form, the search page, or the caller, in exactly h lines.
func (p *Page) middle(c canvas, w, h int) panel {
	var out panel
	switch p.Context() {
	case keymap.Form:
		out = p.formPanel(c, w, h)
	case keymap.Search:
		out = panel{lines: []string{row.Heading(c.th, w, p.heading("Search"))}}
		lines, x, y := p.find.Draw(c.th, p.keys, w, h-1)
		out.join(panel{lines: lines, cursor: y >= 0, x: x, y: y})
	default:
		out = p.caller(c, w, h)
	}
	out.lines = row.Height(out.lines, w, h)
	out.cursor = out.cursor && out.y < h
	return out
}

func (p *Page) heading(what string) string {
	if c := p.Focused(); c != nil && c.State != desk.Ended {
		return what + " for " + Name(c)
	}
	return what
}

func (p *Page) formPanel(c canvas, w, h int) panel {
	needed := []row.Seg{{Ink: c.th.Ringing, Text: "*"}, {Ink: c.th.Dim, Text: " needed"}}
	out := panel{lines: []string{row.Heading(c.th, w, p.formHeading(), needed...)}}
	lines, x, y := p.form.Draw(c.th, w, h-1)
	out.join(panel{lines: lines, cursor: y >= 0, x: x, y: y})
	return out
}

// caller draws the match, the open card and where the Task goes.
func (p *Page) caller(c canvas, w, h int) panel {
	look := caller.Look{Theme: c.th, Keys: p.keys, Width: w}
	call, card := p.Focused(), p.card()
	out := panel{lines: []string{p.callerHeading(c, w, call, card)}}
	if call == nil && card == nil {
		if !p.apart && len(p.snap.Landed) > 0 {
			out.lines[0] = row.Heading(c.th, w, "In Salesforce")
			out.add(bar.Landed(c.th, w, h-1, p.snap.Landed, c.now)...)
			return out
		}
		out.add(row.New(w).Gap(2).Put(c.th.Dim, "Who is calling, and their card, appear here while it rings.").String())
		return out
	}
	room := h - 1
	if call != nil {
		out.add(look.Match(call))
		room -= 2 // the match, and the association at the foot
		if room > 8 {
			out.add(row.Blank(w))
			room--
		}
	}
	switch {
	case room <= 0:
	case card != nil:
		out.add(look.Card(card, p.cardAt, room)...)
	case call.Match.State == crm.MatchMany:
		out.add(look.Hits(call.Match.Hits, room)...)
	case call.Match.State == crm.MatchOne && call.State != desk.Ended:
		if hit, ok := call.Match.Only(); ok {
			lines := look.Preview(hit)
			out.add(lines[:min(len(lines), room)]...)
		}
	}
	if call != nil {
		foot := h - 1
		if body := len(out.lines) + 1; body < foot && room > 3 { // close under the card, not far away at the bottom
			foot = body
		}
		out.lines = row.Height(out.lines, w, foot)
		out.add(look.Assoc(call, p.can))
	}
	return out
}

// notesPanel draws the notes of the focused call, in exactly h lines.
func (p *Page) notesPanel(c canvas, w, h int) panel {
	if h <= 1 {
		return panel{lines: row.Height(nil, w, h)}
	}
	call := p.Focused()
	if p.noting != "" {
		call = p.call(p.noting)
		title := "Notes"
		if call != nil {
			title += " on " + Name(call)
		}
		right := []row.Seg{{Ink: c.th.Good, Text: "✓ "}, {Ink: c.th.Dim, Text: "kept as you type"}}
		out := panel{lines: []string{row.Heading(c.th, w, title, right...)}}
		lines, x, y := p.notes.Area(w-4, h-1)
		for i, l := range lines {
			ink := c.th.Text
			if i == y {
				ink = c.th.Strong
			}
			out.add(row.New(w).Gap(1).Put(c.th.Accent, "▎").Gap(1).Put(ink, l).String())
		}
		out.cursor, out.x, out.y = true, x+3, y+1
		out.lines = row.Height(out.lines, w, h)
		return out
	}
	var right []row.Seg
	if p.can(desk.Note) {
		right = []row.Seg{{Ink: c.th.Key, Text: p.keys.Key("caller.notes")}, {Ink: c.th.Dim, Text: " type"}}
	}
	out := panel{lines: []string{row.Heading(c.th, w, "Notes", right...)}}
	switch {
	case call == nil:
		out.add(row.New(w).Gap(2).Put(c.th.Faint, "Notes go into the call's Task.").String())
	case call.Notes.Empty():
		out.add(row.New(w).Gap(2).Put(c.th.Faint, "No notes on this call.").String())
	default:
		for _, t := range call.Notes.Lines() {
			for _, l := range row.Wrap(t.String(), w-4) {
				out.add(row.New(w).Gap(2).Put(c.th.Text, l).String())
			}
		}
		if len(out.lines) > h { // the end is what was written last
			out.lines = append(out.lines[:1:1], out.lines[len(out.lines)-h+1:]...)
		}
	}
	out.lines = row.Height(out.lines, w, h)
	return out
}

// landedPanel lists what has reached Salesforce, in exactly h lines.
func (p *Page) landedPanel(c canvas, w, h int) panel {
	out := panel{lines: []string{row.Heading(c.th, w, "In Salesforce")}}
	if len(p.snap.Landed) == 0 {
		out.add(row.New(w).Gap(2).Put(c.th.Faint, "Each call's Task is named here when it lands.").String())
	}
	out.add(bar.Landed(c.th, w, h-1, p.snap.Landed, c.now)...)
	out.lines = row.Height(out.lines, w, h)
	return out
}

// colleaguesPanel lists the watched telephones, in exactly h lines.
func (p *Page) colleaguesPanel(c canvas, w, h int) panel {
	out := panel{lines: []string{row.Heading(c.th, w, "Colleagues", row.Seg{Ink: c.th.Key, Text: p.keys.Key("call.dial")}, row.Seg{Ink: c.th.Dim, Text: " call one"})}}
	list := p.snap.Lamps
	for i, l := range list {
		if len(out.lines) == h-1 && i < len(list)-1 {
			out.add(row.New(w).Gap(2).Put(c.th.Dim, "and "+strconv.Itoa(len(list)-i)+" more").String())
			break
		}
		out.add(row.New(w).Gap(2).Raw(overlay.ColleagueLine(c.th, w-2, l, c.th.Text), w-2).String())
	}
	out.lines = row.Height(out.lines, w, h)
	return out
}

// keysPanel lists what is possible now, for wide screens, in exactly h lines.
func (p *Page) keysPanel(c canvas, w, h int) panel {
	out := panel{lines: []string{row.Heading(c.th, w, "Possible now", row.Seg{Ink: c.th.Key, Text: p.keys.Key("app.help")}, row.Seg{Ink: c.th.Dim, Text: " all keys"})}}
	half := (w - 4) / 2
	var sides [2][]string // calls and caller left, the rest right
	group := ""
	for _, it := range p.Palette() {
		side := 1
		if it.Group == "Calls" || it.Group == "Caller" {
			side = 0
		}
		if group != it.Group {
			if group = it.Group; len(sides[side]) > 0 {
				sides[side] = append(sides[side], row.Blank(half))
			}
			sides[side] = append(sides[side], row.New(half).Put(c.th.Title, group).String())
		}
		sides[side] = append(sides[side], row.New(half).Cell(c.th.Key, p.keys.Keys(it.Name), 8).Put(c.th.Text, it.Title).String())
	}
	for i := range max(len(sides[0]), len(sides[1])) {
		r := row.New(w).Gap(2)
		for _, side := range sides {
			if i < len(side) {
				r.Raw(side[i], half)
			} else {
				r.Gap(half)
			}
			r.Gap(1)
		}
		out.add(r.String())
	}
	out.lines = row.Height(out.lines, w, h)
	return out
}
