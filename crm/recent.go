package crm

import (
	"slices"
	"time"

	"offhook/crm/number"
	"offhook/internal/text"
)

// cached returns a number's last result while it is fresh; how long that is depends on what is left of the API calls.
func (d *Directory) cached(key string, forRecord bool) (cachedLookup, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.cache[key]
	if !ok || d.set.Now().Sub(c.at) > d.cacheLife(c, forRecord) {
		return cachedLookup{}, false
	}
	return c, true
}

// keep remembers a number's result; the oldest makes room.
func (d *Directory) keep(key string, c cachedLookup) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.cache) >= maxCached {
		oldest, at := "", c.at
		for k, e := range d.cache {
			if oldest == "" || e.at.Before(at) {
				oldest, at = k, e.at
			}
		}
		delete(d.cache, oldest)
	}
	d.cache[key] = c
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

// recentFor returns the remembered records of the objects on which the number stands.
func (d *Directory) recentFor(num number.Number, objects []string) []Hit {
	d.mu.Lock()
	list := slices.Clone(d.recent)
	now := d.set.Now()
	d.mu.Unlock()
	var out []Hit
	for _, r := range list {
		if now.Sub(r.at) > d.rememberFor() || !slices.Contains(objects, r.hit.Type) {
			continue
		}
		for _, p := range r.phones {
			if num.Agrees(p) == number.Agrees {
				h := r.hit
				h.Phone = text.Clean(p)
				out = append(out, h)
				break
			}
		}
	}
	return out
}

// dateText shows a Salesforce date or date-time in the desk's zone.
func (d *Directory) dateText(kind, v string) string {
	if kind == "datetime" {
		for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.In(d.set.Zone()).Format("2006-01-02 15:04")
			}
		}
	}
	return v
}
