package emulator

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// layoutOf serves /sobjects/X/describe/layouts[/<record type>]. All record types share one page layout here; what differs is the
// values that their picklists offer.
func (s *Server) layoutOf(c *call, o *object, rest []string) (*reply, error) {
	mappings := s.mappings(c, o, "layoutId", layoutID(o))
	switch len(rest) {
	case 0:
		return ok(map[string]any{"layouts": []any{o.layouts(c)}, "recordTypeMappings": mappings, "recordTypeSelectorRequired": []any{len(mappings) > 2}}), nil
	case 1:
		if slices.ContainsFunc(mappings, func(m map[string]any) bool { return sameID(m["recordTypeId"], rest[0]) }) {
			return ok(o.layouts(c)), nil
		}
	}
	return nil, errNotFound()
}

// compactLayoutsOf serves /sobjects/X/describe/compactLayouts[/primary].
func (s *Server) compactLayoutsOf(c *call, o *object, rest []string) (*reply, error) {
	switch {
	case len(rest) == 0:
		return ok(map[string]any{"compactLayouts": []any{o.compactLayout()}, "defaultCompactLayoutId": compactID(o),
			"recordTypeCompactLayoutMappings": s.mappings(c, o, "compactLayoutId", compactID(o)),
			"urls":                            map[string]any{"primary": c.data("/sobjects/" + o.name + "/describe/compactLayouts/primary")}}), nil
	case len(rest) == 1 && strings.EqualFold(rest[0], "primary"):
		return ok(o.compactLayout()), nil
	}
	return nil, errNotFound()
}

// mappings are the record types with the layout, or the compact layout, that each has. On page layouts they say which picklist values
// are offered.
func (s *Server) mappings(c *call, o *object, key, layout string) []map[string]any {
	var out []map[string]any
	for _, info := range s.recordTypeInfos(c, o) {
		m := info.(map[string]any)
		m[key], m[strings.TrimSuffix(key, "Id")+"Name"] = layout, nil
		m["urls"] = map[string]any{"layout": c.data("/sobjects/" + o.name + "/describe/layouts/" + m["recordTypeId"].(string))}
		if key == "layoutId" {
			m["picklistsForRecordType"] = s.picklistsFor(o, m["recordTypeId"].(string))
		}
		out = append(out, m)
	}
	return out
}

// picklistsFor are the values that an object's picklists offer for a record type; the master offers all.
func (s *Server) picklistsFor(o *object, id string) []any {
	_, kind := s.store.typeOfRecord(o, id)
	out := []any{}
	for _, f := range o.fields {
		if f.kind != "picklist" && f.kind != "multipicklist" {
			continue
		}
		var offered []string
		if kind != nil {
			for name, values := range kind.Picklists {
				if strings.EqualFold(name, f.name) {
					offered = values
				}
			}
		}
		values := slices.DeleteFunc(o.pickValues(f), func(v map[string]any) bool { return offered != nil && !slices.Contains(offered, v["value"].(string)) })
		out = append(out, map[string]any{"picklistName": f.name, "picklistValues": values})
	}
	return out
}

// pickValues are all values of a picklist.
func (o *object) pickValues(f *field) []map[string]any {
	values := []map[string]any{}
	for _, v := range f.values {
		values = append(values, map[string]any{"active": true, "defaultValue": v.def, "label": v.value, "validFor": o.validFor(f, v.value), "value": v.value})
	}
	return values
}

// depends makes a picklist depend on another: with says for which of the other's values each value is offered.
func (f *field) depends(controller string, with map[string][]string) *field {
	f.controller, f.with = controller, with
	return f
}

// validFor is the bitmap of the controlling values for which a value is offered, first value first, in base64; nil without a
// controller.
func (o *object) validFor(f *field, value string) any {
	controller := o.field(f.controller)
	if f.controller == "" || controller == nil {
		return nil
	}
	bits := make([]byte, (len(controller.values)+7)/8)
	for i, v := range controller.values {
		if slices.Contains(f.with[value], v.value) {
			bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	return base64.StdEncoding.EncodeToString(bits)
}

// sameID compares two ids, of 15 or 18 characters.
func sameID(a any, b string) bool {
	text, _ := a.(string)
	x, okX := canonicalID(text)
	y, okY := canonicalID(b)
	return okX && okY && x == y
}

const masterRecordType = "012000000000000AAA"

func layoutID(o *object) string  { return id18("00h" + idPod + "000000" + o.prefix) }
func compactID(o *object) string { return id18("0AH" + idPod + "000000" + o.prefix) }

// manyCompactLayouts is /compactLayouts?q=Account,Contact.
func (s *Server) manyCompactLayouts(c *call) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	out := make(map[string]any)
	for name := range strings.SplitSeq(c.query.Get("q"), ",") {
		o := s.store.schema.object(strings.TrimSpace(name))
		if o == nil || !o.layoutable() {
			return nil, fail(http.StatusBadRequest, "INVALID_TYPE", "sObject type '%s' is not supported.", strings.TrimSpace(name))
		}
		out[o.name] = o.compactLayout()
	}
	return ok(out), nil
}
