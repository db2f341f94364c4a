package sip

import (
	"slices"
	"time"

	"offhook/internal/text"
	"offhook/media"
)

// hearing is who hears whom: the call on the headset, and the calls that are together. It is a value; the loop makes the next one and
// the sound's goroutine brings it about.
type hearing struct {
	focus   *media.Session   // alone on the headset; nil: nobody, or the conference
	members []*media.Session // of the conference
	agent   bool             // the conference is on the headset
}

func (h hearing) same(o hearing) bool {
	return h.focus == o.focus && h.agent == o.agent && slices.Equal(h.members, o.members)
}

// without is the hearing when a session is gone.
func (h hearing) without(m *media.Session) hearing {
	if h.focus == m {
		h.focus = nil
	}
	if i := slices.Index(h.members, m); i >= 0 {
		h.members = slices.Delete(slices.Clone(h.members), i, i+1)
	}
	return h
}

// connect gives the headset to the call that was answered or resumed last and is not held by us, with the conference that it is in,
// else to one whose early media are heard. A conference that the agent has left for another call talks on by itself; every other
// answered call gets silence to send.
func (p *Phone) connect() {
	s := p.sound
	var on *leg
	for _, l := range p.legs {
		if l.media == nil || l.codec == "" || l.held || !l.answered && !l.early {
			continue
		}
		if on == nil || l.answered && !on.answered || l.answered == on.answered && l.focus > on.focus {
			on = l
		}
	}
	p.callWaiting(on != nil && on.answered)
	var next hearing
	for _, id := range p.together {
		if l := p.legs[id]; l != nil && l.media != nil && l.answered && !l.held {
			next.members = append(next.members, l.media)
		}
	}
	if len(next.members) < 2 {
		next.members = nil // one alone is a call like any other
	}
	switch {
	case on == nil || p.acc.Headset == nil:
	case slices.Contains(next.members, on.media):
		next.agent = true
	default:
		next.focus = on.media
	}
	busy := func(l *leg) bool { return l.media == next.focus || slices.Contains(next.members, l.media) }
	for id, b := range s.beats { // first off the clock, then onto the headset: one writer at a time
		if l := p.legs[id]; l == nil || !l.answered || busy(l) {
			s.post(b.stop)
			delete(s.beats, id)
		}
	}
	s.hear(next)
	for id, l := range p.legs {
		if l.answered && l.media != nil && !busy(l) && s.beats[id] == nil {
			s.beat(id, l.media)
		}
	}
}

// beat sends silence for a call that nobody talks on.
func (s *sound) beat(id LegID, m *media.Session) {
	b := &beat{}
	var stop func()
	s.beats[id] = b
	b.stop = func() {
		if stop != nil {
			stop()
		}
	}
	s.post(func() { stop = s.clock.Drive(m, silence, func([]int16) {}) })
}

func silence(frame []int16) { clear(frame) }

// hear asks for another hearing.
func (s *sound) hear(next hearing) {
	if last := s.now; !last.same(next) {
		s.now = next
		s.post(func() { s.change(last, next) })
	}
}

// change brings a hearing about, on the sound's goroutine. A session has one writer at any time: it leaves one place before it comes
// to another. The headset goes from the one to the other in one step: were it let go of between, its devices would be closed and opened,
// and with some that is a second without sound.
func (s *sound) change(last, next hearing) {
	h := s.p.acc.Headset
	for _, m := range last.members {
		if !slices.Contains(next.members, m) {
			s.mix.Remove(m)
		}
	}
	if s.mix == nil && len(next.members) > 0 {
		s.mix = media.NewMix()
	}
	if s.drive != nil && (next.agent || len(next.members) == 0) {
		s.drive()
		s.drive = nil
	}
	var err error
	switch {
	case next.agent:
		err = h.ConnectMix(s.mix)
	case next.focus != nil:
		err = h.Connect(next.focus)
	case last.agent:
		h.DisconnectMix(s.mix)
	case last.focus != nil:
		h.Disconnect(last.focus)
	}
	if err != nil {
		s.p.emit(SoundChanged{At: time.Now(), Detail: text.Clean("The headset cannot be opened, so the call is silent: " + err.Error())})
	}
	for _, m := range next.members {
		if slices.Contains(last.members, m) {
			continue
		}
		if err := s.mix.Add(m); err != nil {
			s.p.log.Warn("conference", "err", err)
		}
	}
	switch {
	case len(next.members) == 0:
		s.mix = nil
	case !next.agent && s.drive == nil:
		s.drive = s.clock.DriveMix(s.mix, silence, func([]int16) {})
	}
}
