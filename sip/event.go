package sip

import (
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
)

// LegID names one dialog of the phone with one far end. The phone makes the ids of inbound legs, the caller of
// Dial those of outbound ones; an id is never used twice in a process.
type LegID string

// What the headers of a call tell, in the words of package caller.
type (
	Party       = caller.Party
	PartySource = caller.PartySource
	Var         = caller.Var
	AutoAnswer  = caller.AutoAnswer
	Verstat     = caller.Verstat
	DataRule    = caller.Rule
)

// Where a party's number and name came from, and what the network says of the number, as caller has them.
const (
	FromAsserted   = caller.FromAsserted
	FromHeader     = caller.FromHeader
	FromTransfer   = caller.FromTransfer
	FromDialled    = caller.FromDialled
	VerstatPassed  = caller.VerstatPassed
	VerstatPassedA = caller.VerstatPassedA
	VerstatFailed  = caller.VerstatFailed
)

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
	Primary bool          // the account that calls go out from
	Secure  bool          // over TLS
	Slept   bool          // noticed after sleep or a change of network
	Flows   []FlowState   // each registration, where there are two at once; State is the best of them
	// Associated are further addresses that the registrar knows us by (P-Associated-URI, RFC 7315), the first is the usual one.
	Associated []text.Text
}

// FlowState is how one of several registrations of an account stands.
type FlowState struct {
	State   RegistrationState
	Server  text.Text
	Code    int
	Reason  text.Text
	RetryIn time.Duration
}

// IncomingCall is an INVITE that passed every check; 180 Ringing has already been sent.
type IncomingCall struct {
	At       time.Time
	Leg      LegID
	Account  text.Text // address of record that was called, as in RegistrationChanged
	CallID   string    // SIP Call-ID, not cleaned: a key only
	LocalTag string
	Remote   Party
	Called   text.Text // the number that was called (History-Info, Diversion, P-Called-Party-ID, To)

	Diverted *Party // who sent the call on to us, nil when nobody did
	Vars     []Var  // what headers told, in the order of the rules
	Record   string // a Salesforce record id that a trusted dialler handed over (15 or 18 characters), "" for none
	// Auto is set when a trusted source asks that the call be answered without the agent, and the account allows it.
	Auto *AutoAnswer
	// Replaces is our leg that this call takes the place of (RFC 3891), "" for none.
	Replaces LegID
	Session  string // Session-ID (RFC 7989), 32 hex digits; "": none
}

// OutgoingCall is a call that Dial has started.
type OutgoingCall struct {
	At       time.Time
	Leg      LegID
	Account  text.Text
	CallID   string
	LocalTag string
	Remote   Party
	// For is the leg whose far end asked for this call by REFER; Dial did not start it. "" otherwise.
	For     LegID
	Session string
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
	Codec string // "opus", "G722", "PCMU", "PCMA"
}

// CallSecured tells how well a call is protected, after each change.
type CallSecured struct {
	At        time.Time
	Leg       LegID
	Signaling string    // "" in the clear, else "TLS 1.3"
	Sound     string    // "" in the clear, else "SDES AES_CM_128_HMAC_SHA1_80", "DTLS-SRTP AEAD_AES_128_GCM"
	Broken    text.Text // why the sound is cut off (a fingerprint that does not match), empty when it is not
}

// SoundPath tells that the connectivity checks of an answered call (RFC 8445) found no way for the sound in time, or that the way was lost,
// and that there is one after all.
type SoundPath struct {
	At      time.Time
	Leg     LegID
	OK      bool // there is a way
	Checked bool // … that passed a check; else the sound goes to the address that the far end describes and sends from
	Lost    bool // there was a way, and the far end consents to it no more (RFC 7675): nothing is sent; new checks are asked for
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
	Command string // "hold", "resume", "answer", "transfer", "dial", "dtmf", "redirect", "conference", "record"
	Code    int    // SIP status, 0 when none
	Reason  text.Text
}

// Asked: the exchange or the far end asks for what an agent would do (NOTIFY Event talk or hold, RFC 5373 does it at the start).
type Asked struct {
	At  time.Time
	Leg LegID
	Do  string // "answer", "hold", "resume"
}

// ConferenceChanged names the legs that hear each other and the agent. Fewer than two: there is no conference.
type ConferenceChanged struct {
	At   time.Time
	Legs []LegID
}

// RecordingChanged tells the state of the recording of a leg.
type RecordingChanged struct {
	At     time.Time
	Leg    LegID
	State  RecordingState
	Path   string    // of the file, once there is one
	Reason text.Text // why it failed
}

// RecordingState is what a recorder does.
type RecordingState string

// Recording states.
const (
	RecordingOff    RecordingState = "off"
	RecordingOn     RecordingState = "on"
	RecordingPaused RecordingState = "paused"
	RecordingFailed RecordingState = "failed"
)

// VoiceMail is the state of a mailbox (RFC 3842).
type VoiceMail struct {
	At                   time.Time
	Account              text.Text
	Waiting              bool
	New, Old             int // messages; −1: not told
	UrgentNew, UrgentOld int
	Number               text.Text // to dial for them, empty when not told
}

// LampChanged is the state of a watched extension (RFC 4235).
type LampChanged struct {
	At    time.Time
	Who   text.Text // as configured
	State string    // "idle", "ringing", "busy", "unknown"
	Peer  text.Text // with whom, when told
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
func (CallSecured) sipEvent()         {}
func (SoundPath) sipEvent()           {}
func (Asked) sipEvent()               {}
func (ConferenceChanged) sipEvent()   {}
func (RecordingChanged) sipEvent()    {}
func (VoiceMail) sipEvent()           {}
func (LampChanged) sipEvent()         {}
func (SoundChanged) sipEvent()        {}
