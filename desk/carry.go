package desk

import (
	"context"
	"errors"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// write is one write to the ledger.
type write struct {
	key        CallKey
	call       ledger.Call
	item       *ledger.Item // with end
	end        bool
	amend      *crm.Correction // a change after the end
	transition string
	at         time.Time
	err        error // the call could not be put into words; never on disk

	more func(context.Context, Store) error // something else than a call's state
}

// writeOf turns the effects that belong on disk into a write.
func writeOf(fx Effect, at time.Time) (write, bool) {
	switch fx := fx.(type) {
	case Journal:
		c, err := ledgerCall(fx.Call, fx.Record)
		return write{key: fx.Call.Key, call: c, transition: fx.Transition, at: at, err: err}, true
	case Finish:
		c, err := ledgerCall(fx.Call, fx.Record)
		item := &ledger.Item{Key: c.Key, Payload: c.Detail}
		if fx.Filtered {
			item.State = ledger.Filtered
		}
		return write{key: fx.Call.Key, call: c, item: item, end: true, at: at, err: err}, true
	case Amend:
		return write{key: fx.Call.Key, amend: &crm.Correction{Parts: fx.Parts, Record: fx.Record, Since: &fx.Before}, at: at}, true
	case AddErrand:
		return write{key: CallKey(fx.Call), at: at, more: func(ctx context.Context, s Store) error { _, err := s.AddErrand(ctx, fx.Errand); return err }}, true
	case Keep:
		return write{at: at, more: func(ctx context.Context, s Store) error { return s.Keep(ctx, fx.Things...) }}, true
	case Unkeep:
		return write{at: at, more: func(ctx context.Context, s Store) error { return s.Unkeep(ctx, fx.Kind, fx.Keys...) }}, true
	}
	return write{}, false
}

// amendPause is how long a change of a call that is over waits for more of them.
const amendPause = 5 * time.Second

// save writes to the ledger now. What the disk refuses is kept, told to the agent and tried again in order: a later write
// never overtakes an earlier one.
func (d *Desk) save(ctx context.Context, w write) {
	if len(d.unsaved) == 0 {
		if d.refusal = d.put(ctx, w); d.refusal == nil {
			return
		}
	}
	d.keep(w)
	// Told for every call, before anybody sees its new state.
	d.machine, _ = d.machine.Step(w.at, JournalFailed{Call: w.key, Err: text.Clean(diskTrouble(d.refusal))})
}

// diskTrouble is in a few words why the disk refuses, where that is known: an agent reads it in the middle of a call.
func diskTrouble(err error) string {
	var e *ledger.Error
	switch {
	case !errors.As(err, &e) || e.Kind == nil:
		return err.Error()
	case errors.Is(e.Kind, ledger.ErrDiskFull):
		return "the disk is full, free some space"
	case errors.Is(e.Kind, ledger.ErrBusy):
		return "another program keeps the ledger locked, close it"
	}
	return e.Kind.Error()
}

// keep remembers a refused write. Of several states of one open call only the newest matters.
func (d *Desk) keep(w write) {
	if n := len(d.unsaved); n > 0 && d.unsaved[n-1].key == w.key && w.amend != nil && d.unsaved[n-1].amend != nil {
		both := w.amend.After(*d.unsaved[n-1].amend)
		w.amend = &both
		d.unsaved[n-1] = w
		return
	}
	if n := len(d.unsaved); n > 0 && d.unsaved[n-1].key == w.key && !d.unsaved[n-1].end && w.amend == nil && w.transition == "" && !w.end && w.more == nil && d.unsaved[n-1].more == nil {
		w.transition, w.at = d.unsaved[n-1].transition, d.unsaved[n-1].at
		d.unsaved[n-1] = w
		return
	}
	d.unsaved = append(d.unsaved, w)
}

func (d *Desk) put(ctx context.Context, w write) error {
	if w.err != nil {
		return w.err
	}
	ctx = context.WithoutCancel(ctx) // a record is written even while the program is ending
	if w.amend != nil {
		// A Task that is there already is changed when the agent has paused, not at each keystroke.
		_, err := d.ports.Journal.Amend(ctx, string(w.key), w.at.Add(amendPause), w.amend.Apply)
		return d.never(w, err)
	}
	if w.more != nil {
		if d.ports.Store == nil {
			return nil
		}
		return w.more(ctx, d.ports.Store)
	}
	if !w.end {
		return d.ports.Journal.Journal(ctx, w.call, w.transition, w.at)
	}
	if err := d.ports.Journal.Finish(ctx, w.call, w.item); err != nil {
		return err
	}
	if d.ports.Committed != nil {
		d.ports.Committed()
	}
	return nil
}

// never ends the attempts at a change that no better disk would take: its call is gone, or its record is nothing that this version knows.
func (d *Desk) never(w write, err error) error {
	var gone *ledger.NotFoundError
	var unreadable *crm.RefusedError
	why := "the call is no longer in the ledger"
	switch {
	case errors.As(err, &unreadable):
		why = "its record cannot be read"
	case !errors.As(err, &gone):
		return err
	}
	d.machine, _ = d.machine.Step(w.at, Told{Severity: Problem, Text: text.Clean("Your last change of a call that is over was not stored: " + why + ". Write it down.")})
	return nil
}

// rewrite tries the refused writes again.
func (d *Desk) rewrite(ctx context.Context) {
	if len(d.unsaved) > 0 && d.flush(ctx) {
		d.step(ctx, time.Now(), JournalRestored{})
	}
}

// flush writes what the disk takes, oldest first; it reports whether nothing is left.
func (d *Desk) flush(ctx context.Context) bool {
	for len(d.unsaved) > 0 {
		if d.refusal = d.put(ctx, d.unsaved[0]); d.refusal != nil {
			return false
		}
		d.unsaved = d.unsaved[1:]
	}
	return true
}

// journalAlive marks every call as still up, so that a crash cannot cost more of its duration than the interval.
func (d *Desk) journalAlive(ctx context.Context) {
	if d.machine.live() && len(d.unsaved) == 0 { // a disk that refuses is asked by rewrite
		// A refusal here is no loss by itself: the next transition meets the same disk and tells the agent.
		_ = d.ports.Journal.Alive(ctx, time.Now())
	}
}

// carryOut does what the machine wants done outside. Nothing here blocks the loop: the telephone's commands return at once,
// Salesforce is asked on goroutines whose answers come back as events.
func (d *Desk) carryOut(ctx context.Context, fx Effect) {
	switch fx := fx.(type) {
	case PhoneDo:
		d.phoneDo(fx)
	case Lookup:
		d.ask(ctx, func(ctx context.Context) Event {
			return LookupDone{Call: fx.Call, Number: fx.Number, Match: d.ports.Customers.Lookup(ctx, fx.Number, fx.Dir)}
		})
	case LoadCard:
		d.ask(ctx, func(ctx context.Context) Event {
			card, err := d.ports.Customers.Card(ctx, fx.Ref)
			ev := CardLoaded{For: fx.For, Ref: fx.Ref, Auto: fx.Auto, Err: errText(err)}
			if err == nil {
				ev.Card = &card
			}
			return ev
		})
	case RunSearch:
		if d.searching != nil {
			d.searching() // nobody waits for the answer to an older question
		}
		ctx, d.searching = context.WithCancel(ctx)
		d.ask(ctx, func(ctx context.Context) Event {
			found, err := d.ports.Customers.Search(ctx, fx.Query, fx.More)
			return SearchDone{For: fx.For, Query: fx.Query, Found: found, Err: errText(err)}
		})
	case LoadRecents:
		d.ask(ctx, func(ctx context.Context) Event {
			hits, err := d.ports.Customers.Recents(ctx)
			if err != nil && len(hits) == 0 {
				return nil // what was opened here is shown without it
			}
			return RecentsLoaded{hits}
		})
	case Browse:
		if d.ports.Browse != nil {
			d.ports.Browse(fx)
		}
	case LoadForm, CreateRecord, UpdateRecord, FindReferences, ListObjects:
		d.ask(ctx, func(ctx context.Context) Event { return d.formWork(ctx, fx) })
	case ReadReport:
		d.ask(ctx, func(ctx context.Context) Event { return ReportRead{d.readReport(ctx, fx)} })
	case PullWork:
		if d.ports.Work != nil {
			d.ask(ctx, func(ctx context.Context) Event { return d.ports.Work(ctx, fx) })
		}
	case SoundDo:
		d.soundDo(ctx, fx)
	case Ring:
		if d.ports.Ring != nil {
			d.ports.Ring(fx.On)
		}
	case SendNow:
		run(d.ports.SendNow)
	case RetryLinks:
		run(d.ports.Retry)
	case Demo:
		if d.ports.Demo != nil { // the practice world tells the desk what it does: waiting for it here could wait for ever
			d.ask(ctx, func(context.Context) Event { d.ports.Demo(fx); return nil })
		}
	case After:
		d.after(fx)
	}
}

func run(f func()) {
	if f != nil {
		f()
	}
}

// ask runs one question to the outside on its own goroutine; the answer comes back as an event, nil for none.
func (d *Desk) ask(ctx context.Context, question func(context.Context) Event) {
	d.busy.Add(1)
	d.work.Go(func() {
		defer d.busy.Add(-1)
		ev := question(ctx)
		if ev != nil && ctx.Err() == nil {
			d.Post(ev)
		}
	})
}

func (d *Desk) after(fx After) {
	if t, ok := d.timers[fx.ID]; ok {
		t.Stop()
		delete(d.timers, fx.ID)
	}
	if fx.In > 0 {
		d.timers[fx.ID] = time.AfterFunc(fx.In, func() { d.Post(TimerFired{fx.ID}) })
	}
}

func (d *Desk) phoneDo(fx PhoneDo) {
	p := d.ports.Phone
	switch fx.Do {
	case PhoneAnswer:
		p.Answer(fx.Leg)
	case PhoneReject:
		p.Reject(fx.Leg, fx.Code, fx.Text)
	case PhoneHangup:
		p.Hangup(fx.Leg)
	case PhoneHold:
		p.Hold(fx.Leg)
	case PhoneResume:
		p.Resume(fx.Leg)
	case PhoneDial:
		p.Dial(fx.Leg, fx.Text)
	case PhoneDTMF:
		p.SendDTMF(fx.Leg, fx.Text)
	case PhoneMute:
		p.Mute(fx.Leg, fx.On)
	case PhoneTransfer:
		p.Transfer(fx.Leg, fx.Text)
	case PhoneRegister:
		p.Register()
	case PhoneTransferTo:
		p.TransferTo(fx.Leg, fx.Legs[0])
	case PhoneRedirect:
		p.Redirect(fx.Leg, fx.Text)
	case PhoneConference:
		p.Conference(fx.Legs)
	case PhoneRecord:
		p.Record(fx.Leg, fx.On)
	case PhonePause:
		p.PauseRecording(fx.Leg, fx.On)
	}
}
