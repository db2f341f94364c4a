package media

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestDigitsArriveOnceEachOverRealSockets(t *testing.T) {
	var got collector
	v, a, b := pair(t, PCMU, Config{}, Config{OnDTMF: got.add})
	const want = "0123456789*#ABCD99"
	if err := a.SendDTMF("0123456789*#abcd9,9"); err != nil {
		t.Fatal(err)
	}
	var in, out [Frame]int16
	for range 600 {
		step(t, v, a, b, in[:], out[:])
	}
	settle(t, a, b)
	if got.String() != want {
		t.Errorf("digits %q arrived, want %q", got.String(), want)
	}
	if st := b.Stats(); st.Lost != 0 || st.Malformed != 0 {
		t.Errorf("events were taken for lost or broken packets: %+v", st)
	}
}

func TestDigitsArriveOnceEachUnderLossReorderingAndDuplicates(t *testing.T) {
	const want = "1234567890112233"
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		var got collector
		v := newVirtual()
		s := listen(t, v, Config{OnDTMF: got.add})
		p := Params{Remote: loopback(9), Codec: PCMU, Send: true, Receive: true, DTMFSendPT: 96, DTMFRecvPT: 96}
		if err := s.Configure(p); err != nil {
			t.Fatal(err)
		}
		c := s.config.Load()
		if err := s.SendDTMF(want); err != nil {
			t.Fatal(err)
		}
		var held []byte
		deliver := func(pkt []byte) { s.handleRTP(pkt, p.Remote, v.now()) }
		var frame [Frame]int16
		for range 500 {
			s.tx.write(v.now(), frame[:], c, false, func(pkt []byte) bool {
				switch x := r.Float64(); {
				case x < 0.2: // lost: of eight packets of a digit, all would have to be
				case x < 0.3 && held == nil:
					held = append(held, pkt...)
				default:
					deliver(pkt)
					if x > 0.9 {
						deliver(pkt)
					}
					if held != nil {
						deliver(held)
						held = nil
					}
				}
				return true
			})
			v.add(10 * time.Millisecond)
		}
		if got.String() != want {
			t.Errorf("seed %d: %q arrived, want %q", seed, got.String(), want)
		}
		s.Close()
	}
}

func TestBrokenEventsAreNoDigits(t *testing.T) {
	var d dtmfReceiver
	for _, payload := range [][]byte{nil, {1}, {1, 2, 3}, {16, 10, 0, 160}, {255, 255, 255, 255}} {
		if r := d.packet(1, 100, payload, 0); r != 0 {
			t.Errorf("%v is the digit %q", payload, r)
		}
	}
	if r := d.packet(1, 100, []byte{11, 0x80, 0, 0}, 0); r != '#' {
		t.Errorf("an end packet alone is %q, want #", r)
	}
}
