package desk

import (
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// Snapshot is everything a front end needs to draw the desk. It is immutable once published and travels as JSON.
type Snapshot struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Agent   Agent     `json:"agent"`
	State   State     `json:"state"`
	Since   time.Time `json:"since"`
	Reason  text.Text `json:"reason,omitzero"`   // why the agent is away
	Pending State     `json:"pending,omitempty"` // state to change to when the call ends
	Calls   []Call    `json:"calls,omitempty"`   // oldest first; ended calls leave after Linger
	Open    *crm.Card `json:"open,omitempty"`    // the card that is open at the desk
	Reading bool      `json:"reading,omitempty"` // … and is being read anew
	Earlier int       `json:"earlier,omitempty"` // cards that going back leads to
	Form    *crm.Form `json:"form,omitempty"`    // the New form, when open
	FormFor CallKey   `json:"formFor,omitempty"` // the call it was opened for
	Search  *Search   `json:"search,omitempty"`  // the search page, when open
	Links   Links     `json:"links"`
	Outbox  Outbox    `json:"outbox"`
	APIUse  int       `json:"apiUse,omitempty"`  // how much of the org's API calls of 24 hours is used, in per cent; 0: not known
	Notices []Notice  `json:"notices,omitempty"` // newest last, at most MaxNotices
	Landed  []Landed  `json:"landed,omitempty"`  // Tasks that reached Salesforce, newest last, at most MaxLanded
	Leaving bool      `json:"leaving,omitempty"` // leaving was asked for while a call was up: needs confirmation
	Quit    bool      `json:"quit,omitempty"`    // the desk has finished: front ends end
	Caption text.Text `json:"caption,omitzero"`  // what a demo tells the newcomer at this moment

	FormAuto bool      `json:"formAuto,omitempty"` // the form opened by itself: text that is being typed goes on
	FormBusy bool      `json:"formBusy,omitempty"` // it is being saved
	Found    *Found    `json:"found,omitempty"`    // records that a reference of the form may point to, as last asked for
	Chooser  *Chooser  `json:"chooser,omitempty"`  // objects that records can be made of, when they were asked for
	Drafts   []Draft   `json:"drafts,omitempty"`   // forms that were not saved, oldest first, without their values
	Prepared *Prepared `json:"prepared,omitempty"` // with a dial plan: what is dialled for what is being typed

	Bell     bool      `json:"bell,omitempty"`     // the front end's own bell rings for calls: there is no ring device
	DND      bool      `json:"dnd,omitempty"`      // calls are refused as busy
	Forward  *Forwards `json:"forward,omitempty"`  // where calls go instead
	Mailbox  *Mailbox  `json:"mailbox,omitempty"`  // nil: nothing is known of one
	Lamps    []Lamp    `json:"lamps,omitempty"`    // the colleagues whose telephones are watched, as configured
	Accounts []Account `json:"accounts,omitempty"` // with more than one account: each, the primary first

	Zone         string        `json:"zone,omitempty"`         // the agent's time zone, as Europe/London; empty: not known
	Dispositions []Disposition `json:"dispositions,omitempty"` // the results that calls may get; For gives those of one call
	Callbacks    []Callback    `json:"callbacks,omitempty"`    // soonest first
	Campaigns    []text.Text   `json:"campaigns,omitempty"`    // names of the campaigns that have a work list
	DayStart     time.Duration `json:"dayStart,omitempty"`     // when a day without a time of day begins
	Worklist     *Worklist     `json:"worklist,omitempty"`     // the open work list
	Report       *ReportPage   `json:"report,omitempty"`       // the open page of reports

	SoundCheck *SoundCheck `json:"soundCheck,omitempty"` // the page of the sound devices, when open
	Offer      *Offer      `json:"offer,omitempty"`      // a number that another program asks to call
}

// Forwards is where calls are sent instead of ringing here, and when.
type Forwards struct {
	When ForwardWhen `json:"when"`
	To   text.Text   `json:"to"`
}

// ForwardWhen says which calls are forwarded.
type ForwardWhen string

// When calls are forwarded.
const (
	ForwardAlways   ForwardWhen = "always"
	ForwardBusy     ForwardWhen = "busy"      // while another call is up
	ForwardNoAnswer ForwardWhen = "no answer" // after Settings.ForwardAfter of ringing
)

// Mailbox is the agent's voice mail (RFC 3842).
type Mailbox struct {
	Waiting bool      `json:"waiting"`
	New     int       `json:"new"` // −1: not told
	Old     int       `json:"old"`
	Number  text.Text `json:"number,omitzero"`
}

// Account is one of several telephone accounts.
type Account struct {
	Name    text.Text `json:"name"`
	Health  Health    `json:"health"`
	Text    text.Text `json:"text,omitzero"`
	Primary bool      `json:"primary,omitempty"`
}

// Limits of the snapshot's lists.
const (
	MaxNotices = 5
	MaxLanded  = 8
	MaxCalls   = 12
	MaxNotes   = 30_000 // characters of a call's notes: Task.Description holds 32,000, and the call's own lines stand below them
)

// Agent is who works here.
type Agent struct {
	Account text.Text `json:"account"`           // SIP address of record or local address
	User    text.Text `json:"user,omitzero"`     // signed-in Salesforce user: the user name
	Org     text.Text `json:"org,omitzero"`      // host of the org
	Name    text.Text `json:"name,omitzero"`     // … and their name
	OrgName text.Text `json:"orgName,omitzero"`  // … and its name, where it may be read
	Sandbox bool      `json:"sandbox,omitempty"` // it is one
	Profile text.Text `json:"profile"`           // profile of the config
	Version string    `json:"version"`           //
	Demo    bool      `json:"demo,omitempty"`    // the practice backend is in use
	Quiet   bool      `json:"quiet,omitempty"`   // demo: customers come only when asked for
}

// State is the agent's state.
type State string

// Agent states. Starting: not ready yet, calls cannot come in.
const (
	Starting      State = "starting"
	Offline       State = "offline" // no registration: no call can come in
	Available     State = "available"
	Ringing       State = "ringing"
	OnCall        State = "on call"
	Away          State = "away"
	NotResponding State = "not responding" // a ring went unanswered
)

// CallKey is the call's key for its whole life, in the journal and in Salesforce (UUIDv5).
type CallKey string

// CallState is the state of one call.
type CallState string

// Call states. Held is by us; a far end's hold is Call.HeldByThem.
const (
	Incoming     CallState = "incoming" // ringing here
	Dialling     CallState = "dialling" // our INVITE is out
	Alerting     CallState = "alerting" // 180 or early media
	Answering    CallState = "answering"
	Talking      CallState = "talking"
	Holding      CallState = "holding" // hold asked for, not yet confirmed
	Held         CallState = "held"
	Resuming     CallState = "resuming"
	Transferring CallState = "transferring"
	Ending       CallState = "ending"
	Ended        CallState = "ended"
)

// Call is one dialog with one far end.
type Call struct {
	Key        CallKey         `json:"key"`
	Leg        sip.LegID       `json:"leg"`
	Dir        crm.Direction   `json:"dir"`      // Inbound, Outbound, Internal
	Outgoing   bool            `json:"outgoing"` // with Internal: which way
	State      CallState       `json:"state"`
	Remote     sip.Party       `json:"remote"`
	Called     text.Text       `json:"called,omitzero"`
	Dialled    text.Text       `json:"dialled,omitzero"` // the digits that were dialled, where they are not the number
	Name       text.Text       `json:"name,omitzero"`    // best name known now
	NameFrom   string          `json:"nameFrom,omitempty"`
	Place      text.Text       `json:"place,omitzero"` // town of a fixed line
	Match      crm.Match       `json:"match"`
	Counted    int             `json:"counted,omitempty"` // several matches that the layout does not list: how many
	Assoc      crm.Association `json:"assoc"`
	Current    crm.Ref         `json:"current,omitzero"` // record last opened during the call
	Pinned     bool            `json:"pinned,omitempty"`
	Cleared    bool            `json:"cleared,omitempty"` // the agent said: belongs to nothing
	Started    time.Time       `json:"started"`
	Answered   time.Time       `json:"answered,omitzero"`
	StateSince time.Time       `json:"stateSince"`
	EndedAt    time.Time       `json:"endedAt,omitzero"`
	HeldByThem bool            `json:"heldByThem,omitempty"`
	Muted      bool            `json:"muted,omitempty"`
	Codec      string          `json:"codec,omitempty"`
	Quality    *media.Stats    `json:"quality,omitempty"` // while media flows, about five times a second
	DTMFOut    text.Text       `json:"dtmfOut,omitzero"`  // digits sent, masked count when policy says so
	DTMFIn     text.Text       `json:"dtmfIn,omitzero"`
	Transfer   *Transfer       `json:"transfer,omitempty"`
	Notes      text.Block      `json:"notes,omitzero"`
	Cause      text.Text       `json:"cause,omitzero"` // why it ended, in words
	Record     RecordState     `json:"record"`         // where its call record is

	Account    text.Text          `json:"account,omitzero"`    // which of several accounts
	Diverted   *sip.Party         `json:"diverted,omitempty"`  // who sent the call on to us
	Vars       []sip.Var          `json:"vars,omitempty"`      // what headers of the call told
	Signaling  string             `json:"signaling,omitempty"` // "TLS 1.3"; empty: in the clear
	Sound      string             `json:"sound,omitempty"`     // "DTLS-SRTP …"; empty: in the clear
	Broken     text.Text          `json:"broken,omitzero"`     // why the sound is cut off
	Conference bool               `json:"conference,omitempty"`
	Recording  sip.RecordingState `json:"recording,omitempty"`
	AutoAnswer bool               `json:"autoAnswer,omitempty"` // will be answered by itself

	Result      string    `json:"result,omitempty"`      // code of the disposition
	Disposition text.Text `json:"disposition,omitzero"`  // its label
	NeedsResult bool      `json:"needsResult,omitempty"` // it is over, and a disposition is required
	CallbackAt  time.Time `json:"callbackAt,omitzero"`   // when the far end is to be called again
	Campaign    crm.Ref   `json:"campaign,omitzero"`     // that it was made for
	Member      crm.Ref   `json:"member,omitzero"`       // of Campaign: the person that was called from the work list

	TaskID string `json:"taskId,omitempty"`
	Can    []Verb `json:"can,omitempty"` // what is possible now, most likely first
}

// Transfer is a transfer that is under way or has failed.
type Transfer struct {
	Target text.Text `json:"target"`
	Other  CallKey   `json:"other,omitempty"` // attended: the call it is joined with
	Text   text.Text `json:"text,omitzero"`   // "ringing", "busy here – the call is back"
	Failed bool      `json:"failed,omitempty"`
}

// RecordState is where a call's record is.
type RecordState string

// Record states.
const (
	RecordOpen     RecordState = "open"    // the call is up; journalled
	RecordPending  RecordState = "pending" // on disk, on its way to Salesforce
	RecordSent     RecordState = "sent"
	RecordDead     RecordState = "dead" // Salesforce refused it for good: the agent must look
	RecordFiltered RecordState = "filtered"
	RecordUnsafe   RecordState = "unsafe" // the disk refused the journal: the agent was told
)

// Health of an outside link.
type Health string

// Healths.
const (
	HealthOff     Health = "off" // not configured
	HealthWaiting Health = "waiting"
	HealthOK      Health = "ok"
	HealthWarn    Health = "warn"
	HealthDown    Health = "down"
)

// Link is one outside link of the desk, with one line a person understands.
type Link struct {
	Health Health    `json:"health"`
	Text   text.Text `json:"text,omitzero"`
	Since  time.Time `json:"since,omitzero"`
}

// Links are the desk's connections with the world.
type Links struct {
	SIP        Link `json:"sip"`
	Salesforce Link `json:"salesforce"`
	Sound      Link `json:"sound"`
	Hub        Link `json:"hub"`
	Disk       Link `json:"disk"`
}

// Outbox counts call records that are not in Salesforce yet.
type Outbox struct {
	Pending int       `json:"pending"`
	Dead    int       `json:"dead"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Paused  text.Text `json:"paused,omitzero"` // why nothing is being sent
}

// Severity of a notice.
type Severity string

// Severities.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Problem Severity = "problem"
)

// Notice is one line for the agent: what happened, what it means for the call or the record, what to do.
type Notice struct {
	ID       uint64    `json:"id"`
	At       time.Time `json:"at"`
	Severity Severity  `json:"severity"`
	Text     text.Text `json:"text"`
	Call     CallKey   `json:"call,omitempty"`
}

// Landed is a Task that reached Salesforce.
type Landed struct {
	At      time.Time `json:"at"`
	Call    CallKey   `json:"call"`
	TaskID  string    `json:"taskId"`
	Subject text.Text `json:"subject"`
	About   crm.Ref   `json:"about,omitzero"` // the record it is attached to
}
