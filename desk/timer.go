package desk

import (
	"slices"
	"strings"
	"time"
)

func (t *turn) timerFired(id TimerID) {
	if t.ringTimer(id) || t.offerOver(id) {
		return
	}
	if id == callbackTimer { // what is due is told at the end of the step
		t.wake = time.Time{}
		return
	}
	if id == typedTimer {
		t.searchPaused()
		return
	}
	if id == findTimer {
		t.findNow()
		return
	}
	if key, ok := strings.CutPrefix(string(id), "linger "); ok {
		c := t.find(CallKey(key))
		switch {
		case c == nil || c.State != Ended:
		case c.NeedsResult:
			t.do(After{ID: id, In: max(t.set.Linger, 5*time.Second)})
		case c.Record == RecordSent || c.Record == RecordFiltered:
			t.dismiss(c)
		default:
			t.do(After{ID: id, In: max(t.set.Linger, 5*time.Second)})
		}
		return
	}
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool { return noticeTimer(n.ID) == id })
}

func autoTimer(key CallKey) TimerID    { return TimerID("auto " + string(key)) }
func forwardTimer(key CallKey) TimerID { return TimerID("forward " + string(key)) }

// ringTimer is the end of a wait that began when the call rang. What the agent did meanwhile counts more.
func (t *turn) ringTimer(id TimerID) bool {
	if key, ok := strings.CutPrefix(string(id), "auto "); ok {
		c := t.find(CallKey(key))
		if c == nil || c.State != Incoming || !c.AutoAnswer {
			return true
		}
		if t.up() > 1 { // another call came first: no conversation is put on hold by a machine
			c.AutoAnswer = false
			return true
		}
		t.do(PhoneDo{Do: PhoneAnswer, Leg: c.Leg})
		t.enter(c, Answering, "answered by itself")
		return true
	}
	if key, ok := strings.CutPrefix(string(id), "forward "); ok {
		if c := t.find(CallKey(key)); c != nil && c.State == Incoming && t.forward != nil && t.forward.When == ForwardNoAnswer {
			t.sendOn(c, t.forward.To, "nobody answered, forwarded to "+t.forward.To.String())
		}
		return true
	}
	return false
}

// forget takes ended calls off the list when a new one begins: the list is about now, the history has the rest. Calls whose record
// is not safe stay.
func (t *turn) forget() {
	kept := t.calls[:0]
	for _, c := range t.calls {
		if c.State != Ended || c.Record == RecordUnsafe || c.NeedsResult {
			kept = append(kept, c)
		}
	}
	t.calls = kept
}
