package transaction

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// INVITE on the wire to 180 on the wire, over loopback, with a handler that answers at once. The far end's socket calls are in it.
func BenchmarkInviteToRinging(b *testing.B) {
	h := &recorder{request: func(tx *ServerTx, req *Request) {
		if tx.Respond(NewResponse(req, 180, "")) == nil {
			tx.Respond(NewResponse(req, 486, ""))
		}
	}}
	l, f := udpLayer(b, Config{}, h)
	p := newPeer(b, f.LocalAddr())
	buf := make([]byte, 4096)
	var took []time.Duration
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		id := fmt.Sprint("bench", i)
		if i++; i%8000 == 0 { // each stays for Timer I after its ACK, and there is an end to them (maxServers)
			b.StopTimer()
			l.Close()
			l, f = udpLayer(b, Config{}, h)
			p.to = f.LocalAddr()
			b.StartTimer()
		}
		invite := requestText("INVITE", id, p.addr())
		began := time.Now()
		p.conn.WriteToUDPAddrPort([]byte(invite), p.to)
		n, _, err := p.conn.ReadFromUDPAddrPort(buf)
		took = append(took, time.Since(began))
		if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 180") {
			b.Fatalf("%v %q", err, buf[:n])
		}
		n, _, err = p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			b.Fatal(err)
		}
		p.send(ackTo(invite, string(buf[:n])))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

// Reading one INVITE with SDP into a Request.
func BenchmarkIntake(b *testing.B) {
	msg := []byte(requestText("INVITE", "parse", fakeRemote, "Supported: timer, 100rel", "P-Asserted-Identity: \"Ann\" <sip:+15550100@example.com>"))
	l := New(Config{}, &recorder{})
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		c := check(msg[:len(msg)-2])
		parsed, err := l.parser.ParseSIP(msg)
		if c.problem != nil || err != nil {
			b.Fatal(c.problem, err)
		}
		if _, problem := validate(fieldsOf(parsed), true); problem != nil {
			b.Fatal(problem)
		}
	}
}

func BenchmarkRespond(b *testing.B) {
	c, problem := validate(splitFields([]byte(requestText("INVITE", "render", fakeRemote))), true)
	if problem != nil {
		b.Fatal(problem)
	}
	req := &Request{Method: "INVITE", From: c.from, To: c.to, CallID: c.callID, CSeq: 1}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewResponse(req, 180, "").wire(&c.raw, c.raw.via[0], "tag", "offhook"); err != nil {
			b.Fatal(err)
		}
	}
}
