package post

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func TestARecordBecomesOneTaskWithTheRightFields(t *testing.T) {
	for _, opt := range []emulator.Options{{}, {NoCallKey: true}, {NoCallKey: true, Without: []string{"Task.Type", "Task.CallObject"}}} {
		p := newPost(t, opt)
		key := p.end(1, nil)
		p.sender.Flush(t.Context())
		it := p.expect(key, ledger.Sent, 1)
		task := p.tasks()[0]
		fredRef := p.ref("Contact", emulator.StoryKnownName)
		if task["WhoId"] != fredRef.ID || task["Status"] != "Completed" || task["IsClosed"] != true || it.TaskID != task["Id"] || fmt.Sprint(task["CallDurationInSeconds"]) != "60" {
			t.Errorf("%+v", task)
		}
		subject, _ := task["Subject"].(string)
		if !strings.HasPrefix(subject, "Inbound Call at ") || !strings.HasSuffix(subject, " Europe/London from 07814256404 (Fred Bloggs)") {
			t.Errorf("subject %q", subject)
		}
		if (task[crm.KeyField] == key) != !opt.NoCallKey {
			t.Errorf("key field %v", task[crm.KeyField])
		}
		said := p.said(ReportSent)
		if len(said) != 1 || said[0].TaskID != it.TaskID || said[0].Subject.String() != subject || !crm.SameID(said[0].About.ID, fredRef.ID) {
			t.Errorf("%+v", said)
		}
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
	}
}

func TestALostReplyDoesNotMakeASecondTask(t *testing.T) {
	for name, opt := range map[string]emulator.Options{
		"unique key": {}, "call id": {NoCallKey: true}, "subject only": {NoCallKey: true, Without: []string{"Task.CallObject"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, opt)
			p.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "Task", Times: 1})
			key := p.end(1, nil)
			p.sender.Flush(t.Context())
			it := p.expect(key, ledger.Pending, 1)
			if !it.Ambiguous || it.ErrorClass != "ambiguous" {
				t.Errorf("%+v", it)
			}
			p.until(key, ledger.Sent, 3)
			it = p.expect(key, ledger.Sent, 1)
			if it.TaskID != p.tasks()[0]["Id"] || len(p.said(ReportFound)) != 1 {
				t.Errorf("%+v", it)
			}
		})
	}
}

func TestTheUniqueKeyStopsASecondTaskEvenWithoutLookingUp(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	// Another desk's ledger (restored from a backup) has the same record, and knows nothing of the first attempt.
	p.led.Close()
	p.path = filepath.Join(t.TempDir(), "restored.db")
	p.open()
	p.end(1, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Sent, 1); it.TaskID != p.tasks()[0]["Id"] {
		t.Errorf("%+v", it)
	}
}

func TestTransientFailuresAreTriedAgainWithJitterAndNeverGivenUp(t *testing.T) {
	for _, f := range []emulator.Fault{
		{Kind: emulator.FaultBusy, Object: "Task", Method: "POST"}, {Kind: emulator.FaultError, Object: "Task", Method: "POST"},
		{Kind: emulator.FaultRowLock, Object: "Task"}, {Kind: emulator.FaultHTML, Object: "Task", Method: "POST"},
		{Kind: emulator.FaultHTML, Object: "Task", Method: "POST", Status: 403},
	} {
		p := newPost(t, emulator.Options{})
		p.Fault(f)
		key := p.end(1, nil)
		var waits []time.Duration
		for range 14 {
			p.sender.Flush(t.Context())
			it := p.expect(key, ledger.Pending, 0)
			waits = append(waits, it.Due.Sub(p.Time()))
			p.Sleep(it.Due.Sub(p.Time()))
		}
		if waits[0] != time.Second || waits[4] != 8*time.Second || waits[13] != 150*time.Second {
			t.Errorf("%s: waits %v", f.Kind, waits)
		}
		if n := len(p.said(ReportLate)); n != 1 {
			t.Errorf("%s: reported as late %d times", f.Kind, n)
		}
		p.ClearFaults()
		p.until(key, ledger.Sent, 3)
		p.expect(key, ledger.Sent, 1)
	}
}

func TestASessionThatExpiresInBetweenIsRenewedUnseen(t *testing.T) {
	p := newPost(t, emulator.Options{Rotate: true})
	first := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(first, ledger.Sent, 1)
	p.Fault(emulator.Fault{Kind: emulator.FaultSession})
	second := p.end(2, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(second, ledger.Sent, 2); it.Attempts != 1 {
		t.Errorf("%d attempts", it.Attempts)
	}
	if len(p.said(ReportPaused)) != 0 {
		t.Error("the agent was bothered")
	}
}

func TestSignedOutTheQueueWaitsWithoutBurningAttempts(t *testing.T) {
	p := newPost(t, emulator.Options{}) // its token cannot be renewed
	p.Fault(emulator.Fault{Kind: emulator.FaultSession})
	one, two := p.end(1, nil), p.end(2, nil)
	for range 5 {
		p.sender.Flush(t.Context())
		p.Sleep(10 * time.Second)
	}
	if it := p.expect(one, ledger.Pending, 0); it.Attempts != 0 || it.ErrorClass != "auth" && p.item(two).ErrorClass != "auth" {
		t.Errorf("%+v", it)
	}
	if n := len(p.said(ReportPaused)); n != 1 || !strings.Contains(p.sender.Paused(), "offhook login") {
		t.Errorf("paused %d times: %q", n, p.sender.Paused())
	}
	tok := p.SignIn(p.world.App())
	if err := p.SF.SignedIn(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	p.sender.Resume()
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Sent, 2)
	p.expect(two, ledger.Sent, 2)
	if len(p.said(ReportResumed)) != 1 || p.sender.Paused() != "" {
		t.Errorf("%+v", p.said(ReportResumed))
	}
}

func TestSignedOutOneRecordProbesAndTheRestFollows(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultSession})
	one, two := p.end(1, nil), p.end(2, nil)
	p.sender.Flush(t.Context())
	if err := p.SF.SignedIn(t.Context(), p.SignIn(p.world.App())); err != nil { // somebody ran offhook login elsewhere
		t.Fatal(err)
	}
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Pending, 0)
	p.Sleep(authProbe + time.Second)
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Sent, 2)
	p.expect(two, ledger.Sent, 2)
}

// whileOneIsUnderWay does something once, while the next attempt is under way.
func (p *post) whileOneIsUnderWay(do func()) {
	settings, once := p.sender.o.Settings, new(sync.Once)
	p.sender.o.Settings = func() crm.TaskSettings {
		once.Do(do)
		return settings()
	}
}

func TestWhatBeganBeforeSomebodyWantedItTriedIsNoAnswerToThat(t *testing.T) {
	for name, do := range map[string]func(s *Sender){"the limit was raised": (*Sender).Resume, "somebody signed in again": (*Sender).SignedIn} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, emulator.Options{})
			warm := p.end(1, nil)
			p.sender.Flush(t.Context())
			p.expect(warm, ledger.Sent, 1)
			key := p.end(2, nil)
			p.Fault(emulator.Fault{Kind: emulator.FaultLimit})
			p.whileOneIsUnderWay(func() { do(p.sender) })
			p.sender.Flush(t.Context())
			if it := p.expect(key, ledger.Pending, 1); it.Due.After(p.Time()) || it.ErrorClass != "limit" || it.Attempts != 0 || p.sender.Paused() != "" || len(p.said(ReportPaused)) != 0 {
				t.Errorf("due in %v after %d attempts, paused %q", it.Due.Sub(p.Time()), it.Attempts, p.sender.Paused())
			}
			p.ClearFaults()
			p.sender.Flush(t.Context())
			p.expect(key, ledger.Sent, 2)
		})
	}
}

func TestARecordIsTriedSoonWhenThatWasWantedDuringAnAttempt(t *testing.T) {
	p := newPost(t, emulator.Options{})
	warm := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(warm, ledger.Sent, 1)
	p.Fault(emulator.Fault{Kind: emulator.FaultBusy, Object: "Task"})
	key := p.end(2, nil)
	for range 8 {
		p.sender.Flush(t.Context())
		p.Sleep(retryLast)
	}
	if it := p.expect(key, ledger.Pending, 1); it.Attempts < 8 {
		t.Fatalf("%d attempts", it.Attempts)
	}
	p.whileOneIsUnderWay(p.sender.Resume)
	p.sender.Flush(t.Context())
	if wait := p.item(key).Due.Sub(p.Time()); wait > retryFirst {
		t.Errorf("the agent wanted it tried, and waits %v", wait)
	}
}

func TestTheUsedUpLimitPausesForLongerAndLonger(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit})
	key := p.end(1, nil)
	var asked []int
	for range 6 {
		p.sender.Flush(t.Context())
		asked = append(asked, len(p.Requests()))
		p.Sleep(time.Minute)
	}
	if it := p.expect(key, ledger.Pending, 0); it.Attempts != 0 || it.ErrorClass != "limit" {
		t.Errorf("%+v", it)
	}
	if asked[5] != asked[3] { // after 1, then 2, then 4 minutes
		t.Errorf("requests so far, each minute: %v", asked)
	}
	p.ClearFaults()
	p.Sleep(time.Hour)
	p.until(key, ledger.Sent, 2)
	p.expect(key, ledger.Sent, 1)
}

func TestFieldsThatSalesforceRefusesAreLeftOutOnce(t *testing.T) {
	p := newPost(t, emulator.Options{})
	warm := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(warm, ledger.Sent, 1)
	// An administrator hides two fields after the desk has read the org.
	if err := p.SetSettings(emulator.Settings{PhoneSearch: emulator.Normalise, CallKey: true, Without: []string{"Task.Type", "Task.CallObject"}}); err != nil {
		t.Fatal(err)
	}
	key := p.end(2, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Sent, 2); !it.Degraded {
		t.Errorf("%+v", it)
	}
	if d := p.said(ReportDegraded); len(d) == 0 || !strings.Contains(d[0].Line.String(), "left out") {
		t.Errorf("%+v", d)
	}
	third := p.end(3, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(third, ledger.Sent, 3); it.Degraded {
		t.Error("the fields were not read again")
	}
}

func TestARecordThatIsGoneIsWrittenUnassociated(t *testing.T) {
	p := newPost(t, emulator.Options{})
	lead := p.ref("Lead", emulator.StorySharedLead)
	if err := p.SF.Delete(t.Context(), "Lead", lead.ID); err != nil {
		t.Fatal(err)
	}
	key := p.end(1, func(r *crm.CallRecord) {
		r.Assoc = crm.Association{Rule: crm.RuleCurrent, Why: "opened during the call", Who: lead}
	})
	p.sender.Flush(t.Context())
	it := p.expect(key, ledger.Sent, 1)
	task := p.tasks()[0]
	if task["WhoId"] != nil || !it.Degraded || !strings.Contains(task["Description"].(string), "Salesforce refused the record") {
		t.Errorf("%+v", task)
	}
}

func TestAConvertedLeadBecomesItsContact(t *testing.T) {
	p := newPost(t, emulator.Options{})
	var lead, contact crm.Ref
	for _, l := range p.Records("Lead", false) {
		if id, _ := l["ConvertedContactId"].(string); l["IsConverted"] == true && id != "" {
			lead = crm.Ref{Type: "Lead", ID: l["Id"].(string), Name: text.Clean(l["Name"].(string))}
			contact = crm.Ref{Type: "Contact", ID: id}
		}
	}
	if lead.Zero() {
		t.Fatal("the practice org has no converted lead")
	}
	key := p.end(1, func(r *crm.CallRecord) {
		r.Assoc = crm.Association{Rule: crm.RuleOneMatch, Why: "the only match", Who: lead}
	})
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhoId"] != contact.ID {
		t.Errorf("WhoId %v, the lead became contact %s", task["WhoId"], contact.ID)
	}
}

func TestAWrongLinkIsSentWithoutIt(t *testing.T) {
	p := newPost(t, emulator.Options{})
	fredRef := p.ref("Contact", emulator.StoryKnownName)
	key := p.end(1, func(r *crm.CallRecord) { // a contact as WhatId: our own mistake
		r.Assoc = crm.Association{Rule: crm.RuleCurrent, Who: fredRef, What: crm.Ref{Type: "Case", ID: fredRef.ID}}
	})
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhatId"] != nil || task["WhoId"] != fredRef.ID {
		t.Errorf("who %v what %v", task["WhoId"], task["WhatId"])
	}
}

func TestARefusalByRuleWaitsForAPersonAndGoesOutAfterIt(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultValidation, Object: "Task", Message: "Description must name the product"})
	key, other := p.end(1, nil), ""
	p.sender.Flush(t.Context())
	it := p.expect(key, ledger.Fix, 0)
	if !strings.Contains(it.LastError.String(), "must name the product") || len(p.said(ReportFix)) != 1 {
		t.Errorf("%+v", it)
	}
	p.ClearFaults()
	other = p.end(2, nil)
	p.sender.Flush(t.Context())
	p.expect(other, ledger.Sent, 1)
	p.expect(key, ledger.Fix, 1)
	if err := p.led.Retry(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 2)
}

func TestARecordThatCannotBeReadIsNotInTheWay(t *testing.T) {
	p := newPost(t, emulator.Options{})
	for i, payload := range []string{`{"version":2,"key":"x"}`, `{"version":1}`, `"text"`} {
		key := fmt.Sprintf("bad-%d", i)
		err := p.led.Finish(t.Context(), ledger.Call{Key: key, State: ledger.EndedNormal, Direction: "Inbound", Started: p.Time(), Ended: p.Time()}, &ledger.Item{Key: key, Payload: json.RawMessage(payload)})
		if err != nil {
			t.Fatal(err)
		}
	}
	good := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(good, ledger.Sent, 1)
	for i := range 3 {
		p.expect(fmt.Sprintf("bad-%d", i), ledger.Dead, 1)
	}
}

func TestAnUnfinishedLookupIsResolvedOnce(t *testing.T) {
	for _, tt := range []struct{ number, who string }{
		{emulator.StoryKnownNumber, emulator.StoryKnownName}, {emulator.StorySharedNumber, ""}, {emulator.StoryUnknownNumber, ""},
	} {
		p := newPost(t, emulator.Options{})
		key := p.end(1, func(r *crm.CallRecord) {
			r.Number, r.Unresolved = text.Clean(tt.number), true
			r.Assoc = crm.Association{Rule: crm.RuleNone, Why: "the search had not finished"}
		})
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
		task := p.tasks()[0]
		if tt.who == "" {
			if task["WhoId"] != nil || task["WhatId"] != nil {
				t.Errorf("%s: who %v what %v", tt.number, task["WhoId"], task["WhatId"])
			}
			continue
		}
		if task["WhoId"] != p.ref("Contact", tt.who).ID || !strings.Contains(task["Subject"].(string), "("+tt.who+")") {
			t.Errorf("%s: %v %v", tt.number, task["WhoId"], task["Subject"])
		}
	}
}

func TestALookupThatKeepsFailingDoesNotKeepTheRecord(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/search"})
	key := p.end(1, func(r *crm.CallRecord) {
		r.Number, r.Unresolved = text.Clean(emulator.StoryUnknownNumber), true
		r.Assoc = crm.Association{Rule: crm.RuleNone}
	})
	p.until(key, ledger.Sent, 5)
	p.expect(key, ledger.Sent, 1)
}

func TestALookupThatRestsToSaveCallsDoesNotCostARecordItsCaller(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit})
	if m := p.dir.Lookup(t.Context(), text.Clean(emulator.StoryKnownNumber), crm.Inbound); m.State != crm.MatchFailed {
		t.Fatalf("found while the limit is reached: %+v", m)
	}
	key := p.end(1, func(r *crm.CallRecord) { r.Unresolved, r.Assoc = true, crm.Association{Rule: crm.RuleNone} })
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Pending, 0)
	p.ClearFaults()
	p.sender.Resume() // before the directory's rest is over
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhoId"] != p.ref("Contact", emulator.StoryKnownName).ID {
		t.Errorf("who %v", task["WhoId"])
	}
}

func BenchmarkSendOneRecord(b *testing.B) {
	rec := crm.CallRecord{Version: 1, Key: "k", Type: crm.Inbound, Number: text.Clean("07814256404"), Start: time.Now(), Action: "answered", Assoc: crm.Association{Who: crm.Ref{Type: "Contact", ID: "003000000000001AAA", Name: text.Clean("Fred Bloggs")}}}
	set := crm.TaskSettings{Subject: crm.SubjectStyle{Zone: time.UTC, ZoneStyle: crm.ZoneID}}
	b.ReportAllocs()
	for b.Loop() {
		if len(crm.TaskFields(rec, set)) == 0 {
			b.Fatal("no fields")
		}
	}
}
