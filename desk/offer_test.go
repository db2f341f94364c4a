package desk

import (
	"testing"
	"time"

	"offhook/internal/text"
)

func offers(number string) NumberOffered { return NumberOffered{Number: text.Clean(number)} }

func TestANumberFromOutsideIsShownAndCallsNobody(t *testing.T) {
	b := newBench(t, Settings{})
	b.do(NumberOffered{Number: text.Clean("+442079460000"), Ext: text.Clean("22"), Context: text.Clean("example.com")})
	s := b.snap()
	if o := s.Offer; o == nil || o.Number.String() != "+442079460000" || o.Ext.String() != "22" || o.Context.String() != "example.com" || o.Quiet {
		t.Fatalf("the offer is %+v", s.Offer)
	}
	if len(s.Calls) > 0 {
		t.Error("somebody is called")
	}
	for _, e := range b.last {
		if _, ok := e.(PhoneDo); ok {
			t.Errorf("the telephone is told %+v", e)
		}
	}
}

func TestAnOfferEndsWhenItIsTakenOrForgotten(t *testing.T) {
	b := newBench(t, Settings{})
	b.do(offers("1"))
	b.do(offers("2"))
	b.do(Commanded{Command{Verb: TakeOffer, Number: 1}}) // of the one before: a newer one has come meanwhile
	b.do(TimerFired{ID: "offer 1"})
	if o := b.snap().Offer; o == nil || o.Number.String() != "2" {
		t.Fatalf("the newer offer is %+v", o)
	}
	b.do(Commanded{Command{Verb: TakeOffer, Number: 2}})
	if b.snap().Offer != nil {
		t.Error("it stays when it is taken")
	}
	b.do(offers("3"))
	b.do(TimerFired{ID: "offer 3"})
	if b.snap().Offer != nil {
		t.Error("it stays for ever")
	}
}

func TestOffersInQuickSuccessionOpenNothingByThemselves(t *testing.T) {
	b := newBench(t, Settings{})
	for i, c := range []struct {
		after time.Duration
		quiet bool
	}{{0, false}, {0, true}, {time.Second, true}, {offerPause, false}, {time.Minute, false}} {
		b.at = b.at.Add(c.after)
		b.do(offers("2104"))
		if o := b.snap().Offer; o == nil || o.Quiet != c.quiet {
			t.Errorf("offer %d is %+v", i+1, o)
		}
	}
}

func TestWhatCannotBeDialledIsNotOffered(t *testing.T) {
	b := newBench(t, Settings{})
	for _, n := range []string{"", "nobody here", "+"} {
		b.do(offers(n))
		if o := b.snap().Offer; o != nil {
			t.Errorf("%q is offered", n)
		}
	}
}
