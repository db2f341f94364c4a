package desk

import (
	"strings"
	"time"

	"offhook/crm"
	"offhook/internal/text"
)

// EndedRecord is what may be changed of the record of a call that is over.
type EndedRecord struct {
	Notes       text.Block
	Disposition text.Text
	Assoc       crm.Association
}

// Same reports whether two say the same; of an association the ledger may not know a record's name.
func (e EndedRecord) Same(o EndedRecord) bool {
	return e.Notes == o.Notes && e.Disposition == o.Disposition && sameAbout(e.Assoc, o.Assoc)
}

// Ended returns it of a call as it is shown; false for one that is up, or whose record is not safely on disk.
func (c *Call) Ended() (EndedRecord, bool) {
	return EndedRecord{Notes: c.Notes, Disposition: c.Disposition, Assoc: c.Assoc}, c.State == Ended && c.Record != RecordUnsafe
}

// Amended tells that another program has changed the record of a call that is over. Shown is what was on the screen when the ledger was
// asked: what has changed here since then is newer, and stays.
type Amended struct {
	Call   CallKey
	Shown  EndedRecord
	Ledger EndedRecord
}

func (Amended) deskEvent() {}

func (t *turn) amended(ev Amended) {
	c := t.find(ev.Call)
	if c == nil || !c.finished || c.Record == RecordUnsafe {
		return
	}
	var what []string
	if c.Notes == ev.Shown.Notes && c.Notes != ev.Ledger.Notes {
		c.Notes = ev.Ledger.Notes
		what = append(what, "the notes")
	}
	if c.Disposition == ev.Shown.Disposition && c.Disposition != ev.Ledger.Disposition {
		t.disposedElsewhere(c, ev.Ledger.Disposition)
		what = append(what, "the result")
	}
	if now := ev.Ledger.Assoc; c.Assoc == ev.Shown.Assoc && now.Rule == crm.RulePinned && !sameAbout(c.Assoc, now) {
		t.correctedElsewhere(c, now)
		what = append(what, "the record that it belongs to")
	}
	if what == nil {
		return
	}
	t.followRecords()
	if t.set.Linger > 0 {
		t.do(After{ID: TimerID("linger " + string(c.Key)), In: t.set.Linger})
	}
	t.say(Info, c.Key, "Changed outside this desk, of the call that is over: %s.", strings.Join(what, ", "))
}

// disposedElsewhere takes over a result. What follows from one (a callback, a campaign member's status) is whoever gave it.
func (t *turn) disposedElsewhere(c *call, label text.Text) {
	c.Disposition, c.Result, c.status, c.CallbackAt = label, "", text.Text{}, time.Time{}
	for _, d := range dispositionsFor(t.set.Dispositions, &c.Call) {
		if d.Label == label {
			c.Result, c.status = d.Code, d.Status
			break
		}
	}
	if !label.Empty() {
		c.NeedsResult = false
	}
}

// correctedElsewhere takes over an association that a person has chosen.
func (t *turn) correctedElsewhere(c *call, a crm.Association) {
	if a.Who.Name.Empty() {
		a.Who = t.knownAs(a.Who)
	}
	if a.What.Name.Empty() {
		a.What = t.knownAs(a.What)
	}
	c.Assoc, c.Pinned, c.Cleared, c.pin = a, false, false, crm.Hit{}
	if about := a.Record(); about.Zero() {
		c.Cleared = true
	} else {
		c.Pinned, c.pin = true, t.hitFor(about)
	}
}

func sameAbout(a, b crm.Association) bool {
	same := func(x, y crm.Ref) bool { return x.ID == y.ID || !x.Zero() && !y.Zero() && crm.SameID(x.ID, y.ID) }
	return a.Rule == b.Rule && same(a.Who, b.Who) && same(a.What, b.What)
}

// knownAs is a record with its name, where the desk has met it.
func (t *turn) knownAs(r crm.Ref) crm.Ref {
	if h := t.hitFor(r); !h.Zero() && !h.Name.Empty() {
		r.Name = h.Name
	}
	return r
}
