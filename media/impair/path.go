// Package impair is a bad network on purpose: a seeded model of delay, jitter, loss in bursts, reordering, duplicates
// and clock drift, and a UDP proxy for RTP that does to real packets what the model says. Tests use the model in virtual
// time, and the proxy between this program and others. The same seed brings the same fate to the same packets. It reads
// no packet and changes none.
package impair

import (
	"math"
	"math/rand/v2"
	"time"
)

// Link is what happens to packets in one direction. The zero value is a perfect wire.
type Link struct {
	Seed  uint64
	Delay time.Duration // of every packet
	// Jitter is the mean of the variable part of the delay, which is gamma distributed with shape 2: one packet in a
	// hundred waits 3.3 times as long. Wander is how much a packet's part is like the one before, 0 to 1.
	Jitter time.Duration
	Wander float64
	// Loss is the share of packets that are lost, 0 to 1, in bursts of Burst packets in the mean (Gilbert's model); 0 and
	// 1 lose at random.
	Loss, Burst float64
	Reorder     float64 // share of packets that may overtake others, 0 to 1
	Duplicate   float64 // share of packets that come twice, 0 to 1
	Drift       float64 // how much faster the far end's clock appears to run, ppm
}

// Path is a link with its memory. It is used by one goroutine at a time.
type Path struct {
	link   Link
	r      *rand.Rand
	g      [4]float64
	bad    bool
	begun  bool
	origin time.Duration
	latest time.Duration
}

// NewPath begins a path; equal links give equal paths.
func NewPath(l Link) *Path {
	p := &Path{link: l, r: rand.New(rand.NewPCG(l.Seed, 0x1d0f))}
	for i := range p.g {
		p.g[i] = p.r.NormFloat64()
	}
	return p
}

// Pass decides a packet's fate: the moments at which it arrives, none when it is lost, two when it is duplicated. Times
// are since any fixed moment, and never go back.
func (p *Path) Pass(now time.Duration) (arrivals []time.Duration) {
	if !p.begun {
		p.begun, p.origin = true, now
	}
	at := now + p.link.Delay + p.jitter() - time.Duration(float64(now-p.origin)*p.link.Drift/1e6)
	overtakes := p.r.Float64() < p.link.Reorder
	if !overtakes {
		at = max(at, p.latest)
	}
	twice := p.r.Float64() < p.link.Duplicate
	if p.lost() {
		return nil
	}
	at = max(at, now)
	p.latest = max(p.latest, at)
	if arrivals = append(arrivals, at); twice {
		arrivals = append(arrivals, at+time.Millisecond)
	}
	return arrivals
}

// jitter is the next variable part. The sum of four squared normals with mean 1/4 each is gamma with shape 2.
func (p *Path) jitter() time.Duration {
	keep := max(0, min(p.link.Wander, 0.9999))
	sum := 0.0
	for i := range p.g {
		p.g[i] = keep*p.g[i] + math.Sqrt(1-keep*keep)*p.r.NormFloat64()
		sum += p.g[i] * p.g[i]
	}
	return time.Duration(sum / 4 * float64(p.link.Jitter))
}

func (p *Path) lost() bool {
	share, burst := p.link.Loss, max(1, p.link.Burst)
	if share <= 0 {
		return false
	}
	x := p.r.Float64()
	switch {
	case share >= 1:
		return true
	case burst == 1:
		return x < share
	case p.bad:
		p.bad = x > 1/burst
	default:
		p.bad = x < share/burst/(1-share)
	}
	return p.bad
}
