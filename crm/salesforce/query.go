package salesforce

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// QueryResult is one page of a query.
type QueryResult struct {
	TotalSize int      `json:"totalSize"`
	Done      bool     `json:"done"`
	Records   []Record `json:"records"`
	Next      string   `json:"nextRecordsUrl"`
}

// whole: a query that finds nothing has an empty list, not none.
func (r *QueryResult) whole() bool { return r.Records != nil }

// Query returns the first page of a query; a page has up to 2,000 rows.
func (c *Client) Query(ctx context.Context, q SOQL) (QueryResult, error) {
	var out QueryResult
	s, err := q.Build()
	if err != nil {
		return out, err
	}
	_, err = c.do(ctx, call{method: http.MethodGet, path: "/query", query: url.Values{"q": {s}}, into: &out})
	return out, err
}

// QueryMore returns the page after r.
func (c *Client) QueryMore(ctx context.Context, r QueryResult) (QueryResult, error) {
	var out QueryResult
	// The reply names the next page as a path on the same instance; anything else is not followed.
	if !strings.HasPrefix(r.Next, "/services/data/v") || strings.ContainsAny(r.Next, "?#\\ ") || strings.Contains(r.Next, "..") {
		return out, &HostError{r.Next, "not a query locator"}
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: r.Next, root: true, into: &out})
	return out, err
}

// All yields every row of a query, page by page. The error is yielded once, last.
func (c *Client) All(ctx context.Context, q SOQL) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		page, err := c.Query(ctx, q)
		for {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			if page.Done || page.Next == "" {
				return
			}
			page, err = c.QueryMore(ctx, page)
		}
	}
}

// Search runs a search and returns its rows in Salesforce's order.
func (c *Client) Search(ctx context.Context, q SOSL) ([]Record, error) {
	s, err := q.Build()
	if err != nil {
		return nil, err
	}
	var out found
	_, err = c.do(ctx, call{method: http.MethodGet, path: "/search", query: url.Values{"q": {s}}, into: &out})
	return out.SearchRecords, err
}

type found struct {
	SearchRecords []Record `json:"searchRecords"`
}

func (f *found) whole() bool { return f.SearchRecords != nil }
