package emulator

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sobjects serves /sobjects/….
func (s *Server) sobjects(c *call, rest []string) (*reply, error) {
	if len(rest) == 0 {
		if err := c.need(http.MethodGet); err != nil {
			return nil, err
		}
		return s.described304(c, func() any { return s.globalDescribe(c) }), nil
	}
	o := s.store.schema.object(rest[0])
	if o == nil {
		return nil, errNotFound()
	}
	rest = rest[1:]
	switch {
	case len(rest) == 0:
		return s.objectRoot(c, o)
	case strings.EqualFold(rest[0], "describe"):
		return s.describe(c, o, rest[1:])
	case len(rest) == 1:
		return s.row(c, o, rest[0])
	case len(rest) == 2 && o.field(rest[1]) != nil && o.field(rest[1]).kind == "base64":
		return s.blob(c, o, rest[0], o.field(rest[1]))
	case len(rest) == 2:
		return s.byKey(c, o, rest[0], rest[1])
	}
	return nil, errNotFound()
}

// objectRoot is GET (summary and recent items) and POST (create) on /sobjects/X.
func (s *Server) objectRoot(c *call, o *object) (*reply, error) {
	if err := c.need(http.MethodGet, http.MethodPost); err != nil {
		return nil, err
	}
	if c.method != http.MethodPost {
		recent := []any{}
		for _, id := range s.store.recent {
			if r := s.store.live(id); r != nil && r.table.object == o {
				recent = append(recent, map[string]any{"attributes": attributes(c, r), "Id": r.id, "Name": r.fields[o.nameField]})
			}
		}
		return ok(map[string]any{"objectDescribe": objectSummary(c, o), "recentItems": recent}), nil
	}
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	r, err := s.store.insert(o, body, s.writer(c, o))
	if err != nil {
		return nil, err
	}
	return created(c, r, false), nil
}

// writer is the identity and the circumstances of this call's writes to o.
func (s *Server) writer(c *call, o *object) *writer {
	header := strings.ToLower(strings.ReplaceAll(c.header.Get("Sforce-Duplicate-Rule-Header"), " ", ""))
	return &writer{user: c.user, lag: s.indexLag(o.name), guard: s.guard(c), allowSave: strings.Contains(header, "allowsave=true"),
		details: strings.Contains(header, "includerecorddetails=true")}
}

func created(c *call, r *record, upsert bool) *reply {
	body := map[string]any{"id": r.id, "success": true, "errors": []any{}}
	if upsert {
		body["created"] = true
	}
	return &reply{status: http.StatusCreated, header: http.Header{"Location": {c.data("/sobjects/" + r.table.object.name + "/" + r.id)}}, body: body}
}

// row is GET, PATCH and DELETE on /sobjects/X/<id>.
func (s *Server) row(c *call, o *object, id string) (*reply, error) {
	if err := c.need(http.MethodGet, http.MethodPatch, http.MethodDelete); err != nil {
		return nil, err
	}
	key, valid := canonicalID(id)
	if !valid || key[:3] != o.prefix {
		if valid && s.store.schema.byKey[key[:3]] != nil {
			return nil, badField("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
		}
		return nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", id)
	}
	r := s.store.get(s.store.tables[o.name], key)
	if r == nil {
		return nil, errNotFound()
	}
	if r.deleted {
		return nil, errDeleted()
	}
	if rep := conditional(c, r); rep != nil {
		return rep, nil
	}
	return s.onRow(c, r)
}

func (s *Server) onRow(c *call, r *record) (*reply, error) {
	switch c.method {
	case http.MethodPatch:
		body, err := c.object()
		if err != nil {
			return nil, err
		}
		if err := s.store.update(r, body, s.writer(c, r.table.object)); err != nil {
			return nil, err
		}
		return &reply{status: http.StatusNoContent}, nil
	case http.MethodDelete:
		if err := s.store.remove(r, s.writer(c, r.table.object)); err != nil {
			return nil, err
		}
		return &reply{status: http.StatusNoContent}, nil
	}
	body, err := s.retrieve(c, r, c.query.Get("fields"))
	if err != nil {
		return nil, err
	}
	s.store.touch(r)
	header := http.Header{"Last-Modified": {r.modified().Format(http.TimeFormat)}}
	if r.table.object.name == "Account" { // only Account rows have entity tags
		header.Set("ETag", r.etag())
	}
	return &reply{status: http.StatusOK, header: header, body: body}, nil
}

// retrieve renders one row with all fields, or those that are asked for, parents included.
func (s *Server) retrieve(c *call, r *record, fields string) (map[string]any, error) {
	out := map[string]any{"attributes": attributes(c, r)}
	if fields == "" {
		for _, f := range r.table.object.fields {
			out[f.name] = f.shown(c, r, r.fields[f.name])
		}
		return out, nil
	}
	for name := range strings.SplitSeq(fields, ",") {
		p, err := s.store.schema.resolve(r.table.object, strings.TrimSpace(name))
		if err != nil {
			return nil, badField("INVALID_FIELD", err.Error())
		}
		p.put(s.store, c, r, r.fields, out)
	}
	return out, nil
}

func (r *record) modified() time.Time {
	t, _ := parseMoment(r.str("LastModifiedDate"))
	return t.Truncate(time.Second)
}

func (r *record) etag() string {
	h := fnv.New64a()
	fmt.Fprint(h, r.id, r.str("SystemModstamp"))
	return strconv.Quote(strconv.FormatUint(h.Sum64(), 36))
}

// conditional answers 304 or 412 when the request's conditions say so.
func conditional(c *call, r *record) *reply {
	if r.table.object.name == "Account" {
		if m := c.header.Get("If-Match"); m != "" && m != "*" && !strings.Contains(m, r.etag()) {
			return preconditionFailed()
		}
		if m := c.header.Get("If-None-Match"); m != "" && strings.Contains(m, r.etag()) {
			return &reply{status: http.StatusNotModified}
		}
	}
	if t, err := http.ParseTime(c.header.Get("If-Unmodified-Since")); err == nil && r.modified().After(t) {
		return preconditionFailed()
	}
	if t, err := http.ParseTime(c.header.Get("If-Modified-Since")); err == nil && c.method == http.MethodGet && !r.modified().After(t) {
		return &reply{status: http.StatusNotModified}
	}
	return nil
}

func preconditionFailed() *reply {
	return errorReply(fail(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "The record has changed since the time or the version given"))
}

// byKey is everything on /sobjects/X/<external id field>/<value>: the upsert above all.
func (s *Server) byKey(c *call, o *object, name, value string) (*reply, error) {
	if err := c.need(http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodDelete); err != nil {
		return nil, err
	}
	f := o.field(name)
	if f == nil || !f.external && f.kind != "id" {
		return nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", name)
	}
	if f.kind == "id" {
		return s.row(c, o, value)
	}
	matches := s.withKey(o, f, value)
	if len(matches) > 1 {
		urls := []any{}
		for _, r := range matches {
			urls = append(urls, c.data("/sobjects/"+o.name+"/"+r.id))
		}
		return &reply{status: http.StatusMultipleChoices, body: urls}, nil
	}
	if c.method != http.MethodPatch {
		if c.method == http.MethodPost {
			return nil, errMethod(c.method, http.MethodGet, http.MethodPatch, http.MethodDelete)
		}
		if len(matches) == 0 {
			return nil, errNotFound()
		}
		return s.onRow(c, matches[0])
	}
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	for k := range body {
		if strings.EqualFold(k, f.name) || strings.EqualFold(k, "Id") {
			return nil, badField("INVALID_FIELD", fmt.Sprintf("The %s field should not be specified in the sobject data.", k), k)
		}
	}
	if len(matches) == 0 {
		if c.query.Get("updateOnly") == "true" {
			return nil, errNotFound()
		}
		body[f.name] = value
		r, err := s.store.insert(o, body, s.writer(c, o))
		if err != nil {
			return nil, err
		}
		return created(c, r, true), nil
	}
	if err := s.store.update(matches[0], body, s.writer(c, o)); err != nil {
		return nil, err
	}
	return ok(map[string]any{"id": matches[0].id, "success": true, "errors": []any{}, "created": false}), nil
}

// withKey finds the live rows whose external-id field has a value: several are possible when it is not unique.
func (s *Server) withKey(o *object, f *field, value string) []*record {
	if f.unique {
		if r := s.store.holder(s.store.tables[o.name], f, value); r != nil {
			return []*record{r}
		}
		return nil
	}
	var out []*record
	s.store.each(o.name, is(o, f.name, value), func(r *record) bool {
		if strings.EqualFold(r.str(f.name), value) && value != "" {
			out = append(out, r)
		}
		return true
	})
	return out
}

// clean is a copy of a body without the attributes that clients add.
func clean(body map[string]any) map[string]any {
	out := maps.Clone(body)
	delete(out, "attributes")
	return out
}
