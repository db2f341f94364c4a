package ledger

import (
	"fmt"
	"testing"
	"time"

	"offhook/internal/text"
)

// What waits for an errand is due when that is over, however it ends, and also when it ended before the wait was stored.
func TestWhatWaitsForAnErrandIsDueWhenThatIsOver(t *testing.T) {
	later, clk := t0.Add(time.Hour), newClock()
	clk.add(time.Minute)
	wait := Failure{Class: WaitClass, Reason: text.Clean("it waits"), Due: later, Free: true}
	ends := map[string]func(*Ledger) error{
		"done":    func(l *Ledger) error { return l.ErrandDone(t.Context(), "create:1", "[]") },
		"refused": func(l *Ledger) error { return l.ErrandDead(t.Context(), "create:1", Failure{Class: "validation"}) },
		"dropped": func(l *Ledger) error { return l.DropErrand(t.Context(), "create:1", text.Clean("no")) },
		"retried": nil, // it goes on: nothing is woken
	}
	for how, end := range ends {
		for _, before := range []bool{true, false} { // the wait is stored before the errand ends
			t.Run(fmt.Sprintf("%s, stored before: %t", how, before), func(t *testing.T) {
				l := open(t, file(t), clk)
				queueWaiting(t, l, "mine", `{"version":1,"creates":["create:1"]}`)
				queueWaiting(t, l, "another", `{"version":1,"creates":["create:10"]}`)
				for key, payload := range map[string]string{"create:1": "{}", "create:10": "{}", "create:2": `{"after":"create:1"}`, "else:1": `{"after":"create:10"}`} {
					if _, err := l.AddErrand(t.Context(), Errand{Key: key, Kind: "create", Payload: []byte(payload), Due: t0}); err != nil {
						t.Fatal(err)
					}
					if _, ok, err := l.ClaimErrand(t.Context(), key, t0); !ok || err != nil {
						t.Fatal(ok, err)
					}
				}
				if end == nil {
					end = func(l *Ledger) error { return l.ErrandRetry(t.Context(), "create:1", Failure{Due: later}) }
				}
				store := func() {
					for key, awaits := range map[string]string{"mine": "create:1", "another": "create:10"} {
						f := wait
						f.Awaits = awaits
						must(t, l.MarkRetry(t.Context(), key, f))
					}
					for key, awaits := range map[string]string{"create:2": "create:1", "else:1": "create:10"} {
						f := wait
						f.Awaits = awaits
						must(t, l.ErrandRetry(t.Context(), key, f))
					}
				}
				if before {
					store()
				}
				drain(l.Changed())
				drain(l.ErrandsChanged())
				must(t, end(l))
				if told := drain(l.Changed()) && drain(l.ErrandsChanged()); told != (before && how != "retried") && how != "dropped" {
					t.Errorf("the queues were told: %t", told)
				}
				if !before {
					store()
				}
				now := l.now()
				items, err := l.Due(t.Context(), now, 10)
				must(t, err)
				errands, err := l.DueErrands(t.Context(), now, 10)
				must(t, err)
				want := 1
				if how == "retried" {
					want = 0
				}
				if len(items) != want || want == 1 && items[0].Key != "mine" || len(errands) != want || want == 1 && errands[0].Key != "create:2" {
					t.Errorf("due are %+v and %+v", items, errands)
				}
			})
		}
	}
}

func queueWaiting(t *testing.T, l *Ledger, key, payload string) {
	t.Helper()
	must(t, l.Finish(t.Context(), Call{Key: key, State: EndedNormal, Direction: "Inbound", Started: t0, Ended: t0.Add(time.Minute)}, &Item{Key: key, Payload: []byte(payload)}))
	if _, ok, err := l.Claim(t.Context(), key, t0.Add(time.Minute)); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

func drain(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
