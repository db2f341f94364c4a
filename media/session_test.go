package media

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func TestATonePutInAtOneEndComesOutAtTheOther(t *testing.T) {
	kinds(t) // Opus is ready
	for _, codec := range Codecs() {
		for _, ptime := range []time.Duration{0, 10, 30, 60} {
			t.Run(codec.Name+" "+(ptime*time.Millisecond).String(), func(t *testing.T) {
				v, a, b := pair(t, codec, Config{}, Config{})
				p := params(b, codec)
				p.PTime = ptime * time.Millisecond
				if err := a.Configure(p); err != nil {
					t.Fatal(err)
				}
				tone := sine{hz: 1000, amp: 8000}
				var in, out [Frame]int16
				var heard []int16
				for range 150 {
					tone.frame(in[:])
					step(t, v, a, b, in[:], out[:])
					heard = append(heard, out[:]...)
				}
				heard = heard[50*Frame:]
				if s := strength(heard, 1000); s < 0.98 {
					t.Errorf("1000 Hz hold %.3f of the energy that is heard", s)
				}
				if l, want := Level(heard), Level(in[:]); l < want-1 || l > want+1 {
					t.Errorf("heard at %.1f dBFS, spoken at %.1f", l, want)
				}
				if in, out := a.Stats().InLevel, b.Stats().OutLevel; math.Abs(in-out) > 2 || out < -20 {
					t.Errorf("the meters say %.1f dBFS in and %.1f out", in, out)
				}
				st := b.Stats()
				if st.Lost != 0 || st.Late != 0 || st.Concealed > 1 || st.MOS < 4.2 || st.Codec != codec.Name || st.LastPacket.IsZero() {
					t.Errorf("a clean network is reported as %+v", st)
				}
			})
		}
	}
}

func TestAWrongSourceIsNeverHeardButCounted(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	var told []netip.AddrPort
	var log collector
	c := newVirtual()
	victim := listen(t, c, Config{OnStranger: func(from netip.AddrPort) { log.add('x'); told = append(told, from) }})
	if err := victim.Configure(params(a, PCMU)); err != nil {
		t.Fatal(err)
	}
	// b speaks to the victim, which expects a
	if err := b.Configure(params(victim, PCMU)); err != nil {
		t.Fatal(err)
	}
	tone := sine{hz: 1000, amp: 8000}
	var in, out [Frame]int16
	for range 40 {
		tone.frame(in[:])
		b.WriteFrame(in[:])
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return victim.Stats().Strangers == 20 })
	for range 40 {
		victim.ReadFrame(out[:])
		c.add(10 * time.Millisecond)
		if Level(out[:]) > silence {
			t.Fatal("the stranger is heard")
		}
	}
	if st := victim.Stats(); st.PacketsReceived != 0 || !st.LastPacket.IsZero() {
		t.Errorf("strangers count as the far end: %+v", st)
	}
	until(t, func() bool { return log.String() == "x" })
	victim.Close()
	if len(told) != 1 || told[0] != b.LocalRTP() {
		t.Errorf("told of %v, want %v once", told, b.LocalRTP())
	}
}

func TestWithLatchTheFarEndIsFoundBehindItsNAT(t *testing.T) {
	v, a, b := pair(t, PCMA, Config{}, Config{})
	wrong := params(b, PCMA)
	wrong.Remote, wrong.Latch = netip.MustParseAddrPort("192.0.2.7:4000"), true
	if err := a.Configure(wrong); err != nil {
		t.Fatal(err)
	}
	tone := sine{hz: 700, amp: 8000}
	var in, out [Frame]int16
	for range 20 { // 10 packets, of which the first is only a candidate
		tone.frame(in[:])
		b.WriteFrame(in[:])
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return a.Stats().PacketsReceived == 9 })
	if to, _ := a.destinationOf(a.config.Load(), partRTP); to != b.LocalRTP() {
		t.Errorf("sound goes to %v, want the far end's real address %v", to, b.LocalRTP())
	}
	// another source no longer gets in
	third := listen(t, v, Config{})
	if err := third.Configure(params(a, PCMA)); err != nil {
		t.Fatal(err)
	}
	before := a.Stats()
	for range 20 {
		third.WriteFrame(in[:])
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return a.Stats().Strangers == before.Strangers+10 })
	if got := a.Stats().PacketsReceived; got != before.PacketsReceived {
		t.Errorf("%d packets of a third party were accepted after the lock", got-before.PacketsReceived)
	}
	a.ReadFrame(out[:])
}

func TestMuteSendsSilenceAndHoldSendsNothing(t *testing.T) {
	v, a, b := pair(t, G722, Config{}, Config{})
	tone := sine{hz: 1000, amp: 8000}
	var in, out [Frame]int16
	talk := func(n int) (last []int16) {
		for range n {
			tone.frame(in[:])
			step(t, v, a, b, in[:], out[:])
		}
		return out[:]
	}
	if l := Level(talk(60)); l < -20 {
		t.Fatalf("not heard: %.1f dBFS", l)
	}
	a.SetMute(true)
	sent := a.Stats().PacketsSent
	if l := Level(talk(60)); l > -60 {
		t.Errorf("muted, and still heard at %.1f dBFS", l)
	}
	if n := a.Stats().PacketsSent - sent; n != 30 {
		t.Errorf("%d packets in 600 ms of mute, want 30", n)
	}
	if !a.Stats().Muted {
		t.Error("mute is not reported")
	}
	a.SetMute(false)
	talk(20)

	held := params(b, G722)
	held.Send = false
	if err := a.Configure(held); err != nil {
		t.Fatal(err)
	}
	sent = a.Stats().PacketsSent
	talk(60)
	if n := a.Stats().PacketsSent - sent; n != 0 {
		t.Errorf("%d packets while held", n)
	}
	held.Send = true
	if err := a.Configure(held); err != nil {
		t.Fatal(err)
	}
	if l := Level(talk(60)); l < -20 {
		t.Errorf("after the hold heard at %.1f dBFS", l)
	}

	v.add(time.Second) // off the headset
	if in, out := a.Stats().InLevel, b.Stats().OutLevel; in != silence || out != silence {
		t.Errorf("nobody talks, and the meters stand at %.1f and %.1f dBFS", in, out)
	}
	deaf := params(a, G722)
	deaf.Receive = false
	if err := b.Configure(deaf); err != nil {
		t.Fatal(err)
	}
	if l := Level(talk(10)); l > silence {
		t.Errorf("held by b, and still played at %.1f dBFS", l)
	}
}

func TestTheStreamObeysRTP(t *testing.T) {
	wire, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	v := newVirtual()
	s := listen(t, v, Config{})
	p := Params{Remote: wire.LocalAddr().(*net.UDPAddr).AddrPort(), Codec: PCMA, SendPT: 8, RecvPT: 8, DTMFSendPT: 101, Send: true}
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
	var frame [Frame]int16
	read := func() (h rtp.Packet) {
		buf := make([]byte, 1500)
		n, err := wire.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Unmarshal(buf[:n]); err != nil {
			t.Fatal(err)
		}
		return h
	}
	packet := func() rtp.Packet {
		for range 2 {
			s.WriteFrame(frame[:])
			v.add(10 * time.Millisecond)
		}
		return read()
	}
	first := packet()
	if !first.Marker || first.PayloadType != 8 || len(first.Payload) != 160 {
		t.Errorf("the first packet is %v", first)
	}
	for i := 1; i < 5; i++ {
		p := packet()
		if p.Marker || p.SequenceNumber != first.SequenceNumber+uint16(i) || p.Timestamp != first.Timestamp+uint32(160*i) || p.SSRC != first.SSRC {
			t.Errorf("packet %d after %v is %v", i, first, p)
		}
	}
	v.add(time.Second) // the microphone was elsewhere
	if p := packet(); !p.Marker || p.SequenceNumber != first.SequenceNumber+5 || p.Timestamp != first.Timestamp+160*5+8000 {
		t.Errorf("after a second of nothing %v", p)
	}

	if err := s.SendDTMF("5"); err != nil {
		t.Fatal(err)
	}
	var events []rtp.Packet
	for len(events) < 8 {
		if p := packet(); p.PayloadType == 101 {
			events = append(events, p)
		} else if len(events) > 0 {
			break
		}
	}
	if len(events) != 8 {
		t.Fatalf("a digit of 120 ms took %d packets, want 6 and two more ends", len(events))
	}
	for i, e := range events {
		dur, end := int(e.Payload[2])<<8|int(e.Payload[3]), e.Payload[1]&0x80 != 0
		if e.Marker != (i == 0) || e.Timestamp != events[0].Timestamp || dur != min(160*(i+1), 960) || end != (i >= 5) || e.Payload[0] != 5 {
			t.Errorf("event packet %d: marker %v, timestamp +%d, duration %d, end %v", i, e.Marker, e.Timestamp-events[0].Timestamp, dur, end)
		}
	}
	if p := packet(); p.Timestamp != events[0].Timestamp+8*160 || p.PayloadType != 8 {
		t.Errorf("sound after the digit has timestamp +%d, want +1280", p.Timestamp-events[0].Timestamp)
	}
}

func TestARefusedPortNeverEndsTheCall(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	gone := listen(t, v, Config{})
	p := params(gone, PCMU)
	gone.Close()
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	var frame, out [Frame]int16
	for range 50 {
		a.WriteFrame(frame[:])
		a.ReadFrame(out[:])
		v.add(10 * time.Millisecond)
	}
	a.sendReport(false)
	if err := a.Configure(params(b, PCMU)); err != nil {
		t.Fatal(err)
	}
	tone := sine{hz: 1000, amp: 8000}
	sent := a.Stats().PacketsSent
	for range 100 {
		tone.frame(frame[:])
		a.WriteFrame(frame[:])
		until(t, func() bool { return b.Stats().PacketsReceived >= a.Stats().PacketsSent-sent })
		b.ReadFrame(out[:])
		v.add(10 * time.Millisecond)
	}
	if s := strength(out[:], 1000); s < 0.95 {
		t.Errorf("the call did not go on: 1000 Hz hold %.2f of the energy", s)
	}
}

func TestPortsAreAnEvenOddPairFromTheRange(t *testing.T) {
	// The kernel names a pair that is free; another program may take it before we ask for it, hence the attempts.
	var a *Session
	low := 0
	for range 20 {
		probe := listen(t, newVirtual(), Config{})
		low = int(probe.LocalRTP().Port())
		probe.Close()
		var err error
		if a, err = Listen(Config{LocalIP: loopback(0).Addr(), PortMin: low, PortMax: low + 1}); err == nil {
			break
		}
	}
	if a == nil {
		t.Fatal("a pair that was free could not be bound in twenty attempts")
	}
	defer a.Close()
	if int(a.LocalRTP().Port()) != low || int(a.LocalRTCP().Port()) != low+1 || low%2 != 0 {
		t.Errorf("bound %v and %v from %d", a.LocalRTP(), a.LocalRTCP(), low)
	}
	for _, r := range [][2]int{{low, low + 1}, {low + 1, low + 1}, {low, low - 5}} {
		if _, err := Listen(Config{LocalIP: loopback(0).Addr(), PortMin: r[0], PortMax: r[1]}); !errors.Is(err, ErrNoPort) {
			t.Errorf("range %v: %v, want ErrNoPort", r, err)
		}
	}
}

func TestBadParametersChangeNothing(t *testing.T) {
	_, a, b := pair(t, PCMU, Config{}, Config{})
	before := a.config.Load()
	for _, p := range []Params{{}, {Codec: Codec{Name: "speex"}}, {Codec: PCMU, SendPT: 200}} {
		if a.Configure(p) == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
	if a.config.Load() != before {
		t.Error("the running configuration was touched")
	}
	b.Close()
	if err := b.Configure(params(a, PCMU)); !errors.Is(err, ErrClosed) {
		t.Errorf("configuring a closed session: %v", err)
	}
	if err := b.SendDTMF("1"); !errors.Is(err, ErrClosed) {
		t.Errorf("digits on a closed session: %v", err)
	}
	if err := a.SendDTMF("12x"); !errors.Is(err, ErrBadDigit) {
		t.Errorf("a bad digit: %v", err)
	}
	p := params(b, PCMU)
	p.DTMFSendPT = 0
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	if err := a.SendDTMF("1"); !errors.Is(err, ErrNoDTMF) {
		t.Errorf("digits that nobody takes: %v", err)
	}
}

func TestReportsCarryRoundTripAndTheOtherSidesLoss(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	var in, out [Frame]int16
	for range 100 {
		step(t, v, a, b, in[:], out[:])
		step(t, v, b, a, in[:], out[:])
	}
	a.sendReport(false) // a's SR reaches b …
	until(t, func() bool { b.reports.mu.Lock(); defer b.reports.mu.Unlock(); return b.reports.senderNTP != 0 })
	v.add(300 * time.Millisecond)
	b.rxMu.Lock()
	b.rx.source.max += 10 // … which has lost ten packets since
	b.rxMu.Unlock()
	// the reply is on its way for 80 ms: it is composed now and arrives later
	data, err := rtcp.Marshal(b.compose(false))
	if err != nil {
		t.Fatal(err)
	}
	a.handleRTCP(data, b.LocalRTCP(), v.now()+80*time.Millisecond)
	st := a.Stats()
	if d := st.RoundTrip - 80*time.Millisecond; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("round trip %v, want 80 ms", st.RoundTrip)
	}
	// 50 packets came in 100 frames, ten more were expected
	if want := 100 * 10.0 / 60; st.RemoteLoss < want-1 || st.RemoteLoss > want+1 {
		t.Errorf("the far end lost %.1f %%, want %.1f", st.RemoteLoss, want)
	}
	if st.RemoteMOS < 2 || st.RemoteMOS > 4 {
		t.Errorf("with such a loss the far end's MOS is %.2f", st.RemoteMOS)
	}
}

func TestCloseSaysBye(t *testing.T) {
	wire, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	s := listen(t, newVirtual(), Config{CNAME: "someone"})
	to := wire.LocalAddr().(*net.UDPAddr).AddrPort()
	if err := s.Configure(Params{Remote: to, RemoteRTCP: to, Codec: PCMU, Receive: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, err := wire.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := packets[0].(*rtcp.ReceiverReport); !ok {
		t.Errorf("a compound packet begins with %T, want a report (RFC 3550 §6.1)", packets[0])
	}
	if sdes, ok := packets[1].(*rtcp.SourceDescription); !ok || sdes.Chunks[0].Items[0].Text != "someone" {
		t.Errorf("the name is missing: %v", packets[1])
	}
	if bye, ok := packets[len(packets)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != s.tx.ssrc {
		t.Errorf("the last packet is %v, want BYE", packets[len(packets)-1])
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestTheCodecMayChangeInTheMiddleOfTheCall(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	tone := sine{hz: 600, amp: 8000}
	var in, out [Frame]int16
	for i, c := range []Codec{PCMU, G722, PCMA, G722} {
		if err := a.Configure(params(b, c)); err != nil { // b is told later, as happens: it understands all the same
			t.Fatal(err)
		}
		var heard []int16
		for range 80 {
			tone.frame(in[:])
			step(t, v, a, b, in[:], out[:])
			heard = append(heard, out[:]...)
		}
		if s := strength(heard[20*Frame:], 600); s < 0.97 {
			t.Errorf("with %s, codec %d, the tone holds %.2f", c.Name, i, s)
		}
		if err := b.Configure(params(a, c)); err != nil {
			t.Fatal(err)
		}
	}
	if st := b.Stats(); st.Malformed != 0 || st.Lost != 0 || st.Codec != "G722" {
		t.Errorf("after three changes %+v", st)
	}
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	_, a, b := pair(t, G722, Config{}, Config{OnDTMF: func(rune) {}})
	pa, pb := params(b, G722), params(a, PCMA)
	var wg sync.WaitGroup
	for _, f := range []func(i int){
		func(int) { var f [Frame]int16; a.WriteFrame(f[:]) },
		func(int) { var f [Frame]int16; b.ReadFrame(f[:]) },
		func(i int) { a.SetMute(i%2 == 0) },
		func(i int) { _ = a.SendDTMF("1") },
		func(i int) { pa.Send = i%3 > 0; _ = a.Configure(pa) },
		func(i int) { pb.Receive = i%3 > 0; _ = b.Configure(pb) },
		func(int) { a.Stats(); b.Stats() },
		func(int) { a.sendReport(false); b.sendReport(false) },
		func(i int) {
			if i == 150 {
				b.Close()
			}
		},
	} {
		wg.Go(func() {
			for i := range 300 {
				f(i)
			}
		})
	}
	wg.Wait()
	if a.Close() != nil || b.Close() != nil {
		t.Error("closing failed")
	}
}

func TestReportsAreSpreadAroundFiveSeconds(t *testing.T) {
	low, high, sum := time.Hour, time.Duration(0), time.Duration(0)
	const n = 2000
	for range n {
		d := reportInterval(false)
		low, high, sum = min(low, d), max(high, d), sum+d
		if first := reportInterval(true); first > 3100*time.Millisecond {
			t.Fatalf("the first report waits %v", first)
		}
	}
	// RFC 3550 §6.3.1: a half to one and a half of 5 s, divided by e − 3/2
	if low < 2052*time.Millisecond || high > 6157*time.Millisecond || sum/n < 3900*time.Millisecond || sum/n > 4300*time.Millisecond {
		t.Errorf("intervals from %v to %v, mean %v", low, high, sum/n)
	}
}
