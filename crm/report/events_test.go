package report

import (
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

var account = text.Clean("sip:2101@pbx.example.com")

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestALoginBecomesOneTaskHoweverOftenItIsTold(t *testing.T) {
	now, p := week(t)
	o := newOffice(t, now)
	ctx := t.Context()
	l := NewLog(o.led, LogStates, account, "one")
	check(t, o.SetFault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 2, Object: "Task"}), l.Login(ctx, now.Add(-2*time.Hour)),
		l.State(ctx, "available", text.Text{}, now.Add(-2*time.Hour)), l.State(ctx, "available", text.Text{}, now),
		l.State(ctx, "away", text.Clean("lunch"), now.Add(-time.Hour)), l.State(ctx, "available", text.Text{}, now.Add(-30*time.Minute)), l.Logout(ctx, now), l.Logout(ctx, now))
	for range 4 {
		o.send()
		o.Sleep(10 * time.Minute)
	}
	var subjects []string
	for _, r := range o.Records("Task", true) {
		subjects = append(subjects, r["Subject"].(string))
		if r["IsClosed"] != true && r["Status"] != "Completed" {
			t.Errorf("an event is open: %v", r)
		}
	}
	if len(subjects) != 5 {
		t.Errorf("%d Tasks: %q", len(subjects), subjects)
	}
	for _, source := range []string{"ledger", "salesforce"} {
		r, err := FromLedger(ctx, o.led, Logins, "", Filter{Period: p})
		if source == "salesforce" {
			r, err = FromSalesforce(ctx, o.SF, Logins, "", Filter{Period: p}, now)
		}
		if err != nil || len(r.Sessions) != 1 || r.Sessions[0].Length(now) != 2*time.Hour || r.Sessions[0].Away != 30*time.Minute || r.Sessions[0].Cut {
			t.Errorf("%s: %+v %v", source, r.Sessions, err)
		}
	}
}

func TestAnEventWhoseTaskWasOpenedAgainIsCounted(t *testing.T) {
	now, p := week(t)
	o := newOffice(t, now)
	l := NewLog(o.led, LogLogin, account, "one")
	check(t, l.Login(t.Context(), now.Add(-time.Hour)), l.Logout(t.Context(), now))
	o.send()
	for _, r := range o.Records("Task", true) {
		check(t, o.SF.Update(t.Context(), "Task", r["Id"].(string), map[string]any{"Status": "Not Started"}, time.Time{}))
	}
	r, err := FromSalesforce(t.Context(), o.SF, Logins, "", Filter{Period: p}, now)
	if err != nil || len(r.Sessions) != 1 || r.Sessions[0].Until.IsZero() {
		t.Errorf("%+v %v", r.Sessions, err)
	}
}

func TestACutOffSessionEndsWithItsLastSignOfLife(t *testing.T) {
	now, p := week(t)
	o := newOffice(t, now)
	ctx := t.Context()
	first := NewLog(o.led, LogLogin, account, "one")
	check(t, first.Login(ctx, now.Add(-3*time.Hour)), first.Alive(ctx, now.Add(-2*time.Hour)))
	second := NewLog(o.led, LogLogin, account, "two") // the program was killed in between
	check(t, second.Login(ctx, now.Add(-time.Hour)))
	check(t, NewLog(o.led, LogLogin, account, "two").Login(ctx, now.Add(-time.Hour+time.Second))) // killed while it began: told again
	r, err := FromLedger(ctx, o.led, Logins, "", Filter{Period: p})
	check(t, err)
	if len(r.Sessions) != 2 || !r.Sessions[0].Cut || r.Sessions[0].Length(now) != time.Hour || !r.Sessions[1].Until.IsZero() || r.Sessions[1].Length(now) != time.Hour-time.Second {
		t.Errorf("%+v", r.Sessions)
	}
	errands, err := o.led.Errands(ctx, EventErrand)
	if err != nil || len(errands) != 3 {
		t.Errorf("%d errands, %v", len(errands), err)
	}
}

func TestTheModeDecidesWhatBecomesATaskAndTheLedgerKeepsAll(t *testing.T) {
	now, _ := week(t)
	for mode, want := range map[string]int{Off: 0, LogLogin: 2, LogStates: 3} {
		o := newOffice(t, now)
		ctx := t.Context()
		old := Event{Version: 1, Key: "old", Kind: Login, At: now.Add(-keepFor - time.Hour), Session: "x"}
		check(t, o.led.Keep(ctx, ledger.Kept{Kind: EventKind, Key: old.Key, Value: []byte(`{"version":1}`), At: old.At}))
		l := NewLog(o.led, mode, account, "one")
		check(t, l.Login(ctx, now), l.State(ctx, "away", text.Text{}, now), l.Logout(ctx, now))
		errands, err := o.led.Errands(ctx, EventErrand)
		kept, err2 := o.led.Kept(ctx, EventKind)
		open, err3 := o.led.Kept(ctx, openKind)
		check(t, err, err2, err3)
		if len(errands) != want || len(kept) != 3 || len(open) != 0 {
			t.Errorf("%s: %d errands, %d kept, %d open", mode, len(errands), len(kept), len(open))
		}
	}
}
