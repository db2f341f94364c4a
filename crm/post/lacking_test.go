package post

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/internal/text"
)

func lines(r Report) string {
	var out []string
	for _, l := range r.Lines {
		out = append(out, l.String())
	}
	return strings.Join(out, "\n")
}

func TestWhatTheOrgLacksIsToldAtTheSignInOnceAndTakenBackWhenItIsMended(t *testing.T) {
	p := newPost(t, emulator.Options{Without: []string{"Task.CallType"}})
	p.sender.o.Client = p.Client(true) // hours pass
	set := crm.TaskSettings{Status: "Nonsense"}
	p.sender.o.Settings = func() crm.TaskSettings { return set }
	if err := p.sender.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := p.said(ReportLacking)
	if len(told) != 1 || !strings.Contains(lines(told[0]), "Task has no field CallType that the user may fill") || !strings.Contains(lines(told[0]), "Nonsense is not a status") || len(told[0].Lines) != 2 {
		t.Fatalf("%v", told)
	}
	for i := range 3 { // each hour the org is read again
		p.Sleep(2 * time.Hour)
		p.end(i, nil)
		p.sender.Flush(t.Context())
	}
	if err := p.sender.Look(t.Context()); err != nil || len(p.said(ReportLacking)) != 1 {
		t.Fatalf("%v %v", err, p.said(ReportLacking))
	}
	set.Status = ""
	p.end(9, nil)
	p.sender.Flush(t.Context())
	told = p.said(ReportLacking)
	if len(told) != 2 || len(told[1].Lines) != 1 || !strings.Contains(lines(told[1]), "CallType") {
		t.Fatalf("%v", told)
	}
}

func TestAQuestionThatCannotBeAskedNowIsNoProofThatAllIsWell(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{Status: "Nonsense"} }
	if err := p.sender.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Answer(func(r *http.Request) (int, string, bool) {
		return 503, `[{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}]`, strings.Contains(r.URL.RawQuery, "TaskStatus")
	})
	if err := p.sender.Look(t.Context()); err != nil || len(p.said(ReportLacking)) != 1 {
		t.Fatalf("%v %v", err, p.said(ReportLacking))
	}
	p.Answer(nil)
	p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{} }
	if err := p.sender.Look(t.Context()); err != nil || len(p.said(ReportLacking)) != 2 {
		t.Fatalf("%v %v", err, p.said(ReportLacking))
	}
}

func TestAfterASignInTasksBelongToWhoSignedInNotToWhoWasHereBefore(t *testing.T) {
	for name, learn := range map[string]func(s *Sender) error{
		"at once":   func(s *Sender) error { s.SignedIn(); return nil },
		"by a look": func(s *Sender) error { return s.Look(t.Context()) },
	} {
		p := newPost(t, emulator.Options{})
		if _, err := p.sender.orgFor(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.sender.org.UserID = "005000000000009AAA" // of whom was here before
		if err := learn(p.sender); err != nil {
			t.Fatal(err)
		}
		key := p.end(1, nil)
		p.sender.Flush(t.Context())
		if got := p.task(key)["OwnerId"]; got == "005000000000009AAA" {
			t.Errorf("%s: the Task belongs to who was here before", name)
		}
	}
}

func TestTwoThingsThatAreLackingAreToldTogetherAndMendedApart(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.sender.lacking("org", "a", "b")
	p.sender.lacking("owner of 1", "b", "c")
	p.sender.lacking("owner of 2")
	p.sender.lacking("owner of 1")
	p.sender.lacking("org")
	p.sender.lacking("org")
	var got []string
	for _, r := range p.said(ReportLacking) {
		got = append(got, strings.ReplaceAll(lines(r), "\n", " "))
		if r.Line == (text.Text{}) {
			t.Error("a report without words")
		}
	}
	if strings.Join(got, "|") != "a b|a b c|a b|" {
		t.Errorf("%q", got)
	}
}
