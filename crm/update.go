package crm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// maxMerges bounds how often a change is made anew because somebody else keeps writing the same record.
const maxMerges = 3

// FormUpdate changes a record: what differs between the values that were shown and those that are wanted.
type FormUpdate struct {
	Record Ref
	Base   map[string]string // as the form showed them
	Values map[string]string // as the agent wants them
	Since  string            // Form.Since
}

// changed are the values that the agent has changed.
func (u FormUpdate) changed() map[string]string {
	out := map[string]string{}
	for name, v := range u.Values {
		if strings.TrimSpace(v) != strings.TrimSpace(u.Base[name]) && !strings.HasPrefix(name, "$") && name != RecordTypeField {
			out[name] = v
		}
	}
	return out
}

// Update changes a record if nobody else has since it was read (If-Unmodified-Since). When somebody has, and in other fields, the change
// is made all the same; where both wrote the same field, the form comes back with both values and nothing was changed. What else
// Salesforce objects to comes back as from Create.
func (d *Directory) Update(ctx context.Context, u FormUpdate) (Ref, *Form, error) {
	bp, err := d.blueprint(ctx, u.Record.Type, true)
	if err != nil {
		return Ref{}, nil, err
	}
	ref, changed, since := u.Record, u.changed(), u.Since
	if len(changed) == 0 {
		return ref, nil, nil
	}
	form := d.makeForm(bp)
	form.Record, form.Since, form.Base = ref, since, u.Base
	form.take(u.Values)
	body, ok := d.bodyOf(bp, &form, d.withControllers(&form, changed, u.Values))
	if !ok {
		return Ref{}, &form, &LineError{Line: form.Error.String()}
	}
	for name := range body {
		if _, mine := changed[name]; !mine {
			delete(body, name)
		}
	}
	for range maxMerges {
		err = d.sf.Update(ctx, salesforce.Ident(ref.Type), ref.ID, body, notSince(form.Since))
		if salesforce.KindOf(err) != salesforce.KindConflict {
			break
		}
		rec, e := d.readFields(ctx, ref, bp)
		if e != nil {
			return Ref{}, nil, lineError(e)
		}
		if d.conflict(&form, bp, rec, u.Base, changed) {
			return Ref{}, &form, &LineError{Line: form.Error.String(), Err: err}
		}
	}
	if err != nil {
		err = d.updateError(err)
		return Ref{}, d.complain(&form, bp.desc, err), err
	}
	d.forget(ref.ID)
	name := bp.desc.NameField()
	if _, renamed := body["LastName"]; renamed || body["FirstName"] != nil {
		ref.Name = recordName(ref.Type, u.Values)
	} else if v, ok := body[name].(string); ok {
		ref.Name = text.Clean(v)
	}
	return ref, nil, nil
}

// withControllers adds the controlling values that did not change: without them nobody can say what is offered.
func (d *Directory) withControllers(form *Form, changed, all map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range changed {
		out[name] = v
		if fd := form.Field(name); fd != nil && fd.Controller != "" {
			if c := all[fd.Controller]; out[fd.Controller] == "" && c != "" {
				out[fd.Controller] = c
			}
		}
	}
	return out
}

// notSince is the moment of If-Unmodified-Since for a LastModifiedDate. The header knows whole seconds, so a change within the same
// second is not seen; zero, and so no condition, when the record has no such date.
func notSince(modified string) time.Time {
	t, ok := moments(modified)
	if !ok {
		return time.Time{}
	}
	return t.Add(time.Second - 1).Truncate(time.Second)
}

// conflict compares a record that somebody changed with what the agent wants, and brings the form up to date. True: both changed the
// same field.
func (d *Directory) conflict(form *Form, bp blueprint, rec salesforce.Record, base, changed map[string]string) bool {
	form.Since, form.Base = rec.Str("LastModifiedDate"), map[string]string{}
	var both []string
	for i := range form.Fields {
		fd := &form.Fields[i]
		desc, ok := bp.desc.Field(fd.Name)
		if !ok {
			continue
		}
		theirs := strings.TrimSpace(d.shownValue(desc, rec[desc.Name]))
		form.Base[fd.Name] = theirs
		mine, touched := changed[fd.Name]
		switch {
		case !touched:
			fd.Value = text.CleanBlock(theirs, maxValue) // nobody here has changed it
		case theirs != strings.TrimSpace(base[fd.Name]) && theirs != strings.TrimSpace(mine):
			fd.Theirs = text.Clean(theirs)
			fd.Error = text.Clean("somebody wrote " + or(fd.Theirs.Truncate(40).String(), "nothing") + " meanwhile")
			both = append(both, fd.Name)
		}
	}
	if len(both) == 0 {
		return false
	}
	form.Error = text.Clean(fmt.Sprintf("Somebody changed %s in Salesforce while you were typing. Nothing was saved: save again to keep yours", form.labels(both)))
	return true
}

func (d *Directory) updateError(err error) error {
	switch salesforce.KindOf(err) {
	case salesforce.KindAmbiguous:
		return &LineError{Line: "Salesforce did not answer: save again, the same change twice does no harm", Err: err}
	case salesforce.KindConflict:
		return &LineError{Line: "somebody keeps changing this record: save again in a moment", Err: err}
	case salesforce.KindTransient:
		return &LineError{Line: "Salesforce is busy or unreachable: nothing was saved, try again in a moment", Err: err}
	}
	return d.createError(err)
}
