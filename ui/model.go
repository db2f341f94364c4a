// Package ui is what agents see: the root model of the screen, and the program that shows it on a terminal.
//
// The root keeps the size, the theme, the open box and the clock of the timers, and routes keys: box, text field,
// action. It shows desk.Snapshots and sends desk.Commands and has no rules of its own. Pages draw themselves.
package ui

import (
	"slices"
	"sync/atomic"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/bridge"
	deskpage "offhook/ui/page/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/overlay"

	tea "charm.land/bubbletea/v2"
)

// Options say how the screen works. The zero value of each field is usable.
type Options struct {
	Keys   keymap.Map         // nil map: the default keys
	Theme  string             // a name of theme.Names; "" is auto
	Now    func() time.Time   // the clock; nil: time.Now
	Send   func(desk.Command) // takes commands in order; must not block. nil: commands are dropped
	Mouse  bool               // clicks on calls and actions; takes text selection away from the terminal
	Bell   bool               // the terminal's bell while a call rings
	Notify Notify             // desktop notification of a ringing call while the terminal is not in focus
	Busy   func() int         // counts what is under way behind the screen, for Stage.Busy; nil: nothing
	Beside Beside             // a second page in the same terminal; zero: none
	Browse func(string) bool  // opens an https address in the browser and reports whether there is one; nil: there is none
	Inside Multiplexer        // what the terminal runs in; its clipboard must be reached through it
	Grace  Grace              // how long an incoming call ignores answer and decline
}

// Grace is the quiet that an incoming call waits for before a key may answer or decline it: Quiet without any key, at
// most Max in all. The zero value stands for DefaultGrace; a negative Quiet switches it off.
type Grace struct{ Quiet, Max time.Duration }

// DefaultGrace is long enough for the keys that were on their way, and too short for a person to react in.
var DefaultGrace = Grace{Quiet: 425 * time.Millisecond, Max: 1500 * time.Millisecond}

// Model is the root model. Update and View belong to the program; Busy and Applied may be called from any goroutine.
type Model struct {
	opt   Options
	th    *theme.Theme
	w, h  int
	snap  *desk.Snapshot
	page  *deskpage.Page
	over  overlay.Box
	flash text.Text

	rang    map[desk.CallKey]bool // incoming calls that were announced
	grace   grace                 // after a call came in
	hush    grace                 // after a text field was closed by something else than the agent
	ahead   grace                 // after a form or a list came by itself
	wanted  bool                  // the agent has just asked for something that closes a text field
	owes    map[desk.CallKey]bool // calls whose result was asked for
	alarmed map[string]bool       // callbacks whose time has come
	popped  bool                  // the open box opened by itself
	offered uint64                // the newest number of another program that was seen
	leave   *overlay.Ask
	blurred bool
	bell    time.Time // when the bell rings again
	tick    tick

	applied atomic.Uint64
	busy    atomic.Int64
}

// New makes the root model. It fails only when the theme does not exist, by using auto instead.
func New(opt Options) *Model {
	if opt.Keys.Actions() == nil {
		opt.Keys = keymap.Default()
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Send == nil {
		opt.Send = func(desk.Command) {}
	}
	if opt.Grace == (Grace{}) {
		opt.Grace = DefaultGrace
	}
	th, err := theme.Named(opt.Theme, true)
	if err != nil {
		opt.Theme = "auto"
		th, _ = theme.Named(opt.Theme, true)
	}
	return &Model{opt: opt, th: th, w: 80, h: 24, snap: &desk.Snapshot{}, page: deskpage.New(opt.Keys), rang: map[desk.CallKey]bool{}}
}

// Applied is the Seq of the newest snapshot that the model shows. Any goroutine may ask.
func (m *Model) Applied() uint64 { return m.applied.Load() }

// Busy is how many of the model's own commands (bell, clipboard, notification, end) the program has not carried out yet.
// Timers that only redraw do not count. Any goroutine may ask.
func (m *Model) Busy() int { return int(m.busy.Load()) }

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	if m.opt.Theme == "" || m.opt.Theme == "auto" {
		return tea.RequestBackgroundColor
	}
	return nil
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case bridge.Snapshot:
		cmd = m.take(msg.Snapshot)
	case tea.KeyPressMsg:
		cmd = m.press(msg.Key())
	case tea.PasteMsg:
		m.grace.key(m.opt.Now(), m.opt.Grace)
		cmd = m.paste(msg.Content)
	case tea.MouseClickMsg:
		if m.over == nil && msg.Button == tea.MouseLeft {
			if name := m.page.Click(msg.X, msg.Y); name != "" {
				cmd = m.start(name)
			}
		}
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		if th, err := theme.Named(m.opt.Theme, msg.IsDark()); err == nil {
			m.th = th
		}
	case tea.FocusMsg:
		m.blurred = false
	case tea.BlurMsg:
		m.blurred = true
	case browsed:
		cmd = m.browsed(msg)
	case tickMsg:
		if !m.tick.fired(msg) {
			return m, nil
		}
		cmd = m.ring()
	}
	return m, batch(m.counted(cmd), m.schedule())
}

// counted makes Busy see a command until the program has carried it out.
func (m *Model) counted(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	m.busy.Add(1)
	return func() tea.Msg {
		defer m.busy.Add(-1)
		return cmd()
	}
}

func batch(a, b tea.Cmd) tea.Cmd {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return tea.Batch(a, b)
}

// take shows a newer snapshot.
func (m *Model) take(s *desk.Snapshot) tea.Cmd {
	if s == nil {
		return nil
	}
	typing := m.page.Typing() || m.over != nil
	if !slices.EqualFunc(m.snap.Calls, s.Calls, func(a, b desk.Call) bool { return a.Key == b.Key && a.State == b.State }) {
		m.flash = text.Text{} // it was about a moment that is past
	}
	m.came(m.snap, s)
	m.snap = s
	m.page.Take(s)
	m.applied.Store(s.Seq)
	if m.over != nil && !m.over.Alive(s) {
		m.over = nil
	}
	switch {
	case !s.Leaving:
		m.leave = nil
	case m.leave == nil: // before every other question
		m.leave = overlay.Leaving(s, deskpage.Name)
		m.over = m.leave
	}
	if typing && !m.page.Typing() && m.over == nil { // what is still being typed must not become commands
		if !m.wanted {
			m.hush.open(m.opt.Now(), m.opt.Grace)
		}
		m.wanted = false
	}
	if s.Quit {
		return tea.Quit
	}
	m.owed()
	return tea.Batch(m.announce(), m.alarm(), m.offer())
}

// press routes a key: the open box, the text field that has the focus, the actions of the context, those of the desk.
func (m *Model) press(k tea.Key) tea.Cmd {
	now := m.opt.Now()
	defer m.grace.key(now, m.opt.Grace)
	defer m.hush.key(now, m.opt.Grace)
	defer m.ahead.key(now, m.opt.Grace)
	m.flash = text.Text{}
	key := k.String()
	char := keymap.Character(key)
	if m.over != nil {
		in := keymap.Overlay
		if l, ok := m.over.(overlay.Listed); ok && !l.Typing() {
			in = keymap.List
		}
		if m.sudden(in) {
			return nil
		}
		a, _ := m.opt.Keys.Find(in, key)
		out := m.over.Press(k, a.Name)
		if out.Close {
			m.over = nil
		}
		for _, c := range out.Commands {
			m.send(c, now)
		}
		if out.Action != "" {
			return m.start(out.Action)
		}
		if out.Handled || char {
			return nil
		}
		return m.desk(key) // function and Ctrl keys work through every box
	}
	if in := m.page.Context(); in != keymap.Desk {
		if m.early(in, key) {
			return nil
		}
		if a, ok := m.opt.Keys.Find(in, key); ok && !(char && m.page.Typing()) {
			return m.apply(m.page.Do(a))
		}
		if r := m.page.Type(k); r.Handled {
			return m.apply(r)
		}
		if char && m.page.Typing() {
			return nil
		}
	}
	if char && m.hush.holds(now) {
		m.flash = text.Clean("The field you were typing in has closed, so that key did nothing.")
		return nil
	}
	if len(key) == 1 && key[0] >= '1' && key[0] <= '9' && m.page.Focus(int(key[0]-'1')) {
		return nil
	}
	return m.desk(key)
}

// desk starts the action that a key has at the desk.
func (m *Model) desk(key string) tea.Cmd {
	a, ok := m.opt.Keys.Find(keymap.Desk, key)
	if !ok {
		return nil
	}
	return m.start(a.Name)
}

// start starts an action by name, as if its key had been pressed.
func (m *Model) start(name string) tea.Cmd {
	a, ok := m.opt.Keys.Action(name)
	if !ok {
		return nil
	}
	switch name {
	case "app.help":
		m.over = &overlay.Help{Demo: m.snap.Agent.Demo}
		return nil
	case "app.palette":
		m.over = &overlay.Palette{Items: m.page.Palette}
		return nil
	case "app.redraw":
		return tea.ClearScreen
	case "app.quit":
		if m.snap.State == "" { // no desk has spoken yet: nobody to ask
			return tea.Quit
		}
	}
	if a.When == keymap.CanRinging && m.page.Possible(a) && m.grace.holds(m.opt.Now()) {
		m.flash = text.Clean("A call has just come in, so that key did nothing: press it again to " + lower(a.Title) + ".")
		return nil
	}
	return m.apply(m.page.Do(a))
}

func lower(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}

func (m *Model) apply(r deskpage.Result) tea.Cmd {
	now := m.opt.Now()
	for _, c := range r.Commands {
		m.send(c, now)
	}
	if r.Open != nil {
		m.over, m.popped = r.Open, false
		m.over.Alive(m.snap) // a box knows the desk as it is when it opens
	}
	if r.Say != "" {
		m.flash = text.Clean(r.Say)
	}
	switch {
	case r.Browse != "":
		return m.browse(r.Browse)
	case r.Copy != "":
		return m.copy(r.Copy)
	}
	return nil
}

// send gives a command to the desk. Answering and declining from inside a box are held back by the grace period like
// their keys.
func (m *Model) send(c desk.Command, now time.Time) {
	if (c.Verb == desk.Answer || c.Verb == desk.Reject) && m.grace.holds(now) {
		m.flash = text.Clean("A call has just come in, so that key did nothing: press it again.")
		return
	}
	switch c.Verb {
	case desk.Create, desk.Close, desk.Open, desk.New:
		m.wanted = true
	}
	m.opt.Send(c)
}

func (m *Model) paste(s string) tea.Cmd {
	if m.over != nil {
		if m.sudden(keymap.Overlay) {
			return nil
		}
		for _, c := range m.over.Paste(s).Commands {
			m.opt.Send(c)
		}
		return nil
	}
	if m.early(m.page.Context(), "") {
		return nil
	}
	return m.apply(m.page.Paste(s))
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	now := m.opt.Now()
	m.page.Boxed = m.over != nil
	f := m.page.Draw(m.th, m.w, m.h, now, m.flash)
	if m.over != nil {
		d := m.over.Draw(m.th, m.opt.Keys, m.snap, m.w, m.h)
		f.Lines, f.X, f.Y, f.Cursor = d.Lay(m.th, f.Lines, m.w)
	}
	v := tea.NewView(join(f.Lines, m.h))
	v.AltScreen, v.ReportFocus = true, true
	v.WindowTitle = m.title()
	if m.opt.Mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if f.Cursor && f.X < m.w && f.Y < m.h {
		v.Cursor = tea.NewCursor(f.X, f.Y)
		v.Cursor.Shape = tea.CursorBar
	}
	return v
}
