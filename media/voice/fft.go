package voice

import (
	"math"
	"math/bits"
)

// size of the transform: a window of 20 ms and zeros behind it.
const (
	size = 512
	bins = size/2 + 1
)

// fft is a real transform of size points, done as a complex one of half the size. One fft serves one goroutine.
type fft struct {
	turn  [size / 4]complex64 // of the half-size transform
	split [size / 2]complex64
	rev   [size / 2]uint8
	buf   [size / 2]complex64
}

func newFFT() *fft {
	f := &fft{}
	for k := range f.turn {
		sin, cos := math.Sincos(-4 * math.Pi * float64(k) / size)
		f.turn[k] = complex(float32(cos), float32(sin))
	}
	for k := range f.split {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / size)
		f.split[k] = complex(float32(cos), float32(sin))
	}
	for i := range f.rev {
		f.rev[i] = bits.Reverse8(uint8(i))
	}
	return f
}

// half transforms buf, whose order is already reversed.
func (f *fft) half() {
	b := &f.buf
	for i := 0; i < size/2; i += 2 {
		b[i], b[i+1] = b[i]+b[i+1], b[i]-b[i+1]
	}
	for span, step := 2, size/8; span < size/2; span, step = span*2, step/2 {
		for i := 0; i < size/2; i += 2 * span {
			lo, hi := b[i:i+span], b[i+span:i+2*span]
			for k := range lo {
				w, y := f.turn[k*step], hi[k]
				re := real(w)*real(y) - imag(w)*imag(y)
				im := real(w)*imag(y) + imag(w)*real(y)
				x := lo[k]
				lo[k] = complex(real(x)+re, imag(x)+im)
				hi[k] = complex(real(x)-re, imag(x)-im)
			}
		}
	}
}

// forward writes the spectrum of x.
func (f *fft) forward(x *[size]float32, out *[bins]complex64) {
	for i, r := range f.rev {
		f.buf[r] = complex(x[2*i], x[2*i+1])
	}
	f.half()
	z := f.buf[0]
	out[0], out[size/2] = complex(real(z)+imag(z), 0), complex(real(z)-imag(z), 0)
	for k := 1; k < size/2; k++ {
		a, b := f.buf[k], conj(f.buf[size/2-k])
		even, odd := (a+b)*0.5, (a-b)*0.5
		// odd part times −i, turned
		odd = complex(imag(odd), -real(odd))
		out[k] = even + f.split[k]*odd
	}
}

// inverse writes the real signal of a spectrum.
func (f *fft) inverse(in *[bins]complex64, x *[size]float32) {
	for k := range size / 2 {
		a, b := in[k], conj(in[size/2-k])
		even, odd := (a+b)*0.5, (a-b)*0.5*conj(f.split[k])
		z := even + complex(-imag(odd), real(odd))
		f.buf[f.rev[k]] = conj(z) // the inverse is the conjugate of the forward transform of the conjugate
	}
	f.half()
	for i, z := range f.buf {
		x[2*i] = real(z) * (2.0 / size)
		x[2*i+1] = -imag(z) * (2.0 / size)
	}
}

func conj(z complex64) complex64 { return complex(real(z), -imag(z)) }
