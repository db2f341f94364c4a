package post

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
)

func TestTheTaskWaitsForTheRecordThatIsMadeForItsCall(t *testing.T) {
	contact, kase := crm.Ref{Type: "Contact", ID: "003000000000001AAA"}, crm.Ref{Type: "Case", ID: "500000000000001AAA"}
	b, _ := json.Marshal([]crm.Ref{contact, kase})
	for name, c := range map[string]struct {
		errand ledger.Errand
		assoc  crm.Association
		wait   bool
		what   string
	}{
		"under way": {ledger.Errand{State: ledger.ErrandWaiting}, crm.Association{Rule: crm.RuleNone}, true, ""},
		"made":      {ledger.Errand{State: ledger.ErrandOver, Result: string(b)}, crm.Association{Rule: crm.RuleNone}, false, kase.ID},
		"refused":   {ledger.Errand{State: ledger.ErrandRefused}, crm.Association{Rule: crm.RuleNone}, false, ""},
		"chosen":    {ledger.Errand{State: ledger.ErrandOver, Result: string(b)}, crm.Association{Rule: crm.RuleCurrent, Who: crm.Ref{Type: "Contact", ID: "003000000000002AAA"}}, false, ""},
		"pinned":    {ledger.Errand{State: ledger.ErrandOver, Result: string(b)}, crm.Association{Rule: crm.RulePinned, Who: crm.Ref{Type: "Lead", ID: "00Q000000000001AAA"}}, false, ""},
	} {
		s := &Sender{o: SenderOptions{Errands: oneErrand{c.errand}}}
		j := &job{p: payload{CallRecord: crm.CallRecord{Key: "k", Assoc: c.assoc, Creates: []string{"create:k:1"}}}}
		_, err := s.takeMade(t.Context(), j)
		if (err != nil) != c.wait || err != nil && judge(err, preparing).reaction != wait || j.p.Assoc.What.ID != c.what || c.what != "" && j.p.Assoc.Who.ID != contact.ID {
			t.Errorf("%s: %v %+v", name, err, j.p.Assoc)
		}
	}
}

type oneErrand struct{ e ledger.Errand }

func (o oneErrand) Errand(context.Context, string) (ledger.Errand, bool, error) {
	return o.e, true, nil
}

// However long the record takes that is made for a call, its Task waits without a word to the agent, and more and more seldom.
func TestWaitingForOurOwnWorkIsNoFailure(t *testing.T) {
	p := newPost(t, emulator.Options{})
	fred := p.ref("Contact", emulator.StoryKnownName)
	key := p.end(1, func(r *crm.CallRecord) {
		r.Assoc, r.Creates = crm.Association{Rule: crm.RuleNone}, []string{"create:1"}
	})
	if _, err := p.led.AddErrand(t.Context(), ledger.Errand{Key: "create:1", Kind: crm.CreateErrand, Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	for range 20 {
		p.sender.Flush(t.Context())
		it := p.expect(key, ledger.Pending, 0)
		if it.Attempts != 0 {
			t.Fatalf("%d attempts", it.Attempts)
		}
		waits = append(waits, it.Due.Sub(p.Time()))
		p.Sleep(waits[len(waits)-1])
	}
	if first, last := waits[0], waits[19]; first < time.Second || first > time.Minute || last <= first || last > 5*time.Minute {
		t.Errorf("waits %v", waits)
	}
	if n := len(p.said(ReportRetry)); n != 0 {
		t.Errorf("the agent was told %d times", n)
	}
	if _, ok, err := p.led.ClaimErrand(t.Context(), "create:1", p.Time()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	b, _ := json.Marshal([]crm.Ref{fred})
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Pending, 0); !it.Due.After(p.Time()) {
		t.Errorf("it is asked again at once, while its record is being made")
	}
	if err := p.led.ErrandDone(t.Context(), "create:1", string(b)); err != nil {
		t.Fatal(err)
	}
	p.sender.Flush(t.Context()) // without any wait
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhoId"] != fred.ID {
		t.Errorf("%+v", task)
	}
}
