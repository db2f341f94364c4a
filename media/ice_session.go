package media

import (
	"context"
	"net/netip"
	"time"
)

// check finds or makes the agents of c.
func (s *Session) check(c, old *config) {
	// Without candidates there is nothing to be checked: the far end gave up checks (RFC 8839 §4.2.5).
	if c.ICE == nil || len(c.ICE.Candidates) == 0 {
		return
	}
	now := s.clock()
	for part, candidates := range [2][]netip.AddrPort{c.ICE.Candidates, c.ICE.RTCPCandidates} {
		if part == partRTCP && c.Mux {
			continue
		}
		if old != nil && old.agents[part] != nil && old.agents[part].params.equal(c.ICE) {
			a := old.agents[part]
			a.mu.Lock()
			a.add(candidates, now)
			a.mu.Unlock()
			c.agents[part] = a
			continue
		}
		c.agents[part] = newAgent(*c.ICE, part+1, candidates, now)
		if old != nil && old.agents[part] != nil {
			c.agents[part].follows(old.agents[part])
		}
	}
}

// wake has the agents looked at, once they are part of the session's configuration.
func (s *Session) wake() {
	select {
	case s.checks <- struct{}{}:
	default:
	}
}

// drive sends what the agents want sent, until the session ends.
func (s *Session) drive(ctx context.Context) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		next := time.Hour
		if c := s.config.Load(); c != nil {
			now := s.clock()
			for part, a := range c.agents {
				if a == nil {
					continue
				}
				out, at := a.tick(now)
				for _, p := range out {
					_, _ = s.socket(part).WriteToUDPAddrPort(p.data, p.to)
				}
				next = min(next, at-now)
				if part == partRTP {
					s.missing(a, now)
				}
			}
		}
		t.Reset(max(next, time.Millisecond))
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-s.checks:
		}
	}
}

// missing tells that there is no way for the sound, yet or any more.
func (s *Session) missing(a *agent, now time.Duration) {
	s.paths.Lock()
	defer s.paths.Unlock()
	if a.overdue(now) {
		s.log.Warn("no connectivity check passed; there is no way for the sound yet")
		s.tellPath(PathState{})
	}
	if a.lost() {
		s.log.Warn("the far end answers no checks any more; the sound is not sent until new ones are agreed on")
		s.tellPath(PathState{Lost: true})
	}
}

// takeSTUN passes a check, or the answer to one, on to its agent. Without an agreement about checks they are a
// stranger's, but for the keepalives of the far end itself.
func (s *Session) takeSTUN(part int, data []byte, from netip.AddrPort, at time.Duration) {
	c := s.config.Load()
	if c == nil {
		return
	}
	a := c.agents[part]
	if a == nil {
		if to, ok := s.destinationOf(c, part); !ok || from != to {
			s.stranger(from, at)
		}
		return
	}
	had := a.selected.Load() != nil
	reply, ours := a.take(data, from, s.clock())
	if !ours {
		if !a.accepts(from) {
			s.stranger(from, at)
		}
		return
	}
	if reply != nil {
		_, _ = s.socket(part).WriteToUDPAddrPort(reply, from)
	}
	if a.selected.Load() != nil && !had {
		s.log.Info("the far end's address was found by checks", "part", part)
		if c.assoc != nil {
			c.assoc.begin(part)
		}
		s.replay()
	}
	if part == partRTP {
		s.paths.Lock()
		if a.regained() {
			s.tellPath(PathState{Found: true})
		}
		s.paths.Unlock()
	}
	s.wake() // what was asked may have made a check due
}
