package selftest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// cleanUpLimit bounds the whole deletion, which goes on when the test was given up.
const cleanUpLimit = time.Minute

// create makes a record with the marker, filled with what the object insists on, and notes it for deletion.
func (t *test) create(ctx context.Context, object string, values map[string]any) (string, error) {
	if !slices.Contains(t.touched, object) {
		t.touched = append(t.touched, object) // before the request: its reply may be lost
	}
	if d := t.desc[object]; d != nil {
		fill(d, values, t.marker, t.o.Now())
	}
	id, err := t.sf.Create(ctx, salesforce.Ident(object), values, &salesforce.DuplicateRule{AllowSave: true})
	if err == nil {
		t.made = append(t.made, made{object, id})
	}
	return id, err
}

// markedBy is the field of an object in which the marker stands.
func markedBy(object string) salesforce.Ident {
	switch object {
	case "Contact", "Lead":
		return "LastName"
	case "Task":
		return "Subject"
	}
	return "Name"
}

// leftOver is how old a record of an earlier test must be before this one deletes it: another test of the same user may be running.
const leftOver = time.Hour

// sweep finds records with the marker that nobody noted, because the reply to their creation was lost, and those that an earlier test
// of this user could not delete.
func (t *test) sweep(ctx context.Context) {
	for _, object := range t.touched {
		ours := salesforce.Like(markedBy(object), salesforce.StartsWith(t.marker))
		earlier := salesforce.And(salesforce.Like(markedBy(object), salesforce.StartsWith(marker+" ")), salesforce.Eq("CreatedById", salesforce.ID(t.sf.UserID())),
			salesforce.Lt("CreatedDate", salesforce.DateTime(t.o.Now().Add(-leftOver))))
		page, err := t.sf.Query(ctx, salesforce.Select("Id").From(salesforce.Ident(object)).Where(salesforce.Or(ours, earlier)).Limit(200))
		if err != nil {
			continue // what is noted is deleted all the same
		}
		for _, r := range page.Records {
			if !slices.ContainsFunc(t.made, func(m made) bool { return m.id[:15] == r.ID()[:min(15, len(r.ID()))] }) {
				t.made = append(t.made, made{object, r.ID()})
			}
		}
	}
}

// cleanUp deletes everything that was made, newest first, and says what is left.
func (t *test) cleanUp(ctx context.Context, out *Report) Result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	t.sweep(ctx)
	out.Made = len(t.made)
	left := slices.Clone(t.made)
	slices.Reverse(left)
	for round := range removeRounds {
		if len(left) == 0 || round > 0 && t.o.Sleep(ctx, time.Duration(round)*time.Second) != nil {
			break
		}
		out.Left = nil
		left = slices.DeleteFunc(left, func(m made) bool {
			err := t.remove(ctx, m)
			if err != nil {
				out.Left = append(out.Left, Left{m.object, m.id, t.sf.RecordURL(salesforce.Ident(m.object), m.id), text.Clean(line(err))})
			}
			return err == nil
		})
	}
	out.Deleted = out.Made - len(left)
	switch n := len(out.Left); {
	case out.Made == 0:
		return ok("nothing was made")
	case n > 0:
		return failedAs("%d of %d records could not be deleted: delete them by hand, they are listed below", n, out.Made)
	}
	return ok("%d records deleted", out.Deleted)
}

// removeRounds is how often a deletion is tried: rows are locked for moments, and replies are lost.
const removeRounds = 3

// remove deletes a record; one that is gone already, also with its parent, is deleted.
func (t *test) remove(ctx context.Context, m made) error {
	err := t.sf.Delete(ctx, salesforce.Ident(m.object), m.id)
	if salesforce.KindOf(err) == salesforce.KindStale {
		return nil
	}
	return err
}

// fill gives an object what it insists on and the test has not named. References cannot be made up: Salesforce then says what it wants.
func fill(d *salesforce.Describe, values map[string]any, marker string, now time.Time) {
	for _, f := range d.Fields {
		if _, given := values[f.Name]; given || !f.Createable || f.Nillable || f.Defaulted {
			continue
		}
		switch f.Type {
		case "picklist", "multipicklist", "combobox":
			for _, p := range f.Picklist {
				if p.Active {
					values[f.Name] = p.Value
					break
				}
			}
		case "string", "textarea", "encryptedstring":
			values[f.Name] = text.Clean(marker).Runes(max(1, f.Length)).String()
		case "email":
			values[f.Name] = "selftest@offhook.invalid"
		case "url":
			values[f.Name] = "https://offhook.invalid/"
		case "phone":
			values[f.Name] = "0"
		case "int", "double", "currency", "percent":
			values[f.Name] = 1
		case "date":
			values[f.Name] = now.Format(time.DateOnly)
		case "datetime":
			values[f.Name] = now.UTC().Format("2006-01-02T15:04:05.000Z")
		case "time":
			values[f.Name] = "12:00:00.000Z"
		}
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
