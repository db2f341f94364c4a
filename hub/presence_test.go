package hub

import (
	"testing"
	"time"

	"offhook/desk"
)

func TestHowMuchARowIsToBeBelieved(t *testing.T) {
	up := BoardLink{Up: true, Since: noon.Add(-time.Hour)}
	back := BoardLink{Up: true, Since: noon.Add(-5 * time.Second)}
	long := BoardLink{Up: true, Since: noon.Add(-StaleAfter)}
	for _, tc := range []struct {
		name   string
		state  desk.State
		silent time.Duration
		watch  int
		gone   bool
		link   BoardLink
		want   Presence
	}{
		{"just heard", desk.Available, time.Second, 2, false, up, Live},
		{"one heartbeat late", desk.Available, StaleAfter, 2, false, up, Live},
		{"silent", desk.Available, StaleAfter + 1, 2, false, up, Stale},
		{"silent to the end of its time", desk.Available, OfflineAfter, 2, false, up, Stale},
		{"silent for too long", desk.Available, OfflineAfter + 1, 2, false, up, Gone},
		{"expired on the bus", desk.Available, 20 * time.Second, 2, true, up, Gone},
		{"left", desk.Offline, time.Second, 2, false, up, Gone},
		{"while the hub is down", desk.Available, time.Second, 2, false, BoardLink{}, Unknown},
		{"while the hub is down, long ago", desk.Offline, time.Hour, 2, false, BoardLink{}, Unknown},
		{"not yet back on a new hub", desk.Available, time.Minute, 1, false, back, Unknown},
		{"never back on a new hub", desk.Available, time.Minute, 1, false, long, Gone},
	} {
		h := &held{value: Value{State: tc.state}, heard: noon.Add(-tc.silent), watch: tc.watch, gone: tc.gone}
		if got := h.presence(noon, tc.link, 2); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestWhoHasBeenGoneForAShiftLeavesTheBoard(t *testing.T) {
	b := &Board{rows: map[string]*held{"a": {heard: noon.Add(-offlineTTL - 1)}, "b": {heard: noon.Add(-offlineTTL)}}}
	if b.forget(noon); len(b.rows) != 1 || b.rows["b"] == nil {
		t.Errorf("%v", b.rows)
	}
}

func TestBackoffStartsSoonAndNeverGrowsLong(t *testing.T) {
	for n := range 100 {
		if d := backoff(n); d < 125*time.Millisecond || d > 5*time.Second || n == 0 && d > 250*time.Millisecond {
			t.Errorf("attempt %d waits %v", n, d)
		}
	}
}

func TestAnAgentWithNothingToSaySleeps(t *testing.T) {
	a := &Agent{link: newLink(Config{Heartbeat: Heartbeat}, "agent.a.b.c")}
	for name, s := range map[string]*sender{"not connected": {}, "connected, no snapshot yet": {ready: true}} {
		if d := a.next(s, noon); d != Heartbeat {
			t.Errorf("%s: looks again in %v", name, d)
		}
	}
	a.latest.Store(talking())
	told := &sender{ready: true, fresh: true, sent: a.value(), sentAt: noon}
	if d := a.next(told, noon.Add(time.Second)); d != Heartbeat-time.Second {
		t.Errorf("everything told: looks again in %v", d)
	}
	told.sent.State = desk.Away
	if d := a.next(told, noon.Add(time.Millisecond)); d != fastest-time.Millisecond {
		t.Errorf("something new: looks again in %v", d)
	}
	if d := a.next(&sender{ready: true, retry: noon.Add(time.Second)}, noon); d != time.Second {
		t.Errorf("after a failure: looks again in %v", d)
	}
}
