package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"offhook/crm"
	"offhook/internal/text"
)

// Verbs of forms.
const (
	Typed      Verb = "typed"       // Values: the form's values as they are now, at each keystroke
	RecordType Verb = "record type" // Text: the record type's id; Values: the form's values
	FindRecord Verb = "find record" // Text: the beginning of a name; Values["field"]: the reference it is for
	Choose     Verb = "choose"      // lists the objects that records can be made of
	Edit       Verb = "edit"        // changes the card that is open; Text: the field to begin at
	GoOn       Verb = "go on"       // Text: the key of a draft
	DropDraft  Verb = "drop draft"  // Text: the key of a draft
	SetAside   Verb = "set aside"   // leaves the form; what was typed is kept
)

// UpdateRecord changes a record. Answered by RecordChanged.
type UpdateRecord struct {
	For    CallKey
	Update crm.FormUpdate
}

// FindReferences searches what a reference of the form may point to. Answered by ReferencesFound.
type FindReferences struct {
	Field   string
	Objects []string
	Query   text.Text
}

// ListObjects asks what records can be made of. Answered by ObjectsListed.
type ListObjects struct{}

func (UpdateRecord) deskEffect()   {}
func (FindReferences) deskEffect() {}
func (ListObjects) deskEffect()    {}

// RecordChanged is the answer to a change: done when Form is nil and Err is empty.
type RecordChanged struct {
	For    CallKey
	Record crm.Ref
	Form   *crm.Form
	Err    text.Text
}

// ReferencesFound is the answer to FindReferences.
type ReferencesFound struct{ Found }

// ObjectsListed is the answer to ListObjects.
type ObjectsListed struct {
	Objects []crm.ObjectName
	Err     text.Text
}

func (RecordChanged) deskEvent()   {}
func (ReferencesFound) deskEvent() {}
func (ObjectsListed) deskEvent()   {}

// Found are the records that a reference may point to.
type Found struct {
	Field string    `json:"field"`
	Query text.Text `json:"query"`
	Hits  []crm.Hit `json:"hits,omitempty"`
	Busy  bool      `json:"busy,omitempty"`
	Error text.Text `json:"error,omitzero"`
}

// Chooser lists what records can be made of.
type Chooser struct {
	Objects []crm.ObjectName `json:"objects,omitempty"`
	Busy    bool             `json:"busy,omitempty"`
	Error   text.Text        `json:"error,omitzero"`
}

// form is the open form.
type form struct {
	crm.Form
	for_   CallKey
	number text.Text
	busy   bool
	auto   bool // opened by itself
}

func (f *form) key() string { return draftKey(f.for_, f.Object, f.Record) }

// formWork asks Salesforce on a goroutine of its own.
func (d *Desk) formWork(ctx context.Context, fx Effect) Event {
	with := d.ports.Customers
	switch fx := fx.(type) {
	case LoadForm:
		form, err := with.Form(ctx, fx.Ask)
		ev := FormLoaded{For: fx.For, Ask: fx.Ask, Auto: fx.Auto, Err: errText(err)}
		if err == nil {
			ev.Form = &form
		}
		return ev
	case CreateRecord:
		ref, form, err := with.Create(ctx, fx.Object, fx.Values)
		return RecordCreated{For: fx.For, Object: fx.Object, Ref: ref, Form: form, Err: errText(err)}
	case UpdateRecord:
		ref, form, err := with.Update(ctx, fx.Update)
		if ref.Zero() {
			ref = fx.Update.Record
		}
		return RecordChanged{For: fx.For, Record: ref, Form: form, Err: errText(err)}
	case FindReferences:
		hits, err := with.References(ctx, fx.Objects, fx.Query)
		return ReferencesFound{Found{Field: fx.Field, Query: fx.Query, Hits: hits, Error: errText(err)}}
	case ListObjects:
		list, err := with.Objects(ctx)
		return ObjectsListed{Objects: list, Err: errText(err)}
	}
	return nil
}

// formCommand carries out the verbs of forms; false: it is none of them.
func (t *turn) formCommand(cmd Command) bool {
	switch cmd.Verb {
	case Typed:
		if t.form != nil {
			t.keepDraft(cmd.Values, "")
		}
	case RecordType:
		if f := t.form; f != nil && !f.busy {
			t.keepDraft(cmd.Values, cmd.Text)
			t.do(LoadForm{For: f.for_, Ask: crm.FormAsk{Object: f.Object, RecordType: cmd.Text, Values: cmd.Values, Focus: crm.RecordTypeField}})
		}
	case FindRecord:
		t.startFind(cmd)
	case Choose:
		if t.chooser == nil || len(t.chooser.Objects) == 0 { // what an org has does not change in a day's work
			t.chooser = &Chooser{Busy: true}
			t.do(ListObjects{})
		}
	case Edit:
		t.edit(cmd)
	case GoOn:
		t.goOn(cmd.Text)
	case SetAside:
		if t.form != nil {
			t.form = nil
			t.say(Info, "", "The form is set aside: New … goes on with it.")
		}
	case DropDraft:
		t.dropDraft(cmd.Text)
	default:
		return false
	}
	return true
}

// startForm opens the New form; the object is the layout's no-match object when not named. What was typed into it before for the same
// call is there again.
func (t *turn) startForm(key CallKey, cmd Command, number text.Text) {
	object := cmd.Text
	if object == "" {
		object = t.newObject(t.find(key))
	}
	t.search = nil
	ask := crm.FormAsk{Object: object, Number: number, About: t.about(t.find(key))}
	if d, ok := t.draft(draftKey(key, object, crm.Ref{})); ok {
		ask.RecordType, ask.Values = d.RecordType, d.Values
	}
	t.do(LoadForm{For: key, Ask: ask})
}

// about lists what a new record is about: the records that the call belongs to, without a call the open card, and then their contact
// and their account.
func (t *turn) about(c *call) []crm.Ref {
	var out []crm.Ref
	add := func(refs ...crm.Ref) {
		for _, r := range refs {
			if !r.Zero() && !slices.ContainsFunc(out, func(o crm.Ref) bool { return crm.SameID(o.ID, r.ID) }) {
				out = append(out, r)
			}
		}
	}
	var known []crm.Hit
	switch {
	case c != nil:
		add(c.Assoc.Who, c.Assoc.What)
		known = append([]crm.Hit{c.pin, c.current, c.source, c.openAtDial}, c.Match.Hits...)
	case t.open != nil:
		add(t.open.Ref)
		known = []crm.Hit{crm.CardHit(*t.open)}
	}
	for _, r := range slices.Clone(out) {
		for _, h := range known {
			switch {
			case h.PersonContactID != "" && crm.SameID(h.PersonContactID, r.ID):
				add(h.Ref)
			case !h.Zero() && crm.SameID(h.ID, r.ID):
				add(crm.Ref{Type: "Contact", ID: cmp.Or(h.ContactID, h.PersonContactID)}, h.Account)
			}
		}
	}
	return out
}

// edit opens the card's record to be changed.
func (t *turn) edit(cmd Command) {
	if t.open == nil {
		t.say(Info, "", "There is no record to change: open one first.")
		return
	}
	key := t.openFor
	if t.find(key) == nil {
		key = ""
	}
	ask := crm.FormAsk{Record: t.open.Ref, Focus: cmd.Text}
	if d, ok := t.draft(draftKey(key, t.open.Type, t.open.Ref)); ok {
		ask.Values = d.Values
	}
	t.search = nil
	t.do(LoadForm{For: key, Ask: ask})
}

func (t *turn) formLoaded(ev FormLoaded) {
	if ev.Form == nil {
		t.say(Warning, ev.For, "The form could not be opened (%s). The call and its record are safe.", ev.Err)
		return
	}
	if c := t.find(ev.For); ev.Auto && (c == nil || c.State == Ended || c.Answered.IsZero() || c.Match.State != crm.MatchNone || !t.mayPop(c)) {
		return // nobody asked for it, and its moment is over
	}
	f := &form{Form: t.prefilled(ev), for_: ev.For, number: ev.Ask.Number, auto: ev.Auto}
	if len(ev.Ask.Values) > 0 && ev.Ask.Focus != crm.RecordTypeField {
		f.Restored = text.Clean("What you typed before is here again.")
	}
	t.form, t.found = f, nil
}

// startFind waits a moment for more letters before it asks.
func (t *turn) startFind(cmd Command) {
	if t.form == nil {
		return
	}
	fd := t.form.Field(cmd.Values["field"])
	query := text.Clean(cmd.Text)
	if fd == nil || len(fd.Refers) == 0 || len([]rune(query.String())) < 2 {
		t.found = nil
		t.do(After{ID: findTimer})
		return
	}
	t.found = &Found{Field: fd.Name, Query: query, Busy: true}
	t.do(After{ID: findTimer, In: findPause})
}

const (
	findTimer = TimerID("find record")
	findPause = 300 * time.Millisecond
)

func (t *turn) findNow() {
	if t.form == nil || t.found == nil || !t.found.Busy {
		return
	}
	if fd := t.form.Field(t.found.Field); fd != nil {
		t.do(FindReferences{Field: fd.Name, Objects: fd.Refers, Query: t.found.Query})
	}
}

func (t *turn) referencesFound(ev ReferencesFound) {
	if t.form != nil && t.found != nil && t.found.Field == ev.Field && t.found.Query == ev.Query {
		found := ev.Found
		t.found = &found
	}
}

func (t *turn) create(cmd Command) {
	if t.form == nil || t.form.busy {
		return
	}
	t.keepDraft(cmd.Values, "")
	f := *t.form
	f.busy = true
	t.form = &f
	if !f.Record.Zero() {
		t.do(UpdateRecord{For: f.for_, Update: crm.FormUpdate{Record: f.Record, Base: f.Base, Values: cmd.Values, Since: f.Since}})
		return
	}
	t.do(CreateRecord{For: f.for_, Object: f.Object, Values: cmd.Values})
}

// awaited reports whether the open form is the one that an answer is for; else the agent has gone on to something else.
func (t *turn) awaited(key CallKey, object string, rec crm.Ref) bool {
	return t.form != nil && t.form.busy && t.form.for_ == key && (object == "" || t.form.Object == object) && crm.SameID(t.form.Record.ID, rec.ID)
}

// recordCreated ends the New form. What Salesforce complained about stands beside its field and nothing typed is lost: the
// values are a draft until the record exists.
func (t *turn) recordCreated(ev RecordCreated) {
	asked := t.awaited(ev.For, ev.Object, crm.Ref{})
	switch {
	case !ev.Ref.Zero():
		t.dropDraft(draftKey(ev.For, ev.Ref.Type, crm.Ref{}))
		if asked {
			t.form = nil
		}
		if c := t.find(ev.For); c != nil && !c.finished {
			t.makeCurrent(c, crm.Hit{Ref: ev.Ref})
		}
		t.say(Info, ev.For, "%s %s was created.", ev.Ref.Type, ev.Ref.Name)
		t.loadCard(ev.For, ev.Ref, false)
	case !asked:
		t.say(Warning, ev.For, notCreated+": %s", complaint(ev.Form, ev.Err))
	default:
		t.refused(ev.Form, ev.Err)
	}
}

// recordChanged ends a form that changes a record.
func (t *turn) recordChanged(ev RecordChanged) {
	asked := t.awaited(ev.For, "", ev.Record)
	switch {
	case ev.Form == nil && ev.Err.Empty():
		t.dropDraft(draftKey(ev.For, ev.Record.Type, ev.Record))
		if asked {
			t.form = nil
		}
		t.say(Info, ev.For, "%s was changed.", ev.Record.Name.Or(text.Clean(ev.Record.Type)))
		if t.open != nil && crm.SameID(t.open.ID, ev.Record.ID) {
			t.loadCard(ev.For, ev.Record, false)
		}
	case !asked:
		t.say(Warning, ev.For, "%s was not changed: %s", ev.Record.Name.Or(text.Clean(ev.Record.Type)), complaint(ev.Form, ev.Err))
	default:
		t.refused(ev.Form, ev.Err)
	}
}

// refused brings the complaints to the open form.
func (t *turn) refused(told *crm.Form, err text.Text) {
	f := *t.form
	f.busy = false
	if told != nil {
		name := f.Record.Name
		f.Form = *told
		if f.Record.Name.Empty() {
			f.Record.Name = name
		}
	} else {
		f.Error = err
	}
	t.form = &f
}

// complaint is the first thing that is wrong with a record that was not saved.
func complaint(f *crm.Form, err text.Text) text.Text {
	if f == nil || !err.Empty() {
		return err
	}
	line := f.Error
	for _, fd := range f.Fields {
		if line.Empty() && !fd.Error.Empty() {
			line = text.Clean(fd.Label.String() + ": " + fd.Error.String())
		}
	}
	return line
}
