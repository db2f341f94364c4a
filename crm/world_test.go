package crm

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
	"offhook/internal/text"
)

// world is a practice org with a client signed in over real OAuth, and a clock that only moves when told.
type world struct {
	*emulator.Server
	t   *testing.T
	url string
	sf  *salesforce.Client
	dir *Directory

	mu    sync.Mutex
	now   time.Time
	wrote chan struct{} // signalled when a Task's POST is on the wire
	// taskReply answers a Task's POST in Salesforce's place; nil lets it through.
	taskReply func() (status int, body string, ok bool)
	// reply answers any request in Salesforce's place; nil lets all through.
	reply func(r *http.Request) (status int, body string, ok bool)
}

// RoundTrip watches the client's requests.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	wrote, answer, instead := w.wrote, w.taskReply, w.reply
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

// taskOnTheWire is signalled from now on when a Task's POST has been written.
func (w *world) taskOnTheWire() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote = make(chan struct{}, 1)
	return w.wrote
}

// answers sets what replies in Salesforce's place.
func (w *world) answers(f func(r *http.Request) (int, string, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reply = f
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t *testing.T, opt emulator.Options, set DirectorySettings) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	opt.Clock = w.time
	var err error
	if w.Server, err = emulator.New(opt); err != nil {
		t.Fatal(err)
	}
	if w.url, err = w.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Server.Close() })
	w.sf = w.client(opt.Rotate)
	set.Numbers.Region = or(set.Numbers.Region, "GB")
	set.Now = w.time
	// A busy machine must not decide a test: time runs out only where a test says so.
	set.Deadline, set.Grace = orDuration(set.Deadline, 30*time.Second), orDuration(set.Grace, 30*time.Second)
	w.dir = NewDirectory(w.sf, set)
	t.Cleanup(w.dir.Close)
	return w
}

// client signs in: with a refresh token when renewals matter (over the browser's way), else with a ready token. Waiting
// between tries moves the world's clock instead.
func (w *world) client(renewable bool) *salesforce.Client {
	w.t.Helper()
	cred := w.Credentials()
	app := salesforce.App{LoginURL: w.url, ClientID: cred.ClientID, Local: true, Now: w.time, Ports: []int{0}, Transport: w}
	tok := salesforce.Token{Access: cred.AccessToken, Instance: w.url}
	if renewable {
		tok = w.signIn(app)
	}
	c, err := salesforce.New(salesforce.Options{
		App: app, Store: salesforce.NewMemoryStore(tok),
		Sleep: func(_ context.Context, d time.Duration) error { w.sleep(d); return nil },
		Rand:  func() float64 { return 0.5 },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// signIn follows the authorize page's redirect like a browser.
func (w *world) signIn(app salesforce.App) salesforce.Token {
	w.t.Helper()
	l, err := app.StartLogin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	resp, err := http.Get(l.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	tok, err := l.Wait(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

// requests counts the data requests served so far whose path contains a part.
func (w *world) requests(part string) int {
	n := 0
	for _, r := range w.Requests() {
		if strings.HasPrefix(r.Path, "/services/data/v") && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

func (w *world) fault(f emulator.Fault) {
	w.t.Helper()
	if err := w.SetFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// ref finds a record of the data set by name.
func (w *world) ref(object, name string) Ref {
	w.t.Helper()
	r, ok := w.Find(object, "Name", name)
	if !ok {
		w.t.Fatalf("no single %s %s", object, name)
	}
	return Ref{Type: object, ID: r["Id"].(string), Name: text.Clean(name)}
}

func (w *world) lookup(number string) Match {
	return w.dir.Lookup(w.t.Context(), text.Clean(number), Inbound)
}

func selectNothing() salesforce.SOQL {
	return salesforce.Select("Id").From("Task").Limit(1)
}

func benchClient(b *testing.B, url, token string) *salesforce.Client {
	b.Helper()
	c, err := salesforce.New(salesforce.Options{
		App:   salesforce.App{LoginURL: url, ClientID: "bench", Local: true},
		Store: salesforce.NewMemoryStore(salesforce.Token{Access: token, Instance: url}),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

func appOf(w *world) salesforce.App {
	return salesforce.App{LoginURL: w.url, ClientID: w.Credentials().ClientID, Local: true, Now: w.time, Ports: []int{0}}
}
