package salesforce

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// MaxCollection is how many records one write of a collection may have; a read has up to MaxRetrieve. Each is one API call, and ten
// records in one are written much sooner than ten calls.
const (
	MaxCollection = 200
	MaxRetrieve   = 2000
)

// Err is the refusal of one record of a collection as an *APIError, or nil.
func (s SaveResult) Err() error {
	if s.Success && len(s.Errors) == 0 {
		return nil
	}
	_, err := s.result(http.MethodPost, "/composite/sobjects")
	return err
}

// CreateMany inserts up to 200 records of one object. The error is about the whole; each result, in the order of the rows, has its
// own. With allOrNone a refused row undoes the others. It is sent at most once, as Create is.
func (c *Client) CreateMany(ctx context.Context, object Ident, rows []map[string]any, allOrNone bool) ([]SaveResult, error) {
	return c.saveMany(ctx, http.MethodPost, "/composite/sobjects", object, rows, allOrNone, false)
}

// UpdateMany changes up to 200 records of one object; every row has its Id. It is repeatable: the same values twice are the same.
func (c *Client) UpdateMany(ctx context.Context, object Ident, rows []map[string]any, allOrNone bool) ([]SaveResult, error) {
	for i, row := range rows {
		if id, _ := row["Id"].(string); !ValidID(id) {
			return nil, fmt.Errorf("row %d of the update has no record id", i)
		}
	}
	return c.saveMany(ctx, http.MethodPatch, "/composite/sobjects", object, rows, allOrNone, true)
}

// UpsertMany writes up to 200 records of one object by an external id. Unlike Upsert's, every row holds that field.
func (c *Client) UpsertMany(ctx context.Context, object, field Ident, rows []map[string]any, allOrNone bool) ([]SaveResult, error) {
	if err := field.check(); err != nil {
		return nil, err
	}
	for i, row := range rows {
		if key, _ := row[string(field)].(string); key == "" {
			return nil, fmt.Errorf("row %d of the upsert has no %s", i, field)
		}
	}
	return c.saveMany(ctx, http.MethodPatch, "/composite/sobjects/"+string(object)+"/"+string(field), object, rows, allOrNone, true)
}

// saveMany sends the rows with the attributes that name their object.
func (c *Client) saveMany(ctx context.Context, method, path string, object Ident, rows []map[string]any, allOrNone, keyed bool) ([]SaveResult, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows) > MaxCollection {
		return nil, fmt.Errorf("a collection has 1 to %d records, not %d", MaxCollection, len(rows))
	}
	var req struct {
		AllOrNone bool             `json:"allOrNone"`
		Records   []map[string]any `json:"records"`
	}
	req.AllOrNone = allOrNone
	for _, row := range rows {
		row = maps.Clone(row)
		if id, given := row["Id"]; given { // spelt so in every example of a collection
			delete(row, "Id")
			row["id"] = id
		}
		row["attributes"] = map[string]any{"type": string(object)}
		req.Records = append(req.Records, row)
	}
	var out []SaveResult
	if _, err := c.do(ctx, call{method: method, path: path, body: req, keyed: keyed, into: &out}); err != nil {
		return nil, err
	}
	return out, oneEach(method, path, len(out), len(rows), !keyed)
}

// oneEach is an error when a collection's reply has another length than its request: nobody knows which answer is whose.
func oneEach(method, path string, got, want int, mayHaveArrived bool) error {
	if got == want {
		return nil
	}
	return &TransportError{Method: method, Path: path, MayHaveArrived: mayHaveArrived, Err: fmt.Errorf("%d answers for %d records", got, want)}
}

// DeleteMany removes up to 200 records, of one object or of several.
func (c *Client) DeleteMany(ctx context.Context, ids []string, allOrNone bool) ([]SaveResult, error) {
	if err := checkIDs(ids, MaxCollection); err != nil {
		return nil, err
	}
	const path = "/composite/sobjects"
	var out []SaveResult
	q := url.Values{"ids": {strings.Join(ids, ",")}, "allOrNone": {strconv.FormatBool(allOrNone)}}
	if _, err := c.do(ctx, call{method: http.MethodDelete, path: path, query: q, into: &out}); err != nil {
		return nil, err
	}
	return out, oneEach(http.MethodDelete, path, len(out), len(ids), true)
}

// GetMany reads up to 2,000 records of one object in the order of their ids; a record that is gone or hidden is nil.
func (c *Client) GetMany(ctx context.Context, object Ident, ids []string, fields ...Ident) ([]Record, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	if err := checkIDs(ids, MaxRetrieve); err != nil {
		return nil, err
	}
	if _, err := names(fields); err != nil {
		return nil, err
	}
	path := "/composite/sobjects/" + string(object)
	var out []Record
	body := map[string]any{"ids": ids, "fields": fields}
	if _, err := c.do(ctx, call{method: http.MethodPost, path: path, body: body, keyed: true, into: &out}); err != nil {
		return nil, err
	}
	return out, oneEach(http.MethodPost, path, len(out), len(ids), false)
}

func checkIDs(ids []string, most int) error {
	if len(ids) == 0 || len(ids) > most {
		return fmt.Errorf("a collection has 1 to %d ids, not %d", most, len(ids))
	}
	for _, id := range ids {
		if !ValidID(id) {
			return fmt.Errorf("%q is not a Salesforce record id", id)
		}
	}
	return nil
}
