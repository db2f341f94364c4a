package sip

import (
	"slices"
	"time"

	"offhook/internal/text"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// TransferTo connects the far end of a call with that of another one and leaves both (attended transfer). It ends in
// TransferEnded of leg; when that is OK, both legs end with EndTransferred.
func (p *Phone) TransferTo(id, other LegID) {
	p.command(id, func(l *leg) {
		o := p.legs[other]
		if o == nil || o.s == nil || !l.answered || !o.answered || l == o || l.moving() || o.moving() {
			l.failed(string(dialog.OpTransfer), 0, "The two calls cannot be joined now")
			return
		}
		l.transfer = o.remote.Number.Or(o.remote.URI)
		if l.transfer.Empty() {
			l.transfer = text.Clean("the other call")
		}
		l.held, o.held, o.joining = true, true, l
		l.s.TransferTo(o.s, transaction.Address{URI: p.acc.aor})
		p.connect()
	})
}

// moving: a transfer of this leg is under way.
func (l *leg) moving() bool { return !l.transfer.Empty() || l.joining != nil }

// joined forgets the other leg of an attended transfer that is over; when it failed, that leg is what the dialog says it is.
func (l *leg) joined() {
	for _, o := range l.p.legs {
		if o.joining == l {
			o.joining, o.held = nil, o.heldByUs
		}
	}
}

// Redirect sends a call that rings elsewhere (302); the leg ends.
func (p *Phone) Redirect(id LegID, target string) {
	p.command(id, func(l *leg) {
		if l.outgoing || l.answered {
			return
		}
		uri, err := p.target(target, p.home())
		if err != nil {
			l.failed("redirect", 0, err.Error())
			return
		}
		l.s.Redirect(302, []transaction.Address{{URI: uri}})
	})
}

// Conference lets the agent and the far ends of these legs hear each other; legs that are not named, or fewer than two, leave. A leg
// on hold neither hears nor is heard until it is resumed. It is told as ConferenceChanged.
func (p *Phone) Conference(ids []LegID) {
	p.ua.Post(func() {
		var in []LegID
		if len(ids) >= 2 {
			for _, id := range ids {
				if l := p.legs[id]; l != nil && l.answered && !slices.Contains(in, id) {
					in = append(in, id)
				}
			}
		}
		if len(ids) >= 2 && len(in) < 2 {
			p.emit(CommandFailed{At: time.Now(), Leg: ids[0], Command: "conference", Reason: text.Clean("A conference needs two answered calls")})
			return
		}
		p.confer(in)
	})
}

// confer makes these legs the conference.
func (p *Phone) confer(in []LegID) {
	if len(in) < 2 {
		in = nil
	}
	if slices.Equal(in, p.together) {
		return
	}
	p.together = in
	p.emit(ConferenceChanged{At: time.Now(), Legs: slices.Clone(in)})
	p.connect()
}

// leaves takes a leg that ended out of the conference; one alone is none.
func (p *Phone) leaves(id LegID) {
	if i := slices.Index(p.together, id); i >= 0 {
		p.confer(slices.Delete(slices.Clone(p.together), i, i+1))
	}
}
