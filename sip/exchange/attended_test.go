package exchange

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// media is a port for a call of the client's whose sound goes nowhere.
func (c *client) media() dialog.Local {
	c.t.Helper()
	m, err := media.Listen(media.Config{LocalIP: loopback.Addr()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { m.Close() })
	return dialog.Local{RTP: m.LocalRTP(), RTCP: m.LocalRTCP()}
}

// takes answers the next call.
func (c *client) takes() *dialog.Session {
	c.t.Helper()
	select {
	case s := <-c.calls:
		s.Answer(c.media())
		gets[dialog.Confirmed](c)
		return s
	case <-time.After(longest):
		c.t.Fatal("no call came")
		return nil
	}
}

// two ends of the client's calls must come, each as a transfer.
func (c *client) bothTransferred() {
	c.t.Helper()
	limit := time.After(longest)
	for n, done := 0, false; n < 2 || !done; {
		select {
		case e := <-c.events:
			switch e := e.(type) {
			case dialog.TransferDone:
				if done = e.OK; !e.OK {
					c.t.Fatalf("%+v", e)
				}
			case dialog.Ended:
				if n++; e.Cause != dialog.CauseTransferred {
					c.t.Errorf("%+v", e)
				}
			}
		case <-limit:
			c.t.Fatalf("%d calls ended, done %v", n, done)
		}
	}
}

func TestACallerIsPutThroughToThePhoneThatWasAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	b := registered(w, "2102", 860)
	w.place(Call{From: "07814256404", Name: "Fred Bloggs", To: "2101", Talk: note(620, 60)})
	main := a.takes()
	consult := a.invites("2102")
	b.answers()
	gets[dialog.Confirmed](a)
	main.TransferTo(consult, transaction.Address{URI: a.uri("2101")})
	a.bothTransferred()
	b.hears("the caller", 620)
	w.HangUp("2102")
	if e := next[sip.CallEnded](b); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("%+v", e)
	}
	w.on(func() {
		if len(w.legs) > 1 { // the transferor's may linger
			t.Errorf("%d legs are left", len(w.legs))
		}
	})
}

func TestOurPhonePutsItsCallerThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	b := registered(w, "2102", 860, func(c *sip.Config) { c.Trusted = []netip.Prefix{netip.PrefixFrom(loopback.Addr(), 32)} })
	w.place(Call{From: "07814256404", Name: "Fred Bloggs", To: "2101", Talk: note(620, 60)})
	main := p.answers().Leg
	p.Hold(main)
	next[sip.CallHeld](p)
	consult := p.dials("2102")
	b.answers()
	next[sip.CallAnswered](p)
	p.TransferTo(main, consult)
	if e := next[sip.PartyChanged](b); e.Remote.Number.String() != "07814256404" || e.Remote.Name.String() != "Fred Bloggs" {
		t.Errorf("who it is now: %+v", e)
	}
	for range 2 {
		if e := next[sip.CallEnded](p); e.Cause != sip.EndTransferred {
			t.Errorf("%+v", e)
		}
	}
	b.hears("the caller", 620)
}

func TestTwoPhonesAreConnectedByTheThird(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "tcp")
	a.register()
	b, c := registered(w, "2102", 860), registered(w, "2103", 540)
	main := a.invites("2102")
	b.answers()
	gets[dialog.Confirmed](a)
	consult := a.invites("2103")
	c.answers()
	gets[dialog.Confirmed](a)
	main.TransferTo(consult, transaction.Address{})
	a.bothTransferred()
	b.hears("the other phone", 540)
	c.hears("the other phone", 860)
}

func TestTwoPeopleWhoAreConnectedAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
	main := a.takes()
	consult := a.invites(Colleague)
	gets[dialog.Progress](a)
	if !w.AnswerCall("2101") {
		t.Fatal("nobody rang")
	}
	gets[dialog.Confirmed](a)
	consult.TransferTo(main, transaction.Address{}) // either way round
	a.bothTransferred()
	w.told(EventEnded)
	w.told(EventEnded)
}

func TestAConsultationThatIsNoMoreFailsAndTheCallStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	w.place(Call{From: "07814256404", To: "2101"})
	main := a.takes()
	target := a.uri("2102")
	target.Headers = transaction.Params{{Name: "Replaces", Value: "gone;to-tag=1;from-tag=2", Has: true}}
	main.Transfer(transaction.Address{URI: target}, transaction.Address{})
	if e := gets[dialog.TransferDone](a); e.OK || e.Code != 481 {
		t.Fatalf("%+v", e)
	}
	main.Resume()
	for gets[dialog.HoldChanged](a).ByUs {
	}
}

func TestAPersonSendsThePhoneToAnotherNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	var a *client
	a = newClient(w, "2101", "udp", func(c *dialog.Config) {
		c.Refer = func(_ *dialog.Session, r *dialog.Refer) {
			if r.ReferredBy == nil || r.ReferredBy.URI.User != "07814256404" {
				t.Errorf("Referred-By %v", r.ReferredBy)
			}
			r.Accept()
			in := r.Invite(dialog.Invite{Flow: a.flow, Dst: a.dst, From: transaction.Address{URI: a.uri("2101")}, Media: a.media()})
			r.Follow(a.ua.Invite(in, "new"))
		}
	})
	a.register()
	w.place(Call{From: "07814256404", To: "2101"})
	a.takes()
	if !w.SendAway("2101", Echo) {
		t.Fatal("there is a call")
	}
	gets[dialog.Progress](a)
	w.AnswerCall("2101")
	for limit := time.After(longest); ; {
		select {
		case e := <-a.events:
			if e, over := e.(dialog.Ended); over {
				if e.ByUs {
					t.Errorf("%+v", e)
				}
				w.told(EventEnded)
				return
			}
		case <-limit:
			t.Fatal("the first call goes on")
		}
	}
}

func TestAPersonWhoseSendingAwayIsRefusedComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p := registered(w, "2101", 0)
	w.place(Call{From: "07814256404", To: "2101", Talk: note(620, 60)})
	p.answers()
	const abroad = "00441202528735" // the phone's policy lets nobody send it there
	if w.SendAway("2102", abroad) || !w.SendAway("2101", abroad) {
		t.Fatal("the wrong phone was found")
	}
	p.hears("the caller again", 620)
}

func TestACallMayTakeThePlaceOfTheOneThatThePhoneHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	if err := w.Place(Call{From: "1", To: "2101", Replaces: true}); !errors.Is(err, ErrNothingToReplace) {
		t.Fatal(err)
	}
	w.place(Call{From: "07814256404", To: "2101"})
	first := a.takes()
	w.place(Call{From: "01202528732", Name: "Jane", To: "2101", Replaces: true})
	second := <-a.calls
	if second.Replacing() != first {
		t.Fatal("another call is replaced")
	}
	second.Answer(a.media())
	for {
		if e, ok := (<-a.events).(dialog.Ended); ok {
			if e.Cause != dialog.CauseReplaced {
				t.Fatalf("%+v", e)
			}
			break
		}
	}
	if e := w.told(EventEnded); e.Number != "07814256404" {
		t.Fatalf("%+v", e)
	}
}

func TestAPhoneTakesOverWhatTheExchangeHoldsForAnotherOfItsCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	b := registered(w, "2102", 860)
	first := a.invites("2102")
	b.answers()
	gets[dialog.Confirmed](a)
	r := make(chan dialog.Replaces, 1)
	a.ua.Post(func() { r <- first.ReplacesThis() })
	replaces := <-r
	c := newClient(w, "2103", "udp")
	c.register()
	c.invites("2102", func(in *dialog.Invite) { in.Replaces = &replaces })
	gets[dialog.Confirmed](c)
	if e := gets[dialog.Ended](a); e.ByUs || e.Cause != dialog.CauseBye {
		t.Fatalf("%+v", e)
	}
	w.on(func() {
		if l := w.newest("2103", func(l *leg) bool { return l.answered }); l == nil || l.peer == nil || l.peer.ext != "2102" {
			t.Errorf("%+v", l)
		}
	})
}
