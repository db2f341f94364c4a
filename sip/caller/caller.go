// Package caller reads what the headers of a call tell: who it is and how surely, whom they called, who sent them on, whether they
// hide, what the values mean that a dialler or a trunk adds, and whether the call asks to be answered by itself. It cleans all of it
// once. It is pure: it sends nothing, knows no account and decides nothing about a call.
package caller

import (
	"time"

	"offhook/internal/text"
)

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
	FromDiversion  PartySource = "Diversion"
	FromHistory    PartySource = "History-Info"
)

// Party is who is at the other end, as signalled and cleaned.
type Party struct {
	Number   text.Text   `json:"number"`             // user part without scheme, parameters and separators
	Name     text.Text   `json:"name,omitzero"`      // display name
	URI      text.Text   `json:"uri,omitzero"`       // the whole URI, for the journal
	Host     text.Text   `json:"host,omitzero"`      // the URI's host, without port
	Source   PartySource `json:"source,omitempty"`   // which header
	Withheld bool        `json:"withheld,omitempty"` // anonymous, or Privacy asked for (RFC 3323)
	Verstat  Verstat     `json:"verstat,omitempty"`  // what the network says of the number (3GPP TS 24.229 §7.2A.20)
	Diverted Diversion   `json:"diverted,omitempty"` // of somebody who sent a call on: why
}

// Var is one value that a header of the call carried, under the name that the configuration gives it.
type Var struct {
	Name  text.Text `json:"name"`
	Value text.Text `json:"value"`
	From  string    `json:"from,omitempty"` // the header that carried it

	Show   bool   `json:"show,omitempty"`   // on the card
	Lookup bool   `json:"lookup,omitempty"` // the search for the customer may use it
	Secret bool   `json:"secret,omitempty"` // is shown and written nowhere; only the search may use it
	Field  string `json:"field,omitempty"`  // of the Task, "" for none
}

// AutoAnswer says when a call is to be answered by itself.
type AutoAnswer struct {
	After time.Duration `json:"after,omitempty"`
	From  string        `json:"from"` // the header that asked
	// Privileged: Priv-Answer-Mode asked, which is to be obeyed even where the agent does not want calls (RFC 5373 §4.1.2).
	Privileged bool `json:"privileged,omitempty"`
}
