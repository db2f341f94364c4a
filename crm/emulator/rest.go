package emulator

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

const (
	oldestVersion = 50
	newestVersion = 68
)

// versions is GET /services/data.
func versions() []any {
	season := []string{"Winter", "Spring", "Summer"}
	out := []any{}
	for n := oldestVersion; n <= newestVersion; n++ {
		i := n - 50 // v50 is Winter '21
		v := fmt.Sprintf("%d.0", n)
		out = append(out, map[string]any{"label": fmt.Sprintf("%s '%d", season[i%3], 21+i/3), "url": "/services/data/v" + v, "version": v})
	}
	return out
}

// dispatch runs one call below /services/data/vXX.0. It needs the lock; the caller rolls back on an error.
func (s *Server) dispatch(c *call) (*reply, error) {
	if len(c.path) == 0 {
		return s.resources(c), nil
	}
	rest := c.path[1:]
	switch strings.ToLower(c.path[0]) {
	case "sobjects":
		return s.sobjects(c, rest)
	case "query", "queryall":
		return s.query(c, rest)
	case "search":
		return s.search(c, rest)
	case "parameterizedsearch":
		return s.parameterizedSearch(c)
	case "composite":
		return s.compositeRoot(c, rest)
	case "compactlayouts":
		return s.manyCompactLayouts(c)
	case "limits":
		return s.limits(c)
	case "recent":
		return s.recentItems(c)
	}
	return nil, errNotFound()
}

// need is the 405 of a call.
func (c *call) need(methods ...string) error {
	for _, m := range methods {
		if c.method == m || m == http.MethodGet && c.method == http.MethodHead {
			return nil
		}
	}
	return errMethod(c.method, methods...)
}

// resources is the resource map; identity is absolute, which jsforce needs.
func (s *Server) resources(c *call) *reply {
	m := map[string]any{"identity": c.base + "/id/" + s.org().id + "/" + c.user}
	for _, name := range []string{"sobjects", "query", "queryAll", "search", "parameterizedSearch", "composite", "limits", "recent", "compactLayouts"} {
		m[name] = c.data("/" + name)
	}
	return ok(m)
}

func (s *Server) limits(c *call) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	limit := func(max, remaining int) map[string]any { return map[string]any{"Max": max, "Remaining": remaining} }
	return ok(map[string]any{
		"DailyApiRequests":          limit(s.usage.max, s.usage.max-s.usage.used),
		"DailyAsyncApexExecutions":  limit(250000, 250000),
		"DailyBulkApiBatches":       limit(15000, 15000),
		"DataStorageMB":             limit(1024, 1020),
		"FileStorageMB":             limit(1024, 1024),
		"HourlyODataCallout":        limit(20000, 20000),
		"SingleEmail":               limit(5000, 5000),
		"ConcurrentAsyncGetReports": limit(200, 200),
	}), nil
}

func (s *Server) recentItems(c *call) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	limit := 200
	if v := c.query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, fail(http.StatusBadRequest, "INVALID_QUERY_LIMIT", "limit must be a positive number")
		}
		limit = min(limit, n)
	}
	out := []any{}
	for _, id := range s.store.recent {
		r := s.store.live(id)
		if r == nil || s.store.schema.object(r.table.object.name) == nil || len(out) == limit {
			continue
		}
		out = append(out, map[string]any{"attributes": attributes(c, r), "Id": r.id, "Name": r.fields[r.table.object.nameField]})
	}
	return ok(out), nil
}

func attributes(c *call, r *record) map[string]any {
	return map[string]any{"type": r.table.object.name, "url": c.data("/sobjects/" + r.table.object.name + "/" + r.id)}
}

// globalDescribe is GET /sobjects.
func (s *Server) globalDescribe(c *call) any {
	list := []any{}
	objects := append([]*object(nil), s.store.schema.objects...)
	sort.Slice(objects, func(i, j int) bool { return objects[i].name < objects[j].name })
	for _, o := range objects {
		list = append(list, objectSummary(c, o))
	}
	return map[string]any{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list}
}

func objectSummary(c *call, o *object) map[string]any {
	base := c.data("/sobjects/" + o.name)
	urls := map[string]any{"sobject": base, "describe": base + "/describe", "rowTemplate": base + "/{ID}"}
	if o.layoutable() {
		urls["layouts"], urls["compactLayouts"] = base+"/describe/layouts", base+"/describe/compactLayouts"
	}
	return map[string]any{"activateable": false, "associateEntityType": nil, "associateParentEntity": nil, "createable": o.createable, "custom": false,
		"customSetting": false, "deepCloneable": false, "deletable": o.deletable, "deprecatedAndHidden": false, "feedEnabled": o.searchable,
		"hasSubtypes": false, "isInterface": false, "isSubtype": false, "keyPrefix": o.prefix, "label": o.label, "labelPlural": o.plural,
		"layoutable": o.layoutable(), "mergeable": mayDuplicate(o.name), "mruEnabled": o.searchable, "name": o.name, "queryable": true,
		"replicateable": true, "retrieveable": true, "searchable": o.searchable, "triggerable": o.createable, "undeletable": o.deletable,
		"updateable": o.updateable, "urls": urls}
}

func (o *object) layoutable() bool { return o.createable || o.name == "User" }
