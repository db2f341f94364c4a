package desk

import (
	"slices"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/sync"
	"offhook/internal/text"
)

// Verbs of the work list: the members of one campaign, called one after the other.
const (
	WorkOpen Verb = "work list"   // Text: the campaign's name or id; empty: the one that was open last, else the default
	WorkMore Verb = "more work"   // the next members of Salesforce's list
	WorkDial Verb = "call member" // Text: the member's id; Values["number"]: which of the member's numbers; Values["force"]: in spite of do-not-call
	WorkSkip Verb = "skip member" // Text: the member's id; again takes it back; somebody who was called is offered once more
)

// Member is one person of the work list.
type Member = sync.Person

// Worked is what this desk did with a member; it outlives the program.
type Worked = sync.Worked

// Worklist is the work list while one is open.
type Worklist struct {
	Campaign crm.Ref   `json:"campaign"`
	Members  []Member  `json:"members,omitempty"`
	Next     string    `json:"next,omitempty"` // id of the member to call next; empty: everybody was called
	More     bool      `json:"more,omitempty"` // Salesforce has more
	Busy     bool      `json:"busy,omitempty"`
	Error    text.Text `json:"error,omitzero"`
}

// Left counts the members that are still to be called.
func (w *Worklist) Left() (n int) {
	for i := range w.Members {
		if w.Members[i].Open() {
			n++
		}
	}
	return n
}

// MaxMembers bounds the members that a work list holds at once; those after them are pulled when they are called.
const MaxMembers = 2000

// PullWork asks for members of a campaign. Answered by WorkPulled.
type PullWork struct {
	Campaign crm.Ref // with a name or an id
	After    string  // id of the last member that is known
}

func (PullWork) deskEffect() {}

// WorkPulled is the answer: the members after After, with what was done with them.
type WorkPulled struct {
	Asked    crm.Ref
	Campaign crm.Ref
	After    string
	Members  []Member
	More     bool
	Err      text.Text
}

func (WorkPulled) deskEvent() {}

// workCommand carries out the commands of the work list; it reports whether cmd was one of them.
func (t *turn) workCommand(cmd Command) bool {
	switch cmd.Verb {
	case WorkOpen:
		t.openWork(cmd.Text)
	case WorkMore:
		if w := t.work; w != nil && !w.Busy && w.More && len(w.Members) > 0 {
			after := w.Members[len(w.Members)-1].ID
			t.onWork(func(w *Worklist) { w.Busy = true })
			t.do(PullWork{Campaign: w.Campaign, After: after})
		}
	case WorkDial, WorkSkip:
		i := t.member(cmd.Text)
		if i < 0 {
			t.say(Info, "", "That person is not on the work list.")
			return true
		}
		if cmd.Verb == WorkSkip {
			t.worked(i, func(w *Worked) {
				if w.Done { // once more
					w.Done, w.Skipped = false, false
					return
				}
				w.Skipped = !w.Skipped
			})
			return true
		}
		t.dialMember(t.work.Members[i], cmd)
	default:
		return false
	}
	return true
}

func (t *turn) openWork(name string) {
	ref := t.set.Campaign
	switch {
	case name != "":
		ref = crm.Ref{Type: "Campaign", ID: name, Name: text.Clean(name)}
		for _, c := range t.set.Campaigns {
			if c.Ref.Name == ref.Name {
				ref = c.Ref
			}
		}
	case t.work != nil:
		ref = t.work.Campaign
	case named(t.set.LastWork):
		ref = t.set.LastWork
	case !named(ref) && len(t.set.Campaigns) > 0:
		ref = t.set.Campaigns[0].Ref
	}
	if !named(ref) {
		t.say(Info, "", "Which campaign? Name one in the settings: campaigns.list or campaigns.default.")
		return
	}
	same := t.work != nil && (t.work.Campaign.Name == ref.Name || !ref.Zero() && crm.SameID(t.work.Campaign.ID, ref.ID))
	if same && len(t.work.Members) > 0 && t.work.Error.Empty() {
		return // it is open: nothing is asked again
	}
	t.work = &Worklist{Campaign: ref, Busy: true}
	t.do(PullWork{Campaign: ref})
}

// onWork changes the open work list; front ends hold the one before.
func (t *turn) onWork(f func(*Worklist)) {
	if t.work == nil {
		return
	}
	w := *t.work
	w.Members = slices.Clone(w.Members)
	f(&w)
	w.Next = ""
	fewest := 0
	for i := range w.Members { // who was not reached comes again when everybody had their turn
		if m := &w.Members[i]; m.Open() && (w.Next == "" || m.Worked.Calls < fewest) {
			w.Next, fewest = m.ID, m.Worked.Calls
		}
	}
	t.work = &w
}

func (t *turn) member(id string) int {
	if t.work == nil {
		return -1
	}
	return slices.IndexFunc(t.work.Members, func(m Member) bool { return m.ID == id && id != "" })
}

func (t *turn) workPulled(ev WorkPulled) {
	if t.work == nil || !t.work.Busy || t.work.Campaign != ev.Asked {
		return // another campaign was asked for meanwhile
	}
	t.onWork(func(w *Worklist) {
		w.Busy, w.Error = false, ev.Err
		if !ev.Err.Empty() {
			return
		}
		if !ev.Campaign.Zero() {
			w.Campaign = ev.Campaign
		}
		w.More = ev.More
		for _, m := range ev.Members {
			if len(w.Members) < MaxMembers && !slices.ContainsFunc(w.Members, func(have Member) bool { return have.ID == m.ID }) {
				w.Members = append(w.Members, m)
			}
		}
		w.More = w.More && len(w.Members) < MaxMembers
	})
	if ev.Err.Empty() && ev.After == "" {
		t.do(Keep{[]ledger.Kept{kept(sync.MemberKind, sync.LastWork, time.Time{}, t.work.Campaign)}})
	}
}

// dialMember calls a member. Somebody who does not want to be called is called only when the agent insists and the settings let them.
func (t *turn) dialMember(m Member, cmd Command) {
	force := cmd.Values["force"] != ""
	switch {
	case len(m.Numbers) == 0:
		t.say(Info, "", "%s has no number in Salesforce.", m.Who.Name)
		return
	case m.DoNotCall && t.set.DoNotCall == "block":
		t.say(Warning, "", "%s does not want to be called: the settings forbid it.", m.Who.Name)
		return
	case m.DoNotCall && !force:
		t.say(Warning, "", "%s does not want to be called (Do Not Call). Nobody was called.", m.Who.Name)
		return
	case t.live():
		t.say(Info, "", "A call is up: the work list goes on when it is over.")
		return
	case t.owing():
		t.say(Warning, "", "The last call has no result yet: give it one first.")
		return
	}
	number := m.Numbers[0]
	if n := text.Clean(cmd.Values["number"]); slices.Contains(m.Numbers, n) {
		number = n
	}
	before := t.dialled
	t.dial(Command{Verb: Dial, Text: number.String(), Record: m.Who})
	if t.dialled > before {
		c := &t.calls[len(t.calls)-1]
		c.Campaign, c.Member, c.listed, c.forced = t.work.Campaign, m.Who, m.ID, m.DoNotCall
		t.loadCard("", m.Who, false)
	}
}

// owing reports whether a call that is over still needs its result.
func (t *turn) owing() bool {
	return slices.ContainsFunc(t.calls, func(c call) bool { return c.NeedsResult })
}

// worked notes what was done with a member, on disk too.
func (t *turn) worked(i int, f func(*Worked)) {
	t.onWork(func(w *Worklist) { f(&w.Members[i].Worked) })
	m := t.work.Members[i]
	t.do(Keep{[]ledger.Kept{kept(sync.MemberKind, sync.WorkKey(t.work.Campaign.ID, m.ID), m.Worked.At, m.Worked)}})
}

// memberCalled notes what came of calling a member.
func (t *turn) memberCalled(c *call) {
	i := t.member(c.listed)
	if i < 0 || !c.finished {
		return
	}
	t.worked(i, func(w *Worked) {
		if w.Call != string(c.Key) {
			w.Calls++
		}
		w.At, w.Call, w.Result = c.Started, string(c.Key), c.Disposition.Or(c.Cause)
		w.Done = c.Result != "" || !c.Answered.IsZero()
	})
}

// campaigns names the campaigns that the work list can show.
func (m *Machine) campaigns() (out []text.Text) {
	if c := m.set.Campaign; !c.Zero() || !c.Name.Empty() {
		out = append(out, c.Name.Or(text.Clean(c.ID)))
	}
	for _, c := range m.set.Campaigns {
		if n := c.Ref.Name.Or(text.Clean(c.Ref.ID)); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
