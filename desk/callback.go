package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/crm/sync"
	"offhook/crm/when"
	"offhook/internal/text"
)

// Verbs of the callback list. Text: the callback's key.
const (
	CallBack     Verb = "call back"      // dials it
	CallbackDone Verb = "callback done"  // it is not needed any more
	CallbackMove Verb = "callback later" // Values["when"]: the new moment
)

// Callback is one promise to call somebody, as the desk lists it.
type Callback = sync.Callback

// MaxCallbacks bounds the list.
const MaxCallbacks = 500

// CallbacksPulled tells what Salesforce knows of the agent's callbacks: those made or moved elsewhere, and the Tasks that are closed or
// gone.
type CallbacksPulled struct {
	Set  []Callback
	Gone []string // Task ids
}

// CallbackOpened: a callback of this desk is in Salesforce as this Task.
type CallbackOpened struct{ Key, TaskID string }

func (CallbacksPulled) deskEvent() {}
func (CallbackOpened) deskEvent()  {}

const callbackTimer TimerID = "callback"

// lookAgain bounds how long the clock of the callbacks runs unseen: a machine that slept must not be late by as much.
const lookAgain = time.Minute

// promise puts a callback for the far end of a call on the list, and into Salesforce.
func (t *turn) promise(c *call, at time.Time) {
	if len(t.callbacks) >= MaxCallbacks {
		t.say(Warning, c.Key, "The list of callbacks is full (%d): the callback is only in the call's record.", MaxCallbacks)
		return
	}
	t.promised++
	cb := Callback{Key: string(c.Key) + "/cb" + strconv.Itoa(t.promised), At: at, Number: c.Remote.Number, Name: c.Name, Who: c.Assoc.Who, What: c.Assoc.What,
		Campaign: c.Campaign, Notes: c.Notes}
	if cb.Who.Zero() {
		cb.Who = c.Member
	}
	c.callback = cb.Key
	t.callbacks = append(t.callbacks, cb)
	t.openCallback(cb)
}

// openCallback stores a callback and leaves the errand that makes, or moves, its Task.
func (t *turn) openCallback(cb Callback) {
	t.do(Keep{[]ledger.Kept{kept(sync.CallbackKind, cb.Key, cb.At, cb)}},
		AddErrand{ledger.Errand{Key: openKey(cb), Kind: sync.CallbackErrand, Payload: sync.Payload(sync.CallbackChange{Do: sync.OpenCallback, Callback: cb})}})
}

// movePromise sets another time for a callback of the list.
func (t *turn) movePromise(key string, at time.Time) {
	i := t.findCallback(key)
	if i < 0 || t.callbacks[i].At.Equal(at) {
		return
	}
	t.unsay(dueLine(t.callbacks[i]))
	t.outdate(t.callbacks[i])
	t.callbacks[i].At, t.callbacks[i].Due = at, false
	t.openCallback(t.callbacks[i])
}

func openKey(cb Callback) string {
	return "callback:" + cb.Key + ":" + strconv.FormatInt(cb.At.Unix(), 10)
}

// findCallback gives the place of a callback in the list; −1 when it is not there.
func (t *turn) findCallback(key string) int {
	return slices.IndexFunc(t.callbacks, func(cb Callback) bool { return cb.Key == key })
}

// closeCallback takes a callback off the list and closes its Task.
func (t *turn) closeCallback(key, line string) {
	i := t.findCallback(key)
	if i < 0 {
		return
	}
	cb := t.callbacks[i]
	t.callbacks = slices.Delete(t.callbacks, i, i+1)
	t.outdate(cb)
	t.unsay(dueLine(cb))
	t.do(Unkeep{Kind: sync.CallbackKind, Keys: []string{cb.Key}},
		AddErrand{ledger.Errand{Key: "callback:" + cb.Key + ":close", Kind: sync.CallbackErrand,
			Payload: sync.Payload(sync.CallbackChange{Do: sync.CloseCallback, Callback: cb, Opened: openKey(cb)})}})
	if line != "" {
		t.say(Info, "", line, callbackName(cb))
	}
}

// formerly is a callback as it was until the agent moved it or took it off the list. Salesforce may go on telling of it until the errand
// has reached it.
type formerly struct {
	Callback
	since time.Time
}

// outdatedFor is how long what Salesforce tells of a callback as it was is not believed: errands are tried at least every five minutes.
const outdatedFor = time.Hour

func (t *turn) outdate(cb Callback) {
	t.former = append(t.former[max(0, len(t.former)-MaxCallbacks+1):], formerly{cb, t.at})
}

// outdated reports whether this is a callback as it was before the agent changed it.
func (t *turn) outdated(cb Callback) bool {
	return slices.ContainsFunc(t.former, func(f formerly) bool {
		return (f.Key == cb.Key || f.TaskID != "" && sameTask(f.TaskID, cb.TaskID)) && f.At.Equal(cb.At) && t.at.Sub(f.since) < outdatedFor
	})
}

func callbackName(cb Callback) text.Text { return cb.Name.Or(cb.Number).Or(text.Clean("somebody")) }

// callbackCommand carries out the commands of the list; it reports whether cmd was one of them.
func (t *turn) callbackCommand(cmd Command) bool {
	switch cmd.Verb {
	case CallBack, CallbackDone, CallbackMove:
	default:
		return false
	}
	i := t.findCallback(cmd.Text)
	if i < 0 {
		t.say(Info, "", "That callback is not on the list any more.")
		return true
	}
	cb := t.callbacks[i]
	switch cmd.Verb {
	case CallbackDone:
		t.closeCallback(cb.Key, "The callback of %s is done.")
	case CallbackMove:
		at, err := when.Parse(cmd.Values["when"], t.now(), t.set.DayStart)
		if err != nil {
			t.say(Warning, "", "The callback stays where it was: %s", err)
			return true
		}
		t.movePromise(cb.Key, at)
		t.say(Info, "", "You call %s back %s.", callbackName(cb), when.Say(at, t.now()))
	case CallBack:
		if cb.Number.Empty() {
			t.say(Info, "", "The callback of %s has no number: open the record and dial from there.", callbackName(cb))
			return true
		}
		before := t.dialled
		t.dial(Command{Verb: Dial, Text: cb.Number.String(), Record: cb.About()})
		if t.dialled > before {
			c := &t.calls[len(t.calls)-1]
			c.forCallback, c.Campaign = cb.Key, cb.Campaign
			t.unsay(dueLine(cb))
		}
	}
	return true
}

// calledBack: the call that a callback was for is over. One that was answered has been made; else it stays on the list.
func (t *turn) calledBack(c *call) {
	i := t.findCallback(c.forCallback)
	if c.forCallback == "" || i < 0 {
		return
	}
	if !c.Answered.IsZero() {
		t.closeCallback(c.forCallback, "")
		return
	}
	cb := t.callbacks[i]
	cb.Tries++
	t.callbacks[i] = cb
	t.do(Keep{[]ledger.Kept{kept(sync.CallbackKind, cb.Key, cb.At, cb)}})
	t.say(Info, c.Key, "%s stays on the list of callbacks.", callbackName(cb))
}

// pulled takes over what Salesforce knows. What this desk promised itself it knows better, except that its Task was closed elsewhere.
func (t *turn) pulled(ev CallbacksPulled) {
	var gone []string
	t.callbacks = slices.DeleteFunc(t.callbacks, func(cb Callback) bool {
		if cb.TaskID == "" || !slices.ContainsFunc(ev.Gone, func(id string) bool { return sameTask(id, cb.TaskID) }) || t.calling(cb.Key) {
			return false
		}
		gone = append(gone, cb.Key)
		return true
	})
	var things []ledger.Kept
	for _, cb := range ev.Set {
		i := slices.IndexFunc(t.callbacks, func(have Callback) bool {
			return have.Key == cb.Key || have.TaskID != "" && sameTask(have.TaskID, cb.TaskID)
		})
		switch {
		case t.outdated(cb):
			continue
		case i >= 0:
			have := t.callbacks[i]
			if have.At.Equal(cb.At) && have.TaskID == cb.TaskID && have.Number == cb.Number {
				continue
			}
			if !have.At.Equal(cb.At) {
				have.At, have.Due = cb.At, false
			}
			have.TaskID, have.Number, have.Name = cb.TaskID, have.Number.Or(cb.Number), have.Name.Or(cb.Name)
			cb, t.callbacks[i] = have, have
		case len(t.callbacks) < MaxCallbacks:
			cb.Elsewhere = true
			t.callbacks = append(t.callbacks, cb)
		default:
			continue
		}
		things = append(things, kept(sync.CallbackKind, cb.Key, cb.At, cb))
	}
	if len(gone) > 0 {
		t.do(Unkeep{Kind: sync.CallbackKind, Keys: gone})
	}
	if len(things) > 0 {
		t.do(Keep{things})
	}
}

func (t *turn) callbackOpened(ev CallbackOpened) {
	if i := t.findCallback(ev.Key); i >= 0 && t.callbacks[i].TaskID != ev.TaskID {
		t.callbacks[i].TaskID = ev.TaskID
		t.do(Keep{[]ledger.Kept{kept(sync.CallbackKind, ev.Key, t.callbacks[i].At, t.callbacks[i])}})
	}
}

func sameTask(a, b string) bool { return len(a) >= 15 && len(b) >= 15 && a[:15] == b[:15] }

// calling reports whether a call for the callback is up.
func (t *turn) calling(key string) bool {
	return slices.ContainsFunc(t.calls, func(c call) bool { return c.forCallback == key && c.State != Ended })
}

// dueLine begins the line about a callback whose time has come.
func dueLine(cb Callback) string { return "Call " + callbackName(cb).String() + " back: " }

// watch sorts the list, tells what has become due, and sets the clock for the next. It is called at the end of every step.
func (t *turn) watch() {
	slices.SortStableFunc(t.callbacks, func(a, b Callback) int {
		if n := a.At.Compare(b.At); n != 0 {
			return n
		}
		return strings.Compare(a.Key, b.Key)
	})
	var next time.Time
	for i := range t.callbacks {
		cb := &t.callbacks[i]
		switch {
		case cb.Due:
		case !cb.At.After(t.at):
			cb.Due = true
			t.notify(Warning, "", text.Clean(dueLine(*cb)+"you promised "+when.Say(cb.At, t.now())+"."))
			t.do(Keep{[]ledger.Kept{kept(sync.CallbackKind, cb.Key, cb.At, *cb)}})
		case next.IsZero():
			next = cb.At
		}
	}
	switch {
	case next.IsZero() && !t.wake.IsZero():
		t.wake = next
		t.do(After{ID: callbackTimer})
	case !next.IsZero() && (t.wake.IsZero() || next.Before(t.wake)):
		in := min(next.Sub(t.at), lookAgain)
		t.wake = t.at.Add(in)
		t.do(After{ID: callbackTimer, In: in})
	}
}
