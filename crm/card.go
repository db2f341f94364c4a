package crm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// cardField is one field of a card before it is read: where its value stands in the row.
type cardField struct {
	name, label, path, kind string
	ref, refType            string // a reference: the field with the id, and the object it points to
}

// Card reads a record as its object's compact layout shows it, with its open Cases, its open Opportunities and its last calls, in one request
// (two more when the object was not seen before). A failure to read the related lists leaves them empty.
func (d *Directory) Card(ctx context.Context, ref Ref) (Card, error) {
	object := salesforce.Ident(ref.Type)
	if !object.Valid() || !salesforce.ValidID(ref.ID) {
		return Card{}, &LineError{Line: "this is no Salesforce record: search for it", Err: errors.New("bad reference")}
	}
	desc, err := d.learn(ctx, ref.Type)
	if err != nil {
		return Card{}, lineError(err)
	}
	compact, err := d.sf.CompactLayout(ctx, object)
	if err != nil {
		compact = &salesforce.CompactLayout{} // a card without its layout: name, phones and e-mail still help
	}
	fields := d.cardFields(desc, compact)
	rec, related, err := d.readCard(ctx, ref, desc, fields)
	if err != nil {
		if k := salesforce.KindOf(err); k == salesforce.KindStale {
			d.forget(ref.ID)
		}
		return Card{}, lineError(err)
	}
	return d.makeCard(ref, desc, fields, rec, related), nil
}

// cardFields chooses the fields of a card: the softphone layout's, the compact layout's, and the phones and e-mail behind them,
// because those are what an agent acts on.
func (d *Directory) cardFields(desc *salesforce.Describe, compact *salesforce.CompactLayout) []cardField {
	var out []cardField
	add := func(name, label string) {
		f, ok := desc.Field(name)
		if !ok || slices.ContainsFunc(out, func(c cardField) bool { return c.name == f.Name }) {
			return
		}
		c := cardField{name: f.Name, label: or(label, or(f.Label, f.Name)), path: f.Name, kind: f.Type}
		if f.Type == "reference" && f.Relationship != "" && len(f.ReferenceTo) > 0 {
			c.ref, c.refType = f.Name, f.ReferenceTo[0]
			c.path = f.Relationship + ".Name"
			if len(f.ReferenceTo) == 1 && f.ReferenceTo[0] == "Case" {
				c.path = f.Relationship + ".CaseNumber"
			}
			if len(f.ReferenceTo) > 1 {
				c.refType = "" // polymorphic: which object it is cannot be told from the description
			}
		}
		out = append(out, c)
	}
	for _, f := range d.layoutFields(desc.Name) {
		base, _, _ := strings.Cut(f.Name, ".")
		add(base, f.Label.String())
	}
	for _, it := range compact.Items {
		for _, name := range it.Fields {
			base, _, _ := strings.Cut(name, ".")
			add(base, it.Label)
		}
	}
	if len(out) == 0 {
		add(desc.NameField(), "")
	}
	for _, f := range desc.Fields {
		if (f.Type == "phone" || f.Type == "email") && !strings.Contains(strings.ToLower(f.Name), "fax") {
			add(f.Name, "")
		}
	}
	return out
}

// parents are the fields that association needs, where the object has them.
var parents = []string{"ContactId", "AccountId", "PersonContactId", "IsPersonAccount", "Subject", "Status", "IsConverted", "ConvertedContactId"}

func (d *Directory) readCard(ctx context.Context, ref Ref, desc *salesforce.Describe, fields []cardField) (salesforce.Record, []Related, error) {
	selected := []salesforce.Ident{"Id"}
	add := func(name string) {
		if !slices.Contains(selected, salesforce.Ident(name)) {
			selected = append(selected, salesforce.Ident(name))
		}
	}
	add(desc.NameField())
	for _, f := range fields {
		add(f.path)
		if f.ref != "" {
			add(f.ref)
		}
	}
	for _, name := range parents {
		if desc.Has(name) {
			add(name)
		}
	}
	byID := salesforce.Eq("Id", salesforce.ID(ref.ID))
	subs := []salesforce.Sub{salesforce.SubQuery("card", salesforce.Select(selected...).From(salesforce.Ident(ref.Type)).Where(byID).Limit(1))}
	subs = append(subs, relatedSubs(ref)...)
	results, err := d.sf.Composite(ctx, false, subs...)
	if err != nil {
		return nil, nil, err
	}
	var page salesforce.QueryResult
	err = results[0].Into(&page)
	var rec salesforce.Record
	switch {
	case salesforce.KindOf(err) == salesforce.KindField || salesforce.KindOf(err) == salesforce.KindProgramming:
		// A field of the layout cannot be queried (a compound or hidden one): read what there is.
		if rec, err = d.sf.Get(ctx, salesforce.Ident(ref.Type), ref.ID); err != nil {
			return nil, nil, err
		}
	case err != nil:
		return nil, nil, err
	case len(page.Records) == 0:
		return nil, nil, &salesforce.APIError{Status: 404, Code: "NOT_FOUND", Message: "the record does not exist any more", Method: "GET", Path: "/query",
			All: []salesforce.ErrorItem{{Code: "NOT_FOUND", Message: "the record does not exist any more"}}}
	default:
		rec = page.Records[0]
	}
	return rec, d.relatedOf(ctx, ref, results[1:]), nil
}

func (d *Directory) makeCard(ref Ref, desc *salesforce.Describe, fields []cardField, rec salesforce.Record, related []Related) Card {
	name := rec.Str(desc.NameField())
	if ref.Type == "Case" {
		name = strings.TrimSpace(name + " " + rec.Str("Subject"))
	}
	ref.ID = or(rec.ID(), ref.ID)
	ref.Name = text.Clean(name).Or(ref.Name)
	c := Card{
		Ref: ref, Label: text.Clean(or(desc.Label, ref.Type)), Related: related, Fetched: d.set.Now(),
		URL:       text.Clean(d.sf.RecordURL(salesforce.Ident(ref.Type), ref.ID)),
		ContactID: rec.Str("ContactId"), AccountID: rec.Str("AccountId"), PersonContactID: rec.Str("PersonContactId"),
	}
	var phones []string
	for _, f := range fields {
		v := rec.Str(f.path)
		if f.ref != "" && v == "" {
			v = rec.Str(f.ref)
		}
		cf := CardField{Name: f.name, Label: text.Clean(f.label), Kind: KindText}
		switch f.kind {
		case "phone":
			cf.Kind = KindPhone
			if v != "" {
				phones = append(phones, v)
			}
		case "email":
			cf.Kind = KindEmail
		case "url":
			cf.Kind = KindURL
		case "boolean":
			v = map[string]string{"true": "yes", "false": "no"}[v]
		case "date", "datetime":
			v = d.dateText(f.kind, v)
		case "reference":
			id, object := rec.Str(f.ref), f.refType
			if of, ok := RefOfID(id); ok && object == "" {
				object = of.Type // who and what a Task is about
			}
			if object != "" && salesforce.ValidID(id) {
				cf.Kind, cf.Ref = KindRef, Ref{Type: object, ID: id, Name: text.Clean(v)}
			}
		}
		cf.Value = text.Clean(v)
		if cf.Value.Empty() && f.kind != "phone" {
			continue // an empty line tells nothing; an empty phone says that there is none to dial
		}
		c.Fields = append(c.Fields, cf)
	}
	d.remember(CardHit(c), phones)
	return c
}
