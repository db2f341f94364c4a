package sip

import (
	"errors"
	"net/netip"
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// Dial calls a number or SIP URI. id is the caller's choice and new; the first event is OutgoingCall. What cannot or may not be called is
// CommandFailed "dial" and nothing else: there was no call.
func (p *Phone) Dial(id LegID, target string) {
	p.ua.Post(func() {
		uri, err := p.mayDial(id, target)
		if err != nil {
			why := err.Error()
			if e, ok := errors.AsType[*toll.Refusal](err); ok {
				why = e.Because()
			}
			p.emit(CommandFailed{At: time.Now(), Leg: id, Command: "dial", Reason: text.Clean(why)})
			return
		}
		p.used.add(id)
		l := &leg{p: p, id: id, outgoing: true, remote: caller.Of(transaction.Address{URI: uri}, FromDialled, false)}
		in := p.newInvite("")
		p.legs[id] = l
		p.emit(OutgoingCall{At: time.Now(), Leg: id, Account: p.accountText(), CallID: in.CallID, LocalTag: in.Tag, Remote: l.remote, Session: in.SessionID})
		l.place(uri, in, nil)
	})
}

// mayDial reads what an agent dials, and says why it is not called.
func (p *Phone) mayDial(id LegID, target string) (transaction.URI, error) {
	if p.closing {
		return transaction.URI{}, errors.New("The telephone is being closed")
	}
	if id == "" || p.used.has(id) {
		return transaction.URI{}, errors.New("This call was started before")
	}
	uri, err := p.target(target, p.home())
	if err != nil {
		return uri, err
	}
	return uri, p.allowed(toll.Dialled, uri)
}

// newInvite is an INVITE of the account without its way; session is the Session-ID of the call that it goes on for, "" for none.
func (p *Phone) newInvite(session string) dialog.Invite {
	if session == "" {
		session = transaction.NewCallID() // 128 random bits, as RFC 7989 §4.1 wants them
	}
	from, headers := p.identityHeaders()
	return dialog.Invite{
		From: from, Headers: headers, RingLimit: p.acc.AnswerLimit,
		CallID: transaction.NewCallID(), Tag: transaction.NewTag(), SessionID: session,
	}
}

// place finds the way to uri and sends the INVITE there. then, if not nil, is told 0 when it is out, else the status that says why it
// is not; the leg has ended by then.
func (l *leg) place(uri transaction.URI, in dialog.Invite, then func(code int)) {
	p := l.p
	if then == nil {
		then = func(int) {}
	}
	if l.been == nil {
		l.been = map[string]bool{}
	}
	l.been[uri.String()] = true
	in.URI = uri
	l.last = in
	p.route(uri, func(flow *transaction.Flow, dst netip.AddrPort, route []transaction.Address, err error) {
		if p.legs[l.id] != l { // hung up while the way was being looked for
			then(487)
			return
		}
		if err != nil {
			l.abort(EndNetwork, false, err.Error())
			then(503)
			return
		}
		in.Flow, in.Dst, in.Route, in.Foreign = flow, dst, route, !p.served(uri)
		local, err := l.openMedia(flow.LocalFor(dst).Addr(), flow)
		if err != nil {
			l.abort(EndNoMedia, true, "No port for the sound: "+err.Error())
			then(488)
			return
		}
		in.Media = local
		in.Next = p.nextServers(uri, flow, dst)
		l.s = p.ua.Invite(in, l)
		then(0)
	})
}

// abort ends a call that never reached the user agent.
func (l *leg) abort(cause EndCause, byUs bool, why string) {
	delete(l.p.legs, l.id)
	l.p.sound.drop(l.id, l.media)
	l.p.emit(CallEnded{At: time.Now(), Leg: l.id, Cause: cause, ByUs: byUs, Reason: text.Clean(why)})
}
