package sip

import (
	"errors"
	"time"

	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// maxRedirects bounds how often a call is sent on before it is given up.
const maxRedirects = 5

// referred is a REFER that came in: the far end of a call, or the exchange, asks us to call somebody else. Whoever may ask is asked
// for by the policy of the account; a stranger is not even heard.
func (p *Phone) referred(s *dialog.Session, r *dialog.Refer) {
	var from *leg
	if s != nil {
		from, _ = s.Data.(*leg)
	}
	uri := r.Target.URI
	switch {
	case from == nil, p.legs[from.id] != from, !from.answered:
		r.Reject(603, "")
		return
	case p.closing || len(p.legs) >= p.acc.MaxCalls:
		r.Reject(480, "")
		return
	}
	number, err := p.target(uri.String(), p.home())
	if err == nil {
		// A call that takes the place of another one demands that (Require: replaces): whoever knows nothing of it refuses, and no bill
		// is run up. Its target is the very place that the colleague answers from, which is seldom in our domain.
		if err = p.allowed(toll.Referred, number); errors.Is(err, errPolicy) && r.Replaces != nil {
			err = nil
		}
	}
	if err != nil {
		p.log.Info("a transfer by the far end was refused", "leg", from.id, "err", err)
		r.Reject(603, "Declined by policy")
		return
	}
	r.Accept()
	id := p.newID()
	l := &leg{p: p, id: id, outgoing: true, remote: caller.Of(transaction.Address{Display: r.Target.Display, URI: number}, FromTransfer, false)}
	in := r.Invite(p.newInvite(uuidOf(s.SessionID())))
	p.legs[id] = l
	p.emit(OutgoingCall{At: time.Now(), Leg: id, Account: p.accountText(), CallID: in.CallID, LocalTag: in.Tag, Remote: l.remote, For: from.id, Session: in.SessionID})
	l.place(number, in, func(code int) {
		if code != 0 {
			r.Notify(code, "")
			return
		}
		r.Follow(l.s)
	})
}

// redirected is a 3xx to a call of ours: it goes on to the first target that the policy allows, as the same leg. False: it is over.
func (l *leg) redirected(e dialog.Ended) bool {
	p := l.p
	if !l.outgoing || l.answered || e.ByUs || len(e.Targets) == 0 || l.redirects >= maxRedirects || p.closing {
		return false
	}
	session := l.s.SessionID()
	for _, t := range e.Targets {
		uri, err := p.target(t.URI.String(), p.home())
		if err == nil && l.been[uri.String()] {
			continue // round in a circle
		}
		if err == nil {
			err = p.allowed(toll.Redirected, uri)
		}
		if err != nil {
			p.log.Info("a redirection was not followed", "leg", l.id, "err", err)
			continue
		}
		l.redirects++
		l.s, l.early, l.ringing = nil, false, false
		p.sound.ringback(l.id, false)
		p.emit(CallProgress{At: time.Now(), Leg: l.id, Code: 181, Reason: phrase(181, "sent on to "+caller.Of(transaction.Address{URI: uri}, FromDialled, false).Number.String())})
		l.place(uri, p.newInvite(uuidOf(session)), nil)
		return true
	}
	return false
}

// uuidOf is our half of a Session-ID.
func uuidOf(session string) string {
	if len(session) < 32 {
		return ""
	}
	return session[:32]
}

// replaces decides whether an INVITE may take the place of one of our calls: the secret tags of the call are needed for it, and the
// exchange's own word.
func (p *Phone) replaces(_ *dialog.Session, req *transaction.Request) bool {
	return p.known(req.Source.Addr())
}

// asked decides whether a NOTIFY may answer and hold in the agent's place (Event talk, hold): the account must allow it, and only its
// own servers may.
func (p *Phone) asked(_ *dialog.Session, req *transaction.Request) bool {
	return p.acc.RemoteControl && p.known(req.Source.Addr())
}

// insisted offers a call once more, with encrypted sound alone, to a far end that refused the choice between both (488): there are
// exchanges that take nothing but SAVP and do not see that the keys stand beside. False: it is over.
func (l *leg) insisted(e dialog.Ended) bool {
	p := l.p
	if !l.outgoing || l.answered || e.ByUs || l.insist || p.closing || e.Code != 488 || p.acc.Sound.Protect != offer.Optional || len(l.last.URI.Host) == 0 {
		return false
	}
	if d := p.describe(l.s.Flow()).Security; d.Fingerprint == "" && len(d.Suites) == 0 {
		return false // there is nothing to insist on
	}
	session := l.s.SessionID()
	l.insist, l.s, l.early, l.ringing = true, nil, false, false
	p.sound.ringback(l.id, false)
	in := l.last
	fresh := p.newInvite(uuidOf(session))
	in.CallID, in.Tag, in.SessionID = fresh.CallID, fresh.Tag, fresh.SessionID
	l.place(in.URI, in, nil)
	return true
}
