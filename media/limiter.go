package media

// limiter protects the ear at the headset from acoustic shock: a fax tone, a shriek of feedback, a joker with a
// whistle. Three bounds, from mild to hard: how fast the level may rise, how loud it may stay, how high a sample may
// be. Speech at a usual level passes untouched.
type limiter struct {
	gain float32
	slow float32 // the level the ear is used to, as a mean square
}

const (
	// loudest level that may last: −12 dBFS, as a mean square; speech averages −20 to −26.
	loudest = 32768 * 32768 / 2 * 0.0631
	// rise above what the ear is used to that passes at once: 24 dB
	rise = 251
	// used to at least this: −42 dBFS, so that speech may begin out of silence
	floor = 32768 * 32768 / 2 * 0.0000631
	// ceiling of any sample: −3 dBFS
	ceiling = 23197
	// recovery of the gain per frame: 6 dB in 0.1 s
	recovery = 1.072
	attack   = Rate / 1000 // samples
)

func (l *limiter) process(pcm []int16) {
	if l.gain == 0 {
		l.gain, l.slow = 1, floor
	}
	level := float32(max(energy(pcm), 1))
	allowed := min(loudest, rise*l.slow)
	want := float32(1)
	if level > allowed {
		want = sqrt(allowed / level)
	}
	// the ear gets used to loudness within a quarter of a second, and to silence within two
	if in := min(level, loudest); in > l.slow {
		l.slow += (in - l.slow) * 0.04
	} else {
		l.slow = max(floor, l.slow*0.99)
	}
	from := l.gain
	to := min(want, from*recovery, 1)
	if from == 1 && to == 1 {
		for i, s := range pcm {
			pcm[i] = max(-ceiling, min(ceiling, s))
		}
		return
	}
	n := len(pcm) // upwards over the whole frame, downwards at once
	if to < from {
		n = min(attack, n)
	}
	for i, s := range pcm {
		g := to
		if i < n {
			g = from + (to-from)*float32(i+1)/float32(n)
		}
		pcm[i] = int16(max(-ceiling, min(ceiling, float32(s)*g)))
	}
	l.gain = to
}
