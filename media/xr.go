package media

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/pion/rtcp"
)

// gapMin is RFC 3611's Gmin: so many packets in a row without a loss between two of them end a burst.
const gapMin = 16

// runs sorts the far end's packets into bursts of loss and the gaps between them (RFC 3611 §4.7.2, algorithm of A.2). It
// judges each packet 64 packets later, so that one which only came out of order is none that was lost. Its counts are
// transitions between the states gap received 1, burst received 2, burst lost 3, gap lost 4.
type runs struct {
	known  bool
	ssrc   uint32
	max    uint16
	filled int    // packets in bits
	bits   uint64 // bit n: packet max − n came and was used

	since                        uint64 // packets received since the last loss
	lost                         uint64 // losses in the run that may be a burst
	c11, c13, c14, c22, c23, c33 uint64
	all, missing, strings/* losses in a row */ uint64
	inString bool
}

// seen notes a packet that came.
func (r *runs) seen(ssrc uint32, seq uint16) {
	ahead := int16(seq - r.max)
	switch {
	case !r.known || ssrc != r.ssrc || ahead >= maxDropout || ahead < -maxDropout:
		r.flush()
		r.known, r.ssrc, r.max, r.bits, r.filled = true, ssrc, seq, 1, 1
	case ahead > 0:
		for range ahead {
			if r.filled == 64 {
				r.judge(r.bits>>63 == 1)
			} else {
				r.filled++
			}
			r.bits <<= 1
		}
		r.max, r.bits = seq, r.bits|1
	case -ahead < int16(r.filled):
		r.bits |= 1 << -ahead
	}
}

// discard takes back a packet that came too late to be heard.
func (r *runs) discard(ssrc uint32, seq uint16) {
	if back := r.max - seq; r.known && ssrc == r.ssrc && int(back) < r.filled {
		r.bits &^= 1 << back
	}
}

// flush judges what is still waiting.
func (r *runs) flush() {
	for r.filled > 0 {
		r.filled--
		r.judge(r.bits>>r.filled&1 == 1)
	}
}

func (r *runs) judge(received bool) {
	r.all++
	if received {
		r.since++
		r.inString = false
		return
	}
	r.missing++
	if !r.inString {
		r.strings++
	}
	r.inString = true
	if r.since >= gapMin {
		if r.lost == 1 {
			r.c14++
		} else {
			r.c13++
		}
		r.lost = 1
		r.c11 += r.since
	} else {
		r.lost++
		if r.since == 0 {
			r.c33++
		} else {
			r.c23++
			r.c22 += r.since - 1
		}
	}
	r.since = 0
}

// metrics are shares (0–1) and mean lengths in packets.
type metrics struct{ burstShare, gapShare, burstLength, gapLength float64 }

// read returns what was found so far, those packets included that are still waiting.
func (r *runs) read() metrics {
	now := *r
	now.flush()
	// the stretch since the last loss is a gap too, which the reference algorithm counts only once it ends
	if now.since >= gapMin {
		now.c11 += now.since
	}
	f := func(n uint64) float64 { return float64(n) }
	var m metrics
	c31 := max(f(now.c13), 1)
	if all := f(now.c13) + f(now.c23) + f(now.c33); now.c23+now.c33 > 0 {
		p32 := f(now.c23) / all
		p23 := 1.0
		if now.c22+now.c23 > 0 {
			p23 = 1 - f(now.c22)/f(now.c22+now.c23)
		}
		m.burstShare = p23 / (p23 + p32)
		m.burstLength = (f(now.c22) + 2*f(now.c23) + f(now.c13) + f(now.c33)) / c31
	}
	if gap := now.c11 + now.c14; gap > 0 {
		m.gapShare = f(now.c14) / f(gap)
	}
	m.gapLength = (f(now.c11) + f(now.c14) + f(now.c13)) / c31
	return m
}

// ratio is the burst ratio of G.107: the mean length of losses in a row against that of random loss, at least 1.
func (r *runs) ratio() float64 {
	if r.strings == 0 || r.all == 0 {
		return 1
	}
	return max(1, float64(r.missing)/float64(r.strings)*(1-float64(r.missing)/float64(r.all)))
}

// farMetrics is what the far end says of how it hears us; zero where it does not know.
type farMetrics struct {
	known                            bool
	at                               time.Duration // when it came
	rFactor, listening, conversation float64
	discard                          float64 // percent
	buffer, delay                    time.Duration
}

// unavailable is RFC 3611's value for what is not measured.
const unavailable = 127

// voipMetrics is the report block about the far end's stream.
func (s *Session) voipMetrics(about uint32) *rtcp.VoIPMetricsReportBlock {
	st := s.Stats()
	s.rxMu.Lock()
	m := s.rx.runs.read()
	s.rxMu.Unlock()
	packet := 20 * time.Millisecond
	if c := s.config.Load(); c != nil {
		packet = time.Duration(c.ptime) * frameTime
	}
	level := uint8(unavailable)
	if st.OutLevel > silence+1 {
		level = uint8(int8(min(max(st.OutLevel+3, -60), 3))) // dBm0: full scale is about +3
	}
	buffer := milliseconds(st.Buffer)
	b := &rtcp.VoIPMetricsReportBlock{
		SSRC: about, LossRate: of256(st.LossPercent / 100), DiscardRate: of256(share(st.Late, st.PacketsReceived+st.Lost) / 100),
		BurstDensity: of256(m.burstShare), GapDensity: of256(m.gapShare),
		BurstDuration:  milliseconds(time.Duration(m.burstLength * float64(packet))),
		GapDuration:    milliseconds(time.Duration(m.gapLength * float64(packet))),
		RoundTripDelay: milliseconds(st.RoundTrip), EndSystemDelay: milliseconds(st.Buffer + besidesNetwork),
		SignalLevel: level, NoiseLevel: unavailable, RERL: unavailable, Gmin: gapMin,
		RFactor: unavailable, ExtRFactor: unavailable, MOSLQ: unavailable, MOSCQ: unavailable,
		RXConfig:  0b10<<6 | 0b11<<4, // enhanced concealment, adaptive buffer
		JBNominal: buffer, JBMaximum: milliseconds(bins * bin), JBAbsMax: milliseconds(bins * bin),
	}
	if st.MeanMOS > 0 {
		b.RFactor, b.MOSLQ, b.MOSCQ = uint8(math.Round(st.RFactor)), uint8(math.Round(10*st.ListeningMOS)), uint8(math.Round(10*st.MeanMOS))
	}
	return b
}

func of256(x float64) uint8 { return uint8(min(max(x*256, 0), 255)) }

func milliseconds(d time.Duration) uint16 {
	return uint16(min(max(d.Milliseconds(), 0), math.MaxUint16))
}

// takeXR reads an extended report: the VoIP metrics about our stream, and nothing else of it. It is read by hand, so that
// a hostile one meets as little code as possible.
func (s *Session) takeXR(data []byte, at time.Duration) bool {
	const headOfReport, headOfBlock, ofMetrics = 8, 4, 36
	if len(data) < headOfReport {
		return false
	}
	for data = data[headOfReport:]; len(data) >= headOfBlock; {
		n := headOfBlock + 4*int(binary.BigEndian.Uint16(data[2:]))
		if n > len(data) {
			return false
		}
		if b := data[:n]; rtcp.BlockTypeType(b[0]) == rtcp.VoIPMetricsReportBlockType && n == ofMetrics && binary.BigEndian.Uint32(b[4:]) == s.tx.ssrc {
			s.farMetrics(b, at)
		}
		data = data[n:]
	}
	return len(data) == 0
}

func (s *Session) farMetrics(b []byte, came time.Duration) {
	known := func(x byte, most, unit float64) float64 {
		if f := float64(x); f <= most {
			return f / unit
		}
		return 0
	}
	ms := func(at int) time.Duration { return time.Duration(binary.BigEndian.Uint16(b[at:])) * time.Millisecond }
	// offsets of RFC 3611 §4.7
	m := farMetrics{
		known: true, at: came,
		rFactor: known(b[24], 100, 1), listening: mosOrNone(known(b[26], 50, 10)), conversation: mosOrNone(known(b[27], 50, 10)),
		discard: float64(b[9]) * 100 / 256, delay: ms(18), buffer: ms(30),
	}
	s.reports.mu.Lock()
	s.reports.far = m
	s.reports.mu.Unlock()
}

// mosOrNone drops what cannot be a score.
func mosOrNone(x float64) float64 {
	if x < 1 {
		return 0
	}
	return x
}
