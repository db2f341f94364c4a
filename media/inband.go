package media

import "math"

// The frequencies of DTMF (ITU-T Q.23).
var (
	lowTones  = [4]float64{697, 770, 852, 941}
	highTones = [4]float64{1209, 1336, 1477, 1633}
)

// keypad holds the digits by row and column of their two frequencies.
const keypad = "123A456B789C*0#D"

// dualTone makes the sound of one digit.
type dualTone struct {
	osc [2]oscillator
	amp [2]float64
}

const (
	// The levels of the two tones, dBFS: −9 and −7 dBm0 are usual; the higher one is stronger as lines weaken it.
	lowLevel, highLevel = -12, -10
	dualRamp            = Rate / 250 // 4 ms, or a digit would click
)

// begin prepares the digit of an event.
func (d *dualTone) begin(event byte) {
	at := 0
	for keypad[at] != digits[event] {
		at++
	}
	for i, hz := range [2]float64{lowTones[at/4], highTones[at%4]} {
		sin, cos := math.Sincos(2 * math.Pi * hz / Rate)
		d.osc[i] = oscillator{x: 1, cos: cos, sin: sin}
	}
	d.amp = [2]float64{32767 * math.Pow(10, lowLevel/20.0), 32767 * math.Pow(10, highLevel/20.0)}
}

// fill makes a frame; the first one rises, the last one falls.
func (d *dualTone) fill(frame []int16, first, last bool) {
	for i := range frame {
		v := 0.0
		for k := range d.osc {
			o := &d.osc[k]
			v += o.y * d.amp[k]
			o.x, o.y = o.x*o.cos-o.y*o.sin, o.x*o.sin+o.y*o.cos
		}
		if first {
			v *= min(1, float64(i)/dualRamp)
		}
		if last {
			v *= min(1, float64(len(frame)-1-i)/dualRamp)
		}
		frame[i] = clip(float32(v))
	}
}

// dtmfEar finds digits in sound by the Goertzel algorithm, in blocks of 20 ms every 10. Speech has two of these
// frequencies now and then, too; it is told from digits by what else it has: energy elsewhere, harmonics, no steadiness.
type dtmfEar struct {
	sound [4 * Frame]int16 // the last 40 ms
	coeff [2][8]float64    // fundamentals and their second harmonics
	last  byte             // digit of the block before, 0 none
	run   int              // blocks that it has lasted
	still int              // blocks without it
	told  byte             // the digit that has been told and still sounds
	level float64          // of the block before, mean square
}

const (
	earLeast  = 9e3  // mean square below which nothing is a digit: about −45 dBFS
	earPure   = 0.9  // share of the energy that the two tones must have
	earTwist  = 6.3  // most that the one may be stronger than the other, either way: 8 dB
	earSecond = 0.06 // most of a tone's energy that its second harmonic may have: voices have more
	earOthers = 0.1  // most that a neighbouring tone may have of the strongest
	earRun    = 6    // blocks in a row: with 20 ms blocks every 10 ms, 70 ms of tone; people and diallers make 80 and more
	earSteady = 1.5  // most that a block of a run may differ in energy from the one before: voices swell
	earStill  = 3    // blocks without it before the same digit counts anew
)

func newEar() *dtmfEar {
	e := new(dtmfEar)
	for i := range 4 {
		for h := range 2 {
			e.coeff[h][i] = 2 * math.Cos(2*math.Pi*lowTones[i]*float64(h+1)/Rate)
			e.coeff[h][4+i] = 2 * math.Cos(2*math.Pi*highTones[i]*float64(h+1)/Rate)
		}
	}
	return e
}

// hear takes a frame and returns the digit that has been found in it, or 0.
func (e *dtmfEar) hear(frame []int16) rune {
	copy(e.sound[:], e.sound[Frame:])
	copy(e.sound[3*Frame:], frame)
	d := e.judge()
	if d == 0 || d != e.last {
		e.run = 0
	}
	e.last = d
	if d != e.told {
		if e.still++; e.still >= earStill {
			e.told = 0
		}
	} else {
		e.still = 0
	}
	if d == 0 {
		return 0
	}
	if e.run++; e.run < earRun || d == e.told || !e.exact(d) {
		return 0
	}
	e.told, e.still = d, 0
	return rune(d)
}

// judge is the digit that the block holds, or 0.
func (e *dtmfEar) judge() byte {
	block := e.sound[2*Frame:]
	all := float64(energy(block))
	before := e.level
	e.level = all
	if all < earLeast || e.run > 1 && (all > earSteady*before || before > earSteady*all) {
		return 0
	}
	var p [8]float64
	for i := range p {
		p[i] = power(block, e.coeff[0][i])
	}
	low, high := strongest(p[:4]), 4+strongest(p[4:])
	l, h := p[low], p[high]
	if l+h < earPure*all || l > earTwist*h || h > earTwist*l {
		return 0
	}
	for i, v := range p {
		if i < 4 && i != low && v > earOthers*l || i >= 4 && i != high && v > earOthers*h {
			return 0
		}
	}
	if math.Abs(2*lowTones[low]-highTones[high-4]) > 90 && power(block, e.coeff[1][low]) > earSecond*l || power(block, e.coeff[1][high]) > earSecond*h {
		return 0
	}
	return keypad[4*low+high-4]
}

// exact tells whether 40 ms hold little else than the digit's two frequencies: a voice that passes over them does not.
func (e *dtmfEar) exact(digit byte) bool {
	at := 0
	for keypad[at] != digit {
		at++
	}
	x := e.sound[:]
	return power(x, e.coeff[0][at/4])+power(x, e.coeff[0][4+at%4]) > earPure*float64(energy(x))
}

// power is the mean square of one frequency's part of x.
func power(x []int16, coeff float64) float64 {
	var s1, s2 float64
	for _, v := range x {
		s1, s2 = float64(v)+coeff*s1-s2, s1
	}
	n := float64(len(x))
	return 2 * (s1*s1 + s2*s2 - coeff*s1*s2) / n / n
}

func strongest(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// hearDigits looks for digits in what is played, where that was asked for.
func (s *Session) hearDigits(c *config, pcm []int16) {
	if !c.DTMFListen || s.cfg.OnDTMF == nil {
		s.ear = nil
		return
	}
	if s.ear == nil {
		s.ear = newEar()
	}
	if d := s.ear.hear(pcm); d != 0 {
		s.cfg.OnDTMF(d)
	}
}
