package emulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request after the transport: a composite's subrequests are calls too.
type call struct {
	method  string
	version string   // "66.0"
	path    []string // decoded segments below /services/data/vXX.0
	query   url.Values
	header  http.Header
	body    []byte
	user    string // 18-character id
	base    string // scheme://host that the client used
	inside  bool   // a subrequest of a composite
}

// reply is an answer before the transport.
type reply struct {
	status int
	header http.Header
	body   any // nil: none
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

func (c *call) data(rest string) string { return "/services/data/v" + c.version + rest }

// object decodes the body as one JSON object.
func (c *call) object() (map[string]any, error) {
	var m map[string]any
	if err := c.decode(&m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "No content to map to Object due to end of input")
	}
	return m, nil
}

func (c *call) decode(v any) error {
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.UseNumber()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = fmt.Errorf("unexpected text after the value")
		}
	}
	if err != nil {
		return fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "%s at [offset:%d]", strings.TrimPrefix(err.Error(), "json: "), dec.InputOffset())
	}
	return nil
}

// Handler serves the whole org. It takes the base URL of its replies from the request's Host.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.active.Done()
	began := s.clock()
	path := collapse(r.URL.EscapedPath())
	body, err := readBody(r)
	if err != nil {
		s.write(w, r, errorReply(fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "the body cannot be read: %s", err)), "")
		return
	}
	if strings.HasPrefix(path, "/_emulator") {
		s.write(w, r, s.admin(r, path, body), "")
		return
	}
	entry := &Request{Time: began, Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
	entry.Header.Del("Authorization")
	if strings.HasPrefix(path, "/id/") {
		entry.Query = "" // jsforce writes its token there
	}
	if strings.HasPrefix(path, "/services/data") {
		entry.Body = string(body[:min(len(body), maxLogged)])
	}
	plan := s.plan(r, path, body)
	if !wait(r.Context(), plan.latency) {
		return // the client went away
	}
	rep, usage, created, hooks := s.answer(r, path, body, plan, entry)
	for _, row := range created {
		for _, hook := range hooks {
			hook(row.object, maps.Clone(row.fields))
		}
	}
	s.log.Debug("request", "method", r.Method, "path", path, "status", rep.status)
	if plan.drop {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	s.write(w, r, rep, usage)
}

type createdRow struct {
	object string
	fields map[string]any
}

// answer runs one request under the lock, and logs it: who sees what it has changed sees it in the log.
func (s *Server) answer(r *http.Request, path string, body []byte, plan *plan, entry *Request) (rep *reply, usage string, created []createdRow, hooks []func(string, map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if rep == nil {
			return // a panic is under way
		}
		entry.Status, entry.Took = rep.status, s.clock().Sub(entry.Time)
		if plan.drop {
			entry.Status, entry.Dropped = 0, true
		}
		s.requests.add(entry)
	}()
	if plan.instead != nil {
		return plan.instead, "", nil, s.hooks
	}
	s.store.asker = r.Context()
	rep, counted := s.route(r, path, body)
	s.store.asker = context.Background()
	changes, err := s.store.commit()
	if err != nil {
		s.log.Error("the practice Salesforce cannot write", "err", err)
		rep = errorReply(fail(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", "%s", err))
	}
	for _, ch := range changes {
		if ch.op == "create" {
			created = append(created, createdRow{ch.object, ch.rec.fields})
		}
	}
	plan.drop = len(changes) > 0 && s.takeDrop(r.Method, path, changes)
	if counted {
		usage = fmt.Sprintf("api-usage=%d/%d", s.usage.used, s.usage.max)
	}
	return rep, usage, created, s.hooks
}

// route finds the handler; counted tells whether it was an API call.
func (s *Server) route(r *http.Request, path string, body []byte) (rep *reply, counted bool) {
	base := baseURL(r)
	switch {
	case path == "/":
		return s.welcome(base), false
	case strings.HasPrefix(path, "/services/oauth2/"):
		return s.oauth(r, strings.TrimPrefix(path, "/services/oauth2/"), body, base), false
	case strings.HasPrefix(path, "/services/Soap/u"):
		return s.soap(r, path, body, base), false
	case path == devicePage:
		return s.connect(r, body), false
	case path == "/.well-known/openid-configuration":
		return discovery(base), false
	case path == "/id/keys":
		return s.keys(), false
	case strings.HasPrefix(path, "/id/"):
		return s.identity(r, path, base), false
	case path == "/services/data":
		return ok(versions()), false
	case !strings.HasPrefix(path, "/services/data/"):
		return errorReply(errNotFound()), false
	}
	if err := tooLong(r); err != nil {
		return errorReply(err), false
	}
	sess, err := s.session(r)
	if err != nil {
		rep := errorReply(err)
		rep.header = http.Header{"Www-Authenticate": {"Token"}}
		return rep, false
	}
	if e := s.usage.count(s.clock()); e != nil {
		return errorReply(e), true
	}
	body, err = unfold(r.Header.Get("Content-Type"), body)
	if err != nil {
		return errorReply(err), true
	}
	if len(body) > 0 && !jsonType(r.Header.Get("Content-Type")) {
		return errorReply(fail(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not supported: %s", r.Header.Get("Content-Type"))), true
	}
	c := &call{method: r.Method, query: r.URL.Query(), header: r.Header, body: body, user: sess.user, base: base}
	if m := c.query.Get("_HttpMethod"); m != "" && c.method == http.MethodPost { // for clients that know no PATCH
		c.method = strings.ToUpper(m)
		c.query.Del("_HttpMethod")
	}
	if err := c.locate(path); err != nil {
		return errorReply(err), true
	}
	undo, changes := s.store.mark()
	rep, err = s.dispatch(c)
	if err != nil {
		s.store.rollback(undo, changes)
		return errorReply(err), true
	}
	return rep, true
}

// maxURIAndHeaders is the documented bound of a request without its body, in bytes.
const maxURIAndHeaders = 16384

func tooLong(r *http.Request) error {
	n := len(r.RequestURI)
	if n > maxURIAndHeaders {
		return fail(http.StatusRequestURITooLong, "URI_TOO_LONG", "The length of the URI exceeds the %d byte limit", maxURIAndHeaders)
	}
	for k, values := range r.Header {
		for _, v := range values {
			n += len(k) + len(": ") + len(v) + len("\r\n")
		}
	}
	if n > maxURIAndHeaders {
		return fail(http.StatusRequestHeaderFieldsTooLarge, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The URI and the headers together exceed the %d byte limit", maxURIAndHeaders)
	}
	return nil
}

// locate splits the path into version and segments. Versions 31–49 exist in real orgs but not here.
func (c *call) locate(path string) error {
	rest := strings.TrimPrefix(path, "/services/data/")
	v, rest, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseFloat(strings.TrimPrefix(v, "v"), 64)
	if err != nil || !strings.HasPrefix(v, "v") || !strings.HasSuffix(v, ".0") {
		return errNotFound()
	}
	switch {
	case n <= 30:
		return fail(http.StatusGone, "UNSUPPORTED_API_VERSION", "API version v%.1f is retired", n)
	case n < oldestVersion || n > newestVersion:
		return errNotFound()
	}
	c.version = strings.TrimPrefix(v, "v")
	for seg := range strings.SplitSeq(rest, "/") {
		if seg == "" {
			continue
		}
		dec, err := url.PathUnescape(seg)
		if err != nil {
			return errNotFound()
		}
		c.path = append(c.path, dec)
	}
	return nil
}

// collapse merges repeated slashes and drops a trailing one, without a redirect: sf asks //services/data.
func collapse(path string) string {
	var b strings.Builder
	for _, seg := range strings.Split(path, "/") {
		if seg != "" {
			b.WriteByte('/')
			b.WriteString(seg)
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// jsonType tells whether a body may be read as JSON; no type at all is taken for it.
func jsonType(header string) bool {
	kind, _, err := mime.ParseMediaType(header)
	return header == "" || err == nil && (kind == "application/json" || kind == "multipart/form-data")
}

const (
	maxBody   = 64 << 20 // a recording of an hour
	maxLogged = 64 << 10 // what the request log keeps of a body
)

func readBody(r *http.Request) ([]byte, error) {
	var src io.Reader = r.Body
	if r.Body == nil {
		return nil, nil
	}
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(r.Body)
		if errors.Is(err, io.EOF) { // go-salesforce says it of a GET too
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		src = z
	}
	b, err := io.ReadAll(io.LimitReader(src, maxBody+1))
	if err == nil && len(b) > maxBody {
		err = fmt.Errorf("more than %d bytes", maxBody)
	}
	return b, err
}

func errorReply(err error) *reply {
	e := asAPIError(err)
	rep := &reply{status: e.Status, body: []any{e.item("errorCode")}}
	if len(e.Allow) > 0 {
		rep.header = http.Header{"Allow": {strings.Join(e.Allow, ",")}}
	}
	return rep
}

// text is a body that is not JSON.
type text struct{ kind, body string }

func (s *Server) write(w http.ResponseWriter, r *http.Request, rep *reply, usage string) {
	maps.Copy(w.Header(), rep.header)
	if usage != "" {
		w.Header().Set("Sforce-Limit-Info", usage)
	}
	var out []byte
	switch b := rep.body.(type) {
	case nil:
	case text:
		w.Header().Set("Content-Type", b.kind)
		out = []byte(b.body)
	default:
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(b); err != nil {
			s.log.Error("a reply cannot be written as JSON", "err", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		out = bytes.TrimRight(buf.Bytes(), "\n")
	}
	if len(out) > 512 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		_, _ = z.Write(out) // a bytes.Buffer takes everything
		_ = z.Close()
		out = buf.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(rep.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out) // the client may have gone: its own affair
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// usage counts API calls over 24 hours.
type usage struct {
	used, max int
	since     time.Time
}

func (u *usage) count(now time.Time) *apiError {
	if now.Sub(u.since) >= 24*time.Hour {
		u.since, u.used = now, 0
	}
	if u.used >= u.max {
		return errLimit()
	}
	u.used++
	return nil
}

func errLimit() *apiError {
	return fail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}
