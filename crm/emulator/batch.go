package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

type batchRequest struct {
	HaltOnError   bool `json:"haltOnError"`
	BatchRequests []struct {
		Method    string          `json:"method"`
		URL       string          `json:"url"` // relative to /services/data: v66.0/sobjects/…
		RichInput json.RawMessage `json:"richInput"`
	} `json:"batchRequests"`
}

// batch is POST /composite/batch: independent requests, each committed by itself; with haltOnError those after a failure are not run.
func (s *Server) batch(c *call) (*reply, error) {
	if err := c.need(http.MethodPost); err != nil {
		return nil, err
	}
	var req batchRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	switch n := len(req.BatchRequests); {
	case n == 0:
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "No subrequests specified")
	case n > maxSubrequests:
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of subrequests exceeds the limit of %d", maxSubrequests)
	}
	results, failed := []any{}, false
	for _, r := range req.BatchRequests {
		if failed && req.HaltOnError {
			results = append(results, map[string]any{"statusCode": http.StatusPreconditionFailed, "result": []any{
				map[string]any{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}}})
			continue
		}
		rep := s.batched(c, r.Method, r.URL, r.RichInput)
		failed = failed || rep.status >= 400
		results = append(results, map[string]any{"statusCode": rep.status, "result": rep.body})
	}
	return ok(map[string]any{"hasErrors": failed, "results": results}), nil
}

// batched runs one request of a batch.
func (s *Server) batched(c *call, method, target string, body []byte) *reply {
	path, rawQuery, _ := strings.Cut(target, "?")
	path = collapse("/services/data/" + strings.TrimPrefix(collapse(path), "/services/data/"))
	sub := &call{method: strings.ToUpper(method), header: http.Header{}, user: c.user, base: c.base, inside: true, body: body}
	if err := sub.locate(path); err != nil {
		return errorReply(err)
	}
	var err error
	if sub.query, err = url.ParseQuery(rawQuery); err != nil {
		return errorReply(fail(http.StatusBadRequest, "INVALID_INPUT", "the url's query cannot be read: %s", err))
	}
	if len(sub.path) == 0 || strings.EqualFold(sub.path[0], "composite") {
		return errorReply(fail(http.StatusBadRequest, "INVALID_INPUT", "This resource is not supported in a batch request: %s", target))
	}
	return s.within(sub)
}

// within runs a subrequest; a failed one leaves nothing behind.
func (s *Server) within(sub *call) *reply {
	undo, changes := s.store.mark()
	rep, err := s.dispatch(sub)
	if err != nil {
		s.store.rollback(undo, changes)
		return errorReply(err)
	}
	return rep
}
