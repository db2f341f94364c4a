package main

import (
	"context"
	"encoding/json"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
)

// tellAmended tells the desk what other programs, as offhook amend, have changed in the records of the calls that it shows; it reports
// whether there was anything.
func tellAmended(ctx context.Context, led *ledger.Ledger, d *desk.Desk) (changed bool) {
	s := d.Snapshot()
	for i := range s.Calls {
		shown, ended := s.Calls[i].Ended()
		if !ended {
			continue
		}
		_, record, err := led.Latest(ctx, string(s.Calls[i].Key))
		if err != nil {
			continue // its end is about to be written, or it was purged
		}
		if now, ok := endedRecord(record); ok && !now.Same(shown) {
			d.Post(desk.Amended{Call: s.Calls[i].Key, Shown: shown, Ledger: now})
			changed = true
		}
	}
	return changed
}

// endedRecord reads what may be changed of a record; false for one of another version.
func endedRecord(raw json.RawMessage) (desk.EndedRecord, bool) {
	var rec struct {
		crm.CallRecord
		Frozen *crm.Association `json:"frozen"` // as the desk left it, where the sender had to change it
	}
	if json.Unmarshal(raw, &rec) != nil || rec.Version != 1 {
		return desk.EndedRecord{}, false
	}
	if rec.Frozen != nil {
		rec.Assoc = *rec.Frozen
	}
	return desk.EndedRecord{Notes: rec.Notes, Disposition: rec.Disposition, Assoc: rec.Assoc}, true
}
