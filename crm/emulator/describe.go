package emulator

import (
	"fmt"
	"net/http"
	"strings"
)

// describe serves /sobjects/X/describe, …/layouts and …/compactLayouts[/primary].
func (s *Server) describe(c *call, o *object, rest []string) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return s.described304(c, func() any { return s.describeObject(c, o) }), nil
	}
	if !o.layoutable() {
		return nil, errNotFound()
	}
	switch strings.ToLower(rest[0]) {
	case "layouts":
		return s.layoutOf(c, o, rest[1:])
	case "compactlayouts":
		return s.compactLayoutsOf(c, o, rest[1:])
	}
	return nil, errNotFound()
}

// described304 answers with a description, or 304 when the client has it already: it changes with the org's settings only.
func (s *Server) described304(c *call, describe func() any) *reply {
	header := http.Header{"Last-Modified": {s.described.Format(http.TimeFormat)}}
	if t, err := http.ParseTime(c.header.Get("If-Modified-Since")); err == nil && !s.described.After(t) {
		return &reply{status: http.StatusNotModified, header: header}
	}
	return &reply{status: http.StatusOK, header: header, body: describe()}
}

func (s *Server) describeObject(c *call, o *object) map[string]any {
	d := objectSummary(c, o)
	fields := make([]any, 0, len(o.fields))
	for _, f := range o.fields {
		fields = append(fields, o.describeField(f))
	}
	children := []any{}
	for _, ch := range o.children {
		if s.store.schema.object(ch.object) == nil {
			continue
		}
		children = append(children, map[string]any{"cascadeDelete": false, "childSObject": ch.object, "deprecatedAndHidden": false, "field": ch.field,
			"junctionIdListNames": []any{}, "junctionReferenceTo": []any{}, "relationshipName": ch.relation, "restrictedDelete": false})
	}
	d["fields"], d["childRelationships"] = fields, children
	d["actionOverrides"], d["namedLayoutInfos"], d["supportedScopes"] = []any{}, []any{}, []any{}
	d["recordTypeInfos"] = s.recordTypeInfos(c, o)
	d["compactLayoutable"], d["searchLayoutable"], d["listviewable"], d["lookupLayoutable"] = o.layoutable(), o.searchable, nil, nil
	d["networkScopeFieldName"], d["defaultImplementation"], d["extendedBy"], d["extendsInterfaces"] = nil, nil, nil, nil
	d["implementedBy"], d["implementsInterfaces"], d["sobjectDescribeOption"] = nil, nil, "FULL"
	return d
}

func (o *object) describeField(f *field) map[string]any {
	length, digits, precision, scale := f.length, 0, 0, 0
	switch f.kind {
	case "int":
		digits = 8
	case "double", "currency":
		precision, scale = 18, 2
	case "percent":
		precision, scale = 3, 0
	}
	byteLength := length * 3
	if f.kind == "id" || f.kind == "reference" {
		byteLength = 18
	}
	var relation, def, extra, controller any
	if f.controller != "" {
		controller = f.controller
	}
	if f.relation != "" {
		relation = f.relation
	}
	if f.kind == "boolean" || f.def != nil {
		def = f.def
	}
	if f.kind == "textarea" {
		extra = "plaintextarea"
	}
	refs := f.refTo
	if refs == nil {
		refs = []string{}
	}
	return map[string]any{
		"aggregatable": f.filter, "aiPredictionField": false, "autoNumber": f.name == "CaseNumber", "byteLength": byteLength,
		"calculated": false, "calculatedFormula": nil, "cascadeDelete": false, "caseSensitive": false, "compoundFieldName": nil,
		"controllerName": controller, "createable": f.create, "custom": f.custom(), "defaultValue": def, "defaultValueFormula": nil,
		"defaultedOnCreate": f.def != nil || f.name == "OwnerId" || f.name == "Id", "dependentPicklist": f.controller != "", "deprecatedAndHidden": false,
		"digits": digits, "displayLocationInDecimal": false, "encrypted": false, "externalId": f.external, "extraTypeInfo": extra,
		"filterable": f.filter, "filteredLookupInfo": nil, "formulaTreatNullNumberAsZero": false, "groupable": f.filter && f.kind != "datetime",
		"highScaleNumber": false, "htmlFormatted": false, "idLookup": f.kind == "id" || f.external || f.kind == "email" || f.name == o.nameField,
		"inlineHelpText": nil, "label": f.label, "length": length, "mask": nil, "maskType": nil, "name": f.name, "nameField": f.name == o.nameField,
		"namePointing": len(f.refTo) > 1, "nillable": f.nillable, "permissionable": f.create && !f.required, "picklistValues": o.pickValues(f),
		"polymorphicForeignKey": len(f.refTo) > 1, "precision": precision, "queryByDistance": false, "referenceTargetField": nil, "referenceTo": refs,
		"relationshipName": relation, "relationshipOrder": nil, "restrictedDelete": false, "restrictedPicklist": f.restricted, "scale": scale,
		"searchPrefilterable": f.kind == "reference", "soapType": f.soapType(), "sortable": f.filter, "type": f.kind, "unique": f.unique,
		"updateable": f.update, "writeRequiresMasterRead": false,
	}
}

// item is one field on a layout; a reference shows its target's name.
func (o *object) item(name string, edit bool) map[string]any {
	f := o.field(name)
	if f == nil { // an admin has taken the field away: the layout loses it too
		return nil
	}
	return map[string]any{"editableForNew": f.create, "editableForUpdate": f.update, "label": strings.TrimSuffix(f.label, " ID"), "placeholder": false,
		"required": edit && f.required, "layoutComponents": []any{map[string]any{"behavior": nil, "details": o.describeField(f),
			"displayLines": 1, "tabOrder": 1, "type": "Field", "value": f.name}}}
}

func (o *object) items(names []string, edit bool) []any {
	out := []any{}
	for _, n := range names {
		if it := o.item(n, edit); it != nil {
			out = append(out, it)
		}
	}
	return out
}

func (o *object) compactLayout() map[string]any {
	names := o.compact
	if len(names) == 0 {
		names = []string{o.nameField}
	}
	return map[string]any{"actions": []any{}, "fieldItems": o.items(names, false), "id": compactID(o), "imageItems": []any{},
		"label": o.label + " Compact Layout", "name": fmt.Sprintf("Practice_%s_Layout", o.name), "objectType": o.name}
}

// layouts is the page layout: one section, one field per row.
func (o *object) layouts(*call) map[string]any {
	names := o.layout
	if names == nil {
		for _, f := range o.fields {
			if f.create && !f.system {
				names = append(names, f.name)
			}
		}
	}
	section := func(edit bool) []any {
		rows := []any{}
		for _, it := range o.items(names, edit) {
			rows = append(rows, map[string]any{"layoutItems": []any{it}, "numItems": 1})
		}
		return []any{map[string]any{"collapsed": false, "columns": 1, "heading": o.label + " Information", "layoutRows": rows,
			"parentLayoutId": layoutID(o), "rows": len(rows), "tabOrder": "LeftToRight", "useCollapsibleSection": false, "useHeading": true}}
	}
	return map[string]any{"buttonLayoutSection": nil, "detailLayoutSections": section(false), "editLayoutSections": section(true), "feedView": nil,
		"highlightsPanelLayoutSection": nil, "id": layoutID(o), "multirowEditLayoutSections": []any{}, "offlineLinks": []any{},
		"quickActionList": map[string]any{"quickActionListItems": []any{}}, "relatedContent": nil, "relatedLists": []any{}, "saveOptions": []any{}}
}
