// Package layout is the softphone layout: which objects and fields of Salesforce are searched and shown for each kind of call,
// and what happens when nobody, one record or several are found. It reads and writes Salesforce's own forms of it: the JSON of
// getSoftphoneLayout, the answer of describeSoftphoneLayout, and the call centre's XML in both its dialects with its dialing
// options. It asks nobody, keeps nothing, and never decides anything about a call: crm searches by it, the desk opens by it, and
// crm's dial plan dials by it.
package layout

import (
	"encoding/json"
	"slices"

	"offhook/internal/text"
)

// Layout is one softphone layout, in the terms of Open CTI's getSoftphoneLayout. A value is never changed once it is made, so
// it may be shared.
type Layout struct {
	Name                        string // what people call it; "" when it came without one
	Inbound, Outbound, Internal CallType
	Extra                       Extra
}

// Extra are members that Salesforce does not know, by name. Their names begin with "x-"; they are kept as they were written.
type Extra map[string]json.RawMessage

// CallType is what a layout says about one kind of call.
type CallType struct {
	Fields   []string // what the call itself tells, in the order of display: ANI, DNIS, SEGMENT, QUEUE or a name of the centre's own
	Objects  []Object // searched and shown, in order. None: a search finds nothing
	NoMatch  Pop      // nobody was found
	Single   Pop      // one record was found
	Multiple Pop      // several were found
	Within   string   // screenPopsOpenWithin, as written: ExistingWindow, NewWindowOrTab. A terminal has one window
	Extra    Extra
}

// Object is one Salesforce object of a layout with the fields that are shown of it.
type Object struct {
	Name   string // API name: Contact, Machine__c
	Fields []Field
}

// Field is one field of an object.
type Field struct {
	Name  string    // API name
	Label text.Text // as Salesforce shows it; empty when it was not said
}

// PopType is what a match opens (screenPopType).
type PopType string

// Pop types. The zero value is "don't pop": Salesforce leaves the whole setting away.
const (
	PopNone          PopType = ""
	PopToDetails     PopType = "PopToDetails"     // the record's own page, in older layouts
	PopToEntity      PopType = "PopToEntity"      // a new record of the object Data, or the record that was found
	PopToSearch      PopType = "PopToSearch"      // the list of what was found
	PopToVisualforce PopType = "PopToVisualforce" // the Visualforce page Data, in the browser
	PopToFlow        PopType = "PopToFlow"        // the flow Data, in the browser
)

// Pop is what a match opens. Data is the object, page or flow; it is empty for the types that need none.
type Pop struct {
	Type PopType
	Data string
}

// The directions that For knows are the values of Task.CallType, and the member names of the JSON.
const (
	directionInbound  = "Inbound"
	directionOutbound = "Outbound"
	directionInternal = "Internal"
)

// For returns what the layout says about calls of a direction: Inbound, Outbound or Internal. An unknown one is an inbound
// call, as Open CTI has it for a call without a type.
func (l Layout) For(direction string) CallType {
	switch direction {
	case directionOutbound:
		return l.Outbound
	case directionInternal:
		return l.Internal
	}
	return l.Inbound
}

// Names are the API names of the objects, in order.
func (c CallType) Names() []string {
	out := make([]string, len(c.Objects))
	for i, o := range c.Objects {
		out[i] = o.Name
	}
	return out
}

// Object returns what the call type says of an object.
func (c CallType) Object(name string) (Object, bool) {
	i := slices.IndexFunc(c.Objects, func(o Object) bool { return o.Name == name })
	if i < 0 {
		return Object{}, false
	}
	return c.Objects[i], true
}

// New is the object that a New form makes when nobody was found. Both "don't pop" and "pop to new" without an object mean
// Lead, as in CRM Connect and Go Integrator.
func (c CallType) New() string {
	if c.NoMatch.Type == PopToEntity && c.NoMatch.Data != "" {
		return c.NoMatch.Data
	}
	return "Lead"
}

// Default is the layout of a desk that was given none: contacts, leads and accounts, the card of a single match, and nothing
// that opens by itself otherwise.
func Default() Layout {
	objects := func() []Object {
		return []Object{
			{Name: "Contact", Fields: []Field{{Name: "Name", Label: text.Clean("Name")}, {Name: "AccountId", Label: text.Clean("Account Name")}, {Name: "Phone", Label: text.Clean("Phone")}}},
			{Name: "Lead", Fields: []Field{{Name: "Name", Label: text.Clean("Name")}, {Name: "Company", Label: text.Clean("Company")}, {Name: "Status", Label: text.Clean("Status")}, {Name: "Phone", Label: text.Clean("Phone")}}},
			{Name: "Account", Fields: []Field{{Name: "Name", Label: text.Clean("Account Name")}, {Name: "Phone", Label: text.Clean("Phone")}}},
		}
	}
	single := Pop{Type: PopToDetails}
	return Layout{
		Name:     "default",
		Inbound:  CallType{Fields: []string{"ANI", "DNIS"}, Objects: objects(), Single: single, Within: "ExistingWindow"},
		Outbound: CallType{Fields: []string{"DNIS"}, Objects: objects()},
		Internal: CallType{Fields: []string{"ANI", "DNIS"}},
	}
}
