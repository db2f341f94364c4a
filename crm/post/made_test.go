package post

import (
	"context"
	"encoding/json"
	"testing"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
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
		if (err != nil) != c.wait || err != nil && judge(err, preparing).kind != salesforce.KindTransient || j.p.Assoc.What.ID != c.what || c.what != "" && j.p.Assoc.Who.ID != contact.ID {
			t.Errorf("%s: %v %+v", name, err, j.p.Assoc)
		}
	}
}

type oneErrand struct{ e ledger.Errand }

func (o oneErrand) Errand(context.Context, string) (ledger.Errand, bool, error) {
	return o.e, true, nil
}
