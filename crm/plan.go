package crm

import (
	"context"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// plan is how one object is searched by number: which fields come back, and which of them are phones.
type plan struct {
	object string
	name   string   // the field that names a record
	fields []string // to return, Id first
	phones []string // compared locally
	exact  []string // of the phones, those that may stand in WHERE
	leads  bool     // converted leads are left out
	learnt bool     // from the object's description
}

// basePlans work in every org, before anything was learnt.
var basePlans = map[string]plan{
	"Contact": {
		object: "Contact", name: "Name", fields: []string{"Id", "Name", "Phone", "MobilePhone", "AccountId", "Account.Name"},
		phones: []string{"Phone", "MobilePhone"}, exact: []string{"Phone", "MobilePhone"},
	},
	"Lead": {
		object: "Lead", name: "Name", fields: []string{"Id", "Name", "Company", "Status", "Phone", "MobilePhone"},
		phones: []string{"Phone", "MobilePhone"}, exact: []string{"Phone", "MobilePhone"}, leads: true,
	},
	"Account": {
		object: "Account", name: "Name", fields: []string{"Id", "Name", "Phone"},
		phones: []string{"Phone"}, exact: []string{"Phone"},
	},
}

// searchPlans returns the plan of every object that can be searched now.
func (d *Directory) searchPlans() []plan {
	var out []plan
	for _, o := range d.objects() {
		if p := d.planFor(o); len(p.phones) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// planFor returns the plan of one object, learnt or not; a bare one for an object that nobody knows yet.
func (d *Directory) planFor(object string) plan {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.plans[object]; ok {
		return p
	}
	if p, ok := basePlans[object]; ok {
		return p
	}
	return plan{object: object, name: "Name", fields: []string{"Id", "Name"}}
}

// learn reads an object's description and makes its plan: every phone field this user may see.
func (d *Directory) learn(ctx context.Context, object string) (*salesforce.Describe, error) {
	desc, err := d.sf.Describe(ctx, salesforce.Ident(object))
	if err != nil {
		if k := salesforce.KindOf(err); k == salesforce.KindUnlicensed || k == salesforce.KindStale {
			d.mu.Lock()
			d.gone[object] = true
			d.mu.Unlock()
		}
		return nil, err
	}
	p := plan{object: object, name: desc.NameField(), fields: []string{"Id", desc.NameField()}, leads: object == "Lead" && desc.Has("IsConverted"), learnt: true}
	for _, f := range desc.Fields {
		if f.Type == "phone" && !strings.Contains(strings.ToLower(f.Name), "fax") {
			p.phones = append(p.phones, f.Name)
			if f.Filterable {
				p.exact = append(p.exact, f.Name)
			}
		}
	}
	p.fields = append(p.fields, p.phones...)
	for _, want := range []string{"Company", "Status", "AccountId", "PersonContactId", "IsPersonAccount", "Email", "ContactId"} {
		if desc.Has(want) && !slices.Contains(p.fields, want) && (want != "Status" || object == "Lead") {
			p.fields = append(p.fields, want)
		}
	}
	if f, ok := desc.Field("AccountId"); ok && f.Relationship == "Account" {
		p.fields = append(p.fields, "Account.Name")
	}
	d.mu.Lock()
	d.plans[object] = p
	delete(d.gone, object)
	d.mu.Unlock()
	return desc, nil
}

// unlearn takes out of the plans what Salesforce has just refused: a field hidden from this user, an object that the
// org does not have. It reports whether asking again makes sense.
func (d *Directory) unlearn(err error) bool {
	var named []string
	switch salesforce.KindOf(err) {
	case salesforce.KindField:
		named = apiError(err).NamedFields()
	case salesforce.KindUnlicensed:
		object := apiError(err).NamedType()
		d.mu.Lock()
		defer d.mu.Unlock()
		if !slices.Contains(d.set.Objects, object) || d.gone[object] {
			return false
		}
		d.gone[object] = true
		return true
	}
	if len(named) == 0 {
		return false
	}
	changed := false
	about := apiError(err).NamedType()
	for _, p := range d.searchPlans() {
		if about != "" && about != p.object {
			continue
		}
		drop := func(f string) bool { return slices.Contains(named, f) }
		q := p
		q.fields = slices.DeleteFunc(slices.Clone(p.fields), drop)
		q.phones = slices.DeleteFunc(slices.Clone(p.phones), drop)
		q.exact = slices.DeleteFunc(slices.Clone(p.exact), drop)
		if len(q.fields) != len(p.fields) || len(q.exact) != len(p.exact) {
			d.mu.Lock()
			d.plans[p.object] = q
			d.mu.Unlock()
			changed = true
		}
	}
	return changed
}

func (p plan) idents() []salesforce.Ident { return idents(p.fields) }

func idents(names []string) []salesforce.Ident {
	out := make([]salesforce.Ident, len(names))
	for i, n := range names {
		out[i] = salesforce.Ident(n)
	}
	return out
}

func (p plan) where() salesforce.Cond {
	if p.leads {
		return salesforce.Eq("IsConverted", salesforce.Bool(false))
	}
	return salesforce.Cond{}
}

// hit makes a hit of a row, without saying which number matched.
func (p plan) hit(r salesforce.Record) Hit {
	h := Hit{
		Ref:             Ref{Type: p.object, ID: r.ID(), Name: text.Clean(r.Str(p.name))},
		PersonContactID: r.Str("PersonContactId"),
		ContactID:       r.Str("ContactId"),
	}
	if id := r.Str("AccountId"); id != "" {
		h.Account = Ref{Type: "Account", ID: id, Name: text.Clean(r.Str("Account.Name"))}
	}
	switch p.object {
	case "Contact":
		h.Detail = h.Account.Name
	case "Lead":
		h.Detail = text.Clean(strings.Trim(r.Str("Company")+" · "+r.Str("Status"), " ·"))
	default:
		h.Detail = text.Clean(r.Str("Account.Name"))
	}
	if h.Detail.Empty() {
		h.Detail = text.Clean(r.Str("Email"))
	}
	return h
}
