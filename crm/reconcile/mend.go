package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Mended is what came of mending one finding.
type Mended struct {
	Finding
	Done bool      `json:"done"`
	Line text.Text `json:"line"` // what was done, or why not
}

// Mend mends findings, of any kinds, in the order given; a person has agreed to each. Missing and Unsent are put into the queue again: the sender does the rest. Of
// Doubled, those Tasks are deleted that nobody has worked on. Different and Edited get the fields that the call had. Every Task is
// read again before it is changed: one that is not as it was when it was compared stays. Unknown is nothing to mend.
func (r *Reconciler) Mend(ctx context.Context, findings []Finding) (out []Mended, err error) {
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	var fields, doubles []Finding
	for _, f := range findings {
		switch f.Kind {
		case Missing:
			out = append(out, here(f, r.o.Ledger.Resend(ctx, f.Key, text.Clean("its Task is not in Salesforce")), "is sent again"))
		case Unsent:
			out = append(out, here(f, r.o.Ledger.Retry(ctx, f.Key), "is due now"))
		case Arrived:
			err := r.o.Ledger.MarkSent(ctx, f.Key, f.Task.ID)
			if dup := (*ledger.DuplicateError)(nil); errors.As(err, &dup) {
				err = nil // it was sent meanwhile, as another: the next run tells
			}
			out = append(out, here(f, err, "is noted as sent"))
		case Doubled:
			doubles = append(doubles, f)
		case Different, Edited:
			fields = append(fields, f)
		default:
			out = append(out, Mended{Finding: f, Line: text.Clean("nothing can be mended here")})
		}
	}
	for chunk := range slices.Chunk(fields, salesforce.MaxCollection) {
		done, err := r.put(ctx, chunk)
		if out = append(out, done...); err != nil {
			return out, err
		}
	}
	for chunk := range slices.Chunk(doubles, salesforce.MaxCollection/4) {
		done, err := r.delete(ctx, chunk)
		if out = append(out, done...); err != nil {
			return out, err
		}
	}
	return out, nil
}

func here(f Finding, err error, line string) Mended {
	if err != nil {
		return Mended{Finding: f, Line: text.Clean(err.Error())}
	}
	return Mended{Finding: f, Done: true, Line: text.Clean(line)}
}

const (
	changedMeanwhile = "was changed in Salesforce meanwhile: compare again"
	goneMeanwhile    = "is not in Salesforce any more: compare again"
)

// fresh reads Tasks again; those that are gone are not there.
func (r *Reconciler) fresh(ctx context.Context, ids []string) (map[string]TaskRow, error) {
	out := map[string]TaskRow{}
	for chunk := range slices.Chunk(ids, 200) {
		var list []salesforce.Literal
		for _, id := range chunk {
			list = append(list, salesforce.ID(id))
		}
		for row, err := range r.o.Client.All(ctx, salesforce.Select(r.read...).From("Task").Where(salesforce.In("Id", list...))) {
			if err != nil {
				return nil, err
			}
			if t, ok := r.row(row); ok {
				out[t.ID[:15]] = t
			}
		}
	}
	return out, nil
}

// put writes the fields as the calls had them.
func (r *Reconciler) put(ctx context.Context, list []Finding) (out []Mended, err error) {
	var ids []string
	for _, f := range list {
		ids = append(ids, f.Task.ID)
	}
	now, err := r.fresh(ctx, ids)
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	var sent []Finding
	for _, f := range list {
		t, ok := now[f.Task.ID[:15]]
		switch {
		case !ok:
			out = append(out, Mended{Finding: f, Line: text.Clean(goneMeanwhile)})
		case t.stamp != f.Task.stamp:
			out = append(out, Mended{Finding: f, Line: text.Clean(changedMeanwhile)})
		default:
			row := map[string]any{"Id": f.Task.ID}
			for name, v := range f.want {
				row[name] = v
			}
			rows, sent = append(rows, row), append(sent, f)
		}
	}
	if len(rows) == 0 {
		return out, nil
	}
	results, err := r.o.Client.UpdateMany(ctx, "Task", rows, false)
	if err != nil {
		return out, err
	}
	for i, f := range sent {
		out = append(out, told(f, results[i].Err(), "says again what the call was"))
	}
	return out, nil
}

// delete removes doubles that nobody has worked on.
func (r *Reconciler) delete(ctx context.Context, list []Finding) (out []Mended, err error) {
	var ids []string
	for _, f := range list {
		ids = append(ids, f.Task.ID)
		for _, t := range f.Deletable() {
			ids = append(ids, t.ID)
		}
	}
	now, err := r.fresh(ctx, ids)
	if err != nil {
		return nil, err
	}
	type part struct {
		f   Finding
		ids []string
	}
	var parts []part
	for _, f := range list {
		p := part{f: f}
		_, stays := now[f.Task.ID[:15]]
		reason := ""
		for _, t := range f.Deletable() {
			n, there := now[t.ID[:15]]
			switch {
			case !stays:
				reason = goneMeanwhile
			case !there: // somebody was quicker
			case n.stamp != t.stamp || n.Touched:
				reason = changedMeanwhile
			default:
				p.ids = append(p.ids, t.ID)
			}
		}
		switch {
		case len(f.Deletable()) < len(f.More) && len(p.ids) == 0:
			out = append(out, Mended{Finding: f, Line: text.Clean("somebody has worked on both: decide in Salesforce")})
		case reason != "":
			out = append(out, Mended{Finding: f, Line: text.Clean(reason)})
		case len(p.ids) == 0:
			out = append(out, Mended{Finding: f, Done: true, Line: text.Clean("the double is gone already")})
		default:
			parts = append(parts, p)
		}
	}
	for len(parts) > 0 {
		var batch []string
		n := 0
		for n < len(parts) && (n == 0 || len(batch)+len(parts[n].ids) <= salesforce.MaxCollection) {
			batch = append(batch, parts[n].ids...)
			n++
		}
		failed := map[string]error{}
		for chunk := range slices.Chunk(batch, salesforce.MaxCollection) {
			results, err := r.o.Client.DeleteMany(ctx, chunk, false)
			if err != nil {
				return out, err
			}
			for i, res := range results {
				if err := res.Err(); err != nil && salesforce.KindOf(err) != salesforce.KindStale {
					failed[chunk[i]] = err
				}
			}
		}
		for _, p := range parts[:n] {
			var err error
			for _, id := range p.ids {
				err = errors.Join(err, failed[id])
			}
			word := "the double is deleted"
			if len(p.ids) > 1 {
				word = fmt.Sprintf("%d doubles are deleted", len(p.ids))
			}
			if len(p.ids) < len(p.f.More) {
				word += ", what somebody has worked on stays"
			}
			out = append(out, told(p.f, err, word))
		}
		parts = parts[n:]
	}
	return out, nil
}

func told(f Finding, err error, line string) Mended {
	if err != nil {
		return Mended{Finding: f, Line: text.Clean("Salesforce refused it: " + salesforce.Line(err))}
	}
	return Mended{Finding: f, Done: true, Line: text.Clean(line)}
}

// Budget is ErrBudget when the org's API calls are nearly used up.
func (r *Reconciler) Budget(ctx context.Context) error {
	if _, err := r.o.Client.User(ctx); err != nil {
		return err
	}
	if r.o.Client.Budget().Critical() {
		return ErrBudget
	}
	return nil
}

var _ Ledger = (*ledger.Ledger)(nil)
