package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// pathEnv is a program whose profile has its ledger here.
type pathEnv string

func (p pathEnv) LedgerPath() (string, error) { return string(p), nil }

// The calls of these tests begin at nine, and people look at them at noon.
var (
	nine = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	noon = nine.Add(3 * time.Hour)
)

const fredKey, zoeKey, deskKey = "5f2a91c0-0000-5000-8000-000000000001", "5f2a91d7-0000-5000-8000-000000000002", "aa000000-0000-5000-8000-000000000003"

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sampleCall is an ended call with its record as the desk writes it.
func sampleCall(key, number, name string, at time.Time) (ledger.Call, crm.CallRecord) {
	about := crm.Ref{Type: "Contact", ID: "003000000000001AAA", Name: text.Clean(name)}
	rec := crm.CallRecord{Version: 1, Key: key, Type: crm.Inbound, Number: text.Clean(number), Name: text.Clean(name), Start: at,
		Answer: at.Add(4 * time.Second), End: at.Add(69 * time.Second), Duration: 65 * time.Second, Action: "answered", HangUpBy: "customer",
		Assoc: crm.Association{Rule: crm.RuleOneMatch, Why: "exactly one match", Who: about}}
	detail, err := json.Marshal(rec)
	if err != nil {
		panic(err)
	}
	return ledger.Call{Key: key, State: ledger.EndedNormal, Direction: "Inbound", Number: rec.Number, Name: rec.Name, Match: "one",
		RecordType: about.Type, RecordID: about.ID, RecordName: about.Name, Started: rec.Start, Answered: rec.Answer, Ended: rec.End,
		Seconds: 65, Cause: text.Clean("the customer hung up"), Notes: text.CleanBlock("Wants the invoice again.\nCall back on Monday.", 200),
		Detail: detail}, rec
}

// sampleLedger has a sent, a refused and an open call.
func sampleLedger(t *testing.T) pathEnv {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	now := nine
	l, err := ledger.Open(t.Context(), path, ledger.Options{Now: func() time.Time { return now }})
	check(t, err)
	defer l.Close()
	ctx := t.Context()
	fred, _ := sampleCall(fredKey, "07814256404", "Fred Bloggs", nine)
	ring := fred
	ring.State, ring.Match = "incoming", "searching"
	check(t, l.Journal(ctx, ring, "incoming", nine))
	check(t, l.Journal(ctx, ring, "lookup: one match", nine.Add(42*time.Millisecond)))
	ring.State = "talking"
	check(t, l.Journal(ctx, ring, "answered", nine.Add(4*time.Second)))
	now = fred.Ended
	check(t, l.Finish(ctx, fred, &ledger.Item{Payload: fred.Detail}))
	_, _, err = l.Claim(ctx, fredKey, noon)
	check(t, err)
	now = now.Add(2 * time.Second)
	check(t, l.MarkRetry(ctx, fredKey, ledger.Failure{Class: "network", Reason: text.Clean("Salesforce cannot be reached"), Due: now}))
	_, _, err = l.Claim(ctx, fredKey, noon)
	check(t, err)
	now = now.Add(90 * time.Second)
	check(t, l.MarkSent(ctx, fredKey, "00T000000000001AAA"))

	zoe, _ := sampleCall(zoeKey, "+447814256405", "Zoë Ångström", nine.Add(time.Hour))
	now = zoe.Ended
	check(t, l.Finish(ctx, zoe, &ledger.Item{Payload: zoe.Detail}))
	_, _, err = l.Claim(ctx, zoeKey, noon)
	check(t, err)
	check(t, l.MarkDead(ctx, zoeKey, ledger.Failure{Class: "validation", Reason: text.Clean("A call needs a disposition")}))

	open, _ := sampleCall(deskKey, "2104", "Front Desk", nine.Add(2*time.Hour))
	open.State, open.Direction, open.Outgoing, open.Match = "talking", "Internal", true, "internal"
	open.Ended, open.RecordID, open.RecordType, open.RecordName, open.Detail = time.Time{}, "", "", text.Text{}, nil
	check(t, l.Journal(ctx, open, "answered", nine.Add(2*time.Hour)))
	return pathEnv(path)
}

// runCmd runs one command and returns what it printed.
func runCmd(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(append([]string{}, args...)) // nil would mean those of the test itself
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// fits checks a page for an 80-column terminal.
func fits(t *testing.T, page string) {
	t.Helper()
	for line := range strings.SplitSeq(page, "\n") {
		if w := ansi.StringWidth(line); w > 80 || strings.ContainsAny(line, "\x1b\x07\r") || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns: %q", w, line)
		}
	}
}

func story(t *testing.T, e pathEnv, key string) ledger.Story {
	t.Helper()
	var s ledger.Story
	check(t, withLedger(t.Context(), e, func(l *ledger.Ledger) (err error) {
		s, err = resolve(t.Context(), l, key)
		return err
	}))
	return s
}

func TestWhyTellsTheWholeStoryOfACall(t *testing.T) {
	var out bytes.Buffer
	check(t, whyPage(&out, story(t, sampleLedger(t), "5f2a91c"), noon))
	want := `Inbound call from 07814256404 (Fred Bloggs)
Saturday 21 November 2026, 09:00:00  ·  5f2a91c0-0000-5000-8000-000000000001

The record is in Salesforce as Task 00T000000000001AAA.

  Talked      1:05 minutes, after 4s of ringing
  Ended       the customer hung up
  Hung up by  customer
  Lookup      one record has this number
  Belongs to  Contact Fred Bloggs (003000000000001AAA)
  Because     rule 5: exactly one match
  Notes       Wants the invoice again.
              Call back on Monday.

The call
  09:00:00            incoming
  09:00:00    +42 ms  incoming      lookup: one match
  09:00:04    +4.0 s  talking       answered
  09:01:09    +1 min  ended         the customer hung up

Its record
  09:01:09            queued
  09:01:11    +2.0 s  retry         network: Salesforce cannot be reached
  09:02:41    +1 min  sent          Task 00T000000000001AAA
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	fits(t, out.String())
}

func TestWhySaysWhatToDoWithARefusedRecord(t *testing.T) {
	var out bytes.Buffer
	check(t, whyPage(&out, story(t, sampleLedger(t), zoeKey), noon))
	for _, words := range []string{"Salesforce refused the record: A call needs a disposition.", "outbox retry 5f2a91d7", "--payload"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), words) {
			t.Errorf("%q is not in\n%s", words, out.String())
		}
	}
	fits(t, out.String())
}

func TestWhyWithoutACallTakesTheLast(t *testing.T) {
	out, err := runCmd(t, newWhyCmd(sampleLedger(t)))
	check(t, err)
	if !strings.HasPrefix(out, "Internal call to 2104 (Front Desk)\n") || !strings.Contains(out, "The call is still up.") {
		t.Errorf("%s", out)
	}
	fits(t, out)
}

func TestWhyPrintsTheDocumentedShape(t *testing.T) {
	out, err := runCmd(t, newWhyCmd(sampleLedger(t)), "--json", "5f2a91c0")
	check(t, err)
	var s ledger.StoryJSON
	check(t, json.Unmarshal([]byte(out), &s))
	if s.Version != 1 || s.Call.Key != fredKey || len(s.Transitions) != 4 || len(s.Attempts) != 3 || s.Record.State != ledger.Sent {
		t.Errorf("%s", out)
	}
}

func TestWhyNamesTheChoiceOrTheMistake(t *testing.T) {
	e := sampleLedger(t)
	_, err := runCmd(t, newWhyCmd(e), "5f2a91")
	if err == nil || !strings.Contains(err.Error(), fredKey) || !strings.Contains(err.Error(), zoeKey) {
		t.Errorf("%v", err)
	}
	if _, err := runCmd(t, newWhyCmd(e), "77"); err == nil || !strings.Contains(err.Error(), "history") {
		t.Errorf("%v", err)
	}
	if _, err := runCmd(t, newWhyCmd(pathEnv(filepath.Join(t.TempDir(), "none.db")))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestNoPageIsBrokenByWhatStrangersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, ledger.Options{Now: func() time.Time { return noon }})
	check(t, err)
	evil := strings.Repeat("漢字 \x1b[31m\x1b]0;x\x07‮abc \t", 12)
	c, rec := sampleCall(fredKey, strings.Repeat("1234567890", 8), evil, nine)
	c.Cause, c.Notes, c.Match = text.Clean(evil), text.CleanBlock(evil+"\n"+strings.Repeat("w", 300), 4000), evil
	c.State, c.Direction = "ended:"+evil, evil
	rec.Assoc.Why = evil
	c.Detail, err = json.Marshal(rec)
	check(t, err)
	check(t, l.Finish(t.Context(), c, &ledger.Item{Payload: c.Detail}))
	_, _, err = l.Claim(t.Context(), fredKey, noon)
	check(t, err)
	check(t, l.MarkDead(t.Context(), fredKey, ledger.Failure{Class: evil, Reason: text.Clean(evil)}))
	check(t, l.Close())
	e := pathEnv(path)
	for name, cmd := range map[string]*cobra.Command{"why": newWhyCmd(e), "history": newHistoryCmd(e), "list": newOutboxListCmd(e)} {
		out, err := runCmd(t, cmd)
		check(t, err)
		if len(out) < 50 {
			t.Errorf("%s: %q", name, out)
		}
		fits(t, out)
	}
}

func FuzzWhyReadsAnyDetail(f *testing.F) {
	f.Add([]byte(`{"version":1,"assoc":{"rule":5,"why":"x"}}`), int64(1))
	f.Add([]byte(`{"assoc":7}`), int64(-1))
	f.Fuzz(func(t *testing.T, detail []byte, gap int64) {
		s := ledger.Story{Entry: ledger.Entry{Call: ledger.Call{Key: "k", State: "ended:x", Started: nine, Ended: noon, Detail: detail}},
			Transitions: []ledger.Transition{{At: nine}, {At: nine.Add(time.Duration(gap))}}}
		check(t, whyPage(&bytes.Buffer{}, s, noon))
	})
}

func TestWithoutAnyCallEveryCommandAboutCallsSaysSoInOneLine(t *testing.T) {
	r := newRoom(t, baseSettings+"[storage]\ndir = \"DIR\"\n")
	r.replaceIn("DIR", r.path("state"))
	for _, args := range [][]string{{"why"}, {"why", "5f2a91c0"}, {"amend", "last", "--clear"}, {"outbox", "show", "5f2a91c0"}, {"outbox", "retry", "--all"}} {
		_, err := r.run(args...)
		if err == nil || err.Error() != "this profile has had no call yet; check --profile, or start offhook: "+filepath.Join(r.path("state"), "default", "ledger.db") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
