package crm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// CreateErrand makes records by itself for a call (ledger.Errand.Kind). Its result is the records as JSON.
const CreateErrand = "create"

// CreateOrder is the payload of a CreateErrand: what a call is to leave besides its Task.
type CreateOrder struct {
	Call   string       `json:"call"`
	Start  time.Time    `json:"start"`
	Number text.Text    `json:"number"`
	Type   Direction    `json:"type"`
	Who    Ref          `json:"who,omitzero"`    // Contact or Lead that the call belongs to already
	After  string       `json:"after,omitempty"` // an earlier order of the same call, whose person this one is about
	Steps  []CreateStep `json:"steps"`
}

// CreateStep is one record of an order.
type CreateStep struct {
	Object  string            `json:"object"`
	Unknown bool              `json:"unknown,omitempty"` // only if still nobody has the number
	Fields  map[string]string `json:"fields,omitempty"`  // as they would be typed
}

// ErrandReader tells how far an errand is: a *ledger.Ledger.
type ErrandReader interface {
	Errand(ctx context.Context, key string) (ledger.Errand, bool, error)
}

// CreateAuto carries out errands of kind "create". Each record is made once for its call however often the errand is tried: before
// anything is written, it is looked for, by the call's key in its Description or in its key field. A number that somebody has by now
// gets no second person, and a lookup that failed creates nobody.
func (d *Directory) CreateAuto(store ErrandReader) ErrandFunc {
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		var o CreateOrder
		if err := json.Unmarshal(e.Payload, &o); err != nil || o.Call == "" {
			return "", &RefusedError{Class: "payload", Line: "what was to be created cannot be read"}
		}
		who := o.Who
		if o.After != "" {
			made, over, err := MadeBy(ctx, store, o.After)
			if err != nil {
				return "", err
			}
			if !over {
				return "", &WaitError{For: "the call's first record, which is being made", Errand: o.After}
			}
			who = PersonOf(made, who)
		}
		var out []Ref
		for _, step := range o.Steps {
			ref, err := d.createStep(ctx, o, step, who)
			if err != nil {
				return "", err
			}
			if !ref.Zero() {
				out = append(out, ref)
				who = PersonOf([]Ref{ref}, who)
			}
		}
		b, err := json.Marshal(out)
		return string(b), err
	}
}

// MadeBy returns the records of a CreateErrand. over is false while it is still to be carried out; one that was refused, or is not
// there, made none.
func MadeBy(ctx context.Context, store ErrandReader, key string) (made []Ref, over bool, err error) {
	e, ok, err := store.Errand(ctx, key)
	switch {
	case err != nil:
		return nil, false, err
	case !ok || e.State == ledger.ErrandRefused:
		return nil, true, nil
	case e.State != ledger.ErrandOver:
		return nil, false, nil
	}
	return Made(e.Result), true, nil
}

// Made reads the result of a CreateErrand.
func Made(result string) (out []Ref) {
	_ = json.Unmarshal([]byte(result), &out)
	return slices.DeleteFunc(out, func(r Ref) bool { return !salesforce.ValidID(r.ID) || !salesforce.Ident(r.Type).Valid() })
}

// MadeHit is the record that a call belongs to when these were made for it: what is not a person, with the person.
func MadeHit(made []Ref, who Ref) Hit {
	who = PersonOf(made, who)
	for _, r := range made {
		if r.Type != "Contact" && r.Type != "Lead" {
			h := Hit{Ref: r}
			if who.Type == "Contact" {
				h.ContactID = who.ID
			}
			return h
		}
	}
	return Hit{Ref: who}
}

// PersonOf is the person among records that were made for a call; without one, who it belonged to before.
func PersonOf(made []Ref, who Ref) Ref {
	for _, r := range made {
		if r.Type == "Contact" || r.Type == "Lead" {
			return r
		}
	}
	return who
}

// createStep makes one record, or finds it. Zero: none is to be made.
func (d *Directory) createStep(ctx context.Context, o CreateOrder, step CreateStep, who Ref) (Ref, error) {
	if step.Unknown {
		m, err := d.lookup(ctx, o.Number, o.Type, true)
		switch hit, one := m.Only(); {
		case one:
			return hit.Ref, nil // somebody has made it meanwhile, or an earlier attempt has
		case m.State == MatchMany:
			return Ref{}, nil
		case m.State != MatchNone && salesforce.KindOf(err) != salesforce.KindNone:
			return Ref{}, err
		case m.State != MatchNone:
			return Ref{}, &LookupError{m.Detail.String()}
		}
	}
	bp, err := d.blueprint(ctx, step.Object, false)
	if err != nil {
		if k := salesforce.KindOf(err); k == salesforce.KindNone || k == salesforce.KindUnlicensed {
			return Ref{}, &RefusedError{Class: "permission", Line: err.Error()}
		}
		return Ref{}, err
	}
	bp.kind, _ = bp.pages.Type(step.Fields[RecordTypeField])
	values := d.autoValues(bp, o, step, who)
	form := d.makeForm(bp)
	form.take(values)
	body, ok := d.bodyOf(bp, &form, values)
	if !ok {
		return Ref{}, &RefusedError{Class: "validation", Line: "the " + form.Label.String() + " of this call could not be created: " + form.wrong() + ". See create.objects in the settings"}
	}
	if ref, err := d.madeBefore(ctx, bp, o, body); err != nil || !ref.Zero() {
		return ref, err
	}
	id, err := d.sf.Create(ctx, salesforce.Ident(bp.desc.Name), body, nil)
	if salesforce.KindOf(err) == salesforce.KindDuplicates {
		return d.onlyTwin(err)
	}
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{Type: bp.desc.Name, ID: id, Name: recordName(bp.desc.Name, values)}
	d.rememberNew(ref, bp.desc, body)
	d.forgetNumber()
	return ref, nil
}

// forgetNumber drops what was looked up: the number that nobody had has an owner now.
func (d *Directory) forgetNumber() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.cache)
}

// autoValues are the settings' values with what the call itself gives: its number, its person, its key.
func (d *Directory) autoValues(bp blueprint, o CreateOrder, step CreateStep, who Ref) map[string]string {
	values := map[string]string{}
	for name, v := range step.Fields {
		f, ok := bp.desc.Field(name)
		if !ok {
			continue // the org does not have it; the others are worth a record
		}
		if f.Type == "phone" {
			if n := d.numbers.Parse(v).Format(number.E164); !n.Empty() {
				v = n.String()
			}
		}
		if r := []rune(v); f.Length > 0 && len(r) > f.Length {
			v = string(r[:f.Length])
		}
		values[f.Name] = v
	}
	if f, ok := bp.desc.Field("ContactId"); ok && f.Createable && who.Type == "Contact" && values["ContactId"] == "" {
		values["ContactId"] = who.ID
	}
	switch f, ok := bp.desc.Field("Description"); {
	case keyed(bp.desc):
		values[KeyField] = o.Call
	case ok && f.Createable && f.Length > 100:
		values["Description"] = strings.TrimSpace(values["Description"] + "\n" + callLine + o.Call)
	}
	return values
}

// callLine begins the line of a Description that names the call.
const callLine = "Call: "

func keyed(desc *salesforce.Describe) bool {
	f, ok := desc.Field(KeyField)
	return ok && f.Unique && f.Createable
}

// madeBefore looks for the record in Salesforce: an earlier attempt may have made it. Its index lags, a query does not.
func (d *Directory) madeBefore(ctx context.Context, bp blueprint, o CreateOrder, body map[string]any) (Ref, error) {
	object := salesforce.Ident(bp.desc.Name)
	name := bp.desc.NameField()
	fields := []salesforce.Ident{"Id"}
	if name != "Id" {
		fields = append(fields, salesforce.Ident(name))
	}
	var by []salesforce.Cond
	inText := false
	if keyed(bp.desc) {
		by = append(by, salesforce.Eq(KeyField, salesforce.String(o.Call)))
	} else {
		for _, n := range []string{"LastName", "Subject", "Name", "Phone", "SuppliedPhone"} {
			if v, ok := body[n].(string); ok && len(by) == 0 {
				if f, _ := bp.desc.Field(n); f.Filterable {
					by = append(by, salesforce.Eq(salesforce.Ident(n), salesforce.String(v)))
				}
			}
		}
		if bp.desc.Has("CreatedDate") {
			by = append(by, salesforce.Gt("CreatedDate", salesforce.DateTime(o.Start.Add(-time.Hour)))) // two clocks
		}
		if s, ok := body["Description"].(string); ok && strings.Contains(s, callLine+o.Call) {
			inText = true
			fields = append(fields, "Description") // cannot be filtered by
		}
	}
	if len(by) == 0 {
		return Ref{}, nil
	}
	page, err := d.sf.Query(ctx, salesforce.Select(fields...).From(object).Where(salesforce.And(by...)).Limit(200))
	if err != nil {
		return Ref{}, err
	}
	for _, r := range page.Records {
		if !inText || strings.Contains(r.Str("Description"), callLine+o.Call) {
			return Ref{Type: bp.desc.Name, ID: r.ID(), Name: text.Clean(r.Str(name))}, nil
		}
	}
	return Ref{}, nil
}

// onlyTwin uses the record that a duplicate rule names, when it is the only one; else a person must choose.
func (d *Directory) onlyTwin(err error) (Ref, error) {
	api := salesforce.Refusal(err)
	if recs := api.Duplicates.Records(); len(recs) == 1 && salesforce.ValidID(recs[0].ID()) {
		return d.planFor(recs[0].Type()).hit(recs[0]).Ref, nil
	}
	return Ref{}, &RefusedError{Class: "duplicate", Line: "a record was not created by itself, because Salesforce has several like it: " + salesforce.Line(err)}
}

// wrong is the first complaint of a form.
func (f *Form) wrong() string {
	for _, fd := range f.Fields {
		if !fd.Error.Empty() {
			return fd.Label.String() + " is " + fd.Error.String()
		}
	}
	return f.Error.String()
}
