package sip

import (
	"slices"
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// Lamp is an extension whose calls are watched (RFC 4235).
type Lamp struct {
	Number string // as it would be dialled, or a SIP URI
	Name   string // for people
}

// States of a lamp. Unknown: nobody has told, or what was told is past its time.
const (
	LampUnknown = string(dialog.LampUnknown)
	LampIdle    = string(dialog.LampIdle)
	LampRinging = string(dialog.LampRinging)
	LampBusy    = string(dialog.LampBusy)
)

// maxLamps bounds how many extensions one account watches: each is a subscription that the exchange has to keep.
const maxLamps = 64

// lamps are the watched extensions of an account. Owned by the loop.
type lamps struct {
	over *transaction.Flow // that they are watched over; nil: the account is not registered
	list []*lamp           // nil until the first registration

	round int     // of asking for them
	todo  []*lamp // not asked for in this round
	pace  *time.Timer
}

// lampPace is between two of them: an exchange has more telephones than one, which may all begin in the same moment.
const lampPace = 100 * time.Millisecond

type lamp struct {
	Lamp
	uri   transaction.URI
	sub   *dialog.Subscription // nil: not asked for yet
	state string
	peer  text.Text
}

// watchLamps asks for the lamps as soon as the account is registered, again over each new flow, and again after a time without
// registration: what happened meanwhile was told to nobody.
func (p *Phone) watchLamps() {
	r := p.line()
	if len(p.acc.Lamps) == 0 || p.closing {
		return
	}
	if r == nil || !r.live {
		p.lamps.over, p.lamps.todo = nil, nil
		for _, l := range p.lamps.list {
			p.tellLamp(l, LampUnknown, text.Text{})
		}
		return
	}
	if r.at.flow == p.lamps.over {
		return
	}
	p.lamps.over = r.at.flow
	if p.lamps.list == nil {
		for _, set := range p.acc.Lamps[:min(len(p.acc.Lamps), maxLamps)] {
			uri, err := p.target(set.Number, p.home())
			if err != nil {
				p.log.Warn("the colleague cannot be watched", "number", set.Number, "err", err)
				continue
			}
			p.lamps.list = append(p.lamps.list, &lamp{Lamp: set, uri: uri, state: LampUnknown})
		}
	}
	p.lamps.round++
	p.lamps.todo = slices.Clone(p.lamps.list)
	p.nextLamp(p.lamps.round)
}

// nextLamp asks for one lamp after the other, in a round over one flow.
func (p *Phone) nextLamp(round int) {
	r := p.line()
	if round != p.lamps.round || len(p.lamps.todo) == 0 || p.closing || r == nil || r.at.flow != p.lamps.over {
		return
	}
	l := p.lamps.todo[0]
	p.lamps.todo = p.lamps.todo[1:]
	if l.sub != nil {
		l.sub.Move(r.at.flow, r.at.dst())
	} else {
		l.sub = p.ua.Subscribe(dialog.SubscribeConfig{
			Flow: r.at.flow, Dst: r.at.dst(), URI: l.uri, From: transaction.Address{Display: p.acc.DisplayName, URI: p.acc.aor}, Route: r.routes(),
			Event: "dialog", Foreign: !p.served(l.uri),
			On: func(_ *dialog.Subscription, e dialog.SubscriptionEvent) { p.lampEvent(l, e) },
		})
	}
	p.lamps.pace = time.AfterFunc(lampPace, func() { p.ua.Post(func() { p.nextLamp(round) }) })
}

func (p *Phone) lampEvent(l *lamp, e dialog.SubscriptionEvent) {
	switch e := e.(type) {
	case dialog.DialogsChanged:
		state, of := dialog.LampOf(e.Dialogs)
		p.tellLamp(l, string(state), peerOf(of))
	case dialog.SubscriptionChanged:
		if e.State != dialog.SubscriptionActive {
			p.log.Debug("lamp", "number", l.Number, "state", e.State, "code", e.Code)
			p.tellLamp(l, LampUnknown, text.Text{})
		}
	}
}

// peerOf is the far end of a watched call, as far as the exchange names it.
func peerOf(d dialog.WatchedDialog) text.Text {
	a := d.Remote.Identity
	if a.URI.IsZero() || caller.Anonymous(a) {
		return text.Text{}
	}
	return text.Clean(a.Display).Or(caller.Number(a.URI)).Truncate(60)
}

// tellLamp tells what has changed.
func (p *Phone) tellLamp(l *lamp, state string, peer text.Text) {
	if p.closing || l.state == state && l.peer == peer {
		return
	}
	l.state, l.peer = state, peer
	p.emit(LampChanged{At: time.Now(), Who: text.Clean(l.Number), State: state, Peer: peer})
}
