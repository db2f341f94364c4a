package exchange

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
)

// Not parallel: it counts what the whole process has.
func TestCloseWithCallsUpLeavesNothingBehind(t *testing.T) {
	before, open := goroutines(), sockets(t)
	w := newWorld(t, Options{})
	if _, err := w.ServeControl(t.Context(), t.TempDir()+"/exchange.json"); err != nil {
		t.Fatal(err)
	}
	a := registered(w, "2101", 0)
	b := registered(w, "2102", 0, func(c *sip.Config) { c.Transport = "tcp" })
	w.place(Call{From: "07814256404", To: "2101", Caller: prompts.Fred, HangUpAfter: time.Hour})
	first := a.answers().Leg
	a.dials("2102")
	b.answers()
	next[sip.CallAnswered](a)
	w.place(Call{To: "2101", CancelAfter: time.Hour})
	next[sip.IncomingCall](a)
	a.Transfer(first, Silent)
	for next[sip.TransferProgress](a).Code != 180 {
	}
	a.dials(Echo)
	for next[sip.CallProgress](a).Code != 180 {
	}
	w.closeWithin(longest)
	for range 4 {
		next[sip.CallEnded](a)
	}
	next[sip.CallEnded](b)
	a.shut()
	b.shut()
	if len(w.legs) != 0 {
		t.Errorf("%d legs are left", len(w.legs))
	}
	if len(w.timers) == 0 {
		t.Error("there was a hang-up in an hour to be stopped")
	}
	for tm := range w.timers {
		if tm.t.Stop() {
			t.Error("a timer still runs")
		}
	}
	w.HangUp("2101") // too late, and harmless
	w.ToggleHold("2101")
	if w.AnswerCall("2101") || w.Registered("2101") {
		t.Error("a closed exchange still answers")
	}
	settle(t, "goroutines", func() bool { return goroutines() <= before })
	settle(t, "sockets", func() bool { return sockets(t) <= open })
}

func TestNobodyIsCalledOnceTheExchangeIsClosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	registered(w, "2101", 0)
	w.cancel() // what Close does first
	w.on(func() {
		if err := w.Server.place(Call{From: "07814256404", To: "2101"}); !errors.Is(err, ErrClosed) || len(w.legs) != 0 {
			t.Errorf("%v, %d legs", err, len(w.legs))
		}
	})
}

func TestCloseDoesNotWaitForAPhoneThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	c := newClient(w, "2101", "udp")
	c.register()
	w.place(Call{From: "07814256404", To: "2101"})
	s := <-c.calls
	s.Answer(dialog.Local{RTP: loopbackAt9})
	gets[dialog.Confirmed](c)
	c.flow.Close() // nobody will answer the BYE
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
	if len(w.legs) != 0 {
		t.Errorf("%d legs are left", len(w.legs))
	}
}

// settle gives what has been told to end the time to do so.
func settle(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(longest)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			var b strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
			t.Fatalf("%s are left:\n%s", what, b.String())
		}
	}
}

func goroutines() int { return runtime.NumGoroutine() }

// sockets counts the open ones where the system lists them, else 0.
func sockets(t *testing.T) (n int) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Log("this system does not list open files")
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
