package sip

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestCallsGoOverTCPWhenTheAddressSaysSo(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob")
	a.Dial("x", at(b, "bob")+";transport=tcp")
	in := wait[IncomingCall](t, b)
	b.Answer(in.Leg)
	wait[CallAnswered](t, a)
	wait[CallAnswered](t, b)
	b.Hold(in.Leg) // from the side that accepted the connection
	if h := wait[CallHeld](t, a); !h.ByThem {
		t.Fatalf("%+v", h)
	}
	wait[CallHeld](t, b)
	a.Hangup("x")
	if e := wait[CallEnded](t, b); e.Cause != EndNormal {
		t.Fatalf("%+v", e)
	}
}

func TestACallOutlivesTheConnectionItCameOver(t *testing.T) {
	a, b := open(t, "alice"), open(t, "bob")
	a.Dial("x", at(b, "bob")+";transport=tcp")
	in := wait[IncomingCall](t, b)
	b.Answer(in.Leg)
	wait[CallAnswered](t, a)
	wait[CallAnswered](t, b)
	done := make(chan struct{})
	a.ua.Post(func() {
		a.legs["x"].s.Flow().Close()
		close(done)
	})
	<-done
	a.Hangup("x") // needs a new connection
	if e := wait[CallEnded](t, b); e.Cause != EndNormal {
		t.Fatalf("%+v", e)
	}
}

func TestAFarEndThatTakesNoConnectionIsANetworkEnd(t *testing.T) {
	a := open(t, "alice")
	a.Dial("x", "sip:nobody@127.0.0.1:1;transport=tcp")
	if e := wait[CallEnded](t, a); e.Cause != EndNetwork || !strings.Contains(e.Reason.String(), "127.0.0.1") {
		t.Fatalf("%+v", e)
	}
	// Hung up while the way is still being looked for.
	stuck := make(chan struct{})
	defer close(stuck)
	b := open(t, "bob", func(c *Config) {
		c.Resolve = blocked(stuck)
	})
	b.Dial("y", "sip:someone@slow.example.com")
	wait[OutgoingCall](t, b)
	b.Hangup("y")
	if e := wait[CallEnded](t, b); e.Cause != EndCancelled || !e.ByUs {
		t.Fatalf("%+v", e)
	}
}

func BenchmarkInviteToRinging(b *testing.B) {
	callee, err := Open(b.Context(), Config{Account: "sip:bob@localhost", Listen: loopback, MaxCalls: 1 << 20, RequestRate: -1})
	if err != nil {
		b.Fatal(err)
	}
	caller, err := Open(b.Context(), Config{Account: "sip:alice@localhost", Listen: loopback})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		caller.Close(ctx)
		callee.Close(ctx)
	}()
	go func() {
		for range callee.Events() {
		}
	}()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		leg := LegID("b" + strings.Repeat("x", n%7) + time.Now().String())
		caller.Dial(leg, at(callee, "bob"))
		for e := range caller.Events() {
			if _, ok := e.(CallProgress); ok {
				break
			}
		}
		caller.Hangup(leg)
		for e := range caller.Events() {
			if _, ok := e.(CallEnded); ok {
				break
			}
		}
	}
}
