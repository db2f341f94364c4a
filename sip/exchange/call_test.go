package exchange

import (
	"errors"
	"slices"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
	"offhook/sip/transaction"
)

func TestACustomersCallShowsNumberAndNameOrNeither(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	for _, c := range []struct {
		call         Call
		number, name string
		withheld     bool
	}{
		{Call{From: "07814256404", Name: "Fred Bloggs", To: "2101"}, "07814256404", "Fred Bloggs", false},
		{Call{From: "+441202528732", To: "2101"}, "+441202528732", "", false},
		{Call{From: "' OR 1=1", Name: `"x" <sip:y@z>`, To: "2101"}, "' OR 1=1", `"x" <sip:y@z>`, false},
		{Call{To: "2101", Name: "Nobody may see this"}, "", "", true},
	} {
		w.place(c.call)
		in := next[sip.IncomingCall](p)
		if in.Remote.Withheld != c.withheld || !c.withheld && (in.Remote.Number.String() != c.number || in.Remote.Name.String() != c.name) || in.Called.String() != "2101" {
			t.Errorf("%+v came as %+v", c.call, in)
		}
		if e := w.told(EventCalling); e.Number != c.call.From || e.Extension != "2101" {
			t.Errorf("told %+v", e)
		}
		w.HangUp("2101")
		if e := next[sip.CallEnded](p); e.Cause != sip.EndCancelled {
			t.Errorf("the customer gave up: %+v", e)
		}
		w.told(EventEnded)
	}
	for _, bad := range []Call{{From: "1\r\nVia: x", To: "2101"}, {From: "1", Name: "a\x00b", To: "2101"}} {
		if err := w.Place(bad); !errors.Is(err, ErrBadCaller) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestTheFiveCustomersOfTheStoryCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	for _, c := range Story("2101") {
		w.place(c.Call)
		in := next[sip.IncomingCall](p)
		if in.Remote.Withheld != (c.From == "") || c.From != "" && in.Remote.Number.String() != c.From {
			t.Errorf("%s came as %+v", c.Who, in.Remote)
		}
		p.Answer(in.Leg)
		next[sip.CallAnswered](p)
		if e := w.told(EventSays); e.Text.String() != prompts.Text(c.Caller.Says(prompts.Greeting)) {
			t.Errorf("%s says %q", c.Who, e.Text)
		}
		p.Hangup(in.Leg)
		next[sip.CallEnded](p)
	}
}

func TestACustomerIsHeardAndTakesHoldAndGoodbyeAsAPersonDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", Caller: prompts.Fred})
	w.on(func() { w.legs[0].who.patient = true }) // however long this machine takes to hear him, he asks nobody whether they are there
	leg := p.answers().Leg
	if e := w.told(EventSays); e.Text.String() != prompts.Text("fred-greeting") {
		t.Errorf("said %q", e.Text)
	}
	p.hearsPrompt("fred-greeting")
	back := func() {
		t.Helper()
		p.Hold(leg)
		for !next[sip.CallHeld](p).ByUs {
		}
		p.Resume(leg)
		for next[sip.CallHeld](p).ByUs {
		}
		if e := w.told(EventSays); e.Text.String() != prompts.Text("fred-resumed") {
			t.Errorf("after hold: %q", e.Text)
		}
	}
	back()
	p.hearsPrompt("fred-resumed", back)
	w.HangUp("2101")
	if e := w.told(EventSays); e.Text.String() != prompts.Text("fred-goodbye") {
		t.Errorf("at the end: %q", e.Text)
	}
	w.HangUp("2101") // in a hurry
	if e := next[sip.CallEnded](p); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("ended %+v", e)
	}
	w.told(EventEnded)
}

func TestAToneThatIsGivenComesOutAndMusicWhileThePersonHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
	leg := p.answers().Leg
	p.hears("the tone", 620)
	w.ToggleHold("2101")
	if e := next[sip.CallHeld](p); !e.ByThem || e.ByUs {
		t.Errorf("held by them: %+v", e)
	}
	p.hearsPrompt(prompts.Hold)
	w.ToggleHold("2101")
	if e := next[sip.CallHeld](p); e.ByThem {
		t.Errorf("resumed by them: %+v", e)
	}
	p.hears("the tone again", 620)
	p.Hold(leg)
	for !next[sip.CallHeld](p).ByUs {
	}
	p.Resume(leg)
	for next[sip.CallHeld](p).ByUs {
	}
	p.hears("the tone after our own hold", 620)
	p.Hangup(leg)
	if e := next[sip.CallEnded](p); e.Cause != sip.EndNormal || !e.ByUs {
		t.Errorf("ended %+v", e)
	}
	w.told(EventEnded)
}

func TestCallsEndByThemselvesWhenTheyAreToldTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", CancelAfter: 30 * time.Millisecond})
	if e := next[sip.CallEnded](p); e.Cause != sip.EndCancelled {
		t.Errorf("cancelled: %+v", e)
	}
	w.place(Call{From: "07814256404", To: "2101", HangUpAfter: 30 * time.Millisecond})
	p.answers()
	if e := next[sip.CallEnded](p); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("hung up: %+v", e)
	}
}

func TestAnAnswerThatCrossesACancelEndsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	for range 20 {
		w.place(Call{From: "07814256404", To: "2101"})
		leg := next[sip.IncomingCall](p).Leg
		p.Answer(leg)
		w.HangUp("2101")
		if e := next[sip.CallEnded](p); e.Leg != leg || e.Cause != sip.EndCancelled && e.Cause != sip.EndNormal {
			t.Errorf("ended %+v", e)
		}
		w.told(EventEnded)
	}
	w.on(func() {
		if len(w.legs) != 0 {
			t.Errorf("%d legs are left", len(w.legs))
		}
	})
}

func TestEveryNumberDoesWhatItIsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	for _, c := range []struct {
		number string
		code   int // it is refused with; 0: it rings and somebody answers
		cause  sip.EndCause
	}{
		{Colleague, 0, ""}, {Voicemail, 0, ""}, {"020 7946-0018", 0, ""}, {"+441202528732", 0, ""},
		{Busy, 486, sip.EndBusy}, {Declines, 603, sip.EndDeclined}, {"2103", 480, sip.EndNoAnswer}, {"2101", 480, sip.EndNoAnswer},
		{"9999", 404, sip.EndUnknownNumber}, {"0", 404, sip.EndUnknownNumber}, {"some.body", 404, sip.EndUnknownNumber},
	} {
		leg := p.dials(c.number)
		if c.code != 0 {
			if e := next[sip.CallEnded](p); e.Code != c.code || e.Cause != c.cause {
				t.Errorf("%s: %+v", c.number, e)
			}
			continue
		}
		for next[sip.CallProgress](p).Code != 180 {
		}
		if !w.AnswerCall("2101") || w.AnswerCall("2101") {
			t.Errorf("%s: one call rang, once", c.number)
		}
		next[sip.CallAnswered](p)
		w.told(EventSays)
		p.Hangup(leg)
		next[sip.CallEnded](p)
	}
	leg := p.dials(Silent)
	for next[sip.CallProgress](p).Code != 180 {
	}
	if w.AnswerCall("2101") {
		t.Error("nobody answers at 2106")
	}
	p.Hangup(leg)
	if e := next[sip.CallEnded](p); e.Cause != sip.EndCancelled {
		t.Errorf("given up: %+v", e)
	}
}

func TestTheColleagueAnswersByHerselfAndIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	p := registered(w, "2101", 0)
	p.dials(Colleague)
	next[sip.CallAnswered](p)
	p.hearsPrompt(prompts.Colleague)
	w.HangUp("2101")
	if e := next[sip.CallEnded](p); e.ByUs || e.Cause != sip.EndNormal {
		t.Errorf("ended %+v", e)
	}
}

func TestTheEchoSaysWhatItHearsOnceAKeyHasStoppedItsAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 740)
	leg := p.dials(Echo)
	next[sip.CallAnswered](p)
	p.hearsPrompt(prompts.Echo)
	p.SendDTMF(leg, "7")
	if e := w.told(EventDigit); e.Text.String() != "7" || e.Number != Echo {
		t.Errorf("told %+v", e)
	}
	p.hears("itself", 740)
}

func TestKeysReachAPersonInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101"})
	leg := p.answers().Leg
	p.SendDTMF(leg, "1#*0")
	for _, want := range []string{"1", "#", "*", "0"} {
		if e := w.told(EventDigit); e.Text.String() != want {
			t.Errorf("heard %q, want %q", e.Text, want)
		}
	}
}

func TestTheFirstPhoneThatAnswersHasTheCallAndTheOthersAreToldSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a, b := registered(w, "2101", 500), registered(w, "2101", 500)
	w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
	other := next[sip.IncomingCall](b)
	a.answers()
	if e := next[sip.CallEnded](b); e.Leg != other.Leg || e.Cause != sip.EndAnsweredElsewhere {
		t.Errorf("the other phone: %+v", e)
	}
	a.hears("the customer", 620)
	w.HangUp("2101")
	next[sip.CallEnded](a)
	if len(w.events) > 0 {
		w.told(EventEnded)
	}

	for range 10 { // both at the same moment: one talks, one does not
		w.place(Call{From: "07814256404", To: "2101"})
		x, y := next[sip.IncomingCall](a), next[sip.IncomingCall](b)
		a.Answer(x.Leg)
		b.Answer(y.Leg)
		w.told(EventAnswered)
		w.on(func() {})
		w.HangUp("2101")
		next[sip.CallEnded](a)
		next[sip.CallEnded](b)
		w.told(EventEnded)
	}

	w.place(Call{From: "07814256404", To: "2101"}) // one declines: that speaks for both
	x := next[sip.IncomingCall](a)
	next[sip.IncomingCall](b)
	a.Reject(x.Leg, 603, "")
	next[sip.CallEnded](a)
	if e := next[sip.CallEnded](b); e.Cause != sip.EndCancelled {
		t.Errorf("after the other's 603: %+v", e)
	}
	w.told(EventEnded)

	w.place(Call{From: "07814256404", To: "2101"}) // one is busy: the other rings on
	x, y := next[sip.IncomingCall](a), next[sip.IncomingCall](b)
	a.Reject(x.Leg, 486, "")
	next[sip.CallEnded](a)
	b.Answer(y.Leg)
	next[sip.CallAnswered](b)
}

func TestStillPeopleHaveNoClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", Caller: prompts.Fred})
	leg := p.answers().Leg
	w.told(EventAnswered)
	still := func(when string) {
		t.Helper()
		w.on(func() {
			if n := len(w.timers); n != 1 || len(w.expiry) != 1 {
				t.Errorf("%s: %d timers, %d of them of registrations", when, n, len(w.expiry))
			}
		})
	}
	still("after the answer") // the greeting is no matter of time
	w.told(EventSays)
	p.hearsPrompt("fred-greeting")
	w.on(func() { w.legs[0].who.leg.pipe.finish() })
	still("when it is over")
	p.Hold(leg)
	for !next[sip.CallHeld](p).ByUs {
	}
	still("on hold")
	p.Resume(leg)
	for next[sip.CallHeld](p).ByUs {
	}
	w.told(EventSays)
	still("after hold")
	p.dials(Colleague)
	for next[sip.CallProgress](p).Code != 180 {
	}
	still("while the colleague's phone rings")
	w.HangUp("2101") // the colleague, who is newest
	if e := next[sip.CallEnded](p); e.Code != 480 {
		t.Errorf("the colleague: %+v", e)
	}
	w.HangUp("2101")
	if e := next[sip.CallEnded](p); e.Leg != leg || e.Cause != sip.EndNormal {
		t.Errorf("the customer: %+v", e)
	}
	still("at the end")
}

// finish is what happens when the voice has been said to its end.
func (p *pipe) finish() {
	p.mu.Lock()
	then := p.then
	p.voice, p.then = nil, nil
	p.mu.Unlock()
	if then != nil {
		then()
	}
}

func TestACallWithoutAnOfferIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	c := newClient(w, "2101", "udp")
	s := c.invites(Echo, func(in *dialog.Invite) { in.LateOffer = true })
	if m := gets[dialog.MediaChanged](c).Media; m.Codec.Name != "PCMA" || !m.Send || !m.Receive {
		t.Errorf("agreed %+v", m)
	}
	gets[dialog.Answered](c)
	w.told(EventAnswered)
	done := make(chan error, 1) // once this is answered the ACK has been seen, which brought our answer
	s.Send("OPTIONS", nil, "", nil, func(_ *transaction.Response, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var got []media.Codec
	w.on(func() {
		for _, l := range w.legs {
			got = append(got, mediaCodec(l.media.Stats().Codec))
		}
	})
	if !slices.Equal(got, []media.Codec{media.PCMA}) {
		t.Errorf("the exchange speaks %v", got)
	}
}
