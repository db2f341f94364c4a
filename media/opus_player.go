package media

import (
	"time"

	"offhook/media/codec/opus"
)

// opusPlayer is what playing Opus needs beside a decoder. Opus conceals itself, and its packets may repeat the speech
// of the packet before.
type opusPlayer struct {
	decoder *opus.Decoder
	gap     int     // samples concealed since the last packet
	pausing bool    // the far end said that it pauses: what is missing is not lost
	paused  int     // samples of the pause so far, since its last packet
	missing float64 // share of packets that were lost or late when they were needed, lately
	length  int     // samples of the last packet
}

const (
	// opusHold is how long Opus conceals at the level that it chooses itself, and opusFade what then leads to silence.
	opusHold = Rate * 100 / 1000
	opusFade = Rate * 60 / 1000
	// opusPause is how long a pause may last without a packet: there is one every 400 ms (RFC 6716 §2.1.9). After that
	// the far end is gone, and a line that sounds alive would deceive.
	opusPause = Rate
	// opusStep is what its concealment comes in: 2.5 ms.
	opusStep = Rate / 400
	// opusWorth is the share of missing packets from which waiting for the next packet pays: it holds what is missing.
	opusWorth = 0.01
)

// wanted is the delay to aim at.
func (p *player) wanted() time.Duration {
	want := p.jb.wanted()
	if p.coding == kindOpus && p.opus.missing > opusWorth {
		want = max(want, time.Duration(p.opus.length)*time.Second/Rate+bin)
	}
	return want
}

// follow counts what is missing before a packet that is played.
func (o *opusPlayer) follow(sl *slot, next int64) {
	const memory = 0.01
	for range min(sl.seq-next, 20) {
		o.missing += (1 - o.missing) * memory
	}
	o.missing -= o.missing * memory
}

// recover fills the gap before a packet from what that packet repeats of it, when it reaches that far.
func (p *player) recover(sl *slot, gap int) bool {
	o := &p.opus
	if p.coding != kindOpus || sl.kind != kindOpus || o.pausing || p.cn.active || o.decoder == nil || gap%opusStep != 0 {
		return false
	}
	data := sl.data[:sl.n]
	if gap > sl.kind.samples(data) || sl.seq == p.jb.next { // nothing is lost where the numbers have no gap
		return false
	}
	dst := p.line.room(gap)
	if o.decoder.Recover(dst, data) != nil {
		clear(dst)
	}
	p.head += int64(gap) * perSample
	p.recovered += uint64(gap)
	if o.gap >= opusHold {
		fadeIn(dst)
	}
	o.gap = 0
	return true
}

// concealOpus lets the decoder stand in for what is missing; false leaves it to others.
func (p *player) concealOpus(dst []int16, moved bool) bool {
	o := &p.opus
	if o.decoder == nil || p.loss.active || len(dst)%opusStep != 0 {
		return false
	}
	switch {
	case o.pausing && o.paused < opusPause: // its own noise, for as long as the pause lasts
		o.paused += len(dst)
		if o.decoder.Conceal(dst) != nil {
			clear(dst)
		}
		return true
	case o.gap >= opusHold+opusFade || o.decoder.Conceal(dst) != nil:
		clear(dst)
	case o.gap+len(dst) > opusHold:
		for i := range dst {
			dst[i] = int16(int(dst[i]) * max(0, min(opusFade, opusHold+opusFade-o.gap-i)) / opusFade)
		}
	}
	if moved || o.gap < opusHold+opusFade {
		p.concealed += uint64(len(dst))
	}
	o.gap += len(dst)
	return true
}

// decode writes the sound of a packet to dst, whose length the packet has named.
func (o *opusPlayer) decode(dst []int16, data []byte) {
	if o.decoder == nil {
		o.decoder = opus.NewDecoder()
	}
	n, err := o.decoder.Decode(dst, data)
	if err != nil {
		n = 0
		if o.decoder.Conceal(dst) == nil { // a damaged packet is a lost one
			n = len(dst)
		}
	}
	clear(dst[n:])
	if o.gap >= opusHold {
		fadeIn(dst)
	}
	o.gap, o.paused, o.pausing, o.length = 0, 0, opus.Silent(data), len(dst)
}

// fadeIn leads from silence into sound.
func fadeIn(dst []int16) {
	n := min(crossFade, len(dst))
	for i := range n {
		dst[i] = int16(int(dst[i]) * i / n)
	}
}

// release gives the decoder back.
func (p *player) release() {
	if p.opus.decoder != nil {
		p.opus.decoder.Release()
		p.opus.decoder = nil
	}
}
