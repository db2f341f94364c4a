package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func TestOutboxListTellsWhatIsMissingAndWhy(t *testing.T) {
	e := sampleLedger(t)
	var out bytes.Buffer
	check(t, withLedger(t.Context(), e, func(l *ledger.Ledger) error {
		n, err := l.Counts(t.Context())
		check(t, err)
		es, err := l.Items(t.Context())
		check(t, err)
		return outboxPage(&out, n, es, nil, noon)
	}))
	want := `1 call record is not in Salesforce yet (waiting for 1 hour).
One needs you: offhook why KEY tells what to do.
1 call has no record yet: it is up, or was cut off and gets its record when
offhook starts next.

5f2a91d7  refused   21 Nov 10:00  in   +447814256405     Zoë Ångström
          Salesforce refused it: A call needs a disposition
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	fits(t, out.String())
	all, err := runCmd(t, newOutboxCmd(e), "list", "--state", "all", "--json")
	check(t, err)
	var o ledger.OutboxJSON
	check(t, json.Unmarshal([]byte(all), &o))
	if o.Version != 1 || len(o.Records) != 2 || o.Counts.Dead != 1 || o.Counts.OpenCalls != 1 {
		t.Errorf("%s", all)
	}
	if _, err := runCmd(t, newOutboxCmd(e), "list", "--state", "lost"); err == nil || !strings.Contains(err.Error(), "dead") {
		t.Errorf("%v", err)
	}
}

func TestAnEmptyOutboxIsGoodNews(t *testing.T) {
	e := pathEnv(filepath.Join(t.TempDir(), "none.db"))
	if out, err := runCmd(t, newOutboxCmd(e), "list"); err != nil || out != "Every call record is in Salesforce.\n" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := runCmd(t, newOutboxCmd(e), "export"); err != nil || out != "" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestARefusedRecordIsEditedAndSentAgain(t *testing.T) {
	e := sampleLedger(t)
	out, err := runCmd(t, newOutboxCmd(e), "show", "5f2a91d7", "--payload")
	check(t, err)
	var rec crm.CallRecord
	check(t, json.Unmarshal([]byte(out), &rec))
	rec.Notes = text.CleanBlock("edited", 100)
	edited := filepath.Join(t.TempDir(), "edited.json")
	body, err := json.Marshal(rec)
	check(t, err)
	check(t, os.WriteFile(edited, body, 0o600))
	out, err = runCmd(t, newOutboxCmd(e), "retry", "5f2a91d7", "--payload", edited)
	check(t, err)
	if !strings.Contains(out, "5f2a91d7 is due now") || !strings.Contains(out, "No desk is running") {
		t.Errorf("%s", out)
	}
	s := story(t, e, zoeKey)
	if s.Item.State != ledger.Pending || callRecord(s).Notes.String() != "edited" || s.Attempts[len(s.Attempts)-1].Result != "edited" {
		t.Errorf("%+v", s)
	}
}

func TestAnEditedRecordMustStillBeThatCalls(t *testing.T) {
	e := sampleLedger(t)
	before := story(t, e, zoeKey)
	_, other := sampleCall(fredKey, "1", "x", nine)
	body, err := json.Marshal(other)
	check(t, err)
	for name, content := range map[string]string{"another call's": string(body), "no record": "[]", "no JSON": "hello", "empty": "", "huge": strings.Repeat(" ", maxPayload) + "{}"} {
		cmd := newOutboxCmd(e)
		cmd.SetIn(strings.NewReader(content))
		if out, err := runCmd(t, cmd, "retry", "5f2a91d7", "--payload", "-"); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if after := story(t, e, zoeKey); after.Item.State != ledger.Dead || string(after.Item.Payload) != string(before.Item.Payload) || len(after.Attempts) != len(before.Attempts) {
		t.Errorf("%+v", after)
	}
}

func TestRetryNamesTheDeskThatWillSend(t *testing.T) {
	e := sampleLedger(t)
	desk, err := ledger.Open(t.Context(), string(e), ledger.Options{Holder: ledger.Holder{Program: "offhook", TTY: "pts/9"}})
	check(t, err)
	defer desk.Close()
	out, err := runCmd(t, newOutboxCmd(e), "retry", "--all")
	check(t, err)
	if !strings.HasPrefix(out, "1 record due now. The running desk sends it: offhook") || !strings.Contains(out, "pts/9") {
		t.Errorf("%s", out)
	}
	if due, err := desk.Due(t.Context(), noon.AddDate(10, 0, 0), 10); err != nil || len(due) != 1 || due[0].Key != zoeKey {
		t.Errorf("the desk sees %+v, %v", due, err)
	}
}

func TestDropWantsAReasonAndCanBeTakenBack(t *testing.T) {
	e := sampleLedger(t)
	if _, err := runCmd(t, newOutboxCmd(e), "drop", "5f2a91d7"); err == nil || !strings.Contains(err.Error(), "--reason") {
		t.Errorf("%v", err)
	}
	out, err := runCmd(t, newOutboxCmd(e), "drop", "5f2a91d7", "--reason", "test call")
	if err != nil || !strings.Contains(out, "outbox retry 5f2a91d7") {
		t.Errorf("%q, %v", out, err)
	}
	s := story(t, e, zoeKey)
	if last := s.Attempts[len(s.Attempts)-1]; s.Item.State != ledger.Dropped || last.Reason.String() != "test call" {
		t.Errorf("%+v", s)
	}
	if _, err := runCmd(t, newOutboxCmd(e), "drop", "5f2a91c0", "--reason", "x"); err == nil || !strings.Contains(err.Error(), "in Salesforce already") {
		t.Errorf("a sent record was dropped: %v", err)
	}
	_, err = runCmd(t, newOutboxCmd(e), "retry", "5f2a91d7")
	check(t, err)
	if s := story(t, e, zoeKey); s.Item.State != ledger.Pending {
		t.Errorf("%+v", s)
	}
}

func TestRetryWantsToKnowWhat(t *testing.T) {
	e := sampleLedger(t)
	for _, args := range [][]string{{"retry"}, {"retry", "5f2a91d7", "--all"}, {"retry", "--all", "--payload", "x"}, {"retry", "aa000000"}} {
		if _, err := runCmd(t, newOutboxCmd(e), args...); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestOutboxShowIsAPageThenThePayload(t *testing.T) {
	out, err := runCmd(t, newOutboxCmd(sampleLedger(t)), "show", "5f2a91d7")
	check(t, err)
	for _, words := range []string{"Inbound call from +447814256405 (Zoë Ångström)\n", "Salesforce refused the record: A call needs a disposition.\n", `"key": "` + zoeKey + `"`} {
		if !strings.Contains(out, words) {
			t.Errorf("%q is not in\n%s", words, out)
		}
	}
	if _, err := runCmd(t, newOutboxCmd(sampleLedger(t)), "show", "aa"); err == nil || !strings.Contains(err.Error(), "still up") {
		t.Errorf("%v", err)
	}
}

func TestExportIsOneLinePerRecord(t *testing.T) {
	out, err := runCmd(t, newOutboxCmd(sampleLedger(t)), "export", "--state", "all")
	check(t, err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%s", out)
	}
	var e ledger.EntryJSON
	check(t, json.Unmarshal([]byte(lines[1]), &e))
	if e.Version != 1 || e.Call.Key != zoeKey || e.Record.State != ledger.Dead || len(e.Record.Payload) == 0 {
		t.Errorf("%s", lines[1])
	}
}

func TestEveryStateOfARecordIsToldInWords(t *testing.T) {
	failed := ledger.Item{State: ledger.Pending, Due: noon.Add(90e9), Attempts: 3, LastError: text.Clean("Salesforce cannot be reached")}
	again := failed
	again.Attempts, again.Due, again.Ambiguous = 0, nine, true
	for want, it := range map[string]ledger.Item{
		"is sent at 12:01:30, after 3 attempts: Salesforce cannot be reached":                                           failed,
		"is sent next; the last attempt failed: Salesforce cannot be reached (Salesforce may have it: looked up first)": again,
		"is sent next":                         {State: ledger.Pending, Due: nine},
		"is sent at 23 November 12:00":         {State: ledger.Pending, Due: noon.AddDate(0, 0, 2)},
		"is being sent":                        {State: ledger.Sending},
		"needs completing: a value is missing": {State: ledger.Fix, LastError: text.Clean("a value is missing")},
		"is in Salesforce as Task 00T1":        {State: ledger.Sent, TaskID: "00T1"},
		"was dropped and is not sent":          {State: ledger.Dropped},
		"is kept here only: calls like this are not logged (log.statuses)": {State: ledger.Filtered},
	} {
		if got := reasonOf(it, noon); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
