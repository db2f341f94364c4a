package dialog

import (
	"context"
	"slices"
	"strings"
	"testing"

	"offhook/sip/transaction"
)

func TestACallRingsIsAnsweredAndEndsByEitherSide(t *testing.T) {
	for _, who := range []string{"caller", "callee"} {
		t.Run(who, func(t *testing.T) {
			a, b := newPhone(t, "alice"), newPhone(t, "bob")
			ours := a.invite(b.uri())
			theirs := b.incoming()
			if p := next[Progress](a, ours); p.Code != 180 || p.EarlyMedia {
				t.Fatalf("%+v", p)
			}
			theirs.Answer(local(30000))
			m := next[MediaChanged](a, ours).Media
			if m.Remote.Port() != 30000 || m.Codec.Name != "G722" || !m.Send || !m.Receive || m.DTMFSendPT != 101 {
				t.Fatalf("%+v", m)
			}
			next[Answered](a, ours)
			next[Confirmed](a, ours)
			if m := next[MediaChanged](b, theirs).Media; m.Remote.Port() != 20000 {
				t.Fatalf("%+v", m)
			}
			next[Answered](b, theirs)
			next[Confirmed](b, theirs)
			if who == "caller" {
				ours.End("")
			} else {
				theirs.End(`SIP;cause=480;text="gone"`)
			}
			x, y := next[Ended](a, ours), next[Ended](b, theirs)
			if x.Cause != CauseBye || y.Cause != CauseBye || x.ByUs == y.ByUs || x.ByUs != (who == "caller") {
				t.Fatalf("%+v and %+v", x, y)
			}
			if who == "callee" && (x.Code != 480 || x.Reason != "gone") {
				t.Fatalf("the Reason was lost: %+v", x)
			}
			a.quiet(ours)
			b.quiet(theirs)
		})
	}
}

func TestAnIncomingCallCanBeRefusedWithAReason(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	ours := a.invite(b.uri())
	theirs := b.incoming()
	theirs.Reject(486, "In a meeting", transaction.Header{Name: "Reason", Value: `SIP;cause=486;text="meeting"`})
	e := next[Ended](a, ours)
	if e.Cause != CauseRejected || e.Code != 486 || e.Reason != "In a meeting" || e.ByUs {
		t.Fatalf("%+v", e)
	}
	if got := e.Response.Headers.Get("Reason"); !strings.Contains(got, "cause=486") {
		t.Fatalf("Reason %q", got)
	}
	if e := next[Ended](b, theirs); e.Code != 486 || !e.ByUs {
		t.Fatalf("%+v", e)
	}
}

func TestACallThatIsGivenUpEndsOnBothSides(t *testing.T) {
	for _, tc := range []struct {
		reason string
		want   Cause
	}{
		{"", CauseCancelled},
		{`SIP;cause=200;text="Call completed elsewhere"`, CauseElsewhere},
		{`Q.850;cause=26`, CauseElsewhere},
		{`Q.850;cause=16, SIP;cause=200`, CauseElsewhere},
		{`SIP;cause=487`, CauseCancelled},
	} {
		a, b := newPhone(t, "alice"), newPhone(t, "bob")
		ours := a.invite(b.uri())
		theirs := b.incoming()
		next[Progress](a, ours)
		ours.End(tc.reason)
		if e := next[Ended](a, ours); e.Cause != CauseCancelled || !e.ByUs {
			t.Fatalf("%q: %+v", tc.reason, e)
		}
		if e := next[Ended](b, theirs); e.Cause != tc.want || e.ByUs {
			t.Fatalf("%q: %+v, want %s", tc.reason, e, tc.want)
		}
		theirs.Answer(local(30000)) // too late
		b.quiet(theirs)
	}
}

func TestHoldAndResumeFromBothSides(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	ours, theirs := connected(t, a, b)
	expect := func(p *phone, s *Session, want HoldChanged) {
		t.Helper()
		if got := next[HoldChanged](p, s); got != want {
			t.Fatalf("%s: %+v, want %+v", p.name, got, want)
		}
	}
	ours.Hold()
	expect(a, ours, HoldChanged{ByUs: true})
	expect(b, theirs, HoldChanged{ByThem: true})
	theirs.Hold()
	expect(b, theirs, HoldChanged{ByUs: true, ByThem: true})
	expect(a, ours, HoldChanged{ByUs: true, ByThem: true})
	ours.Resume()
	expect(a, ours, HoldChanged{ByThem: true})
	expect(b, theirs, HoldChanged{ByUs: true})
	theirs.Resume()
	expect(b, theirs, HoldChanged{})
	expect(a, ours, HoldChanged{})
	ours.End("")
	next[Ended](b, theirs)
}

func TestHoldAskedBeforeTheAnswerIsCarriedOutAfterIt(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	ours := a.invite(b.uri())
	theirs := b.incoming()
	ours.Hold()
	theirs.Answer(local(30000))
	if h := next[HoldChanged](b, theirs); !h.ByThem {
		t.Fatalf("%+v", h)
	}
	ours.Hold()
	ours.Resume()
	ours.Hold()
	ours.Resume() // only the last wish counts
	for h := next[HoldChanged](b, theirs); h.ByThem; h = next[HoldChanged](b, theirs) {
	}
}

func TestACallWithoutAnOfferIsAnsweredWithOne(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	ours := a.invite(b.uri(), func(in *Invite) { in.LateOffer = true })
	theirs := b.incoming()
	if theirs.Offered() {
		t.Fatal("there was no offer")
	}
	theirs.Answer(local(30000))
	if m := next[MediaChanged](a, ours).Media; m.Remote.Port() != 30000 {
		t.Fatalf("%+v", m)
	}
	if m := next[MediaChanged](b, theirs).Media; m.Remote.Port() != 20000 {
		t.Fatalf("%+v", m)
	}
	next[Confirmed](b, theirs)
	next[Confirmed](a, ours)
	ours.Reinvite(true)
	next[MediaChanged](a, ours)
	next[MediaChanged](b, theirs)
	theirs.Reinvite(true)
	next[MediaChanged](b, theirs)
	next[MediaChanged](a, ours)
	ours.Hold()
	next[HoldChanged](b, theirs)
	theirs.Reinvite(true) // a late offer does not end our hold
	if m := next[MediaChanged](b, theirs).Media; m.Send {
		t.Fatalf("%+v", m)
	}
}

func TestEarlyMediaAreHeardBeforeTheAnswer(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	b.ua.loop.run(func() { b.ring = false })
	ours := a.invite(b.uri())
	theirs := b.incoming()
	theirs.Ring()
	if p := next[Progress](a, ours); p.Code != 180 || p.EarlyMedia {
		t.Fatalf("%+v", p)
	}
	l := local(30000)
	theirs.Progress(183, "", &l)
	if m := next[MediaChanged](a, ours).Media; m.Remote.Port() != 30000 {
		t.Fatalf("%+v", m)
	}
	if p := next[Progress](a, ours); p.Code != 183 || !p.EarlyMedia {
		t.Fatalf("%+v", p)
	}
	for range 20 { // any number of them
		theirs.Progress(182, "Queued", nil)
	}
	for range 20 {
		if p := next[Progress](a, ours); p.Code != 182 || !p.EarlyMedia {
			t.Fatalf("%+v", p)
		}
	}
	theirs.Answer(l)
	next[Confirmed](a, ours)
}

func TestABlindTransferIsFollowedToItsEnd(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps []int
		ok    bool
		code  int
	}{
		{"answered", []int{180, 200}, true, 200},
		{"busy", []int{180, 486}, false, 486},
		{"refused", nil, false, 603},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newPhone(t, "alice")
			b := newPhone(t, "bob", func(c *Config) {
				c.Refer = func(s *Session, r *Refer) {
					if r.Target.URI.User != "carol" || r.ReferredBy == nil || r.ReferredBy.URI.User != "alice" {
						t.Errorf("Refer-To %v, Referred-By %q", r.Target, r.ReferredBy)
					}
					if tc.steps == nil {
						r.Reject(603, "")
						return
					}
					r.Accept()
					for _, code := range tc.steps {
						r.Notify(code, "")
					}
				}
			})
			ours, theirs := connected(t, a, b)
			carol := b.uri()
			carol.User = "carol"
			ours.Transfer(transaction.Address{URI: carol}, transaction.Address{URI: a.uri()})
			if h := next[HoldChanged](a, ours); !h.ByUs {
				t.Fatalf("asked before the hold was confirmed: %+v", h)
			}
			if tc.steps != nil {
				var codes []int
				for range len(tc.steps) + 1 {
					codes = append(codes, next[TransferProgress](a, ours).Code)
				}
				if !slices.Equal(codes, append([]int{100}, tc.steps...)) {
					t.Fatalf("progress %v", codes)
				}
			}
			if d := next[TransferDone](a, ours); d.OK != tc.ok || d.Code != tc.code {
				t.Fatalf("%+v", d)
			}
			if tc.ok {
				if e := next[Ended](a, ours); e.Cause != CauseTransferred {
					t.Fatalf("%+v", e)
				}
				next[Ended](b, theirs)
				return
			}
			ours.Resume()
			if h := next[HoldChanged](a, ours); h.ByUs {
				t.Fatalf("%+v", h)
			}
		})
	}
}

func TestACloseEndsEveryCallProperly(t *testing.T) {
	a, b := newPhone(t, "alice"), newPhone(t, "bob")
	_, upThere := connected(t, a, b)
	calling := a.invite(b.uri())
	callingThere := b.incoming()
	next[Progress](a, calling)
	ringing := b.invite(a.uri())
	a.incoming()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.ua.Close(ctx); err != nil {
		t.Fatal(err)
	}
	ends := map[*Session]Ended{}
	for len(ends) < 3 {
		ev := <-b.events
		if e, ok := ev.e.(Ended); ok {
			ends[ev.s] = e
		}
	}
	if ends[upThere].Cause != CauseBye || ends[callingThere].Cause != CauseCancelled || ends[ringing].Code != 480 {
		t.Fatalf("%+v", ends)
	}
}
