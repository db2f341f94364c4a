package main

import (
	"context"
	"encoding/json"
	"slices"

	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/desk"
)

// keptRecents are the records that were opened at this desk before, the last one first. What cannot be read is left out: a record is
// found again by searching.
func keptRecents(ctx context.Context, led *ledger.Ledger) (out []desk.Recent) {
	list, err := led.Kept(ctx, desk.RecentKind)
	if err != nil {
		return nil
	}
	for _, k := range slices.Backward(list) { // what was opened last comes last
		var r desk.Recent
		if json.Unmarshal(k.Value, &r) == nil && salesforce.ValidID(r.ID) && salesforce.Ident(r.Type).Valid() && len(out) < desk.MaxRecents {
			out = append(out, r)
		}
	}
	return out
}
