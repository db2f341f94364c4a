package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

// Kind says what is wrong with one call.
type Kind string

// Kinds, in the order in which they are told.
const (
	Missing   Kind = "missing"   // the ledger says sent, and there is no such Task
	Unsent    Kind = "unsent"    // never sent: refused, incomplete, or waiting for long
	Arrived   Kind = "arrived"   // the Task is there, and the ledger does not know that it was sent
	Doubled   Kind = "doubled"   // several Tasks for one call
	Different Kind = "different" // the Task says something else, and nobody has changed it since it was written
	Edited    Kind = "edited"    // the Task says something else because somebody has changed it: no fault
	Unknown   Kind = "unknown"   // a Task of a call that this ledger does not know: another machine's
)

// Kinds are all kinds in the order in which they are told.
func Kinds() []Kind {
	return []Kind{Missing, Unsent, Arrived, Doubled, Different, Edited, Unknown}
}

// Fault reports whether calls of this kind are wrong, and not only worth knowing.
func (k Kind) Fault() bool { return k != Edited && k != Unknown }

// Diff is one field that differs.
type Diff struct {
	Field string `json:"field"`
	Here  any    `json:"here"`  // as the call was; nil for empty
	There any    `json:"there"` // as the Task has it
}

// TaskRow is what matters of a Task of Salesforce.
type TaskRow struct {
	ID       string    `json:"id"`
	Subject  text.Text `json:"subject,omitzero"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	By       text.Text `json:"modifiedBy,omitzero"`
	Touched  bool      `json:"touched"` // somebody has worked on it since it was written

	key        string
	day        string
	createdBy  string
	modifiedBy string
	values     map[string]any
	stamp      string // LastModifiedDate as it was sent
}

// Finding is one call, or one Task, that does not fit.
type Finding struct {
	Kind   Kind             `json:"kind"`
	Key    string           `json:"key"`
	At     time.Time        `json:"at,omitzero"`
	Number text.Text        `json:"number,omitzero"`
	Name   text.Text        `json:"name,omitzero"`
	State  ledger.ItemState `json:"record,omitempty"` // in the ledger
	Reason text.Text        `json:"reason,omitzero"`  // why it was not sent
	Task   TaskRow          `json:"task,omitzero"`    // the one that stays
	More   []TaskRow        `json:"more,omitempty"`   // Doubled: the later ones
	Fields []Diff           `json:"fields,omitempty"`

	want map[string]any // of Fields: as they should be
}

// Deletable are the doubles that nobody has worked on.
func (f Finding) Deletable() (out []TaskRow) {
	for _, t := range f.More {
		if !t.Touched {
			out = append(out, t)
		}
	}
	return out
}

// What says in one line what is wrong.
func (f Finding) What() text.Text {
	switch f.Kind {
	case Missing:
		return text.Clean("was sent as " + f.Task.ID + ", which is not in Salesforce")
	case Unsent:
		why := ""
		if !f.Reason.Empty() {
			why = ": " + f.Reason.String()
		}
		return text.Clean("was not sent (" + string(f.State) + ")" + why)
	case Arrived:
		return text.Clean("is in Salesforce as " + f.Task.ID + ", here it is " + string(f.State))
	case Doubled:
		ids := []string{}
		for _, t := range f.More {
			id := t.ID
			if t.Touched {
				id += " (worked on)"
			}
			ids = append(ids, id)
		}
		return text.Clean("is there as " + f.Task.ID + " and again as " + strings.Join(ids, ", "))
	case Different, Edited:
		var parts []string
		for _, d := range f.Fields {
			parts = append(parts, fmt.Sprintf("%s %s, not %s", d.Field, shown(d.There), shown(d.Here)))
		}
		who := ""
		if f.Kind == Edited {
			who = " (changed by " + f.Task.By.Or(text.Clean("somebody")).String() + ")"
		}
		return text.Clean("says " + strings.Join(parts, "; ") + who)
	}
	return text.Clean("is not in this ledger: " + f.Task.Subject.String())
}

func shown(v any) string {
	if v == nil || v == "" {
		return "nothing"
	}
	return text.Clean(fmt.Sprint(v)).Runes(60).String()
}

// Result is what a comparison found.
type Result struct {
	Calls    int       `json:"calls"`          // of the ledger in the period
	Tasks    int       `json:"tasks"`          // of Salesforce that were looked at
	Agree    int       `json:"agree"`          // calls that are as they should be
	Kept     int       `json:"kept,omitempty"` // calls that are kept here on purpose: filtered, dropped
	Way      int       `json:"onTheWay,omitempty"`
	Other    int       `json:"other,omitempty"` // saved as something else than a Task, or too old to be compared
	Findings []Finding `json:"findings"`
}

// Of are the findings of one kind.
func (r Result) Of(k Kind) (out []Finding) {
	for _, f := range r.Findings {
		if f.Kind == k {
			out = append(out, f)
		}
	}
	return out
}

// Faults counts what is wrong.
func (r Result) Faults() (n int) {
	for _, f := range r.Findings {
		if f.Kind.Fault() {
			n++
		}
	}
	return n
}

func (r *Result) sort() {
	order := Kinds()
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if a.Kind != b.Kind {
			return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
		}
		return a.At.Compare(b.At)
	})
}
