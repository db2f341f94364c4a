package crm

import (
	"context"
	"slices"
	"strings"
	"sync"

	"offhook/crm/layout"
	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// scope is what one kind of call searches: the objects, in the order of display, and the fields that are shown of each.
type scope struct {
	objects []string
	shown   map[string][]layout.Field // nil: no layout was given, and each object's own few fields are shown
}

// layout returns the softphone layout as it is now; nil when there is none.
func (d *Directory) layout() *layout.Layout {
	if d.set.Layout == nil {
		return nil
	}
	return d.set.Layout()
}

// scopeOf returns what calls of a direction search. Of a layout only what it names is searched: one without objects searches
// nothing, as in Open CTI.
func (d *Directory) scopeOf(dir Direction) scope {
	l := d.layout()
	if l == nil {
		return scope{objects: d.existing(d.set.Objects)}
	}
	c := l.For(string(dir))
	s := scope{objects: d.existing(c.Names()), shown: map[string][]layout.Field{}}
	for _, o := range c.Objects {
		s.shown[o.Name] = o.Fields
	}
	return s
}

// scopeByHand is what people search: every object of the layout's calls with customers. A layout that searches nothing by itself
// does not keep an agent from searching.
func (d *Directory) scopeByHand() scope {
	in, out := d.scopeOf(Inbound), d.scopeOf(Outbound)
	for _, o := range out.objects {
		if !slices.Contains(in.objects, o) {
			in.objects = append(in.objects, o)
			in.shown[o] = out.shown[o]
		}
	}
	if len(in.objects) == 0 {
		return scope{objects: d.existing(d.set.Objects)}
	}
	return in
}

// objects are all that may be searched and exist in this org.
func (d *Directory) objects() []string { return d.scopeByHand().objects }

// existing leaves out what this org does not have.
func (d *Directory) existing(objects []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(objects), func(o string) bool { return d.gone[o] })
}

// key tells apart, in the cache, what was searched for a number.
func (s scope) key(num number.Number) string { return num.Key() + " " + strings.Join(s.objects, " ") }

// learnMissing describes the objects of a scope of which nothing is known in advance, such as custom ones: which of their fields are
// telephone numbers only the org can tell. The others are learnt in the background.
func (d *Directory) learnMissing(ctx context.Context, s scope) {
	ctx, cancel := context.WithTimeout(ctx, d.set.Deadline)
	defer cancel()
	var asked sync.WaitGroup
	for _, o := range s.objects {
		if _, base := basePlans[o]; base || d.learnt(o) {
			continue
		}
		asked.Go(func() { _, _ = d.learn(ctx, o) }) // what cannot be described is not searched, and is tried again with the next call
	}
	asked.Wait()
}

func (d *Directory) learnt(object string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plans[object].learnt
}

// layoutFields are the fields that the layout shows of an object, whichever way the call goes; nil without a layout.
func (d *Directory) layoutFields(object string) []layout.Field {
	l := d.layout()
	if l == nil {
		return nil
	}
	for _, c := range []layout.CallType{l.Inbound, l.Outbound} {
		if o, ok := c.Object(object); ok {
			return o.Fields
		}
	}
	return nil
}

// shownField is one field of the layout: its name, and where its value stands in a row.
type shownField struct{ name, path string }

// showing adds a layout's fields to a plan: those that the object has and this user may see. A reference is shown by the name of
// what it points to.
func (p plan) showing(fields []layout.Field, hidden map[string]bool) plan {
	p.shown = []shownField{}
	p.fields = slices.Clone(p.fields)
	for _, f := range fields {
		path := f.Name
		if p.desc != nil && !strings.Contains(path, ".") {
			fd, ok := p.desc.Field(path)
			if !ok {
				continue
			}
			path = fd.Name
			if fd.Type == "reference" && fd.Relationship != "" && len(fd.ReferenceTo) == 1 {
				path = fd.Relationship + ".Name"
				if fd.ReferenceTo[0] == "Case" {
					path = fd.Relationship + ".CaseNumber"
				}
			}
		} else if p.desc == nil && path == "AccountId" {
			path = "Account.Name" // the one reference that is known before anything was learnt
		}
		if hidden[path] || hidden[f.Name] || !salesforce.Ident(path).Valid() {
			continue
		}
		p.shown = append(p.shown, shownField{f.Name, path})
		if !slices.Contains(p.fields, path) {
			p.fields = append(p.fields, path)
		}
	}
	return p
}

// detail is the line beside a hit's name: the layout's fields, without the name and the numbers, which have their own places.
func (p plan) detail(r salesforce.Record) text.Text {
	var parts []string
	for _, f := range p.shown {
		if f.path == p.name || slices.Contains(p.phones, f.path) {
			continue
		}
		if v := text.Clean(r.Str(f.path)).String(); v != "" && len(parts) < maxDetail {
			parts = append(parts, v)
		}
	}
	return text.Clean(strings.Join(parts, " · "))
}

// maxDetail is how many values stand beside a name: a line of a list holds no more.
const maxDetail = 4
