package selftest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

// world is a practice org, and a client signed in to it whose replies an administrator's mistakes may change.
type world struct {
	*emulator.Server
	t   *testing.T
	url string
	sf  *salesforce.Client

	mu     sync.Mutex
	change func(path string, reply map[string]any)
	header func(http.Header)
	fail   error
	before func()
}

func newWorld(t *testing.T, opt emulator.Options) *world {
	t.Helper()
	if opt.Data == nil {
		opt.Data = &emulator.Data{}
	}
	org, err := emulator.New(opt)
	must(t, err)
	t.Cleanup(func() { must(t, org.Close()) })
	url, err := org.Start(t.Context(), "127.0.0.1:0")
	must(t, err)
	w := &world{Server: org, t: t, url: url}
	w.sf, err = salesforce.New(salesforce.Options{App: w.app(), Store: salesforce.NewMemoryStore(w.token("api refresh_token openid id")), Tries: 1})
	must(t, err)
	t.Cleanup(w.sf.Close)
	return w
}

func (w *world) app() salesforce.App {
	return salesforce.App{LoginURL: w.url, ClientID: emulator.ClientID, Local: true, Transport: w}
}

func (w *world) token(scope string) salesforce.Token {
	users := w.Records("User", false)
	id := users[0]["Id"].(string)
	orgs := w.Records("Organization", false)
	return salesforce.Token{Access: w.Credentials().AccessToken, Instance: w.url, Scope: scope, LoginURL: w.url, ClientID: emulator.ClientID,
		Identity: w.url + "/id/" + orgs[0]["Id"].(string) + "/" + id}
}

// RoundTrip lets the test change what the org says.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	change, header, fail := w.change, w.header, w.fail
	if w.before != nil {
		w.before()
	}
	w.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if header != nil {
		header(resp.Header)
	}
	if change == nil || resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return resp, nil
	}
	defer resp.Body.Close()
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(resp.Body); err != nil {
			return nil, err
		}
	}
	raw, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if json.Unmarshal(raw, &v) == nil {
		change(r.URL.Path, v)
		if raw, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = int64(len(raw))
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// says sets what changes the org's replies.
func (w *world) says(change func(path string, reply map[string]any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.change = change
}

// describing changes the description of one object.
func describing(object string, change func(d map[string]any)) func(string, map[string]any) {
	return func(path string, d map[string]any) {
		if strings.HasSuffix(path, "/sobjects/"+object+"/describe") {
			change(d)
		}
	}
}

// fieldOf changes one field of a description.
func fieldOf(object, name string, change func(f map[string]any)) func(string, map[string]any) {
	return describing(object, func(d map[string]any) {
		for _, f := range d["fields"].([]any) {
			if f := f.(map[string]any); f["name"] == name {
				change(f)
			}
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
