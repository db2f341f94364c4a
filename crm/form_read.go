package crm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

const (
	maxRefers  = 4   // objects that one reference is searched in
	maxFind    = 6   // records of each that a form lists
	maxObjects = 500 // that the chooser lists
)

// ObjectName is an object that records can be made of.
type ObjectName struct {
	Name   string    `json:"name"` // API name
	Label  text.Text `json:"label"`
	Custom bool      `json:"custom,omitempty"`
}

// Objects lists what this user can make records of at a desk, custom objects too: those that have a page of their own. The everyday
// ones stand in front, the rest by label.
func (d *Directory) Objects(ctx context.Context) ([]ObjectName, error) {
	all, err := d.sf.Objects(ctx)
	if err != nil {
		return nil, lineError(err)
	}
	var out []ObjectName
	for _, o := range all {
		if o.Createable && o.Layoutable && o.Queryable && salesforce.Ident(o.Name).Valid() && !slices.Contains(notByHand, o.Name) {
			out = append(out, ObjectName{Name: o.Name, Label: text.Clean(or(o.Label, o.Name)), Custom: o.Custom || strings.HasSuffix(o.Name, "__c")})
		}
	}
	rank := func(o ObjectName) int {
		if i := slices.Index(everyday, o.Name); i >= 0 {
			return i
		}
		return len(everyday)
	}
	slices.SortStableFunc(out, func(a, b ObjectName) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(strings.ToLower(a.Label.String()), strings.ToLower(b.Label.String())))
	})
	return out[:min(len(out), maxObjects)], nil
}

var (
	everyday  = []string{"Lead", "Contact", "Account", "Case", "Opportunity"}
	notByHand = []string{"ContentVersion", "ContentDocument", "ContentDocumentLink", "CampaignMember", "User", "VoiceCall", "EmailMessage"} // made elsewhere, with more than a form has
)

// readFields reads a record's values for a form that changes it.
func (d *Directory) readFields(ctx context.Context, ref Ref, bp blueprint) (salesforce.Record, error) {
	fields := []salesforce.Ident{"Id"}
	add := func(name string) {
		if n := salesforce.Ident(name); !slices.Contains(fields, n) && n.Valid() {
			fields = append(fields, n)
		}
	}
	if bp.desc.Has("LastModifiedDate") {
		add("LastModifiedDate")
	}
	if bp.desc.Has(RecordTypeField) {
		add(RecordTypeField)
	}
	add(bp.desc.NameField())
	for _, f := range bp.desc.Fields { // the record type, and so the layout, is known only when the record is
		if bp.usable(f) && len(fields) < 2*maxFormFields {
			add(f.Name)
		}
	}
	rec, err := d.sf.Get(ctx, salesforce.Ident(ref.Type), ref.ID, fields...)
	if salesforce.KindOf(err) == salesforce.KindField { // one may not be read after all
		return d.sf.Get(ctx, salesforce.Ident(ref.Type), ref.ID)
	}
	return rec, err
}

// fillRecord puts a record's values into the form.
func (d *Directory) fillRecord(f *Form, bp blueprint, rec salesforce.Record) {
	f.Base = map[string]string{}
	for i := range f.Fields {
		fd := &f.Fields[i]
		if desc, ok := bp.desc.Field(fd.Name); ok {
			fd.Value = text.CleanBlock(d.shownValue(desc, rec[desc.Name]), maxValue)
			f.Base[fd.Name] = fd.Value.String()
		}
	}
}

// nameReferences finds out what the records are called that a form's references hold. A name that cannot be read is left out: the id
// stays.
func (d *Directory) nameReferences(ctx context.Context, f *Form) {
	var subs []salesforce.Sub
	var at []int
	for i := range f.Fields {
		fd := &f.Fields[i]
		id := fd.Value.String()
		if fd.Type != "reference" || !fd.Shown.Empty() || !salesforce.ValidID(id) || len(subs) >= 5 { // a composite has five queries
			continue
		}
		if object := d.objectOfID(ctx, fd.Refers, id); object != "" {
			name := d.nameField(ctx, object)
			subs, at = append(subs, salesforce.SubQuery("ref"+string(rune('a'+len(subs))), salesforce.Select("Id", salesforce.Ident(name)).From(salesforce.Ident(object)).
				Where(salesforce.Eq("Id", salesforce.ID(id))).Limit(1))), append(at, i)
		}
	}
	if len(subs) == 0 {
		return
	}
	results, err := d.sf.Composite(ctx, false, subs...)
	if err != nil {
		return
	}
	for n, r := range results {
		var page salesforce.QueryResult
		if r.Into(&page) == nil && len(page.Records) == 1 {
			rec := page.Records[0]
			f.Fields[at[n]].Shown = text.Clean(rec.Str(d.nameField(ctx, rec.Type())))
		}
	}
}

// objectOfID tells which of some objects a record belongs to, by the beginning of its id.
func (d *Directory) objectOfID(ctx context.Context, objects []string, id string) string {
	if len(objects) == 1 {
		return objects[0]
	}
	for _, o := range objects {
		if desc, err := d.sf.Describe(ctx, salesforce.Ident(o)); err == nil && desc.KeyPrefix != "" && strings.HasPrefix(id, desc.KeyPrefix) {
			return o
		}
	}
	return ""
}

func (d *Directory) nameField(ctx context.Context, object string) string {
	if desc, err := d.sf.Describe(ctx, salesforce.Ident(object)); err == nil {
		return desc.NameField()
	}
	return "Name"
}

// References finds records that a form's reference may point to, by the beginning of a word of their name: what Salesforce's index
// knows, and what it does not yet.
func (d *Directory) References(ctx context.Context, objects []string, query text.Text) ([]Hit, error) {
	q := query.String()
	if len([]rune(q)) < 2 || len(objects) == 0 {
		return nil, &LineError{Line: "type at least two letters of its name"}
	}
	var named []reference
	for _, o := range objects[:min(len(objects), maxRefers)] {
		if salesforce.Ident(o).Valid() {
			named = append(named, reference{o, d.nameField(ctx, o)})
		}
	}
	var hits []Hit
	if term, ok := salesforce.Words(q); ok {
		find := salesforce.Find(term).In(salesforce.NameFields)
		for _, n := range named {
			if n.object != "Group" && n.object != "Queue" { // these are in no index
				find = find.Returning(salesforce.Ident(n.object), n.fields(), salesforce.Cond{}, maxFind)
			}
		}
		if rows, err := d.sf.Search(ctx, find); err == nil {
			for _, r := range rows {
				hits = append(hits, refHit(r, named))
			}
		}
	}
	var subs []salesforce.Sub
	for i, n := range named {
		subs = append(subs, salesforce.SubQuery("by"+string(rune('a'+i)), salesforce.Select(n.fields()...).From(salesforce.Ident(n.object)).
			Where(salesforce.Like(salesforce.Ident(n.name), salesforce.StartsWith(q))).OrderBy(salesforce.Ident(n.name), false).Limit(maxFind)))
	}
	results, err := d.sf.Composite(ctx, false, subs...)
	if err != nil && len(hits) == 0 {
		d.noteLimit(err)
		return nil, lineError(err)
	}
	for _, r := range results {
		var page salesforce.QueryResult
		if e := r.Into(&page); e != nil {
			err = e
			continue
		}
		for _, rec := range page.Records {
			hits = append(hits, refHit(rec, named))
		}
	}
	hits = unique(slices.DeleteFunc(hits, Hit.Zero))
	if len(hits) == 0 && err != nil {
		return nil, lineError(err)
	}
	return hits[:min(len(hits), 2*maxFind)], nil
}

// reference is an object that is searched, with the field that names its records.
type reference struct{ object, name string }

func (r reference) fields() []salesforce.Ident {
	if r.name == "Name" {
		return []salesforce.Ident{"Id", "Name"}
	}
	return []salesforce.Ident{"Id", salesforce.Ident(r.name)}
}

func refHit(r salesforce.Record, named []reference) Hit {
	for _, n := range named {
		if n.object == r.Type() && salesforce.ValidID(r.ID()) {
			return Hit{Ref: Ref{Type: n.object, ID: r.ID(), Name: text.Clean(r.Str(n.name))}}
		}
	}
	return Hit{}
}
