package reconcile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/post"
	"offhook/internal/text"
)

// TestAThousandCallsAreComparedMendedAndComparedClean injects every kind of fault, once with the unique key field and once without.
func TestAThousandCallsAreComparedMendedAndComparedClean(t *testing.T) {
	calls := 1000
	if testing.Short() {
		calls = 200
	}
	for _, keyed := range []bool{true, false} {
		t.Run(fmt.Sprintf("keyed %v", keyed), func(t *testing.T) {
			o := newOffice(t, keyed)
			for n := range calls {
				o.call(n, o.period.From.Add(time.Duration(n)*time.Minute), n%50 == 49, nil)
			}
			o.sender.Flush(t.Context())
			if res := o.compare(); res.Faults() != 0 || res.Agree != calls-calls/50 || res.Kept != calls/50 {
				t.Fatalf("before anything is broken: %+v", res)
			}
			want := map[Kind]int{}
			for n := range calls {
				switch n % 50 {
				case 3:
					if err := o.SF.Delete(t.Context(), "Task", o.task(n)); err != nil {
						t.Fatal(err)
					}
					want[Missing]++
				case 11:
					o.double(n)
					want[Doubled]++
				case 17:
					o.change(n, map[string]any{"CallDurationInSeconds": 7777, "CallDisposition": "Wrong"})
					want[Different]++
				}
			}
			if _, err := o.SF.Create(t.Context(), "Task", map[string]any{"Subject": "Inbound Call", "CallObject": key(999999), "ActivityDate": "2026-11-17", "Status": "Completed"}, nil); err != nil {
				t.Fatal(err)
			}
			want[Unknown] = 1
			if err := o.SetFault(emulator.Fault{Kind: emulator.FaultValidation, Object: "Task", Times: 5, Message: "Say why"}); err != nil {
				t.Fatal(err)
			}
			for n := range 5 {
				o.call(calls+n, o.period.From.Add(time.Hour), false, nil)
			}
			o.sender.Flush(t.Context())
			o.ClearFaults()
			want[Unsent] = 5
			o.Sleep(time.Hour)
			for n := range calls {
				if n%50 == 23 {
					o.change(n, map[string]any{"CallDisposition": "Somebody's own"})
					want[Edited]++
				}
			}
			res := o.compare()
			for _, k := range Kinds() {
				if got := len(res.Of(k)); got != want[k] {
					t.Errorf("%d %s, not %d", got, k, want[k])
				}
			}
			again := o.compare()
			if len(again.Findings) != len(res.Findings) {
				t.Errorf("comparing changes something: %d findings, then %d", len(res.Findings), len(again.Findings))
			}
			for _, m := range o.mend(append(append(append(res.Of(Missing), res.Of(Unsent)...), res.Of(Doubled)...), res.Of(Different)...)) {
				if !m.Done {
					t.Errorf("%s %s: %s", m.Kind, m.Key, m.Line)
				}
			}
			res = o.compare()
			if res.Faults() != 0 || len(res.Of(Edited)) != want[Edited] || len(res.Of(Unknown)) != 1 {
				t.Errorf("after mending: %+v", res.Findings)
			}
			for _, m := range o.mend(res.Of(Edited)) { // only when a person says so
				if !m.Done {
					t.Errorf("%s", m.Line)
				}
			}
			if res = o.compare(); len(res.Findings) != 1 {
				t.Errorf("in the end: %+v", res.Findings)
			}
			per := map[string]int{}
			for _, r := range o.Records("Task", true) {
				if k, _ := r["CallObject"].(string); k != "" {
					per[k]++
				}
			}
			for n := range calls + 5 {
				if n < calls && n%50 == 49 {
					continue
				}
				if per[key(n)] != 1 {
					t.Errorf("call %d has %d Tasks", n, per[key(n)])
				}
			}
		})
	}
}

// TestWhateverIsBrokenIsFoundAndMendedOnce is the property: random faults, random mending, and Salesforce failing meanwhile.
func TestWhateverIsBrokenIsFoundAndMendedOnce(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 77))
		o := newOffice(t, seed%2 == 0)
		const calls = 40
		for n := range calls {
			o.call(n, o.period.From.Add(time.Duration(rnd.IntN(60))*time.Hour), false, nil)
		}
		o.sender.Flush(t.Context())
		touched := map[int]string{}
		for n := range calls {
			switch rnd.IntN(6) {
			case 0:
				if err := o.SF.Delete(t.Context(), "Task", o.task(n)); err != nil {
					t.Fatal(err)
				}
			case 1:
				for range 1 + rnd.IntN(3) {
					o.double(n)
				}
			case 2:
				id := o.double(n)
				o.Sleep(time.Minute)
				if err := o.SF.Update(t.Context(), "Task", id, map[string]any{"Description": "my notes"}, time.Time{}); err != nil {
					t.Fatal(err)
				}
				touched[n] = id
			case 3:
				o.change(n, map[string]any{"CallDurationInSeconds": 5000 + n})
			}
		}
		for range 8 {
			if rnd.IntN(2) == 0 {
				if err := o.SetFault(emulator.Fault{Kind: []string{emulator.FaultBusy, emulator.FaultDropReply, emulator.FaultRowLock}[rnd.IntN(3)], Times: 1 + rnd.IntN(2), Object: "Task"}); err != nil {
					t.Fatal(err)
				}
			}
			res, err := o.rec.Compare(t.Context(), o.period)
			if err == nil {
				_, _ = o.rec.Mend(t.Context(), res.Findings) // what Salesforce refuses now is found again
			}
			o.sender.Flush(t.Context())
			o.Sleep(10 * time.Minute)
		}
		o.ClearFaults()
		o.sender.Flush(t.Context())
		for range 2 {
			o.mend(o.compare().Findings)
		}
		res := o.compare()
		if len(res.Of(Missing)) > 0 || len(res.Of(Different)) > 0 || len(res.Of(Unsent)) > 0 || len(res.Of(Doubled)) != len(touched) {
			t.Fatalf("seed %d: %d doubles that somebody worked on, and left is %+v", seed, len(touched), res.Findings)
		}
		count := map[string]int{}
		for _, r := range o.Records("Task", true) {
			if k, _ := r["CallObject"].(string); k != "" {
				count[k]++
			}
		}
		for n := range calls {
			want := 1
			if touched[n] != "" {
				want = 2
				if _, err := o.SF.Get(t.Context(), "Task", touched[n], "Id"); err != nil {
					t.Errorf("seed %d: the Task that somebody worked on is gone: %v", seed, err)
				}
			}
			if count[key(n)] != want {
				t.Errorf("seed %d, call %d: %d Tasks, not %d", seed, n, count[key(n)], want)
			}
		}
	}
}

func TestWhatHasChangedSinceTheComparisonStays(t *testing.T) {
	o := newOffice(t, true)
	for n := range 3 {
		o.call(n, o.Time().Add(-time.Hour), false, nil)
	}
	o.sender.Flush(t.Context())
	o.change(0, map[string]any{"CallDurationInSeconds": 9})
	second := o.double(1)
	o.change(2, map[string]any{"CallDurationInSeconds": 9})
	res := o.compare()
	if res.Faults() != 3 {
		t.Fatalf("%+v", res)
	}
	o.Sleep(time.Minute)
	o.change(0, map[string]any{"CallDisposition": "mine"})
	if err := o.SF.Update(t.Context(), "Task", second, map[string]any{"Description": "mine"}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := o.SF.Delete(t.Context(), "Task", o.task(2)); err != nil {
		t.Fatal(err)
	}
	for _, m := range o.mend(res.Findings) {
		if m.Done || !strings.Contains(m.Line.String(), "compare again") {
			t.Errorf("%s: %s", m.Kind, m.Line)
		}
	}
}

func TestATaskThatIsThereIsNotSentAgain(t *testing.T) {
	o := newOffice(t, true)
	o.call(1, o.Time().Add(-time.Hour), false, nil)
	if err := o.SetFault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "Task"}); err != nil {
		t.Fatal(err)
	}
	o.sender.Flush(t.Context())
	if err := o.led.Drop(t.Context(), key(1), text.Clean("test")); err != nil { // nobody knew that it had arrived
		t.Fatal(err)
	}
	res := o.compare()
	if len(res.Of(Arrived)) != 1 || res.Faults() != 1 {
		t.Fatalf("%+v", res)
	}
	o.mend(res.Findings)
	if res = o.compare(); len(res.Findings) != 0 || o.task(1) == "" || len(o.Records("Task", true)) != 1 {
		t.Errorf("%+v", res)
	}
}

func TestWhatIsNoFaultIsNotTold(t *testing.T) {
	o := newOffice(t, true)
	o.call(1, o.Time().Add(-time.Minute), false, nil) // on its way
	o.call(2, o.Time().Add(-time.Hour), false, func(r *crm.CallRecord) { r.Notes = text.CleanBlock("long notes", 100) })
	o.call(3, o.period.From.Add(time.Minute), false, nil) // a Task's day is a day in the agent's zone
	res := o.compare()
	if res.Faults() != 0 || res.Way != 3 {
		t.Errorf("records on their way: %+v", res)
	}
	o.sender.Flush(t.Context())
	s, err := o.led.Call(t.Context(), key(2))
	if err != nil {
		t.Fatal(err)
	}
	// A change by the agent is on its way, then done: neither is somebody else's.
	o.Sleep(time.Hour)
	if _, err := o.led.Amend(t.Context(), s.Call.Key, time.Time{}, result("Changed by the agent")); err != nil {
		t.Fatal(err)
	}
	if res := o.compare(); len(res.Findings) != 0 {
		t.Errorf("a change is on its way: %+v", res.Findings)
	}
	post.NewErrands(post.ErrandOptions{Store: o.led, Run: map[string]crm.ErrandFunc{ledger.AmendErrand: o.sender.Amend(o.led)}, Now: o.Time}).Flush(t.Context())
	if res := o.compare(); len(res.Findings) != 0 || res.Agree != 3 {
		t.Errorf("a change has been made: %+v", res)
	}
}

func TestTheSubjectMayHaveBeenWrittenInAnotherStyle(t *testing.T) {
	o := newOffice(t, true)
	o.call(1, o.Time().Add(-time.Hour), false, nil)
	o.sender.Flush(t.Context())
	for _, style := range []crm.SubjectStyle{{TwelveHour: true}, {ZoneStyle: crm.ZoneID}, {Number: number.E164, Region: "GB"}} {
		o.sender = post.NewSender(post.SenderOptions{Outbox: o.led, Client: o.SF, Now: o.Time, Settings: func() crm.TaskSettings { return crm.TaskSettings{Subject: style} }})
		o.rec = New(Options{Client: o.SF, Ledger: o.led, Sender: o.sender, Now: o.Time})
		if res := o.compare(); len(res.Findings) != 0 {
			t.Errorf("%+v: %s", style, res.Findings[0].What())
		}
	}
	o.change(1, map[string]any{"Subject": "Quite another"})
	if res := o.compare(); len(res.Of(Different)) != 1 {
		t.Errorf("%+v", res)
	}
}

func TestMoreThanOnePageIsRead(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 2,300 Tasks")
	}
	o := newOffice(t, true)
	var rows []map[string]any
	for n := range 2300 {
		rows = append(rows, map[string]any{"Subject": "x", "Status": "Completed", "CallObject": key(n), "ActivityDate": "2026-11-17"})
	}
	for i := 0; i < len(rows); i += 200 {
		if _, err := o.SF.CreateMany(t.Context(), "Task", rows[i:min(i+200, len(rows))], true); err != nil {
			t.Fatal(err)
		}
	}
	if res := o.compare(); len(res.Of(Unknown)) != 2300 {
		t.Errorf("%d of 2300 were seen", len(res.Of(Unknown)))
	}
}

func TestOnlyNameBasedUUIDsLookLikeCallKeys(t *testing.T) {
	for s, want := range map[string]bool{key(7): true, "": false, "6ba7b810-9dad-41d1-80b4-000000000000": false, "6ba7b810x9dad-51d1-80b4-000000000000": false,
		"offhook-login-0011223344556677889900aa": false, "6BA7B810-9DAD-51D1-80B4-000000000000": false} {
		if callKey(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
