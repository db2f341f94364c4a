package sync

import (
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

const cbKey = "6ba7b810-9dad-51d1-80b4-00c04fd430c8/cb1"

func (w *world) promise() Callback {
	return Callback{Key: cbKey, At: time.Date(2026, 11, 20, 23, 30, 0, 0, zone(w.t, "America/New_York")), Number: text.Clean("07814256404"), Name: text.Clean("Fred Bloggs"),
		Who: w.ref("Contact", "Fred Bloggs"), Notes: text.CleanBlock("wants a refund", 100)}
}

func (w *world) tell(key, do string, cb Callback) {
	w.add(ledger.Errand{Key: key, Kind: CallbackErrand, Payload: Payload(CallbackChange{Do: do, Callback: cb, Opened: "open"})})
}

func (w *world) tasks() []salesforce.Record {
	w.t.Helper()
	return w.rows("Task", salesforce.Eq("CallObject", salesforce.String(cbKey)), "Subject", "Status", "IsClosed", "ActivityDate", "ReminderDateTime", "IsReminderSet", "WhoId", "TaskSubtype", "Description")
}

func TestACallbackIsAnOpenTaskWithAReminderOnceHoweverOftenItIsTold(t *testing.T) {
	for name, opt := range map[string]emulator.Options{"with the key field": {}, "without": {NoCallKey: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opt)
			if err := w.SetFault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "Task", Times: 1}); err != nil {
				t.Fatal(err)
			}
			cb := w.promise()
			w.tell("open", OpenCallback, cb)
			for range 4 {
				w.errands()
				w.later(10 * time.Minute)
			}
			got := w.tasks()
			if len(got) != 1 {
				t.Fatalf("%d Tasks; errand %+v", len(got), w.errand("open"))
			}
			task := got[0]
			// 23:30 in New York is 04:30 of the next day in London, where the agent is.
			if task.Bool("IsClosed") || task.Str("ActivityDate") != "2026-11-21" || task.Str("ReminderDateTime") != "2026-11-21T04:30:00.000+0000" || !task.Bool("IsReminderSet") ||
				task.Str("Subject") != "Call back Fred Bloggs (07814256404)" || !crm.SameID(task.Str("WhoId"), cb.Who.ID) || task.Str("TaskSubtype") != "Call" {
				t.Fatalf("%v", task)
			}
			if w.opened[cbKey] == "" {
				t.Fatal("the desk does not learn of its Task")
			}
			cb.At = cb.At.Add(48 * time.Hour)
			w.tell("move", OpenCallback, cb)
			w.tell("close", CloseCallback, cb)
			w.errands()
			got = w.tasks()
			if len(got) != 1 || got[0].Str("ActivityDate") != "2026-11-23" || !got[0].Bool("IsClosed") || got[0].Str("Status") != "Completed" {
				t.Fatalf("%v", got)
			}
			cb.At = cb.At.Add(time.Hour)
			w.tell("too late", OpenCallback, cb)
			w.errands()
			if e := w.errand("too late"); e.Result != "the Task was closed already" {
				t.Fatalf("%q %s", e.Result, e.LastError)
			}
		})
	}
}

func TestACallbackIsNotClosedBeforeItIsMade(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	cb := w.promise()
	w.add(ledger.Errand{Key: "open", Kind: CallbackErrand, Due: w.now().Add(time.Minute), Payload: Payload(CallbackChange{Do: OpenCallback, Callback: cb})})
	w.tell("close", CloseCallback, cb)
	w.errands()
	if e := w.errand("close"); e.State != ledger.ErrandWaiting {
		t.Fatalf("%s %q", e.State, e.Result)
	}
	for range 3 {
		w.later(10 * time.Minute)
		w.errands()
	}
	if got := w.tasks(); len(got) != 1 || !got[0].Bool("IsClosed") {
		t.Fatalf("%v, %+v", got, w.errand("close"))
	}
}

func TestACallbackOutlivesTheRecordItIsAbout(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	cb := w.promise()
	id := w.create("Contact", map[string]any{"LastName": "Gone"})
	if err := w.sf.Delete(t.Context(), "Contact", id); err != nil {
		t.Fatal(err)
	}
	cb.Who = crm.Ref{Type: "Contact", ID: id}
	w.tell("open", OpenCallback, cb)
	w.errands()
	if got := w.tasks(); len(got) != 1 || got[0].Str("WhoId") != "" {
		t.Fatalf("%v, %+v", got, w.errand("open"))
	}
}

func TestCallbacksMadeMovedAndClosedInSalesforceReachTheDesk(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	user, err := w.sf.User(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fred := w.ref("Contact", "Fred Bloggs")
	made := w.create("Task", map[string]any{"Subject": "Ring Fred", "Status": "Not Started", "TaskSubtype": "Call", "OwnerId": user.UserID, "WhoId": fred.ID,
		"IsReminderSet": true, "ReminderDateTime": "2026-11-21T09:30:00.000+0000", "ActivityDate": "2026-11-21"})
	w.create("Task", map[string]any{"Subject": "Write to Fred", "Status": "Not Started", "OwnerId": user.UserID, "IsReminderSet": true, "ReminderDateTime": "2026-11-21T09:30:00.000+0000"})
	set, gone := map[string]Callback{}, map[string]bool{}
	job := &CallbackJob{Client: w.sf, Zone: func() *time.Location { return time.UTC }, Day: 9 * time.Hour, Now: w.now, Tell: func(s []Callback, g []string) {
		for _, cb := range s {
			set[cb.TaskID] = cb
		}
		for _, id := range g {
			gone[id] = true
		}
	}}
	s := NewScheduler(SchedulerOptions{Store: w.led, Jobs: []Job{{Name: JobCallbacks, Run: job.Run}}, Now: w.now})
	run := func() State {
		t.Helper()
		clear(set)
		clear(gone)
		st, err := s.RunNow(t.Context(), JobCallbacks)
		if err != nil || !st[JobCallbacks].Error.Empty() {
			t.Fatal(err, st)
		}
		return st[JobCallbacks]
	}
	run()
	cb := set[made]
	if len(set) != 1 || !cb.Elsewhere || cb.Number.Empty() || cb.Name.String() != "Fred Bloggs" || !cb.At.Equal(time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)) || !crm.SameID(cb.Who.ID, fred.ID) {
		t.Fatalf("%+v", set)
	}
	if run(); len(set) != 0 || len(gone) != 0 {
		t.Fatalf("nothing has changed, but %v, %v", set, gone)
	}
	w.later(time.Minute)
	if err := w.sf.Update(t.Context(), "Task", made, map[string]any{"ReminderDateTime": "2026-11-22T09:30:00.000+0000"}, noTime); err != nil {
		t.Fatal(err)
	}
	if run(); len(set) != 1 || set[made].At.Day() != 22 {
		t.Fatalf("%+v", set)
	}
	w.later(time.Minute)
	if err := w.sf.Update(t.Context(), "Task", made, map[string]any{"Status": "Completed"}, noTime); err != nil {
		t.Fatal(err)
	}
	if run(); !gone[made] {
		t.Fatalf("%v", gone)
	}
}
