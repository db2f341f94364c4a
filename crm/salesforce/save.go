package salesforce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SaveResult is the answer to a write.
type SaveResult struct {
	ID      string      `json:"id"`
	Success bool        `json:"success"`
	Created bool        `json:"created"` // upsert only
	Errors  []wireError `json:"errors"`
}

// DuplicateRule is how a create meets the org's duplicate rules.
type DuplicateRule struct{ AllowSave bool }

func (d *DuplicateRule) header() http.Header {
	if d == nil {
		return nil
	}
	return http.Header{"Sforce-Duplicate-Rule-Header": {fmt.Sprintf("allowSave=%t; includeRecordDetails=true; runAsCurrentUser=true", d.AllowSave)}}
}

// Create inserts a record and returns its id. It is sent at most once: without a reply the error is a TransportError
// whose MayHaveArrived says whether to look before repeating. rule may be nil.
func (c *Client) Create(ctx context.Context, object Ident, values map[string]any, rule *DuplicateRule) (string, error) {
	if err := object.check(); err != nil {
		return "", err
	}
	path := "/sobjects/" + string(object)
	var out SaveResult
	if _, err := c.do(ctx, call{method: http.MethodPost, path: path, body: values, header: rule.header(), into: &out}); err != nil {
		return "", err
	}
	return out.result(http.MethodPost, path)
}

// result turns a 2xx whose success is false into an error, and a reply without an id into an ambiguous one.
func (s SaveResult) result(method, path string) (string, error) {
	if len(s.Errors) > 0 {
		e := &APIError{Method: method, Path: path}
		for _, w := range s.Errors {
			e.add(w)
		}
		e.Code, e.Message, e.Fields = e.All[0].Code, e.All[0].Message, e.All[0].Fields
		return "", e
	}
	if !ValidID(s.ID) {
		return "", &TransportError{Method: method, Path: path, MayHaveArrived: true, Foreign: true, Err: fmt.Errorf("the reply names no record")}
	}
	return s.ID, nil
}

// recordPath is /sobjects/Object/id; an id that is none is refused here, because it would change the path.
func recordPath(object Ident, id string) (string, error) {
	if err := object.check(); err != nil {
		return "", err
	}
	if !ValidID(id) {
		return "", fmt.Errorf("%q is not a Salesforce record id", id)
	}
	return "/sobjects/" + string(object) + "/" + id, nil
}

// Get reads a record; without fields it returns everything the user may see.
func (c *Client) Get(ctx context.Context, object Ident, id string, fields ...Ident) (Record, error) {
	path, err := recordPath(object, id)
	if err != nil {
		return nil, err
	}
	var q url.Values
	if len(fields) > 0 {
		s, err := names(fields)
		if err != nil {
			return nil, err
		}
		q = url.Values{"fields": {s}}
	}
	var out Record
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, query: q, into: &out})
	return out, err
}

// Update changes fields of a record. A non-zero unmodifiedSince makes it conditional: 412, KindConflict, when somebody
// else changed the record after that.
func (c *Client) Update(ctx context.Context, object Ident, id string, values map[string]any, unmodifiedSince time.Time) error {
	path, err := recordPath(object, id)
	if err != nil {
		return err
	}
	var h http.Header
	if !unmodifiedSince.IsZero() {
		h = http.Header{"If-Unmodified-Since": {unmodifiedSince.UTC().Format(http.TimeFormat)}}
	}
	_, err = c.do(ctx, call{method: http.MethodPatch, path: path, body: values, header: h})
	return err
}

// Delete removes a record.
func (c *Client) Delete(ctx context.Context, object Ident, id string) error {
	path, err := recordPath(object, id)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path})
	return err
}

// Upsert writes the record whose external id field has the value, creating it unless updateOnly. The body must hold
// neither that field nor Id (INVALID_FIELD otherwise), so they are taken out. It is repeatable: the key is in the URL.
func (c *Client) Upsert(ctx context.Context, object, field Ident, value string, values map[string]any, updateOnly bool) (SaveResult, error) {
	if err := object.check(); err != nil {
		return SaveResult{}, err
	}
	if err := field.check(); err != nil {
		return SaveResult{}, err
	}
	if value == "" || len(value) > 255 {
		return SaveResult{}, fmt.Errorf("the external id %s has no usable value", field)
	}
	body := make(map[string]any, len(values))
	for k, v := range values {
		if !strings.EqualFold(k, string(field)) && !strings.EqualFold(k, "Id") {
			body[k] = v
		}
	}
	var q url.Values
	if updateOnly {
		q = url.Values{"updateOnly": {"true"}}
	}
	path := "/sobjects/" + string(object) + "/" + string(field) + "/" + url.PathEscape(value)
	var out SaveResult
	if _, err := c.do(ctx, call{method: http.MethodPatch, path: path, query: q, body: body, keyed: true, into: &out}); err != nil {
		return SaveResult{}, err
	}
	_, err := out.result(http.MethodPatch, path)
	return out, err
}
