package desk

import (
	"offhook/crm"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// Event is something that happened, told to the machine together with the time at which it happened.
type Event interface{ deskEvent() }

// PhoneEvent is an event of the telephone.
type PhoneEvent struct{ sip.Event }

// Commanded is a wish of a person.
type Commanded struct{ Command }

// LookupDone is the result of a lookup.
type LookupDone struct {
	Call   CallKey
	Number text.Text // whose; a result for somebody who is not there any more is dropped. Empty: not told
	Match  crm.Match
}

// CardLoaded is a record's card, or why it could not be read. Auto is true for a pop that nobody asked for.
type CardLoaded struct {
	For  CallKey
	Ref  crm.Ref
	Card *crm.Card
	Auto bool
	Err  text.Text
}

// FormLoaded is a form to fill in, or why there is none.
type FormLoaded struct {
	For  CallKey
	Ask  crm.FormAsk // what was asked for
	Form *crm.Form
	Auto bool // see LoadForm
	Err  text.Text
}

// RecordCreated is the answer to Create: the new record, or the form with its errors, or a failure.
type RecordCreated struct {
	For    CallKey
	Object string // of the form
	Ref    crm.Ref
	Form   *crm.Form
	Err    text.Text
}

// JournalFailed: the disk refused a write of the journal; it is tried again until it succeeds. JournalRestored ends it.
type JournalFailed struct {
	Call CallKey
	Err  text.Text
}

// JournalRestored: every write that had failed is on disk now.
type JournalRestored struct{}

// OutboxChanged is the new count of unsent call records.
type OutboxChanged struct{ Outbox }

// TaskLanded: a call record is in Salesforce.
type TaskLanded struct{ Landed }

// TaskDead: Salesforce refused a call record for good.
type TaskDead struct {
	Call   CallKey
	Reason text.Text
}

// LinkName names one of Links.
type LinkName string

// Links.
const (
	LinkSIP        LinkName = "sip"
	LinkSalesforce LinkName = "salesforce"
	LinkSound      LinkName = "sound"
	LinkHub        LinkName = "hub"
	LinkDisk       LinkName = "disk"
)

// LinkChanged is a change of an outside link.
type LinkChanged struct {
	Name   LinkName
	Health Health
	Text   text.Text
}

// SignedIn tells who is signed in to Salesforce, and where. Name and OrgName may be empty.
type SignedIn struct {
	User, Name   text.Text
	Org, OrgName text.Text // host and name
	Sandbox      bool
}

// APIUsed tells how much of the org's API calls is used, in per cent.
type APIUsed struct{ Percent int }

// Told is a notice from outside the desk, such as "2 calls of the last run were recovered".
type Told struct {
	Severity Severity
	Text     text.Text
}

// CaptionChanged is a new caption of the demo.
type CaptionChanged struct{ Text text.Text }

// QualityRead carries the live figures of the calls whose media flows.
type QualityRead struct{ Stats map[sip.LegID]media.Stats }

// TimerFired is the end of an After effect.
type TimerFired struct{ ID TimerID }

func (PhoneEvent) deskEvent()      {}
func (Commanded) deskEvent()       {}
func (LookupDone) deskEvent()      {}
func (CardLoaded) deskEvent()      {}
func (FormLoaded) deskEvent()      {}
func (RecordCreated) deskEvent()   {}
func (JournalFailed) deskEvent()   {}
func (JournalRestored) deskEvent() {}
func (OutboxChanged) deskEvent()   {}
func (TaskLanded) deskEvent()      {}
func (TaskDead) deskEvent()        {}
func (LinkChanged) deskEvent()     {}
func (SignedIn) deskEvent()        {}
func (APIUsed) deskEvent()         {}
func (Told) deskEvent()            {}
func (CaptionChanged) deskEvent()  {}
func (QualityRead) deskEvent()     {}
func (TimerFired) deskEvent()      {}
