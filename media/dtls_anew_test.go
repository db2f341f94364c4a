package media

import (
	"testing"
	"time"
)

// hears lets a say a tone and reports how much of it b heard at the end.
func (e *ends) hears(t testing.TB, a, b *Session) float64 {
	t.Helper()
	tone := &sine{hz: 600, amp: 8000}
	var heard []int16
	var in, out [Frame]int16
	for i := range 90 {
		tone.frame(in[:])
		a.WriteFrame(in[:])
		until(t, func() bool { s := b.Stats(); return s.PacketsReceived+s.SecureErrors >= a.Stats().PacketsSent })
		b.ReadFrame(out[:])
		if i >= 40 {
			heard = append(heard, out[:]...)
		}
		e.v.add(10 * time.Millisecond)
	}
	return strength(heard, 600)
}

func TestAFarEndThatBeginsAnewUnannouncedIsHeardAgain(t *testing.T) {
	for _, mux := range []bool{true, false} {
		e := newEnds(t, mux, Config{}, Config{})
		e.begin(t)
		talk(t, e.v, e.a, e.b, &sine{hz: 600, amp: 8000}, 60)
		for n := 2; n < 5; n++ {
			last := e.b.config.Load().in
			e.pa.Secure.DTLS.Restart = true // and nobody tells b
			if err := e.a.Configure(e.pa); err != nil {
				t.Fatal(err)
			}
			e.wait(t, n)
			until(t, func() bool { c := e.b.config.Load(); return c.in != last && c.rtcpIn != nil })
			if s := e.hears(t, e.a, e.b); s < 0.97 {
				t.Errorf("mux %v, time %d: the tone holds %.3f", mux, n, s)
			}
			if s := e.hears(t, e.b, e.a); s < 0.97 {
				t.Errorf("mux %v, time %d: the other way it holds %.3f", mux, n, s)
			}
		}
	}
}

func TestAStrangersHandshakeEndsNoCall(t *testing.T) {
	e := newEnds(t, true, Config{}, Config{})
	e.begin(t)
	talk(t, e.v, e.a, e.b, &sine{hz: 600, amp: 8000}, 60)
	keys := e.b.config.Load().in
	hello := make([]byte, 60) // from the right address, as only somebody on the way can
	copy(hello, []byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47, 1, 0, 0, 35, 0, 0, 0, 0, 0, 0, 0, 35, 254, 253})
	e.b.takeDTLS(partRTP, hello, e.pb.Remote, e.b.clock())
	e.b.takeDTLS(partRTP, []byte{22, 254}, e.pb.Remote, e.b.clock())
	if s := e.hears(t, e.a, e.b); s < 0.97 || e.b.config.Load().in != keys || len(e.lb.all()) != 1 {
		t.Errorf("the tone holds %.3f, told %v", s, e.lb.all())
	}
}
