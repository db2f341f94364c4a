package post

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// sentRecord ends a call, sends it and returns its key, its record and its Task.
func (p *post) sentRecord(n int, change func(*crm.CallRecord)) (string, crm.CallRecord) {
	p.T.Helper()
	var rec crm.CallRecord
	key := p.end(n, func(r *crm.CallRecord) {
		r.Notes = text.CleanBlock("first notes", 1000)
		if change != nil {
			change(r)
		}
		rec = *r
	})
	p.sender.Flush(p.T.Context())
	if it := p.item(key); it.State != ledger.Sent {
		p.T.Fatalf("%s: %s", it.State, it.LastError)
	}
	return key, rec
}

// wholly is a change that replaces everything.
func wholly(c ledger.Call, body json.RawMessage) ledger.Change {
	return func(ledger.Call, json.RawMessage) (ledger.Call, json.RawMessage, error) { return c, body, nil }
}

// amend stores a change as the desk does.
func (p *post) amend(rec crm.CallRecord) {
	p.T.Helper()
	b, err := json.Marshal(rec)
	if err != nil {
		p.T.Fatal(err)
	}
	call := ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: string(rec.Type), Number: rec.Number, Started: rec.Start, Answered: rec.Answer, Ended: rec.End, Detail: b, Notes: rec.Notes}
	if _, err := p.led.Amend(p.T.Context(), rec.Key, time.Time{}, wholly(call, b)); err != nil {
		p.T.Fatal(err)
	}
}

func (p *post) amendNow() {
	p.T.Helper()
	p.runErrands(map[string]crm.ErrandFunc{"amend": p.sender.Amend(p.led)})
}

func (p *post) task(key string) map[string]any {
	p.T.Helper()
	for _, r := range p.tasks() {
		if r["Id"] == p.item(key).TaskID {
			return r
		}
	}
	p.T.Fatal("the Task is gone")
	return nil
}

// patches are the bodies of the PATCH requests on Tasks so far.
func (p *post) patches() (n int) {
	for _, r := range p.Requests() {
		if r.Method == "PATCH" && strings.Contains(r.Path, "/sobjects/Task/") {
			n++
		}
	}
	return n
}

func TestLaterNotesAssociationAndDispositionChangeTheTask(t *testing.T) {
	for _, noKey := range []bool{false, true} {
		p := newPost(t, emulator.Options{NoCallKey: noKey})
		key, rec := p.sentRecord(1, nil)
		account := p.ref("Account", emulator.StoryKnownAccount)
		rec.Notes = text.CleanBlock("second notes", 1000)
		rec.Assoc = crm.Association{Rule: crm.RulePinned, Why: "pinned by you, after the call", What: account}
		p.amend(rec)
		rec.Disposition = text.Clean("Sale")
		p.amend(rec) // merged with the first
		p.amendNow()
		task := p.task(key)
		d, _ := task["Description"].(string)
		if task["WhatId"] != account.ID || task["WhoId"] != nil || task["CallDisposition"] != "Sale" || !strings.HasPrefix(d, "second notes\n") || strings.Contains(d, "first notes") {
			t.Errorf("%v", task)
		}
		if n := p.patches(); n != 1 {
			t.Errorf("%d changes of the Task", n)
		}
		e := p.errand("amend/" + key + "/1")
		if e.State != ledger.ErrandOver || !strings.Contains(e.Result, "changed") {
			t.Errorf("%s: %s %s", e.State, e.Result, e.LastError)
		}
		p.amend(rec) // nothing new
		p.amendNow()
		if n := p.patches(); n != 1 {
			t.Errorf("a change that is none was sent: %d", n)
		}
		if n := len(p.tasks()); n != 1 {
			t.Errorf("%d Tasks", n)
		}
	}
}

func TestAnAmendmentThatWasCutOffChangesNothingTwice(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, nil)
	rec.Notes = text.CleanBlock("second", 1000)
	p.amend(rec)
	amend := p.sender.Amend(p.led)
	e, ok, err := p.led.ClaimErrand(t.Context(), "amend/"+key+"/1", p.Time())
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := amend(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	p.led.Close() // killed before what came of it was noted
	p.open()
	p.amendNow()
	if n := p.patches(); n != 1 || p.errand(e.Key).State != ledger.ErrandOver {
		t.Errorf("%d changes, %s", n, p.errand(e.Key).State)
	}
}

func TestAnAmendmentOutlastsEveryTrouble(t *testing.T) {
	for _, f := range []emulator.Fault{
		{Kind: emulator.FaultBusy, Times: 3, Object: "Task"}, {Kind: emulator.FaultDropReply, Times: 2, Object: "Task"}, {Kind: emulator.FaultRowLock, Times: 2},
		{Kind: emulator.FaultLimit, Times: 2}, {Kind: emulator.FaultHTML, Times: 2, Object: "Task"},
		{Kind: emulator.FaultAPIError, Status: 412, Code: "PRECONDITION_FAILED", Message: "changed", Times: 1, Object: "Task"},
	} {
		p := newPost(t, emulator.Options{})
		key, rec := p.sentRecord(1, nil)
		rec.Notes = text.CleanBlock("second", 1000)
		p.amend(rec)
		p.Fault(f)
		for range 8 {
			p.amendNow()
			p.Sleep(6 * time.Minute)
		}
		if d := p.task(key)["Description"].(string); !strings.HasPrefix(d, "second") || strings.Count(d, "second") != 1 {
			t.Errorf("%s: %s %s", f.Kind, p.errand("amend/"+key+"/1").State, d)
		}
	}
}

func TestAChangeThatIsTakenBackBeforeItsReplyCameIsTakenBackInSalesforce(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, nil)
	first := rec
	rec.Notes, rec.Disposition = text.CleanBlock("second", 1000), text.Clean("Sale")
	p.amend(rec)
	p.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "Task"})
	p.amendNow()
	if d := p.task(key)["Description"].(string); !strings.HasPrefix(d, "second") {
		t.Fatal(d)
	}
	p.amend(first) // the agent thinks better of it, while nobody knows whether the first change arrived
	p.Sleep(6 * time.Minute)
	p.amendNow()
	task := p.task(key)
	if d := task["Description"].(string); !strings.HasPrefix(d, "first notes") || strings.Contains(d, "second") || task["CallDisposition"] != nil {
		t.Errorf("%v %s", task["CallDisposition"], d)
	}
}

func TestAChangeOfARecordThatMayHaveArrivedReachesTheTaskAllTheSame(t *testing.T) {
	for _, landed := range []bool{true, false} {
		p := newPost(t, emulator.Options{})
		f := emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "Task"}
		if !landed {
			f.Kind = emulator.FaultError
		}
		p.sentRecord(0, nil)
		p.Fault(f)
		var rec crm.CallRecord
		key := p.end(1, func(r *crm.CallRecord) { rec = *r })
		p.sender.Flush(t.Context())
		if it := p.item(key); it.State != ledger.Pending || !it.Ambiguous {
			t.Fatalf("%s, ambiguous %v", it.State, it.Ambiguous)
		}
		rec.Notes = text.CleanBlock("later notes", 1000)
		p.amend(rec)
		p.until(key, ledger.Sent, 3)
		p.amendNow()
		if d := p.task(key)["Description"].(string); !strings.HasPrefix(d, "later notes") || len(p.tasks()) != 2 {
			t.Errorf("landed %v: %s", landed, d)
		}
	}
}

func TestWhatSomebodyChangedInSalesforceStays(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, nil)
	boss := p.ref("Account", emulator.StoryKnownAccount)
	if err := p.SF.Update(t.Context(), "Task", p.item(key).TaskID, map[string]any{"Description": "rewritten by the boss", "WhatId": boss.ID}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	rec.Notes = text.CleanBlock("second notes", 1000)
	rec.Assoc = crm.Association{Rule: crm.RulePinned, What: p.ref("Account", emulator.StorySharedAccount)}
	rec.Disposition = text.Clean("Sale")
	p.amend(rec)
	p.amendNow()
	task := p.task(key)
	if task["Description"] != "second notes\n\nrewritten by the boss" || task["WhatId"] != boss.ID || task["CallDisposition"] != "Sale" {
		t.Errorf("%v", task)
	}
	if e := p.errand("amend/" + key + "/1"); !strings.Contains(e.Result, "left WhatId") {
		t.Errorf("%s: %s", e.State, e.Result)
	}
}

func TestAnAmendmentOfADeletedTaskIsKeptForAPerson(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, nil)
	if err := p.SF.Delete(t.Context(), "Task", p.item(key).TaskID); err != nil {
		t.Fatal(err)
	}
	rec.Notes = text.CleanBlock("second notes", 1000)
	p.amend(rec)
	p.amendNow()
	if e := p.errand("amend/" + key + "/1"); e.State != ledger.ErrandRefused || !strings.Contains(e.LastError.String(), "deleted") {
		t.Errorf("%s: %s", e.State, e.LastError)
	}
}

func TestALinkThatSalesforceRefusesDoesNotHoldUpTheNotes(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, nil)
	rec.Notes = text.CleanBlock("second notes", 1000)
	rec.Assoc = crm.Association{Rule: crm.RulePinned, Who: crm.Ref{Type: "Contact", ID: "003000000000999AAA"}}
	p.amend(rec)
	p.amendNow()
	task := p.task(key)
	e := p.errand("amend/" + key + "/1")
	if d, _ := task["Description"].(string); !strings.HasPrefix(d, "second notes") || task["WhoId"] == nil || e.State != ledger.ErrandRefused || e.Class != "link" {
		t.Errorf("%s %q: %s; %v", e.State, e.Class, e.LastError, task)
	}
}

func TestAnAssociationThatWasFoundWhileSendingIsNotTakenBackByNotes(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key, rec := p.sentRecord(1, func(r *crm.CallRecord) {
		r.Assoc, r.Unresolved = crm.Association{Rule: crm.RuleNone, Why: "Salesforce could not be searched"}, true
	})
	fred := p.ref("Contact", emulator.StoryKnownName)
	if got := p.task(key)["WhoId"]; got != fred.ID {
		t.Fatalf("resolved to %v", got)
	}
	rec.Notes = text.CleanBlock("second notes", 1000)
	p.amend(rec)
	p.amendNow()
	if task := p.task(key); task["WhoId"] != fred.ID || !strings.HasPrefix(task["Description"].(string), "second") {
		t.Errorf("%v", task)
	}
	rec.Assoc = crm.Association{Rule: crm.RulePinned, Why: "cleared by you, after the call"} // now the agent says: nobody
	rec.Assoc.What = p.ref("Account", emulator.StoryKnownAccount)
	p.amend(rec)
	p.amendNow()
	if task := p.task(key); task["WhoId"] != nil || task["WhatId"] != rec.Assoc.What.ID {
		t.Errorf("%v: %s", task, p.errand("amend/"+key+"/2").Result)
	}
}

func TestValuesOfFieldsAreTheSameHoweverSalesforceWritesThem(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b any
		same bool
	}{
		{"Description", "a\nb", "a\r\nb ", true}, {"Description", "a", "b", false}, {"X", nil, "", true}, {"X", nil, "x", false},
		{"WhoId", "003000000000001", "003000000000001AAA", true}, {"N", 61, 61.0, true}, {"N", int64(2), json.Number("3"), false},
		{"At", "2026-11-20T16:11:36.000Z", "2026-11-20T16:11:36.000+0000", true}, {"At", "2026-11-20T16:11:36.000Z", "2026-11-20T17:11:36.000+0000", false},
		{"Flag", true, true, true}, {"Flag", true, false, false}, {"Flag", false, nil, false},
	} {
		if got := crm.SameField(tt.name, tt.a, tt.b); got != tt.same {
			t.Errorf("%s: %v and %v: %v", tt.name, tt.a, tt.b, got)
		}
	}
}
