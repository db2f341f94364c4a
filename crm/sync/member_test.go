package sync

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func (w *world) change(key, status string, who crm.Ref) ledger.Errand {
	w.t.Helper()
	w.add(ledger.Errand{Key: key, Kind: MemberErrand, Payload: Payload(MemberChange{Campaign: w.campaign(), Who: who, Status: text.Clean(status)})})
	w.errands()
	return w.errand(key)
}

func (w *world) status(who crm.Ref) (out []string) {
	w.t.Helper()
	for _, r := range w.rows("CampaignMember", salesforce.Eq(salesforce.Ident(who.Type+"Id"), salesforce.ID(who.ID)), "Status") {
		out = append(out, r.Str("Status"))
	}
	return out
}

func TestAResultGivesTheMemberItsStatusAndMakesThemAMemberWhereTheyAreNone(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	id := w.create("Contact", map[string]any{"LastName": "Newcomer"})
	who := crm.Ref{Type: "Contact", ID: id}
	if e := w.change("a", "sent", who); e.State != ledger.ErrandOver || !strings.Contains(e.Result, "was added as") {
		t.Fatalf("%s %q %s", e.State, e.Result, e.LastError)
	}
	if got := w.status(who); len(got) != 1 || got[0] != "Sent" { // as the campaign writes it
		t.Fatalf("%q", got)
	}
	if e := w.change("b", "Responded", who); !strings.Contains(e.Result, `now, was "Sent"`) {
		t.Fatalf("%q", e.Result)
	}
	if e := w.change("c", "Responded", who); !strings.Contains(e.Result, "already") {
		t.Fatalf("%q", e.Result)
	}
	if e := w.change("d", "", who); e.State != ledger.ErrandOver || w.status(who)[0] != "Responded" {
		t.Fatalf("taken back: %q", e.Result)
	}
	if got := w.status(who); len(got) != 1 {
		t.Fatalf("%d members", len(got))
	}
}

func TestAStatusThatTheCampaignDoesNotHaveIsRefusedWithThoseItHas(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.members.NewStatuses = true // describe of this org says that none can be created
	who := crm.Ref{Type: "Contact", ID: w.create("Contact", map[string]any{"LastName": "Newcomer"})}
	e := w.change("a", "Bananas", who)
	if e.State != ledger.ErrandRefused || e.Class != "validation" || !strings.Contains(e.LastError.String(), "no member status") || !strings.Contains(e.LastError.String(), "Sent, Responded") {
		t.Fatalf("%s %s %s", e.State, e.Class, e.LastError)
	}
	if got := w.status(who); len(got) != 0 {
		t.Fatalf("became %q", got)
	}
}

func TestOneMemberIsMadeThoughTheReplyIsLost(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	who := crm.Ref{Type: "Lead", ID: w.create("Lead", map[string]any{"LastName": "Newcomer", "Company": "New"})}
	if err := w.SetFault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "CampaignMember", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if e := w.change("a", "Responded", who); e.State != ledger.ErrandWaiting {
		t.Fatalf("%s %q", e.State, e.Result)
	}
	w.later(10 * time.Minute)
	w.errands()
	if e := w.errand("a"); e.State != ledger.ErrandOver {
		t.Fatalf("%s %s", e.State, e.LastError)
	}
	if got := w.status(who); len(got) != 1 || got[0] != "Responded" {
		t.Fatalf("%q", got)
	}
}

func TestAnOrgWithoutCampaignsSwitchesTheFeatureOffWithOneLine(t *testing.T) {
	w := newWorld(t, emulator.Options{Without: []string{"CampaignMember", "Campaign", "CampaignMemberStatus"}})
	who := crm.Ref{Type: "Contact", ID: w.create("Contact", map[string]any{"LastName": "Newcomer"})}
	for _, key := range []string{"a", "b"} {
		if e := w.change(key, "Responded", who); e.State != ledger.ErrandOver || e.Result != noCampaigns {
			t.Fatalf("%s %q %s", e.State, e.Result, e.LastError)
		}
	}
	if len(w.said) != 1 || !strings.Contains(w.said[0], "has no campaigns") {
		t.Fatalf("%q", w.said)
	}
}

func TestWhatCannotBeAMemberOrACampaignIsRefused(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	who := crm.Ref{Type: "Contact", ID: w.create("Contact", map[string]any{"LastName": "Newcomer"})}
	for line, ch := range map[string]MemberChange{
		"only a contact or a lead": {Campaign: w.campaign(), Who: crm.Ref{Type: "Account", ID: who.ID}, Status: text.Clean("Sent")},
		"there is no campaign":     {Campaign: crm.Ref{Name: text.Clean("Nothing")}, Who: who, Status: text.Clean("Sent")},
		"no campaign is named":     {Who: who, Status: text.Clean("Sent")},
	} {
		w.add(ledger.Errand{Key: line, Kind: MemberErrand, Payload: Payload(ch)})
		w.errands()
		if e := w.errand(line); e.State != ledger.ErrandRefused || !strings.Contains(e.LastError.String(), line) {
			t.Errorf("%s: %s %s", line, e.State, e.LastError)
		}
	}
	w.add(ledger.Errand{Key: "junk", Kind: MemberErrand, Payload: []byte(`[1]`)})
	w.errands()
	if e := w.errand("junk"); e.State != ledger.ErrandRefused || e.Class != "payload" {
		t.Errorf("%s %s", e.State, e.LastError)
	}
}

func TestMembersArePulledPageByPageWithTheirNumbers(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	camp, err := Resolve(t.Context(), w.sf, w.campaign())
	if err != nil || camp.ID == "" {
		t.Fatal(camp, err)
	}
	id := w.create("Contact", map[string]any{"LastName": "Shy", "Phone": "020 7946 0001", "MobilePhone": "07700 900001", "DoNotCall": true})
	w.create("CampaignMember", map[string]any{"CampaignId": camp.ID, "ContactId": id, "Status": "Sent"})
	lead := w.create("Lead", map[string]any{"LastName": "Lee", "Company": "Leaders", "MobilePhone": "07700 900002"})
	w.create("CampaignMember", map[string]any{"CampaignId": camp.ID, "LeadId": lead, "Status": "Sent"})
	seen := map[string]Person{}
	after, pages := "", 0
	for {
		people, more, err := PullMembers(t.Context(), w.sf, Pull{Campaign: camp, After: after, Limit: 15, Numbers: []string{"MobilePhone", "Phone"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			if _, twice := seen[p.ID]; twice {
				t.Fatal("twice", p)
			}
			seen[p.ID], after = p, p.ID
		}
		if pages++; !more {
			break
		}
	}
	var shy, lee Person
	for _, p := range seen {
		switch p.Who.ID {
		case id:
			shy = p
		case lead:
			lee = p
		}
	}
	if len(seen) != 42 || pages != 3 || !shy.DoNotCall || len(shy.Numbers) != 2 || shy.Numbers[0].String() != "07700 900001" || lee.Who.Type != "Lead" || lee.Company.String() != "Leaders" {
		t.Fatalf("%d in %d pages, %+v, %+v", len(seen), pages, shy, lee)
	}
	only, _, err := PullMembers(t.Context(), w.sf, Pull{Campaign: camp, Statuses: []string{"Responded"}})
	if err != nil || len(only) == 0 || len(only) >= 40 {
		t.Fatal(len(only), err)
	}
	for _, p := range only {
		if p.Status.String() != "Responded" || !p.Responded {
			t.Fatalf("%+v", p)
		}
	}
}
