package exchange

import (
	"slices"

	"offhook/media"
	"offhook/sip/dialog"
)

// leg is one call between the exchange and a phone. What is on its other side is a person or another leg. Owned by the loop.
type leg struct {
	s     *Server
	d     *dialog.Session
	ext   string // the phone
	media *media.Session
	stop  func() // of the clock
	who   *person
	peer  *leg // bridged phone
	pipe  *pipe

	answered bool
	ended    bool
	refer    *dialog.Refer // the phone is transferring this call; what becomes of it is told here
	holding  bool          // the person has put the phone on hold
	pick     func()        // answers the phone's call, while it rings
	onEnd    func(cause dialog.Ended)
	onUp     func()
}

// open binds the ports of a leg's sound.
func (l *leg) open(session *dialog.Session) (dialog.Local, error) { return l.openAt(session.LocalIP()) }

func (l *leg) local() dialog.Local {
	return dialog.Local{RTP: l.media.LocalRTP(), RTCP: l.media.LocalRTCP()}
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
		if l.who != nil {
			l.who.heldBy(e.ByThem)
		}
	case dialog.Digit:
		if l.who != nil {
			l.who.digit(e.Digit)
		}
	case dialog.Ended:
		l.end(e)
	}
}

// configure takes over what was agreed.
func (l *leg) configure(m dialog.Media) {
	send := m.Send && m.Remote.IsValid()
	err := l.media.Configure(media.Params{
		Remote: m.Remote, RemoteRTCP: m.RemoteRTCP, Codec: mediaCodec(m.Codec.Name), SendPT: m.SendPT, RecvPT: m.RecvPT,
		DTMFSendPT: m.DTMFSendPT, DTMFRecvPT: m.DTMFRecvPT, PTime: m.PTime, Send: send, Receive: m.Receive, Latch: m.Symmetric,
	})
	if err != nil {
		l.s.log.Warn("sound of a call", "err", err)
	}
}

// up: the call is answered; the person, or the other phone, is heard from now on.
func (l *leg) up() {
	if l.answered {
		return
	}
	l.answered = true
	source, sink := l.sound()
	l.stop = l.s.clock.Drive(l.media, source, sink)
	if l.onUp != nil {
		l.onUp()
	}
	if l.who != nil {
		l.who.answered(l)
	}
}

// sound is where a leg's frames come from and go to.
func (l *leg) sound() (source, sink func([]int16)) {
	return func(frame []int16) {
			if p := l.pipe; p != nil {
				p.take(frame)
			} else {
				clear(frame)
			}
		}, func(frame []int16) {
			if p := l.pipe; p != nil {
				p.give(frame)
			}
		}
}

func (l *leg) end(e dialog.Ended) {
	l.ended = true
	if l.stop != nil {
		l.stop()
	}
	_ = l.media.Close()
	l.s.legs = slices.DeleteFunc(l.s.legs, func(o *leg) bool { return o == l })
	if l.onEnd != nil {
		l.onEnd(e)
	}
	if l.who != nil {
		l.who.gone(l)
	}
	if l.peer != nil && !l.peer.ended {
		l.peer.peer = nil
		l.peer.d.End("the other side hung up")
	}
}
