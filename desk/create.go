package desk

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
	"offhook/sip"
)

// CreateTrigger is the moment of a call at which a record is made by itself.
type CreateTrigger string

// Triggers.
const (
	CreateOnRing      CreateTrigger = "ring"      // as soon as the lookup is over
	CreateOnAnswer    CreateTrigger = "answer"    // … and the call was answered
	CreateOnEnd       CreateTrigger = "end"       // when it is over, answered or not
	CreateOnVoicemail CreateTrigger = "voicemail" // when it was sent on or gave up without being answered
)

// AutoCreate is one kind of record that calls leave besides their Task.
type AutoCreate struct {
	Object  string
	Trigger CreateTrigger
	Unknown bool // only for callers that nobody in Salesforce is; else for each call
	// Fields makes the values of the record. It must be pure.
	Fields func(crm.CallRecord) map[string]string
}

// RecordsMade tells that records were made for a call by themselves.
type RecordsMade struct {
	Call CallKey
	Made []crm.Ref
}

func (RecordsMade) deskEvent() {}

// mayCreate reports whether anything is made for a call by itself: never for colleagues, hidden and emergency numbers, for what is marked
// as spam, or for calls of our own. A lookup that failed, or that is not over, is no "nobody".
func (t *turn) mayCreate(c *call) bool {
	if len(t.set.Create) == 0 || c.finished || c.Outgoing || c.Dir != crm.Inbound || !c.class.Searchable() || c.Remote.Number.Empty() || t.spam(c) || c.Cleared || !c.handed.Zero() {
		return false
	}
	switch c.Match.State {
	case crm.MatchNone, crm.MatchOne, crm.MatchMany:
		return c.Match.Via != crm.ViaLayout
	}
	return false
}

// spam: the exchange has marked the call, in its caller name or in a header that the settings read.
func (t *turn) spam(c *call) bool {
	marked := func(v text.Text) bool {
		s := strings.ToLower(v.String())
		return slices.ContainsFunc(t.set.Spam, func(word string) bool { return word != "" && strings.Contains(s, strings.ToLower(word)) })
	}
	return marked(c.Remote.Name) || slices.ContainsFunc(c.Vars, func(v sip.Var) bool { return marked(v.Value) })
}

// makeRecords leaves the order for what is due now. It is on disk before anything is shown, and is carried out once.
func (t *turn) makeRecords(c *call, ending bool) {
	if !t.mayCreate(c) {
		return
	}
	who := c.Assoc.Who
	known := !c.Assoc.Record().Zero()
	order := crm.CreateOrder{Call: string(c.Key), Start: c.Started, Number: c.Remote.Number, Type: c.Dir, Who: who}
	rec := t.record(c)
	for i, rule := range t.set.Create {
		if slices.Contains(c.made, i) || !t.createDue(c, rule, ending) {
			continue
		}
		if rule.Unknown && (known || c.Match.State != crm.MatchNone) {
			continue
		}
		if !rule.Unknown && c.Match.State == crm.MatchMany && !known && !ending {
			continue // the agent may still choose whose it is
		}
		c.made = append(slices.Clip(c.made), i)
		order.Steps = append(order.Steps, crm.CreateStep{Object: rule.Object, Unknown: rule.Unknown, Fields: rule.Fields(rec)})
	}
	if len(order.Steps) == 0 {
		return
	}
	if n := len(c.creates); n > 0 {
		order.After = c.creates[n-1]
	}
	b, err := json.Marshal(order)
	if err != nil {
		return
	}
	key := "create:" + string(c.Key) + ":" + strconv.Itoa(len(c.creates)+1)
	c.creates = append(slices.Clip(c.creates), key)
	t.do(AddErrand{ledger.Errand{Key: key, Kind: crm.CreateErrand, Payload: b}})
	if !ending {
		t.journal(c, "making "+order.Steps[0].Object)
	}
}

func (t *turn) createDue(c *call, rule AutoCreate, ending bool) bool {
	switch rule.Trigger {
	case CreateOnRing:
		return true
	case CreateOnEnd:
		return ending
	case CreateOnVoicemail:
		return ending && c.Answered.IsZero()
	}
	return !c.Answered.IsZero()
}

// fillIn leaves the order to fill in the person that an ended call belongs to.
func (t *turn) fillIn(c *call, rec crm.CallRecord) {
	who := rec.Assoc.Who
	if t.set.Update == "" || t.set.Update == crm.UpdateLeave || t.set.UpdateFields == nil || !c.class.Searchable() || t.spam(c) || who.Type != "Contact" && who.Type != "Lead" {
		return
	}
	o := crm.UpdateOrder{Record: who, Policy: t.set.Update, Fields: t.set.UpdateFields(rec)}
	if len(o.Fields) == 0 {
		return
	}
	if b, err := json.Marshal(o); err == nil {
		t.do(AddErrand{ledger.Errand{Key: "update:" + string(c.Key), Kind: crm.UpdateErrand, Payload: b}})
	}
}

// recordsMade lets a call that is up belong to what was made for it, unless the agent has opened something else.
func (t *turn) recordsMade(ev RecordsMade) {
	c := t.find(ev.Call)
	if len(ev.Made) == 0 {
		return
	}
	last := ev.Made[len(ev.Made)-1]
	if c == nil {
		t.say(Info, "", "%s %s was made for a call.", last.Type, last.Name)
		return
	}
	t.say(Info, c.Key, "%s %s was made for this call.", last.Type, last.Name)
	hit := crm.MadeHit(ev.Made, c.Assoc.Who)
	if c.finished || c.Pinned || c.Cleared || hit.Zero() {
		return // a call that is over: its Task waits for it, and belongs to it
	}
	if !c.current.Zero() && !slices.ContainsFunc(ev.Made, func(r crm.Ref) bool { return crm.SameID(r.ID, c.current.ID) }) && !crm.SameID(c.current.ID, crm.PersonOf(ev.Made, c.Assoc.Who).ID) {
		return // not made for whom the agent has opened
	}
	for _, r := range ev.Made { // a Case's contact has a part in the call when it was there first
		if r.Type == "Contact" && !crm.SameID(r.ID, hit.ID) {
			t.makeCurrent(c, crm.Hit{Ref: r})
		}
	}
	t.makeCurrent(c, hit)
	if t.mayPop(c) {
		t.loadCard(c.Key, hit.Ref, true)
	}
	t.makeRecords(c, false)
}
