package media

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// reports is the state of RTCP (RFC 3550 §6): what was said by the far end and when. Its lock is held briefly by the
// reporting and receiving goroutines and by Stats.
type reports struct {
	mu        sync.Mutex
	senderNTP uint32 // middle of the NTP time of the far end's last SR
	senderAt  time.Duration
	heard     bool // a report about our stream has come
	heardAt   time.Duration
	highest   uint32        // sequence number of ours that the last one named
	sentThen  uint64        // packets that we had sent by then
	frozenAt  time.Duration // since when the far end names the same one although we send; 0 not
	roundTrip time.Duration
	lost      uint8 // in 1/256, of the last interval
	lostSum   uint32
	jitter    time.Duration
	far       farMetrics // from its VoIP metrics
}

const (
	reportEvery = 5 * time.Second
	// compensation for the timer's bias (RFC 3550 §6.3.1: e − 3/2)
	reportBias = 1.21828
)

// interval is the time to the next report: 5 s between a half and one and a half, the first after half of that.
func reportInterval(first bool) time.Duration {
	d := reportEvery
	if first {
		d /= 2
	}
	return time.Duration(float64(d) * (0.5 + rand.Float64()) / reportBias)
}

// report sends reports until the session ends.
func (s *Session) report(ctx context.Context) {
	t := time.NewTimer(reportInterval(true))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.sendReport(false)
			t.Reset(reportInterval(false))
		}
	}
}

// sendReport sends one compound packet: SR or RR, SDES, and BYE at the end.
func (s *Session) sendReport(bye bool) {
	c := s.config.Load()
	if c == nil {
		return
	}
	data, err := rtcp.Marshal(s.compose(bye))
	if err != nil {
		s.log.Warn("RTCP report could not be made", "error", err)
		return
	}
	s.sendRTCP(c, data)
}

func (s *Session) compose(bye bool) []rtcp.Packet {
	now := s.clock()
	var blocks []rtcp.ReceptionReport
	s.rxMu.Lock()
	if src := &s.rx.source; src.known {
		blocks = append(blocks, rtcp.ReceptionReport{
			SSRC: src.ssrc, FractionLost: src.interval(), TotalLost: src.cumulative(),
			LastSequenceNumber: src.max, Jitter: uint32(src.jitter),
		})
	}
	s.rxMu.Unlock()
	s.reports.mu.Lock()
	if len(blocks) > 0 && s.reports.senderNTP != 0 {
		blocks[0].LastSenderReport = s.reports.senderNTP
		blocks[0].Delay = uint32((now - s.reports.senderAt) * 65536 / time.Second)
	}
	s.reports.mu.Unlock()

	t := s.tx
	t.mu.Lock()
	ssrc, sending := t.ssrc, t.packets > t.sentAt
	t.sentAt = t.packets
	sr := &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp(s.began.Add(now)), Reports: blocks,
		RTPTime:     t.ts + uint32(ticks(max(now-t.last, 0), t.clock)),
		PacketCount: uint32(t.packets - t.earlier.packets), OctetCount: uint32(t.octets - t.earlier.octets)}
	t.mu.Unlock()

	var first rtcp.Packet = sr
	if !sending {
		first = &rtcp.ReceiverReport{SSRC: ssrc, Reports: blocks}
	}
	packets := []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(ssrc, s.cfg.CNAME)}
	if c := s.config.Load(); c != nil && c.XR && len(blocks) > 0 {
		packets = append(packets, &rtcp.ExtendedReport{SenderSSRC: ssrc, Reports: []rtcp.ReportBlock{s.voipMetrics(blocks[0].SSRC)}})
	}
	if bye {
		packets = append(packets, &rtcp.Goodbye{Sources: []uint32{ssrc}})
	}
	return packets
}

// handleRTCP judges one datagram from the RTCP socket; the source rule is that of sound.
func (s *Session) handleRTCP(data []byte, from netip.AddrPort, at time.Duration) {
	kindOf := classify(data)
	switch {
	case s.closed.Load():
		return
	case kindOf == stunData:
		s.takeSTUN(partRTCP, data, from, at)
		return
	case kindOf == dtlsData:
		s.takeDTLS(partRTCP, data, from, at)
		return
	}
	c := s.config.Load()
	if c == nil {
		return
	}
	ok := from == c.RemoteRTCP || c.Mux && from == c.Remote
	if l := s.latched.Load(); l != nil && l.config == c.latching {
		ok = ok || from.Addr() == l.from.Addr()
	}
	for _, a := range c.agents {
		ok = ok || a != nil && a.accepts(from)
	}
	if !ok {
		s.strangers.Add(1)
		return
	}
	s.openRTCP(c, data, at)
}

// openRTCP takes the protection off, where there must be one, and reads what is inside.
func (s *Session) openRTCP(c *config, data []byte, at time.Duration) {
	if c.Secure.Kind != Clear {
		clear, v := c.openRTCP(data, at)
		if v != openedFine {
			s.unopened(v)
			return
		}
		data = clear
	}
	s.takeRTCP(data, at)
}

// takeRTCP reads a compound packet. Only the two reports and VoIP metrics are understood; everything else is stepped over unread, so
// that a hostile packet meets as little code as possible. BYE changes nothing: signalling ends calls.
func (s *Session) takeRTCP(data []byte, at time.Duration) {
	ours := s.tx.source()
	for len(data) >= 8 {
		var h rtcp.Header
		if h.Unmarshal(data) != nil {
			break
		}
		n := 4 * (int(h.Length) + 1)
		if n > len(data) {
			break
		}
		var one []rtcp.ReceptionReport
		switch h.Type {
		case rtcp.TypeSenderReport:
			var sr rtcp.SenderReport
			if sr.Unmarshal(data[:n]) != nil {
				s.malformed()
				return
			}
			s.reports.mu.Lock()
			s.reports.senderNTP, s.reports.senderAt = uint32(sr.NTPTime>>16), at
			s.reports.mu.Unlock()
			one = sr.Reports
		case rtcp.TypeReceiverReport:
			var rr rtcp.ReceiverReport
			if rr.Unmarshal(data[:n]) != nil {
				s.malformed()
				return
			}
			one = rr.Reports
		case rtcp.TypeExtendedReport:
			if !s.takeXR(data[:n], at) {
				s.malformed()
				return
			}
		}
		for _, r := range one {
			if r.SSRC == ours {
				s.heardBack(r, at)
			}
		}
		data = data[n:]
	}
	if len(data) > 0 {
		s.malformed()
	}
}

// heardBack takes what the far end says of our stream. RTT = now − LSR − DLSR (RFC 3550 §6.4.1).
func (s *Session) heardBack(r rtcp.ReceptionReport, at time.Duration) {
	s.tx.mu.Lock()
	sent := s.tx.packets
	s.tx.mu.Unlock()
	m := &s.reports
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.heard || r.LastSequenceNumber != m.highest || sent == m.sentThen:
		m.frozenAt = 0
	case m.frozenAt == 0:
		m.frozenAt = at
	}
	m.heard, m.heardAt, m.highest, m.sentThen = true, at, r.LastSequenceNumber, sent
	m.lost, m.lostSum = r.FractionLost, r.TotalLost
	m.jitter = ofTicks(int64(r.Jitter), s.tx.heardBack(r.FractionLost))
	if r.LastSenderReport == 0 {
		return
	}
	now := uint32(ntp(s.began.Add(at)) >> 16)
	rtt := int32(now - r.LastSenderReport - r.Delay)
	if d := time.Duration(rtt) * time.Second / 65536; d >= 0 && d < 10*time.Second {
		m.roundTrip = d
	}
}

// ntp is 32.32 fixed-point seconds since 1900.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
