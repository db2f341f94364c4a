// Package keymap knows every action a person can take at offhook's screens: its name, its title, the keys that start it
// by default and the desk verb it asks for.
//
// Keys are bound to names in the configuration, help and cheat sheet are generated from the same table, and two actions
// never share a key where both could be meant. The package knows nothing of screens and decides nothing about calls.
package keymap

import (
	"iter"
	"slices"

	"offhook/desk"
)

// Context is where a key is meant. Within one context a key has one meaning. In the typing contexts, every key that
// makes a character goes into the text; what is left falls through to the Desk context.
type Context string

// The contexts.
const (
	Desk    Context = "desk"    // the page itself, no text field has the focus
	Notes   Context = "notes"   // typing notes
	Form    Context = "form"    // filling in the New form
	Search  Context = "search"  // the list of the search page
	List    Context = "list"    // a list in a box: callbacks, the work list, results
	Overlay Context = "overlay" // help, palette, number entry, questions
)

// Typing reports whether characters in this context are text and not commands.
func (c Context) Typing() bool { return c == Notes || c == Form || c == Overlay }

// When tells which situation makes an action possible. The screen evaluates it against the snapshot; where an action has a
// verb on a call, the desk's Call.Can has the last word.
type When string

// The situations.
const (
	Always      When = ""            // at any time
	CanVerb     When = "can"         // the call's Can list holds the verb
	CanRinging  When = "ringing"     // some incoming call's Can list holds the verb
	WithCalls   When = "calls"       // more than one call to move between
	WithCard    When = "card"        // a card is open
	WithEarlier When = "earlier"     // a card was open before
	WithNumber  When = "number"      // the call that has the focus has a number
	WithUnsent  When = "unsent"      // call records wait to be sent, or were refused
	WithNotices When = "notices"     // a notice is on the screen
	WithTrouble When = "trouble"     // a link is not well
	MayWork     When = "may work"    // the agent is not available and could be
	MayPause    When = "may pause"   // the agent is available
	Ready       When = "ready"       // the desk has started
	WithPromise When = "callbacks"   // there are callbacks
	WithWork    When = "campaigns"   // a campaign is named in the settings
	WithMailbox When = "mailbox"     // something is known of a mailbox
	WithOffer   When = "offer"       // another program asks to call a number
	InDemo      When = "demo"        // the practice backend is in use
	Something   When = "closeable"   // a card, a form or the search page is open
	Free        When = "not in form" // nothing covers the desk page
)

// Action is one thing a person can do.
type Action struct {
	Name      string    // "call.answer", the name in the configuration
	Title     string    // "Answer", as help, palette and action bar show it
	Help      string    // one sentence for the cheat sheet
	Group     string    // heading in help and cheat sheet
	Context   Context   // where its keys are meant
	Keys      []string  // default keys; every function key has a letter or Ctrl form beside it
	Verb      desk.Verb // what it asks of the desk; empty: the screen does it itself
	When      When      // when it is possible
	Dangerous bool      // asks before it does what cannot be undone
}

// Groups of actions, in the order in which help shows them.
var groups = [...]string{"Calls", "Caller", "Desk", "Card", "Notes", "Search", "New form", "Lists", "Questions", "Program", "Demo"}

// Groups lists the headings in the order in which help shows them.
func Groups() []string { return groups[:] }

// table is the one list of actions; nothing writes to it.
var table = [...]Action{
	{Name: "call.answer", Title: "Answer", Group: "Calls", Context: Desk, Keys: []string{"a", "f2", "ctrl+g"}, Verb: desk.Answer, When: CanRinging,
		Help: "Answers the ringing call; a call that is up goes on hold."},
	{Name: "call.decline", Title: "Decline", Group: "Calls", Context: Desk, Keys: []string{"d", "f3"}, Verb: desk.Reject, When: CanRinging,
		Help: "Asks whether the caller hears busy or is declined."},
	{Name: "call.hangup", Title: "Hang up", Group: "Calls", Context: Desk, Keys: []string{"x", "f4", "ctrl+x"}, Verb: desk.Hangup, When: CanVerb,
		Help: "Ends the call; its record goes to Salesforce."},
	{Name: "call.hold", Title: "Hold", Group: "Calls", Context: Desk, Keys: []string{"h", "f5"}, Verb: desk.Hold, When: CanVerb,
		Help: "Puts the call on hold, or takes it back."},
	{Name: "call.mute", Title: "Mute", Group: "Calls", Context: Desk, Keys: []string{"m", "f6"}, Verb: desk.Mute, When: CanVerb,
		Help: "Switches your microphone off and on for this call."},
	{Name: "call.transfer", Title: "Transfer", Group: "Calls", Context: Desk, Keys: []string{"t", "f7"}, Verb: desk.Xfer, When: CanVerb,
		Help: "Asks for a number and sends the call there; it comes back when that fails."},
	{Name: "call.join", Title: "Join", Group: "Calls", Context: Desk, Keys: []string{"j"}, Verb: desk.XferTo, When: CanVerb,
		Help: "Attended transfer: joins the waiting caller with the colleague you talk to, and leaves both."},
	{Name: "call.conference", Title: "Conference", Group: "Calls", Context: Desk, Keys: []string{"c"}, Verb: desk.Merge, When: CanVerb,
		Help: "Everybody on the line hears everybody; again: keeps this call and holds the others."},
	{Name: "call.redirect", Title: "Send on", Group: "Calls", Context: Desk, Keys: []string{"f"}, Verb: desk.Redirect, When: CanRinging,
		Help: "Asks for a number and sends the ringing call there, unanswered."},
	{Name: "call.record", Title: "Record", Group: "Calls", Context: Desk, Keys: []string{"ctrl+r"}, Verb: desk.Rec, When: CanVerb,
		Help: "Starts or stops recording this call, where the settings allow it."},
	{Name: "call.pause", Title: "Pause recording", Group: "Calls", Context: Desk, Keys: []string{"u"}, Verb: desk.RecPause, When: CanVerb,
		Help: "Pauses the recording while a card number is said, and goes on."},
	{Name: "call.keypad", Title: "Keypad", Group: "Calls", Context: Desk, Keys: []string{"k", "f8"}, Verb: desk.DTMF, When: CanVerb,
		Help: "Opens the keypad; each digit is sent at once."},
	{Name: "call.dial", Title: "Dial", Group: "Calls", Context: Desk, Keys: []string{"o", "/"}, Verb: desk.Dial, When: Free,
		Help: "Asks for a number and calls it; paste works."},
	{Name: "call.offered", Title: "Number of a link", Group: "Calls", Context: Desk, Keys: []string{"l"}, Verb: desk.TakeOffer, When: WithOffer,
		Help: "Opens the dial box with the number that another program asks to call, such as the browser for a link."},
	{Name: "call.next", Title: "Next call", Group: "Calls", Context: Desk, Keys: []string{"tab"}, When: WithCalls,
		Help: "Moves the focus to the next call; 1 to 9 pick one."},
	{Name: "call.previous", Title: "Previous call", Group: "Calls", Context: Desk, Keys: []string{"shift+tab"}, When: WithCalls,
		Help: "Moves the focus to the call above."},
	{Name: "call.result", Title: "Result", Group: "Calls", Context: Desk, Keys: []string{"i"}, Verb: desk.Dispose, When: CanVerb,
		Help: "Gives the call its result; a digit chooses it. One with a callback asks when."},
	{Name: "call.dismiss", Title: "Clear ended call", Group: "Calls", Context: Desk, Keys: []string{"D"}, Verb: desk.Dismiss, When: CanVerb,
		Help: "Takes an ended call off the list now."},

	{Name: "caller.pop", Title: "Pop", Group: "Caller", Context: Desk, Keys: []string{"p"}, Verb: desk.Pop, When: CanVerb,
		Help: "One match: opens the caller's card."},
	{Name: "caller.search", Title: "Search", Group: "Caller", Context: Desk, Keys: []string{"s"}, Verb: desk.SearchIn, When: Free,
		Help: "Many matches: opens the list to pick from. Without a call: searches Salesforce."},
	{Name: "caller.new", Title: "New", Group: "Caller", Context: Desk, Keys: []string{"n"}, Verb: desk.New, When: Free,
		Help: "No match: opens the New form with the caller's number filled in."},
	{Name: "caller.choose", Title: "New …", Group: "Caller", Context: Desk, Keys: []string{"+"}, Verb: desk.Choose, When: Free,
		Help: "Lists every object that a record can be made of, and forms that were not saved."},
	{Name: "caller.pin", Title: "Pin", Group: "Caller", Context: Desk, Keys: []string{"P"}, Verb: desk.Pin, When: CanVerb,
		Help: "Pins the record the call's Task goes to; again to unpin."},
	{Name: "caller.clear", Title: "No record", Group: "Caller", Context: Desk, Keys: []string{"C"}, Verb: desk.Clear, When: CanVerb,
		Help: "The call belongs to no record; again to undo."},
	{Name: "caller.copy", Title: "Copy number", Group: "Caller", Context: Desk, Keys: []string{"N"}, When: WithNumber,
		Help: "Copies the far end's telephone number."},
	{Name: "caller.notes", Title: "Notes", Group: "Caller", Context: Desk, Keys: []string{"e"}, Verb: desk.Note, When: CanVerb,
		Help: "Types notes; every keystroke is kept."},

	{Name: "state.available", Title: "Available", Group: "Desk", Context: Desk, Keys: []string{"v"}, Verb: desk.GoAvailable, When: MayWork,
		Help: "Takes calls again; during a call, when it ends."},
	{Name: "state.away", Title: "Away", Group: "Desk", Context: Desk, Keys: []string{"w"}, Verb: desk.GoAway, When: MayPause,
		Help: "Asks for the reason, for the team to see; a call that the exchange still sends rings. During a call, when it ends."},
	{Name: "desk.dnd", Title: "Do not disturb", Group: "Desk", Context: Desk, Keys: []string{"B"}, Verb: desk.DND, When: Ready,
		Help: "Refuses every call as busy until pressed again; each leaves its record."},
	{Name: "desk.forward", Title: "Forward", Group: "Desk", Context: Desk, Keys: []string{"F"}, Verb: desk.Forward, When: Ready,
		Help: "Sends calls elsewhere: always, when busy, or when nobody answers; again to undo."},
	{Name: "desk.voicemail", Title: "Voice mail", Group: "Desk", Context: Desk, Keys: []string{"M"}, Verb: desk.Voicemail, When: WithMailbox,
		Help: "Calls the mailbox."},
	{Name: "desk.callbacks", Title: "Callbacks", Group: "Desk", Context: Desk, Keys: []string{"b"}, When: WithPromise,
		Help: "Lists those you promised to call back; Enter calls."},
	{Name: "desk.worklist", Title: "Work list", Group: "Desk", Context: Desk, Keys: []string{"L"}, Verb: desk.WorkOpen, When: WithWork,
		Help: "Lists the members of the campaign; Enter calls the next one."},
	{Name: "desk.reports", Title: "Reports", Group: "Desk", Context: Desk, Keys: []string{"T"}, Verb: desk.ReportOpen, When: Ready,
		Help: "Shows your calls, talk time, missed calls and logins, or the team's."},
	{Name: "desk.sound", Title: "Sound", Group: "Desk", Context: Desk, Keys: []string{"S"}, Verb: desk.SoundShow, When: Ready,
		Help: "Shows microphones, loudspeakers and ring devices, picks another one in mid-call, and checks the microphone."},
	{Name: "desk.sendnow", Title: "Send records now", Group: "Desk", Context: Desk, Keys: []string{"R"}, Verb: desk.RetryOutbox, When: WithUnsent,
		Help: "Tries all call records that are not in Salesforce yet."},
	{Name: "desk.reconnect", Title: "Reconnect", Group: "Desk", Context: Desk, Keys: []string{"r"}, Verb: desk.Reconnect, When: WithTrouble,
		Help: "Registers again and retries Salesforce now."},
	{Name: "notice.hide", Title: "Hide notice", Group: "Desk", Context: Desk, Keys: []string{"z"}, Verb: desk.HideNotice, When: WithNotices,
		Help: "Takes the newest notice off the screen."},
	{Name: "desk.close", Title: "Close", Group: "Desk", Context: Desk, Keys: []string{"esc"}, Verb: desk.Close, When: Something,
		Help: "Closes the card."},

	{Name: "card.down", Title: "Next field", Group: "Card", Context: Desk, Keys: []string{"down", "J"}, When: WithCard,
		Help: "Moves to the next line of the card."},
	{Name: "card.up", Title: "Previous field", Group: "Card", Context: Desk, Keys: []string{"up", "K"}, When: WithCard,
		Help: "Moves to the line above."},
	{Name: "card.use", Title: "Use field", Group: "Card", Context: Desk, Keys: []string{"enter"}, When: WithCard,
		Help: "Dials a phone number, opens a record, copies anything else."},
	{Name: "card.edit", Title: "Change", Group: "Card", Context: Desk, Keys: []string{"E"}, Verb: desk.Edit, When: WithCard,
		Help: "Changes the record, beginning at the selected field."},
	{Name: "card.copy", Title: "Copy", Group: "Card", Context: Desk, Keys: []string{"y"}, When: WithCard,
		Help: "Copies the selected value, or the record's address, to the clipboard."},
	{Name: "card.address", Title: "Copy address", Group: "Card", Context: Desk, Keys: []string{"Y"}, When: WithCard,
		Help: "Copies the record's web address."},
	{Name: "card.id", Title: "Copy id", Group: "Card", Context: Desk, Keys: []string{"I"}, When: WithCard,
		Help: "Copies the record's Salesforce id."},
	{Name: "card.browse", Title: "Open in browser", Group: "Card", Context: Desk, Keys: []string{"O"}, When: WithCard,
		Help: "Opens the selected related record, or the card's, in the browser; without one here, over SSH, copies the address."},
	{Name: "card.refresh", Title: "Read again", Group: "Card", Context: Desk, Keys: []string{"g"}, Verb: desk.Refresh, When: WithCard,
		Help: "Reads the card anew from Salesforce."},
	{Name: "card.back", Title: "Back", Group: "Card", Context: Desk, Keys: []string{"backspace", "["}, Verb: desk.Back, When: WithEarlier,
		Help: "Opens the card that was open before."},

	{Name: "notes.done", Title: "Done", Group: "Notes", Context: Notes, Keys: []string{"esc", "ctrl+s"},
		Help: "Leaves the notes; they are already kept."},

	{Name: "search.down", Title: "Down", Group: "Search", Context: Search, Keys: []string{"down", "j", "ctrl+j"},
		Help: "Next record; in the query, into the list."},
	{Name: "search.up", Title: "Up", Group: "Search", Context: Search, Keys: []string{"up", "k", "ctrl+k"},
		Help: "Previous record; in the query, an earlier search."},
	{Name: "search.open", Title: "Open", Group: "Search", Context: Search, Keys: []string{"enter"}, Verb: desk.Open,
		Help: "Opens the record; picking it attaches the call to it. In the query: searches."},
	{Name: "search.query", Title: "Query", Group: "Search", Context: Search, Keys: []string{"tab", "/", "shift+tab"},
		Help: "Moves between the query and the list."},
	{Name: "search.further", Title: "Further", Group: "Search", Context: Search, Keys: []string{"pgdown"},
		Help: "A page further; 1 to 9 open a record of the page that is shown."},
	{Name: "search.nearer", Title: "Nearer", Group: "Search", Context: Search, Keys: []string{"pgup"},
		Help: "A page back."},
	{Name: "search.object", Title: "Next object", Group: "Search", Context: Search, Keys: []string{"]"},
		Help: "Shows the records of the next object only; all of them come last."},
	{Name: "search.objectback", Title: "Previous object", Group: "Search", Context: Search, Keys: []string{"["},
		Help: "Shows the records of the object before."},
	{Name: "search.more", Title: "More", Group: "Search", Context: Search, Keys: []string{"+"}, Verb: desk.SearchIn,
		Help: "Searches again for as many records as Salesforce gives, where there may be more."},
	{Name: "search.new", Title: "New", Group: "Search", Context: Search, Keys: []string{"n", "ctrl+n"}, Verb: desk.New,
		Help: "None of these: opens the New form, with what was typed filled in."},
	{Name: "search.close", Title: "Close", Group: "Search", Context: Search, Keys: []string{"esc"}, Verb: desk.Close,
		Help: "Leaves the search page."},

	{Name: "form.next", Title: "Next", Group: "New form", Context: Form, Keys: []string{"tab", "down"},
		Help: "Next field."},
	{Name: "form.previous", Title: "Previous", Group: "New form", Context: Form, Keys: []string{"shift+tab", "up"},
		Help: "Previous field."},
	{Name: "form.save", Title: "Save", Group: "New form", Context: Form, Keys: []string{"ctrl+s", "ctrl+enter"}, Verb: desk.Create,
		Help: "Saves the record. A call belongs to the record that was made in it."},
	{Name: "form.cancel", Title: "Cancel", Group: "New form", Context: Form, Keys: []string{"esc"}, Verb: desk.Close, Dangerous: true,
		Help: "Leaves the form; asks first when something was typed."},

	{Name: "list.down", Title: "Down", Group: "Lists", Context: List, Keys: []string{"down", "j", "ctrl+j"},
		Help: "Next line."},
	{Name: "list.up", Title: "Up", Group: "Lists", Context: List, Keys: []string{"up", "k", "ctrl+k"},
		Help: "Line above."},
	{Name: "list.accept", Title: "Call", Group: "Lists", Context: List, Keys: []string{"enter"},
		Help: "Calls who is chosen; in the list of results, gives that one."},
	{Name: "list.number", Title: "Other number", Group: "Lists", Context: List, Keys: []string{"n", "tab"},
		Help: "Chooses another number of the person."},
	{Name: "list.later", Title: "Later", Group: "Lists", Context: List, Keys: []string{"m"},
		Help: "Moves a callback: asks when."},
	{Name: "list.done", Title: "Done", Group: "Lists", Context: List, Keys: []string{"d"},
		Help: "Takes a callback off the list and closes its Task; passes a member of the work list over, or takes that back."},
	{Name: "list.campaign", Title: "Next campaign", Group: "Lists", Context: List, Keys: []string{"c"},
		Help: "Shows the work list of the next campaign of the settings."},
	{Name: "list.more", Title: "More", Group: "Lists", Context: List, Keys: []string{"+", "pgdown"},
		Help: "Fetches the next members of the campaign."},
	{Name: "list.force", Title: "Call anyway", Group: "Lists", Context: List, Keys: []string{"!"}, Dangerous: true,
		Help: "Calls somebody who does not want to be called, where the settings allow it; the record says so."},
	{Name: "list.report", Title: "Next report", Group: "Lists", Context: List, Keys: []string{"right", "l"},
		Help: "Shows the next report."},
	{Name: "list.before", Title: "Report before", Group: "Lists", Context: List, Keys: []string{"left", "h"},
		Help: "Shows the report before."},
	{Name: "list.period", Title: "Period", Group: "Lists", Context: List, Keys: []string{"p"},
		Help: "Shows the report of another period."},
	{Name: "list.source", Title: "Source", Group: "Lists", Context: List, Keys: []string{"s"},
		Help: "Counts this desk's calls, or those in Salesforce that you may see."},
	{Name: "list.close", Title: "Close", Group: "Lists", Context: List, Keys: []string{"esc"},
		Help: "Closes the list."},

	{Name: "overlay.down", Title: "Down", Group: "Questions", Context: Overlay, Keys: []string{"down", "ctrl+j", "pgdown"},
		Help: "Next line, or further down."},
	{Name: "overlay.up", Title: "Up", Group: "Questions", Context: Overlay, Keys: []string{"up", "ctrl+k", "pgup"},
		Help: "Line above, or further up."},
	{Name: "overlay.accept", Title: "Accept", Group: "Questions", Context: Overlay, Keys: []string{"enter"},
		Help: "Does what the box says."},
	{Name: "overlay.close", Title: "Close", Group: "Questions", Context: Overlay, Keys: []string{"esc"},
		Help: "Closes the box; nothing happens."},

	{Name: "app.help", Title: "Help", Group: "Program", Context: Desk, Keys: []string{"?", "f1"},
		Help: "Shows all keys."},
	{Name: "app.palette", Title: "More", Group: "Program", Context: Desk, Keys: []string{"ctrl+p", ":"},
		Help: "Finds any action by a few letters; shows only what is possible now."},
	{Name: "app.redraw", Title: "Redraw", Group: "Program", Context: Desk, Keys: []string{"ctrl+l"},
		Help: "Paints the whole screen again."},
	{Name: "app.quit", Title: "Quit", Group: "Program", Context: Desk, Keys: []string{"q", "ctrl+c"}, Verb: desk.Quit, Dangerous: true,
		Help: "Leaves offhook; asks first when a call is up."},

	{Name: "demo.next", Title: "Next customer", Group: "Demo", Context: Desk, Keys: []string{"ctrl+n", "f9"}, Verb: desk.DemoNext, When: InDemo,
		Help: "The next practice customer calls."},
	{Name: "demo.bye", Title: "Customer hangs up", Group: "Demo", Context: Desk, Keys: []string{"ctrl+e", "f10"}, Verb: desk.DemoBye, When: InDemo,
		Help: "The practice customer ends the call."},
	{Name: "demo.hold", Title: "Customer holds", Group: "Demo", Context: Desk, Keys: []string{"ctrl+o", "f11"}, Verb: desk.DemoHold, When: InDemo,
		Help: "The practice customer puts you on hold, or takes you back."},
	{Name: "demo.fault", Title: "Salesforce down/up", Group: "Demo", Context: Desk, Keys: []string{"ctrl+f", "f12"}, Verb: desk.DemoFault, When: InDemo,
		Help: "Switches the practice Salesforce off and on: records wait on disk."},
}

// All yields every action with its default keys, in the order of the table.
func All() iter.Seq[Action] {
	return func(yield func(Action) bool) {
		for _, list := range [][]Action{table[:], boardTable[:]} {
			for _, a := range list {
				a.Keys = slices.Clone(a.Keys)
				if !yield(a) {
					return
				}
			}
		}
	}
}
