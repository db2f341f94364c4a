package desk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/internal/text"
	"offhook/sip"
)

// Machine is the state of one desk. It is a value: Step returns the next one and leaves the old one as it was.
type Machine struct {
	set     Settings
	seq     uint64
	agent   Agent
	base    State     // available, away or not responding: the state without calls
	reason  text.Text // of Away
	pending State
	because text.Text // the pending state's reason
	ringing bool      // the ring tone is on
	shown   State     // the state as last published, with its beginning
	since   time.Time
	reg     sip.RegistrationState
	calls   []call
	open    *crm.Card
	openFor CallKey // the call that the card was opened in; empty: none
	form    *form
	found   *Found   // records that the form's reference may point to
	chooser *Chooser // objects that records can be made of; nil: nobody asked yet
	drafts  []Draft  // what was typed into forms and is not saved, oldest first
	search  *Search
	cards   []crm.Card  // read lately, the last one first
	trail   []crm.Ref   // cards that were open before, the last one last
	goingTo string      // id of the card that going back opens
	wants   string      // id of the card that the agent asked for last
	reading string      // id of the open card, while it is read anew
	recents []Recent    // records opened here, the last one first
	looked  []crm.Hit   // … and in Salesforce
	before  []text.Text // earlier searches, the last one first
	halfway text.Text   // a query that is being typed, until the agent pauses
	typed   text.Text   // what a New form begins with
	links   Links
	outbox  Outbox
	apiUse  int
	notices []Notice
	lacks   []text.Text // what an administrator was told to mend
	noticed uint64
	landed  []Landed
	dialled int // outbound legs made so far, for their ids
	leaving bool
	quit    bool // leaving is decided: every call is being ended
	forced  bool // and asked for again while a record was not on disk
	caption text.Text

	prepared *Prepared      // nil: no dial plan
	layout   *layout.Layout // of the signed-in user; nil: the desk's own

	dnd      bool
	forward  *Forwards
	arrivals uint64 // the notice that says what becomes of calls
	mailbox  *Mailbox
	accounts []Account
	lamps    []Lamp
	bell     bool
	noMic    bool        // by choice
	check    *SoundCheck // the page of the sound devices; nil: it is closed

	zone      *time.Location // the agent's; nil: that of the events
	callbacks []Callback     // soonest first
	former    []formerly     // callbacks as they were before the agent changed them, oldest first
	wake      time.Time      // when the clock of the callbacks goes off; zero: it does not run
	promised  int            // callbacks promised so far, for their keys
	work      *Worklist      // nil: none is open
	report    *ReportPage    // nil: it is closed
	reads     int            // reports that are being read
	stale     bool           // records have changed since the page was asked for
	reported  *ReportPage    // which one was open last

	offer     *Offer // a number that another program handed over; nil: none
	offers    uint64
	offeredAt time.Time // the last one

	messages     int // text messages since messagesFrom
	messagesFrom time.Time
}

// call is a Call with what only the machine needs.
type call struct {
	Call
	class      Class
	source     crm.Hit   // click to dial: the record whose phone field it was
	openAtDial crm.Hit   // card that was open when a number was typed
	current    crm.Hit   // the record last opened, with its parents
	earlier    []crm.Hit // opened before it during this call
	pin        crm.Hit   // the pinned record
	byUs       bool
	heldByUs   bool              // the far end has agreed to our hold
	troubled   [allTroubles]bool // what the agent was told of the sound
	filtered   bool              // finished without a Task
	action     string
	cause      sip.EndCause
	hangUpBy   string
	transferTo text.Text
	sipCallID  string
	finished   bool

	session     string    // Session-ID
	asked       text.Text // what the lookup under way searches for
	typed       text.Text // what was typed, where something else is dialled
	popped      bool      // what the layout opens by itself was opened for this match
	tried       int       // values of Vars that were looked up
	handed      crm.Ref   // the record that came with the call, until its card has
	sentTo      text.Text // forwarded to
	turned      string    // why it was refused in the agent's stead
	attended    bool      // its transfer joins two calls
	joined      text.Text // with whom
	consultOf   CallKey   // it is the other one of that transfer
	correlation string
	recordingAt string

	status      text.Text // what the disposition makes of a campaign member
	memberTold  bool      // an errand about the member was left
	changes     int       // of the disposition after the end
	callback    string    // key of the callback that was promised in it
	forCallback string    // key of the callback that it was made for
	listed      string    // the CampaignMember of the work list that it was made for
	made        []int     // rules of Settings.Create that were carried out
	creates     []string  // errands that make records for it
	forced      bool      // made although the person does not want to be called
}

// NewMachine makes the machine of a desk that has not started yet.
func NewMachine(set Settings) Machine {
	set = set.withDefaults()
	var prepared *Prepared
	if set.DialPlan != nil {
		prepared = &Prepared{}
	}
	return Machine{prepared: prepared, set: set, agent: set.Agent, base: Available, shown: Starting, links: set.Links, forward: set.Forward, layout: set.Layout, lamps: set.lamps(), bell: set.Bell, noMic: set.NoMicrophone,
		zone: set.Zone, callbacks: slices.Clone(set.Callbacks), recents: slices.Clone(set.Recents), drafts: slices.Clone(set.Drafts)}
}

// turn is one Step under way: the next machine, and what it wants done.
type turn struct {
	*Machine
	at time.Time
	fx []Effect
}

// Step applies one event that happened at the given time. It returns the next machine and the effects to carry out, in order;
// Journal and Finish effects come first.
func (m Machine) Step(at time.Time, ev Event) (Machine, []Effect) {
	next := m
	next.seq++
	next.calls = slices.Clone(m.calls)
	next.notices = slices.Clone(m.notices)
	next.landed = slices.Clone(m.landed)
	next.callbacks, next.former = slices.Clone(m.callbacks), slices.Clone(m.former)
	next.drafts = slices.Clone(m.drafts)
	t := &turn{Machine: &next, at: at}
	switch ev := ev.(type) {
	case PhoneEvent:
		t.phone(ev.Event)
	case Commanded:
		t.command(ev.Command)
	case LookupDone:
		t.lookupDone(ev)
	case CardLoaded:
		t.cardLoaded(ev)
	case RecentsLoaded:
		t.recentsLoaded(ev)
	case SearchDone:
		t.searchDone(ev)
	case FormLoaded:
		t.formLoaded(ev)
	case RecordCreated:
		t.recordCreated(ev)
	case RecordsMade:
		t.recordsMade(ev)
	case RecordChanged:
		t.recordChanged(ev)
	case ReferencesFound:
		t.referencesFound(ev)
	case ObjectsListed:
		t.chooser = &Chooser{Objects: ev.Objects, Error: ev.Err}
	case JournalFailed:
		t.journalFailed(ev)
	case JournalRestored:
		t.journalRestored()
	case OutboxChanged:
		if ev.Pending != t.outbox.Pending || ev.Dead != t.outbox.Dead {
			t.followRecords()
		}
		t.outbox = ev.Outbox
	case Amended:
		t.amended(ev)
	case TaskLanded:
		t.taskLanded(ev.Landed)
	case TaskDead:
		t.taskDead(ev)
	case LinkChanged:
		t.linkChanged(ev)
	case SignedIn:
		t.agent.User, t.agent.Org = ev.User, ev.Org
		t.agent.Name, t.agent.OrgName, t.agent.Sandbox = ev.Name, ev.OrgName, ev.Sandbox
	case APIUsed:
		t.apiUse = max(ev.Percent, 0)
	case LayoutChanged:
		t.layout = ev.Layout
	case Lacking:
		t.lacking(ev)
	case Told:
		t.notify(ev.Severity, "", ev.Text)
	case CaptionChanged:
		t.caption = ev.Text
	case QualityRead:
		t.qualityRead(ev)
	case SoundDone:
		t.soundDone(ev)
	case SoundLevels:
		t.soundLevels(ev)
	case ZoneLearnt:
		t.zone = ev.Zone
	case CallbacksPulled:
		t.pulled(ev)
	case CallbackOpened:
		t.callbackOpened(ev)
	case ReportRead:
		t.reportRead(ev)
	case WorkPulled:
		t.workPulled(ev)
	case NumberOffered:
		t.offered(ev)
	case TimerFired:
		t.timerFired(ev.ID)
	}
	t.settle()
	return next, t.ordered()
}

// ordered puts what must be on disk before everything else, keeping the order within both groups.
func (t *turn) ordered() []Effect {
	slices.SortStableFunc(t.fx, func(a, b Effect) int { return rank(a) - rank(b) })
	return t.fx
}

func rank(e Effect) int {
	switch e.(type) {
	case Journal, Finish, Amend, AddErrand, Keep, Unkeep:
		return 0
	}
	return 1
}

func (t *turn) do(fx ...Effect) { t.fx = append(t.fx, fx...) }

// notify shows one line to the agent. The same text is not shown twice in a row.
func (t *turn) notify(sev Severity, key CallKey, line text.Text) {
	if n := len(t.notices); n > 0 && t.notices[n-1].Text == line {
		t.notices[n-1].At = t.at
		return
	}
	t.noticed++
	t.notices = append(t.notices, Notice{ID: t.noticed, At: t.at, Severity: sev, Text: line, Call: key})
	if len(t.notices) > MaxNotices {
		i := t.leastNeeded()
		t.notices = slices.Delete(t.notices, i, i+1)
	}
}

// leastNeeded is the notice that goes first: the oldest information, else the oldest warning, else the oldest; never the newest.
func (t *turn) leastNeeded() int {
	older := t.notices[:len(t.notices)-1]
	for _, sev := range []Severity{Info, Warning} {
		if i := slices.IndexFunc(older, func(n Notice) bool { return n.Severity == sev }); i >= 0 {
			return i
		}
	}
	return 0
}

// say shows the desk's own word. What is only information leaves by itself: it would soon be about something long past. What
// people write (Told) stays until it is hidden.
func (t *turn) say(sev Severity, key CallKey, format string, args ...any) {
	t.notify(sev, key, text.Clean(fmt.Sprintf(format, args...)))
	if sev == Info && t.set.Linger > 0 {
		t.do(After{ID: noticeTimer(t.notices[len(t.notices)-1].ID), In: infoLasts})
	}
}

// notCreated begins the warning that a New form could not be saved.
const notCreated = "The record was not created"

// infoLasts is how long information stays on the screen: twice as long as it takes to read after looking up from a call.
const infoLasts = 30 * time.Second

func noticeTimer(id uint64) TimerID { return TimerID("notice " + strconv.FormatUint(id, 10)) }

// find returns the call with this key, or nil. The key that a dialled call had before its INVITE is still understood: a command
// may have been on its way.
func (t *turn) find(key CallKey) *call {
	if leg, ok := strings.CutPrefix(string(key), dialling); ok {
		return t.leg(sip.LegID(leg))
	}
	for i := range t.calls {
		if t.calls[i].Key == key {
			return &t.calls[i]
		}
	}
	return nil
}

// unsay takes back what has become untrue.
func (t *turn) unsay(part string) {
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool { return n.Severity != Info && strings.Contains(n.Text.String(), part) })
}

// unsayOf takes back warnings about one call: those with this part, or all when part is empty. What was typed into a form is not
// about the line and stays.
func (t *turn) unsayOf(c *call, part string) {
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool {
		words := n.Text.String()
		return n.Severity == Warning && n.Call == c.Key && strings.Contains(words, part) && !strings.Contains(words, notCreated)
	})
}

func (t *turn) leg(id sip.LegID) *call {
	for i := range t.calls {
		if t.calls[i].Leg == id {
			return &t.calls[i]
		}
	}
	return nil
}

// live reports whether any call is not over.
func (m *Machine) live() bool {
	return slices.ContainsFunc(m.calls, func(c call) bool { return c.State != Ended })
}

// settle derives what follows from the calls: the agent's state, what is possible, the order of leaving.
func (t *turn) settle() {
	for i := range t.calls {
		t.calls[i].Can = t.can(&t.calls[i])
	}
	state := t.derive()
	if t.pending != "" && state != OnCall && state != Ringing {
		t.base, t.reason, t.pending = t.pending, t.because, ""
		state = t.derive()
	}
	if state != t.shown {
		t.shown, t.since = state, t.at
	}
	t.ring()
	t.watch()
	if !t.live() {
		t.leaving = false
	}
}

// derive is the agent's state as the calls, the registration and the agent's own wish make it: a call goes before the wish.
func (t *turn) derive() State {
	ringing := false
	for i := range t.calls {
		switch c := &t.calls[i]; {
		case c.State == Ended:
		case c.State == Incoming:
			ringing = true
		case c.State == Ending && c.Answered.IsZero() && !c.Outgoing: // declined: there never was a conversation
		default:
			return OnCall
		}
	}
	switch {
	case ringing:
		return Ringing
	case t.reg == "" || t.reg == sip.Registering && t.shown == Starting:
		return Starting
	case t.reg != sip.Registered && t.reg != sip.Local:
		return Offline
	}
	return t.base
}

// Snapshot is the machine as front ends see it, at a time.
func (m *Machine) Snapshot(at time.Time) *Snapshot {
	s := &Snapshot{
		Seq: m.seq, At: at, Agent: m.agent, State: m.shown, Since: m.since, Pending: m.pending,
		Prepared: m.prepared, Open: m.open, Search: m.search, Links: m.links, Outbox: m.outbox, APIUse: m.apiUse,
		Notices: m.notices, Landed: m.landed, Leaving: m.leaving, Caption: m.caption,
		DND: m.dnd, Forward: m.forward, Mailbox: m.mailbox, Lamps: m.lamps, SoundCheck: m.check, Bell: m.bell,
		Dispositions: m.set.Dispositions, Callbacks: m.callbacks, Worklist: m.work, Report: m.report, Offer: m.offer,
		Quit: m.quit && !m.live() && (m.links.Disk.Health != HealthDown || m.forced),
	}
	if len(s.Notices) == 0 { // none is nothing, also after the last was taken back: it travels the same
		s.Notices = nil
	}
	s.Reading, s.Earlier = m.reading != "" && m.open != nil, len(m.trail)
	if len(m.callbacks) == 0 {
		s.Callbacks = nil
	}
	if len(m.set.Dispositions) > 0 || len(m.callbacks) > 0 {
		s.DayStart = m.set.DayStart
	}
	s.Campaigns = m.campaigns()
	if m.zone != nil {
		s.Zone = m.zone.String()
	}
	if len(m.accounts) > 1 {
		s.Accounts = m.accounts
	}
	if m.shown == Away {
		s.Reason = m.reason
	}
	for i := range m.calls {
		s.Calls = append(s.Calls, m.calls[i].Call)
	}
	if m.form != nil {
		f := m.form.Form
		s.Form, s.FormFor, s.FormAuto, s.FormBusy, s.Found = &f, m.form.for_, m.form.auto, m.form.busy, m.found
	}
	s.Chooser = m.chooser
	for _, d := range m.drafts {
		d.Values = nil // the form has them when it is opened
		s.Drafts = append(s.Drafts, d)
	}
	return s
}
