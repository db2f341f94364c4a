package post

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

// runErrands carries out what is due with these functions.
func (p *post) runErrands(run map[string]crm.ErrandFunc) *Errands {
	p.T.Helper()
	e := NewErrands(ErrandOptions{Store: p.led, Run: run, Beside: p.sender, Report: p.sender.o.Report, Now: p.Time, Rand: func() float64 { return 0.5 }})
	e.Flush(p.T.Context())
	return e
}

func (p *post) addErrand(e ledger.Errand) {
	p.T.Helper()
	if e.Payload == nil {
		e.Payload = json.RawMessage(`{}`)
	}
	if _, err := p.led.AddErrand(p.T.Context(), e); err != nil {
		p.T.Fatal(err)
	}
}

// errand returns one errand as it is on disk.
func (p *post) errand(key string) ledger.Errand {
	p.T.Helper()
	list, err := p.led.Errands(p.T.Context(), "")
	if err != nil {
		p.T.Fatal(err)
	}
	for _, e := range list {
		if e.Key == key {
			return e
		}
	}
	p.T.Fatalf("no errand %s among %v", key, list)
	return ledger.Errand{}
}

func TestAnErrandIsJudgedAsACallRecordIs(t *testing.T) {
	api := func(method string, status int, code string) error {
		return &salesforce.APIError{Method: method, Status: status, Code: code, Message: "said so", All: []salesforce.ErrorItem{{Code: code, Message: "said so"}}}
	}
	for _, tt := range []struct {
		name      string
		err       error
		state     ledger.ErrandState
		class     string
		attempts  int
		ambiguous bool
		paused    bool
	}{
		{"carried out", nil, ledger.ErrandOver, "", 1, false, false},
		{"signed out", salesforce.ErrNoToken, ledger.ErrandWaiting, "auth", 0, false, true},
		{"no API calls left", api("POST", 403, "REQUEST_LIMIT_EXCEEDED"), ledger.ErrandWaiting, "limit", 0, false, true},
		{"row lock", api("PATCH", 400, "UNABLE_TO_LOCK_ROW"), ledger.ErrandWaiting, "network", 1, false, false},
		{"server error after writing", api("POST", 503, ""), ledger.ErrandWaiting, "network", 1, true, false},
		{"server error while reading", api("GET", 503, ""), ledger.ErrandWaiting, "network", 1, false, false},
		{"no reply", &salesforce.TransportError{Method: "POST", MayHaveArrived: true, Err: errors.New("cut")}, ledger.ErrandWaiting, "ambiguous", 1, true, false},
		{"changed meanwhile", api("PATCH", 412, ""), ledger.ErrandWaiting, "network", 1, false, false},
		{"validation rule", api("POST", 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), ledger.ErrandRefused, "validation", 1, false, false},
		{"no permission", api("POST", 403, "INSUFFICIENT_ACCESS"), ledger.ErrandRefused, "permission", 1, false, false},
		{"a question refused", api("GET", 400, "INVALID_FIELD"), ledger.ErrandRefused, "field", 1, false, false},
		{"impossible", &crm.RefusedError{Class: "link", Line: "the member is gone"}, ledger.ErrandRefused, "link", 1, false, false},
		{"there already", &salesforce.APIError{Method: "POST", Status: 400, Code: "DUPLICATE_VALUE", All: []salesforce.ErrorItem{{Code: "DUPLICATE_VALUE",
			Message: "duplicate value found: Offhook_Call_Key__c duplicates value on record with id: 00T000000000001AAA"}}}, ledger.ErrandOver, "", 1, false, false},
		{"crossing attempts", &salesforce.APIError{Method: "POST", Status: 400, Code: "DUPLICATE_VALUE", All: []salesforce.ErrorItem{{Code: "DUPLICATE_VALUE",
			Message: "duplicate value found: <unknown> duplicates value on record with id: <unknown>"}}}, ledger.ErrandWaiting, "ambiguous", 1, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, emulator.Options{})
			p.addErrand(ledger.Errand{Key: "k", Kind: "event"})
			e := p.runErrands(map[string]crm.ErrandFunc{"event": func(context.Context, ledger.Errand) (string, error) { return "told", tt.err }})
			got := p.errand("k")
			if got.State != tt.state || got.Class != tt.class || got.Attempts != tt.attempts || got.Ambiguous != tt.ambiguous || (e.Paused() != "") != tt.paused {
				t.Errorf("%s %q after %d attempts, ambiguous %v, paused %q: %s", got.State, got.Class, got.Attempts, got.Ambiguous, e.Paused(), got.LastError)
			}
			if p.sender.Paused() != e.Paused() {
				t.Error("the sender does not wait where its errands do")
			}
			if tt.state == ledger.ErrandRefused && len(p.said(ReportDead)) != 1 {
				t.Error("nobody is told that a person must look")
			}
		})
	}
}

func TestAnErrandGoesOutAsSoonAsItsCallHasATask(t *testing.T) {
	p := newPost(t, emulator.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	task := make(chan string, 1)
	e := NewErrands(ErrandOptions{Store: p.led, Poll: time.Hour, Now: p.Time, Run: map[string]crm.ErrandFunc{
		"event": func(_ context.Context, e ledger.Errand) (string, error) { task <- e.TaskID; return "", nil },
	}})
	ended := make(chan struct{})
	go func() { e.Run(ctx); close(ended) }()
	key := p.end(1, nil)
	p.addErrand(ledger.Errand{Key: "after", Kind: "event", Call: key})
	p.sender.Flush(t.Context())
	if id := <-task; id == "" || id != p.item(key).TaskID {
		t.Errorf("told about Task %q", id)
	}
	if err := e.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	<-ended
}

func TestAnErrandOfAnotherVersionIsKeptForAPerson(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.addErrand(ledger.Errand{Key: "k", Kind: "fax"})
	p.runErrands(nil)
	if got := p.errand("k"); got.State != ledger.ErrandRefused || !strings.Contains(got.LastError.String(), "fax") {
		t.Errorf("%s: %s", got.State, got.LastError)
	}
}

func TestAnInterruptedErrandLooksBeforeItRepeats(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.addErrand(ledger.Errand{Key: "k", Kind: "event"})
	if _, ok, err := p.led.ClaimErrand(t.Context(), "k", p.Time()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	p.led.Close() // the program was killed while it told Salesforce
	p.open()
	looked := false
	p.runErrands(map[string]crm.ErrandFunc{"event": func(_ context.Context, e ledger.Errand) (string, error) { looked = e.Ambiguous; return "", nil }})
	if !looked || p.errand("k").State != ledger.ErrandOver {
		t.Errorf("looked %v, %s", looked, p.errand("k").State)
	}
}
