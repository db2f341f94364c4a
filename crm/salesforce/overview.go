package salesforce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Object is one line of the org's list of objects.
type Object struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	LabelPlural string `json:"labelPlural"`
	KeyPrefix   string `json:"keyPrefix"` // "" for objects without records of their own
	Custom      bool   `json:"custom"`
	Createable  bool   `json:"createable"`
	Updateable  bool   `json:"updateable"`
	Queryable   bool   `json:"queryable"`
	Searchable  bool   `json:"searchable"`
	Layoutable  bool   `json:"layoutable"`
}

// Objects lists what this user sees of the org's objects.
func (c *Client) Objects(ctx context.Context) ([]Object, error) {
	var out struct {
		Objects []Object `json:"sobjects"`
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/sobjects", into: &out})
	return out.Objects, err
}

// MaxRecent is how many records Recent returns at most.
const MaxRecent = 200

// Recent returns the records that this user looked at or changed last, newest first: Id, Name and the type in the attributes.
func (c *Client) Recent(ctx context.Context, limit int) ([]Record, error) {
	if limit < 1 || limit > MaxRecent {
		return nil, fmt.Errorf("1 to %d recent records can be had, not %d", MaxRecent, limit)
	}
	var out []Record
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/recent", query: url.Values{"limit": {strconv.Itoa(limit)}}, into: &out})
	return out, err
}

// Limit is one of the org's limits.
type Limit struct {
	Max       int `json:"Max"`
	Remaining int `json:"Remaining"`
}

// Limits returns the org's limits by name; DailyApiRequests is the one that Budget follows without asking.
func (c *Client) Limits(ctx context.Context) (map[string]Limit, error) {
	var out map[string]Limit
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/limits", into: &out})
	return out, err
}
