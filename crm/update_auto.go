package crm

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/salesforce"
)

// UpdateErrand fills a record in from a call (ledger.Errand.Kind).
const UpdateErrand = "update"

// UpdatePolicy says what a call may change of the person that it belongs to.
type UpdatePolicy string

// Update policies.
const (
	UpdateLeave     UpdatePolicy = "leave"     // nothing
	UpdateOverwrite UpdatePolicy = "overwrite" // every field that the settings name
	UpdateAddOnly   UpdatePolicy = "add_only"  // those of them that are empty
)

// UpdateOrder is the payload of an UpdateErrand.
type UpdateOrder struct {
	Record Ref               `json:"record"`
	Policy UpdatePolicy      `json:"policy"`
	Fields map[string]string `json:"fields"` // as they would be typed
}

// UpdateAuto carries out errands of kind "update": it reads the record, keeps what the policy lets it change, and writes that only if
// nobody has written meanwhile (If-Unmodified-Since); else it reads and compares again. Repeating it does no harm.
func (d *Directory) UpdateAuto() ErrandFunc {
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		var o UpdateOrder
		if err := json.Unmarshal(e.Payload, &o); err != nil || !salesforce.ValidID(o.Record.ID) {
			return "", &RefusedError{Class: "payload", Line: "what was to be filled in cannot be read"}
		}
		bp, err := d.blueprint(ctx, o.Record.Type, true)
		if err != nil {
			if salesforce.KindOf(err) == salesforce.KindNone {
				return "", &RefusedError{Class: "permission", Line: err.Error()}
			}
			return "", err
		}
		for range maxMerges {
			var names []string
			if names, err = d.merge(ctx, bp, o); err == nil {
				if len(names) == 0 {
					return "nothing to add", nil
				}
				return "filled in " + strings.Join(names, ", "), nil
			}
			if salesforce.KindOf(err) != salesforce.KindConflict {
				break
			}
		}
		return "", err
	}
}

// merge writes once what the record lacks.
func (d *Directory) merge(ctx context.Context, bp blueprint, o UpdateOrder) ([]string, error) {
	rec, err := d.readFields(ctx, o.Record, bp)
	if err != nil {
		return nil, err
	}
	body := map[string]any{}
	for name, v := range o.Fields {
		f, ok := bp.desc.Field(name)
		v = strings.TrimSpace(v)
		if !ok || !f.Updateable || v == "" {
			continue
		}
		if f.Type == "phone" {
			n := d.numbers.Parse(v)
			if d.numbers.Parse(rec.Str(f.Name)).Agrees(v) == number.Agrees { // the same number, written otherwise
				continue
			}
			if s := n.Format(number.E164); !s.Empty() {
				v = s.String()
			}
		}
		jv, err := d.jsonValue(f, v)
		if err == nil {
			err = tooLong(f, jv)
		}
		if err != nil {
			continue // what a call tells is no reason to refuse the rest
		}
		have := rec[f.Name]
		if SameField(f.Name, have, jv) || o.Policy != UpdateOverwrite && have != nil && have != "" {
			continue
		}
		body[f.Name] = jv
	}
	if len(body) == 0 || o.Policy == UpdateLeave {
		return nil, nil
	}
	if err := d.sf.Update(ctx, salesforce.Ident(o.Record.Type), o.Record.ID, body, notSince(rec.Str("LastModifiedDate"))); err != nil {
		return nil, err
	}
	d.forget(o.Record.ID)
	return slices.Sorted(maps.Keys(body)), nil
}
