package desk

import (
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// Effect is something the machine wants done. Journal and Finish are carried out before anything else of the same step and
// before the snapshot is published: what matters for a record is on disk before it is visible.
type Effect interface{ deskEffect() }

// Journal writes a call's state to the ledger.
type Journal struct {
	Call       Call
	Record     crm.CallRecord // the call record as it would be if the program died now
	Transition string
}

// Finish ends a call in the ledger and puts its call record into the outbox, in one transaction. Filtered: the settings
// want no Task for this kind of call; it is kept in the history only.
type Finish struct {
	Call     Call
	Record   crm.CallRecord
	Filtered bool
}

// Amend stores a change of a call that has ended: in its record while that waits, else as a change of its Task. Only Parts of Record have
// changed: what another program changed meanwhile stays. Before is the notes as they were.
type Amend struct {
	Call   Call
	Record crm.CallRecord
	Parts  []crm.RecordPart
	Before text.Block
}

// PhoneDo is a command to the telephone.
type PhoneDo struct {
	Do   PhoneVerb
	Leg  sip.LegID
	Text string      // target, digits, reason phrase
	Code int         // for PhoneReject
	On   bool        // for PhoneMute, PhoneRecord, PhonePause
	Legs []sip.LegID // for PhoneConference; the other one for PhoneTransferTo
}

// PhoneVerb is what the telephone is asked to do.
type PhoneVerb string

// Commands to the telephone.
const (
	PhoneAnswer   PhoneVerb = "answer"
	PhoneReject   PhoneVerb = "reject"
	PhoneHangup   PhoneVerb = "hangup"
	PhoneHold     PhoneVerb = "hold"
	PhoneResume   PhoneVerb = "resume"
	PhoneDial     PhoneVerb = "dial"
	PhoneDTMF     PhoneVerb = "dtmf"
	PhoneMute     PhoneVerb = "mute"
	PhoneTransfer PhoneVerb = "transfer"
	PhoneRegister PhoneVerb = "register"

	PhoneTransferTo PhoneVerb = "transfer to"
	PhoneRedirect   PhoneVerb = "redirect"
	PhoneConference PhoneVerb = "conference"
	PhoneRecord     PhoneVerb = "record"
	PhonePause      PhoneVerb = "pause"
)

// Lookup asks the CRM who a caller is. Answered by LookupDone. Dir chooses the part of the softphone layout.
type Lookup struct {
	Call   CallKey
	Number text.Text
	Dir    crm.Direction
}

// LoadCard reads a record's card. Answered by CardLoaded.
type LoadCard struct {
	For  CallKey
	Ref  crm.Ref
	Auto bool
}

// LoadForm reads a form. Answered by FormLoaded.
type LoadForm struct {
	For  CallKey
	Ask  crm.FormAsk
	Auto bool // nobody asked: the layout opens it by itself
}

// CreateRecord creates a record. Answered by RecordCreated.
type CreateRecord struct {
	For    CallKey
	Object string
	Values map[string]string
}

// Ring starts or stops the ring tone.
type Ring struct{ On bool }

// SendNow tries every unsent call record at once.
type SendNow struct{}

// RetryLinks registers again and retries Salesforce and the hub now.
type RetryLinks struct{}

// TimerID names a timer; a second After with the same id replaces the first.
type TimerID string

// After asks for TimerFired when the duration is over. Zero cancels the timer.
type After struct {
	ID TimerID
	In time.Duration
}

// Demo asks the practice backend for something.
type Demo struct {
	Verb Verb
	Text string
	Leg  sip.LegID
}

func (Journal) deskEffect()      {}
func (Finish) deskEffect()       {}
func (Amend) deskEffect()        {}
func (PhoneDo) deskEffect()      {}
func (Lookup) deskEffect()       {}
func (LoadCard) deskEffect()     {}
func (LoadForm) deskEffect()     {}
func (CreateRecord) deskEffect() {}
func (Ring) deskEffect()         {}
func (SendNow) deskEffect()      {}
func (RetryLinks) deskEffect()   {}
func (After) deskEffect()        {}
func (Demo) deskEffect()         {}
