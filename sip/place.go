package sip

import (
	"net/netip"
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// Dial calls a number or SIP URI. id is the caller's choice and new; the first event is OutgoingCall.
func (p *Phone) Dial(id LegID, target string) {
	p.ua.Post(func() {
		if id == "" || p.used.has(id) || p.closing {
			why := "This call was started before"
			if p.closing {
				why = "The telephone is being closed"
			}
			p.emit(CommandFailed{At: time.Now(), Leg: id, Command: "dial", Reason: text.Clean(why)})
			return
		}
		p.used.add(id)
		l := &leg{p: p, id: id, outgoing: true}
		uri, err := p.target(target, p.home())
		l.remote = caller.Of(transaction.Address{URI: uri}, FromDialled, false)
		if err != nil {
			l.remote = Party{Number: text.Clean(target), Source: FromDialled}
		}
		in := p.newInvite("")
		p.legs[id] = l
		p.emit(OutgoingCall{At: time.Now(), Leg: id, Account: p.accountText(), CallID: in.CallID, LocalTag: in.Tag, Remote: l.remote, Session: in.SessionID})
		if err == nil {
			err = p.allowed(toll.Dialled, uri)
		}
		if err != nil {
			l.abort(EndUnknownNumber, false, err.Error())
			return
		}
		l.place(uri, in, nil)
	})
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
