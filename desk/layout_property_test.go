package desk

import (
	"offhook/crm"
	"offhook/crm/layout"
)

// laidOut is an administrator's change of the layout, or a form of one that comes by itself.
func (w *world) laidOut(key CallKey) Event {
	if w.rnd.IntN(3) == 0 {
		return FormLoaded{For: key, Form: &crm.Form{Object: "Lead"}, Auto: w.rnd.IntN(4) > 0}
	}
	pops := []layout.Pop{{}, {Type: layout.PopToEntity, Data: "Contact"}, {Type: layout.PopToSearch}, {Type: layout.PopToDetails}, {Type: layout.PopToFlow, Data: "F"}}
	call := func() layout.CallType {
		return layout.CallType{Fields: []string{"ANI", "Campaign"}, NoMatch: pops[w.rnd.IntN(len(pops))], Single: pops[w.rnd.IntN(len(pops))], Multiple: pops[w.rnd.IntN(len(pops))]}
	}
	switch w.rnd.IntN(4) {
	case 0:
		return LayoutChanged{}
	default:
		return LayoutChanged{Layout: &layout.Layout{Inbound: call(), Outbound: call(), Internal: call()}}
	}
}

// checkPops: what takes the keyboard opens by itself only for a call that is answered, and never over work or another conversation.
func (w *world) checkPops(before, s *Snapshot) {
	form := s.Form != nil && s.FormAuto && (before.Form == nil || !before.FormAuto)
	list := s.Search != nil && s.Search.Auto && (before.Search == nil || !before.Search.Auto)
	if !form && !list {
		return
	}
	key := s.FormFor
	if list {
		key = s.Search.For
	}
	if before.Form != nil || before.Search != nil {
		w.fail("something opened by itself over the agent's work")
	}
	for _, c := range s.Calls {
		switch {
		case c.Key == key && list && (c.Answered.IsZero() || c.State == Ended):
			w.fail("a list opened by itself for a call that is not answered")
		case c.Key == key && c.Dir == crm.Internal:
			w.fail("an internal call opened something")
		case c.Key != key && (c.State == Talking || c.State == Transferring):
			w.fail("something opened by itself during another conversation")
		}
	}
}
