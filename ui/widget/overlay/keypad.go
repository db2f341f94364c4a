package overlay

import (
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Keypad sends each digit that is pressed to the far end at once (RFC 4733).
type Keypad struct {
	call desk.CallKey
	name string
	last string
}

// NewKeypad opens the keypad of a call.
func NewKeypad(c *desk.Call, name string) *Keypad { return &Keypad{call: c.Key, name: name} }

const digits = "0123456789*#ABCD"

// Press implements Box.
func (p *Keypad) Press(k tea.Key, name string) Outcome {
	if name == "overlay.close" || name == "overlay.accept" {
		return Outcome{Close: true, Handled: true}
	}
	return p.send(k.Text)
}

// Paste implements Box: a pasted code is sent digit by digit.
func (p *Keypad) Paste(s string) Outcome { return p.send(s) }

func (p *Keypad) send(s string) Outcome {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(digits, r) {
			return r
		}
		return -1
	}, strings.ToUpper(s))
	if s == "" {
		return Outcome{}
	}
	if len(s) > 64 {
		s = s[:64]
	}
	p.last = s[len(s)-1:]
	return Outcome{Handled: true, Commands: []desk.Command{{Verb: desk.DTMF, Call: p.call, Text: s}}}
}

// Alive implements Box.
func (p *Keypad) Alive(s *desk.Snapshot) bool { return up(s, p.call) }

// Draw implements Box.
func (p *Keypad) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, _ int) Drawn {
	width := max(min(38, w-2), 16)
	inner := width - 4
	d := Drawn{Title: "Keypad – " + row.Fit(p.name, width-18), Width: width, Foot: Hints(th, keys, "overlay.close", "done")}
	sent := ""
	if c := callIn(s, p.call); c != nil {
		sent = c.DTMFOut.String()
	}
	if n := row.Width(sent); n > inner-5 {
		r := []rune(sent)
		sent = "…" + string(r[max(len(r)-inner+6, 0):])
	}
	d.Lines = append(d.Lines, row.New(inner).Put(th.Dim, "sent ").Put(th.Strong, sent).String(), row.Blank(inner))
	for _, line := range [...]string{"123", "456", "789", "*0#"} {
		r := row.New(inner).Gap(max((inner-15)/2, 0))
		for _, c := range line {
			if k := string(c); k == p.last {
				r.Put(th.Next, "  "+k+"  ")
			} else {
				r.Put(th.Key, "  "+k+"  ")
			}
		}
		d.Lines = append(d.Lines, r.String())
	}
	return d
}
