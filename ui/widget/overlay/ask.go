package overlay

import (
	"slices"
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Choice is one answer to a question.
type Choice struct {
	Key      string // one letter
	Title    string
	Commands []desk.Command
	Action   string
	Default  bool // Enter chooses it
}

// Ask is a question with a few answers, each with its own letter.
type Ask struct {
	Title   string
	Text    string
	Choices []Choice
	// While says whether the question still makes sense; nil: always.
	While func(*desk.Snapshot) bool
	// Escape is what closing the box without an answer asks for.
	Escape []desk.Command
}

// Decline asks how to decline a ringing call.
func Decline(c *desk.Call, name string) *Ask {
	key := c.Key
	say := func(how string) []desk.Command { return []desk.Command{{Verb: desk.Reject, Call: key, Text: how}} }
	return &Ask{Title: "Decline " + name + "?", Text: "The caller is turned away; the call's record says so.",
		Choices: []Choice{{Key: "d", Title: "decline", Commands: say("decline"), Default: true}, {Key: "b", Title: "say busy", Commands: say("busy")}},
		While:   func(s *desk.Snapshot) bool { return can(s, key, desk.Reject) }}
}

// Away asks for the reason of a pause.
func Away() *Ask {
	why := func(key, title string) Choice {
		return Choice{Key: key, Title: title, Commands: []desk.Command{{Verb: desk.GoAway, Text: title}}}
	}
	return &Ask{Title: "Away", Text: "The team sees it. A call that the exchange sends still rings.",
		Choices: []Choice{why("b", "Break"), why("l", "Lunch"), why("m", "Meeting"), why("t", "Training"), why("o", "Other")}}
}

// Discard asks before a form with typed values is left; title is what the form does.
func Discard(title string) *Ask {
	return &Ask{Title: "Leave the form “" + title + "”?", Text: "What you typed is not in Salesforce. Set aside, it waits under New …",
		Choices: []Choice{{Key: "y", Title: "discard", Commands: []desk.Command{{Verb: desk.Close}}},
			{Key: "s", Title: "set aside", Commands: []desk.Command{{Verb: desk.SetAside}}}, {Key: "n", Title: "keep typing", Default: true}},
		While: func(s *desk.Snapshot) bool { return s.Form != nil }}
}

// Leaving asks before the program is left during a call.
func Leaving(s *desk.Snapshot, name func(*desk.Call) string) *Ask {
	text := "Calls are up. Leave anyway? They end, their records are safe."
	var up []*desk.Call
	for i := range s.Calls {
		if s.Calls[i].State != desk.Ended {
			up = append(up, &s.Calls[i])
		}
	}
	if len(up) == 1 {
		text = "A call with " + name(up[0]) + " is up. Leave anyway? The call ends, its record is safe."
		if up[0].State == desk.Incoming {
			text = name(up[0]) + " is ringing. Leave anyway? The caller is turned away, the call's record is safe."
		}
	}
	return &Ask{Title: "Leave offhook?", Text: text,
		Choices: []Choice{{Key: "y", Title: "leave", Commands: []desk.Command{{Verb: desk.QuitNow}}},
			{Key: "n", Title: "stay", Commands: []desk.Command{{Verb: desk.QuitCancel}}, Default: true}},
		While:  func(s *desk.Snapshot) bool { return s.Leaving },
		Escape: []desk.Command{{Verb: desk.QuitCancel}}}
}

// Press implements Box.
func (a *Ask) Press(k tea.Key, name string) Outcome {
	for _, c := range a.Choices {
		if strings.EqualFold(k.Text, c.Key) || c.Default && name == "overlay.accept" {
			return Outcome{Close: true, Commands: c.Commands, Action: c.Action, Handled: true}
		}
	}
	if name == "overlay.close" {
		return Outcome{Close: true, Commands: a.Escape, Handled: true}
	}
	return Outcome{}
}

// Paste implements Box; a question takes no text.
func (a *Ask) Paste(string) Outcome { return Outcome{} }

// Alive implements Box.
func (a *Ask) Alive(s *desk.Snapshot) bool { return a.While == nil || s != nil && a.While(s) }

// Draw implements Box. On a very small screen the answers come first.
func (a *Ask) Draw(th *theme.Theme, keys keymap.Map, _ *desk.Snapshot, w, h int) Drawn {
	width := max(min(58, w-2), 12)
	d := Drawn{Title: a.Title, Width: width, Foot: Hints(th, keys, "overlay.close", "back")}
	inner := width - 4
	var words []string
	for _, l := range row.Wrap(a.Text, inner) {
		words = append(words, row.New(inner).Put(th.Text, l).String())
	}
	answers := a.answers(th, inner)
	if h < len(words)+len(answers)+6 {
		d.Lines = append(answers, words...)
		d.Lines = d.Lines[:min(len(d.Lines), max(h-3, 1))]
		return d
	}
	blank := []string{row.Blank(inner)}
	d.Lines = slices.Concat(blank, words, blank, answers, blank)
	return d
}

// answers are the choices, on as many lines as they need.
func (a *Ask) answers(th *theme.Theme, w int) (out []string) {
	r := row.New(w)
	for _, c := range a.Choices {
		n := row.Width(c.Key) + 1 + row.Width(c.Title)
		if c.Default {
			n += 4
		}
		if r.Used() > 0 && r.Used()+3+n > w {
			out = append(out, r.String())
			r = row.New(w)
		}
		if r.Used() > 0 {
			r.Gap(3)
		}
		if c.Default {
			r.Put(th.Next, " ▶ "+c.Key+" "+c.Title+" ")
		} else {
			r.Put(th.Key, c.Key).Put(th.Text, " "+c.Title)
		}
	}
	return append(out, r.String())
}
