package calls

import (
	"fmt"
	"math"
	"strings"

	"offhook/crm"
	"offhook/desk"
	"offhook/media"
	"offhook/sip"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// detail draws the lines under the focused call: what kind of call it is, what is special about it, and its sound.
func (l Look) detail(c *desk.Call, indent int, narrow bool) []string {
	th := l.Theme
	line := func() *row.Row { return l.start(true).To(indent) }
	var facts [][]row.Seg
	also := func(ink theme.Ink, s string) { facts = append(facts, []row.Seg{{Ink: ink, Text: s}}) }
	for _, f := range l.flags(c) { // what is unusual comes first
		facts = append(facts, []row.Seg{f})
	}
	if lock := Lock(c); lock != "" {
		also(th.Dim, lock)
	}
	way := Way(c)
	if !c.Called.Empty() && c.Dir == crm.Inbound {
		way += " to " + c.Called.String()
	}
	also(th.Dim, way)
	if !c.Dialled.Empty() {
		also(th.Dim, "dialled as "+c.Dialled.String())
	}
	if l.Accounts && !c.Account.Empty() {
		also(th.Dim, "account "+strings.TrimPrefix(c.Account.String(), "sip:"))
	}
	if d := c.Diverted; d != nil && !d.Withheld {
		what := "sent on by " + d.Name.Or(d.Number).String()
		if d.Diverted != "" {
			what += " (" + string(d.Diverted) + ")"
		}
		also(th.Dim, what)
	}
	switch c.Remote.Verstat {
	case sip.VerstatPassed, sip.VerstatPassedA:
		also(th.Dim, "✓ number verified")
	case sip.VerstatFailed:
		also(th.Problem, "! number not genuine")
	}
	if !c.Place.Empty() {
		also(th.Dim, c.Place.String())
	}
	if r := c.Disposition.String(); r != "" {
		also(th.Text, "result "+r)
	} else if c.NeedsResult {
		also(th.Warning, "! needs a result")
	}
	if d := c.DTMFOut.String(); d != "" {
		also(th.Dim, "sent "+d)
	}
	if d := c.DTMFIn.String(); d != "" {
		also(th.Dim, "received "+d)
	}
	sure := len(facts) // what follows is left out when there is no room for it
	if c.NameFrom != "" && c.NameFrom != "the settings" && !narrow {
		also(th.Dim, "name from "+c.NameFrom)
	}
	if c.Codec != "" {
		also(th.Dim, c.Codec)
	}
	out := l.flow(facts, sure, line, 2)
	var told [][]row.Seg
	for _, v := range c.Vars {
		if v.Show && !v.Value.Empty() {
			told = append(told, []row.Seg{{Ink: th.Dim, Text: v.Name.String() + " "}, {Ink: th.Text, Text: v.Value.String()}})
		}
	}
	out = append(out, l.flow(told, len(told), line, 3)...)
	if t := c.Transfer; t != nil && (t.Failed || c.State != desk.Ended) { // of one that has happened, the end tells
		out = append(out, l.transfer(t, line()))
	}
	if c.State == desk.Ended {
		return append(out, l.ended(c, line()))
	}
	if q := c.Quality; q != nil && !c.Answered.IsZero() {
		out = append(out, l.sound(c, q, indent, narrow)...)
	}
	return out
}

func (l Look) flags(c *desk.Call) (out []row.Seg) {
	if c.State == desk.Ended {
		return nil // said by ended
	}
	if c.Muted {
		out = append(out, row.Seg{Ink: l.Theme.Problem, Text: "⊘ muted"})
	}
	if c.HeldByThem && c.State != desk.Talking {
		out = append(out, row.Seg{Ink: l.Theme.Held, Text: "‖ they hold too"})
	}
	if !c.Broken.Empty() {
		out = append(out, row.Seg{Ink: l.Theme.Problem, Text: "✗ sound cut off"})
	}
	switch c.Recording {
	case sip.RecordingOn:
		out = append(out, row.Seg{Ink: l.Theme.Problem, Text: "● recording"})
	case sip.RecordingPaused:
		out = append(out, row.Seg{Ink: l.Theme.Held, Text: "‖ recording paused"})
	}
	if c.Conference {
		out = append(out, row.Seg{Ink: l.Theme.Accent, Text: "∴ conference"})
	}
	if c.AutoAnswer && c.State == desk.Incoming {
		out = append(out, row.Seg{Ink: l.Theme.Ringing, Text: "answers by itself"})
	}
	if c.Record == desk.RecordUnsafe {
		out = append(out, row.Seg{Ink: l.Theme.Problem, Text: "✗ record not on disk"})
	}
	return out
}

func (l Look) transfer(t *desk.Transfer, r *row.Row) string {
	if t.Failed {
		r.Put(l.Theme.Problem, "✗ transfer to "+t.Target.String()+" failed")
	} else {
		r.Put(l.Theme.Held, "» transfer to "+t.Target.String())
	}
	if !t.Text.Empty() {
		r.Put(l.Theme.Text, ": "+t.Text.String())
	}
	return r.String()
}

func (l Look) ended(c *desk.Call, r *row.Row) string {
	th := l.Theme
	switch c.Record {
	case desk.RecordSent:
		r.Put(th.Good, "✓ Task in Salesforce")
	case desk.RecordPending:
		r.Put(th.Warning, "◌ record on disk, on its way")
	case desk.RecordDead:
		r.Put(th.Problem, "✗ Salesforce refused the record")
	case desk.RecordFiltered:
		r.Put(th.Dim, "○ no Task wanted for this kind of call")
	case desk.RecordUnsafe:
		r.Put(th.Problem, "✗ record is not on disk")
	}
	if !c.Cause.Empty() {
		r.Put(th.Faint, " · ").Put(th.Dim, c.Cause.String())
	}
	return r.String()
}

// sound is the level meters and the quality of the line.
func (l Look) sound(c *desk.Call, q *media.Stats, indent int, narrow bool) []string {
	th := l.Theme
	width := 10
	if l.Width >= 100 {
		width = 16
	}
	you := q.InLevel
	mic := th.Talking
	if c.Muted || c.State == desk.Held {
		you, mic = math.Inf(-1), th.Faint
	}
	r := l.start(true).To(indent).Put(th.Dim, "you ")
	meter(r, th, mic, you, width)
	r.Put(th.Dim, "  them ")
	meter(r, th, th.Talking, q.OutLevel, width)
	ink, word := Grade(th, q.MOS)
	quality := []row.Seg{{Ink: th.Dim, Text: fmt.Sprintf("loss %.1f %%  jitter %d ms  ", q.RecentLoss, q.Jitter.Milliseconds())},
		{Ink: ink, Text: fmt.Sprintf("MOS %.1f", q.MOS)}, {Ink: th.Dim, Text: " " + word}}
	if q.MOS == 0 { // no estimate yet
		quality = quality[:1]
	}
	if narrow {
		return []string{r.String(), l.start(true).To(indent).Segs(quality...).String()}
	}
	return []string{r.Gap(3).Segs(quality...).String()}
}

// meter draws a level in dBFS, from -60 to 0, as a line whose loud part is thick.
func meter(r *row.Row, th *theme.Theme, ink theme.Ink, dB float64, width int) {
	n := 0
	if !math.IsNaN(dB) && dB > -60 {
		n = min(int((dB+60)/60*float64(width)+0.5), width)
	}
	r.Put(ink, strings.Repeat("━", n)).Put(th.Faint, strings.Repeat("─", width-n))
}

// Grade is the colour and word of an estimated MOS (ITU-T G.107, Annex B).
func Grade(th *theme.Theme, mos float64) (theme.Ink, string) {
	switch {
	case mos >= 4:
		return th.Good, "good"
	case mos >= 3.6:
		return th.Text, "fair"
	case mos >= 3.1:
		return th.Warning, "poor"
	}
	return th.Problem, "bad"
}

// Lock says how well a call is protected: both ways, the sound alone, the signalling alone; nothing for a call in the clear.
func Lock(c *desk.Call) string {
	switch {
	case c.Sound != "" && c.Signaling != "":
		return "⚿ encrypted"
	case c.Sound != "":
		return "⚿ sound encrypted"
	case c.Signaling != "":
		return "⚿ signalling encrypted"
	}
	return ""
}

// flow lays facts out one after the other, on at most most lines; a fact is broken only when it is longer than a line. Those from sure on
// begin no line of their own.
func (l Look) flow(facts [][]row.Seg, sure int, line func() *row.Row, most int) (out []string) {
	r := line()
	begin := r.Used()
	for i, f := range facts {
		if r.Used() > begin {
			if i >= sure && r.Used()+3+row.SegsWidth(f) > l.Width-1 {
				continue
			}
			if r.Used()+3+row.SegsWidth(f) > l.Width-1 && len(out) < most-1 {
				out = append(out, r.String())
				r = line()
			} else {
				r.Put(l.Theme.Faint, " · ")
			}
		}
		r.Segs(f...)
	}
	if r.Used() > begin {
		out = append(out, r.String())
	}
	return out
}
