package boardpage

import (
	"context"
	"strings"
	"time"

	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/overlay"

	tea "charm.land/bubbletea/v2"
)

// Options say how the board works.
type Options struct {
	Source Source
	Keys   keymap.Map       // nil map: the default keys
	Theme  string           // a name of theme.Names; "" is auto
	Now    func() time.Time // the clock; nil: time.Now
	Who    text.Text        // the supervisor
	What   string           // what is watched: "team sales"
	Hub    string           // the hub's address
	Desk   string           // shown key that leads back to the desk, when the board stands beside one; then q does not leave
}

// Model is the board as a program. Update and View belong to the program.
type Model struct {
	opt  Options
	th   *theme.Theme
	w, h int
	page *Page
	over overlay.Box
	ctx  context.Context // ends what is under way
}

// Dirty says that the source has changed.
type Dirty struct{}

// tickMsg comes once a second: timers move, silence grows.
type tickMsg struct{}

// doneMsg is what came of an order.
type doneMsg struct {
	order Order
	name  string
	busy  bool // the agent was in a call when it was asked
	line  string
	err   error
}

// newsFor is how long the word about an order stays.
const newsFor = 12 * time.Second

// New makes the board's model. ctx ends the orders that are under way and the wait for changes.
func New(ctx context.Context, opt Options) *Model {
	if opt.Keys.Actions() == nil {
		opt.Keys = keymap.Default()
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	th, err := theme.Named(opt.Theme, true)
	if err != nil {
		opt.Theme = "auto"
		th, _ = theme.Named(opt.Theme, true)
	}
	m := &Model{opt: opt, th: th, w: 80, h: 24, page: newPage(opt.Keys, opt.Who, opt.What, opt.Hub), ctx: ctx}
	m.page.desk = opt.Desk
	m.refresh()
	return m
}

func (m *Model) refresh() { m.page.take(m.opt.Source.Rows(m.opt.Now()), m.opt.Source.Link()) }

func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

// changed waits for the source's next change. The source says at most ten times a second that it has changed; the rows are
// fetched when they are drawn.
func (m *Model) changed() tea.Cmd {
	ctx, changes := m.ctx, m.opt.Source.Changes()
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
			return Dirty{}
		}
	}
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	if m.opt.Theme == "" || m.opt.Theme == "auto" {
		return tea.Batch(tick(), m.changed(), tea.RequestBackgroundColor)
	}
	return tea.Batch(tick(), m.changed())
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case Dirty:
		m.refresh()
		return m, m.changed()
	case tickMsg:
		m.refresh()
		if n := m.page.news; !n.at.IsZero() && m.opt.Now().Sub(n.at) > newsFor {
			m.page.news = news{}
		}
		return m, tick()
	case doneMsg:
		m.done(msg)
	case tea.KeyPressMsg:
		return m, m.press(msg.Key())
	case tea.PasteMsg:
		switch {
		case m.over != nil:
			m.over.Paste(msg.Content)
		case m.page.typing:
			m.page.filter.Insert(msg.Content)
			m.page.arrange()
		}
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		if th, err := theme.Named(m.opt.Theme, msg.IsDark()); err == nil {
			m.th = th
		}
	}
	return m, nil
}

// press routes a key: the open box, the filter, the board's actions.
func (m *Model) press(k tea.Key) tea.Cmd {
	key := k.String()
	if m.over != nil {
		a, _ := m.opt.Keys.Find(keymap.Overlay, key)
		out := m.over.Press(k, a.Name)
		if out.Close {
			m.over = nil
		}
		if o, ok := parseOrder(out.Action, m.page.sel); ok {
			return m.send(o)
		}
		if key == "ctrl+c" { // leaves from everywhere
			return m.quit()
		}
		return nil
	}
	if m.page.typing {
		a, _ := m.opt.Keys.Find(keymap.Overlay, key)
		switch a.Name {
		case "overlay.close":
			m.page.filter.Set("")
			m.page.typing = false
		case "overlay.accept":
			m.page.typing = false
		case "overlay.down":
			m.page.move(1)
		case "overlay.up":
			m.page.move(-1)
		default:
			if handled, _ := m.page.filter.Key(k); !handled && key == "ctrl+c" {
				return m.quit()
			}
		}
		m.page.arrange()
		return nil
	}
	a, ok := m.opt.Keys.Find(keymap.Board, key)
	if !ok {
		return nil
	}
	return m.start(a.Name)
}

// start does an action of the board.
func (m *Model) start(name string) tea.Cmd {
	p := m.page
	switch name {
	case "board.down":
		p.move(1)
	case "board.up":
		p.move(-1)
	case "board.pagedown":
		p.move(10)
	case "board.pageup":
		p.move(-10)
	case "board.first":
		p.move(-len(p.rows))
	case "board.last":
		p.move(len(p.rows))
	case "board.filter":
		p.typing = true
	case "board.clear":
		p.filter.Set("")
		p.arrange()
	case "board.sort":
		p.order = (p.order + 1) % sortings
		p.arrange()
	case "board.away":
		m.ask(Away, func(a *Agent) overlay.Box { return askAway(a) })
	case "board.available":
		m.ask(Available, func(a *Agent) overlay.Box { return askAvailable(a) })
	case "board.logout":
		m.ask(Logout, func(a *Agent) overlay.Box { return askLogout(a) })
	case "board.message":
		m.ask(Message, func(a *Agent) overlay.Box { return newMessage(a) })
	case "board.help":
		m.over = &help{}
	case "board.redraw":
		return tea.ClearScreen
	case "board.quit":
		return m.quit()
	}
	return nil
}

// quit leaves the program, unless the board stands beside a desk: leaving is the desk's question.
func (m *Model) quit() tea.Cmd {
	if m.opt.Desk == "" {
		return tea.Quit
	}
	m.say(true, m.opt.Desk+" shows your desk; leave there.")
	return nil
}

// ask opens the question before an order, when the order makes sense now.
func (m *Model) ask(v Verb, box func(*Agent) overlay.Box) {
	if a := m.page.selected(); a != nil && m.page.may(v) {
		m.over = box(a)
	}
}

// send gives an order; the answer comes as a message.
func (m *Model) send(o Order) tea.Cmd {
	a := m.page.selected()
	if a == nil || !m.page.may(o.Verb) {
		m.say(true, "That is not possible any more: nothing was asked of the desk.")
		return nil
	}
	name, busy := a.Name.String(), busy(a)
	m.say(false, "Asking "+name+"'s desk …")
	ctx, source := m.ctx, m.opt.Source
	return func() tea.Msg {
		line, err := source.Do(ctx, o)
		return doneMsg{o, name, busy, line, err}
	}
}

func (m *Model) done(d doneMsg) {
	if d.err != nil {
		m.say(true, d.name+": "+d.err.Error())
		return
	}
	switch d.order.Verb {
	case Away:
		when := "."
		if d.busy {
			when = " when the call ends."
		}
		m.say(false, d.name+" is set away ("+strings.ToLower(d.order.Text.String())+")"+when)
	case Available:
		m.say(false, d.name+" is set available.")
	case Logout:
		m.say(false, d.name+" is asked to log out; no more calls come in there.")
	case Message:
		m.say(false, "The message stands on "+d.name+"'s screen.")
	}
}

func (m *Model) say(bad bool, line string) {
	m.page.news = news{text.Clean(line), bad, m.opt.Now()}
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	f := m.page.draw(m.th, m.w, m.h, m.opt.Now())
	if m.over != nil {
		d := m.over.Draw(m.th, m.opt.Keys, nil, m.w, m.h)
		f.lines, f.x, f.y, f.cursor = d.Lay(m.th, f.lines, m.w)
	}
	if len(f.lines) > m.h {
		f.lines = f.lines[:m.h]
	}
	v := tea.NewView(strings.Join(f.lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = "offhook – team board"
	if f.cursor && f.x < m.w && f.y < m.h {
		v.Cursor = tea.NewCursor(f.x, f.y)
		v.Cursor.Shape = tea.CursorBar
	}
	return v
}
