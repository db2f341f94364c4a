package crm

import (
	"slices"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// cached returns a number's last result while it is fresh.
func (d *Directory) cached(num Number) (cachedLookup, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.cache[num.key()]
	if !ok || d.set.Now().Sub(c.at) > d.set.CacheFor {
		return cachedLookup{}, false
	}
	return c, true
}

// remember keeps a record that was opened or made here with its numbers: Salesforce's index shows it minutes later.
func (d *Directory) remember(h Hit, phones []string) {
	if h.Zero() || len(phones) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recent = slices.DeleteFunc(d.recent, func(r recentRecord) bool { return SameID(r.hit.ID, h.ID) })
	d.recent = append(d.recent, recentRecord{h, slices.Clone(phones), d.set.Now()})
	if len(d.recent) > maxRecent {
		d.recent = slices.Delete(d.recent, 0, len(d.recent)-maxRecent)
	}
}

// forget drops a record that turned out to be gone, and every cached result that may hold it.
func (d *Directory) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recent = slices.DeleteFunc(d.recent, func(r recentRecord) bool { return SameID(r.hit.ID, id) })
	clear(d.cache)
}

// recentFor returns the remembered records of a looked-up object on which the number stands.
func (d *Directory) recentFor(num Number) []Hit {
	d.mu.Lock()
	list := slices.Clone(d.recent)
	now := d.set.Now()
	d.mu.Unlock()
	var out []Hit
	for _, r := range list {
		if now.Sub(r.at) > recentFor || !slices.Contains(d.set.Objects, r.hit.Type) {
			continue
		}
		for _, p := range r.phones {
			if num.Agrees(p) == Agrees {
				h := r.hit
				h.Phone = text.Clean(p)
				out = append(out, h)
				break
			}
		}
	}
	return out
}

// resting tells why lookups stop for now: the last API calls of the day are kept for call records.
func (d *Directory) resting() (string, bool) {
	d.mu.Lock()
	till := d.restTill
	d.mu.Unlock()
	switch {
	case d.set.Now().Before(till):
		return "Salesforce's API calls for today are used up: search by name in the browser; call records wait safely", true
	case d.sf.Budget().Critical():
		return "95 % of Salesforce's API calls for today are used: the rest is kept for call records", true
	}
	return "", false
}

func (d *Directory) noteLimit(err error) {
	if salesforce.KindOf(err) != salesforce.KindLimit {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restTill = d.set.Now().Add(limitPause)
}

// dateText shows a Salesforce date or date-time in the desk's zone.
func (d *Directory) dateText(kind, v string) string {
	if kind == "datetime" {
		for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.In(d.set.Zone).Format("2006-01-02 15:04")
			}
		}
	}
	return v
}
