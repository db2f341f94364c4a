// Package practice is a practice org as tests of crm use it: a client signed in over real OAuth, a clock that only moves when
// told, and replies in Salesforce's place where a test wants them. It knows nothing of lookups, forms or records, so the tests
// of all of them can build on it. The program does not use it: what it shows to people who practise is crm/emulator itself.
package practice

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

// World is a practice org with a client signed in over real OAuth, and a clock that only moves when told.
type World struct {
	*emulator.Server
	T    *testing.T
	Base string // the org's address
	SF   *salesforce.Client

	mu    sync.Mutex
	now   time.Time
	wrote chan struct{} // signalled when a Task's POST is on the wire
	// TaskReply answers a Task's POST in Salesforce's place; nil lets it through.
	TaskReply func() (status int, body string, ok bool)
	// reply answers any request in Salesforce's place; nil lets all through.
	reply func(r *http.Request) (status int, body string, ok bool)
}

// New starts an org until the test ends and signs a client in: renewably where the org rotates its refresh tokens.
func New(t *testing.T, opt emulator.Options) *World {
	t.Helper()
	return At(t, time.Now(), opt)
}

// At is New at a time.
func At(t *testing.T, now time.Time, opt emulator.Options) *World {
	t.Helper()
	w := &World{T: t, now: now}
	opt.Clock = w.Time
	var err error
	if w.Server, err = emulator.New(opt); err != nil {
		t.Fatal(err)
	}
	if w.Base, err = w.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Server.Close() })
	w.SF = w.Client(opt.Rotate)
	return w
}

// RoundTrip watches the client's requests.
func (w *World) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	wrote, answer, instead := w.wrote, w.TaskReply, w.reply
	w.mu.Unlock()
	if instead != nil {
		if status, body, ok := instead(r); ok {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}
	}
	post := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/sobjects/Task")
	if answer != nil && post {
		if status, body, ok := answer(); ok {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}
	}
	if wrote != nil && post {
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
			select {
			case wrote <- struct{}{}:
			default:
			}
		}}))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TaskOnTheWire is signalled from now on when a Task's POST has been written.
func (w *World) TaskOnTheWire() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote = make(chan struct{}, 1)
	return w.wrote
}

// Answer sets what replies in Salesforce's place.
func (w *World) Answer(f func(r *http.Request) (int, string, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reply = f
}

// Time is the world's clock.
func (w *World) Time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Sleep moves the clock.
func (w *World) Sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Client signs in: with a refresh token when renewals matter (over the browser's way), else with a ready token. Waiting
// between tries moves the world's clock instead.
func (w *World) Client(renewable bool) *salesforce.Client {
	w.T.Helper()
	cred := w.Credentials()
	app := salesforce.App{LoginURL: w.Base, ClientID: cred.ClientID, Local: true, Now: w.Time, Ports: []int{0}, Transport: w}
	tok := salesforce.Token{Access: cred.AccessToken, Instance: w.Base}
	if renewable {
		tok = w.SignIn(app)
	}
	c, err := salesforce.New(salesforce.Options{
		App: app, Store: salesforce.NewMemoryStore(tok), Timeout: 10 * time.Minute, // a busy machine must not decide a test
		Sleep: func(_ context.Context, d time.Duration) error { w.Sleep(d); return nil },
		Rand:  func() float64 { return 0.5 },
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(c.Close)
	return c
}

// SignIn follows the authorize page's redirect like a browser.
func (w *World) SignIn(app salesforce.App) salesforce.Token {
	w.T.Helper()
	l, err := app.StartLogin(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	defer l.Close()
	resp, err := http.Get(l.URL())
	if err != nil {
		w.T.Fatal(err)
	}
	resp.Body.Close()
	tok, err := l.Wait(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	return tok
}

// DataRequests counts the data requests served so far whose path contains a part.
func (w *World) DataRequests(part string) int {
	n := 0
	for _, r := range w.Requests() {
		if strings.HasPrefix(r.Path, "/services/data/v") && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// Fault makes the org fail as told.
func (w *World) Fault(f emulator.Fault) {
	w.T.Helper()
	if err := w.SetFault(f); err != nil {
		w.T.Fatal(err)
	}
}

// App is the app that signs in to the org, without the world's eye on its requests.
func (w *World) App() salesforce.App {
	return salesforce.App{LoginURL: w.Base, ClientID: w.Credentials().ClientID, Local: true, Now: w.Time, Ports: []int{0}}
}

// HostileNumbers are caller ids as an attacker would choose them.
func HostileNumbers() []string {
	return []string{
		`07814256404' OR Name LIKE '%`, `07814256404} IN ALL FIELDS RETURNING User(Id)`, `07814256404\' OR '1'='1`,
		`"07814256404"`, `07814256404 OR *`, `07814*`, `+44781425??`, "07814256404\n} RETURNING User", `{07814256404}`, `07814256404) OR (Id != ''`,
		"07814256404\x00'", `%2707814256404`, `sip:07814256404'%20OR%20Id!=''@x`, strings.Repeat("9'", 5000),
	}
}
