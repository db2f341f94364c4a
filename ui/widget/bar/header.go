// Package bar draws the lines at the edges of the screen: header, status line, action bar, notices, landed Tasks and
// the demo's caption.
//
// It draws what it is given and decides only what to leave out when the screen is narrow.
package bar

import (
	"strconv"
	"time"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/row"
)

// Badge is the agent's state as glyph, words and ink.
func Badge(th *theme.Theme, s desk.State) (glyph, word string, ink theme.Ink) {
	switch s {
	case desk.Starting:
		return "◌", "Starting", th.BadgeAway
	case desk.Offline:
		return "✗", "Offline", th.BadgeProblem
	case desk.Available:
		return "●", "Available", th.BadgeReady
	case desk.Ringing:
		return "◉", "Ringing", th.BadgeRinging
	case desk.OnCall:
		return "●", "On call", th.BadgeTalking
	case desk.Away:
		return "‖", "Away", th.BadgeAway
	case desk.NotResponding:
		return "!", "Not responding", th.BadgeProblem
	case "":
		return "◌", "Connecting", th.BadgeAway
	}
	return "·", string(s), th.BadgeAway
}

// Header is the first line: the program, the agent's state and since when, the account.
func Header(th *theme.Theme, w int, s *desk.Snapshot, now time.Time) string {
	glyph, word, ink := Badge(th, s.State)
	room := max(w/2-14, 10)
	if s.Pending != "" { // what comes after the call says more than the account
		room = max(room-16, 10)
	}
	stands := standing(th, s)
	if taken := 32 + row.SegsWidth(stands) + 2*len(stands); len(stands) > 0 && taken+room+12 > w { // and so does what must not be forgotten
		if room = w - taken - 12; room < 10 {
			room = 0
		}
	}
	right := []row.Seg{{Ink: th.Dim, Text: s.Agent.Account.Truncate(room).String()}}
	switch {
	case s.Agent.Demo:
		if room > 0 {
			right = append(right, row.Seg{Ink: th.Faint, Text: " · "})
		}
		right = append(right, row.Seg{Ink: th.Accent, Text: "practice"})
	case s.Agent.Profile.String() != "" && s.Agent.Profile.String() != "default":
		right = append(right, row.Seg{Ink: th.Faint, Text: " · "}, row.Seg{Ink: th.Dim, Text: s.Agent.Profile.Truncate(16).String()})
	}
	right = append(right, row.Seg{Text: " "})
	r := row.New(w).Keep(row.SegsWidth(right)+1).Gap(1).Put(th.Brand, "offhook").Gap(2)
	r.Put(ink, " "+glyph+" "+word+" ")
	if !s.Since.IsZero() {
		r.Gap(1).Put(th.Dim, Since(s, now))
	}
	if s.State == desk.OnCall { // a second call must be seen even under a box
		for i := range s.Calls {
			if c := &s.Calls[i]; c.State == desk.Incoming {
				name, _ := calls.Who(c)
				r.Gap(2).Put(th.Ringing, "◉ "+name+" rings")
				break
			}
		}
	}
	for _, seg := range stands {
		r.Gap(2).Put(seg.Ink, seg.Text)
	}
	if s.Pending != "" {
		_, next, _ := Badge(th, s.Pending)
		r.Gap(2).Put(th.Held, "→ "+next+" after this call")
	}
	return r.Right(right...).String()
}

// Since is how long the state has lasted: to the second while calls are up, else in coarse steps that need no redraw.
func Since(s *desk.Snapshot, now time.Time) string {
	d := max(now.Sub(s.Since), 0)
	if len(s.Calls) > 0 && (s.State == desk.Ringing || s.State == desk.OnCall) {
		return calls.Clock(d)
	}
	return Ago(d)
}

// Ago is a duration in words as short as they can be: "now", "3 min", "2 h 05".
func Ago(d time.Duration) string {
	switch m := int(d / time.Minute); {
	case m < 1:
		return "now"
	case m < 60:
		return strconv.Itoa(m) + " min"
	default:
		pad := ""
		if m%60 < 10 {
			pad = "0"
		}
		return strconv.Itoa(m/60) + " h " + pad + strconv.Itoa(m%60)
	}
}

// standing is what holds until it is undone: calls that do not ring here, and messages that nobody has heard.
func standing(th *theme.Theme, s *desk.Snapshot) (out []row.Seg) {
	if s.DND {
		out = append(out, row.Seg{Ink: th.Problem, Text: "⊘ do not disturb"})
	}
	if f := s.Forward; f != nil {
		text := "→ calls go to " + f.To.Truncate(16).String()
		switch f.When {
		case desk.ForwardBusy:
			text = "→ when busy to " + f.To.Truncate(16).String()
		case desk.ForwardNoAnswer:
			text = "→ unanswered to " + f.To.Truncate(16).String()
		}
		out = append(out, row.Seg{Ink: th.Held, Text: text})
	}
	if m := s.Mailbox; m != nil && m.Waiting {
		text := "voice mail"
		if m.New > 0 {
			text = strconv.Itoa(m.New) + " voice mail"
		}
		out = append(out, row.Seg{Ink: th.Accent, Text: text})
	}
	return out
}
