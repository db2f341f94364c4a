package media

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// The two sockets of a session.
const (
	partRTP = iota
	partRTCP
)

// class is what a datagram on a port of ours is.
type class uint8

const (
	otherData class = iota
	stunData
	dtlsData
	rtpData
	rtcpData
)

// classify tells packets that share a port apart by their first octets (RFC 7983 §7; RFC 5761 §4 for RTP and RTCP).
func classify(data []byte) class {
	switch {
	case len(data) == 0:
		return otherData
	case data[0] <= 3:
		return stunData
	case data[0] >= 20 && data[0] <= 63:
		return dtlsData
	case data[0] < 128 || data[0] > 191:
		return otherData
	case len(data) >= 8 && data[1] >= 192 && data[1] <= 223:
		return rtcpData
	}
	return rtpData
}

func (s *Session) socket(part int) *net.UDPConn {
	if part == partRTP {
		return s.rtp
	}
	return s.rtcp
}

func (s *Session) socketAddr(part int) netip.AddrPort { return local(s.socket(part)) }

// destinationOf is where a socket's packets go now; ok is false while nothing may be sent there.
func (s *Session) destinationOf(c *config, part int) (to netip.AddrPort, ok bool) {
	if a := c.agents[part]; a != nil {
		return a.chosen()
	}
	l := s.latched.Load()
	if l != nil && l.config == c.latching {
		if part == partRTP {
			return l.from, true
		}
		if l.from != c.Remote { // behind a NAT: the usual place, if any
			return netip.AddrPortFrom(l.from.Addr(), l.from.Port()+1), l.from.Port() < 65535
		}
	}
	to = c.Remote
	if part == partRTCP {
		to = c.RemoteRTCP
	}
	return to, to.IsValid() && to.Port() != 0 && !to.Addr().IsUnspecified()
}

// sendRTCP puts one compound packet on the wire: on the sound's port when the two share it (RFC 5761).
func (s *Session) sendRTCP(c *config, data []byte) {
	part := partRTCP
	if c.Mux {
		part = partRTP
	}
	to, ok := s.destinationOf(c, part)
	if !ok {
		return
	}
	if c.Secure.Kind != Clear {
		if c.rtcpOut == nil {
			return
		}
		if data, ok = c.rtcpOut.protectRTCP(data); !ok {
			return
		}
		if c.rtcpIn != nil && c.rtcpIn.sendsShort() && strings.HasSuffix(c.rtcpOut.suite.name, "_32") {
			data = data[:len(data)-fullTag+shortTag]
		}
	}
	_, _ = s.socket(part).WriteToUDPAddrPort(data, to) // a refused port is the far end's choice
}

// early keeps the first packets of a handshake that come before signalling has said that there will be one: dropped, they
// would come again only after the far end's timer, and the call would begin with silence.
type early struct {
	mu   sync.Mutex
	kept [2][]earlyPacket
}

type earlyPacket struct {
	data []byte
	from netip.AddrPort
}

// earlyPackets is how many are kept for each socket: a ClientHello in pieces.
const earlyPackets = 4

func (e *early) keep(part int, data []byte, from netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept[part]) < earlyPackets {
		e.kept[part] = append(e.kept[part], earlyPacket{append([]byte(nil), data...), from})
	}
}

func (e *early) take() (kept [2][]earlyPacket) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept, e.kept = e.kept, kept
	return kept
}

// takeDTLS passes a packet on to the handshake on its socket, if it comes from the far end.
func (s *Session) takeDTLS(part int, data []byte, from netip.AddrPort, at time.Duration) {
	c := s.config.Load()
	if c == nil || c.assoc == nil {
		s.early.keep(part, data, from)
		if c == nil {
			return
		}
		if to, ok := s.destinationOf(c, part); ok && from == to {
			s.secureErrors.Add(1)
		} else {
			s.stranger(from, at)
		}
		return
	}
	a := c.assoc
	if a.pipes[part] == nil {
		return
	}
	if part == partRTP {
		s.fallBack(c, from)
	}
	switch to, ok := s.destinationOf(c, part); {
	case !ok && c.agents[part] != nil: // no address has passed its check yet
		s.early.keep(part, data, from)
		return
	case ok && from == to:
	case part == partRTCP && c.Latch && from.Addr() == to.Addr():
	case c.Latch && !a.stands[part].Load(): // the fingerprint decides whether that is the far end
	default:
		s.stranger(from, at)
		return
	}
	a.peers[part].Store(&from)
	if !a.renews(part, data) {
		a.pipes[part].feed(data)
	}
}
