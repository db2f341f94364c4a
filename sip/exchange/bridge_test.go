package exchange

import (
	"testing"

	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
	"offhook/sip/transaction"
)

func TestTwoPhonesTalkThroughTheExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b := registered(w, "2101", 540), registered(w, "2102", 860)
	leg := a.dials("2102")
	in := next[sip.IncomingCall](b)
	if in.Remote.Number.String() != "2101" || in.Remote.Name.String() != "Alex Agent" {
		t.Errorf("who calls: %+v", in.Remote)
	}
	for next[sip.CallProgress](a).Code != 180 {
	}
	b.Answer(in.Leg)
	next[sip.CallAnswered](a)
	next[sip.CallAnswered](b)
	a.hears("the other phone", 860)
	b.hears("the other phone", 540)

	a.SendDTMF(leg, "42")
	for _, want := range "42" {
		if e := next[sip.DTMFReceived](b); e.Digit != want {
			t.Errorf("the key %c came as %c", want, e.Digit)
		}
	}
	a.Hold(leg)
	next[sip.CallHeld](a)
	b.hearsPrompt(prompts.Hold)
	a.Resume(leg)
	next[sip.CallHeld](a)
	b.hears("the other phone again", 540)

	b.Hangup(in.Leg)
	if e := next[sip.CallEnded](a); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("ended %+v", e)
	}
	next[sip.CallEnded](b)
	w.on(func() {
		if len(w.legs) != 0 {
			t.Errorf("%d legs are left", len(w.legs))
		}
	})
}

func TestARefusalOfTheOtherPhoneReachesTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b := registered(w, "2101", 0), registered(w, "2102", 0)
	for code, cause := range map[int]sip.EndCause{486: sip.EndBusy, 603: sip.EndDeclined, 480: sip.EndNoAnswer} {
		a.Dial(sip.LegID(cause), "2102")
		in := next[sip.IncomingCall](b)
		b.Reject(in.Leg, code, "")
		if e := next[sip.CallEnded](a); e.Code != code || e.Cause != cause {
			t.Errorf("%d came as %+v", code, e)
		}
		next[sip.CallEnded](b)
	}
	leg := a.dials("2102")
	next[sip.IncomingCall](b)
	a.Hangup(leg)
	if e := next[sip.CallEnded](b); e.Cause != sip.EndCancelled {
		t.Errorf("the caller gave up: %+v", e)
	}
	next[sip.CallEnded](a)
}

func TestACallerCanBeHandedToAColleague(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101"})
	leg := p.answers().Leg
	p.Transfer(leg, Colleague)
	for next[sip.TransferProgress](p).Code != 180 {
	}
	if !w.AnswerCall("2101") {
		t.Fatal("nobody rang")
	}
	if e := next[sip.TransferEnded](p); !e.OK || e.Code != 200 {
		t.Errorf("the transfer: %+v", e)
	}
	if e := next[sip.CallEnded](p); e.Cause != sip.EndTransferred {
		t.Errorf("the call: %+v", e)
	}
	w.told(EventEnded)
}

func TestACallerComesBackWhenNobodyTakesHim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
	leg := p.answers().Leg
	for number, code := range map[string]int{Busy: 486, Declines: 603, "9999": 404, "2103": 480} {
		p.Transfer(leg, number)
		if e := next[sip.TransferEnded](p); e.OK || e.Code != code {
			t.Errorf("to %s: %+v", number, e)
		}
		p.Resume(leg)
		for next[sip.CallHeld](p).ByUs {
		}
		p.hears("the caller again", 620)
	}
	p.Transfer(leg, Silent)
	for next[sip.TransferProgress](p).Code != 180 {
	}
	w.HangUp("2101") // the caller has had enough
	next[sip.CallEnded](p)
	w.told(EventEnded)
	w.on(func() {
		if len(w.legs) != 0 {
			t.Errorf("%d legs are left", len(w.legs))
		}
	})
}

func TestACallerGoesOnAtTheOtherPhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b := registered(w, "2101", 0), registered(w, "2102", 0)
	w.place(Call{From: "07814256404", Name: "Fred Bloggs", To: "2101", Talk: note(620, 60)})
	leg := a.answers().Leg
	a.Transfer(leg, "2102")
	in := next[sip.IncomingCall](b)
	if in.Remote.Number.String() != "07814256404" || in.Remote.Name.String() != "Fred Bloggs" {
		t.Errorf("who calls: %+v", in.Remote)
	}
	b.Reject(in.Leg, 486, "") // not now
	next[sip.CallEnded](b)
	if e := next[sip.TransferEnded](a); e.OK || e.Code != 486 {
		t.Errorf("refused: %+v", e)
	}
	a.Transfer(leg, "2102")
	in = next[sip.IncomingCall](b)
	b.Answer(in.Leg)
	next[sip.CallAnswered](b)
	if e := next[sip.TransferEnded](a); !e.OK {
		t.Errorf("taken: %+v", e)
	}
	if e := next[sip.CallEnded](a); e.Cause != sip.EndTransferred {
		t.Errorf("the first phone: %+v", e)
	}
	b.hears("the caller", 620)
	w.HangUp("2102")
	if e := next[sip.CallEnded](b); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("the second phone: %+v", e)
	}
	w.told(EventEnded)
}

func TestACallerWhoHangsUpMeanwhileStopsTheTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b, c := registered(w, "2101", 0), registered(w, "2102", 0), registered(w, "2103", 0)
	w.place(Call{From: "07814256404", To: "2101"})
	leg := a.answers().Leg
	a.Transfer(leg, "2102")
	next[sip.IncomingCall](b)
	w.HangUp("2101")
	if e := next[sip.CallEnded](b); e.Cause != sip.EndCancelled {
		t.Errorf("the phone that rang for a customer: %+v", e)
	}
	next[sip.CallEnded](a)

	leg = c.dials("2101")
	in := a.answers()
	next[sip.CallAnswered](c)
	a.Transfer(in.Leg, "2102")
	next[sip.IncomingCall](b)
	c.Hangup(leg)
	if e := next[sip.CallEnded](b); e.Cause != sip.EndCancelled {
		t.Errorf("the phone that rang for another phone: %+v", e)
	}
	next[sip.CallEnded](a)
}

func TestAPhoneHandsAnotherPhoneOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b, c := registered(w, "2101", 540), registered(w, "2102", 860), registered(w, "2103", 1250)
	a.dials("2102")
	in := b.answers()
	next[sip.CallAnswered](a)
	b.Transfer(in.Leg, "2103")
	to := c.answers()
	if to.Remote.Number.String() != "2101" {
		t.Errorf("who calls: %+v", to.Remote)
	}
	next[sip.CallEnded](b)
	a.hears("the third phone", 1250)
	c.hears("the first phone", 540)
	c.Transfer(to.Leg, Colleague)
	for next[sip.TransferProgress](c).Code != 180 {
	}
	w.AnswerCall("2103")
	next[sip.CallEnded](c)
	if e := w.told(EventAnswered); e.Extension != "2101" || e.Number != Colleague {
		t.Errorf("the colleague talks to %+v", e)
	}
	a.hearsPrompt("colleague")
}

func TestATransferGoesOnWhenThePhoneLeavesBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	c, b := newClient(w, "2101", "udp"), registered(w, "2102", 0)
	c.register()
	for _, taken := range []bool{true, false} {
		w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
		s := <-c.calls
		s.Answer(dialog.Local{RTP: loopbackAt9})
		gets[dialog.Confirmed](c)
		if code := refers(s, "<"+c.uri("2102").String()+">"); code != 202 {
			t.Fatalf("REFER was answered %d", code)
		}
		s.End("")
		gets[dialog.Ended](c)
		in := next[sip.IncomingCall](b)
		if !taken {
			b.Reject(in.Leg, 486, "")
			next[sip.CallEnded](b)
			w.told(EventEnded)
			continue
		}
		b.Answer(in.Leg)
		next[sip.CallAnswered](b)
		b.hears("the caller", 620)
		b.Hangup(in.Leg)
		next[sip.CallEnded](b)
		w.told(EventEnded)
	}
	w.on(func() {
		if len(w.legs) != 0 {
			t.Errorf("%d legs are left", len(w.legs))
		}
	})
}

func TestTransfersThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	c := newClient(w, "2101", "udp")
	s := c.invites(Echo)
	gets[dialog.Confirmed](c)
	for to, want := range map[string]int{"<mailto:a@b>": 416, "<sip:2102@x;method=BYE>": 501, "": 400} {
		if got := refers(s, to); got != want {
			t.Errorf("%q: %d, want %d", to, got, want)
		}
	}
	if got := refers(s, "<sip:2106@x>"); got != 202 {
		t.Errorf("the first: %d", got)
	}
	if got := refers(s, "<sip:2104@x>"); got != 491 {
		t.Errorf("a second one meanwhile: %d", got)
	}
}

func refers(s *dialog.Session, to string) int {
	done := make(chan int, 1)
	var h transaction.Headers
	if to != "" {
		h.Add("Refer-To", to)
	}
	s.Send("REFER", h, "", nil, func(res *transaction.Response, _ error) {
		if res == nil {
			res = &transaction.Response{}
		}
		done <- res.Status
	})
	return <-done
}
