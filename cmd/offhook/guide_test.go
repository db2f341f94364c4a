package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/sip"
	"offhook/sip/exchange"
)

func newGuide() *guide {
	return &guide{
		story: exchange.Story(agentExtension), said: map[string]string{}, down: func() bool { return false },
		key: func(action string) string { return "<" + action + ">" },
	}
}

func guided(number string, state desk.CallState) desk.Call {
	return desk.Call{State: state, Name: text.Clean("Fred"), Remote: sip.Party{Number: text.Clean(number)}}
}

func TestACaptionIsTrueForTheMoment(t *testing.T) {
	theirs := guided("07814256404", desk.Talking)
	theirs.HeldByThem = true
	sent := guided("07814256404", desk.Ended)
	sent.Record = desk.RecordSent
	for name, c := range map[string]struct {
		calls []desk.Call
		state desk.State
		says  string
	}{
		"a customer of the story rings":  {[]desk.Call{guided("07814256404", desk.Incoming)}, desk.Ringing, "A known customer is calling"},
		"a second one rings in a call":   {[]desk.Call{guided("07814256404", desk.Talking), guided("01202528732", desk.Incoming)}, desk.OnCall, "; the other call goes on hold"},
		"somebody else rings":            {[]desk.Call{guided("07700900999", desk.Incoming)}, desk.Ringing, "A call for you. Press <call.answer>"},
		"a call is up, words were said":  {[]desk.Call{guided("07814256404", desk.Talking)}, desk.OnCall, "“Hello.”"},
		"a call is up, nothing was said": {[]desk.Call{guided("01202528732", desk.Talking)}, desk.OnCall, "You are connected."},
		"the agent holds":                {[]desk.Call{guided("07814256404", desk.Held)}, desk.OnCall, "Fred hears music. <call.hold> takes"},
		"the customer holds":             {[]desk.Call{theirs}, desk.OnCall, "Fred has put you on hold; <demo.hold>"},
		"one holds, the other talks":     {[]desk.Call{guided("01202528732", desk.Held), guided("07814256404", desk.Talking)}, desk.OnCall, "“Hello.”"},
		"a colleague is asked": {[]desk.Call{{Key: "1", State: desk.Held, Name: text.Clean("Fred 100%")}, {Key: "2", State: desk.Talking, Outgoing: true, Remote: sip.Party{Number: text.Clean("2104")}}},
			desk.OnCall, "<call.join> hands Fred 100% over, <call.conference> makes it three."},
		"a conference":             {[]desk.Call{{Key: "1", State: desk.Talking, Conference: true}, {Key: "2", State: desk.Talking, Conference: true}}, desk.OnCall, "All of you hear each other. <call.conference> parts"},
		"two are joined":           {[]desk.Call{{Key: "1", State: desk.Transferring, Name: text.Clean("Fred"), Transfer: &desk.Transfer{Target: text.Clean("Priya"), Other: "2"}}, {Key: "2", State: desk.Talking, Outgoing: true}}, desk.OnCall, "Fred and Priya are being joined"},
		"the agent calls":          {[]desk.Call{guided("2102", desk.Alerting)}, desk.OnCall, "It rings at the other end. <demo.next>"},
		"the Task has landed":      {[]desk.Call{sent}, desk.Available, "its Task is in Salesforce"},
		"the agent is away":        {[]desk.Call{sent}, desk.Away, "You are away"},
		"nothing has happened yet": {nil, desk.Available, "The first customer calls in a moment"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuide()
			g.hear(exchange.Event{Kind: exchange.EventSays, Number: "07814256404", Text: text.Clean("Hello.")})
			if got := g.caption(&desk.Snapshot{State: c.state, Calls: c.calls}); !strings.Contains(got, c.says) {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestWhatWasSaidInACallIsForgottenWithIt(t *testing.T) {
	g := newGuide()
	up := &desk.Snapshot{State: desk.OnCall, Calls: []desk.Call{guided("07814256404", desk.Talking)}}
	g.hear(exchange.Event{Kind: exchange.EventSays, Number: "07814256404", Text: text.Clean("Hello.")})
	g.hear(exchange.Event{Kind: exchange.EventEnded, Number: "07814256404"})
	if got := g.caption(up); strings.Contains(got, "Hello") {
		t.Errorf("the next call begins with %s", got)
	}
}

func TestCustomersComeOnlyWhileTheDeskIsFreeAndTheDemoCanAlwaysBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		snapshots, calls := make(chan *desk.Snapshot), 0
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer close(done)
			newGuide().run(ctx, snapshots, func(string) {}, func() { calls++ }) // nobody is reached: no call ever ends
		}()
		after := func(s *desk.Snapshot, d time.Duration) int {
			snapshots <- s
			<-time.After(d) // of the bubble
			synctest.Wait()
			return calls
		}
		if n := after(&desk.Snapshot{State: desk.Away}, time.Minute); n != 0 {
			t.Errorf("%d customers called an agent who is away", n)
		}
		if n := after(&desk.Snapshot{State: desk.Available, Search: &desk.Search{}}, time.Minute); n != 0 {
			t.Errorf("%d customers called an agent who searches", n)
		}
		if n := after(&desk.Snapshot{State: desk.Available}, firstCustomer+nextCustomer); n != 2 {
			t.Errorf("%d customers called a free desk, want 2", n)
		}
		snapshots <- &desk.Snapshot{Quit: true}
		<-done
	})
}
