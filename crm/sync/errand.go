package sync

import (
	"encoding/json"
	"time"

	"offhook/crm"
	"offhook/internal/text"
)

// The kinds of errands that this package carries out (ledger.Errand.Kind).
const (
	MemberErrand   = "member"
	CallbackErrand = "callback"
)

// The kinds of things that are kept in the ledger (ledger.Kept.Kind).
const (
	JobKind      = "job"      // by job: when it ran and how far it came
	CallbackKind = "callback" // by callback: Callback
	MemberKind   = "member"   // by CampaignMember: what came of calling it
)

// MemberChange is the payload of a MemberErrand: a person's status in a campaign.
type MemberChange struct {
	Campaign crm.Ref   `json:"campaign"`
	Who      crm.Ref   `json:"who"`    // Contact or Lead
	Status   text.Text `json:"status"` // the text of one of the campaign's statuses; empty: nothing is to change any more
}

// Callback is a promise to call somebody at a time. It stands in the desk's own list (kept in the ledger as JSON) and in Salesforce as
// an open Task with a reminder.
type Callback struct {
	Key       string     `json:"key"` // unique; of a callback made elsewhere: its Task's id
	At        time.Time  `json:"at"`
	Number    text.Text  `json:"number,omitzero"`
	Name      text.Text  `json:"name,omitzero"`
	Who       crm.Ref    `json:"who,omitzero"`  // Contact or Lead
	What      crm.Ref    `json:"what,omitzero"` // Account, Case, Opportunity …
	Campaign  crm.Ref    `json:"campaign,omitzero"`
	Notes     text.Block `json:"notes,omitzero"`
	TaskID    string     `json:"taskId,omitempty"`
	Elsewhere bool       `json:"elsewhere,omitempty"` // somebody made the Task in Salesforce
	Tries     int        `json:"tries,omitempty"`     // calls that nobody answered
	Due       bool       `json:"due,omitempty"`       // its time has come and the agent was told
}

// About is the record that a call for it belongs to.
func (c Callback) About() crm.Ref {
	if !c.What.Zero() && c.Who.Zero() {
		return c.What
	}
	return c.Who
}

// What is done with a callback's Task.
const (
	OpenCallback  = "open"  // it is made, or moved to another time
	CloseCallback = "close" // the call was made, or is not wanted any more
)

// CallbackChange is the payload of a CallbackErrand.
type CallbackChange struct {
	Do       string   `json:"do"`
	Callback Callback `json:"callback"`
	Opened   string   `json:"opened,omitempty"` // of close: key of the errand that opened it
}

// Payload is a payload as JSON; these types always have one.
func Payload(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
