package dialog

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// quietPhone rings everything and remembers nothing.
type quietPhone struct{ *phone }

func (q quietPhone) Incoming(s *Session)   { s.Ring() }
func (q quietPhone) Event(*Session, Event) {}

// BenchmarkInviteToRingingOnTheWire measures from the INVITE's last byte leaving a plain socket to the 180's arrival there.
func BenchmarkInviteToRingingOnTheWire(b *testing.B) {
	q := quietPhone{&phone{}}
	ua := New(Config{User: "phone", Codecs: testCodecs, DTMF: 101}, q)
	flow, err := ua.Layer().ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(flow.LocalAddr()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	defer ua.Layer().Close()
	var took []time.Duration
	buf := make([]byte, 4096)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		msg := fmt.Sprintf("INVITE sip:phone@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bKb%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:peer@127.0.0.1>;tag=t%d\r\nTo: <sip:phone@127.0.0.1>\r\nCall-ID: bench%d\r\nCSeq: 1 INVITE\r\nContact: <sip:peer@%v>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			flow.LocalAddr(), conn.LocalAddr(), n, n, n, conn.LocalAddr(), len(peerSDP), peerSDP)
		start := time.Now()
		if _, err := conn.Write([]byte(msg)); err != nil {
			b.Fatal(err)
		}
		for {
			k, err := conn.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			if strings.HasPrefix(string(buf[:k]), "SIP/2.0 180") {
				break
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
