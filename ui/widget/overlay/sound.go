package overlay

import (
	"fmt"
	"slices"
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Sound is the page of the sound devices: which there are, which serve, how loud the microphone is, and a check of it.
type Sound struct {
	check *desk.SoundCheck // as the desk shows it; nil: not yet
	at    int              // selected device
}

// NewSound opens the page; the desk is asked for the devices by the command that opens it.
func NewSound() *Sound { return &Sound{at: -1} }

const checkKey = "t"

// Press implements Box.
func (p *Sound) Press(k tea.Key, name string) Outcome {
	out := Outcome{Handled: true}
	send := func(c desk.Command) Outcome { out.Commands = []desk.Command{c}; return out }
	switch {
	case name == "overlay.close":
		out.Close = true
		return send(desk.Command{Verb: desk.SoundHide})
	case p.check == nil:
		return Outcome{}
	case name == "overlay.down":
		p.at = min(p.at+1, len(p.check.Devices)-1)
	case name == "overlay.up":
		p.at = max(p.at-1, min(0, len(p.check.Devices)-1))
	case name == "overlay.accept":
		if p.at >= 0 && p.at < len(p.check.Devices) {
			d := p.check.Devices[p.at]
			return send(desk.Command{Verb: desk.SoundPick, Text: d.Value, Values: map[string]string{"role": string(d.Role)}})
		}
	case strings.EqualFold(k.Text, checkKey):
		return send(desk.Command{Verb: desk.SoundTry})
	default:
		return Outcome{}
	}
	return out
}

// Paste implements Box.
func (p *Sound) Paste(string) Outcome { return Outcome{} }

// Alive implements Box. The page closes when somebody else has closed it.
func (p *Sound) Alive(s *desk.Snapshot) bool {
	if s.SoundCheck == nil {
		return p.check == nil
	}
	first := p.check == nil || len(p.check.Devices) == 0
	var chosen desk.SoundDevice
	if !first && p.at >= 0 && p.at < len(p.check.Devices) {
		chosen = p.check.Devices[p.at]
	}
	p.check = s.SoundCheck
	list := p.check.Devices
	same := func(d desk.SoundDevice) bool {
		if first { // begin at what serves as microphone
			return d.Role == desk.Microphone && d.Chosen
		}
		return d.Role == chosen.Role && d.Value == chosen.Value
	}
	if i := slices.IndexFunc(list, same); i >= 0 { // a list that changes under the hand keeps what was selected
		p.at = i
	}
	p.at = min(p.at, len(list)-1)
	return true
}

var roleTitles = map[desk.SoundRole]string{desk.Microphone: "Microphone", desk.Loudspeaker: "Loudspeaker", desk.RingDevice: "Ring"}

// Draw implements Box.
func (p *Sound) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(72, w-2), 16)
	inner := width - 4
	d := Drawn{Title: "Sound", Width: width}
	if s != nil {
		p.Alive(s)
	}
	if p.check == nil {
		d.Lines = []string{row.New(inner).Put(th.Dim, "◌ asking for the devices").String()}
		d.Foot = Hints(th, keys, "overlay.close", "back")
		return d
	}
	d.Foot = append(Hints(th, keys, "overlay.accept", "use it"), row.Seg{Text: "   "}, row.Seg{Ink: th.Key, Text: checkKey}, row.Seg{Ink: th.Dim, Text: " check the microphone"}, row.Seg{Text: "   "})
	d.Foot = append(d.Foot, Hints(th, keys, "overlay.close", "done")...)
	list, selected := p.lines(th, inner)
	words := p.words(th, inner, s)
	room := max(h-4-len(words)-3, 3)
	if len(list) > room {
		top := max(min(selected-room/2, len(list)-room), 0)
		list = list[top : top+room]
	}
	d.Lines = slices.Concat(p.meters(th, inner), list, []string{row.Blank(inner)}, words)
	return d
}

// meters are the levels now.
func (p *Sound) meters(th *theme.Theme, w int) []string {
	one := func(r *row.Row, name string, dB float64, n int) {
		r.Put(th.Dim, name+" ")
		on := 0
		if dB > -60 {
			on = min(int((dB+60)/60*float64(n)+0.5), n)
		}
		r.Put(th.Talking, strings.Repeat("━", on)).Put(th.Faint, strings.Repeat("─", n-on))
	}
	n := max((w-24)/2, 6)
	r := row.New(w)
	one(r, "you", p.check.In, n)
	level := " silent "
	if p.check.In > -60 {
		level = fmt.Sprintf(" %3.0f dB ", p.check.In)
	}
	r.Put(th.Text, level)
	one(r, " them", p.check.Out, min(n, max(w-r.Used()-6, 0)))
	return []string{r.String(), row.Blank(w)}
}

// lines are the devices under their roles, and the line of the selected one.
func (p *Sound) lines(th *theme.Theme, w int) (out []string, selected int) {
	role := desk.SoundRole("")
	for i, d := range p.check.Devices {
		if d.Role != role {
			role = d.Role
			out = append(out, row.New(w).Put(th.Title, roleTitles[role]).String())
		}
		r := row.New(w)
		ink := th.Text
		if i == p.at {
			r.Put(th.Accent, "› ")
			ink, selected = th.Select, len(out)
		} else {
			r.Gap(2)
		}
		var right []row.Seg
		switch {
		case d.Missing:
			right = append(right, row.Seg{Ink: th.Problem, Text: "! missing"})
		case d.InUse:
			right = append(right, row.Seg{Ink: th.Good, Text: "in use"})
		}
		if d.Default && w >= 50 {
			right = append([]row.Seg{{Ink: th.Dim, Text: "default  "}}, right...)
		}
		mark, markInk := "○ ", th.Faint
		if d.Chosen {
			mark, markInk = "● ", th.Accent
		}
		r.Put(markInk, mark).Keep(row.SegsWidth(right)+1).Put(ink, d.Name.String())
		out = append(out, r.Right(right...).String())
	}
	if len(out) == 0 {
		out = []string{row.New(w).Put(th.Dim, "No devices are known yet.").String()}
	}
	return out, selected
}

// words say what is under way, or what the last thing came to, on two lines.
func (p *Sound) words(th *theme.Theme, w int, s *desk.Snapshot) []string {
	glyph, ink, says := "", th.Dim, "Speak: the upper line shows how loud you are. Nothing is sent or kept."
	if s != nil && slices.ContainsFunc(s.Calls, func(c desk.Call) bool { return c.State != desk.Ended }) {
		says = "Another device takes over at once, in the middle of the call."
	}
	switch c := p.check; {
	case c.Busy == desk.SoundTest:
		glyph, ink, says = "◌ ", th.Accent, "Speak now for three seconds; then you hear yourself."
	case c.Busy != "":
		glyph, ink, says = "◌ ", th.Accent, "working"
	case !c.Words.Empty() && c.OK:
		glyph, ink, says = "✓ ", th.Good, c.Words.String()
	case !c.Words.Empty():
		glyph, ink, says = "! ", th.Problem, c.Words.String()
	}
	var out []string
	for i, l := range row.Wrap(says, w-row.Width(glyph)) {
		if i == 0 {
			out = append(out, row.New(w).Put(ink, glyph).Put(th.Text, l).String())
		} else {
			out = append(out, row.New(w).Gap(row.Width(glyph)).Put(th.Text, l).String())
		}
	}
	return row.Height(out, w, 2)
}
