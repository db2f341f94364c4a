package emulator

import (
	"net/http"
	"strings"
)

// The documented limits of one tree request.
const (
	maxTreeRecords = 200
	maxTreeTypes   = 5
	maxTreeDepth   = 5
)

// node is one record of a tree with the records below it.
type node struct {
	object *object
	ref    string
	fields map[string]any
	parent *node
	by     string // the field that holds the parent's id
	id     string
}

// tree is POST /composite/tree/<Type>: records with the records below them, all or none.
func (s *Server) tree(c *call, rest []string) (*reply, error) {
	if len(rest) != 1 {
		return nil, errNotFound()
	}
	if err := c.need(http.MethodPost); err != nil {
		return nil, err
	}
	o := s.store.schema.object(rest[0])
	if o == nil {
		return nil, errNotFound()
	}
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	var all []*node
	list, _ := body["records"].([]any)
	for _, r := range list {
		if err := s.grow(&all, o, r, nil, "", 1); err != nil {
			return nil, err
		}
	}
	types, refs := map[string]bool{}, map[string]bool{}
	for _, n := range all {
		types[n.object.name] = true
		if refs[n.ref] {
			return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Duplicate ReferenceId provided in the request: %s", n.ref)
		}
		refs[n.ref] = true
	}
	switch {
	case len(all) == 0:
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "The records list is empty")
	case len(all) > maxTreeRecords:
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The request can't have more than %d records", maxTreeRecords)
	case len(types) > maxTreeTypes:
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The request can't have records of more than %d types", maxTreeTypes)
	}
	undo, changes := s.store.mark()
	results := []any{}
	for _, n := range all {
		if n.parent != nil {
			n.fields[n.by] = n.parent.id
		}
		r, err := s.store.insert(n.object, n.fields, s.writer(c, n.object))
		if err != nil {
			s.store.rollback(undo, changes)
			return &reply{status: http.StatusBadRequest, body: map[string]any{"hasErrors": true, "results": []any{
				map[string]any{"referenceId": n.ref, "errors": []any{asAPIError(err).item("statusCode")}}}}}, nil
		}
		n.id = r.id
		results = append(results, map[string]any{"referenceId": n.ref, "id": r.id})
	}
	return &reply{status: http.StatusCreated, body: map[string]any{"hasErrors": false, "results": results}}, nil
}

// grow reads one record and, after it, what hangs below it.
func (s *Server) grow(all *[]*node, o *object, value any, parent *node, by string, depth int) error {
	in, isObject := value.(map[string]any)
	if !isObject {
		return fail(http.StatusBadRequest, "INVALID_INPUT", "A record of the tree is not an object")
	}
	if depth > maxTreeDepth {
		return fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The request can't be deeper than %d levels", maxTreeDepth)
	}
	if _, err := s.recordType(in, o); err != nil {
		return err
	}
	att, _ := in["attributes"].(map[string]any)
	ref, _ := att["referenceId"].(string)
	if ref == "" {
		return fail(http.StatusBadRequest, "INVALID_INPUT", "Include a referenceId for each record in the request.")
	}
	n := &node{object: o, ref: ref, fields: clean(in), parent: parent, by: by}
	*all = append(*all, n)
	for _, ch := range o.children {
		for k, v := range n.fields {
			below, isTree := v.(map[string]any)
			if !isTree || !strings.EqualFold(k, ch.relation) || s.store.schema.object(ch.object) == nil {
				continue
			}
			delete(n.fields, k)
			list, _ := below["records"].([]any)
			for _, r := range list {
				if err := s.grow(all, s.store.schema.object(ch.object), r, n, ch.field, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
