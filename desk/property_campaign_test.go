package desk

import (
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/sync"
	"offhook/internal/text"
)

// wish is what an agent does with results, callbacks and the work list, in any order, sense or not.
func (w *world) wish(key CallKey) Event {
	s := w.snap()
	pick := func(list ...string) string { return list[w.rnd.IntN(len(list))] }
	cb := "gone"
	if n := len(s.Callbacks); n > 0 {
		cb = s.Callbacks[w.rnd.IntN(n)].Key
	}
	id := people()[w.rnd.IntN(3)].ID
	when := map[string]string{"when": pick("in 2h", "tomorrow 10:00", "sometime", "in 1 min")}
	switch w.rnd.IntN(12) {
	case 0, 1, 2:
		return Commanded{Command{Verb: Dispose, Call: key, Text: pick("sale", "none", "later", "later", "vip", "", "nonsense"), Values: when}}
	case 3:
		return Commanded{Command{Verb: CallBack, Text: cb}}
	case 4:
		return Commanded{Command{Verb: pick2(w, CallbackDone, CallbackMove), Text: cb, Values: when}}
	case 5:
		return Commanded{Command{Verb: WorkOpen, Text: pick("", "Spring", "Nobody's")}}
	case 6:
		ask := crm.Ref{Type: "Campaign", ID: "701000000000001AAA", Name: text.Clean("Autumn")}
		if s.Worklist != nil {
			ask = s.Worklist.Campaign
		}
		return WorkPulled{Asked: ask, Campaign: ask, Members: people(), Err: text.Clean(pick("", "", "down"))}
	case 7:
		return Commanded{Command{Verb: WorkDial, Text: id, Values: map[string]string{"force": pick("", "yes")}}}
	case 8:
		return Commanded{Command{Verb: pick2(w, WorkSkip, WorkMore), Text: id}}
	case 9:
		return TimerFired{callbackTimer}
	case 10:
		return CallbacksPulled{Set: []Callback{{Key: "00T000000000009AAA", TaskID: "00T000000000009AAA", At: w.at.Add(time.Duration(w.rnd.IntN(120)) * time.Minute).Round(0)}}, Gone: []string{pick("00T000000000009AAA", "")}}
	}
	return CallbackOpened{Key: cb, TaskID: "00T000000000007AAA"}
}

func pick2(w *world, a, b Verb) Verb { return []Verb{a, b}[w.rnd.IntN(2)] }

// checkPromises holds results, callbacks and the work list against what was put on disk and left to be told.
func (w *world) checkPromises(s *Snapshot) {
	w.t.Helper()
	if !slices.IsSortedFunc(s.Callbacks, func(a, b Callback) int { return a.At.Compare(b.At) }) {
		w.fail("the callbacks are not in order")
	}
	for _, e := range effects[AddErrand](w.last) {
		if e.Kind == sync.MemberErrand && !strings.HasPrefix(e.Key, "member:"+e.Call) {
			w.fail("an errand about a member has the key " + e.Key)
		}
	}
	kept := map[string]bool{} // on disk
	for _, fx := range w.all {
		switch fx := fx.(type) {
		case Keep:
			for _, k := range fx.Things {
				if k.Kind == sync.CallbackKind {
					kept[k.Key] = true
				}
			}
		case Unkeep:
			for _, k := range fx.Keys {
				delete(kept, k)
			}
		}
	}
	if len(kept) != len(s.Callbacks) {
		w.fail("the list of callbacks is not the one on disk")
	}
	for _, cb := range s.Callbacks {
		if !kept[cb.Key] {
			w.fail("a callback is not on disk")
		}
	}
	for _, c := range s.Calls {
		if c.NeedsResult && (c.State != Ended || c.Result != "") {
			w.fail("a result is asked for in vain")
		}
	}
}
