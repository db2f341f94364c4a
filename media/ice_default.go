package media

import (
	"net/netip"
	"time"
)

// A call whose checks find nothing. RFC 8445 §8.1.2 lets the agent end such a call; a person on the telephone would rather talk. RFC 8445
// §12.1 has nothing sent where no check passed, lest a description aim sound at somebody who wants none. So the address that the far
// end's description names is used once the checks have had their time, and only when the far end's own packets come from it: then
// somebody is there, and sends without waiting for checks. The checks go on, and an address that passes takes its place.

// PathState is what the checks of a session have come to.
type PathState struct {
	Found     bool // there is a way for the sound
	Unchecked bool // … to the address in the description, which no check has proved
	Lost      bool // there was a way, and the far end's consent to it is over (RFC 7675): nothing is sent until new checks are agreed on
}

const (
	checksFirst = 3 * time.Second // for the checks, before the address in the description is thought of
	checksTold  = 5 * time.Second // after which a session without a way is told
)

// takeDefault uses an address that no check has proved, when none was found in time.
func (a *agent) takeDefault(to netip.AddrPort, now time.Duration) bool {
	if a.selected.Load() != nil || a.before.Load() != nil { // most of the time
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.selected.Load() != nil || a.over.Load() || now-a.begun < checksFirst {
		return false
	}
	a.selected.Store(&to)
	a.unproved, a.missed = true, true
	return true
}

// overdue reports, once, that no way has been found.
func (a *agent) overdue(now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.selected.Load() != nil || a.before.Load() != nil || a.missed || a.over.Load() || now-a.begun < checksTold {
		return false
	}
	a.missed = true
	return true
}

// lost reports, once, that the consent to the way is over.
func (a *agent) lost() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over.Load() || a.missed {
		return false
	}
	a.missed = true
	return true
}

// follows takes the place of another agent (RFC 8445 §9): its way is used until this one has found one, as long as the consent to it lasts;
// where it had none, the one that is found is told.
func (a *agent) follows(old *agent) {
	old.mu.Lock()
	to, ok := old.chosen()
	missed, lasts := old.missed, old.fresh+consentOver
	switch {
	case old.selected.Load() == nil: // it followed another one itself
		lasts = old.lasts
	case old.unproved: // there is no consent
		lasts = a.begun + consentOver
	}
	old.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if ok {
		a.lasts = lasts
		a.before.Store(&to)
		return
	}
	a.missed = missed
}

// regained reports, once, that a way was proved after all.
func (a *agent) regained() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.selected.Load() == nil || a.unproved || !a.missed {
		return false
	}
	a.missed = false
	return true
}

// fallBack uses the address in the description when a packet of sound or of its handshake comes from there and the checks have found
// nothing.
func (s *Session) fallBack(c *config, from netip.AddrPort) bool {
	a := c.agents[partRTP]
	if a == nil || from != c.Remote || a.selected.Load() != nil || !s.takeDefault(c, from) {
		return false
	}
	s.replay()
	s.wake()
	return true
}

// takeDefault takes the address for sound, and for reports where they have a port of their own, and tells.
func (s *Session) takeDefault(c *config, from netip.AddrPort) bool {
	s.paths.Lock()
	defer s.paths.Unlock()
	now := s.clock()
	if !c.agents[partRTP].takeDefault(from, now) {
		return false
	}
	s.log.Warn("no connectivity check passed; the sound goes to the address in the description, from which the far end's comes")
	begin := []int{partRTP}
	if b := c.agents[partRTCP]; b != nil && c.RemoteRTCP.IsValid() && b.takeDefault(c.RemoteRTCP, now) {
		begin = append(begin, partRTCP)
	}
	if c.assoc != nil {
		for _, part := range begin {
			c.assoc.begin(part)
		}
	}
	s.tellPath(PathState{Found: true, Unchecked: true})
	return true
}

func (s *Session) tellPath(p PathState) {
	if s.cfg.OnPath != nil {
		s.cfg.OnPath(p)
	}
}
