package boardpage

import (
	"strings"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/overlay"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// orderPrefix marks the action of a box that means an order: verb and text.
const orderPrefix = "order:"

func orderName(v Verb, words string) string { return orderPrefix + string(v) + ":" + words }

// parseOrder reads what a box asked for.
func parseOrder(action, agent string) (Order, bool) {
	rest, ok := strings.CutPrefix(action, orderPrefix)
	verb, words, _ := strings.Cut(rest, ":")
	return Order{Agent: agent, Verb: Verb(verb), Text: text.Clean(words)}, ok
}

// askAway asks for the reason before an agent is set away.
func askAway(a *Agent) *overlay.Ask {
	says := "The exchange should send no calls; one that it sends rings."
	if busy(a) {
		says = "The call goes on; it takes effect when the call ends."
	}
	why := func(key, title string) overlay.Choice {
		return overlay.Choice{Key: key, Title: strings.ToLower(title), Action: orderName(Away, title)}
	}
	return &overlay.Ask{Title: "Set " + a.Name.String() + " away?", Text: says + " They are told that it was you.",
		Choices: []overlay.Choice{why("b", "Break"), why("m", "Meeting"), why("t", "Training"), why("o", "Other"), {Key: "n", Title: "no", Default: true}}}
}

// askAvailable asks before calls come to an agent again.
func askAvailable(a *Agent) *overlay.Ask {
	return &overlay.Ask{Title: "Set " + a.Name.String() + " available?", Text: "Calls come in at once, even when nobody sits there. They are told that it was you.",
		Choices: []overlay.Choice{{Key: "y", Title: "set available", Action: orderName(Available, "")}, {Key: "n", Title: "no", Default: true}}}
}

// askLogout asks before an agent is asked to log out.
func askLogout(a *Agent) *overlay.Ask {
	says := "No more calls come in; they are asked to leave."
	if busy(a) {
		says = "The call goes on. When it ends no more come in, and they are asked to leave."
	}
	return &overlay.Ask{Title: "Ask " + a.Name.String() + " to log out?", Text: says,
		Choices: []overlay.Choice{{Key: "y", Title: "ask", Action: orderName(Logout, "")}, {Key: "n", Title: "no", Default: true}}}
}

func busy(a *Agent) bool { return a.State == desk.OnCall || a.State == desk.Ringing }

// message asks for one line to the agent.
type message struct {
	field edit.Field
	to    string
}

func newMessage(a *Agent) *message {
	return &message{to: a.Name.String(), field: edit.Field{Limit: 160}}
}

// Press implements overlay.Box.
func (m *message) Press(k tea.Key, name string) overlay.Outcome {
	switch name {
	case "overlay.close":
		return overlay.Outcome{Close: true, Handled: true}
	case "overlay.accept":
		if s := strings.TrimSpace(m.field.Value()); s != "" {
			return overlay.Outcome{Close: true, Handled: true, Action: orderName(Message, s)}
		}
		return overlay.Outcome{Handled: true}
	}
	handled, _ := m.field.Key(k)
	return overlay.Outcome{Handled: handled}
}

// Paste implements overlay.Box.
func (m *message) Paste(s string) overlay.Outcome {
	m.field.Insert(s)
	return overlay.Outcome{Handled: true}
}

// Alive implements overlay.Box.
func (m *message) Alive(*desk.Snapshot) bool { return true }

// Draw implements overlay.Box.
func (m *message) Draw(th *theme.Theme, keys keymap.Map, _ *desk.Snapshot, w, _ int) overlay.Drawn {
	width := max(min(64, w-2), 16)
	inner := width - 4
	shown, at := m.field.Line(inner - 4)
	return overlay.Drawn{Title: "Message to " + row.Fit(m.to, width-18), Width: width, Cursor: true, X: 3 + at, Y: 1,
		Foot: overlay.Hints(th, keys, "overlay.accept", "send", "overlay.close", "back"),
		Lines: []string{row.Blank(inner), row.New(inner).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(inner-4-row.Width(shown))+" ").String(), row.Blank(inner),
			row.New(inner).Put(th.Dim, "It stands on their screen, with your name.").String()}}
}

// help shows the board's keys.
type help struct{ top, most int }

// Press implements overlay.Box.
func (p *help) Press(k tea.Key, name string) overlay.Outcome {
	switch name {
	case "overlay.down":
		p.top = min(p.top+5, p.most)
	case "overlay.up":
		p.top = max(p.top-5, 0)
	case "overlay.close", "overlay.accept":
		return overlay.Outcome{Close: true, Handled: true}
	default:
		if s := k.String(); s == "q" || s == "f1" || k.Text == "?" {
			return overlay.Outcome{Close: true, Handled: true}
		}
		return overlay.Outcome{}
	}
	return overlay.Outcome{Handled: true}
}

// Paste implements overlay.Box.
func (p *help) Paste(string) overlay.Outcome { return overlay.Outcome{} }

// Alive implements overlay.Box.
func (p *help) Alive(*desk.Snapshot) bool { return true }

// Draw implements overlay.Box: one column of keys with what they do.
func (p *help) Draw(th *theme.Theme, keys keymap.Map, _ *desk.Snapshot, w, h int) overlay.Drawn {
	width := max(min(84, w-2), 16)
	inner := width - 4
	var lines []string
	for i, g := range keymap.BoardGroups() {
		if i > 0 {
			lines = append(lines, row.Blank(inner))
		}
		lines = append(lines, row.New(inner).Put(th.Brand, g).String())
		for _, a := range keys.Group(g) {
			k := keys.Keys(a.Name)
			if k == "" {
				k = "–"
			}
			lines = append(lines, row.New(inner).Cell(th.Key, k, 10).Cell(th.Text, a.Title, 15).Put(th.Dim, a.Help).String())
		}
	}
	room := max(h-4, 1)
	p.most = max(len(lines)-room, 0)
	p.top = min(p.top, p.most)
	foot := overlay.Hints(th, keys, "overlay.close", "back")
	if p.most > 0 {
		foot = overlay.Hints(th, keys, "overlay.down", "more", "overlay.up", "back up", "overlay.close", "close")
	}
	return overlay.Drawn{Title: "Keys of the board", Lines: lines[p.top:min(p.top+room, len(lines))], Foot: foot, Width: width}
}
