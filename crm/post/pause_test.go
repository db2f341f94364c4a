package post

import (
	"context"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

func TestWhoHearsOfAPauseFindsWhatItIsAboutWaiting(t *testing.T) {
	for name, n := range map[string]int{"one record": 1, "a batch": 30} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, emulator.Options{})
			p.end(1, nil)
			p.sender.Flush(t.Context())                          // the org is known from now on
			p.Fault(emulator.Fault{Kind: emulator.FaultSession}) // its token cannot be renewed
			keys := p.backlog(n, nil)
			heard := 0
			p.sender.o.Report = func(r Report) {
				if r.Kind != ReportPaused {
					return
				}
				heard++
				for _, k := range keys {
					if it := p.item(k); it.State != ledger.Pending || it.Attempts != 0 {
						t.Errorf("%s is %s after %d attempts", k, it.State, it.Attempts)
					}
				}
			}
			p.sender.Flush(t.Context())
			if heard != 1 || p.sender.Paused() == "" {
				t.Errorf("told %d times, paused %q", heard, p.sender.Paused())
			}
		})
	}
	t.Run("an errand", func(t *testing.T) {
		p := newPost(t, emulator.Options{})
		p.addErrand(ledger.Errand{Key: "k", Kind: "event"})
		heard := 0
		p.sender.o.Report = func(r Report) {
			if r.Kind == ReportPaused {
				heard++
				if e := p.errand("k"); e.State != ledger.ErrandWaiting || e.Class != "auth" {
					t.Errorf("%s %q", e.State, e.Class)
				}
			}
		}
		p.runErrands(map[string]crm.ErrandFunc{"event": func(context.Context, ledger.Errand) (string, error) { return "", salesforce.ErrNoToken }})
		if heard != 1 {
			t.Errorf("told %d times", heard)
		}
	})
}

// meanwhile is an outbox during whose next retry something happens.
type meanwhile struct {
	*ledger.Ledger
	happens func()
}

func (m *meanwhile) MarkRetry(ctx context.Context, key string, f ledger.Failure) error {
	if m.happens != nil {
		m.happens()
		m.happens = nil
	}
	return m.Ledger.MarkRetry(ctx, key, f)
}

// Whoever signs in while the record that was refused is put back must not be told afterwards that it waits.
func TestAPauseThatIsOverBeforeItIsToldIsNotTold(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultSession})
	p.sender.o.Outbox = &meanwhile{Ledger: p.led, happens: func() {
		if err := p.SF.SignedIn(t.Context(), p.SignIn(p.world.App())); err != nil {
			t.Error(err)
		}
		p.sender.SignedIn()
	}}
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	if why, told, ended := p.sender.Paused(), p.said(ReportPaused), p.said(ReportResumed); why != "" || len(told)+len(ended) != 0 {
		t.Errorf("paused %q, told %v, ended %v", why, told, ended)
	}
	p.until(key, ledger.Sent, 2)
	p.expect(key, ledger.Sent, 1)
}
