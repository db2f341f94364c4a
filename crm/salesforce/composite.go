package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// MaxSubrequests is how many subrequests one composite may have, at most five of them queries. Searches are not
// allowed in it. The whole counts as one API call.
const MaxSubrequests = 25

// Sub is one subrequest of a composite. Path is below the version, such as /sobjects/Task.
type Sub struct {
	Ref    string
	Method string
	Path   string
	Body   any
	Header map[string]string
	err    error
}

// SubQuery makes a query subrequest.
func SubQuery(ref string, q SOQL) Sub {
	s, err := q.Build()
	return Sub{Ref: ref, Method: http.MethodGet, Path: "/query?q=" + strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), err: err}
}

// SubGet makes a subrequest that reads a record; without fields everything the user may see.
func SubGet(ref string, object Ident, id string, fields ...Ident) Sub {
	path, err := recordPath(object, id)
	if err == nil && len(fields) > 0 {
		var s string
		if s, err = names(fields); err == nil {
			path += "?fields=" + s
		}
	}
	return Sub{Ref: ref, Method: http.MethodGet, Path: path, err: err}
}

// SubCreate makes a subrequest that inserts a record. Values may refer to earlier results as "@{ref.id}".
func SubCreate(ref string, object Ident, values map[string]any) Sub {
	return Sub{Ref: ref, Method: http.MethodPost, Path: "/sobjects/" + string(object), Body: values, err: object.check()}
}

// SubResult is the answer to one subrequest.
type SubResult struct {
	Ref    string
	Status int
	Body   json.RawMessage
	path   string
	method string
}

// Err returns the subrequest's failure as an *APIError, or nil.
func (r SubResult) Err() error {
	if r.Status >= 200 && r.Status < 300 {
		return nil
	}
	return parseError(r.method, r.path, r.Status, nil, r.Body)
}

// Into decodes a successful answer into v; a failed one is returned as its error.
func (r SubResult) Into(v any) error {
	if err := r.Err(); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if w, ok := v.(interface{ whole() bool }); ok && !w.whole() {
		return &TransportError{Method: r.method, Path: r.path, Foreign: true, Err: errors.New("something is missing in the reply")}
	}
	return nil
}

// Composite runs up to 25 subrequests in order in one API call. The error is about the whole; each result has its own.
// With allOrNone a failure undoes everything. A composite of reads only is repeated when needed.
func (c *Client) Composite(ctx context.Context, allOrNone bool, subs ...Sub) ([]SubResult, error) {
	if len(subs) == 0 || len(subs) > MaxSubrequests {
		return nil, fmt.Errorf("a composite has 1 to %d subrequests, not %d", MaxSubrequests, len(subs))
	}
	v, err := c.Version(ctx)
	if err != nil {
		return nil, err
	}
	type wireSub struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Ref     string            `json:"referenceId"`
		Body    any               `json:"body,omitempty"`
		Headers map[string]string `json:"httpHeaders,omitempty"`
	}
	var req struct {
		AllOrNone bool      `json:"allOrNone"`
		Requests  []wireSub `json:"compositeRequest"`
	}
	req.AllOrNone = allOrNone
	reads := true
	for _, s := range subs {
		if s.err != nil {
			return nil, s.err
		}
		reads = reads && s.Method == http.MethodGet
		req.Requests = append(req.Requests, wireSub{s.Method, "/services/data/v" + v + s.Path, s.Ref, s.Body, s.Header})
	}
	var resp struct {
		Results []struct {
			Body   json.RawMessage `json:"body"`
			Status int             `json:"httpStatusCode"`
			Ref    string          `json:"referenceId"`
		} `json:"compositeResponse"`
	}
	if _, err := c.do(ctx, call{method: http.MethodPost, path: "/composite", body: req, keyed: reads, into: &resp}); err != nil {
		if tr := (*TransportError)(nil); reads && errors.As(err, &tr) {
			tr.MayHaveArrived = false // there was nothing to carry out
		}
		return nil, err
	}
	if len(resp.Results) != len(subs) {
		return nil, &TransportError{Method: http.MethodPost, Path: "/composite", MayHaveArrived: !reads, Foreign: true,
			Err: fmt.Errorf("%d answers to %d subrequests", len(resp.Results), len(subs))}
	}
	out := make([]SubResult, len(subs))
	for i, r := range resp.Results {
		out[i] = SubResult{Ref: r.Ref, Status: r.Status, Body: r.Body, path: subs[i].Path, method: subs[i].Method}
	}
	return out, nil
}
