package crm

import (
	"context"
	"slices"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

const (
	maxLooked  = 50              // records that Salesforce is asked for
	lookedLife = 2 * time.Minute // how long its answer is used again
)

// Recents are the records that this user looked at last in Salesforce, whichever program showed them, newest first. Only what a call can
// be about is named: no users, reports or list views. It costs an API call every two minutes at most, and none once 80 % of the
// org's calls are used: then it is what was known before.
func (d *Directory) Recents(ctx context.Context) ([]Hit, error) {
	d.mu.Lock()
	known, at := d.looked, d.lookedAt
	d.mu.Unlock()
	if d.frugal() || !at.IsZero() && d.set.Now().Sub(at) < lookedLife {
		return slices.Clone(known), nil
	}
	rows, err := d.sf.Recent(ctx, maxLooked)
	d.noteLimit(err)
	if err != nil {
		return slices.Clone(known), lineError(err)
	}
	objects := append(d.objects(), "Case", "Opportunity", "Contact", "Lead", "Account")
	var hits []Hit
	for _, r := range rows {
		h := Hit{Ref: Ref{Type: r.Type(), ID: r.ID(), Name: text.Clean(r.Str("Name"))}}
		if h.Type == "Case" && h.Name.Empty() {
			h.Name = text.Clean(r.Str("CaseNumber"))
		}
		if slices.Contains(objects, h.Type) && salesforce.ValidID(h.ID) && !h.Name.Empty() {
			hits = append(hits, h)
		}
	}
	d.mu.Lock()
	d.looked, d.lookedAt = hits, d.set.Now()
	d.mu.Unlock()
	return slices.Clone(hits), nil
}
