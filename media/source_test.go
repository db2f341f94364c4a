package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLossIsCountedAcrossTheWrapOfSequenceNumbers(t *testing.T) {
	var s source
	seq := uint16(65000)
	for i := range 2000 {
		if i%10 != 5 {
			s.seen(1, seq, 0)
		}
		seq++
	}
	received, lost := s.totals()
	if received != 1800 || lost != 200 {
		t.Errorf("received %d, lost %d; want 1800 and 200", received, lost)
	}
	if s.max != 65000+1999 {
		t.Errorf("extended highest number %d, want 66999", s.max)
	}
	if f := s.interval(); f != 25 { // 10 % of 256
		t.Errorf("fraction lost %d/256, want 25", f)
	}
	if f := s.interval(); f != 0 {
		t.Errorf("an empty interval lost %d/256", f)
	}
	if s.recent < 9 || s.recent > 11 {
		t.Errorf("recent loss %.1f %%, want 10", s.recent)
	}
}

func TestDuplicatesMakeTheCumulativeLossNegativeInTwentyFourBits(t *testing.T) {
	var s source
	for i := range 10 {
		s.seen(1, uint16(i), 0)
		s.seen(1, uint16(i), 0)
	}
	if c := s.cumulative(); c != 0xfffff6 {
		t.Errorf("cumulative loss %#x, want −10 in 24 bits", c)
	}
	if _, lost := s.totals(); lost != 0 {
		t.Errorf("%d packets lost", lost)
	}
}

func TestASingleWildSequenceNumberIsNotBelieved(t *testing.T) {
	var s source
	for i := range 100 {
		s.seen(1, uint16(i), 0)
	}
	s.seen(1, 40000, 0)
	s.seen(1, 100, 0)
	if _, lost := s.totals(); lost != 0 {
		t.Errorf("one wild number lost %d packets", lost)
	}
	s.seen(1, 50000, 0)
	s.seen(1, 50001, 0) // two in a row: the far end restarted
	if s.base != 50001 {
		t.Errorf("the restart was not taken up: base %d", s.base)
	}
	if received, _ := s.totals(); received != 102 {
		t.Errorf("received %d over both streams, want 102", received)
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	var s source
	r := rand.New(rand.NewPCG(3, 4))
	j, last := 0.0, 0.0
	for i := range 500 {
		d := math.Floor(r.Float64() * 160) // ticks of delay, up to 20 ms
		s.arrived(uint32(4294960000+160*i), time.Duration(160*i+int(d))*time.Second/8000+time.Second, 8000)
		if i > 0 {
			j += (math.Abs(d-last) - j) / 16
		}
		last = d
	}
	if math.Abs(s.jitter-j) > 0.01 {
		t.Errorf("jitter %.2f ticks, want %.2f", s.jitter, j)
	}
}

func TestTheEModelGivesItsPublishedFigures(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		loss  float64
		want  float64
	}{
		{0, 0, 4.41},                      // R 93.2
		{100 * time.Millisecond, 0, 4.36}, // R 90.8
		{50 * time.Millisecond, 3, 4.11},  // Ie-eff 10
		{400 * time.Millisecond, 0, 3.11}, // R 59.1: 9.6 + 24.5 of delay
		{0, 100, 1.18},
	} {
		if got := mos(c.delay, c.loss, 1); math.Abs(got-c.want) > 0.06 {
			t.Errorf("delay %v, loss %v %%: MOS %.2f, want %.2f", c.delay, c.loss, got, c.want)
		}
	}
	for loss := 0.0; loss < 100; loss++ {
		if mos(time.Second/10, loss+1, 1) > mos(time.Second/10, loss, 1) {
			t.Fatalf("MOS rises with loss at %v %%", loss)
		}
	}
}
