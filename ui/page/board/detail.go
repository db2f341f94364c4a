package boardpage

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/row"
)

// fact is one line of the detail; right is what stands at its end where there is room.
type fact struct {
	label string
	segs  []row.Seg
	right []row.Seg
}

// detailWide is the width from which on several facts stand on one line.
const detailWide = 60

// detail draws the selected agent, on at most h lines: in the narrow layout below the rows, else beside them.
func (p *Page) detail(c canvas, w, h int) []string {
	a := p.selected()
	if a == nil {
		return nil
	}
	side := []row.Seg{{Ink: c.th.Dim, Text: row.Fit(place(a), w/2)}}
	out := []string{row.Heading(c.th, w, a.Name.String(), side...)}
	if h > 5 {
		out = append(out, row.Blank(w))
	}
	for _, f := range p.facts(c, a, w >= detailWide) {
		if len(out) >= h {
			break
		}
		r := row.New(w)
		if n := row.SegsWidth(f.right); n > 0 {
			r.Keep(n + 2)
		}
		r.Gap(2).Cell(c.th.Dim, f.label, 9).Segs(f.segs...)
		if len(f.right) > 0 {
			r.Right(f.right...)
		}
		out = append(out, r.String())
	}
	return out
}

// facts are what is known of an agent, the most telling first. On a wide panel the links and the last word of the agent stand
// at the end of other lines; on a narrow one every fact has its own.
func (p *Page) facts(c canvas, a *Agent, wide bool) []fact {
	th := c.th
	glyph, word, ink := look(th, a)
	state := []row.Seg{{Ink: ink, Text: glyph + " " + word}}
	if !a.Since.IsZero() {
		state = append(state, row.Seg{Ink: th.Text, Text: " for " + long(c.now.Sub(a.Since))})
	}
	if !a.Reason.Empty() {
		state = append(state, row.Seg{Ink: th.Faint, Text: " · "}, row.Seg{Ink: th.Text, Text: a.Reason.String()})
	} else if a.Presence == Gone {
		state = append(state, row.Seg{Ink: th.Faint, Text: " · "}, row.Seg{Ink: th.Text, Text: how(a)})
	}
	var next []row.Seg
	if a.Next != "" {
		_, word, _ := bar.Badge(th, a.Next)
		next = []row.Seg{{Ink: th.Held, Text: "→ " + word + " after this call"}}
		if wide {
			state, next = append(append(state, row.Seg{Text: " "}), next...), nil
		}
	}
	heard := []row.Seg{{Ink: th.Text, Text: short(c.now.Sub(a.Heard)) + " ago"}}
	if a.Presence == Stale {
		heard[0].Ink = th.Warning
	}
	if !a.Version.Empty() {
		heard = append(heard, row.Seg{Ink: th.Faint, Text: " · "}, row.Seg{Ink: th.Dim, Text: "offhook " + a.Version.String()})
	}
	links := p.links(c, a)
	out := []fact{{"state", state, nil}}
	if next != nil {
		out = append(out, fact{"", next, nil})
	}
	out = append(out, p.call(c, a, wide)...)
	out = append(out, fact{"records", records(th, a), nil})
	if wide {
		out[0].right = append(links, row.Seg{Text: " "})
		out[len(out)-1].right = slices.Concat([]row.Seg{{Ink: th.Dim, Text: "heard "}}, heard, []row.Seg{{Text: " "}})
		return out
	}
	return append(out, fact{"links", links, nil}, fact{"heard", heard, nil})
}

// call is who is on the line and how it goes.
func (p *Page) call(c canvas, a *Agent, wide bool) []fact {
	th, k := c.th, a.Call
	if k == nil || a.Presence == Gone {
		return []fact{{"call", []row.Seg{{Ink: th.Faint, Text: "none"}}, nil}}
	}
	who := k.Name.String()
	peer := k.Peer.String()
	switch {
	case who == "" && peer == "":
		who = "number withheld"
	case who == "":
		who, peer = peer, ""
	}
	dot := row.Seg{Ink: th.Faint, Text: " · "}
	var more [][]row.Seg
	if peer != "" {
		more = append(more, []row.Seg{{Ink: th.Text, Text: peer}})
	}
	more = append(more, []row.Seg{{Ink: th.Text, Text: string(k.State) + " " + calls.Clock(c.now.Sub(k.Since))}})
	first := len(more) // these stand beside the name
	if k.MOS > 0 {
		ink, word := calls.Grade(th, k.MOS)
		more = append(more, []row.Seg{{Ink: ink, Text: fmt.Sprintf("MOS %.1f %s", k.MOS, word)}})
	}
	for _, f := range marks(th, k) {
		more = append(more, []row.Seg{{Ink: f.ink, Text: f.glyph + " " + f.word}})
	}
	if words := matchWords(k.Match); words != "" {
		_, ink := matched(th, k.Match)
		more = append(more, []row.Seg{{Ink: ink, Text: words}})
	}
	if !k.Queue.Empty() {
		more = append(more, []row.Seg{{Ink: th.Text, Text: "queue " + k.Queue.String()}})
	}
	if a.Calls > 1 {
		more = append(more, []row.Seg{{Ink: th.Text, Text: strconv.Itoa(a.Calls) + " calls in all"}})
	}
	out := []fact{{"call", []row.Seg{{Ink: th.Dim, Text: arrow(k) + " "}, {Ink: th.Strong, Text: who}}, nil}}
	room := 30 // on a narrow panel
	for i, m := range more {
		at := &out[len(out)-1]
		if wide && i == first || !wide && (i == 0 || row.SegsWidth(at.segs)+3+row.SegsWidth(m) > room) {
			out = append(out, fact{segs: m})
			continue
		}
		at.segs = append(append(at.segs, dot), m...)
	}
	return out
}

// matchWords is the result of the lookup in a few words.
func matchWords(m string) string {
	switch m {
	case "one":
		return "known caller"
	case "many":
		return "several records match"
	case "none":
		return "caller is new"
	case "internal":
		return "colleague"
	case "searching":
		return "being looked up"
	case "failed":
		return "lookup failed"
	}
	return ""
}

func records(th *theme.Theme, a *Agent) []row.Seg {
	if a.Unsent+a.Refused == 0 {
		return []row.Seg{{Ink: th.Good, Text: "✓ "}, {Ink: th.Text, Text: "all in Salesforce"}}
	}
	var out []row.Seg
	if a.Unsent > 0 {
		s := "◌ " + strconv.Itoa(a.Unsent) + " unsent"
		if a.Oldest >= time.Minute {
			s += ", the oldest for " + bar.Ago(a.Oldest)
		}
		out = append(out, row.Seg{Ink: th.Warning, Text: s})
	}
	if a.Refused > 0 {
		if len(out) > 0 {
			out = append(out, row.Seg{Ink: th.Faint, Text: " · "})
		}
		out = append(out, row.Seg{Ink: th.Problem, Text: "✗ " + strconv.Itoa(a.Refused) + " refused by Salesforce"})
	}
	return out
}

func (p *Page) links(c canvas, a *Agent) (segs []row.Seg) {
	for _, l := range []struct {
		name   string
		health desk.Health
	}{{"phone", a.SIP}, {"Salesforce", a.SF}} {
		glyph, ink := "○", c.th.Faint
		switch l.health {
		case desk.HealthOK:
			glyph, ink = "●", c.th.Good
		case desk.HealthWaiting:
			glyph, ink = "◌", c.th.Warning
		case desk.HealthWarn:
			glyph, ink = "!", c.th.Ringing
		case desk.HealthDown:
			glyph, ink = "✗", c.th.Problem
		}
		if a.Presence == Gone {
			glyph, ink = "○", c.th.Faint
		}
		if len(segs) > 0 {
			segs = append(segs, row.Seg{Text: "   "})
		}
		segs = append(segs, row.Seg{Ink: ink, Text: glyph}, row.Seg{Ink: c.th.Text, Text: " " + l.name})
	}
	return segs
}

// long is a duration as the detail says it.
func long(d time.Duration) string {
	if d = max(d, 0); d < time.Hour {
		return calls.Clock(d)
	}
	return bar.Ago(d)
}

// short is a duration in words, with seconds below a minute.
func short(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return bar.Ago(d)
}
