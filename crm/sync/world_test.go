package sync

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// world is a practice Salesforce with a signed-in client, a ledger and the errands' worker. Its clock stands still.
type world struct {
	*emulator.Server
	t       *testing.T
	clock   atomic.Int64 // Unix nanoseconds
	sf      *salesforce.Client
	led     *ledger.Ledger
	members *Members
	cbs     *Callbacks
	said    []string
	opened  map[string]string
}

func newWorld(t *testing.T, opt emulator.Options) *world {
	t.Helper()
	w := &world{t: t, opened: map[string]string{}}
	w.clock.Store(time.Date(2026, 11, 20, 16, 11, 36, 0, time.UTC).UnixNano())
	opt.Clock = w.now
	var err error
	if w.Server, err = emulator.New(opt); err != nil {
		t.Fatal(err)
	}
	url, err := w.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Server.Close() })
	cred := w.Credentials()
	w.sf, err = salesforce.New(salesforce.Options{
		App:   salesforce.App{LoginURL: url, ClientID: cred.ClientID, Local: true, Now: opt.Clock},
		Store: salesforce.NewMemoryStore(salesforce.Token{Access: cred.AccessToken, Instance: url}),
		Sleep: func(context.Context, time.Duration) error { return nil }, Rand: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sf.Close)
	if w.led, err = ledger.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), ledger.Options{Now: opt.Clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.led.Close() })
	w.members = &Members{Client: w.sf, Off: func(l text.Text) { w.said = append(w.said, l.String()) }}
	w.cbs = &Callbacks{Client: w.sf, Store: w.led, Zone: func() *time.Location { return zone(t, "Europe/London") }, Opened: func(k, id string) { w.opened[k] = id }}
	return w
}

func (w *world) now() time.Time         { return time.Unix(0, w.clock.Load()).UTC() }
func (w *world) later(by time.Duration) { w.clock.Add(int64(by)) }

// errands carries out what is due.
func (w *world) errands() {
	w.t.Helper()
	e := post.NewErrands(post.ErrandOptions{Store: w.led, Now: w.now, Rand: func() float64 { return 0.5 }, Workers: 1,
		Run: map[string]crm.ErrandFunc{MemberErrand: w.members.Run, CallbackErrand: w.cbs.Run}})
	e.Flush(w.t.Context())
}

func (w *world) add(e ledger.Errand) {
	w.t.Helper()
	if _, err := w.led.AddErrand(w.t.Context(), e); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) errand(key string) ledger.Errand {
	w.t.Helper()
	e, ok, err := w.led.Errand(w.t.Context(), key)
	if err != nil || !ok {
		w.t.Fatalf("errand %s: %v, %v", key, ok, err)
	}
	return e
}

// rows asks Salesforce.
func (w *world) rows(object string, where salesforce.Cond, fields ...salesforce.Ident) (out []salesforce.Record) {
	w.t.Helper()
	for r, err := range w.sf.All(w.t.Context(), salesforce.Select(append(fields, "Id")...).From(salesforce.Ident(object)).Where(where)) {
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func (w *world) create(object string, values map[string]any) string {
	w.t.Helper()
	id, err := w.sf.Create(w.t.Context(), salesforce.Ident(object), values, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) campaign() crm.Ref {
	return crm.Ref{Type: "Campaign", Name: text.Clean("Autumn renewals")}
}

func (w *world) ref(object, name string) crm.Ref {
	w.t.Helper()
	r := w.rows(object, salesforce.Eq("Name", salesforce.String(name)))
	if len(r) == 0 {
		w.t.Fatalf("there is no %s %s", object, name)
	}
	return crm.Ref{Type: object, ID: r[0].ID(), Name: text.Clean(name)}
}

// call puts an ended call into the ledger.
func (w *world) call(key string, change func(*crm.CallRecord)) {
	w.t.Helper()
	rec := crm.CallRecord{Version: 1, Key: key, Type: crm.Inbound, Number: text.Clean("07814256404"), Start: w.now().Add(-time.Minute), Answer: w.now().Add(-50 * time.Second),
		End: w.now(), Action: "answered"}
	change(&rec)
	b, err := json.Marshal(rec)
	if err != nil {
		w.t.Fatal(err)
	}
	call := ledger.Call{Key: key, State: ledger.EndedNormal, Direction: "Inbound", Number: rec.Number, Started: rec.Start, Answered: rec.Answer, Ended: rec.End, Detail: b}
	if err := w.led.Finish(w.t.Context(), call, &ledger.Item{Key: key, Payload: b, State: ledger.Filtered}); err != nil {
		w.t.Fatal(err)
	}
}
