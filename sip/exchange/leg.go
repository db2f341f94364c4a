package exchange

import (
	"fmt"
	"net/netip"
	"slices"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
	"offhook/sip/transaction"
)

// leg is one call between the exchange and a phone. What is on its other side is a person or another leg. Owned by the loop.
type leg struct {
	s     *Server
	d     *dialog.Session
	ext   string     // the phone's extension
	ip    netip.Addr // ours, as the phone sees it
	flow  *transaction.Flow
	media *media.Session // nil: no sound (yet)
	stop  func()         // of the clock
	pipe  *pipe

	hunt   *hunt     // our call to a phone; nil: the phone's call
	who    *person   // on the other side
	peer   *leg      // or the phone on the other side, once it has answered
	out    *hunt     // the phones that ring for this one
	moving *transfer // the phone hands its caller to somebody else

	answered bool
	ended    bool
	hold     bool   // the person wants the phone on hold
	held     bool   // the phone has agreed
	theirs   bool   // the phone holds the call
	heir     func() // takes over what another leg had, when this one is up
	pick     func() // answers what this phone waits for
}

// open binds the ports of a leg's sound.
func (l *leg) open(ip netip.Addr) (dialog.Local, error) {
	m, err := media.Listen(media.Config{
		LocalIP: ip, Logger: l.s.log,
		OnDTMF: func(r rune) { l.s.ua.Post(func() { l.digit(r) }) },
	})
	if err != nil {
		return dialog.Local{}, fmt.Errorf("no port for the sound of a call: %w", err)
	}
	l.media, l.ip = m, ip
	return dialog.Local{RTP: m.LocalRTP(), RTCP: m.LocalRTCP()}, nil
}

// event applies what happened to a session.
func (s *Server) event(session *dialog.Session, e dialog.Event) {
	l, _ := session.Data.(*leg)
	if l == nil || l.ended {
		return
	}
	switch e := e.(type) {
	case dialog.MediaChanged:
		l.configure(e.Media)
	case dialog.Answered:
		l.up()
	case dialog.HoldChanged:
		l.holdChanged(e)
	case dialog.Refused:
		l.hold = l.held
		if e.Op == dialog.OpAnswer {
			l.d.Reject(488, "")
		}
	case dialog.TransferDone:
		if !e.OK { // SendAway came to nothing: the person comes back
			l.hold = false
			l.d.Resume()
		}
	case dialog.Digit:
		l.digit(e.Digit)
	case dialog.Ended:
		l.end(e)
	}
}

// configure takes over what was agreed. As exchanges do, it follows a phone whose sound comes from elsewhere than it said.
func (l *leg) configure(m dialog.Media) {
	if l.media == nil {
		return
	}
	err := l.media.Configure(media.Params{
		Remote: m.Remote, RemoteRTCP: m.RemoteRTCP, Codec: mediaCodec(m.Codec.Name), SendPT: m.SendPT, RecvPT: m.RecvPT,
		DTMFSendPT: m.DTMFSendPT, DTMFRecvPT: m.DTMFRecvPT, DTMFClock: m.DTMFClock, Fmtp: m.Fmtp, PTime: m.PTime,
		Send: m.Send && m.Remote.IsValid(), Receive: m.Receive, Latch: true,
	})
	if err != nil {
		l.s.log.Warn("sound of a call", "err", err)
	}
}

// up: the call is answered; whoever is on the other side is heard from now on.
func (l *leg) up() {
	if l.answered {
		return
	}
	l.answered, l.pick = true, nil
	l.stop = l.s.clock.Drive(l.media, l.pipe.take, l.pipe.give)
	defer l.s.lit(l.ext)
	switch {
	case l.heir != nil:
		l.heir()
	case l.hunt != nil:
		l.hunt.answered(l)
	case l.who != nil:
		l.who.answered(l)
	}
}

// holdChanged: a phone that is put on hold hears music, and so does the other phone when this one holds the call.
func (l *leg) holdChanged(e dialog.HoldChanged) {
	if e.ByUs != l.held {
		l.held, l.hold = e.ByUs, e.ByUs
		l.pipe.play(l.s.music(e.ByUs))
		if l.who != nil {
			l.who.holds(e.ByUs)
		}
	}
	l.theirs = e.ByThem
	if l.who != nil {
		l.who.heldBy(e.ByThem)
	}
	if l.peer != nil {
		l.peer.pipe.play(l.s.music(e.ByThem))
	}
}

func (s *Server) music(on bool) []int16 {
	if !on {
		return nil
	}
	return s.line(prompts.Hold).pcm
}

// digit is a key that the phone's user pressed.
func (l *leg) digit(r rune) {
	switch {
	case l.ended:
	case l.who != nil:
		l.who.digit(r)
	case l.peer != nil && l.peer.media != nil:
		if err := l.peer.media.SendDTMF(string(r)); err != nil {
			l.s.log.Debug("passing a digit on", "err", err)
		}
	}
}

// join lets two phones talk.
func join(a, b *leg) {
	a.peer, b.peer = b, a
	a.pipe.play(nil)
	b.pipe.play(nil)
	a.pipe.link(b.pipe)
}

// part undoes join for l and returns the other phone, nil when there is none.
func (l *leg) part() *leg {
	o := l.peer
	if o == nil {
		return nil
	}
	l.peer, o.peer = nil, nil
	l.pipe.link(nil)
	o.pipe.link(nil)
	return o
}

// leave ends a leg whose other side is gone (RFC 3326: normal call clearing).
func (l *leg) leave() {
	if l.ended {
		return
	}
	why := ""
	if l.answered {
		why = `Q.850;cause=16;text="Normal call clearing"`
	}
	l.d.End(why)
}

func (l *leg) end(e dialog.Ended) {
	l.ended = true
	if l.stop != nil {
		l.stop()
	}
	if l.media != nil {
		if err := l.media.Close(); err != nil {
			l.s.log.Debug("closing sound", "err", err)
		}
	}
	l.s.legs = slices.DeleteFunc(l.s.legs, func(o *leg) bool { return o == l })
	l.s.lit(l.ext)
	if h := l.hunt; h != nil && h.won != l {
		h.lost(l, e)
		return
	}
	if l.out != nil {
		l.out.giveUp()
	}
	if t := l.moving; t == nil || e.ByUs || !t.alone() {
		l.over()
	}
}

// over ends what was on the other side of a leg that has ended.
func (l *leg) over() {
	if t := l.moving; t != nil {
		t.abandon()
	}
	if l.who != nil {
		l.who.gone()
		l.who = nil
	}
	if o := l.part(); o != nil {
		if o.moving != nil {
			o.moving.abandon()
		}
		o.leave()
	}
}
