package crm

import (
	"time"

	"offhook/crm/salesforce"
)

// How lookups live on what is left of the org's API calls. Call records never ask here: they are always sent.
const (
	tightHits    = time.Hour        // from 80 % on a number that was found is not looked up again for so long …
	tightNone    = 10 * time.Minute // … and one that nobody has: a record may have been made meanwhile
	criticalHits = 24 * time.Hour   // from 95 % on only what is remembered is shown
	budgetAsk    = 10 * time.Minute // the org's count is 24 hours sliding: one lookup in so long is let through to learn it anew
	limitPause   = time.Minute      // after the first REQUEST_LIMIT_EXCEEDED, doubled with each more …
	restLast     = time.Hour        // … up to this
)

// lines of a lookup that is not made.
const (
	restLimit    = "Salesforce's API calls for today are used up: search by name in the browser; call records wait safely"
	restCritical = "95 % of Salesforce's API calls for today are used: only callers who were looked up before are shown; records are still sent"
)

// rest is what Salesforce's limits have taught: no lookups before till.
type rest struct {
	till  time.Time
	pause time.Duration // the last one; 0 after a lookup that worked
	asked time.Time     // when a lookup was last let through although the budget is critical
}

// frugal reports that what is optional and costs a call of its own is left out: 80 % of the org's calls are used.
func (d *Directory) frugal() bool { return d.sf.Budget().Tight() }

// cacheLife is how long a lookup's result is used again. A record's own lookup never takes an older one than usual: whom the
// record belongs to is worth a call.
func (d *Directory) cacheLife(c cachedLookup, forRecord bool) time.Duration {
	b := d.sf.Budget()
	switch {
	case forRecord || !b.Tight():
		return d.set.CacheFor
	case len(c.hits) == 0:
		return max(d.set.CacheFor, tightNone)
	case b.Critical():
		return max(d.set.CacheFor, criticalHits)
	}
	return max(d.set.CacheFor, tightHits)
}

// resting tells why lookups stop for now: the last API calls of the day are kept for call records.
func (d *Directory) resting() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.set.Now()
	switch {
	case now.Before(d.rest.till):
		return restLimit, true
	case !d.sf.Budget().Critical():
		return "", false
	case d.rest.asked.IsZero():
		d.rest.asked = now // the budget has just become critical: the reply that said so is fresh
		return restCritical, true
	case now.Sub(d.rest.asked) >= budgetAsk:
		d.rest.asked = now
		return "", false
	}
	return restCritical, true
}

// noteLimit takes the outcome of a lookup: REQUEST_LIMIT_EXCEEDED stops lookups for a while, longer each time; an answer ends
// that.
func (d *Directory) noteLimit(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.rest.pause = 0
		if !d.sf.Budget().Critical() {
			d.rest.asked = time.Time{}
		}
	case salesforce.KindOf(err) == salesforce.KindLimit:
		d.rest.pause = min(max(2*d.rest.pause, limitPause), restLast)
		d.rest.till = d.set.Now().Add(d.rest.pause)
	}
}
