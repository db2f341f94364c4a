package sip

import (
	"strconv"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// leg is one call of the phone. Owned by the loop.
type leg struct {
	p        *Phone
	id       LegID
	s        *dialog.Session
	outgoing bool
	remote   Party

	media     *media.Session // nil: no sound yet
	agreed    dialog.Media
	codec     string
	muted     bool
	early     bool // early media are heard
	answered  bool
	confirmed bool

	focus    uint64 // when it was last answered or resumed; the highest has the headset
	held     bool   // by us, from the wish on: the microphone must not wait for the far end
	heldByUs bool   // and the far end agreed
	ringing  bool   // a 180 came
	transfer text.Text
	ring     *time.Timer

	been       map[string]bool // URIs that the call was sent to
	redirects  int
	recording  *recording
	ice        *offer.ICE    // ours
	last       dialog.Invite // as it was placed, without its way
	insist     bool          // the far end takes no call in the clear
	joining    *leg          // the other leg, whose transfer this one is to end in
	guard      protection
	toldSecure CallSecured
	path       *media.PathState // what the checks came to, not told yet

	association int // of a handshake, that the sound has been told of
}

func (p *Phone) newID() LegID {
	for {
		id := LegID("in-" + transaction.NewTag())
		if !p.used.has(id) && p.legs[id] == nil { // 64 random bits do not come again; so they need not be kept
			return id
		}
	}
}

// command runs f for a leg that exists, on the loop.
func (p *Phone) command(id LegID, f func(l *leg)) {
	p.ua.Post(func() {
		if l := p.legs[id]; l != nil && l.s != nil {
			f(l)
		}
	})
}

// Answer takes an inbound call.
func (p *Phone) Answer(id LegID) {
	p.command(id, func(l *leg) {
		if l.outgoing || l.answered {
			return
		}
		local, err := l.openMedia(l.s.LocalIP(), l.s.Flow())
		if err != nil {
			l.failed("answer", 0, "No port for the sound: "+err.Error())
			return
		}
		l.s.Answer(local)
	})
}

// Reject refuses an inbound call: 486 busy, 603 decline, 480 not available. reason goes out as the reason phrase and as a Reason
// header (RFC 3326).
func (p *Phone) Reject(id LegID, code int, reason string) {
	p.command(id, func(l *leg) {
		if l.outgoing {
			return
		}
		if code < 300 || code > 699 {
			code = 603
		}
		l.s.Reject(code, text.Clean(reason).Runes(80).String(), reasonHeader(code, reason))
	})
}

func reasonHeader(code int, reason string) transaction.Header {
	var p transaction.Params
	p = append(p, transaction.Param{Name: "cause", Value: strconv.Itoa(code), Has: true})
	if t := phrase(code, reason).Runes(80); !t.Empty() {
		p = append(p, transaction.Param{Name: "text", Value: t.String(), Has: true})
	}
	return transaction.Header{Name: "Reason", Value: "SIP" + p.String()}
}

// Hangup ends a call by whatever ends it now: CANCEL, BYE, 603 for one that rings here.
func (p *Phone) Hangup(id LegID) {
	p.ua.Post(func() {
		if l := p.legs[id]; l != nil {
			l.hangUp()
		}
	})
}

func (l *leg) hangUp() {
	switch {
	case l.s == nil: // its way is still being looked for
		cause := EndCancelled
		if l.p.closing {
			cause = EndShutdown
		}
		l.abort(cause, true, "")
	case !l.outgoing && !l.answered && !l.p.closing:
		l.s.Reject(603, "")
	default:
		l.s.End("")
	}
}

// Hold puts the far end on hold. The microphone is off at once; CallHeld comes when the far end agreed.
func (p *Phone) Hold(id LegID) {
	p.command(id, func(l *leg) {
		if !l.answered {
			l.failed(string(dialog.OpHold), 0, "The call is not established")
			return
		}
		l.held = true
		l.s.Hold()
		p.connect()
	})
}

// Resume takes the far end back from our hold, and the headset with it when it agreed.
func (p *Phone) Resume(id LegID) {
	p.command(id, func(l *leg) {
		if !l.answered {
			l.failed(string(dialog.OpResume), 0, "The call is not established")
			return
		}
		l.s.Resume()
		if l.held && !l.heldByUs { // our hold has not even been agreed: undone at once
			l.held = false
			l.takeFocus()
		}
	})
}

// Mute replaces the microphone by silence for one call.
func (p *Phone) Mute(id LegID, on bool) {
	p.command(id, func(l *leg) {
		l.muted = on
		if l.media != nil {
			l.media.SetMute(on)
		}
	})
}

// SendDTMF sends keypad digits: as RFC 4733 events, or as INFO when the far end takes none.
func (p *Phone) SendDTMF(id LegID, digits string) {
	p.command(id, func(l *leg) {
		switch {
		case !l.answered || l.media == nil:
			l.failed("dtmf", 0, "The call is not established")
		case l.agreed.DTMFSendPT == 0 && !p.acc.Sound.InBand:
			l.infoDTMF([]rune(digits))
		default:
			if err := l.media.SendDTMF(digits); err != nil {
				l.failed("dtmf", 0, err.Error())
			}
		}
	})
}

// infoDTMF sends one digit after the other: each INFO waits for the response to the one before.
func (l *leg) infoDTMF(digits []rune) {
	if len(digits) == 0 {
		return
	}
	body := "Signal=" + string(digits[0]) + "\r\nDuration=160\r\n"
	l.s.Send("INFO", nil, "application/dtmf-relay", []byte(body), func(res *transaction.Response, err error) {
		switch {
		case err != nil:
			l.failed("dtmf", 0, err.Error())
		case !res.Success():
			l.failed("dtmf", res.Status, res.Reason)
		default:
			l.infoDTMF(digits[1:])
		}
	})
}

// Transfer asks the far end to call target instead (blind transfer).
func (p *Phone) Transfer(id LegID, target string) {
	p.command(id, func(l *leg) {
		uri, err := p.target(target, l.domain())
		if err != nil {
			l.failed(string(dialog.OpTransfer), 0, err.Error())
			return
		}
		if !l.answered || l.moving() {
			l.failed(string(dialog.OpTransfer), 0, "The call cannot be transferred now")
			return
		}
		l.transfer = text.Clean(target)
		l.held = true
		l.s.Transfer(transaction.Address{URI: uri}, transaction.Address{URI: p.acc.aor})
		p.connect()
	})
}

// domain is where a number of the far end's side lives when we have no registrar: at the far end.
func (l *leg) domain() transaction.URI {
	req := l.s.Request()
	u := req.From.URI
	if l.outgoing {
		u = req.URI
	}
	return transaction.URI{Scheme: "sip", Host: u.Host, Port: u.Port}
}

func (l *leg) failed(command string, code int, reason string) {
	l.p.emit(CommandFailed{At: time.Now(), Leg: l.id, Command: command, Code: code, Reason: phrase(code, reason)})
}

// event is what the session tells.
func (l *leg) event(e dialog.Event) {
	p, now := l.p, time.Now()
	switch e := e.(type) {
	case dialog.Progress:
		l.early = e.EarlyMedia
		p.emit(CallProgress{At: now, Leg: l.id, Code: e.Code, Reason: phrase(e.Code, e.Reason), EarlyMedia: e.EarlyMedia})
		p.sound.ringback(l.id, !e.EarlyMedia && (e.Code == 180 || e.Code == 181 || e.Code == 182 || l.ringing))
		l.ringing = l.ringing || e.Code == 180
		p.connect()
	case dialog.MediaChanged:
		l.agreed = e.Media
		if own := e.Media.OwnICE; own != nil {
			l.ice = own
		}
		l.codec = e.Media.Codec.Name
		l.configure()
		p.connect()
	case dialog.Answered:
		l.answered, l.early = true, false
		stop(l.ring)
		p.sound.ringback(l.id, false)
		l.configure()
		l.takeFocus()
	case dialog.Confirmed:
		if !l.confirmed {
			l.confirmed = true
			p.emit(CallAnswered{At: now, Leg: l.id, Codec: l.codec})
			l.tellSecured()
			l.tellPath()
			if p.acc.Recording.on() && p.acc.Recording.Always {
				l.startRecording()
			}
		}
	case dialog.HoldChanged:
		resumed := l.heldByUs && !e.ByUs
		l.heldByUs = e.ByUs
		if !l.moving() || e.ByUs {
			l.held = e.ByUs
		}
		p.emit(CallHeld{At: now, Leg: l.id, ByUs: e.ByUs, ByThem: e.ByThem})
		if resumed {
			l.takeFocus()
		} else {
			p.connect()
		}
	case dialog.Refused:
		l.held = l.heldByUs
		if e.Op == dialog.OpTransfer {
			l.transfer = text.Text{}
			l.joined()
		}
		l.failed(string(e.Op), e.Code, e.Reason)
		p.connect()
	case dialog.Refreshed:
		l.refreshed(e)
	case dialog.Asked:
		p.emit(Asked{At: now, Leg: l.id, Do: string(e.What)})
	case dialog.Digit:
		p.emit(DTMFReceived{At: now, Leg: l.id, Digit: e.Digit})
	case dialog.TransferProgress:
		p.emit(TransferProgress{At: now, Leg: l.id, Target: l.transfer, Code: e.Code, Reason: phrase(e.Code, e.Reason)})
	case dialog.TransferDone:
		target := l.transfer
		l.transfer = text.Text{}
		l.held = l.heldByUs
		if !e.OK {
			l.joined()
		}
		p.emit(TransferEnded{At: now, Leg: l.id, Target: target, OK: e.OK, Code: e.Code, Reason: phrase(e.Code, e.Reason)})
		p.connect()
	case dialog.Ended:
		l.ended(e)
	}
}

// refreshed looks whether somebody else is at the far end now (RFC 3325 in a re-INVITE or 2xx, RFC 4916).
func (l *leg) refreshed(e dialog.Refreshed) {
	var who Party
	var ok bool
	if req := e.Request; req != nil {
		who, ok = caller.Identity(req.Headers, &req.From, within(l.p.acc.Trusted, req.Source.Addr()))
		if who.Source == FromHeader && l.remote.Source != FromHeader { // no news: From was never what we showed
			return
		}
	} else if res := e.Response; res != nil {
		who, ok = caller.Identity(res.Headers, nil, within(l.p.acc.Trusted, res.Source.Addr()))
	}
	if !ok || who.Withheld && l.remote.Withheld {
		return
	}
	if who.Number == l.remote.Number && (who.Name == l.remote.Name || who.Name.Empty()) && who.Withheld == l.remote.Withheld {
		return
	}
	l.remote = who
	l.p.emit(PartyChanged{At: time.Now(), Leg: l.id, Remote: who})
}

func (l *leg) ended(e dialog.Ended) {
	p := l.p
	if l.redirected(e) || l.insisted(e) {
		return
	}
	stop(l.ring)
	delete(p.legs, l.id)
	p.sound.ringback(l.id, false)
	l.stopRecording()
	p.sound.drop(l.id, l.media)
	l.media = nil
	p.leaves(l.id)
	l.joined()
	cause, reason := why(e, endCause(e, l.outgoing, p.closing))
	p.emit(CallEnded{At: time.Now(), Leg: l.id, Cause: cause, ByUs: e.ByUs, Code: e.Code, Reason: reason})
	p.connect()
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
