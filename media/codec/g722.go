package codec

// G.722 mode 1 (64 kbit/s): 16 kHz in, one octet per two samples; the octet holds 2 bits of the upper sub-band and 6
// of the lower. Names and steps follow the Recommendation (ITU-T G.722, clauses 3 and 6: QMF, QUANTL, LOGSCL, …) with
// its tables divided by 8 and 4 where both sides of a product carry the factor.

// G722Encoder codes one stream. Its zero value is not usable; see NewG722Encoder.
type G722Encoder struct {
	low, high band
	qmf       qmf
}

// G722Decoder decodes one stream. Its zero value is not usable; see NewG722Decoder.
type G722Decoder struct {
	low, high band
	qmf       qmf
	octets    [80]byte
	scratch   [160]int16
}

// NewG722Encoder makes an encoder in the Recommendation's initial state.
func NewG722Encoder() *G722Encoder {
	e := new(G722Encoder)
	e.Reset()
	return e
}

// NewG722Decoder makes a decoder in the Recommendation's initial state.
func NewG722Decoder() *G722Decoder {
	d := new(G722Decoder)
	d.Reset()
	return d
}

// Reset returns to the initial state.
func (e *G722Encoder) Reset() { *e = G722Encoder{low: band{scale: 8}, high: band{scale: 2}} }

// Reset returns to the initial state.
func (d *G722Decoder) Reset() { *d = G722Decoder{low: band{scale: 8}, high: band{scale: 2}} }

// Encode writes one octet per two samples of pcm, whose length is even, to dst and returns the number of octets.
func (e *G722Encoder) Encode(dst []byte, pcm []int16) int {
	n := len(pcm) / 2
	dst = dst[:n]
	for i := range dst {
		a, b := e.qmf.step(int32(pcm[2*i]), int32(pcm[2*i+1]))
		xl, xh := (a+b)>>14, (a-b)>>14

		el := sat(xl - e.low.s)
		il := quantLow(el, e.low.scale)
		e.low.update(int32(inv4[il>>2])*e.low.scale>>10, logLow[il>>2], 18432, 8)

		eh := sat(xh - e.high.s)
		ih := quantHigh(eh, e.high.scale)
		e.high.update(int32(inv2[ih])*e.high.scale>>10, logHigh[ih], 22528, 10)

		dst[i] = byte(ih<<6 | il)
	}
	return n
}

// Decode writes two samples per octet of src to pcm, which must have room, and returns the number of samples.
func (d *G722Decoder) Decode(pcm []int16, src []byte) int {
	pcm = pcm[:2*len(src)]
	for i, c := range src {
		il, ih := c&63, c>>6

		rl := clip14(int32(inv6[il])*d.low.scale>>10 + d.low.s)
		d.low.update(int32(inv4[il>>2])*d.low.scale>>10, logLow[il>>2], 18432, 8)

		dh := int32(inv2[ih]) * d.high.scale >> 10
		rh := clip14(dh + d.high.s)
		d.high.update(dh, logHigh[ih], 22528, 10)

		a, b := d.qmf.step(rl+rh, rl-rh)
		pcm[2*i], pcm[2*i+1] = int16(sat(a>>11)), int16(sat(b>>11))
	}
	return len(pcm)
}

// Follow keeps the decoder in step with sound that was made up for lost octets: at most 160 samples of pcm, an even
// number, after past (at least 24 samples). The lost octets would have moved predictor and step size; a decoder that
// stays where it was gives wrong loudness for tens of milliseconds after the gap. The made-up sound is coded with the
// decoder's own state (encoder and decoder hold the same) and decoded.
func (d *G722Decoder) Follow(past, pcm []int16) {
	e := G722Encoder{low: d.low, high: d.high}
	for past = past[len(past)-24:]; len(past) > 0; past = past[2:] {
		e.qmf.step(int32(past[0]), int32(past[1]))
	}
	n := e.Encode(d.octets[:], pcm)
	d.Decode(d.scratch[:], d.octets[:n])
}

// qmf is the pair of half-band filters (24 taps, clause 3.1), used alike to split and to join.
type qmf struct {
	x  [48]int32 // the last 24 samples are x[at:at+24]; doubled to be moved once per 12 steps
	at int
}

func (q *qmf) step(first, second int32) (a, b int32) {
	if q.at+2 > len(q.x)-24 {
		copy(q.x[:24], q.x[q.at:q.at+24])
		q.at = 0
	}
	q.at += 2
	w := q.x[q.at : q.at+24 : q.at+24]
	w[22], w[23] = first, second
	for i, c := range qmfTaps {
		b += w[2*i] * c
		a += w[2*i+1] * qmfTaps[11-i]
	}
	return a, b
}

// band is the adaptive predictor and quantiser scale of one sub-band (clause 3.6).
type band struct {
	s     int32    // prediction of the next sample
	sz    int32    // its zero section
	r, p  [2]int32 // reconstructed signal, partially reconstructed signal
	a     [2]int32 // poles
	d, b  [6]int32 // quantised differences, zeros
	nb    int32    // logarithmic scale factor
	scale int32    // linear scale factor, a quarter of DETL/DETH
}

// update adapts the band to the quantised difference d and predicts the next sample.
func (k *band) update(d, log, limit, shift int32) {
	r0, p0 := sat(k.s+d), sat(k.sz+d)

	// UPPOL2, UPPOL1: the poles follow the signs of p
	same1, same2 := (p0^k.p[0]) >= 0, (p0^k.p[1]) >= 0
	w := sat(k.a[0] << 2)
	if same1 {
		w = -w
	}
	a2 := min(w, 32767)>>7 + k.a[1]*32512>>15
	if same2 {
		a2 += 128
	} else {
		a2 -= 128
	}
	a2 = max(-12288, min(12288, a2))
	a1 := k.a[0] * 32640 >> 15
	if same1 {
		a1 += 192
	} else {
		a1 -= 192
	}
	edge := 15360 - a2
	a1 = max(-edge, min(edge, sat(a1)))

	// UPZERO and FILTEZ: the zeros follow the signs of d
	step := int32(128)
	if d == 0 {
		step = 0
	}
	sz := int32(0)
	prev := d
	for i := range k.b {
		w := -step
		if (k.d[i] ^ d) >= 0 {
			w = step
		}
		k.b[i] = sat(w + k.b[i]*32640>>15)
		k.d[i], prev = prev, k.d[i]
		sz += k.b[i] * sat(k.d[i]<<1) >> 15
	}
	k.sz = sat(sz)

	// DELAYA, FILTEP, PREDIC
	k.a = [2]int32{a1, a2}
	k.r[1], k.r[0] = k.r[0], r0
	k.p[1], k.p[0] = k.p[0], p0
	sp := sat(a1*sat(k.r[0]<<1)>>15 + a2*sat(k.r[1]<<1)>>15)
	k.s = sat(sp + k.sz)

	// LOGSCL, SCALEL: the step size, by a table of 2^(i/32)
	k.nb = max(0, min(limit, k.nb*127>>7+log))
	if sh := shift - k.nb>>11; sh < 0 {
		k.scale = int32(powers[k.nb>>6&31]) << -sh
	} else {
		k.scale = int32(powers[k.nb>>6&31]) >> sh
	}
}

// quantLow is QUANTL: 6 bits of the difference of the lower sub-band.
func quantLow(el, scale int32) int {
	w := el
	if el < 0 {
		w = -(el + 1)
	}
	lo, hi := 0, len(levels) // the number of decision levels at or below w
	for lo < hi {
		if m := (lo + hi) / 2; w < int32(levels[m])*scale>>10 {
			hi = m
		} else {
			lo = m + 1
		}
	}
	switch {
	case el >= 0:
		return 61 - lo
	case lo < 2:
		return 63 - lo
	}
	return 33 - lo
}

// quantHigh is QUANTH: 2 bits of the difference of the upper sub-band.
func quantHigh(eh, scale int32) int {
	if eh < 0 {
		if -(eh + 1) >= 141*scale>>8 {
			return 0
		}
		return 1
	}
	if eh >= 141*scale>>8 {
		return 2
	}
	return 3
}

func sat(x int32) int32    { return max(-32768, min(32767, x)) }
func clip14(x int32) int32 { return max(-16384, min(16383, x)) }

var (
	qmfTaps = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

	// levels are the decision levels of QUANTL (table 12, Q6).
	levels = [29]int16{35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
		1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919}

	inv6 = [64]int16{-17, -17, -17, -17, -3101, -2738, -2376, -2088, -1873, -1689, -1535, -1399, -1279, -1170, -1072,
		-982, -899, -822, -750, -682, -618, -558, -501, -447, -396, -347, -300, -254, -211, -170, -130, -91,
		3101, 2738, 2376, 2088, 1873, 1689, 1535, 1399, 1279, 1170, 1072, 982, 899, 822, 750, 682,
		618, 558, 501, 447, 396, 347, 300, 254, 211, 170, 130, 91, 54, 17, -54, -17}
	inv4 = [16]int16{0, -2557, -1612, -1121, -786, -530, -323, -150, 2557, 1612, 1121, 786, 530, 323, 150, 0}
	inv2 = [4]int16{-926, -202, 926, 202}

	logLow  = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	logHigh = [4]int32{798, -214, 798, -214}

	powers = [32]int16{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}
)
