package emulator

import (
	"fmt"
	"net/http"
	"strings"
)

const maxCollection = 200

type collectionRequest struct {
	AllOrNone bool             `json:"allOrNone"`
	Records   []map[string]any `json:"records"`
	IDs       []string         `json:"ids"`
	Fields    []string         `json:"fields"`
}

// collections serves /composite/sobjects[/<Type>[/<external id field>]].
func (s *Server) collections(c *call, rest []string) (*reply, error) {
	if len(rest) == 0 && c.method == http.MethodDelete {
		return s.collectionDelete(c)
	}
	var o *object
	if len(rest) > 0 {
		if o = s.store.schema.object(rest[0]); o == nil {
			return nil, errNotFound()
		}
	}
	if len(rest) == 1 && c.method == http.MethodGet {
		return s.collectionRetrieve(c, o, splitList(c.query.Get("ids")), splitList(c.query.Get("fields")))
	}
	var req collectionRequest
	allowed := []string{http.MethodPost, http.MethodPatch, http.MethodDelete}
	switch {
	case len(rest) == 1:
		allowed = []string{http.MethodGet, http.MethodPost}
	case len(rest) == 2:
		allowed = []string{http.MethodPatch}
	case len(rest) > 2:
		return nil, errNotFound()
	}
	if err := c.need(allowed...); err != nil {
		return nil, err
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if len(rest) == 1 {
		return s.collectionRetrieve(c, o, req.IDs, req.Fields)
	}
	if len(req.Records) == 0 {
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "The records list is empty")
	}
	var key *field
	if len(rest) == 2 {
		if key = o.field(rest[1]); key == nil || !key.external && key.kind != "id" {
			return nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", rest[1])
		}
	}
	return s.each(len(req.Records), req.AllOrNone, func(i int) (map[string]any, error) {
		body := req.Records[i]
		t, err := s.recordType(body, o)
		if err != nil {
			return nil, err
		}
		switch {
		case key != nil:
			return s.collectionUpsert(c, t, key, clean(body))
		case c.method == http.MethodPost:
			r, err := s.store.insert(t, clean(body), s.writer(c, t))
			if err != nil {
				return nil, err
			}
			return map[string]any{"id": r.id}, nil
		}
		id, rest := takeKey(body, "id")
		r, err := s.rowOf(t, id)
		if err != nil {
			return nil, err
		}
		return map[string]any{"id": r.id}, s.store.update(r, rest, s.writer(c, t))
	})
}

// recordType finds a record's object in its attributes.
func (s *Server) recordType(body map[string]any, given *object) (*object, error) {
	att, _ := body["attributes"].(map[string]any)
	name, _ := att["type"].(string)
	o := s.store.schema.object(name)
	switch {
	case given != nil && (name == "" || o == given):
		return given, nil
	case name == "":
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "The type attribute is missing in a record")
	case o == nil || given != nil:
		return nil, fail(http.StatusBadRequest, "INVALID_TYPE", "sObject type '%s' is not supported.", name)
	}
	return o, nil
}

// takeKey separates one value, named without case, from a body.
func takeKey(body map[string]any, name string) (string, map[string]any) {
	rest := clean(body)
	for k, v := range rest {
		if strings.EqualFold(k, name) {
			delete(rest, k)
			if v == nil {
				return "", rest
			}
			return fmt.Sprint(v), rest
		}
	}
	return "", rest
}

func (s *Server) rowOf(o *object, id string) (*record, error) {
	if id == "" {
		return nil, badField("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
	}
	key, valid := canonicalID(id)
	if !valid || key[:3] != o.prefix {
		return nil, badField("MALFORMED_ID", "bad id "+id, "Id")
	}
	r := s.store.find(id)
	if r == nil {
		return nil, badField("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	}
	if r.deleted {
		return nil, errDeleted()
	}
	return r, nil
}

// collectionUpsert differs from the single upsert: the record carries its key.
func (s *Server) collectionUpsert(c *call, o *object, key *field, body map[string]any) (map[string]any, error) {
	value, rest := takeKey(body, key.name)
	if key.kind == "id" && value != "" {
		r, err := s.rowOf(o, value)
		if err != nil {
			return nil, err
		}
		return map[string]any{"id": r.id, "created": false}, s.store.update(r, rest, s.writer(c, o))
	}
	if value == "" && key.kind != "id" {
		return nil, badField("MISSING_ARGUMENT", key.name+" not specified", key.name)
	}
	if found := s.withKey(o, key, value); len(found) == 1 {
		return map[string]any{"id": found[0].id, "created": false}, s.store.update(found[0], rest, s.writer(c, o))
	} else if len(found) > 1 {
		return nil, badField("DUPLICATE_EXTERNAL_ID", fmt.Sprintf("%s: more than one record found for external id field: [%s, %s]", key.label, found[0].id, found[1].id), key.name)
	}
	if value != "" {
		rest[key.name] = value
	}
	r, err := s.store.insert(o, rest, s.writer(c, o))
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": r.id, "created": true}, nil
}

// each runs up to 200 writes; a failed one is taken back alone, or all of them with allOrNone.
func (s *Server) each(n int, allOrNone bool, write func(i int) (map[string]any, error)) (*reply, error) {
	if n > maxCollection {
		return nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than %d records in this call", maxCollection)
	}
	undo, changes := s.store.mark()
	results := make([]any, n)
	failures := make([]bool, n)
	failed := false
	for i := range n {
		mu, mc := s.store.mark()
		result, err := write(i)
		if err != nil {
			s.store.rollback(mu, mc)
			results[i] = map[string]any{"success": false, "errors": []any{asAPIError(err).item("statusCode")}}
			failures[i], failed = true, true
			continue
		}
		result["success"], result["errors"] = true, []any{}
		results[i] = result
	}
	if failed && allOrNone {
		s.store.rollback(undo, changes)
		for i := range results {
			if !failures[i] {
				results[i] = map[string]any{"success": false, "errors": []any{map[string]any{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
					"message": "Record rolled back because not all records were valid and the request was using AllOrNone header", "fields": []string{}}}}
			}
		}
	}
	return ok(results), nil
}

func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (s *Server) collectionDelete(c *call) (*reply, error) {
	ids := splitList(c.query.Get("ids"))
	if len(ids) == 0 {
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "ids must be specified")
	}
	return s.each(len(ids), c.query.Get("allOrNone") == "true", func(i int) (map[string]any, error) {
		r := s.store.find(ids[i])
		if r == nil {
			if _, valid := canonicalID(ids[i]); !valid {
				return nil, badField("MALFORMED_ID", "bad id "+ids[i])
			}
			return nil, badField("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
		}
		return map[string]any{"id": r.id}, s.store.remove(r, s.writer(c, r.table.object))
	})
}

// collectionRetrieve renders many rows; one that does not exist is null.
func (s *Server) collectionRetrieve(c *call, o *object, ids, fields []string) (*reply, error) {
	if len(ids) == 0 || len(fields) == 0 {
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "ids and fields must be specified")
	}
	if len(ids) > 2000 {
		return nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "cannot retrieve more than 2000 records in this call")
	}
	out := []any{}
	for _, id := range ids {
		r := s.store.live(id)
		if r == nil || r.table.object != o {
			out = append(out, nil)
			continue
		}
		row, err := s.retrieve(c, r, strings.Join(fields, ","))
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return ok(out), nil
}
