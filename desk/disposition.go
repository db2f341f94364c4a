package desk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/sync"
	"offhook/crm/when"
	"offhook/internal/text"
	"offhook/sip"
)

// Dispose gives a call its disposition. Text: the code, empty takes it off; Values["when"]: for one with a callback, the moment as
// people write it.
const Dispose Verb = "disposition"

// Disposition is one result that an agent may give a call.
type Disposition struct {
	Code     string    `json:"code"`
	Label    text.Text `json:"label"`              // what the agent reads, and Task.CallDisposition
	Key      string    `json:"key,omitempty"`      // digit that chooses it
	Queue    text.Text `json:"queue,omitzero"`     // only for calls of this queue; empty: for all
	Status   text.Text `json:"status,omitzero"`    // what a campaign member becomes
	Callback bool      `json:"callback,omitempty"` // asks when to call again
}

// Campaign is one campaign that calls may be made for.
type Campaign struct {
	Ref  crm.Ref   // ID may be empty until Salesforce is asked
	List text.Text // name of the dialler's list, as a header of a call tells it
	Log  []string  // actions that make a Task; empty: Settings.Log
}

// AddErrand leaves something to be told to Salesforce besides Tasks; on disk before it is shown.
type AddErrand struct{ ledger.Errand }

// Keep stores small things that outlive the program; Unkeep forgets them.
type (
	Keep   struct{ Things []ledger.Kept }
	Unkeep struct {
		Kind string
		Keys []string
	}
)

func (AddErrand) deskEffect() {}
func (Keep) deskEffect()      {}
func (Unkeep) deskEffect()    {}

// ZoneLearnt is the agent's time zone, for what people write as a time.
type ZoneLearnt struct{ Zone *time.Location }

func (ZoneLearnt) deskEvent() {}

// For lists the dispositions that a call may be given: those of its queue and those of all.
func (s *Snapshot) For(c *Call) []Disposition { return dispositionsFor(s.Dispositions, c) }

func dispositionsFor(all []Disposition, c *Call) (out []Disposition) {
	for _, d := range all {
		if d.Queue.Empty() || inQueue(c, d.Queue) {
			out = append(out, d)
		}
	}
	return out
}

// inQueue: the queue is what was called, or a value that came with the call.
func inQueue(c *Call, queue text.Text) bool {
	same := func(t text.Text) bool { return strings.EqualFold(t.String(), queue.String()) }
	return same(c.Called) || slices.ContainsFunc(c.Vars, func(v sip.Var) bool { return same(v.Value) })
}

// disposable reports whether a call is one that gets a disposition.
func (t *turn) disposable(c *call) bool {
	return len(t.set.Dispositions) > 0 && !c.class.Internal && !c.class.Emergency && len(dispositionsFor(t.set.Dispositions, &c.Call)) > 0
}

// dispose gives a call its disposition, while it is up or just after. It may be changed until the call leaves the screen.
func (t *turn) dispose(c *call, cmd Command) {
	code := strings.TrimSpace(cmd.Text)
	var d Disposition
	if code != "" {
		list := dispositionsFor(t.set.Dispositions, &c.Call)
		i := slices.IndexFunc(list, func(d Disposition) bool { return strings.EqualFold(d.Code, code) })
		if i < 0 {
			t.say(Info, c.Key, "There is no result %q for this call.", text.Clean(code))
			return
		}
		d = list[i]
	}
	at := time.Time{}
	if d.Callback {
		var err error
		if at, err = when.Parse(cmd.Values["when"], t.now(), t.set.DayStart); err != nil {
			t.say(Warning, c.Key, "The call has no result yet: %s", err)
			return
		}
	}
	old := c.callback
	c.Result, c.Disposition, c.CallbackAt, c.status = d.Code, d.Label, at, d.Status
	c.NeedsResult = c.NeedsResult && d.Code == ""
	switch {
	case old != "" && !d.Callback:
		t.closeCallback(old, "")
		c.callback = ""
	case old != "":
		t.movePromise(old, at)
	case d.Callback:
		t.promise(c, at)
	}
	t.ownCampaign(c)
	t.tellMember(c, c.finished)
	what := "result: " + d.Label.String()
	if d.Code == "" {
		what = "result taken off"
	}
	if c.finished {
		t.amend(c, c.Notes, crm.PartResult, crm.PartCallback, crm.PartCampaign)
	} else {
		t.journal(c, what)
	}
	t.memberCalled(c)
	if d.Callback {
		t.say(Info, c.Key, "%s: you call back %s.", d.Label, when.Say(at, t.now()))
	}
}

// tellMember leaves the errand that gives the person on the line their status in the campaign. While the call is up it is replaced by
// what the agent chooses next; it is carried out when the call's Task is in Salesforce.
// late: the one before may have been carried out.
func (t *turn) tellMember(c *call, late bool) {
	who := c.Member
	if who.Zero() {
		who = c.Assoc.Who
	}
	if !named(c.Campaign) || who.Type != "Contact" && who.Type != "Lead" || c.status.Empty() && !c.memberTold {
		return
	}
	key := "member:" + string(c.Key)
	if late {
		c.changes++
		key += ":" + strconv.Itoa(c.changes)
	}
	c.memberTold = true
	t.do(AddErrand{ledger.Errand{Key: key, Kind: sync.MemberErrand, Call: string(c.Key),
		Payload: sync.Payload(sync.MemberChange{Campaign: c.Campaign, Who: who, Status: c.status})}})
}

// disposed settles what a call's end means for its result: the member's errand with the record the call has now, and whether the agent
// still owes a result.
func (t *turn) disposed(c *call) {
	if c.Result != "" {
		t.tellMember(c, false)
	} else if t.set.NeedResult && !c.Answered.IsZero() && t.disposable(c) && c.action != "transfer" {
		c.NeedsResult = true
	}
	t.memberCalled(c)
	t.calledBack(c)
}

// ownCampaign finds the campaign that a call was made for: the work list's, the one whose list a header names, the default.
func (t *turn) ownCampaign(c *call) {
	if named(c.Campaign) || c.class.Internal || c.class.Emergency {
		return
	}
	c.Campaign = t.set.Campaign
	for _, camp := range t.set.Campaigns {
		if !camp.List.Empty() && inQueue(&c.Call, camp.List) {
			c.Campaign = camp.Ref
		}
	}
}

// named reports whether a campaign is known, by its id or at least by its name.
func named(campaign crm.Ref) bool { return !campaign.Zero() || !campaign.Name.Empty() }

// initiator is who began a call.
func (c *call) initiator() string {
	switch {
	case c.listed != "":
		return "campaign"
	case c.Outgoing:
		return "agent"
	case c.Dir == crm.Inbound:
		return "customer"
	}
	return ""
}

// now is the time in the agent's zone.
func (t *turn) now() time.Time {
	if t.zone != nil {
		return t.at.In(t.zone)
	}
	return t.at
}

// kept makes a thing to keep; its value is one of this package's own types.
func kept(kind, key string, at time.Time, v any) ledger.Kept {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(fmt.Sprintf("%q", err))
	}
	return ledger.Kept{Kind: kind, Key: key, Value: b, At: at}
}
