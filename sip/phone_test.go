package sip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

func TestACallBetweenTwoPhonesIsToldFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	a, b := open(t, "alice"), open(t, "bob")
	if s := wait[RegistrationChanged](t, a); s.State != Local || s.Account != clean("sip:alice@localhost") {
		t.Fatalf("%+v", s)
	}
	a.Dial("out-1", at(b, "bob"))
	out := wait[OutgoingCall](t, a)
	if out.Leg != "out-1" || out.Remote.Number != clean("bob") || out.Remote.Source != FromDialled || out.CallID == "" || out.LocalTag == "" {
		t.Fatalf("%+v", out)
	}
	in := wait[IncomingCall](t, b)
	if in.CallID != out.CallID || in.Remote.Number != clean("alice") || in.Remote.Source != FromHeader || in.Called != clean("bob") || in.LocalTag == "" {
		t.Fatalf("%+v", in)
	}
	if p := wait[CallProgress](t, a); p.Code != 180 || p.EarlyMedia || p.Reason != clean("Ringing") {
		t.Fatalf("%+v", p)
	}
	b.Answer(in.Leg)
	if e := wait[CallAnswered](t, a); e.Codec != media.Codecs()[0].Name || e.Leg != "out-1" {
		t.Fatalf("%+v", e)
	}
	if e := wait[CallAnswered](t, b); e.Codec != media.Codecs()[0].Name || e.Leg != in.Leg {
		t.Fatalf("%+v", e)
	}
	if _, ok := a.Quality("out-1"); !ok {
		t.Fatal("no quality of a running call")
	}

	a.Hold("out-1")
	if h := wait[CallHeld](t, a); !h.ByUs || h.ByThem {
		t.Fatalf("%+v", h)
	}
	if h := wait[CallHeld](t, b); h.ByUs || !h.ByThem {
		t.Fatalf("%+v", h)
	}
	a.Resume("out-1")
	if h := wait[CallHeld](t, a); h.ByUs || h.ByThem {
		t.Fatalf("%+v", h)
	}
	if h := wait[CallHeld](t, b); h.ByUs || h.ByThem {
		t.Fatalf("%+v", h)
	}
	a.SendDTMF("out-1", "42#")
	for _, want := range "42#" {
		if d := wait[DTMFReceived](t, b); d.Digit != want || d.Leg != in.Leg {
			t.Fatalf("%+v, want %c", d, want)
		}
	}
	b.Hangup(in.Leg)
	if e := wait[CallEnded](t, a); e.Cause != EndNormal || e.ByUs {
		t.Fatalf("%+v", e)
	}
	if e := wait[CallEnded](t, b); e.Cause != EndNormal || !e.ByUs {
		t.Fatalf("%+v", e)
	}
	if _, ok := a.Quality("out-1"); ok {
		t.Fatal("quality of an ended call")
	}
}

func TestEveryWayOfNotTalkingHasItsCause(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config) // of the callee
		do     func(a, b *Phone, leg LegID)
		caller EndCause
		callee EndCause
		byUs   bool // the callee ended it
	}{
		{"declined", nil, func(_, b *Phone, l LegID) { b.Reject(l, 603, "Not now") }, EndDeclined, EndDeclined, true},
		{"busy", nil, func(_, b *Phone, l LegID) { b.Reject(l, 486, "") }, EndBusy, EndDeclined, true},
		{"hung up while ringing", nil, func(_, b *Phone, l LegID) { b.Hangup(l) }, EndDeclined, EndDeclined, true},
		{"given up", nil, func(a, _ *Phone, _ LegID) { a.Hangup("x") }, EndCancelled, EndCancelled, false},
		{"ring limit", func(c *Config) { c.RingLimit = 30 * time.Millisecond }, func(_, _ *Phone, _ LegID) {}, EndNoAnswer, EndNoAnswer, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var change []func(*Config)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			a, b := open(t, "alice"), open(t, "bob", change...)
			a.Dial("x", at(b, "bob"))
			in := wait[IncomingCall](t, b)
			wait[CallProgress](t, a)
			tc.do(a, b, in.Leg)
			if e := wait[CallEnded](t, a); e.Cause != tc.caller || e.ByUs == tc.byUs {
				t.Fatalf("caller: %+v", e)
			}
			if e := wait[CallEnded](t, b); e.Cause != tc.callee || e.ByUs != tc.byUs {
				t.Fatalf("callee: %+v", e)
			}
		})
	}
}

func TestWhatCannotBeCalledIsNoCall(t *testing.T) {
	p := open(t, "alice")
	for i, target := range []string{"", "sip:", "sips:x@127.0.0.1", "tel:", "a b\r\nVia: evil", "x\x00y", strings.Repeat("1", 500), "\x1b]0;title\x07"} {
		leg := LegID(target + string(rune('a'+i)))
		p.Dial(leg, target)
		if e, ok := afterRegistration(p).(CommandFailed); !ok || e.Leg != leg || e.Command != "dial" || e.Reason.Empty() {
			t.Errorf("%q: %+v", target, e)
		}
	}
	p.Dial("twice", "sip:nobody@127.0.0.1:9")
	wait[OutgoingCall](t, p)
	p.Dial("twice", "sip:nobody@127.0.0.1:9")
	for {
		if e, ok := (<-p.Events()).(CommandFailed); ok {
			if e.Leg != "twice" || e.Command != "dial" {
				t.Fatalf("%+v", e)
			}
			return
		}
	}
}

// afterRegistration is the next event that is about a call.
func afterRegistration(p *Phone) Event {
	for e := range p.Events() {
		if _, ok := e.(RegistrationChanged); !ok {
			return e
		}
	}
	return nil
}

// Nothing goes out for a number that the policy bars, and there is no call that would leave a record.
func TestANumberThatThePolicyBarsIsRefusedInOneLineBeforeThereIsACall(t *testing.T) {
	p := open(t, "alice", func(c *Config) { c.Toll = &toll.Policy{Dialled: toll.Rules{Deny: []string{"0900"}, PerMinute: 1}} })
	for _, tc := range [][2]string{
		{"0900 123", "numbers that begin with 0900 are barred"},
		{"sip:0900123@127.0.0.1", "numbers that begin with 0900 are barred"},
	} {
		p.Dial(LegID(tc[0]), tc[0])
		if e, ok := afterRegistration(p).(CommandFailed); !ok || e.Command != "dial" || e.Leg != LegID(tc[0]) || e.Reason.String() != tc[1] {
			t.Errorf("%s: %+v", tc[0], e)
		}
	}
	p.Dial("one", "sip:2101@127.0.0.1:9")
	wait[OutgoingCall](t, p)
	p.Dial("0900 123", "sip:2102@127.0.0.1:9") // a refused one has not used its name, nor the limit
	for {
		if e, ok := (<-p.Events()).(CommandFailed); ok {
			if e.Reason.String() != "1 calls a minute are the limit; try again in a moment" {
				t.Fatalf("%+v", e)
			}
			return
		}
	}
}

func TestABlindTransferThatIsRefusedBringsTheCallBack(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob")
	talking(t, a, b, "x")
	a.Transfer("x", "2104")
	if h := wait[CallHeld](t, a); !h.ByUs {
		t.Fatalf("%+v", h)
	}
	e := wait[TransferEnded](t, a) // a phone does not call others for strangers yet
	if e.OK || e.Code != 603 || e.Target != clean("2104") {
		t.Fatalf("%+v", e)
	}
	a.Resume("x")
	if h := wait[CallHeld](t, a); h.ByUs {
		t.Fatalf("%+v", h)
	}
	a.Transfer("x", "no such\x00number")
	if e := wait[CommandFailed](t, a); e.Command != "transfer" {
		t.Fatalf("%+v", e)
	}
	a.Hangup("x")
	wait[CallEnded](t, b)
}

func TestSeveralCallsAtOnceKeepApart(t *testing.T) {
	t.Parallel()
	a, b := open(t, "alice"), open(t, "bob")
	legs := map[LegID]LegID{}
	for _, id := range []LegID{"one", "two", "three"} {
		legs[id] = talking(t, a, b, id)
		a.Hold(id)
		wait[CallHeld](t, a)
		wait[CallHeld](t, b)
	}
	a.Resume("two")
	if h := wait[CallHeld](t, b); h.Leg != legs["two"] || h.ByThem {
		t.Fatalf("%+v", h)
	}
	b.Hangup(legs["one"])
	if e := wait[CallEnded](t, a); e.Leg != "one" {
		t.Fatalf("%+v", e)
	}
	a.Hangup("three")
	wait[CallEnded](t, b)
	if e := wait[CallEnded](t, b); e.Leg != legs["three"] {
		t.Fatalf("%+v", e)
	}
}

func TestCallsBeyondTheLimitHearBusy(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob", func(c *Config) { c.MaxCalls = 1 })
	talking(t, a, b, "one")
	a.Dial("two", at(b, "bob"))
	if e := wait[CallEnded](t, a); e.Leg != "two" || e.Cause != EndBusy {
		t.Fatalf("%+v", e)
	}
}

func TestClosingThePhoneEndsItsCallsAndItsEvents(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob")
	talking(t, a, b, "x")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if e := wait[CallEnded](t, a); e.Cause != EndShutdown || !e.ByUs {
		t.Fatalf("%+v", e)
	}
	if _, open := <-a.Events(); open {
		t.Fatal("the events go on")
	}
	if e := wait[CallEnded](t, b); e.Cause != EndNormal {
		t.Fatalf("%+v", e)
	}
	a.Dial("late", "1") // commands after the end do nothing
	a.Hangup("x")
}

func TestATakenPortAndBadSettingsAreTypedErrors(t *testing.T) {
	p := open(t, "alice")
	if _, err := Open(t.Context(), Config{Account: "sip:bob@localhost", Listen: p.LocalAddr()}); !errors.Is(err, ErrPortTaken) {
		t.Fatalf("%v", err)
	}
	for key, cfg := range map[string]Config{
		"account":        {Account: "2101"},
		"transport":      {Account: "sip:a@b", Transport: "wss"},
		"registrar":      {Account: "sip:a@b", Registrar: "a b"},
		"outbound_proxy": {Account: "sip:a@b", OutboundProxy: "http://x/"},
		"codecs":         {Account: "sip:a@b", Codecs: []string{"speex"}},
		"rtp_ports":      {Account: "sip:a@b", RTPMin: 9, RTPMax: 4},
	} {
		_, err := Open(t.Context(), cfg)
		if bad, ok := errors.AsType[*ConfigError](err); !ok || bad.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	sad := errors.New("no such entry")
	_, err := Open(t.Context(), Config{Account: "sip:a@b", Registrar: "auto", Password: func(context.Context) (string, error) { return "", sad }})
	if !errors.Is(err, sad) {
		t.Fatal(err)
	}
}

func TestACallThatComesOnHoldIsAnsweredFirstAndHeldThen(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := open(t, "alice")
	c := pbx.call(p, address(t, `<sip:100@x>`))
	c.Hold()
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	if h := wait[CallHeld](t, p); !h.ByThem || h.ByUs {
		t.Fatalf("%+v", h)
	}
}

func TestStrangersCannotRingAPhoneThatHasARegistrar(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := open(t, "2101", func(c *Config) {
		c.Registrar, c.Account = pbx.addr(), "sip:2101@example.com"
		c.Resolve = nil
	})
	for wait[RegistrationChanged](t, p).State != Registered {
	}
	elsewhere := make(chan struct{})
	p.ua.Post(func() { p.regs[0].servers = nil; p.shareLines(); close(elsewhere) }) // as if the registrar were elsewhere
	<-elsewhere
	stranger := newServer(t, okRegistrar)
	stranger.call(p, address(t, "<sip:sipvicious@1.1.1.1>"))
	for limit := time.Now().Add(patience); p.Strangers() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("no stranger was counted")
		}
	}
	select {
	case e := <-stranger.events:
		t.Fatalf("a stranger was told %+v", e)
	case e := <-p.Events():
		t.Fatalf("%+v", e)
	case <-time.After(50 * time.Millisecond): // an answer would be here within one; a late one is caught by the counts below
	}
	for limit := time.Now().Add(patience); p.ua.Layer().Stats().Dropped < 3; time.Sleep(time.Millisecond) { // its repetitions
		if time.Now().After(limit) {
			t.Fatal("nothing was repeated")
		}
	}
	if n := p.Strangers(); n != 1 {
		t.Errorf("one call was counted %d times", n)
	}
	if s := p.ua.Layer().Stats(); s.ServerTx != 0 || s.Dropped == 0 {
		t.Fatalf("%+v", s)
	}
}

func TestDigitsGoAsINFOWhenTheFarEndTakesNoEvents(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := open(t, "alice")
	p.Dial("x", "sip:ivr@"+pbx.addr())
	c := <-pbx.calls
	c.Answer(dialog.Local{RTP: nobody, DTMF: 0})
	wait[CallAnswered](t, p)
	p.ua.Post(func() { p.legs["x"].agreed.DTMFSendPT = 0 })
	p.SendDTMF("x", "7*")
	for _, want := range "7*" {
		for {
			if d, ok := (<-pbx.events).(dialog.Digit); ok {
				if d.Digit != want {
					t.Fatalf("%c, want %c", d.Digit, want)
				}
				break
			}
		}
	}
}

func TestSomebodyElseAtTheFarEndIsTold(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := open(t, "alice")
	c := pbx.call(p, address(t, `"Old" <sip:100@x>;tag=1`))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	c.Send("UPDATE", transaction.Headers{{Name: "P-Asserted-Identity", Value: `"New Caller" <sip:+4930123456@x>`}}, "", nil, nil)
	e := wait[PartyChanged](t, p)
	if e.Remote.Number != clean("+4930123456") || e.Remote.Name != clean("New Caller") || e.Remote.Source != FromAsserted {
		t.Fatalf("%+v", e)
	}
}

func TestTwoHundredCallsWithSoundLeaveNothingBehind(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob")
	files := func() int {
		d, _ := os.ReadDir("/proc/self/fd") // where there is no /proc nothing is counted
		return len(d)
	}
	talking(t, a, b, "first")
	a.Hangup("first")
	wait[CallEnded](t, a)
	wait[CallEnded](t, b)
	quiet := func() bool {
		var legs int
		for _, p := range []*Phone{a, b} {
			done := make(chan struct{})
			p.ua.Post(func() { legs += len(p.legs); close(done) })
			<-done
		}
		return legs == 0
	}
	becomes(t, "no call", quiet)
	goroutines, open := runtime.NumGoroutine(), files()
	for i := range 200 {
		leg := LegID(strconv.Itoa(i))
		talking(t, a, b, leg)
		a.Hangup(leg)
		wait[CallEnded](t, a)
		wait[CallEnded](t, b)
	}
	becomes(t, "as at the beginning", func() bool {
		return quiet() && runtime.NumGoroutine() <= goroutines+2 && files() <= open+2
	}, func() string {
		return fmt.Sprintf("%d goroutines and %d files, at the beginning %d and %d", runtime.NumGoroutine(), files(), goroutines, open)
	})
}
