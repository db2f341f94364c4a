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

	// of the receiving goroutine alone
	packet    rtp.Packet
	dtmf      dtmfReceiver
	candidate candidate
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

// handleRTP judges one datagram from the RTP socket: source, form, payload type.
func (s *Session) handleRTP(data []byte, from netip.AddrPort, at time.Duration) {
	c := s.config.Load()
	if c == nil || s.closed.Load() {
		return
	}
	p := &s.rx.packet
	// RFC 5761 §4: RTCP on the RTP port is told by its types 192–223. Some far ends multiplex unasked.
	rtcp := len(data) >= 8 && data[1] >= 192 && data[1] <= 223
	ok := !rtcp && p.Unmarshal(data) == nil && p.Version == 2 && len(data) < maxDatagram
	if !s.trusted(c, from, ok) {
		s.stranger(from, at)
		return
	}
	switch {
	case rtcp:
		s.takeRTCP(data, at)
		return
	case !ok:
		s.malformed()
		return
	}
	s.lastAt.Store(int64(at) + 1)
	if c.DTMFRecvPT != 0 && p.PayloadType == c.DTMFRecvPT {
		s.rxMu.Lock()
		s.rx.source.seen(p.SSRC, p.SequenceNumber, s.rx.counts.late)
		s.rx.player.jb.note(p.SSRC, p.SequenceNumber)
		s.rxMu.Unlock()
		if d := s.rx.dtmf.packet(p.SSRC, p.Timestamp, p.Payload); d != 0 && s.cfg.OnDTMF != nil {
			s.cfg.OnDTMF(d)
		}
		return
	}
	k := c.kinds[p.PayloadType]
	if k == noSound || len(p.Payload) == 0 || len(p.Payload) > maxPayload {
		s.malformed()
		return
	}
	s.rxMu.Lock()
	defer s.rxMu.Unlock()
	s.rx.source.seen(p.SSRC, p.SequenceNumber, s.rx.counts.late)
	s.rx.source.arrived(p.Timestamp, at)
	if !c.Receive {
		return
	}
	switch s.rx.player.put(p.SSRC, p.SequenceNumber, p.Timestamp, k, p.Payload, at) {
	case late:
		s.rx.counts.late++
	case duplicate:
		s.rx.counts.duplicates++
	}
}

// trusted applies the RTPBleed rule: sound is accepted from the negotiated address only. With Latch, at the beginning
// of a configuration, also from the source of two consecutive packets of one SSRC with a negotiated payload type; then
// from that source only. Packets from the negotiated address itself settle it at once.
func (s *Session) trusted(c *config, from netip.AddrPort, wellFormed bool) bool {
	if !c.Latch {
		return from == c.Remote
	}
	if l := s.latched.Load(); l != nil && l.config == c.number {
		return from == l.from
	}
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
	s.latched.Store(&latch{c.number, from})
	return true
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
