package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// compositeRoot serves /composite and what is below it: graph, batch, tree, sobjects.
func (s *Server) compositeRoot(c *call, rest []string) (*reply, error) {
	switch {
	case len(rest) == 0:
		return s.composite(c)
	case len(rest) == 1 && strings.EqualFold(rest[0], "graph"):
		return s.graphs(c)
	case len(rest) == 1 && strings.EqualFold(rest[0], "batch"):
		return s.batch(c)
	case strings.EqualFold(rest[0], "tree"):
		return s.tree(c, rest[1:])
	case strings.EqualFold(rest[0], "sobjects"):
		return s.collections(c, rest[1:])
	}
	return nil, errNotFound()
}

type compositeRequest struct {
	AllOrNone          bool         `json:"allOrNone"`
	CollateSubrequests bool         `json:"collateSubrequests"`
	CompositeRequest   []subrequest `json:"compositeRequest"`
}

type subrequest struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Body        json.RawMessage   `json:"body"`
	HTTPHeaders map[string]string `json:"httpHeaders"`
}

const (
	maxSubrequests = 25
	maxHeavy       = 5 // query, queryAll and collections among them
)

var referenceID = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func (s *Server) composite(c *call) (*reply, error) {
	if err := c.need(http.MethodPost); err != nil {
		return nil, err
	}
	var req compositeRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if len(req.CompositeRequest) > maxSubrequests {
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of subrequests exceeds the limit of %d", maxSubrequests)
	}
	if err := checkSubrequests(req.CompositeRequest, maxHeavy); err != nil {
		return nil, err
	}
	results, _ := s.subrequests(c, req.CompositeRequest, req.AllOrNone)
	return ok(map[string]any{"compositeResponse": results}), nil
}

// checkSubrequests refuses a whole composite before any part of it runs.
func checkSubrequests(reqs []subrequest, heavy int) error {
	if len(reqs) == 0 {
		return fail(http.StatusBadRequest, "INVALID_INPUT", "No subrequests specified")
	}
	seen := make(map[string]bool)
	for i, r := range reqs {
		switch {
		case !referenceID.MatchString(r.ReferenceID):
			return fail(http.StatusBadRequest, "INVALID_INPUT", "Invalid reference ID '%s' in subrequest %d: use letters, digits and underscores", r.ReferenceID, i)
		case seen[r.ReferenceID]:
			return fail(http.StatusBadRequest, "INVALID_INPUT", "Duplicate reference ID found: '%s'", r.ReferenceID)
		}
		seen[r.ReferenceID] = true
		path, _, _ := strings.Cut(strings.ToLower(r.URL), "?")
		if strings.Contains(path, "/query") || strings.Contains(path, "/composite/sobjects") {
			if heavy--; heavy < 0 {
				return fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of query, queryAll and sObject collection subrequests exceeds the limit of %d", maxHeavy)
			}
		}
	}
	return nil
}

// subrequests runs them in order and reports whether all succeeded. With allOrNone a failure takes all back.
func (s *Server) subrequests(c *call, reqs []subrequest, allOrNone bool) ([]any, bool) {
	undo, changes := s.store.mark()
	results := make([]any, 0, len(reqs))
	replies := make(map[string]any)
	failed := -1
	for i, r := range reqs {
		rep := s.subrequest(c, r, replies)
		if rep.status >= 400 {
			if failed < 0 {
				failed = i
			}
		} else {
			replies[r.ReferenceID] = jsonValue(rep.body)
		}
		header := map[string]any{}
		for k := range rep.header {
			header[k] = rep.header.Get(k)
		}
		results = append(results, map[string]any{"body": rep.body, "httpHeaders": header, "httpStatusCode": rep.status, "referenceId": r.ReferenceID})
		if failed >= 0 && allOrNone {
			break
		}
	}
	if failed < 0 || !allOrNone {
		return results, failed < 0
	}
	s.store.rollback(undo, changes)
	for i, r := range reqs {
		if i == failed {
			continue
		}
		halted := haltedResult(r, "The transaction was rolled back since another operation in the same transaction failed.")
		if i < len(results) {
			results[i] = halted
		} else {
			results = append(results, halted)
		}
	}
	return results, false
}

// haltedResult is the result of a subrequest that was not carried out, or taken back.
func haltedResult(r subrequest, why string) map[string]any {
	return map[string]any{"body": []any{map[string]any{"errorCode": "PROCESSING_HALTED", "message": why}},
		"httpHeaders": map[string]any{}, "httpStatusCode": http.StatusBadRequest, "referenceId": r.ReferenceID}
}

// subrequest runs one subrequest of a composite.
func (s *Server) subrequest(c *call, r subrequest, replies map[string]any) *reply {
	halted := func(err error) *reply {
		return errorReply(fail(http.StatusBadRequest, "PROCESSING_HALTED", "Invalid reference specified. %s", err))
	}
	target, err := resolveText(r.URL, replies, url.QueryEscape)
	if err != nil {
		return halted(err)
	}
	path, rawQuery, _ := strings.Cut(target, "?")
	path = collapse(path)
	if !strings.HasPrefix(path, "/services/data/v") {
		return errorReply(fail(http.StatusBadRequest, "INVALID_INPUT", "The url must be a relative one that begins with /services/data/vXX.X/: %s", r.URL))
	}
	sub := &call{method: strings.ToUpper(r.Method), header: http.Header{}, user: c.user, base: c.base, inside: true}
	for k, v := range r.HTTPHeaders {
		sub.header.Set(k, v)
	}
	if err := sub.locate(path); err != nil {
		return errorReply(err)
	}
	if sub.query, err = url.ParseQuery(rawQuery); err != nil {
		return errorReply(fail(http.StatusBadRequest, "INVALID_INPUT", "the url's query cannot be read: %s", err))
	}
	if len(sub.path) == 0 {
		return errorReply(errNotFound())
	}
	switch first := strings.ToLower(sub.path[0]); {
	case first == "search" || first == "parameterizedsearch" || first == "composite" && (len(sub.path) < 2 || !strings.EqualFold(sub.path[1], "sobjects")):
		return errorReply(fail(http.StatusBadRequest, "INVALID_INPUT", "The resource %s is not supported in a composite request", sub.path[0]))
	}
	if len(r.Body) > 0 {
		var body any
		dec := json.NewDecoder(strings.NewReader(string(r.Body)))
		dec.UseNumber()
		if err := dec.Decode(&body); err != nil {
			return errorReply(fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "%s", err))
		}
		if body, err = resolveValue(body, replies); err != nil {
			return halted(err)
		}
		if sub.body, err = json.Marshal(body); err != nil {
			return errorReply(err)
		}
	}
	return s.within(sub)
}

// jsonValue turns a reply body into plain JSON values, for references into it.
func jsonValue(body any) any {
	b, err := json.Marshal(body)
	if err != nil {
		return nil
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

var reference = regexp.MustCompile(`@\{([^}]*)\}`)

// resolveValue replaces references in every text of a body.
func resolveValue(v any, replies map[string]any) (any, error) {
	switch v := v.(type) {
	case string:
		return resolveText(v, replies, nil)
	case []any:
		for i := range v {
			x, err := resolveValue(v[i], replies)
			if err != nil {
				return nil, err
			}
			v[i] = x
		}
	case map[string]any:
		for k := range v {
			x, err := resolveValue(v[k], replies)
			if err != nil {
				return nil, err
			}
			v[k] = x
		}
	}
	return v, nil
}

// resolveText replaces @{ref.path[0].name} by what the earlier reply holds there. In a query string the value is
// escaped; ids need none.
func resolveText(s string, replies map[string]any, escape func(string) string) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(s, func(m string) string {
		expr := m[2 : len(m)-1]
		name, path, _ := strings.Cut(expr, ".")
		if i := strings.IndexByte(name, '['); i >= 0 {
			name, path = name[:i], expr[i:]
		}
		v, found := replies[name]
		if found && path != "" {
			v, found = lookup(v, path)
		}
		text, scalar := scalarText(v)
		if !found || !scalar {
			failed = fmt.Errorf("No value for %s found in %s", expr, name)
			return m
		}
		if escape != nil {
			text = escape(text)
		}
		return text
	})
	return out, failed
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// lookup walks a path like records[0].Account.Name; keys are compared without case (id and Id name the same).
func lookup(v any, path string) (any, bool) {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch x := v.(type) {
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		case map[string]any:
			found := false
			for k, e := range x {
				if strings.EqualFold(k, part) {
					v, found = e, true
					break
				}
			}
			if !found {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return v, true
}
