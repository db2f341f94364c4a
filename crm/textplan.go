package crm

import (
	"slices"

	"offhook/crm/salesforce"
)

// extraPlans are objects that no number stands on and that people look for by name: searched by hand only, after the layout's.
var extraPlans = [...]plan{
	{object: "Case", name: "CaseNumber", fields: []string{"Id", "CaseNumber", "Subject", "Status", "ContactId", "AccountId", "Account.Name"}},
	{object: "Opportunity", name: "Name", fields: []string{"Id", "Name", "StageName", "CloseDate", "AccountId", "Account.Name"}},
}

// textPlans are the plans of everything that is searched for words: the scope's objects, then Cases and Opportunities.
func (d *Directory) textPlans(s scope) []plan {
	var out []plan
	for _, o := range s.objects {
		p := d.planFor(o)
		if s.shown != nil {
			d.mu.Lock()
			hidden := d.hidden[o]
			p = p.showing(s.shown[o], hidden)
			d.mu.Unlock()
		}
		out = append(out, p)
	}
	for _, x := range extraPlans {
		if p := d.textPlan(x.object); p.object != "" && !slices.Contains(s.objects, x.object) {
			out = append(out, p)
		}
	}
	return out
}

// textPlan is the plan of one of the extra objects; empty when this user has none of them.
func (d *Directory) textPlan(object string) plan {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(extraPlans[:], func(p plan) bool { return p.object == object })
	if i < 0 || d.gone[object] {
		return plan{}
	}
	p := extraPlans[i]
	p.fields = slices.DeleteFunc(slices.Clone(p.fields), func(f string) bool { return d.hidden[object][f] })
	return p
}

// unlearnExtra leaves out what Salesforce has just refused of an extra object: a field hidden from this user, or the object. It
// reports whether asking again makes sense.
func (d *Directory) unlearnExtra(err error) bool {
	api := salesforce.Refusal(err)
	object := api.NamedType()
	i := slices.IndexFunc(extraPlans[:], func(p plan) bool { return p.object == object })
	if i < 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch salesforce.KindOf(err) {
	case salesforce.KindUnlicensed:
		d.gone[object] = true
		return true
	case salesforce.KindField:
		if d.hidden[object] == nil {
			d.hidden[object] = map[string]bool{}
		}
		changed := false
		for _, f := range api.NamedFields() {
			if slices.Contains(extraPlans[i].fields, f) && !d.hidden[object][f] {
				d.hidden[object][f], changed = true, true
			}
		}
		if !changed {
			d.gone[object] = true
		}
		return true
	}
	return false
}
