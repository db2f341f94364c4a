// Package codec is speech coding: G.711 in both laws and G.722 mode 1, each checked against an independent
// implementation. A coder turns samples into octets and back, without allocation; it knows nothing of packets, and
// the tables are the same for everyone and never change.
package codec

import "math/bits"

// ULaw and ALaw are the two laws of ITU-T G.711, one octet per sample at 8 kHz.
var (
	ULaw = newLaw(ulawSample, ulawCode)
	ALaw = newLaw(alawSample, alawCode)
)

// Law is one companding law of G.711. It has no state: any goroutine may use it.
type Law struct {
	decode [256]int16
	encode [1 << 14]byte // by the upper 14 bits of the sample, as G.711 has 14 (µ) and 13 (A)
}

func newLaw(sample func(byte) int16, code func(int) byte) *Law {
	l := new(Law)
	for i := range l.decode {
		l.decode[i] = sample(byte(i))
	}
	for i := range l.encode {
		l.encode[i] = code(int(int16(uint16(i) << 2)))
	}
	return l
}

// Encode writes one octet per sample of pcm to dst, which must have room, and returns the number of octets.
func (l *Law) Encode(dst []byte, pcm []int16) int {
	dst = dst[:len(pcm)]
	for i, s := range pcm {
		dst[i] = l.encode[uint16(s)>>2]
	}
	return len(pcm)
}

// Decode writes one sample per octet of src to pcm, which must have room, and returns the number of samples.
func (l *Law) Decode(pcm []int16, src []byte) int {
	pcm = pcm[:len(src)]
	for i, b := range src {
		pcm[i] = l.decode[b]
	}
	return len(src)
}

// ulawSample expands a µ-law octet (G.711 table 2): inverted, sign, 3 bits of segment, 4 of step, bias 33 of 8159.
func ulawSample(c byte) int16 {
	c = ^c
	v := (int(c&15)<<1 + 33) << (c >> 4 & 7)
	v = (v - 33) << 2
	if c&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

func ulawCode(s int) byte {
	sign := byte(0)
	v := s >> 2
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 8158) + 33
	seg := bits.Len(uint(v)) - 6
	return ^(sign | byte(seg<<4) | byte(v>>(seg+1)&15))
}

// alawSample expands an A-law octet (G.711 table 1): even bits inverted, sign 1 = positive, 13 bits.
func alawSample(c byte) int16 {
	c ^= 0x55
	v := int(c&15)<<1 + 1
	if seg := c >> 4 & 7; seg > 0 {
		v = (v + 32) << (seg - 1)
	}
	v <<= 3
	if c&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

func alawCode(s int) byte {
	sign := byte(0x80)
	v := s >> 3
	if v < 0 {
		v, sign = -v-1, 0
	}
	seg := max(bits.Len(uint(v))-5, 0)
	return (sign | byte(seg<<4) | byte(v>>max(seg, 1)&15)) ^ 0x55
}
