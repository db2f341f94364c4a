package media

// line is the sound between decoder and loudspeaker: what was just played, kept for concealment and stretching, and
// what is to be played next.
type line struct {
	buf      [past + 2*2*maxPayload + 2*Frame + 2*maxLag]int16
	pos, end int // played | ahead
}

func (l *line) reset() {
	clear(l.buf[:past])
	l.pos, l.end = past, past
}

func (l *line) len() int { return l.end - l.pos }

// ahead is what is to be played.
func (l *line) ahead() []int16 { return l.buf[l.pos:l.end] }

// room appends n samples for the caller to write.
func (l *line) room(n int) []int16 {
	if l.end+n+maxLag > len(l.buf) {
		drop := l.pos - past
		copy(l.buf[:], l.buf[drop:l.end])
		l.pos -= drop
		l.end -= drop
	}
	l.end += n
	return l.buf[l.end-n : l.end : l.end]
}

// before is the past of the last n samples of the line, at least 2·maxLag + pitchWindow of it.
func (l *line) before(n int) []int16 { return l.buf[:l.end-n] }

const (
	// quiet is the mean square below which any cut goes unheard: −50 dBFS.
	quiet = 100 * 100
	// periodic is the correlation from which a cut at the pitch goes unheard.
	periodic = 0.6
)

// shorten cuts one pitch period out of the beginning of what is ahead, leaving at least keep samples, and returns its
// length; 0 when the sound there is not periodic enough to cut unheard, unless it must be.
func (l *line) shorten(keep int, must bool) int {
	if l.len() < max(keep, pitchWindow)+minLag {
		return 0
	}
	lag, like := pitch(l.buf[l.pos-maxLag:l.pos+pitchWindow], maxLag)
	x := l.ahead()
	if len(x) < keep+lag || like < periodic && !must && energy(x) > quiet {
		return 0
	}
	// from x[i] to x[lag+i], over a period or what there is of it
	n := min(lag, len(x)-lag)
	for i := range n {
		x[lag+i] = mix(x[i], x[lag+i], i, n)
	}
	l.cut(lag)
	return lag
}

// cut removes the first n samples of what is ahead; the past stays joined to the rest.
func (l *line) cut(n int) {
	copy(l.buf[n:l.pos+n], l.buf[:l.pos])
	l.pos += n
}

// lengthen repeats the last pitch period played before what is ahead, and returns its length; 0 when the sound there is
// not periodic enough, unless it must be.
func (l *line) lengthen(must bool) int {
	if l.len() < pitchWindow {
		return 0
	}
	lag, like := pitch(l.buf[l.pos-maxLag:l.pos+pitchWindow], maxLag)
	if like < periodic && !must && energy(l.buf[l.pos-maxLag:l.pos+pitchWindow]) > quiet {
		return 0
	}
	l.room(lag)
	x := l.ahead()
	copy(x[lag:], x[:len(x)-lag])
	// from what comes next, x[lag+i], to what was played a period before it, which then flows into what comes next
	played := l.buf[l.pos-lag : l.pos]
	n := min(lag, len(x)-lag)
	for i := range played {
		if x[i] = played[i]; i < n {
			x[i] = mix(x[lag+i], played[i], i, n)
		}
	}
	return lag
}

// mix goes from a to b as i goes from 0 to n.
func mix(a, b int16, i, n int) int16 {
	return int16((int(a)*(n-i) + int(b)*i) / n)
}

// energy is the mean square.
func energy(x []int16) int {
	sum := 0
	for _, s := range x {
		sum += int(s) * int(s)
	}
	return sum / len(x)
}
