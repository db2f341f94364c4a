package desk

import (
	"slices"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
)

// Recent is a record that was looked at. At is zero for one that Salesforce knows of and this desk has not opened.
type Recent struct {
	crm.Hit
	At time.Time `json:"at,omitzero"`
}

// RecentKind is the kind under which the ledger keeps the records that were opened here.
const RecentKind = "recent"

// MaxRecents is how many of them are kept, and how many are shown.
const MaxRecents = 30

// LoadRecents asks what was looked at last in Salesforce. Answered by RecentsLoaded, or by nothing.
type LoadRecents struct{}

// RecentsLoaded is what was looked at last in Salesforce, newest first.
type RecentsLoaded struct{ Hits []crm.Hit }

func (LoadRecents) deskEffect()  {}
func (RecentsLoaded) deskEvent() {}

// opened notes that a card was opened here.
func (t *turn) opened(card *crm.Card) {
	if !takesActivities(card.Type) {
		return
	}
	same := func(r Recent) bool { return crm.SameID(r.ID, card.ID) }
	if len(t.recents) > 0 && same(t.recents[0]) && t.recents[0].Name == card.Name {
		return // it is read anew
	}
	r := Recent{Hit: crm.Hit{Ref: card.Ref, Label: card.Label}, At: t.at}
	t.recents = append([]Recent{r}, slices.DeleteFunc(slices.Clone(t.recents), same)...)
	t.do(Keep{[]ledger.Kept{kept(RecentKind, recentKey(r), r.At, r)}})
	if n := len(t.recents); n > MaxRecents {
		var keys []string
		for _, old := range t.recents[MaxRecents:] {
			keys = append(keys, recentKey(old))
		}
		t.recents = t.recents[:MaxRecents]
		t.do(Unkeep{Kind: RecentKind, Keys: keys})
	}
}

// recentKey tells records apart: 15 and 18 characters name the same one.
func recentKey(r Recent) string { return r.ID[:min(len(r.ID), 15)] }

// recentList is what is shown: what was opened here, then what else Salesforce knows.
func (t *turn) recentList() []Recent {
	out := slices.Clip(t.recents)
	for _, h := range t.looked {
		if len(out) < MaxRecents && !slices.ContainsFunc(out, func(r Recent) bool { return crm.SameID(r.ID, h.ID) }) {
			out = append(out, Recent{Hit: h})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (t *turn) recentsLoaded(ev RecentsLoaded) {
	t.looked = ev.Hits
	if t.search != nil {
		s := *t.search
		s.Recent = t.recentList()
		t.search = &s
	}
}
