package desk

import (
	"slices"
	"strings"

	"offhook/crm"
)

const (
	maxCards = 16 // cards that are shown at once when they are opened again
	maxTrail = 20
	// From here on, in per cent of the org's API calls, a card that was read lately is not read again by itself.
	tightUse = 80
)

// loadCard opens a card: at once as it was read last, and then as it is now.
func (t *turn) loadCard(key CallKey, ref crm.Ref, auto bool) {
	if !auto {
		t.wants = ref.ID
	}
	i := slices.IndexFunc(t.cards, func(c crm.Card) bool { return crm.SameID(c.ID, ref.ID) })
	if i >= 0 {
		known := t.cards[i]
		t.showCard(key, &known)
		if t.apiUse >= tightUse {
			return
		}
		t.reading = ref.ID
	}
	t.do(LoadCard{For: key, Ref: ref, Auto: auto})
}

// showCard opens a card that is there.
func (t *turn) showCard(key CallKey, card *crm.Card) {
	if old := t.open; old != nil && !crm.SameID(old.ID, card.ID) && !crm.SameID(card.ID, t.goingTo) {
		t.trail = append(slices.Clip(t.trail[max(len(t.trail)-maxTrail+1, 0):]), old.Ref)
	}
	t.goingTo, t.reading = "", ""
	t.open, t.openFor = card, key
	t.cards = append([]crm.Card{*card}, slices.DeleteFunc(slices.Clone(t.cards), func(c crm.Card) bool { return crm.SameID(c.ID, card.ID) })...)
	t.cards = t.cards[:min(len(t.cards), maxCards)]
	t.opened(card)
	for i := range t.calls {
		t.learn(&t.calls[i], crm.CardHit(*card))
	}
}

func (t *turn) cardLoaded(ev CardLoaded) {
	again := t.reading != "" && crm.SameID(t.reading, ev.Ref.ID)
	if again {
		t.reading = ""
	}
	if c := t.find(ev.For); c != nil && !c.finished && !c.handed.Zero() && crm.SameID(c.handed.ID, ev.Ref.ID) {
		t.handedCard(c, ev)
		if ev.Card == nil {
			return
		}
	}
	switch c := t.find(ev.For); {
	case ev.Card == nil && again:
		t.say(Warning, ev.For, "The card is as it was read before: it could not be read again (%s).", ev.Err)
	case ev.Card == nil:
		if t.goingTo != "" && crm.SameID(t.goingTo, ev.Ref.ID) { // the way back is still there
			t.trail, t.goingTo = append(slices.Clip(t.trail), ev.Ref), ""
		}
		t.say(Warning, ev.For, "The %s could not be opened (%s). The call and its record are safe.", strings.ToLower(ev.Ref.Type), ev.Err)
	case ev.Auto && (c == nil || !t.mayPop(c)): // nobody asked for it, and its moment is over
	case again && (t.open == nil || !crm.SameID(t.open.ID, ev.Card.ID)), // the agent has gone on meanwhile
		!again && !ev.Auto && t.wants != "" && !crm.SameID(t.wants, ev.Card.ID):
		t.noteCard(ev.Card)
	default:
		t.showCard(ev.For, ev.Card)
	}
}

// noteCard keeps what was read of a card that is not open any more.
func (t *turn) noteCard(card *crm.Card) {
	if i := slices.IndexFunc(t.cards, func(c crm.Card) bool { return crm.SameID(c.ID, card.ID) }); i >= 0 {
		t.cards = slices.Clone(t.cards)
		t.cards[i] = *card
	}
}

// goBack opens the card that was open before. That is navigation like any other: during a call the record becomes current.
func (t *turn) goBack(cmd Command) {
	n := len(t.trail)
	if n == 0 {
		t.say(Info, "", "There is no earlier card to go back to.")
		return
	}
	ref := t.trail[n-1]
	t.trail = t.trail[:n-1]
	t.goingTo = ref.ID
	t.openRecord(Command{Verb: Open, Call: cmd.Call, Record: ref})
}

// refresh reads the open card anew.
func (t *turn) refresh() {
	if t.open == nil {
		t.say(Info, "", "No card is open: there is nothing to read again.")
		return
	}
	t.reading, t.wants = t.open.ID, t.open.ID
	t.do(LoadCard{For: t.openFor, Ref: t.open.Ref})
}
