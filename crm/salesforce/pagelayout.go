package salesforce

import (
	"context"
	"slices"
)

// layoutPath is what describes an object's page layouts, below /sobjects/X.
const layoutPath = "/describe/layouts"

// Pages are an object's page layouts as this user gets them: one for each record type that is theirs to use.
type Pages struct {
	Types   []RecordType // the master stands among them
	layouts []pageLayout
}

// RecordType is one record type with the layout and the picklist values that it has.
type RecordType struct {
	ID        string
	Name      string
	Available bool // this user may make such records
	Default   bool // what a record gets that names none
	Master    bool
	Picklists map[string][]string // values that are offered, by field; a picklist that is not named offers all
	Defaults  map[string]string   // the value that a new record gets, by field; the description's where none is named
	layout    string
}

// PageField is one field of a page layout, in reading order.
type PageField struct {
	Name     string
	Label    string
	Required bool // on this page, beside what the object itself requires
	New      bool // may be filled in when a record is made
	Edit     bool // may be changed
}

type pageLayout struct {
	id     string
	fields []PageField
}

// Fields returns the fields of the layout of a record type, or of the default one for "". nil: there is no layout.
func (p *Pages) Fields(recordType string) []PageField {
	if p == nil {
		return nil
	}
	id := ""
	if t, ok := p.Type(recordType); ok {
		id = t.layout
	}
	for _, l := range p.layouts {
		if l.id == id {
			return l.fields
		}
	}
	if len(p.layouts) == 1 {
		return p.layouts[0].fields
	}
	return nil
}

// Type returns a record type by its id, or the default one for "".
func (p *Pages) Type(id string) (RecordType, bool) {
	if p == nil {
		return RecordType{}, false
	}
	for _, t := range p.Types {
		if id == "" && t.Default || id != "" && LongID(t.ID) == LongID(id) {
			return t, true
		}
	}
	return RecordType{}, false
}

// Choices are the record types that this user may choose between; none when there is nothing to choose.
func (p *Pages) Choices() []RecordType {
	if p == nil {
		return nil
	}
	out := slices.DeleteFunc(slices.Clone(p.Types), func(t RecordType) bool { return !t.Available || t.Master })
	if len(out) < 2 {
		return nil
	}
	return out
}

// pagesWire is /describe/layouts on the wire. An object with many record types may answer without layouts: then each has its own
// resource, and the form goes by the description.
type pagesWire struct {
	Layouts []struct {
		ID       string        `json:"id"`
		Sections []sectionWire `json:"editLayoutSections"`
	} `json:"layouts"`
	Mappings []struct {
		Available bool   `json:"available"`
		Active    *bool  `json:"active"`
		Default   bool   `json:"defaultRecordTypeMapping"`
		Master    bool   `json:"master"`
		Name      string `json:"name"`
		ID        string `json:"recordTypeId"`
		Layout    string `json:"layoutId"`
		Picklists []struct {
			Name   string     `json:"picklistName"`
			Values []Picklist `json:"picklistValues"`
		} `json:"picklistsForRecordType"`
	} `json:"recordTypeMappings"`
}

type sectionWire struct {
	Rows []struct {
		Items []struct {
			Label      string          `json:"label"`
			Required   bool            `json:"required"`
			New        bool            `json:"editableForNew"`
			Edit       bool            `json:"editableForUpdate"`
			Components []componentWire `json:"layoutComponents"`
		} `json:"layoutItems"`
	} `json:"layoutRows"`
}

// componentWire is a field, or a compound one (a name, an address) with its parts.
type componentWire struct {
	Type  string          `json:"type"`
	Value string          `json:"value"`
	Parts []componentWire `json:"components"`
}

// fields lists a component's own fields.
func (c componentWire) fields(depth int) (out []string) {
	if len(c.Parts) > 0 && depth < 3 {
		for _, p := range c.Parts {
			out = append(out, p.fields(depth+1)...)
		}
		return out
	}
	if c.Type == "Field" && Ident(c.Value).Valid() {
		out = append(out, c.Value)
	}
	return out
}

// Pages returns an object's page layouts and record types, cached like Describe.
func (c *Client) Pages(ctx context.Context, object Ident) (*Pages, error) {
	return conditional(ctx, c, &c.layouts, object, layoutPath, pagesOf)
}

func pagesOf(w *pagesWire) *Pages {
	p := &Pages{}
	for _, l := range w.Layouts {
		page := pageLayout{id: l.ID}
		for _, s := range l.Sections {
			for _, r := range s.Rows {
				for _, it := range r.Items {
					for _, c := range it.Components {
						names := c.fields(0)
						for _, n := range names {
							f := PageField{Name: n, Required: it.Required, New: it.New, Edit: it.Edit}
							if len(names) == 1 && len(it.Components) == 1 {
								f.Label = it.Label
							} else {
								f.Required = false // of a compound field only one part is; the description knows which
							}
							page.fields = append(page.fields, f)
						}
					}
				}
			}
		}
		p.layouts = append(p.layouts, page)
	}
	for _, m := range w.Mappings {
		t := RecordType{ID: m.ID, Name: m.Name, Available: m.Available && (m.Active == nil || *m.Active), Default: m.Default, Master: m.Master,
			Picklists: map[string][]string{}, Defaults: map[string]string{}, layout: m.Layout}
		for _, pl := range m.Picklists {
			values := []string{}
			for _, v := range pl.Values {
				if v.Active {
					values = append(values, v.Value)
				}
				if v.Active && v.Default {
					t.Defaults[pl.Name] = v.Value
				}
			}
			t.Picklists[pl.Name] = values
		}
		p.Types = append(p.Types, t)
	}
	return p
}
