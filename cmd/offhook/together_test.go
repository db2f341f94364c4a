package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/desk"
	"offhook/sip/exchange"
)

// ask calls a colleague while the first call waits, and lets the colleague answer.
func (p *place) ask(number string) {
	p.Helper()
	p.send(desk.Dial, number)
	p.until("it rings there", func(s *desk.Snapshot) bool {
		return len(s.Calls) == 2 && s.Calls[0].State == desk.Held && s.Calls[1].State == desk.Alerting
	})
	if !p.b.exchange.AnswerCall(agentExtension) {
		p.Fatal("nobody answers")
	}
	p.until("the colleague talks", func(s *desk.Snapshot) bool { return s.Calls[1].State == desk.Talking })
}

func TestAnAttendedTransferLeavesTwoTasksThatBelongTogether(t *testing.T) {
	p := newPlace(t)
	p.ring("07814256404")
	p.talk()
	p.ask(exchange.Colleague)
	p.send(desk.XferTo, "")
	p.until("both calls are over", func(s *desk.Snapshot) bool { return s.State == desk.Available })
	p.until("both records are in Salesforce", func(s *desk.Snapshot) bool { return len(s.Landed) == 2 && s.Outbox.Pending == 0 })
	var customer, consult map[string]any
	for _, task := range p.tasks() {
		if field(task, "CallType") == "Internal" {
			consult = task
		} else {
			customer = task
		}
	}
	if customer == nil || consult == nil {
		t.Fatalf("%v", p.tasks())
	}
	if d := field(customer, "Description"); !strings.Contains(d, "attended") || !strings.Contains(d, exchange.Colleague) || field(customer, "WhoId") == "<nil>" {
		t.Errorf("the customer's Task does not tell of the transfer: %v", customer)
	}
	if field(consult, "WhoId") != "<nil>" || strings.Contains(field(consult, "Description"), "attended") {
		t.Errorf("the colleague's Task: %v", consult)
	}
	correlation := func(task map[string]any) string {
		for line := range strings.Lines(field(task, "Description")) {
			if strings.HasPrefix(strings.ToLower(line), "correlation") {
				return strings.TrimSpace(line)
			}
		}
		return ""
	}
	if a, b := correlation(customer), correlation(consult); a == "" || a != b {
		t.Errorf("the Tasks say %q and %q", a, b)
	}
}

func TestARecordingWithAPauseIsAFileInTheFolder(t *testing.T) {
	p := newPlace(t)
	p.ring("07814256404")
	p.talk()
	is := func(want string) func(*desk.Snapshot) bool {
		return func(s *desk.Snapshot) bool { return string(s.Calls[0].Recording) == want }
	}
	p.send(desk.Rec, "")
	p.until("it is recorded", is("on"))
	p.send(desk.RecPause, "")
	p.until("it is paused", is("paused"))
	p.send(desk.RecPause, "")
	p.until("it goes on", is("on"))
	p.bye()
	p.sent()
	var files []string
	check(t, filepath.WalkDir(filepath.Join(p.b.dir, "recordings"), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wav") {
			files = append(files, path)
		}
		return err
	}))
	if len(files) != 1 {
		t.Fatalf("recordings: %v", files)
	}
	if st, err := os.Stat(files[0]); err != nil || st.Mode().Perm()&0o077 != 0 || st.Size() < 44 {
		t.Errorf("%v %v", st, err)
	}
}
