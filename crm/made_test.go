package crm

import (
	"context"
	"encoding/json"
	"testing"

	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

func TestTheTaskWaitsForTheRecordThatIsMadeForItsCall(t *testing.T) {
	contact, kase := Ref{Type: "Contact", ID: "003000000000001AAA"}, Ref{Type: "Case", ID: "500000000000001AAA"}
	b, _ := json.Marshal([]Ref{contact, kase})
	for name, c := range map[string]struct {
		errand ledger.Errand
		assoc  Association
		wait   bool
		what   string
	}{
		"under way": {ledger.Errand{State: ledger.ErrandWaiting}, Association{Rule: RuleNone}, true, ""},
		"made":      {ledger.Errand{State: ledger.ErrandOver, Result: string(b)}, Association{Rule: RuleNone}, false, kase.ID},
		"refused":   {ledger.Errand{State: ledger.ErrandRefused}, Association{Rule: RuleNone}, false, ""},
		"pinned":    {ledger.Errand{State: ledger.ErrandOver, Result: string(b)}, Association{Rule: RulePinned, Who: Ref{Type: "Lead", ID: "00Q000000000001AAA"}}, false, ""},
	} {
		s := &Sender{o: SenderOptions{Errands: oneErrand{c.errand}}}
		j := &job{p: payload{CallRecord: CallRecord{Key: "k", Assoc: c.assoc, Creates: []string{"create:k:1"}}}}
		_, err := s.takeMade(t.Context(), j)
		if (err != nil) != c.wait || err != nil && judge(err, preparing).kind != salesforce.KindTransient || j.p.Assoc.What.ID != c.what || c.what != "" && j.p.Assoc.Who.ID != contact.ID {
			t.Errorf("%s: %v %+v", name, err, j.p.Assoc)
		}
	}
}

type oneErrand struct{ e ledger.Errand }

func (o oneErrand) Errand(context.Context, string) (ledger.Errand, bool, error) {
	return o.e, true, nil
}

func (noErrands) Errand(context.Context, string) (ledger.Errand, bool, error) {
	return ledger.Errand{}, false, nil
}
