package media

import (
	"context"
	"slices"
)

// Configure starts the session with what was negotiated, or changes it while it runs: hold and resume, another codec,
// another address, other keys. With the same keys as before, their packet counts go on. It fails on a codec that is not
// one of Codecs, on payload types out of range and on unusable keys (ErrSecure), changing nothing.
func (s *Session) Configure(p Params) error {
	if err := p.Secure.check(s.cfg.Certificate != nil); err != nil {
		return err
	}
	p.Latch = p.Latch || s.cfg.Latch
	c, err := complete(p)
	if err != nil {
		return err
	}
	s.control.Lock()
	defer s.control.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	old := s.config.Load()
	s.follow(c, old)
	told := false
	if c.Secure.Kind == SDES {
		if told, err = s.secureSDES(c, old); err != nil {
			return err
		}
	}
	began := s.associate(c, old)
	s.check(c, old)
	for !s.publish(c, old, began) { // a handshake may just have put its keys into the old one
		old = s.config.Load()
	}
	if c.agents[partRTP] != nil {
		if !s.driven {
			s.driven = true
			s.done.Go(func() { s.drive(s.ctx) })
		}
		s.wake()
	}
	if old != nil && old.assoc != nil && old.assoc != c.assoc {
		old.assoc.stop()
	}
	if began {
		c.assoc.start()
		for part := range c.agents {
			if _, ok := s.destinationOf(c, part); ok || c.agents[part] == nil {
				c.assoc.begin(part)
			}
		}
		s.replay()
	}
	if told {
		s.tell(SecureState{Kind: SDES, Suite: c.out.suite.name, OK: true})
	}
	if old != nil && !old.Receive && c.Receive {
		s.rxMu.Lock()
		s.rx.player.flush()
		s.rxMu.Unlock()
	}
	return nil
}

// replay gives the handshakes what came before they could be.
func (s *Session) replay() {
	for part, kept := range s.early.take() {
		for _, e := range kept {
			s.takeDTLS(part, e.data, e.from, s.clock())
		}
	}
}

// follow carries over what a new configuration has in common with the last one.
func (s *Session) follow(c, old *config) {
	c.at = s.clock()
	c.since = c.at
	if old == nil {
		return
	}
	c.number, c.latching = old.number+1, old.number+1
	if old.Receive && c.Receive {
		c.since = old.since
	}
	// The search for the address begins anew where signalling names another one. Else the far end's last address is
	// believed until another one speaks while it is silent: a re-INVITE for a hold must not let strangers in.
	if old.Remote == c.Remote && old.Latch && c.Latch {
		c.latching = old.latching
	}
}

// associate finds or begins the handshakes of c.
func (s *Session) associate(c, old *config) (began bool) {
	if c.Secure.Kind != DTLSSRTP {
		return false
	}
	if old != nil && old.assoc.same(c.Secure.DTLS) && (c.Mux || old.assoc.pipes[partRTCP] != nil) {
		c.assoc = old.assoc
		return false
	}
	d := *c.Secure.DTLS
	d.Fingerprints = slices.Clone(d.Fingerprints)
	c.assoc = s.newAssociation(d, c.Mux)
	return true
}

// publish makes c the session's configuration unless the old one has changed meanwhile.
func (s *Session) publish(c, old *config, began bool) bool {
	if c.Secure.Kind == DTLSSRTP && old != nil {
		c.guard = guard{}
		if !began || old.Secure.Kind == DTLSSRTP && old.out != nil {
			c.guard = old.guard // of a restarted association too: its keys serve until the new ones stand (RFC 8842 §5.1)
		}
		if c.Mux {
			c.rtcpOut, c.rtcpIn = c.out, c.in
		} else if began {
			c.rtcpOut, c.rtcpIn = nil, nil
		}
	}
	return s.config.CompareAndSwap(old, c)
}

// tell queues a state for OnSecure.
func (s *Session) tell(st SecureState) {
	if s.cfg.OnSecure == nil {
		return
	}
	select {
	case s.states <- st:
	default: // nobody has listened for sixteen changes
	}
}

func (s *Session) tellStates(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case st := <-s.states:
			s.cfg.OnSecure(st)
		}
	}
}

// watchKey tells of the end of our key: a minute before, and when it has come.
func (s *Session) watchKey(c *config) {
	switch c.out.left() {
	case warnBefore:
		s.tell(SecureState{Kind: c.Secure.Kind, Suite: c.out.suite.name, OK: true,
			Detail: "The key that encrypts this call is used up in about a minute. A new one is needed: hold and resume the call."})
	case 0:
		if !c.out.over.Swap(true) {
			s.tell(SecureState{Kind: c.Secure.Kind, Suite: c.out.suite.name,
				Detail: "The key that encrypts this call is used up: the far end no longer hears you. Hold and resume the call for a new one."})
		}
	}
}
