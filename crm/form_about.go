package crm

import (
	"slices"
	"strings"

	"offhook/internal/text"
)

// fillAbout fills in the references of a new record to the records it is about: the contact of a new case, the account of a new
// contact. A record of the same kind is none of them. A case takes its account from its contact, in Salesforce, and so it does when the
// agent chooses another contact.
func (d *Directory) fillAbout(f *Form, about []Ref) {
	for _, ref := range about {
		if ref.Zero() || ref.Type == f.Object {
			continue
		}
		fd := f.refersTo(ref.Type)
		if fd == nil || !fd.Value.Empty() {
			continue
		}
		if c := f.Field("ContactId"); f.Object == "Case" && fd.Name == "AccountId" && c != nil && !c.Value.Empty() {
			continue
		}
		fd.Value, fd.Shown = text.CleanBlock(ref.ID, maxValue), ref.Name
	}
}

// refersTo returns the reference of the form that is meant for such a record: ContactId, AccountId, an activity's who and what; of a
// custom object its only one to that object. Others, as the person whom a contact reports to, are the agent's to fill in.
func (f *Form) refersTo(object string) *FormField {
	var only *FormField
	for i := range f.Fields {
		fd := &f.Fields[i]
		if fd.Type != "reference" || !slices.Contains(fd.Refers, object) {
			continue
		}
		if fd.Name == object+"Id" || fd.Name == "WhoId" || fd.Name == "WhatId" {
			return fd
		}
		if !strings.HasSuffix(f.Object, "__c") {
			continue
		}
		if only != nil {
			return nil
		}
		only = fd
	}
	return only
}
