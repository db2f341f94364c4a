package salesforce

import (
	"context"
	"net/http"
	"time"
)

// ServerTime returns what Salesforce's clock said (the Date header, whole seconds) and how long it took to be told. The request needs
// no permission and is not counted against the org's API calls.
func (c *Client) ServerTime(ctx context.Context) (at time.Time, took time.Duration, err error) {
	began := time.Now()
	r, err := c.do(ctx, call{method: http.MethodGet, path: "/services/data", root: true, open: true})
	if err != nil {
		return time.Time{}, 0, err
	}
	at, err = http.ParseTime(r.header.Get("Date"))
	if err != nil {
		return time.Time{}, 0, &TransportError{Method: http.MethodGet, Path: "/services/data", Err: err}
	}
	return at, time.Since(began), nil
}
