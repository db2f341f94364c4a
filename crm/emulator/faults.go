package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The kinds of faults.
const (
	FaultSession    = "session_expired" // with Times: that many requests answer 401; without: all tokens end now
	FaultLimit      = "limit"           // 403 REQUEST_LIMIT_EXCEEDED
	FaultRowLock    = "row_lock"        // 400 UNABLE_TO_LOCK_ROW on writes
	FaultBusy       = "unavailable"     // 503 SERVER_UNAVAILABLE
	FaultError      = "server_error"    // 500 UNKNOWN_EXCEPTION
	FaultHTML       = "html"            // a page instead of JSON, status 502 unless Status says otherwise
	FaultLatency    = "latency"         // wait Milliseconds before the request is carried out
	FaultIndexLag   = "index_lag"       // search sees a write only after Seconds
	FaultDuplicate  = "duplicate_rule"  // 400 DUPLICATES_DETECTED on create, unless allowed by header and AllowSave
	FaultValidation = "validation_rule" // 400 FIELD_CUSTOM_VALIDATION_EXCEPTION on create and update
	FaultDropReply  = "drop_reply"      // the write is committed, then the connection closes without an answer
	FaultAPIError   = "api_error"       // any refusal: Status, Code, Message, Fields, in the form of Format
	FaultOAuth      = "oauth_error"     // an OAuth refusal: Code, Message; /services/oauth2/token unless Path says otherwise
)

// faultNames maps what people write to the kind.
var faultNames = map[string]string{
	"session_expiry": FaultSession, "expire_session": FaultSession, "session": FaultSession, "401": FaultSession,
	"403": FaultLimit, "403_limit": FaultLimit, "request_limit": FaultLimit, "limit_exceeded": FaultLimit,
	"lock": FaultRowLock, "503": FaultBusy, "500": FaultError, "non_json": FaultHTML, "lag": FaultIndexLag,
	"duplicate": FaultDuplicate, "duplicates": FaultDuplicate, "validation": FaultValidation, "drop": FaultDropReply,
	"edge": FaultHTML, "error": FaultAPIError, "oauth": FaultOAuth, "drop_the_reply": FaultDropReply, "drop_reply_after_commit": FaultDropReply, "drop_the_reply_after_committing": FaultDropReply,
}

// FaultKinds lists the kinds in the order of the documentation.
func FaultKinds() []string {
	return []string{FaultSession, FaultLimit, FaultRowLock, FaultBusy, FaultError, FaultHTML, FaultLatency, FaultIndexLag,
		FaultDuplicate, FaultValidation, FaultDropReply, FaultAPIError, FaultOAuth}
}

// Fault is one thing that goes wrong. It applies to data requests (/services/data…), to others only when Path names
// them. Path is a part of the URL's path, Object an sObject name, Method an HTTP method; empty means any.
type Fault struct {
	Kind         string  `json:"kind"`
	Times        int     `json:"times,omitempty"` // 0: until cleared; else how often it still happens
	Path         string  `json:"path,omitempty"`
	Object       string  `json:"object,omitempty"`
	Method       string  `json:"method,omitempty"`
	Milliseconds int     `json:"milliseconds,omitempty"` // latency
	Seconds      float64 `json:"seconds,omitempty"`      // index_lag
	Status       int     `json:"status,omitempty"`       // html (420 and 502 are the edge's), api_error, oauth_error
	Code         string  `json:"code,omitempty"`         // api_error, oauth_error
	Format       string  `json:"format,omitempty"`       // api_error: "array" (the usual), "object", "xml"
	Message      string  `json:"message,omitempty"`      // the words of a rule, an error, or of a 401
	Field        string  `json:"field,omitempty"`        // the field that a validation rule is about
	AllowSave    bool    `json:"allowSave,omitempty"`    // the duplicate rule lets a person save anyway
}

// SetFault switches a fault on, as POST /_emulator/faults does. An unknown kind is an error.
func (s *Server) SetFault(f Fault) error {
	kind := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(f.Kind)))
	if k, ok := faultNames[kind]; ok {
		kind = k
	}
	if !slices.Contains(FaultKinds(), kind) {
		return fmt.Errorf("unknown fault %q: use one of %s", f.Kind, strings.Join(FaultKinds(), ", "))
	}
	if !slices.Contains([]string{"", "array", "object", "xml"}, f.Format) {
		return fmt.Errorf("fault %s: format is %q: use array, object or xml", kind, f.Format)
	}
	if (kind == FaultAPIError || kind == FaultOAuth) && f.Code == "" {
		return fmt.Errorf("fault %s: it needs a code", kind)
	}
	if f.Times < 0 || f.Milliseconds < 0 || f.Seconds < 0 {
		return fmt.Errorf("fault %s: times, milliseconds and seconds cannot be negative", kind)
	}
	f.Kind = kind
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == FaultSession && f.Times == 0 {
		s.auth.expireAll()
		return nil
	}
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults switches all faults off.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults returns the faults that are on, with what is left of their Times.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		out = append(out, *f)
	}
	return out
}

// take finds the first fault of a kind that matches and uses it up once. It needs the lock.
func (s *Server) take(kind string, match func(*Fault) bool) *Fault {
	for i, f := range s.faults {
		if f.Kind != kind || !match(f) {
			continue
		}
		got := *f
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return &got
	}
	return nil
}

// plan is what the faults do to one request.
type plan struct {
	latency time.Duration
	instead *reply // answered instead of the org
	drop    bool
}

func (s *Server) plan(r *http.Request, path string, body []byte) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &plan{}
	if len(s.faults) == 0 {
		return p
	}
	query, err := url.QueryUnescape(r.URL.RawQuery) // %20Task is the word Task
	if err != nil {
		query = r.URL.RawQuery
	}
	about := path + "?" + query + "\n" + string(body)
	match := func(f *Fault) bool {
		switch {
		case f.Path == "" && f.Kind == FaultOAuth:
			return path == "/services/oauth2/token"
		case f.Path == "" && !strings.HasPrefix(path, "/services/data/"):
			return false
		}
		return strings.Contains(path, f.Path) && (f.Method == "" || strings.EqualFold(f.Method, r.Method)) &&
			(f.Object == "" || mentions(about, f.Object))
	}
	if f := s.take(FaultLatency, match); f != nil {
		p.latency = time.Duration(f.Milliseconds) * time.Millisecond
	}
	refuse := func(e *apiError) { p.instead = errorReply(e) }
	if f := s.take(FaultOAuth, match); f != nil {
		p.instead = f.oauthReply(r, path)
	} else if f := s.take(FaultAPIError, match); f != nil {
		p.instead = f.apiReply()
	} else if f := s.take(FaultSession, match); f != nil {
		e := errSession()
		if f.Message != "" {
			e.Message = f.Message // two texts say that a refresh would not help
		}
		refuse(e)
	} else if s.take(FaultLimit, match) != nil {
		refuse(errLimit())
	} else if s.take(FaultBusy, match) != nil {
		refuse(fail(http.StatusServiceUnavailable, "SERVER_UNAVAILABLE", "We are down for maintenance. Sorry for the inconvenience."))
	} else if s.take(FaultError, match) != nil {
		refuse(fail(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-123 (1)"))
	} else if f := s.take(FaultHTML, match); f != nil {
		status := f.Status
		if status < 200 || status > 599 {
			status = http.StatusBadGateway
		}
		p.instead = &reply{status: status, body: text{"text/html;charset=UTF-8",
			"<!DOCTYPE html>\n<html><head><title>Salesforce</title></head><body><h1>We'll be right back</h1></body></html>\n"}}
	}
	return p
}

// mentions reports whether the text contains the object's name as a whole word, as a path segment, in a query or in
// a composite body.
func mentions(text, object string) bool {
	lower, want := strings.ToLower(text), strings.ToLower(object)
	for i := 0; ; {
		j := strings.Index(lower[i:], want)
		if j < 0 {
			return false
		}
		i += j
		end := i + len(want)
		if (i == 0 || !wordByte(lower[i-1])) && (end == len(lower) || !wordByte(lower[end])) {
			return true
		}
		i = end
	}
}

func wordByte(b byte) bool { return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' }

// takeDrop decides whether the answer to a committed write is lost.
func (s *Server) takeDrop(method, path string, changes []change) bool {
	return s.take(FaultDropReply, func(f *Fault) bool {
		return strings.Contains(path, f.Path) && (f.Method == "" || strings.EqualFold(f.Method, method)) &&
			(f.Object == "" || slices.ContainsFunc(changes, func(c change) bool { return strings.EqualFold(c.object, f.Object) }))
	}) != nil
}

// guard answers a write with a fault that is on. It runs inside the request, so composites roll back.
func (s *Server) guard(c *call) func(string, *object, string, map[string]any) *apiError {
	return func(op string, o *object, id string, in map[string]any) *apiError {
		if len(s.faults) == 0 {
			return nil
		}
		match := func(f *Fault) bool {
			return (f.Object == "" || strings.EqualFold(f.Object, o.name)) && (f.Method == "" || strings.EqualFold(f.Method, c.method)) &&
				(f.Path == "" || strings.Contains(c.data("/"+strings.Join(c.path, "/")), f.Path))
		}
		if s.take(FaultRowLock, match) != nil {
			on := "1 records"
			if id != "" {
				on = "1 records: " + id
			}
			return badField("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or "+on)
		}
		if op == "delete" {
			return nil
		}
		if f := s.take(FaultValidation, match); f != nil {
			message, fields := f.Message, []string{}
			if message == "" {
				message = "A validation rule of this practice org refuses the record."
			}
			if f.Field != "" {
				fields = append(fields, f.Field)
			}
			return badField("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields...)
		}
		if op != "create" {
			return nil
		}
		header := strings.ToLower(strings.ReplaceAll(c.header.Get("Sforce-Duplicate-Rule-Header"), " ", ""))
		if f := s.take(FaultDuplicate, func(f *Fault) bool {
			return match(f) && (f.Object != "" || mayDuplicate(o.name)) && !(f.AllowSave && strings.Contains(header, "allowsave=true"))
		}); f != nil {
			return s.duplicates(f, o, in, strings.Contains(header, "includerecorddetails=true"))
		}
		return nil
	}
}

func (s *Server) indexLag(object string) time.Duration {
	var lag float64
	for _, f := range s.faults {
		if f.Kind == FaultIndexLag && (f.Object == "" || strings.EqualFold(f.Object, object)) {
			lag = max(lag, f.Seconds)
		}
	}
	return time.Duration(lag * float64(time.Second))
}
