package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"offhook/crm/ledger"
	"offhook/desk"
)

// keptDrafts are the forms of the last run that were not saved, oldest first. What cannot be read, or waits for too long, is forgotten.
func keptDrafts(ctx context.Context, led *ledger.Ledger, now time.Time) (out []desk.Draft) {
	list, err := led.Kept(ctx, desk.DraftKind)
	if err != nil {
		return nil
	}
	for _, k := range list {
		var d desk.Draft
		if json.Unmarshal(k.Value, &d) != nil || d.Key != k.Key || now.Sub(d.At) > desk.DraftsFor {
			_ = led.Unkeep(ctx, desk.DraftKind, k.Key) // a disk that refuses is asked again by the next run
			continue
		}
		out = append(out, d)
	}
	return out[max(len(out)-desk.MaxDrafts, 0):]
}

// draftWord tells of forms that wait; "" for none.
func draftWord(drafts []desk.Draft) string {
	drafts = slices.DeleteFunc(slices.Clone(drafts), func(d desk.Draft) bool { return d.Label.Empty() })
	if len(drafts) == 0 {
		return ""
	}
	d := drafts[len(drafts)-1]
	what := "a new " + d.Label.String()
	if !d.Record.Zero() {
		what = "a change of " + d.Record.Name.Or(d.Label).String()
	}
	if !d.About.Empty() && d.Record.Zero() {
		what += " (" + d.About.String() + ")"
	}
	if n := len(drafts) - 1; n > 0 {
		what += " and " + plural(n, "more form")
	}
	return "What you typed and did not save is still here: " + what + ". + goes on with it."
}
