package sip

import (
	"time"

	"offhook/internal/text"
)

// LegID names one dialog of the phone with one far end. The phone makes the ids of inbound legs, the caller of
// Dial those of outbound ones; an id is never used twice in a process.
type LegID string

// PartySource tells where a remote party's number and name came from.
type PartySource string

// The sources of identity, in falling order of trust (RFC 3325, draft-ietf-sip-privacy-04, RFC 3261 §20.20).
const (
	FromAsserted   PartySource = "P-Asserted-Identity"
	FromRemoteID   PartySource = "Remote-Party-ID"
	FromHeader     PartySource = "From"
	FromTransfer   PartySource = "transfer"
	FromDialled    PartySource = "dialled"
	FromReplaced   PartySource = "Replaces"
	FromReferredBy PartySource = "Referred-By"
)

// Party is who is at the other end, as signalled and cleaned.
type Party struct {
	Number   text.Text   `json:"number"`             // user part without scheme, parameters and separators
	Name     text.Text   `json:"name,omitzero"`      // display name
	URI      text.Text   `json:"uri,omitzero"`       // the whole URI, for the journal
	Host     text.Text   `json:"host,omitzero"`      // the URI's host, without port
	Source   PartySource `json:"source,omitempty"`   // which header
	Withheld bool        `json:"withheld,omitempty"` // anonymous, or Privacy asked for (RFC 3323)
}

// Event is something that happened to the telephone. Events of one leg come in the order in which they
// happened; the first of a leg is IncomingCall or OutgoingCall, the last is CallEnded, exactly once.
type Event interface{ sipEvent() }

// RegistrationState is the state of one account at its registrar.
type RegistrationState string

// Registration states. Local: the account has no registrar and takes calls on its own port.
const (
	Unregistered RegistrationState = "unregistered"
	Registering  RegistrationState = "registering"
	Registered   RegistrationState = "registered"
	RegFailed    RegistrationState = "failed"
	Local        RegistrationState = "local"
)

// RegistrationChanged tells how the account stands at the registrar.
type RegistrationChanged struct {
	At      time.Time
	State   RegistrationState
	Account text.Text     // address of record, "sip:2101@example.com"
	Server  text.Text     // host:port and transport of the flow
	Code    int           // last SIP status, 0 for none
	Reason  text.Text     // one line a person understands, empty when registered
	Expires time.Duration // granted lifetime
	RetryIn time.Duration // when the next attempt follows, 0 for none
	Others  int           // other bindings seen at this address of record
}

// IncomingCall is an INVITE that passed every check; 180 Ringing has already been sent.
type IncomingCall struct {
	At       time.Time
	Leg      LegID
	CallID   string // SIP Call-ID, not cleaned: a key only
	LocalTag string
	Remote   Party
	Called   text.Text // the number that was called (user part of the Request-URI or To)
}

// OutgoingCall is a call that Dial has started.
type OutgoingCall struct {
	At       time.Time
	Leg      LegID
	CallID   string
	LocalTag string
	Remote   Party
}

// CallProgress is a provisional response to our INVITE. A local ringback tone is played by the phone unless the
// far end sends early media (RFC 3960).
type CallProgress struct {
	At         time.Time
	Leg        LegID
	Code       int
	Reason     text.Text
	EarlyMedia bool
}

// CallAnswered: the call is established, our 200 was acknowledged or theirs arrived.
type CallAnswered struct {
	At    time.Time
	Leg   LegID
	Codec string // "PCMU", "PCMA", "G722"
}

// CallHeld gives the hold state of both sides after a change. ByUs is true once the far end has confirmed it.
type CallHeld struct {
	At     time.Time
	Leg    LegID
	ByUs   bool
	ByThem bool
}

// CommandFailed: the far end or the network refused what was asked; the call goes on as it was.
type CommandFailed struct {
	At      time.Time
	Leg     LegID
	Command string // "hold", "resume", "answer", "transfer", "dial", "dtmf"
	Code    int    // SIP status, 0 when none
	Reason  text.Text
}

// PartyChanged: a later P-Asserted-Identity, UPDATE or Replaces changed who is there.
type PartyChanged struct {
	At     time.Time
	Leg    LegID
	Remote Party
}

// DTMFReceived is one keypad digit of the far end (RFC 4733 or INFO).
type DTMFReceived struct {
	At    time.Time
	Leg   LegID
	Digit rune
}

// TransferProgress is one NOTIFY sipfrag of a transfer that is under way (RFC 3515 §2.4.5).
type TransferProgress struct {
	At     time.Time
	Leg    LegID
	Target text.Text
	Code   int
	Reason text.Text
}

// TransferEnded is the outcome. When OK, the leg ends next with EndTransferred. When not, the leg goes on, held by us, and
// the desk resumes it.
type TransferEnded struct {
	At     time.Time
	Leg    LegID
	Target text.Text
	OK     bool
	Code   int
	Reason text.Text
}

// EndCause says why a leg ended.
type EndCause string

// End causes.
const (
	EndNormal            EndCause = "normal"             // BYE after an answered call
	EndCancelled         EndCause = "cancelled"          // the caller gave up while it rang
	EndAnsweredElsewhere EndCause = "answered elsewhere" // CANCEL with Reason cause=200 (RFC 3326)
	EndDeclined          EndCause = "declined"           // we rejected it, or they did (603, 403 …)
	EndBusy              EndCause = "busy"               // 486, 600
	EndNoAnswer          EndCause = "no answer"          // 408, 480, ring limit
	EndUnknownNumber     EndCause = "unknown number"     // 404, 484, 604
	EndTransferred       EndCause = "transferred"
	EndNoACK             EndCause = "no ACK"       // our 200 was never acknowledged
	EndNetwork           EndCause = "network"      // flow lost, time-out, 5xx
	EndNoMedia           EndCause = "no media"     // no codec in common, 488
	EndShutdown          EndCause = "shutdown"     // the program is ending
	EndReplaced          EndCause = "replaced"     // another dialog took its place (RFC 3891)
	EndUnauthorised      EndCause = "unauthorised" // 401, 407 after our credentials
)

// CallEnded is the last event of a leg.
type CallEnded struct {
	At     time.Time
	Leg    LegID
	Cause  EndCause
	ByUs   bool // we ended it
	Code   int  // SIP status that ended it, 0 for BYE
	Reason text.Text
}

// SoundChanged tells about the agent's own microphone and loudspeaker.
type SoundChanged struct {
	At     time.Time
	OK     bool
	Device text.Text // what is in use, "Headset", "null"
	Detail text.Text // one line: what happened and what it means
}

func (RegistrationChanged) sipEvent() {}
func (IncomingCall) sipEvent()        {}
func (OutgoingCall) sipEvent()        {}
func (CallProgress) sipEvent()        {}
func (CallAnswered) sipEvent()        {}
func (CallHeld) sipEvent()            {}
func (CommandFailed) sipEvent()       {}
func (PartyChanged) sipEvent()        {}
func (DTMFReceived) sipEvent()        {}
func (TransferProgress) sipEvent()    {}
func (TransferEnded) sipEvent()       {}
func (CallEnded) sipEvent()           {}
func (SoundChanged) sipEvent()        {}
