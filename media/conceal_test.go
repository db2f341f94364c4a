package media

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"offhook/media/codec"
)

// feed puts packets of 20 ms into a player and pulls two frames for each; gone tells which are lost.
func feed(p *player, k kind, packets int, gone func(i int) bool, sound func(pcm []int16)) (heard []int16) {
	var pcm [2 * Frame]int16
	var narrow [Frame]int16
	enc := codec.NewG722Encoder()
	out := make([]byte, 160)
	now := time.Second
	for i := range packets {
		sound(pcm[:]) // nothing above 3 kHz in it, so every second sample will do
		for k := range narrow {
			narrow[k] = pcm[2*k]
		}
		if k == kindG722 {
			enc.Encode(out, pcm[:])
		} else {
			codec.ALaw.Encode(out, narrow[:])
		}
		if !gone(i) {
			p.put(7, uint16(i), uint32(160*i), k, out, now)
		}
		for range 2 {
			var frame [Frame]int16
			p.get(now, frame[:])
			heard = append(heard, frame[:]...)
			now += 10 * time.Millisecond
		}
	}
	return heard
}

// roughness is the largest step between neighbouring samples.
func roughness(pcm []int16) (most, at int) {
	for i := 1; i < len(pcm); i++ {
		if d := int(pcm[i]) - int(pcm[i-1]); max(d, -d) > most {
			most, at = max(d, -d), i
		}
	}
	return most, at
}

// vowel is a sound with the harmonics of a voice at hz.
func vowel(hz float64) func([]int16) {
	n := 0
	return func(pcm []int16) {
		for i := range pcm {
			v, t := 0.0, float64(n)/Rate
			for k := 1.0; k*hz < 3000; k++ {
				v += math.Sin(2*math.Pi*hz*k*t+k*k) / k
			}
			pcm[i] = int16(4000 * v)
			n++
		}
	}
}

func TestALostPacketOfAVoiceIsFilledWithoutAClick(t *testing.T) {
	for _, k := range []kind{kindPCMA, kindG722} {
		for _, hz := range []float64{90, 131, 220, 333} {
			none := func(int) bool { return false }
			clean := feed(newPlayer(), k, 100, none, vowel(hz))[Rate/2:]
			holes := feed(newPlayer(), k, 100, func(i int) bool { return i > 20 && i%10 == 0 }, vowel(hz))[Rate/2:]
			usual, _ := roughness(clean)
			bound := usual * 5 / 4
			if k == kindG722 { // its predictor needs some milliseconds to find back
				bound = usual * 3 / 2
			}
			if most, at := roughness(holes); most > bound {
				t.Errorf("coding %v, voice at %v Hz: a step of %d at %d; the voice itself steps by %d at most", k, hz, most, at, usual)
			}
			if a, b := Level(clean), Level(holes); math.Abs(a-b) > 1 {
				t.Errorf("coding %v, voice at %v Hz: %.1f dBFS with holes, %.1f without", k, hz, b, a)
			}
		}
	}
}

func TestALongGapFadesToSilenceAndComesBack(t *testing.T) {
	p := newPlayer()
	// 200 ms are missing, and nothing later waits during them
	heard := feed(p, kindPCMA, 150, func(i int) bool { return i >= 50 && i < 60 }, vowel(150))
	at := 50 * 2 * Frame
	if l := Level(heard[at : at+2*Frame]); l < -25 {
		t.Errorf("the gap begins at %.1f dBFS; it should hold for 20 ms", l)
	}
	// 20 ms of hold and 60 of fade after the buffer ran dry, which it does within 40 ms
	if l := Level(heard[at+12*Frame : at+18*Frame]); l > silence {
		t.Errorf("after 120 ms of gap there is still %.1f dBFS", l)
	}
	if l := Level(heard[at+30*Frame:]); l < -25 {
		t.Errorf("after the gap the voice is at %.1f dBFS", l)
	}
	if p.delay > 80*time.Millisecond {
		t.Errorf("the gap left %v of delay", p.delay)
	}
}

func TestAStreamThatRestartsIsPlayedOn(t *testing.T) {
	p := newPlayer()
	var frame [Frame]int16
	tone := sine{hz: 500, amp: 8000}
	enc, out, pcm := codec.NewG722Encoder(), make([]byte, 160), make([]int16, 2*Frame)
	now := time.Second
	for i := range 400 {
		ssrc, seq, ts := uint32(1), uint16(i), uint32(160*i)
		switch {
		case i >= 300: // the same SSRC, another timestamp
			ssrc, ts = 2, ts+3000000000
		case i >= 200: // the same SSRC, another sequence
			ssrc, seq = 2, seq+30000
		case i >= 100: // another SSRC
			ssrc, seq, ts = 2, seq+7, ts+999
		}
		tone.frame(pcm)
		enc.Encode(out, pcm)
		p.put(ssrc, seq, ts, kindG722, out, now)
		var heard []int16
		for range 2 {
			p.get(now, frame[:])
			heard = append(heard, frame[:]...)
			now += 10 * time.Millisecond
		}
		if i%100 > 20 && strength(heard, 500) < 0.95 {
			t.Fatalf("packet %d is not heard: %.2f", i, strength(heard, 500))
		}
	}
}

func TestSoundThatWaitedWhileNobodyListenedIsNotPlayedLater(t *testing.T) {
	p := newPlayer()
	out := make([]byte, 160)
	var frame [Frame]int16
	now := time.Second
	put := func(i int, b byte) {
		for k := range out {
			out[k] = b
		}
		p.put(1, uint16(i), uint32(160*i), kindPCMU, out, now)
		now += 20 * time.Millisecond
	}
	get := func() { p.get(now, frame[:]); p.get(now+10*time.Millisecond, frame[:]) }
	for i := range 50 {
		put(i, 0xff)
		get()
	}
	for i := range 100 { // two seconds that nobody reads
		put(50+i, 0x10)
	}
	for i := range 50 {
		put(150+i, 0xff)
		get()
		if i > 2 && Level(frame[:]) > -60 {
			t.Fatalf("%d ms after the return old sound is heard", 20*i)
		}
	}
	if p.delay > 60*time.Millisecond {
		t.Errorf("the pause left %v of delay", p.delay)
	}
}

func TestComfortNoiseSoundsAtItsLevelAndEndsWithSpeech(t *testing.T) {
	p := newPlayer()
	out := make([]byte, 160)
	speak := func(i int) []byte {
		tone := make([]int16, 160)
		for k := range tone {
			tone[k] = int16(8000 * math.Sin(2*math.Pi*500*float64(160*i+k)/8000))
		}
		codec.ULaw.Encode(out, tone)
		return out
	}
	now := time.Second
	seq := uint16(0)
	var heard [][]int16
	for i := range 200 {
		switch {
		case i < 50 || i >= 150:
			p.put(1, seq, uint32(160*i), kindPCMU, speak(i), now)
			seq++
		case i%20 == 10: // CN only now and then
			p.put(1, seq, uint32(160*i), kindCN, []byte{50, 140, 120}, now)
			seq++
		}
		for range 2 {
			frame := make([]int16, Frame)
			p.get(now, frame)
			heard = append(heard, frame)
			now += 10 * time.Millisecond
		}
	}
	noise := slices.Concat(heard[140:290]...)
	// −50 dBov is −47 dB of a full-scale sine's energy
	if l := Level(noise); l < -49 || l > -45 {
		t.Errorf("noise of −50 dBov sounds at %.1f dBFS, want −47", l)
	}
	if s := strength(slices.Concat(heard[310:]...), 500); s < 0.97 {
		t.Errorf("speech after the noise holds %.2f of its tone", s)
	}
	if p.concealed > 10*Frame {
		t.Errorf("agreed silence was counted as %d concealed samples", p.concealed)
	}
}

func TestNoHostilePayloadMakesComfortNoiseLoud(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := newPlayer()
		payload := make([]byte, r.IntN(14))
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		if len(payload) > 0 {
			payload[0] = 0
		}
		p.cn.set(payload)
		var heard []int16
		for range 50 {
			heard = p.cn.append(heard, Frame)
		}
		if l := Level(heard); l > -20 {
			t.Fatalf("payload %v sounds at %.1f dBFS", payload, l)
		}
	}
}

func TestStretchingKeepsTheToneAndItsPhase(t *testing.T) {
	for _, hz := range []float64{100, 180, 440} {
		for _, longer := range []bool{false, true} {
			var l line
			l.reset()
			g := sine{hz: hz, amp: 8000}
			var heard []int16
			for i := range 60 {
				for l.len() < 3*Frame {
					g.frame(l.room(Frame))
				}
				if i%5 == 4 {
					before, n := l.len(), 0
					if longer {
						n = l.lengthen(false)
						if l.len() != before+n {
							t.Fatalf("lengthened by %d, says %d", l.len()-before, n)
						}
					} else {
						n = l.shorten(Frame, false)
						if l.len() != before-n {
							t.Fatalf("shortened by %d, says %d", before-l.len(), n)
						}
					}
					if n < minLag {
						t.Fatalf("%v Hz: a tone could not be stretched", hz)
					}
				}
				heard = append(heard, l.ahead()[:Frame]...)
				l.pos += Frame
			}
			usual := int(2*math.Pi*hz/Rate*8000) + 2
			if most, at := roughness(heard); most > usual*3/2 {
				t.Errorf("%v Hz, longer %v: a step of %d at %d, the tone steps by %d", hz, longer, most, at, usual)
			}
			if s := strength(heard[Frame:], hz); s < 0.9 {
				t.Errorf("%v Hz, longer %v: the tone holds %.2f of the energy", hz, longer, s)
			}
		}
	}
}
