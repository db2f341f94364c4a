package crm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// plan is how one object is searched by number: which fields come back, and which of them are phones.
type plan struct {
	object string
	name   string               // the field that names a record
	fields []string             // to return, Id first
	phones []string             // compared locally
	exact  []string             // of the phones, those that may stand in WHERE
	leads  bool                 // converted leads are left out
	learnt bool                 // from the object's description
	desc   *salesforce.Describe // when learnt
	shown  []shownField         // the layout's; nil: no layout
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

// searchPlans returns the plan of every object of a scope that can be searched now: a number stands on it, and it shows what the
// layout says.
func (d *Directory) searchPlans(s scope) []plan {
	var out []plan
	for _, o := range s.objects {
		p := d.planFor(o)
		if len(p.phones) == 0 {
			continue
		}
		if s.shown != nil {
			d.mu.Lock()
			hidden := maps.Clone(d.hidden[o])
			d.mu.Unlock()
			p = p.showing(s.shown[o], hidden)
		}
		out = append(out, p)
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
	p := plan{object: object, name: desc.NameField(), fields: []string{"Id", desc.NameField()}, leads: object == "Lead" && desc.Has("IsConverted"), learnt: true, desc: desc}
	for _, f := range desc.Fields {
		if object == "Case" && strings.HasPrefix(f.Name, "Contact") {
			continue // its contact's number: the contact is the caller, and its card lists the open Cases
		}
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
		named = salesforce.Refusal(err).NamedFields()
	case salesforce.KindUnlicensed:
		object := salesforce.Refusal(err).NamedType()
		if !slices.Contains(d.objects(), object) {
			return false
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.gone[object] = true
		return true
	}
	if len(named) == 0 {
		return false
	}
	changed := false
	about := salesforce.Refusal(err).NamedType()
	for _, o := range d.objects() {
		if about != "" && about != o {
			continue
		}
		p := d.planFor(o)
		changed = d.hide(o, named) || changed
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

// hide notes which fields of an object this user may not see, so that the layout's wish for them is not asked again.
func (d *Directory) hide(object string, fields []string) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hidden[object] == nil {
		d.hidden[object] = map[string]bool{}
	}
	for _, f := range fields {
		if !d.hidden[object][f] {
			d.hidden[object][f], changed = true, true
		}
	}
	return changed && d.layout() != nil
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
	switch {
	case p.shown != nil:
		h.Detail = p.detail(r)
	case p.object == "Case":
		h.Name = text.Clean(r.Str(p.name) + " " + r.Str("Subject"))
		h.Detail = text.Clean(strings.Trim(r.Str("Status")+" · "+r.Str("Account.Name"), " ·"))
	case p.object == "Opportunity":
		h.Detail = text.Clean(strings.Trim(r.Str("StageName")+" · "+r.Str("Account.Name"), " ·"))
	case p.object == "Contact":
		h.Detail = h.Account.Name
	case p.object == "Lead":
		h.Detail = text.Clean(strings.Trim(r.Str("Company")+" · "+r.Str("Status"), " ·"))
	default:
		h.Detail = text.Clean(r.Str("Account.Name"))
	}
	if p.desc != nil {
		h.Label = text.Clean(p.desc.Label)
	}
	if h.Detail.Empty() {
		h.Detail = text.Clean(r.Str("Email"))
	}
	return h
}
