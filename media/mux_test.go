package media

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestPacketsOnOnePortAreToldApartByTheirFirstOctets(t *testing.T) {
	for b := range 256 {
		want := otherData
		switch {
		case b < 4:
			want = stunData
		case b >= 20 && b < 64:
			want = dtlsData
		case b >= 128 && b < 192:
			want = rtpData
		}
		if got := classify([]byte{byte(b), 0, 0, 0, 0, 0, 0, 0}); got != want {
			t.Errorf("first octet %d is %d, want %d", b, got, want)
		}
	}
	for pt := range 256 {
		if got := classify([]byte{0x80, byte(pt), 0, 1, 0, 0, 0, 0}) == rtcpData; got != (pt >= 192 && pt <= 223) {
			t.Errorf("second octet %d is RTCP: %v", pt, got)
		}
	}
	if classify(nil) != otherData {
		t.Error("nothing is something")
	}
}

func TestReportsShareTheSoundsPortWhereThatWasAgreed(t *testing.T) {
	wire, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	v := newVirtual()
	s := listen(t, v, Config{})
	to := wire.LocalAddr().(*net.UDPAddr).AddrPort()
	p := Params{Remote: to, Codec: PCMU, Receive: true, Mux: true}
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
	s.sendReport(false)
	buf := make([]byte, 1500)
	n, from, err := wire.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	if classify(buf[:n]) != rtcpData || from != s.LocalRTP() {
		t.Errorf("%x from %v, want a report from %v", buf[:n], from, s.LocalRTP())
	}
	// and one back on either port is read
	sr := []byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5}
	for _, at := range []netip.AddrPort{s.LocalRTP(), s.LocalRTCP()} {
		s.reports.mu.Lock()
		s.reports.senderNTP = 0
		s.reports.mu.Unlock()
		if _, err := wire.WriteToUDPAddrPort(sr, at); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { s.reports.mu.Lock(); defer s.reports.mu.Unlock(); return s.reports.senderNTP == 1<<16 })
	}
	if st := s.Stats(); st.Strangers != 0 || st.Malformed != 0 {
		t.Errorf("%+v", st)
	}
}

// inject sends n packets of a loud tone to a session from another address each time.
func inject(t *testing.T, victim *Session, n int, like rtp.Header) {
	t.Helper()
	loud := make([]byte, 160)
	for i := range loud {
		loud[i] = byte(i * 37)
	}
	var wires []*net.UDPConn
	for range 20 {
		w, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		wires = append(wires, w)
	}
	for i := range n {
		like.SequenceNumber++
		like.Timestamp += 160
		data, err := (&rtp.Packet{Header: like, Payload: loud}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wires[i/2%len(wires)].WriteToUDPAddrPort(data, victim.LocalRTP()); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 { // not faster than a receive buffer takes
			until(t, func() bool { return victim.Stats().Strangers >= uint64(i) })
		}
	}
}

func TestAThousandStrangersInMidCallChangeNothing(t *testing.T) {
	for name, prepare := range map[string]func(pa, pb *Params){
		"the negotiated address": func(*Params, *Params) {},
		"behind a NAT":           func(_, pb *Params) { pb.Latch, pb.Remote = true, addr("192.0.2.7:4000") },
		"encrypted, behind a NAT": func(pa, pb *Params) {
			pa.Secure, pb.Secure = sdes("AES_CM_128_HMAC_SHA1_80")
			pb.Latch, pb.Remote = true, addr("192.0.2.7:4000")
		},
	} {
		t.Run(name, func(t *testing.T) {
			quiet, attacked := make([]int16, 0), make([]int16, 0)
			for _, out := range []*[]int16{&quiet, &attacked} {
				v, a, b := pair(t, PCMU, Config{}, Config{})
				pa, pb := params(b, PCMU), params(a, PCMU)
				prepare(&pa, &pb)
				if err := errors.Join(b.Configure(pb), a.Configure(pa)); err != nil {
					t.Fatal(err)
				}
				tone := &sine{hz: 1000, amp: 8000}
				if pb.Latch { // the first packet is a candidate only
					var in [Frame]int16
					for range 4 {
						tone.frame(in[:])
						a.WriteFrame(in[:])
						v.add(10 * time.Millisecond)
					}
					until(t, func() bool { return b.Stats().PacketsReceived == 1 })
					b.rxMu.Lock()
					b.rx.source.received++ // for step, which counts what was sent
					b.rxMu.Unlock()
				}
				talk(t, v, a, b, tone, 60)
				strangers := b.Stats().Strangers
				if out == &attacked {
					inject(t, b, 1000, rtp.Header{Version: 2, SSRC: a.tx.ssrc, SequenceNumber: a.tx.seq, Timestamp: a.tx.ts})
				}
				*out = talk(t, v, a, b, tone, 100)
				st := b.Stats()
				if out == &attacked && st.Strangers-strangers != 1000 {
					t.Errorf("%d strangers were counted", st.Strangers-strangers)
				}
				if to, _ := b.destinationOf(b.config.Load(), partRTP); to != a.LocalRTP() {
					t.Errorf("sound goes to %v, want %v", to, a.LocalRTP())
				}
			}
			if !slices.Equal(quiet, attacked) {
				t.Error("what is heard differs from a call without strangers")
			}
		})
	}
}

func TestAHoldDoesNotOpenTheDoorButAFarEndThatMovedIsFound(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{Latch: true}) // the account's choice, not the signalling's
	p := params(a, PCMU)
	p.Remote = addr("192.0.2.7:4000") // what the exchange's SDP names
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	var in, out [Frame]int16
	speak := func(from *Session, packets int) (taken uint64) {
		before, strangers, sent := b.Stats().PacketsReceived, b.Stats().Strangers, from.Stats().PacketsSent
		for range 2 * packets {
			from.WriteFrame(in[:])
			b.ReadFrame(out[:])
			v.add(10 * time.Millisecond)
		}
		until(t, func() bool {
			st := b.Stats()
			return st.PacketsReceived-before+st.Strangers-strangers == from.Stats().PacketsSent-sent
		})
		return b.Stats().PacketsReceived - before
	}
	if n := speak(a, 10); n != 9 {
		t.Fatalf("%d of 10 packets were taken, want all but the first", n)
	}
	third := listen(t, v, Config{})
	if err := third.Configure(params(b, PCMU)); err != nil {
		t.Fatal(err)
	}
	for _, receive := range []bool{false, true} { // hold and resume
		p.Receive = receive
		if err := b.Configure(p); err != nil {
			t.Fatal(err)
		}
		if to, _ := b.destinationOf(b.config.Load(), partRTP); to != a.LocalRTP() {
			t.Errorf("after a re-INVITE sound goes to %v, where nobody was heard", to)
		}
		if n := speak(third, 10); n != 0 {
			t.Errorf("%d packets of a stranger were taken after a re-INVITE", n)
		}
		if n := speak(a, 10); n != 10 {
			t.Errorf("%d of 10 packets of the far end were taken", n)
		}
		v.add(time.Second)
		if n := speak(third, 10); n != 0 {
			t.Errorf("%d packets of a stranger were taken when the far end paused", n)
		}
	}
	// the exchange moves the sound to another of its machines, and names the same address again
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	v.add(reopenAfter)
	if n := speak(third, 10); n != 9 {
		t.Errorf("%d of 10 packets from the new place were taken", n)
	}
	if n := speak(a, 10); n != 0 {
		t.Errorf("%d packets from the old place were taken after that", n)
	}
	// signalling names another address: that is where the sound is now
	p.Remote = third.LocalRTP()
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	if n := speak(third, 10); n != 10 {
		t.Errorf("%d of 10 packets from the negotiated address were taken", n)
	}
}

func TestAnEncryptedCallIsLatchedByVerifiedPacketsOnly(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	pa, pb := params(b, PCMU), params(a, PCMU)
	pa.Secure, pb.Secure = sdes("AEAD_AES_128_GCM")
	pb.Latch, pb.Remote = true, addr("192.0.2.7:4000")
	if err := errors.Join(b.Configure(pb), a.Configure(pa)); err != nil {
		t.Fatal(err)
	}
	inject(t, b, 100, rtp.Header{Version: 2, SSRC: 5})
	var in [Frame]int16
	for range 20 {
		a.WriteFrame(in[:])
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return b.Stats().PacketsReceived == 9 })
	if st := b.Stats(); st.Strangers != 101 {
		t.Errorf("%d strangers", st.Strangers)
	}
}

func TestSilenceIsMeasuredWhileSoundIsExpected(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	v.add(4 * time.Second)
	if d := b.Stats().Silent; d != 4*time.Second {
		t.Errorf("nothing came for 4 s, told %v", d)
	}
	talk(t, v, a, b, &sine{hz: 500, amp: 8000}, 10)
	if d := b.Stats().Silent; d > 30*time.Millisecond {
		t.Errorf("sound comes, and the last is said to be %v ago", d)
	}
	p := params(a, PCMU)
	p.Receive = false
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	v.add(time.Minute)
	if d := b.Stats().Silent; d != 0 {
		t.Errorf("held, and silence of %v is told", d)
	}
	p.Receive = true
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	v.add(time.Second)
	if d := b.Stats().Silent; d != time.Second {
		t.Errorf("a second after the resume %v", d)
	}
}

func TestACallWorksOverIPv6(t *testing.T) {
	six := netip.IPv6Loopback()
	if c, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(six, 0))); err != nil {
		t.Skip("this machine has no IPv6")
	} else {
		c.Close()
	}
	v := newVirtual()
	var ends [2]*Session
	for i := range ends {
		s, err := Listen(Config{LocalIP: six, now: v.now, reticent: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ends[i] = s
	}
	for i := range ends {
		p := params(ends[1-i], G722)
		p.RemoteRTCP = netip.AddrPort{}
		if err := ends[i].Configure(p); err != nil {
			t.Fatal(err)
		}
	}
	if s := strength(talk(t, v, ends[0], ends[1], &sine{hz: 1000, amp: 8000}, 60)[30*Frame:], 1000); s < 0.98 {
		t.Errorf("the tone holds %.3f", s)
	}
	ends[0].sendReport(false)
	b := ends[1]
	until(t, func() bool { b.reports.mu.Lock(); defer b.reports.mu.Unlock(); return b.reports.senderNTP != 0 })
}
