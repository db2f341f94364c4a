package media

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"offhook/internal/allocs"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// target is a session under attack from its negotiated source, in virtual time.
func target(t testing.TB) (*virtual, *Session, Params) {
	v := newVirtual()
	s := listen(t, v, Config{OnDTMF: func(rune) {}})
	p := Params{Remote: loopback(9), RemoteRTCP: loopback(10), Codec: G722, SendPT: 9, RecvPT: 9, DTMFRecvPT: 101, Send: true, Receive: true}
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
	return v, s, p
}

func packet(seq uint16, ts uint32, pt uint8, payload []byte) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: 5}, Payload: payload}
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

func FuzzRTP(f *testing.F) {
	f.Add(packet(1, 160, 9, make([]byte, 160)), uint16(20))
	f.Add(packet(65535, 4294967295, 101, []byte{1, 0x80, 0, 0}), uint16(1))
	f.Add(packet(2, 320, 13, []byte{0, 255, 255, 0}), uint16(3000))
	f.Add([]byte{0x90, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}, uint16(0))
	f.Add([]byte{0xbf, 0, 0, 1}, uint16(0))
	f.Add([]byte{0x80, 200, 0, 1, 0, 0, 0, 0}, uint16(0))
	v, s, p := target(f)
	var out [Frame]int16
	f.Fuzz(func(t *testing.T, data []byte, ms uint16) {
		s.handleRTP(data, p.Remote, v.now())
		v.add(time.Duration(ms) * time.Millisecond / 8)
		s.ReadFrame(out[:])
		s.Stats()
		if n := s.rx.player.line.len(); n > 4*maxPayload {
			t.Fatalf("%d samples have piled up", n)
		}
	})
}

func FuzzRTCP(f *testing.F) {
	v, s, p := target(f)
	p.XR = true
	if err := s.Configure(p); err != nil {
		f.Fatal(err)
	}
	for _, pk := range [][]rtcp.Packet{
		{&rtcp.SenderReport{SSRC: 1, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: s.tx.ssrc, FractionLost: 9, LastSenderReport: 1}}}},
		{&rtcp.ReceiverReport{SSRC: 1}, &rtcp.ExtendedReport{Reports: []rtcp.ReportBlock{&rtcp.VoIPMetricsReportBlock{SSRC: s.tx.ssrc, RFactor: 90, MOSCQ: 44}}}},
		{&rtcp.ReceiverReport{SSRC: 1}, rtcp.NewCNAMESourceDescription(1, "x"), &rtcp.Goodbye{Sources: []uint32{1}}},
	} {
		b, err := rtcp.Marshal(pk)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x80, 200, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0x9f, 201, 0, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		s.handleRTCP(data, p.RemoteRTCP, v.now())
		v.add(time.Millisecond)
		if st := s.Stats(); st.RemoteLoss < 0 || st.RemoteLoss > 100 || st.RoundTrip < 0 || st.RemoteMOS > 5 || st.RemoteRFactor > 100 {
			t.Fatalf("impossible figures: %+v", st)
		}
		if _, err := rtcp.Marshal(s.compose(false)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAFloodOfNonsenseFromTheRightSourceLeavesTheSoundAlive(t *testing.T) {
	v, s, p := target(t)
	r := rand.New(rand.NewPCG(9, 9))
	var out [Frame]int16
	for i := range 20000 {
		b := packet(uint16(r.Uint32()), r.Uint32(), []uint8{9, 0, 8, 13, 101, 77}[r.IntN(6)], make([]byte, r.IntN(1200)))
		for range r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		s.handleRTP(b[:r.IntN(len(b)+1)], p.Remote, v.now())
		s.handleRTCP(b, p.RemoteRTCP, v.now())
		if i%3 == 0 {
			s.ReadFrame(out[:])
			v.add(time.Duration(r.IntN(30)) * time.Millisecond)
		}
	}
	// and now the real far end
	tone := sine{hz: 800, amp: 8000}
	a := listen(t, v, Config{})
	if err := s.Configure(params(a, G722)); err != nil {
		t.Fatal(err)
	}
	if err := a.Configure(params(s, G722)); err != nil {
		t.Fatal(err)
	}
	var in [Frame]int16
	received := s.Stats().PacketsReceived
	for range 200 {
		tone.frame(in[:])
		a.WriteFrame(in[:])
		until(t, func() bool { return s.Stats().PacketsReceived-received >= a.Stats().PacketsSent })
		s.ReadFrame(out[:])
		v.add(10 * time.Millisecond)
	}
	if got := strength(out[:], 800); got < 0.95 {
		t.Errorf("after the flood the far end holds %.2f of its tone", got)
	}
}

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	kinds(t)                                      // Opus is not prepared meanwhile
	for _, c := range []Codec{G722, PCMU, PCMA} { // Opus allocates inside its library
		v, s, p := target(t)
		p.Codec, p.SendPT, p.RecvPT = c, c.PT, c.PT
		if err := s.Configure(p); err != nil {
			t.Fatal(err)
		}
		data := packet(0, 0, c.PT, make([]byte, 160))
		var pcm, out [Frame]int16
		n := uint16(0)
		if got := allocs.Of(200, func() {
			n++
			binary.BigEndian.PutUint16(data[2:], n)
			binary.BigEndian.PutUint32(data[4:], 160*uint32(n))
			if n%7 != 0 { // losses are part of the path
				s.handleRTP(data, p.Remote, v.now())
			}
			for range 2 {
				s.WriteFrame(pcm[:])
				s.ReadFrame(out[:])
				v.add(10 * time.Millisecond)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations per packet in each direction", c.Name, got)
		}
	}
}

// BenchmarkPacket is a call's 20 ms: a packet in, decoded and played; two frames out, encoded and sent.
func BenchmarkPacket(b *testing.B) {
	for _, c := range Codecs() {
		b.Run(c.Name, func(b *testing.B) {
			v, s, p := target(b)
			p.Codec, p.SendPT, p.RecvPT = c, c.PT, c.PT
			if err := s.Configure(p); err != nil {
				b.Fatal(err)
			}
			data := packet(0, 0, c.PT, make([]byte, 160))
			var pcm, out [Frame]int16
			b.ReportAllocs()
			for n := uint32(0); b.Loop(); n++ {
				binary.BigEndian.PutUint16(data[2:], uint16(n))
				binary.BigEndian.PutUint32(data[4:], 160*n)
				s.handleRTP(data, p.Remote, v.now())
				for range 2 {
					s.WriteFrame(pcm[:])
					s.ReadFrame(out[:])
					v.add(10 * time.Millisecond)
				}
			}
		})
	}
}

// BenchmarkJitterBuffer is one put and one take, without codec.
func BenchmarkJitterBuffer(b *testing.B) {
	var j jitterBuffer
	payload := make([]byte, 160)
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		at := time.Duration(n)*20*time.Millisecond + time.Duration(r.IntN(20))*time.Millisecond
		j.put(1, uint16(n), uint32(160*n), kindPCMU, payload, at)
		if sl := j.peek(); sl != nil && n > 3 {
			j.take(sl)
		}
	}
}

// BenchmarkConceal is the search for the pitch and 20 ms of concealment.
func BenchmarkConceal(b *testing.B) {
	past := make([]int16, 2*Rate/10)
	vowel(120)(past)
	out := make([]int16, 2*Frame)
	var c concealer
	b.ReportAllocs()
	for b.Loop() {
		c.begin(past)
		c.fill(out)
	}
}

// BenchmarkSocket is a packet written to and read from a loopback socket, with the kernel in between.
func BenchmarkSocket(b *testing.B) {
	_, x, y := pair(b, PCMU, Config{}, Config{})
	var pcm [Frame]int16
	b.ReportAllocs()
	for b.Loop() {
		x.WriteFrame(pcm[:])
		x.WriteFrame(pcm[:])
	}
	b.StopTimer()
	b.ReportMetric(float64(y.Stats().PacketsReceived)/float64(max(x.Stats().PacketsSent, 1)), "received/sent")
}
