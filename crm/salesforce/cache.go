package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// describeFresh is how long a description is used without asking whether it changed; longer while API calls are short, because
// asking is a call too.
const (
	describeFresh    = 15 * time.Minute
	describeTight    = 4 * time.Hour
	describeCritical = 24 * time.Hour
)

// describeWhole is after how long a description is read whole although Salesforce would say that it has not changed: its documentation
// speaks of the object's metadata, and what a user may see can change without it.
const describeWhole = 24 * time.Hour

func (c *Client) freshFor() time.Duration {
	switch b := c.Budget(); {
	case b.Critical():
		return describeCritical
	case b.Tight():
		return describeTight
	}
	return describeFresh
}

// conditional reads something about an object through memory and disk, asking Salesforce only whether it changed
// (If-Modified-Since). An outage leaves the old one in use.
func conditional[W, T any](ctx context.Context, c *Client, cc *cache[T], object Ident, suffix string, convert func(*W) *T) (*T, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	now := c.o.App.now()
	old, have := cc.get(object)
	path := ""
	if t, err := c.session.stored(ctx); err == nil {
		path = c.disk.file(t, object, suffix)
	}
	if !have {
		old, have = fromDisk(ctx, c, path, convert)
		if have {
			cc.put(object, old)
		}
	}
	if have && now.Sub(old.checked) < c.freshFor() {
		return old.value, nil
	}
	var h http.Header
	if have && old.lastModified != "" && now.Sub(old.read) < describeWhole {
		h = http.Header{"If-Modified-Since": {old.lastModified}}
	}
	var w W
	r, err := c.do(ctx, call{method: http.MethodGet, path: "/sobjects/" + string(object) + suffix, header: h, into: &w})
	switch {
	case err != nil && have && KindOf(err) != KindUnlicensed && KindOf(err) != KindStale:
		return old.value, nil
	case err != nil:
		return nil, err
	case r.status == http.StatusNotModified && have:
		old.checked = now
		cc.put(object, old)
		if e, ok := c.disk.load(path); ok {
			e.Checked = now
			c.disk.save(path, e)
		}
		return old.value, nil
	}
	e := cached[T]{value: convert(&w), lastModified: r.header.Get("Last-Modified"), checked: now, read: now}
	cc.put(object, e)
	if v := c.version.Load(); v != nil {
		c.disk.save(path, diskEntry{Version: *v, LastModified: e.lastModified, Checked: now, Read: now, Body: r.body})
	}
	return e.value, nil
}

// fromDisk reads what an earlier run learnt. Another API version describes more: then it is used only while Salesforce is away.
func fromDisk[W, T any](ctx context.Context, c *Client, path string, convert func(*W) *T) (cached[T], bool) {
	e, ok := c.disk.load(path)
	if !ok {
		return cached[T]{}, false
	}
	var w W
	d := json.NewDecoder(bytes.NewReader(e.Body))
	d.UseNumber()
	if d.Decode(&w) != nil {
		return cached[T]{}, false
	}
	if w, ok := any(&w).(interface{ whole() bool }); ok && !w.whole() {
		return cached[T]{}, false
	}
	out := cached[T]{value: convert(&w), lastModified: e.LastModified, checked: e.Checked, read: e.Read}
	if v, err := c.Version(ctx); err == nil && v != e.Version {
		out.lastModified, out.checked = "", time.Time{}
	}
	return out, true
}

// cache holds one described thing per object, with what a conditional request needs.
type cache[T any] struct {
	mu sync.Mutex
	m  map[Ident]*cached[T]
}

type cached[T any] struct {
	value        *T
	lastModified string
	checked      time.Time // when Salesforce was last asked
	read         time.Time // when it came whole
}

func (c *cache[T]) get(k Ident) (cached[T], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[k]
	if !ok {
		return cached[T]{}, false
	}
	return *e, true
}

func (c *cache[T]) put(k Ident, e cached[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[Ident]*cached[T])
	}
	c.m[k] = &e
}

func (c *cache[T]) drop(k Ident) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, k)
}

func (c *cache[T]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.m)
}
