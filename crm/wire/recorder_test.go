package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// request is one request with what it means: the path without the API version and without the ids of the records that each side made
// for itself, query and form decoded, the body as JSON, the headers that change what Salesforce does.
type request struct {
	who, op, method, path string
	query, form           url.Values
	json                  any
	header                map[string]string
	kind                  string // media type of the body
	auth                  string // scheme
	status                int
}

// recorder stands before the practice Salesforce and keeps every request.
type recorder struct {
	url string

	mu   sync.Mutex
	who  string
	op   string
	all  []request
	raw  map[string][]byte
	made []string // ids and keys of records that were created
}

var (
	apiVersion = regexp.MustCompile(`/services/data/v\d+\.\d`)
	localPort  = regexp.MustCompile(`localhost(:|%3A)\d+`)
	noTime     time.Time
)

// secrets are the parameters of a sign-in that differ from one to the next.
var secrets = []string{"token", "code", "code_verifier", "code_challenge", "state", "refresh_token", "oauth_token"}

func record(t *testing.T, org http.Handler) *recorder {
	t.Helper()
	r := &recorder{raw: map[string][]byte{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if op, ok := strings.CutPrefix(req.URL.Path, "/_step/"); ok {
			r.step(op)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		answer := &status{ResponseWriter: w, code: http.StatusOK}
		org.ServeHTTP(answer, req)
		r.keep(req, body, answer)
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }
func (s *status) Write(p []byte) (int, error) {
	s.body.Write(p)
	return s.ResponseWriter.Write(p)
}

func (r *recorder) step(op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.op = op
}

func (r *recorder) keep(req *http.Request, body []byte, answer *status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.Contains(r.op, "create") {
		r.made = append(r.made, idsIn(answer.body.Bytes())...)
	}
	target, err := url.ParseRequestURI(r.plain(req.URL.RequestURI()))
	if err != nil {
		target = req.URL
	}
	out := request{who: r.who, op: r.op, method: req.Method, path: target.Path, query: target.Query(), header: headers(req.Header), status: answer.code}
	out.kind, _, _ = mime.ParseMediaType(req.Header.Get("Content-Type"))
	out.auth, _, _ = strings.Cut(req.Header.Get("Authorization"), " ")
	switch {
	case len(body) == 0:
		out.kind = ""
	case out.kind == "application/json":
		var v any
		if json.Unmarshal([]byte(r.plain(string(body))), &v) != nil {
			v = string(body)
		}
		out.json = v
	default:
		out.form, _ = url.ParseQuery(r.plain(string(body)))
		if a := out.form.Get("assertion"); a != "" {
			out.form.Set("assertion", claims(a))
		}
	}
	for _, set := range []url.Values{out.query, out.form} {
		for _, name := range secrets {
			if set.Has(name) {
				set.Set(name, "{"+name+"}")
			}
		}
	}
	r.all = append(r.all, out)
	r.raw[r.who+" "+r.op] = body
}

// plain takes out what differs without a meaning: the API version, the ids that each side made for itself, the port of a redirect.
func (r *recorder) plain(s string) string {
	s = localPort.ReplaceAllString(apiVersion.ReplaceAllString(s, "/services/data/vX"), "localhost${1}0")
	for _, id := range r.made {
		s = strings.ReplaceAll(s, id, "made")
	}
	return s
}

// idsIn are the ids in the answer to a create, of one record or of several.
func idsIn(body []byte) (out []string) {
	type saved struct {
		ID string `json:"id"`
	}
	var many []saved
	if json.Unmarshal(body, &many) != nil {
		many = make([]saved, 1)
		if json.Unmarshal(body, &many[0]) != nil {
			return nil
		}
	}
	for _, s := range many {
		if s.ID != "" {
			out = append(out, s.ID)
		}
	}
	return out
}

// headers are those that change what Salesforce does.
func headers(h http.Header) map[string]string {
	out := map[string]string{}
	for k := range h {
		if strings.HasPrefix(k, "Sforce-") || strings.HasPrefix(k, "If-") {
			out[k] = h.Get(k)
		}
	}
	if strings.Contains(h.Get("Accept-Encoding"), "gzip") {
		out["Accept-Encoding"] = "gzip"
	}
	return out
}

// of gives what one side sent in one operation.
func (r *recorder) of(who, op string) (out []request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.all {
		if q.who == who && q.op == op {
			out = append(out, q)
		}
	}
	return out
}

func (r *recorder) body(who, op string) json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.raw[who+" "+op]
}

// firstPage asks for the first page of a long query and returns the address of the second.
func (r *recorder) firstPage(t *testing.T, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/services/data/v66.0/query?q="+url.QueryEscape("SELECT Id FROM Contact"), nil)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Sforce-Query-Options", "batchSize=200")
	res, err := http.DefaultClient.Do(req)
	check(t, err)
	defer res.Body.Close()
	var page struct {
		Next string `json:"nextRecordsUrl"`
	}
	check(t, json.NewDecoder(res.Body).Decode(&page))
	if page.Next == "" {
		t.Fatal("there is no second page")
	}
	return page.Next
}

// refreshToken asks the practice org's welcome for a refresh token.
func (r *recorder) refreshToken(t *testing.T) string {
	t.Helper()
	res, err := http.Get(r.url)
	check(t, err)
	defer res.Body.Close()
	var welcome struct {
		Refresh string `json:"refreshToken"`
	}
	check(t, json.NewDecoder(res.Body).Decode(&welcome))
	return welcome.Refresh
}
