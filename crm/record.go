package crm

import (
	"time"

	"offhook/internal/text"
)

// Ref names a Salesforce record. ID has 15 or 18 characters; compare with SameID.
type Ref struct {
	Type string    `json:"type"` // API name: Contact, Lead, Account, Case, Opportunity, custom
	ID   string    `json:"id"`
	Name text.Text `json:"name,omitzero"`
}

// Zero reports whether the reference names nothing.
func (r Ref) Zero() bool { return r.ID == "" }

// SameID compares two record ids on their first 15 characters, which carry the identity (the last three of an
// 18-character id are a checksum of the case).
func SameID(a, b string) bool {
	if len(a) < 15 || len(b) < 15 {
		return a == b
	}
	return a[:15] == b[:15]
}

// MatchState is the result of a lookup.
type MatchState string

// Match states.
const (
	MatchNotSearched MatchState = ""          // outbound before dialling, emergency number
	MatchSearching   MatchState = "searching" // lookup under way
	MatchNone        MatchState = "none"
	MatchOne         MatchState = "one"
	MatchMany        MatchState = "many"
	MatchInternal    MatchState = "internal" // a colleague: no lookup was made
	MatchWithheld    MatchState = "withheld" // no number: no lookup was made
	MatchFailed      MatchState = "failed"   // Salesforce did not answer in time, or refused
)

// Hit is one record that the lookup found and verified locally.
type Hit struct {
	Ref
	Detail   text.Text `json:"detail,omitzero"`    // company, account or status, one line
	Phone    text.Text `json:"phone,omitzero"`     // the stored number that matched, as typed
	Account  Ref       `json:"account,omitzero"`   // the contact's account
	Verified bool      `json:"verified,omitempty"` // of a search by hand: the number looked for stands on the record
	Label    text.Text `json:"label,omitzero"`     // what the org calls the object, where that is known
	// PersonContactID is set for a person account: the contact id a Task's WhoId needs.
	PersonContactID string `json:"personContactId,omitempty"`
	// ContactID is a Case's or Opportunity's own contact, for association.
	ContactID string `json:"contactId,omitempty"`
}

// Match is what the lookup found for a caller.
type Match struct {
	State    MatchState    `json:"state"`
	Hits     []Hit         `json:"hits,omitempty"`
	Possible int           `json:"possible,omitempty"` // hits whose number agreed only in its last digits: never used automatically
	Via      string        `json:"via,omitempty"`      // "cache", "sosl", "soql"
	Took     time.Duration `json:"took,omitempty"`
	Detail   text.Text     `json:"detail,omitzero"` // why it failed, or where a number belongs ("Bournemouth")
}

// ViaLayout is the Via of a match that nobody was asked for: the softphone layout searches nothing. Detail says so.
const ViaLayout = "layout"

// Only returns the single hit of a match, when there is exactly one.
func (m Match) Only() (Hit, bool) {
	if m.State == MatchOne && len(m.Hits) == 1 {
		return m.Hits[0], true
	}
	return Hit{}, false
}

// FieldKind tells how a card field can be used.
type FieldKind string

// Field kinds.
const (
	KindText  FieldKind = "text"
	KindPhone FieldKind = "phone" // can be dialled
	KindEmail FieldKind = "email"
	KindURL   FieldKind = "url"
	KindRef   FieldKind = "reference" // opens another card
)

// CardField is one line of a card.
type CardField struct {
	Name  string    `json:"name"` // API name
	Label text.Text `json:"label"`
	Value text.Text `json:"value,omitzero"`
	Kind  FieldKind `json:"kind"`
	Ref   Ref       `json:"ref,omitzero"` // for KindRef
}

// RelatedList is what a line of a card's related lists is.
type RelatedList string

// The related lists of a card, in the order in which they stand there.
const (
	OpenCases         RelatedList = "cases"
	OpenOpportunities RelatedList = "opportunities"
	LastCalls         RelatedList = "calls"
)

// Related is one line of a card's related lists: an open case, an open opportunity, a past call.
type Related struct {
	Ref
	List   RelatedList `json:"list,omitempty"`
	Detail text.Text   `json:"detail,omitzero"` // status, or stage and close date; of a call, everything in one line
	When   text.Text   `json:"when,omitzero"`   // of a call: day and time, in the desk's zone
	Way    Direction   `json:"way,omitempty"`   // of a call
	Result text.Text   `json:"result,omitzero"` // of a call: its disposition
	By     text.Text   `json:"by,omitzero"`     // of a call: who owns its Task
}

// Card is a record as a screen pop shows it: the fields of the object's compact layout.
type Card struct {
	Ref
	Label   text.Text   `json:"label"` // the object's label, "Contact"
	Fields  []CardField `json:"fields"`
	Related []Related   `json:"related,omitempty"` // open cases, open opportunities, last calls
	URL     text.Text   `json:"url,omitzero"`      // the record in the browser
	// ContactID and AccountID are the record's own parents, for association: a Case's contact, a Contact's account.
	ContactID       string    `json:"contactId,omitempty"`
	AccountID       string    `json:"accountId,omitempty"`
	PersonContactID string    `json:"personContactId,omitempty"`
	Fetched         time.Time `json:"fetched"`
}

// Direction is a call's direction, with the values of Task.CallType.
type Direction string

// Directions.
const (
	Inbound  Direction = "Inbound"
	Outbound Direction = "Outbound"
	Internal Direction = "Internal"
)

// CallRecord is everything that a completed Task is made of: what the desk knows of one leg when it ends. It is
// stored in the ledger as JSON and is complete in itself: the sender needs nothing else from the desk.
type CallRecord struct {
	Version     int           `json:"version"` // 1
	Key         string        `json:"key"`     // call key, UUIDv5 of the leg, fixed at call start
	Type        Direction     `json:"type"`
	Outgoing    bool          `json:"outgoing"` // with Type Internal: which way it went
	Number      text.Text     `json:"number,omitzero"`
	Name        text.Text     `json:"name,omitzero"` // as signalled
	Called      text.Text     `json:"called,omitzero"`
	Withheld    bool          `json:"withheld,omitempty"`
	Start       time.Time     `json:"start"`             // INVITE
	Answer      time.Time     `json:"answer,omitzero"`   // zero when it was never answered
	End         time.Time     `json:"end"`               //
	Duration    time.Duration `json:"duration"`          // answer to end by a monotonic clock; 0 unanswered
	Action      string        `json:"action"`            // answered, missed, declined, cancelled, transfer, failed
	Reason      text.Text     `json:"reason,omitzero"`   // end cause in words
	HangUpBy    string        `json:"hangUpBy,omitzero"` // customer, agent, consult, cold transfer, warm transfer, network
	Place       text.Text     `json:"place,omitzero"`    // geocoded place of a fixed line
	Notes       text.Block    `json:"notes,omitzero"`
	Assoc       Association   `json:"assoc"`
	Also        []Ref         `json:"also,omitempty"`       // further contacts beside Assoc.Who, for orgs with Shared Activities
	Unresolved  bool          `json:"unresolved,omitempty"` // lookup had not finished: the sender resolves once
	TransferTo  text.Text     `json:"transferTo,omitzero"`
	Transfer    string        `json:"transfer,omitempty"` // blind, attended
	Agent       text.Text     `json:"agent,omitzero"`     // SIP user
	Correlation string        `json:"correlation,omitempty"`
	SIPCallID   text.Text     `json:"sipCallId,omitzero"`
	Codec       string        `json:"codec,omitempty"`
	Session     string        `json:"session,omitempty"`    // Session-ID (RFC 7989): the same for every leg of one conversation
	Recording   string        `json:"recording,omitempty"`  // path of the recording
	Recorded    string        `json:"recorded,omitempty"`   // on, paused, off, failed as it last was; empty: never
	Vars        []Var         `json:"vars,omitempty"`       // what headers of the call told
	Disposition text.Text     `json:"disposition,omitzero"` // the agent's result code, as the settings name it
	Initiator   string        `json:"initiator,omitempty"`  // who began it: customer, agent, campaign
	Campaign    Ref           `json:"campaign,omitzero"`    // the campaign that the call was made for
	Member      Ref           `json:"member,omitzero"`      // of Campaign: the Contact or Lead that was on the list
	CallbackAt  time.Time     `json:"callbackAt,omitzero"`  // when the customer is to be called again
	VoicemailAt time.Time     `json:"voicemailAt,omitzero"` // when a message was left
	Voicemail   time.Duration `json:"voicemail,omitempty"`  // its length
	Creates     []string      `json:"creates,omitempty"`    // errands that make records for this call: the Task waits for them, and belongs to what they make
}

// Var is a value that came with the call, under the name that the configuration gives it. Field names the Task field it belongs
// into; without one it stands in the Description.
type Var struct {
	Name  text.Text `json:"name"`
	Value text.Text `json:"value"`
	Field string    `json:"field,omitempty"`
}
