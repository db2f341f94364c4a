package ui

import (
	"strings"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	deskpage "offhook/ui/page/desk"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Notify is how a ringing call is told to the desktop.
type Notify string

// The ways of notification. OSC 9 is understood by most terminals that understand any, OSC 777 by urxvt and its heirs.
const (
	NotifyOff    Notify = "" // none
	NotifyOSC9   Notify = "osc9"
	NotifyOSC777 Notify = "osc777"
)

// bellEvery is how often the terminal's bell rings for a call.
const bellEvery = 4 * time.Second

// announce tells about calls that have begun to ring since the last snapshot: it starts the grace period, rings the bell
// and notifies the desktop when nobody looks.
func (m *Model) announce() tea.Cmd {
	var cmds []tea.Cmd
	now := m.opt.Now()
	here := map[desk.CallKey]bool{}
	for i := range m.snap.Calls {
		c := &m.snap.Calls[i]
		if c.State != desk.Incoming {
			continue
		}
		here[c.Key] = true
		if m.rang[c.Key] {
			continue
		}
		m.grace.open(now, m.opt.Grace)
		if m.bellOn() {
			m.bell = now.Add(bellEvery)
			cmds = append(cmds, tea.Raw("\a"))
		}
		if m.blurred && m.opt.Notify != NotifyOff {
			cmds = append(cmds, tea.Raw(notification(m.opt.Notify, text.Clean("Incoming call"), callText(c))))
		}
	}
	m.rang = here
	if len(here) == 0 {
		m.grace = grace{}
	}
	return tea.Batch(cmds...)
}

// bellOn reports whether the terminal's bell rings for calls: by the settings, or as the agent has chosen since.
func (m *Model) bellOn() bool { return m.opt.Bell || m.snap.Bell }

// ring rings the bell again while a call rings.
func (m *Model) ring() tea.Cmd {
	if now := m.opt.Now(); m.bellOn() && len(m.rang) > 0 && !now.Before(m.bell) {
		m.bell = now.Add(bellEvery)
		return tea.Raw("\a")
	}
	return nil
}

// callText is who calls, with the number.
func callText(c *desk.Call) text.Text {
	name := deskpage.Name(c)
	if n := c.Remote.Number.String(); n != "" && n != name && !c.Remote.Withheld {
		name += " " + n
	}
	return text.Clean(name)
}

// notification is the escape sequence of a desktop notification. Only cleaned text goes in; the semicolon separates the
// fields of OSC 777 and an OSC 9 that begins with a digit and a semicolon is a progress bar.
func notification(how Notify, title, body text.Text) string {
	plain := func(t text.Text) string { return strings.ReplaceAll(t.Truncate(80).String(), ";", ",") }
	if how == NotifyOSC777 {
		return "\x1b]777;notify;" + plain(title) + ";" + plain(body) + "\a"
	}
	return ansi.Notify(plain(title) + ": " + plain(body))
}

// title is the terminal's title: what matters when the window is not seen.
func (m *Model) title() string {
	var up, ringing *desk.Call
	for i := range m.snap.Calls {
		switch c := &m.snap.Calls[i]; c.State {
		case desk.Incoming:
			if ringing == nil {
				ringing = c
			}
		case desk.Ended, desk.Ending:
		default:
			up = c
		}
	}
	switch {
	case ringing != nil:
		return text.Clean("◉ " + deskpage.Name(ringing) + " is calling").Truncate(80).String()
	case up != nil && up.State == desk.Held:
		return text.Clean("‖ " + deskpage.Name(up) + " on hold").Truncate(80).String()
	case up != nil:
		return text.Clean("● " + deskpage.Name(up)).Truncate(80).String()
	case m.snap.State == "":
		return "offhook"
	}
	return "offhook – " + text.Clean(string(m.snap.State)).Truncate(40).String()
}

// grace holds back the keys that answer or decline after a call has come in.
type grace struct{ until, limit time.Time }

func (g *grace) open(now time.Time, how Grace) {
	if how.Quiet > 0 {
		g.until, g.limit = now.Add(how.Quiet), now.Add(max(how.Max, how.Quiet))
	}
}

// key extends the wait: someone is typing.
func (g *grace) key(now time.Time, how Grace) {
	if g.holds(now) {
		if g.until = now.Add(how.Quiet); g.until.After(g.limit) {
			g.until = g.limit
		}
	}
}

func (g *grace) holds(now time.Time) bool { return now.Before(g.until) }

// tick is the clock of the timers on the screen. At most one is under way; it stops when nothing moves.
type tick struct {
	gen int
	due time.Time // when the one that is under way fires; zero: none
}

type tickMsg struct{ gen int }

func (t *tick) fired(msg tickMsg) bool {
	if msg.gen != t.gen {
		return false // replaced by an earlier one
	}
	t.due = time.Time{}
	return true
}

// schedule arms the clock for the next moment at which something on the screen changes by itself.
func (m *Model) schedule() tea.Cmd {
	now := m.opt.Now()
	in := m.moves(now)
	if in == 0 {
		return nil
	}
	due := now.Add(in)
	if !m.tick.due.IsZero() && !due.Before(m.tick.due) && now.Before(m.tick.due.Add(time.Second)) {
		return nil
	}
	m.tick.gen++
	m.tick.due = due
	gen := m.tick.gen
	return tea.Tick(in, func(time.Time) tea.Msg { return tickMsg{gen} })
}

// moves is how long the screen stays as it is: half a second while a call rings, up to a second while one is up, up to
// a minute for the agent's state; zero when nothing moves.
func (m *Model) moves(now time.Time) time.Duration {
	if len(m.rang) > 0 {
		return 500 * time.Millisecond
	}
	for i := range m.snap.Calls {
		if c := &m.snap.Calls[i]; c.State != desk.Ended {
			from := c.Answered
			if from.IsZero() {
				from = c.Started
			}
			return rest(now.Sub(from), time.Second)
		}
	}
	if m.snap.Since.IsZero() {
		return 0
	}
	return rest(now.Sub(m.snap.Since), time.Minute)
}

// rest is what is left until d is the next whole unit.
func rest(d, unit time.Duration) time.Duration {
	if d < 0 {
		return unit
	}
	return unit - d%unit + time.Millisecond
}

func join(lines []string, h int) string {
	if len(lines) > h {
		lines = lines[:h]
	}
	return strings.Join(lines, "\n")
}
