package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/desk"
)

func TestACallBecomesExactlyOneTaskAboutTheCaller(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ring(emulator.StoryKnownNumber)
	p.talk()
	p.until("the caller is known", func(s *desk.Snapshot) bool { return s.Calls[0].Name.String() == emulator.StoryKnownName })
	p.send(desk.Note, "wants a refund")
	p.bye()
	s := p.sent()
	task := p.oneTask()
	fred, _ := p.b.org.Find("Contact", "Name", emulator.StoryKnownName)
	if task["WhoId"] != fred["Id"] || field(task, "Status") != "Completed" || field(task, "CallType") != "Inbound" || field(task, "TaskSubtype") != "Call" ||
		!strings.HasPrefix(field(task, "Subject"), "Inbound Call at ") || !strings.Contains(field(task, "Subject"), "from 07814256404 (Fred Bloggs)") ||
		!strings.HasPrefix(field(task, "Description"), "wants a refund\n") || task["CallObject"] != string(s.Landed[0].Call) {
		t.Fatalf("%v", task)
	}
	if s.Landed[0].TaskID != task["Id"] || s.Landed[0].About.Name.String() != emulator.StoryKnownName {
		t.Fatalf("%+v", s.Landed[0])
	}
}

func TestNothingThatSalesforceDoesMakesTwoTasksOrNone(t *testing.T) {
	again := func(p *place) { p.b.org.ClearFaults(); p.send(desk.RetryOutbox, "") }
	fault := func(f emulator.Fault) func(*place) {
		return func(p *place) {
			if err := p.b.org.SetFault(f); err != nil {
				p.Fatal(err)
			}
		}
	}
	nothing := func(*place) {}
	paused := func(s *desk.Snapshot) bool {
		return s.Outbox.Pending == 1 && s.Links.Salesforce.Health != desk.HealthOK
	}
	for name, c := range map[string]struct {
		before, during, after func(*place)
		wait                  func(*desk.Snapshot) bool // until the first attempt has failed; nil: it gets through by itself
	}{
		"it is down for the whole call":           {before: fault(emulator.Fault{Kind: emulator.FaultBusy}), wait: paused, after: again},
		"it goes down during the call":            {during: fault(emulator.Fault{Kind: emulator.FaultBusy}), wait: paused, after: again},
		"the session expires in between":          {during: fault(emulator.Fault{Kind: emulator.FaultSession})},
		"the reply is lost after the commit":      {during: fault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "Task"}), wait: paused, after: again},
		"the reply is lost, and then the session": {during: func(p *place) { fault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "Task"})(p) }, wait: paused, after: func(p *place) { fault(emulator.Fault{Kind: emulator.FaultSession})(p); p.send(desk.RetryOutbox, "") }},
		"the row is locked":                       {during: fault(emulator.Fault{Kind: emulator.FaultRowLock, Times: 2, Object: "Task"}), wait: paused, after: again},
		"the API calls are used up":               {during: fault(emulator.Fault{Kind: emulator.FaultLimit}), wait: func(s *desk.Snapshot) bool { return !s.Outbox.Paused.Empty() }, after: again},
		"it answers with a page":                  {during: fault(emulator.Fault{Kind: emulator.FaultHTML}), wait: paused, after: again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			for _, f := range []*func(*place){&c.before, &c.during, &c.after} {
				if *f == nil {
					*f = nothing
				}
			}
			c.before(p)
			p.ring(emulator.StoryKnownNumber)
			p.talk()
			p.until("the lookup has an end", func(s *desk.Snapshot) bool { return s.Calls[0].Match.State != "searching" })
			c.during(p)
			p.bye()
			if c.wait != nil {
				p.until("the first attempt has failed", c.wait)
				c.after(p)
			}
			p.sent()
			task := p.oneTask()
			fred, _ := p.b.org.Find("Contact", "Name", emulator.StoryKnownName)
			if task["WhoId"] != fred["Id"] { // also when nobody could be looked up during the call
				t.Fatalf("about %v: %v", task["WhoId"], task)
			}
		})
	}
}

func TestACrashInACallLeavesOneRecordWithABoundedDuration(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ring(emulator.StoryKnownNumber)
	began := time.Now()
	p.talk()
	p.until("the caller is known", func(s *desk.Snapshot) bool { return s.Calls[0].Match.State == "one" })
	p.send(desk.Note, "was about to")
	p.until("the notes are taken", func(s *desk.Snapshot) bool { return !s.Calls[0].Notes.Empty() })
	after := p.crash()
	lasted := time.Since(began)
	after.done = after.w.start(t.Context())
	s := after.until("the record of the last run is sent", func(s *desk.Snapshot) bool { return len(s.Landed) == 1 })
	if !said(s, "One call of the last run was cut off; its record is safe") {
		t.Fatalf("%v", s.Notices)
	}
	task := p.oneTask()
	fred, _ := p.b.org.Find("Contact", "Name", emulator.StoryKnownName)
	seconds, _ := task["CallDurationInSeconds"].(float64)
	if n, ok := task["CallDurationInSeconds"].(int); ok {
		seconds = float64(n)
	}
	if task["WhoId"] != fred["Id"] || seconds > lasted.Seconds()+1 || !strings.Contains(field(task, "Description"), "Result: answered") ||
		!strings.HasPrefix(field(task, "Description"), "was about to") {
		t.Fatalf("%v", task)
	}
	// The first desk ends the same call: the same key, so still one Task.
	p.bye()
	p.sent()
	p.oneTask()
}

func TestACrashWhileItRingsLeavesAMissedCall(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ring(emulator.StoryUnknownNumber)
	after := p.crash()
	after.done = after.w.start(t.Context())
	after.until("the record of the last run is sent", func(s *desk.Snapshot) bool { return len(s.Landed) == 1 })
	if task := p.oneTask(); !strings.Contains(field(task, "Description"), "Result: missed") || field(task, "CallDurationInSeconds") != "0" {
		t.Fatalf("%v", task)
	}
}

func TestEndingTheProgramInACallEndsItAndSendsItsRecord(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ring(emulator.StoryKnownNumber)
	p.talk()
	p.until("the caller is known", func(s *desk.Snapshot) bool { return s.Calls[0].Match.State == "one" })
	p.send(desk.QuitNow, "")
	<-p.done
	if word := p.w.lastWord(t.Context()); word != "" {
		t.Fatalf("it ended with %q", word)
	}
	p.w.close(t.Context())
	if task := p.oneTask(); !strings.Contains(field(task, "Description"), "Ended by: agent") {
		t.Fatalf("%v", task)
	}
}

func TestAScreenThatFailsInACallCostsNoRecord(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ring(emulator.StoryKnownNumber)
	p.talk()
	p.w.close(t.Context()) // nobody has told the desk to leave
	if task := p.oneTask(); !strings.Contains(field(task, "Description"), "Result: answered, offhook was closed") {
		t.Fatalf("%v", task)
	}
}

func TestTheLastWordCountsWhatIsNotInSalesforce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if err := p.b.org.SetFault(emulator.Fault{Kind: emulator.FaultBusy}); err != nil {
		t.Fatal(err)
	}
	p.ring(emulator.StoryKnownNumber)
	p.talk()
	p.bye()
	p.send(desk.Quit, "")
	<-p.done
	if word := p.w.lastWord(t.Context()); word != "1 call record is safe on disk and will be sent at the next start (offhook outbox list)." {
		t.Fatalf("%q", word)
	}
	p.w.close(t.Context())
	p.b.org.ClearFaults()
	p.open(p.b.settings) // the next start
	p.sent()
	p.oneTask()
}

func TestTheSecondDeskOfAProfileSaysWhoHoldsIt(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	_, err := openWorkplace(context.WithoutCancel(t.Context()), testEnv(), p.b.settings, p.b.options(true))
	var held *ledger.HeldError
	if !errors.As(err, &held) || !strings.Contains(err.Error(), "this profile is in use by") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("%v", err)
	}
}
