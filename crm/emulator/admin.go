package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is one served request, for tests that compare clients on the wire. Authorization is left out, and bodies
// of sign-ins are not kept.
type Request struct {
	Time    time.Time     `json:"time"`
	Method  string        `json:"method"`
	Path    string        `json:"path"` // escaped, slashes collapsed
	Query   string        `json:"query,omitempty"`
	Header  http.Header   `json:"header,omitempty"`
	Body    string        `json:"body,omitempty"`
	Status  int           `json:"status"` // 0 when the reply was dropped
	Took    time.Duration `json:"took_ns"`
	Dropped bool          `json:"dropped,omitempty"`
}

// requestLog keeps the last requests and counts all.
type requestLog struct {
	total int
	ring  []*Request
}

const keptRequests = 2000

func (l *requestLog) add(r *Request) {
	l.total++
	if len(l.ring) == keptRequests {
		l.ring = append(l.ring[:0], l.ring[keptRequests/10:]...)
	}
	l.ring = append(l.ring, r)
}

// Requests returns the last requests (up to 2,000), oldest first, without those to /_emulator.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, 0, len(s.requests.ring))
	for _, r := range s.requests.ring {
		out = append(out, *r)
	}
	return out
}

// admin serves /_emulator: records, faults, requests, settings. It needs no sign-in and is never counted.
func (s *Server) admin(r *http.Request, path string, body []byte) *reply {
	name := strings.Trim(strings.TrimPrefix(path, "/_emulator"), "/")
	if object, found := strings.CutPrefix(name, "records/"); found {
		return s.adminRecords(r, object)
	}
	switch name {
	case "":
		return ok(map[string]any{"version": 1, "device": "/_emulator/device", "faults": "/_emulator/faults", "records": "/_emulator/records/{object}",
			"requests": "/_emulator/requests", "settings": "/_emulator/settings"})
	case "device":
		var d struct {
			UserCode string `json:"user_code"`
			Approve  bool   `json:"approve"`
		}
		if err := json.Unmarshal(body, &d); err != nil {
			return adminError(err)
		}
		if !s.Decide(d.UserCode, d.Approve) {
			return &reply{status: http.StatusNotFound, body: map[string]any{"version": 1, "error": "no device waits with the code " + strconv.Quote(d.UserCode)}}
		}
		return &reply{status: http.StatusNoContent}
	case "faults":
		return s.adminFaults(r.Method, body)
	case "requests":
		if r.Method == http.MethodDelete {
			s.mu.Lock()
			s.requests = requestLog{}
			s.mu.Unlock()
			return &reply{status: http.StatusNoContent}
		}
		list := s.Requests()
		return ok(map[string]any{"version": 1, "total": s.requestTotal(), "requests": list})
	case "settings":
		set := s.Settings()
		if r.Method != http.MethodGet {
			dec := json.NewDecoder(bytes.NewReader(body)) // what the body leaves out stays as it is
			dec.DisallowUnknownFields()
			if err := dec.Decode(&set); err != nil {
				return adminError(err)
			}
			if err := s.SetSettings(set); err != nil {
				return adminError(err)
			}
		}
		return ok(s.Settings())
	}
	return errorReply(errNotFound())
}

func (s *Server) requestTotal() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests.total
}

func adminError(err error) *reply {
	return &reply{status: http.StatusBadRequest, body: map[string]any{"version": 1, "error": err.Error()}}
}

// adminRecords lists what clients wrote; ?all=true adds the data set.
func (s *Server) adminRecords(r *http.Request, object string) *reply {
	object, err := url.PathUnescape(object)
	if err != nil {
		return adminError(err)
	}
	all, _ := strconv.ParseBool(r.URL.Query().Get("all"))
	rows := s.Records(object, !all)
	if rows == nil {
		return &reply{status: http.StatusNotFound, body: map[string]any{"version": 1, "error": "no object " + strconv.Quote(object)}}
	}
	return ok(map[string]any{"version": 1, "object": object, "totalSize": len(rows), "done": true, "records": rows})
}

// adminFaults reads, adds (one object, an array, or {"faults": [...]}) and clears faults.
func (s *Server) adminFaults(method string, body []byte) *reply {
	switch method {
	case http.MethodDelete:
		s.ClearFaults()
		return &reply{status: http.StatusNoContent}
	case http.MethodPost, http.MethodPut:
		list, err := readFaults(body)
		if err != nil {
			return adminError(err)
		}
		if method == http.MethodPut {
			s.ClearFaults()
		}
		for _, f := range list {
			if err := s.SetFault(f); err != nil {
				return adminError(err)
			}
		}
	}
	return ok(map[string]any{"version": 1, "faults": s.Faults(), "kinds": FaultKinds()})
}

func readFaults(body []byte) ([]Fault, error) {
	strict := func(into any) error {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil && err != io.EOF {
			return err
		}
		return nil
	}
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) {
		var list []Fault
		err := strict(&list)
		return list, err
	}
	if bytes.Contains(body, []byte(`"faults"`)) {
		var wrapped struct {
			Faults []Fault `json:"faults"`
		}
		err := strict(&wrapped)
		return wrapped.Faults, err
	}
	var one Fault
	err := strict(&one)
	return []Fault{one}, err
}
