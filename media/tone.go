package media

import (
	"math"
	"strings"
	"time"
)

// Tone is a call progress tone: frequencies sounding together in a rhythm.
type Tone struct {
	Name    string
	Hz      []float64
	Cadence []int   // milliseconds on, off, on, off …; empty sounds without pause
	Repeat  int     // rounds of the cadence; 0 until stopped
	Level   float64 // dBFS of the whole; 0 means −18
}

// Ringback is what a caller hears while the far end rings, in the country's own rhythm (ITU-T E.180 supplement 2).
// region is an ISO 3166 code; everything but the British Isles and North America sounds European.
func Ringback(region string) Tone {
	switch family(region) {
	case "GB":
		return Tone{Name: "ringback", Hz: []float64{400, 450}, Cadence: []int{400, 200, 400, 2000}}
	case "US":
		return Tone{Name: "ringback", Hz: []float64{440, 480}, Cadence: []int{2000, 4000}}
	}
	return Tone{Name: "ringback", Hz: []float64{425}, Cadence: []int{1000, 4000}}
}

// Busy is what a caller hears when the far end is busy; it ends after ten rounds.
func Busy(region string) Tone {
	switch family(region) {
	case "GB":
		return Tone{Name: "busy", Hz: []float64{400}, Cadence: []int{375, 375}, Repeat: 10}
	case "US":
		return Tone{Name: "busy", Hz: []float64{480, 620}, Cadence: []int{500, 500}, Repeat: 10}
	}
	return Tone{Name: "busy", Hz: []float64{425}, Cadence: []int{500, 500}, Repeat: 10}
}

// Congestion is what a caller hears when the call cannot be completed; it ends after ten rounds.
func Congestion(region string) Tone {
	switch family(region) {
	case "GB":
		return Tone{Name: "congestion", Hz: []float64{400}, Cadence: []int{400, 350, 225, 525}, Repeat: 10}
	case "US":
		return Tone{Name: "congestion", Hz: []float64{480, 620}, Cadence: []int{250, 250}, Repeat: 10}
	}
	return Tone{Name: "congestion", Hz: []float64{425}, Cadence: []int{250, 250}, Repeat: 10}
}

// CallWaiting is the sign that another call comes in, mixed once into the running one.
func CallWaiting(region string) Tone {
	switch family(region) {
	case "GB":
		return Tone{Name: "call waiting", Hz: []float64{400}, Cadence: []int{100, 100}, Repeat: 1, Level: -24}
	case "US":
		return Tone{Name: "call waiting", Hz: []float64{440}, Cadence: []int{300, 100}, Repeat: 1, Level: -24}
	}
	return Tone{Name: "call waiting", Hz: []float64{425}, Cadence: []int{200, 200, 200, 200}, Repeat: 1, Level: -24}
}

// Every is the tone with a pause behind its rounds, so that it begins again every d until it is stopped.
func (t Tone) Every(d time.Duration) Tone {
	rounds, once := max(t.Repeat, 1), t.Cadence
	t.Cadence, t.Repeat = nil, 0
	length := 0
	for range rounds {
		t.Cadence = append(t.Cadence, once...)
	}
	for _, ms := range t.Cadence {
		length += ms
	}
	rest := max(0, int(d/time.Millisecond)-length)
	if len(t.Cadence)%2 == 0 {
		t.Cadence = append(t.Cadence, 0)
	}
	t.Cadence = append(t.Cadence, rest)
	return t
}

func family(region string) string {
	switch strings.ToUpper(region) {
	case "GB", "UK", "IE", "IM", "JE", "GG", "AU", "NZ", "HK", "SG", "MT", "CY", "IN", "ZA":
		return "GB"
	case "US", "CA", "PR", "BS", "BB", "JM", "TT", "DO", "GU", "VI", "BM":
		return "US"
	}
	return "EU"
}

// toneRamp is the length of a tone's rise and fall in samples, 4 ms: a tone cut off hard clicks.
const toneRamp = Rate / 250

// TonePlayer sounds one Tone, frame after frame. Not for use by two goroutines at once.
type TonePlayer struct {
	tone  Tone
	osc   []oscillator
	amp   float64
	total int // samples of one round
	pos   int // in the round
	round int
}

// oscillator turns a unit vector by a fixed angle per sample: a sine without a table, exact enough when renormalised.
type oscillator struct{ x, y, cos, sin float64 }

// NewTonePlayer prepares a tone from its beginning.
func NewTonePlayer(t Tone) *TonePlayer {
	p := &TonePlayer{tone: t}
	level := t.Level
	if level == 0 {
		level = -18
	}
	p.amp = 32767 * math.Pow(10, level/20) / float64(max(len(t.Hz), 1))
	for _, hz := range t.Hz {
		sin, cos := math.Sincos(2 * math.Pi * hz / Rate)
		p.osc = append(p.osc, oscillator{x: 1, cos: cos, sin: sin})
	}
	for _, ms := range t.Cadence {
		p.total += ms * Rate / 1000
	}
	return p
}

// restart plays the tone from its beginning.
func (p *TonePlayer) restart() { p.pos, p.round = 0, 0 }

// Mix adds the tone's next samples to pcm and tells whether the tone still lasts.
func (p *TonePlayer) Mix(pcm []int16) bool {
	for i := range pcm {
		if p.tone.Repeat > 0 && p.round >= p.tone.Repeat {
			return false
		}
		v := 0.0
		for k := range p.osc {
			o := &p.osc[k]
			v += o.y
			o.x, o.y = o.x*o.cos-o.y*o.sin, o.x*o.sin+o.y*o.cos
		}
		pcm[i] = add(pcm[i], v*p.amp*p.envelope())
		if p.pos++; p.total > 0 && p.pos >= p.total {
			p.pos = 0
			p.round++
		}
	}
	for k := range p.osc {
		o := &p.osc[k]
		n := 1 / math.Hypot(o.x, o.y)
		o.x, o.y = o.x*n, o.y*n
	}
	return p.tone.Repeat == 0 || p.round < p.tone.Repeat
}

// envelope is 1 inside an "on" part of the cadence, 0 outside, with ramps.
func (p *TonePlayer) envelope() float64 {
	if p.total == 0 {
		return min(1, float64(p.pos)/toneRamp)
	}
	at := p.pos
	for i, ms := range p.tone.Cadence {
		n := ms * Rate / 1000
		if at < n {
			if i%2 == 1 {
				return 0
			}
			return min(1, float64(min(at, n-at))/toneRamp)
		}
		at -= n
	}
	return 0
}

func add(a int16, b float64) int16 {
	return int16(max(-32768, min(32767, float64(a)+b)))
}
