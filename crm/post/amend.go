package post

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// AmendStore is where an amendment finds what was sent and stores what the Task is made of now: a *ledger.Ledger.
type AmendStore interface {
	Item(ctx context.Context, key string) (ledger.Item, error)
	Attempting(ctx context.Context, key string, payload json.RawMessage) error
	Amended(ctx context.Context, key string, payload json.RawMessage, what text.Text) error
}

// neverAmended are the fields that make a Task this call's: they are written once. TaskSubtype can only be created.
func neverAmended() []string {
	return []string{crm.KeyField, "TaskSubtype", "CallObject", "Subject", "ActivityDate", "OwnerId", "CallType"}
}

// maxAmendRounds bounds how often an amendment is made smaller.
const maxAmendRounds = 5

// maxTried bounds how many attempts without a reply are remembered.
const maxTried = 16

// Amend carries out errands of kind "amend": the Task of a call is changed where the record as it should be differs from the one that
// was sent. What somebody else changed in Salesforce meanwhile stays as it is there; only notes are added to theirs. Repeating it
// does no harm: it changes nothing that is right already.
func (s *Sender) Amend(store AmendStore) crm.ErrandFunc {
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		item, err := store.Item(ctx, e.Call)
		if err != nil {
			return "", err
		}
		if item.State != ledger.Sent || item.TaskID == "" {
			return "the call has no Task: nothing to change", nil
		}
		base, err := readPayload(item.Payload)
		if err == nil && !strings.HasPrefix(item.TaskID, "00T") {
			err = fmt.Errorf("the call was saved as a VoiceCall, which Salesforce does not let be changed")
		}
		var next payload
		if err == nil {
			next, err = readPayload(e.Payload)
		}
		if err != nil {
			return "", &crm.RefusedError{Class: "payload", Line: err.Error()}
		}
		a := amendment{s: s, id: item.TaskID, base: base, next: next}
		a.attempting = func(ctx context.Context) error { return store.Attempting(ctx, e.Call, a.base.bytes()) }
		what, err := a.run(ctx)
		if err != nil {
			return "", err
		}
		if what != "" {
			if err := store.Amended(ctx, e.Call, a.next.bytes(), text.Clean(what)); err != nil {
				return "", err
			}
		}
		return cmp.Or(what, "the Task is as it should be"), a.refusal
	}
}

// amendment is one change of one Task.
type amendment struct {
	s          *Sender
	id         string
	base, next payload
	patch      map[string]any
	was        map[string]any
	kept       []string // what somebody changed in Salesforce
	refusal    error    // part of it was refused
	attempting func(ctx context.Context) error
}

// run makes the change and says what was changed; "" for nothing.
func (a *amendment) run(ctx context.Context) (string, error) {
	if err := a.differ(ctx); err != nil || len(a.patch) == 0 {
		return "", err
	}
	for range maxAmendRounds {
		modified, err := a.compare(ctx)
		if err != nil {
			return "", a.gone(err)
		}
		if len(a.patch) == 0 {
			break
		}
		// When its reply is lost and a newer change takes this one's place, what stands in the Task is still known to be ours.
		a.base.Tried = append(a.base.Tried, maps.Clone(a.patch))
		a.base.Tried = a.base.Tried[max(0, len(a.base.Tried)-maxTried):]
		if err := a.attempting(ctx); err != nil {
			return "", err
		}
		err = a.s.o.Client.Update(ctx, "Task", a.id, a.patch, modified)
		if err == nil {
			break
		}
		if !a.smaller(err) {
			return "", a.gone(err)
		}
	}
	var said []string
	if names := slices.Sorted(maps.Keys(a.patch)); len(names) > 0 {
		said = append(said, "changed "+strings.Join(names, ", "))
	}
	if len(a.kept) > 0 {
		slices.Sort(a.kept)
		said = append(said, "left "+strings.Join(slices.Compact(a.kept), ", ")+" as somebody changed it in Salesforce")
	}
	return strings.Join(said, "; "), nil
}

// differ finds the fields that the change touches.
func (a *amendment) differ(ctx context.Context) error {
	org, err := a.s.orgFor(ctx)
	if err != nil {
		return err
	}
	set := org.Settings(a.s.o.Settings())
	a.next.Dropped, a.next.Unlinked, a.next.Frozen = a.base.Dropped, a.base.Unlinked, a.base.Frozen
	if a.base.Frozen != nil && sameAssociation(*a.base.Frozen, a.next.Assoc) {
		a.next.Assoc = a.base.Assoc // nobody corrected it: it stays what it became while it was sent
	} else {
		a.s.followLead(ctx, &a.next.Assoc)
	}
	a.next.Unresolved, a.next.Tried = a.base.Unresolved, nil
	a.was, a.patch = a.base.fields(set), a.next.fields(set)
	for _, before := range append([]map[string]any{a.was}, a.base.Tried...) {
		for name := range before {
			if _, ok := a.patch[name]; !ok {
				a.patch[name] = nil // taken away
			}
		}
	}
	for name, v := range a.patch {
		same := crm.SameField(name, v, a.was[name]) && !slices.ContainsFunc(a.base.Tried, func(t map[string]any) bool { _, ok := t[name]; return ok })
		if slices.Contains(neverAmended(), name) || same || !org.updateable(name) {
			delete(a.patch, name)
		}
	}
	return nil
}

func sameAssociation(a, b crm.Association) bool {
	return crm.SameID(a.Who.ID, b.Who.ID) && crm.SameID(a.What.ID, b.What.ID)
}

// updateable reports whether a field may be changed; true while that is not known.
func (o Org) updateable(name string) bool {
	if o.task == nil {
		return true
	}
	f, ok := o.task.Field(name)
	return ok && f.Updateable
}

// compare reads the Task as it is, and takes out of the patch what is right already and what somebody else changed.
func (a *amendment) compare(ctx context.Context) (modified time.Time, err error) {
	fields := []salesforce.Ident{"LastModifiedDate"}
	for name := range a.patch {
		if name != "TaskWhoIds" { // readable by query only
			fields = append(fields, salesforce.Ident(name))
		}
	}
	now, err := a.s.o.Client.Get(ctx, "Task", a.id, fields...)
	if err != nil {
		return time.Time{}, err
	}
	for name, v := range a.patch {
		have, known := now[name]
		switch {
		case !known && name == "TaskWhoIds":
		case crm.SameField(name, have, v):
			delete(a.patch, name)
		case a.ours(name, have):
		case name == "Description":
			a.patch[name] = a.added(fmt.Sprint(have))
		default:
			a.kept = append(a.kept, name)
			delete(a.patch, name)
		}
	}
	t, err := time.Parse("2006-01-02T15:04:05.000-0700", now.Str("LastModifiedDate"))
	if err != nil {
		return time.Time{}, nil // unconditional: better than never
	}
	return t.Add(time.Second - 1).Truncate(time.Second), nil // the header knows whole seconds
}

// ours reports whether a field still holds what was written by us, also by an attempt whose reply was lost.
func (a *amendment) ours(name string, have any) bool {
	if crm.SameField(name, have, a.was[name]) {
		return true
	}
	for _, t := range a.base.Tried {
		if v, ok := t[name]; ok && crm.SameField(name, have, v) {
			return true
		}
	}
	return false
}

// added puts the new notes above a description that somebody rewrote; theirs stays.
func (a *amendment) added(theirs string) string {
	notes := crm.MaskCards(a.next.Notes.String())
	if notes == "" || strings.Contains(plain(theirs), plain(notes)) {
		return theirs
	}
	return crm.FitDescription(notes + "\n\n" + theirs)
}

// smaller takes out what Salesforce refused; false when there was nothing of the kind.
func (a *amendment) smaller(err error) bool {
	api := salesforce.Refusal(err)
	var names []string
	switch salesforce.KindOf(err) {
	case salesforce.KindField:
		names = api.NamedFields()
		a.s.forgetOrg()
	case salesforce.KindReference, salesforce.KindStale:
		names = []string{"WhoId", "WhatId", "TaskWhoIds"}
	}
	before := len(a.patch)
	for _, n := range names {
		delete(a.patch, n)
	}
	if len(a.patch) == before {
		return false
	}
	if slices.Contains(names, "WhoId") {
		a.next.Assoc = a.base.Assoc
		a.refusal = &crm.RefusedError{Class: "link", Line: salesforce.Line(err)}
	}
	return true
}

// gone names a Task that is no longer there.
func (a *amendment) gone(err error) error {
	if salesforce.KindOf(err) == salesforce.KindStale {
		return &crm.RefusedError{Class: "link", Line: "the Task was deleted in Salesforce, or its record is gone: the change is kept here only (" + salesforce.Line(err) + ")"}
	}
	return err
}

// plain is text as it is compared: Salesforce keeps other line ends and trims.
func plain(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}
