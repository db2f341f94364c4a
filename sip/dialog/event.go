package dialog

import (
	"time"

	"offhook/sip/transaction"
)

// Event is something that happened to a session. Events of one session come in order, on the UA's loop; the last is
// Ended, exactly once, except that an incoming session refused inside Handler.Incoming also gets its Ended.
type Event interface{ sessionEvent() }

// Progress is a provisional response to our INVITE. There may be any number of them (RFC 3261 §13.2.2.1).
type Progress struct {
	Code   int
	Reason string
	// EarlyMedia: the newest far end that described its media lets us hear it, by the last MediaChanged. Otherwise the ringing is
	// for us to play (RFC 3960 §3.2). P-Early-Media (RFC 5009) is not asked: anybody can write it.
	EarlyMedia bool
}

// MediaChanged tells what is agreed now: at early media, at the answer, and after each later offer and answer.
type MediaChanged struct{ Media Media }

// Answered: the 2xx was sent by us or arrived from them. Sound may flow from here on.
type Answered struct{}

// Confirmed: the ACK to our 2xx came, or ours to theirs was sent.
type Confirmed struct{}

// HoldChanged gives the hold state of both sides after a change of either. ByUs is true once the far end agreed.
type HoldChanged struct{ ByUs, ByThem bool }

// Operation is a thing asked of a session which the far end may refuse.
type Operation string

// Operations.
const (
	OpHold     Operation = "hold"
	OpResume   Operation = "resume"
	OpTransfer Operation = "transfer"
	OpAnswer   Operation = "answer"
	OpRefresh  Operation = "refresh" // Session.Refresh
)

// Refused: the far end or the network refused an operation; the session goes on as it was.
type Refused struct {
	Op     Operation
	Code   int // SIP status; 0: no response, see Reason
	Reason string
}

// Refreshed: a re-INVITE, UPDATE or 2xx of the far end, whose identity headers may name somebody else now. Request
// is nil when it was a response, and the other way round.
type Refreshed struct {
	Request  *transaction.Request
	Response *transaction.Response
}

// Digit is one keypad digit that came in an INFO request (application/dtmf-relay or application/dtmf).
type Digit struct {
	Digit    rune
	Duration time.Duration
}

// TransferProgress is one status of a transfer that we asked for (RFC 3515 §2.4.5), 100 and upward.
type TransferProgress struct {
	Code   int
	Reason string
}

// TransferDone is its outcome. After OK the session ends by itself with CauseTransferred.
type TransferDone struct {
	OK     bool
	Code   int
	Reason string
}

// Cause says why a session ended.
type Cause string

// Causes.
const (
	CauseBye         Cause = "bye"                // BYE of an answered session, by either side
	CauseCancelled   Cause = "cancelled"          // the caller gave up
	CauseElsewhere   Cause = "answered elsewhere" // CANCEL with Reason: SIP;cause=200 (RFC 3326)
	CauseRejected    Cause = "rejected"           // a final response ≥ 300; Code says which
	CauseNoACK       Cause = "no ACK"             // our 2xx was never acknowledged
	CauseNetwork     Cause = "network"            // time-out, flow lost, dialog unknown to the far end
	CauseNoMedia     Cause = "no media"           // their answer cannot be used
	CauseTransferred Cause = "transferred"
	CauseReplaced    Cause = "replaced" // an incoming session took its place (RFC 3891)
)

// Ended is the last event of a session.
type Ended struct {
	Cause  Cause
	ByUs   bool
	Code   int    // SIP status that ended it, or the cause of a SIP Reason header; 0: none
	Reason string // reason phrase, or the text of a Reason header: raw, from outside
	// Response is the final response that refused our INVITE, nil otherwise.
	Response *transaction.Response
	// Targets is where a 3xx sends us, the best first; it is for the Handler to decide whether to go there.
	Targets []transaction.Address
}

// Asked: the exchange asks for what a person would do (NOTIFY with Event talk or hold); Config.Asked has let it in.
type Asked struct{ What Wish }

// Wish is what an exchange may ask of a phone.
type Wish string

// Wishes.
const (
	WishAnswer Wish = "answer"
	WishResume Wish = "resume"
	WishHold   Wish = "hold"
)

func (Asked) sessionEvent()            {}
func (Progress) sessionEvent()         {}
func (MediaChanged) sessionEvent()     {}
func (Answered) sessionEvent()         {}
func (Confirmed) sessionEvent()        {}
func (HoldChanged) sessionEvent()      {}
func (Refused) sessionEvent()          {}
func (Refreshed) sessionEvent()        {}
func (Digit) sessionEvent()            {}
func (TransferProgress) sessionEvent() {}
func (TransferDone) sessionEvent()     {}
func (Ended) sessionEvent()            {}
