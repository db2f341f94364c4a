package desk

import (
	"offhook/crm"
	"offhook/internal/text"
)

// Verb is what a command asks for. The names of call control follow the Service Cloud Voice event vocabulary where it
// has a word.
type Verb string

// Verbs on a call (Command.Call names it; empty means the only call, or the one that is talking).
const (
	Answer   Verb = "answer"
	Reject   Verb = "reject" // Text: busy, decline (default)
	Hangup   Verb = "hangup"
	Hold     Verb = "hold"
	Resume   Verb = "resume"
	Mute     Verb = "mute"        // toggles
	DTMF     Verb = "dtmf"        // Text: digits
	Xfer     Verb = "transfer"    // Text: target; blind
	XferTo   Verb = "transfer to" // attended: joins the call with the other one that is up (Text: its key, when there are several)
	Merge    Verb = "conference"  // joins every answered call
	Split    Verb = "split"       // keeps this call and holds the others of the conference
	Rec      Verb = "record"      // starts or stops the recording
	RecPause Verb = "pause"       // pauses or resumes the recording
	Redirect Verb = "redirect"    // Text: target; sends a ringing call elsewhere
	Pop      Verb = "pop"         // open the single match's card
	SearchIn Verb = "search"      // open the search page: the matches, or Text as a new query; Values: see desk/search.go
	New      Verb = "new"         // open the New form; Text: object, default by layout (Lead)
	Pin      Verb = "pin"         // toggles: pins the current or matched record
	Clear    Verb = "clear"       // toggles: the call belongs to nothing
	Note     Verb = "note"        // Text: the notes as they are now, at each keystroke
	Dismiss  Verb = "dismiss"     // takes an ended call off the list
)

// Verbs of the desk.
const (
	Dial        Verb = "dial"           // Text: number; Record: the record whose phone field it is (click to dial)
	Open        Verb = "open"           // Record: opens its card (navigation, list pick)
	SearchTyped Verb = "searching"      // Text: the query of the search page as it is now, at each keystroke
	Back        Verb = "back"           // opens the card that was open before
	Refresh     Verb = "refresh"        // reads the open card anew
	Close       Verb = "close"          // closes the form, the search page or the card, in that order
	Create      Verb = "create"         // Values: the New form's values
	DND         Verb = "do not disturb" // toggles: calls are refused as busy, each with its record
	Forward     Verb = "forward"        // Text: target, empty: off; Values["when"]: always (default), busy, no answer
	Voicemail   Verb = "voicemail"      // calls the mailbox
	SoundShow   Verb = "sound"          // opens the page of the sound devices
	SoundHide   Verb = "sound close"    // closes it
	SoundPick   Verb = "sound choose"   // Text: a device's value; Values["role"]: its role
	SoundTry    Verb = "sound test"     // checks the microphone for three seconds
	GoAvailable Verb = "available"
	GoAway      Verb = "away"       // Text: reason
	Quit        Verb = "quit"       // asks first when a call is up
	QuitNow     Verb = "quit now"   // confirmed
	QuitCancel  Verb = "stay"       // not confirmed
	RetryOutbox Verb = "send now"   // tries all unsent records at once
	Reconnect   Verb = "reconnect"  // registers again and retries Salesforce now
	Prepare     Verb = "prepare"    // Text: a number that is being typed; Snapshot.Prepared tells what will be dialled
	HideNotice  Verb = "hide"       // Number: Notice.ID
	TakeOffer   Verb = "take"       // Number: Offer.ID; it stands in the dial box
	DemoNext    Verb = "demo next"  // demo: the next customer calls
	DemoBye     Verb = "demo bye"   // demo: the far end hangs up
	DemoHold    Verb = "demo hold"  // demo: the far end holds or resumes
	DemoFault   Verb = "demo fault" // demo: Text names a fault of the practice Salesforce to toggle ("down", "expired")
)

// Command is one wish of a person, a tape or a supervisor. It is plain data and travels as JSON. Each command has an answer:
// the next snapshots show its effect, or a Notice says why not.
type Command struct {
	Verb   Verb              `json:"verb"`
	Call   CallKey           `json:"call,omitempty"`
	Text   string            `json:"text,omitempty"`
	Record crm.Ref           `json:"record,omitzero"`
	Values map[string]string `json:"values,omitempty"`
	Number uint64            `json:"number,omitempty"`
	By     text.Text         `json:"by,omitzero"` // who, when it is not the agent
}
