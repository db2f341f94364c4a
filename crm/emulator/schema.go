package emulator

import (
	"slices"
	"strings"
)

// field describes one column with what the rules and the describe call need.
type field struct {
	name, label, kind string
	length            int
	create, update    bool
	required          bool
	nillable          bool
	unique, external  bool
	filter            bool
	restricted        bool
	values            []pick
	refTo             []string
	relation          string // parent relationship name: AccountId → Account
	def               any    // value on create when none is given
	system            bool   // not part of the edit layout
	controller        string // the picklist on which this one depends, see depends
	with              map[string][]string
}

type pick struct {
	value string
	def   bool
}

// object is one sObject type.
type object struct {
	name, label, plural, prefix string
	fields                      []*field
	byName                      map[string]*field // lower-case name
	byRelation                  map[string]*field // lower-case parent relationship
	children                    []child
	compact                     []string // primary compact layout
	layout                      []string // edit layout; nil: every createable field
	nameField                   string
	createable, updateable      bool
	deletable                   bool
	searchable                  bool
}

// child is a child relationship: Account.Contacts is Contact.AccountId.
type child struct {
	relation, object, field string
}

type schema struct {
	objects []*object
	byName  map[string]*object // lower-case
	byKey   map[string]*object // key prefix
}

func (s *schema) object(name string) *object { return s.byName[strings.ToLower(name)] }

func (o *object) field(name string) *field { return o.byName[strings.ToLower(name)] }

// The field constructors. A field can be created, updated and filtered unless a method says otherwise.

func col(kind, name, label string, length int) *field {
	return &field{name: name, label: label, kind: kind, length: length, create: true, update: true, nillable: true, filter: true}
}

func str(name, label string, length int) *field { return col("string", name, label, length) }
func phone(name, label string) *field           { return col("phone", name, label, 40) }
func email(name, label string) *field           { return col("email", name, label, 80) }
func link(name, label string) *field            { return col("url", name, label, 255) }
func number(name, label string) *field          { return col("double", name, label, 0) }
func integer(name, label string) *field         { return col("int", name, label, 0) }
func currency(name, label string) *field        { return col("currency", name, label, 0) }
func day(name, label string) *field             { return col("date", name, label, 0) }
func moment(name, label string) *field          { return col("datetime", name, label, 0) }

func area(name, label string, length int) *field {
	f := col("textarea", name, label, length)
	f.filter = length <= 255 // a long text area cannot stand in a WHERE clause
	return f
}

func flag(name, label string) *field {
	f := col("boolean", name, label, 0)
	f.nillable, f.def = false, false
	return f
}

func choice(name, label string, values ...string) *field {
	f := col("picklist", name, label, 255)
	for _, v := range values {
		def := strings.HasSuffix(v, "*")
		v = strings.TrimSuffix(v, "*")
		f.values = append(f.values, pick{v, def})
		if def {
			f.def = v
		}
	}
	return f
}

// choices is a multi-select picklist: its value is "Install;Repair".
func choices(name, label string, values ...string) *field {
	f := choice(name, label, values...)
	f.kind, f.length = "multipicklist", 4099
	return f
}

func ref(name, label, relation string, to ...string) *field {
	f := col("reference", name, label, 18)
	f.relation, f.refTo = relation, to
	return f
}

func (f *field) need() *field       { f.required, f.nillable = true, false; return f }
func (f *field) readOnly() *field   { f.create, f.update, f.system = false, false, true; return f }
func (f *field) createOnly() *field { f.update = false; return f }
func (f *field) strict() *field     { f.restricted = true; return f }
func (f *field) noFilter() *field   { f.filter = false; return f }
func (f *field) hidden() *field     { f.system = true; return f }
func (f *field) given(v any) *field { f.def = v; return f }
func (f *field) key() *field        { f.external, f.unique = true, true; return f }
func (f *field) lookup() *field     { f.external = true; return f }
func (f *field) custom() bool       { return strings.HasSuffix(f.name, "__c") }

// searchable tells which text fields the search index holds.
func (f *field) inIndex() bool {
	switch f.kind {
	case "string", "phone", "email", "textarea", "url":
		return true
	}
	return false
}

// define makes an object from its own fields and the ones that every object has.
func define(name, label, plural, prefix string, fields ...*field) *object {
	o := &object{name: name, label: label, plural: plural, prefix: prefix, nameField: "Name",
		createable: true, updateable: true, deletable: true, searchable: true}
	id := col("id", "Id", label+" ID", 18).readOnly()
	id.nillable = false
	deleted := flag("IsDeleted", "Deleted").readOnly()
	o.fields = append(o.fields, id, deleted)
	o.fields = append(o.fields, fields...)
	o.fields = append(o.fields,
		moment("CreatedDate", "Created Date").readOnly(),
		ref("CreatedById", "Created By ID", "CreatedBy", "User").readOnly(),
		moment("LastModifiedDate", "Last Modified Date").readOnly(),
		ref("LastModifiedById", "Last Modified By ID", "LastModifiedBy", "User").readOnly(),
		moment("SystemModstamp", "System Modstamp").readOnly())
	o.index()
	return o
}

func (o *object) index() {
	o.byName, o.byRelation = make(map[string]*field), make(map[string]*field)
	for _, f := range o.fields {
		o.byName[strings.ToLower(f.name)] = f
		if f.relation != "" {
			o.byRelation[strings.ToLower(f.relation)] = f
		}
	}
}

func (o *object) cards(names ...string) *object { o.compact = names; return o }
func (o *object) form(names ...string) *object  { o.layout = names; return o }
func (o *object) named(field string) *object    { o.nameField = field; return o }
func (o *object) unsearchable() *object         { o.searchable = false; return o }
func (o *object) fixed() *object {
	o.createable, o.updateable, o.deletable = false, false, false
	return o.unsearchable()
}
func (o *object) parentOf(c ...child) *object { o.children = append(o.children, c...); return o }
func (o *object) drop(name string) {
	o.fields = slices.DeleteFunc(o.fields, func(f *field) bool { return strings.EqualFold(f.name, name) })
	o.index()
}

// fullSettings show everything that an org can have.
func fullSettings() Settings {
	set := Settings{CallKey: true, PersonAccounts: true}
	for _, name := range typed {
		set.RecordTypes = append(set.RecordTypes, RecordType{Object: name, DeveloperName: "Any"})
	}
	return set
}

// newSchema builds the objects of the org: settings decide whether the call key field is installed and what an
// admin has taken away ("CampaignMember" or "Task.Type").
func newSchema(set Settings) *schema {
	s := &schema{byName: make(map[string]*object), byKey: make(map[string]*object)}
	all := slices.Concat(crmObjects(), activityObjects(set.CallKey), setupObjects(), contentObjects(), customObjects(), linkObjects())
	if set.PersonAccounts {
		personAccounts(all)
	}
	for _, o := range all {
		if slices.ContainsFunc(set.typedObjects(), func(name string) bool { return strings.EqualFold(name, o.name) }) {
			o.fields = append(o.fields, ref("RecordTypeId", "Record Type ID", "RecordType", "RecordType"))
			o.index()
		}
		if slices.ContainsFunc(set.Without, func(w string) bool { return strings.EqualFold(w, o.name) }) {
			continue
		}
		for _, w := range set.Without {
			if obj, f, ok := strings.Cut(w, "."); ok && strings.EqualFold(obj, o.name) {
				o.drop(f)
			}
		}
		s.objects = append(s.objects, o)
		s.byName[strings.ToLower(o.name)] = o
		s.byKey[o.prefix] = o
	}
	return s
}
