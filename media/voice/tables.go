package voice

import "math"

// The functions of the estimator, by table: exact to a tenth of a decibel, and cheap.

const (
	expSteps = 32 // per unit of x
	expMost  = 20
	lsaSteps = 64 // per octave of v
	lsaLeast = -14
	lsaMost  = 6
)

var (
	expTable = makeExp()
	lsaTable = makeLSA()
)

func makeExp() (t [expMost*expSteps + 2]float32) {
	for i := range t {
		t[i] = float32(math.Exp(-float64(i) / expSteps))
	}
	return t
}

// expNegative is e^−x for x ≥ 0.
func expNegative(x float32) float32 {
	x *= expSteps
	if x >= expMost*expSteps {
		return 0
	}
	i := int(x)
	f := x - float32(i)
	return expTable[i] + (expTable[i+1]-expTable[i])*f
}

func makeLSA() (t [(lsaMost-lsaLeast)*lsaSteps + 2]float32) {
	for i := range t {
		t[i] = float32(math.Exp(0.5 * e1(math.Exp2(lsaLeast+float64(i)/lsaSteps))))
	}
	return t
}

// e1 is the exponential integral ∫ₓ^∞ e^−t/t dt (Abramowitz and Stegun 5.1.11, 5.1.22).
func e1(x float64) float64 {
	if x < 1 {
		sum, term := -0.57721566490153286-math.Log(x), 1.0
		for k := 1; k < 30; k++ {
			term *= -x / float64(k)
			sum -= term / float64(k)
		}
		return sum
	}
	f := 0.0
	for k := 60; k > 0; k-- { // the continued fraction, from its end
		f = float64(k) / (1 + float64(k)/(x+f))
	}
	return math.Exp(-x) / (x + f)
}

// expIntegral is exp(E₁(v)/2), with which the Wiener gain becomes that of log spectra.
func expIntegral(v float32) float32 {
	i := (log2(v) - lsaLeast) * lsaSteps
	switch {
	case i <= 0:
		return lsaTable[0]
	case i >= (lsaMost-lsaLeast)*lsaSteps:
		return 1
	}
	n := int(i)
	f := i - float32(n)
	return lsaTable[n] + (lsaTable[n+1]-lsaTable[n])*f
}

// log2 is within 0.0002 of the logarithm, for positive normal numbers: the exponent, and a series on the rest.
func log2(x float32) float32 {
	b := math.Float32bits(max(x, 1e-30))
	e := float32(int(b>>23) - 127)
	m := math.Float32frombits(b&0x7fffff | 0x3f800000)
	// m from 1 to 2: log2(m) by the area hyperbolic tangent, about the middle
	y := (m - 1.4142135) / (m + 1.4142135)
	y2 := y * y
	return e + 0.5 + y*(2.8853901+y2*(0.9617967+y2*(0.5770780+y2*0.4121986)))
}

func logOnePlus(x float32) float32 { return log2(1+x) * 0.6931472 }
