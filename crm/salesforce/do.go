package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// call is one request as the methods describe it.
type call struct {
	method string
	path   string     // under /services/data/vXX.0, or from the root when root is set
	root   bool       //
	query  url.Values //
	body   any        // encoded as JSON, or a rawBody; nil for none
	header http.Header
	keyed  bool // a write that carries a key: repeating it cannot do it twice
	open   bool // no token (GET /services/data)
	into   any  // where a 2xx body is decoded; nil to ignore it
}

// repeatable tells whether the request may be sent twice: reads, and writes with a key.
func (c call) repeatable() bool {
	return c.method == http.MethodGet || c.method == http.MethodHead || c.keyed
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

const (
	maxBody = 64 << 20 // of one reply, after decompression
	maxHead = 16384    // Salesforce's limit for URI and headers together
)

// do is the one way out: token, version, one renewal after a 401, retries, the API budget, errors.
func (c *Client) do(ctx context.Context, cl call) (*reply, error) {
	var body []byte
	if raw, ok := cl.body.(rawBody); ok {
		body = raw.data
	} else if cl.body != nil {
		b, err := json.Marshal(cl.body)
		if err != nil {
			return nil, fmt.Errorf("encode the body of %s %s: %w", cl.method, cl.path, err)
		}
		body = b
	}
	renewed, renegotiated := false, false
	for try := 1; ; try++ {
		tok, err := c.session.current(ctx)
		if err != nil {
			return nil, err
		}
		r, err := c.once(ctx, cl, body, tok)
		if err == nil {
			return r, c.decode(cl, r)
		}
		var api *APIError
		if errors.As(err, &api) {
			switch {
			case sessionEnded(api) && !renewed && !cl.open && !noRefresh(api):
				// Nothing was carried out, so this retry is safe for every method.
				renewed = true
				if _, err := c.session.renew(ctx, tok.Access); err != nil {
					return nil, err
				}
				try--
				continue
			case api.Status == http.StatusGone && !cl.root && c.o.Version != "":
				return nil, &VersionError{Want: c.o.Version, Pinned: true}
			case api.Status == http.StatusGone && !renegotiated && !cl.root:
				renegotiated = true
				c.version.Store(nil)
				try--
				continue
			}
		}
		if !cl.repeatable() || try >= c.o.Tries || !worthRepeating(err) || ctx.Err() != nil {
			return nil, err
		}
		wait := c.backoff(try, api)
		if dl, ok := ctx.Deadline(); ok && time.Until(dl) <= wait {
			return nil, err // the caller's deadline would pass while waiting
		}
		c.o.Log.Debug("salesforce: trying again", "method", cl.method, "path", cl.path, "try", try, "wait", wait)
		if c.o.Sleep(ctx, wait) != nil {
			return nil, err
		}
	}
}

// sessionEnded recognises an expired session: 401, and the userinfo endpoint's own way of saying it. No other 403 does.
func sessionEnded(e *APIError) bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden && e.Code == badToken
}

// noRefresh recognises the two 401 texts that a new token cannot cure; refreshing on them would loop.
func noRefresh(e *APIError) bool {
	for _, it := range e.All {
		if strings.Contains(it.Message, "This session is not valid for use with the REST API") ||
			strings.Contains(it.Message, "Connected app is not attached to Agent") {
			return true
		}
	}
	return false
}

func worthRepeating(err error) bool {
	k := KindOf(err)
	var api *APIError
	if errors.As(err, &api) && api.Has("QUERY_TIMEOUT") {
		return false // the same query would time out again: the caller has another way
	}
	return k == KindTransient || k == KindAmbiguous
}

// backoff is full jitter over 250 ms × 2^n, and never less than the server asked for.
func (c *Client) backoff(try int, api *APIError) time.Duration {
	d := time.Duration(c.o.Rand() * float64(min(250*time.Millisecond<<(try-1), 4*time.Second)))
	if api != nil {
		d = max(d, api.RetryAfter)
	}
	return d
}

// once sends the request one time.
func (c *Client) once(ctx context.Context, cl call, body []byte, tok Token) (*reply, error) {
	base, err := checkHost(tok.Instance, c.o.App.Local) // every time: the token may come from a file
	if err != nil {
		return nil, err
	}
	path := cl.path
	if !cl.root {
		v, err := c.negotiated(ctx, tok)
		if err != nil {
			return nil, err
		}
		path = "/services/data/v" + v + path
	}
	target := base.String() + path
	if len(cl.query) > 0 {
		// Spaces as %20, as Salesforce's own clients send them; Encode writes a real plus as %2B.
		target += "?" + strings.ReplaceAll(cl.query.Encode(), "+", "%20")
	}
	if len(target)+len(tok.Access)+1024 > maxHead {
		return nil, &APIError{Status: http.StatusRequestURITooLong, Code: "MALFORMED_QUERY", Message: "the request is longer than Salesforce accepts",
			Method: cl.method, Path: path, All: []ErrorItem{{Code: "MALFORMED_QUERY", Message: "the request is longer than Salesforce accepts"}}}
	}
	limit := c.o.Timeout
	if _, file := cl.body.(rawBody); file {
		limit = max(limit, uploadTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var asked, wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { asked.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	})
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, cl.method, target, rd)
	if err != nil {
		return nil, fmt.Errorf("build %s %s: %w", cl.method, path, err)
	}
	for k, vs := range cl.header {
		req.Header[k] = vs
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
		if raw, ok := cl.body.(rawBody); ok {
			req.Header.Set("Content-Type", raw.kind)
		}
	}
	if !cl.open {
		req.Header.Set("Authorization", "Bearer "+tok.Access)
	}
	// net/http asks for gzip and unpacks it by itself as long as Accept-Encoding is not set here.
	resp, err := c.http.Do(req)
	if err != nil {
		arrived := wrote.Load()
		if !asked.Load() { // not net/http's own transport: only a failed dial is known to be harmless
			var op *net.OpError
			arrived = !(errors.As(err, &op) && op.Op == "dial")
		}
		return nil, &TransportError{Method: cl.method, Path: path, MayHaveArrived: arrived, Err: plainErr(err)}
	}
	defer resp.Body.Close()
	if b, ok := parseLimit(resp.Header.Get("Sforce-Limit-Info")); ok {
		c.budget.Store(&b)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, &TransportError{Method: cl.method, Path: path, MayHaveArrived: true, Err: err}
	}
	if len(data) > maxBody {
		return nil, &TransportError{Method: cl.method, Path: path, MayHaveArrived: true, Err: errors.New("the reply is larger than 64 MiB")}
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300, resp.StatusCode == http.StatusNotModified:
		return &reply{resp.StatusCode, resp.Header, data}, nil
	}
	return nil, parseError(cl.method, path, resp.StatusCode, resp.Header, data)
}

// decode fills the caller's value. A 2xx that is not the JSON that was asked for comes from something in between: nobody knows what
// happened, and what was not found is not known to be missing.
func (c *Client) decode(cl call, r *reply) error {
	if r.status == http.StatusNotModified || r.status == http.StatusNoContent && cl.method != http.MethodGet {
		return nil
	}
	body := bytes.TrimSpace(r.body)
	switch {
	case cl.into == nil && cl.method == http.MethodGet: // only its head is wanted
		return nil
	case len(body) == 0 || string(body) == "null":
		return foreignReply(cl, errors.New("it is empty"))
	case cl.into == nil && !json.Valid(body):
		return foreignReply(cl, errors.New("it is not JSON"))
	case cl.into == nil:
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // ids and amounts must not pass through float64
	if err := d.Decode(cl.into); err != nil {
		return foreignReply(cl, err)
	}
	if w, ok := cl.into.(interface{ whole() bool }); ok && !w.whole() {
		return foreignReply(cl, errors.New("something is missing in it"))
	}
	return nil
}

func foreignReply(cl call, err error) error {
	return &TransportError{Method: cl.method, Path: cl.path, MayHaveArrived: true, Foreign: true,
		Err: fmt.Errorf("the reply is not what Salesforce sends (%w)", err)}
}
