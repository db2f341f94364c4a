// Package calls draws the calls of the desk: who, which number, what state, how long, and how it sounds.
//
// Each state has a glyph, a word and a colour. The call that has the focus carries a bar at its left edge and more
// lines than the others. The package draws and decides nothing.
package calls

import (
	"strconv"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// Look is how to draw.
type Look struct {
	Theme *theme.Theme
	Now   time.Time
	Width int
	Focus desk.CallKey
	// Accounts: there are several, so each call says which it belongs to.
	Accounts bool
}

const wide = 64 // from here on, a call's name, number, state and timer stand on one line

// Draw returns the lines of all calls and for each line the index of its call. At most room lines: the focused call keeps
// all of its lines, the others keep their first.
func (l Look) Draw(list []desk.Call, room int) (lines []string, owner []int) {
	type part struct {
		call  int
		lines []string
	}
	var parts []part
	total := 0
	for i := range list {
		p := part{i, l.one(&list[i], i, len(list))}
		parts = append(parts, p)
		total += len(p.lines)
	}
	for i := len(parts) - 1; i >= 0 && total > room; i-- { // the others give up their second line first
		if p := &parts[i]; list[p.call].Key != l.Focus && len(p.lines) > 1 {
			total -= len(p.lines) - 1
			p.lines = p.lines[:1]
		}
	}
	for i := range parts {
		if p := &parts[i]; list[p.call].Key == l.Focus && total > room && len(p.lines) > 1 {
			keep := len(p.lines) - min(total-room, len(p.lines)-1)
			total -= len(p.lines) - keep
			p.lines = p.lines[:keep]
		}
	}
	focus := 0 // the last line of the focused call
	for _, p := range parts {
		for _, s := range p.lines {
			lines, owner = append(lines, s), append(owner, p.call)
		}
		if list[p.call].Key == l.Focus {
			focus = len(lines) - 1
		}
	}
	if hidden := len(lines) - room; hidden > 0 && room > 0 {
		top := min(max(focus-room+min(room, 2), 0), hidden) // the line below it says how many more there are
		lines, owner = lines[top:top+room], owner[top:top+room]
		if last := room - 1; last > 0 && focus != top+last {
			lines[last], owner[last] = row.New(l.Width).Gap(4).Put(l.Theme.Dim, "and "+strconv.Itoa(hidden+1)+" more").String(), -1
		}
	}
	return lines, owner
}

// one draws one call.
func (l Look) one(c *desk.Call, i, of int) []string {
	focus := c.Key == l.Focus
	glyph, word, ink := l.state(c)
	head := l.start(focus)
	if of > 1 {
		n := " "
		if i < 9 {
			n = strconv.Itoa(i + 1)
		}
		head.Put(l.Theme.Dim, n).Gap(1)
	}
	head.Put(ink, glyph).Gap(1)
	nameInk := l.Theme.Text
	if focus {
		nameInk = l.Theme.Strong
	}
	name, number := Who(c)
	timer := Clock(Length(c, l.Now))
	if c.State == desk.Ended {
		ink, nameInk = l.Theme.Dim, l.Theme.Dim
	}
	if l.Width >= wide {
		word, number := row.Fit(word, 22), row.Fit(number, 18)
		right := []row.Seg{{Ink: l.Theme.Dim, Text: padTo(number, 18)}, {Ink: ink, Text: padTo("  "+word, 24)}, {Ink: nameInk, Text: padLeft(timer, 8)}, {Text: " "}}
		if l.Width < 100 {
			right = []row.Seg{{Ink: l.Theme.Dim, Text: padTo(number, 15)}, {Ink: ink, Text: padTo(" "+row.Fit(word, 19), 20)}, {Ink: nameInk, Text: padLeft(timer, 7)}, {Text: " "}}
		}
		lines := []string{head.Keep(row.SegsWidth(right)+1).Put(nameInk, name).Right(right...).String()}
		if focus {
			lines = append(lines, l.detail(c, l.under(of), false)...)
		}
		return lines
	}
	if !focus { // its state must be seen on its one line
		right := []row.Seg{{Ink: ink, Text: " " + row.Fit(word, 15)}, {Ink: nameInk, Text: padLeft(timer, 6)}, {Text: " "}}
		return []string{head.Keep(row.SegsWidth(right)+1).Put(nameInk, name).Right(right...).String()}
	}
	lines := []string{head.Keep(row.Width(timer)+2).Put(nameInk, name).Right(row.Seg{Ink: nameInk, Text: timer}, row.Seg{Text: " "}).String()}
	second := l.start(focus).To(l.under(of)).Put(ink, word)
	if number != "" {
		second.Put(l.Theme.Faint, " · ").Put(l.Theme.Dim, number)
	}
	lines = append(lines, second.String())
	return append(lines, l.detail(c, l.under(of), true)...)
}

func (l Look) start(focus bool) *row.Row {
	r := row.New(l.Width)
	if focus {
		return r.Put(l.Theme.Accent, "▌").Gap(1)
	}
	return r.Gap(2)
}

func (l Look) under(of int) int {
	if of > 1 {
		return 6
	}
	return 4
}

// state is the call's glyph, word and colour.
func (l Look) state(c *desk.Call) (glyph, word string, ink theme.Ink) {
	th := l.Theme
	switch c.State {
	case desk.Incoming:
		if l.Now.Sub(c.Started)/(500*time.Millisecond)%2 == 0 {
			return "◉", "ringing", th.Ringing
		}
		return "○", "ringing", th.Ringing
	case desk.Dialling:
		return "→", "calling", th.Ringing
	case desk.Alerting:
		return "→", "ringing there", th.Ringing
	case desk.Answering:
		return "◉", "answering", th.Talking
	case desk.Talking:
		if c.HeldByThem {
			return "‖", "they hold", th.Held
		}
		if c.Conference {
			return "●", "in conference", th.Talking
		}
		return "●", "talking", th.Talking
	case desk.Holding:
		return "‖", "holding", th.Held
	case desk.Held:
		return "‖", "on hold " + Clock(l.Now.Sub(c.StateSince)), th.Held
	case desk.Resuming:
		return "●", "resuming", th.Talking
	case desk.Transferring:
		return "»", "transferring", th.Held
	case desk.Ending:
		return "○", "ending", th.Dim
	case desk.Ended:
		return "○", "ended", th.Dim
	}
	return "?", string(c.State), th.Dim
}

// Who is what to call the far end, and the number beside it.
func Who(c *desk.Call) (name, number string) {
	number = c.Remote.Number.String()
	if c.Remote.Withheld {
		number = ""
	}
	switch name = c.Name.String(); {
	case name != "":
	case c.Remote.Withheld:
		name = "Number withheld"
	case number != "":
		name, number = number, ""
	default:
		name = "Unknown"
	}
	return name, number
}

// Length is the time that the call's timer shows: ringing or dialling time, then talking time.
func Length(c *desk.Call, now time.Time) time.Duration {
	if !c.EndedAt.IsZero() {
		now = c.EndedAt
	}
	from := c.Answered
	if from.IsZero() {
		if from = c.Started; c.State == desk.Ended {
			return 0
		}
	}
	return now.Sub(from)
}

// Clock is a duration as a timer shows it: 0:07, 12:34, 1:02:03.
func Clock(d time.Duration) string {
	s := max(int(d/time.Second), 0)
	b := make([]byte, 0, 8)
	if s >= 3600 {
		b = strconv.AppendInt(b, int64(s/3600), 10)
		b = append(b, ':')
		if s%3600 < 600 {
			b = append(b, '0')
		}
	}
	b = strconv.AppendInt(b, int64(s%3600/60), 10)
	return string(append(b, ':', byte('0'+s%60/10), byte('0'+s%10)))
}

// Way is the call's direction in words.
func Way(c *desk.Call) string {
	switch {
	case c.Dir == crm.Internal && c.Outgoing:
		return "Internal call out"
	case c.Dir == crm.Internal:
		return "Internal call"
	case c.Dir == crm.Outbound || c.Outgoing:
		return "Outbound"
	}
	return "Inbound"
}

func padTo(s string, w int) string { return s + row.Blank(w-row.Width(s)) }

func padLeft(s string, w int) string { return row.Blank(w-row.Width(s)) + s }
