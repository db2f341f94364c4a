package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// receiver is what arriving packets change; rxMu guards it, but for the fields that only the receiving goroutine uses.
type receiver struct {
	player *player
	source source
	counts counts
	runs   runs

	// of the receiving goroutine alone
	packet    rtp.Packet
	dtmf      dtmfReceiver
	candidate candidate
	settled   uint64 // number of the last configuration whose source is beyond doubt
	timing    timing
	toldAt    time.Duration
	told      netip.AddrPort
}

type counts struct{ late, duplicates, malformed uint64 }

// latch is the address that a far end behind a NAT was found at, for one configuration.
type latch struct {
	config uint64
	from   netip.AddrPort
}

// candidate is the first of the two packets that latching needs.
type candidate struct {
	valid  bool
	config uint64
	from   netip.AddrPort
	ssrc   uint32
	seq    uint16
}

// handleRTP judges one datagram from the RTP socket: kind, source, protection, form, payload type.
func (s *Session) handleRTP(data []byte, from netip.AddrPort, at time.Duration) {
	kindOf := classify(data)
	switch {
	case s.closed.Load():
		return
	case kindOf == stunData:
		s.takeSTUN(partRTP, data, from, at)
		return
	case kindOf == dtlsData:
		s.takeDTLS(partRTP, data, from, at)
		return
	}
	c := s.config.Load()
	if c == nil {
		return
	}
	who := s.judge(c, from, at)
	if who == wrong {
		s.stranger(from, at)
		return
	}
	if kindOf == rtcpData { // some far ends multiplex unasked
		if from != c.Remote && who != right {
			s.stranger(from, at)
			return
		}
		s.openRTCP(c, data, at)
		return
	}
	if c.Secure.Kind != Clear {
		clear, v := c.openRTP(data, at)
		if v != openedFine {
			s.unopened(v)
			if who == unknown && from != c.Remote {
				s.stranger(from, at)
			}
			return
		}
		data = clear
	}
	p := &s.rx.packet
	ok := kindOf == rtpData && p.Unmarshal(data) == nil && p.Version == 2 && len(data) < maxDatagram
	if who == unknown && !s.settle(c, from, ok) {
		s.stranger(from, at)
		return
	}
	if !ok {
		s.malformed()
		return
	}
	if c.Secure.Kind == Clear && s.rx.timing.protected(c, p) {
		s.secureErrors.Add(1)
		return
	}
	s.lastAt.Store(int64(at) + 1)
	s.sound(c, p, at)
}

// sound takes a packet that is the far end's.
func (s *Session) sound(c *config, p *rtp.Packet, at time.Duration) {
	if c.DTMFRecvPT != 0 && p.PayloadType == c.DTMFRecvPT {
		s.rxMu.Lock()
		s.rx.source.seen(p.SSRC, p.SequenceNumber, s.rx.counts.late)
		s.rx.player.jb.note(p.SSRC, p.SequenceNumber)
		s.rx.runs.seen(p.SSRC, p.SequenceNumber)
		s.rxMu.Unlock()
		if d := s.rx.dtmf.packet(p.SSRC, p.Timestamp, p.Payload, at); d != 0 && s.cfg.OnDTMF != nil {
			s.cfg.OnDTMF(d)
		}
		return
	}
	k := c.kinds[p.PayloadType]
	if !k.sound(p.Payload) {
		s.malformed()
		return
	}
	s.rxMu.Lock()
	defer s.rxMu.Unlock()
	s.rx.source.seen(p.SSRC, p.SequenceNumber, s.rx.counts.late)
	s.rx.source.arrived(p.Timestamp, at, k.clock())
	s.rx.runs.seen(p.SSRC, p.SequenceNumber)
	if !c.Receive {
		return
	}
	switch s.rx.player.put(p.SSRC, p.SequenceNumber, p.Timestamp, k, p.Payload, at) {
	case late:
		s.rx.counts.late++
		s.rx.runs.discard(p.SSRC, p.SequenceNumber)
	case duplicate:
		s.rx.counts.duplicates++
	}
}

// unopened counts a protected packet that could not be used. It never ends a call: anybody can send one.
func (s *Session) unopened(v opened) {
	if v == openedTwice {
		s.rxMu.Lock()
		s.rx.counts.duplicates++
		s.rxMu.Unlock()
		return
	}
	s.secureErrors.Add(1)
}

// standing is what is known of a packet's source before the packet is read.
type standing uint8

const (
	wrong   standing = iota
	right            // the far end's address
	unknown          // perhaps, if the packet and the next one fit
)

// reopenAfter is how long the far end's last address must be silent after a Configure before another one may take its place.
const reopenAfter = 500 * time.Millisecond

// judge applies the RTPBleed rule: sound is accepted from the negotiated address only, or from one that passed a check
// where checks are agreed. With Latch, at the beginning of a configuration, others may show that they are the far end.
func (s *Session) judge(c *config, from netip.AddrPort, at time.Duration) standing {
	if a := c.agents[partRTP]; a != nil {
		if a.accepts(from) || s.fallBack(c, from) {
			return right
		}
		return wrong
	}
	if !c.Latch {
		if from == c.Remote {
			return right
		}
		return wrong
	}
	l := s.latched.Load()
	switch {
	case l == nil || l.config != c.latching:
		return unknown
	case from == l.from:
		s.rx.settled = c.number
		return right
	case c.number == c.latching || s.rx.settled == c.number || at-c.at < reopenAfter:
		return wrong
	}
	return unknown
}

// settle locks to the source of two consecutive packets of one SSRC with a negotiated payload type; sound is verified
// before, where it is encrypted. Packets from the negotiated address itself settle it at once. It tells whether the
// packet may be used.
func (s *Session) settle(c *config, from netip.AddrPort, wellFormed bool) bool {
	p := &s.rx.packet
	if !wellFormed || c.kinds[p.PayloadType] == noSound && (c.DTMFRecvPT == 0 || p.PayloadType != c.DTMFRecvPT) {
		return from == c.Remote
	}
	last := s.rx.candidate
	s.rx.candidate = candidate{true, c.number, from, p.SSRC, p.SequenceNumber}
	again := last.valid && last.config == c.number && last.from == from && last.ssrc == p.SSRC && p.SequenceNumber == last.seq+1
	if from != c.Remote && !again {
		return false
	}
	s.rx.settled = c.number
	s.latched.Store(&latch{c.latching, from})
	return true
}

// latchTo locks to the address that a handshake proved to be the far end's.
func (s *Session) latchTo(from netip.AddrPort) {
	if c := s.config.Load(); c != nil && c.Latch {
		s.latched.Store(&latch{c.latching, from})
	}
}

// timing watches a stream in the clear for packets that are longer than their time.
type timing struct {
	known bool
	ssrc  uint32
	seq   uint16
	ts    uint32
}

// protected tells whether a packet on a session in the clear is one of SRTP.
func (t *timing) protected(c *config, p *rtp.Packet) bool {
	event := c.DTMFRecvPT != 0 && p.PayloadType == c.DTMFRecvPT
	if k := c.kinds[p.PayloadType]; !event && k != kindPCMU && k != kindPCMA && k != kindG722 {
		return false
	}
	if event { // four octets, of which the tag would make eight, fourteen or twenty
		return len(p.Payload) > eventOctets && looksProtected(len(p.Payload)-eventOctets, 0, false)
	}
	follows := t.known && t.ssrc == p.SSRC && p.SequenceNumber == t.seq+1
	elapsed := p.Timestamp - t.ts
	*t = timing{true, p.SSRC, p.SequenceNumber, p.Timestamp}
	return looksProtected(len(p.Payload), elapsed, follows)
}

// stranger counts a packet from a wrong source and tells of it, at most once per second.
func (s *Session) stranger(from netip.AddrPort, at time.Duration) {
	s.strangers.Add(1)
	if from == s.rx.told || s.rx.toldAt != 0 && at-s.rx.toldAt < time.Second {
		return
	}
	s.rx.told, s.rx.toldAt = from, at
	s.log.Warn("sound from a stranger was dropped", "from", from.String())
	if s.cfg.OnStranger != nil {
		s.cfg.OnStranger(from)
	}
}

func (s *Session) malformed() {
	s.rxMu.Lock()
	s.rx.counts.malformed++
	s.rxMu.Unlock()
}
