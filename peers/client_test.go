//go:build unix

package peers

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// client is the least SIP that can ring a telephone and measure it: texts over one UDP socket.
type client struct {
	t      testing.TB
	conn   *net.UDPConn
	at     netip.AddrPort
	target netip.AddrPort
	n      int
	buf    [65536]byte
}

func newClient(t testing.TB, target netip.AddrPort) *client {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ownHost(7), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), target: target}
}

func (c *client) write(msg []byte) {
	if _, err := c.conn.WriteToUDPAddrPort(msg, c.target); err != nil {
		c.t.Fatal(err)
	}
}

// read waits for a response of this call that begins so; others, and retransmissions, are passed over.
func (c *client) read(callID, begins string) []byte {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		n, err := c.conn.Read(c.buf[:])
		if err != nil {
			c.t.Fatalf("%s never came: %v", begins, err)
		}
		if msg := c.buf[:n]; bytes.HasPrefix(msg, []byte(begins)) && bytes.Contains(msg, []byte(callID)) {
			return msg
		}
	}
}

// attempt is one INVITE of this client.
type attempt struct {
	c              *client
	number, callID string
	tag            string
}

func (c *client) attempt(number string) *attempt {
	c.n++
	return &attempt{c: c, number: number, callID: fmt.Sprintf("attempt-%d-%d@%s", c.at.Port(), c.n, c.at.Addr())}
}

func (a *attempt) message(method, tag, more, body string) []byte {
	return fmt.Appendf(nil, "%s sip:alex@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\nFrom: <sip:%s@%s>;tag=c1\r\nTo: <sip:alex@%s>%s\r\n"+
		"Call-ID: %s\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n%sContent-Length: %d\r\n\r\n%s",
		method, a.c.target, a.c.at, strings.ReplaceAll(a.callID, "@", "x"), a.number, a.c.at, a.c.target, tag, a.callID, method, more, len(body), body)
}

func (a *attempt) invite() {
	sdp := fmt.Sprintf("v=0\r\no=c 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", a.c.at.Addr())
	a.c.write(a.message("INVITE", "", fmt.Sprintf("Contact: <sip:c@%s>\r\nContent-Type: application/sdp\r\n", a.c.at), sdp))
}

func (a *attempt) rings() {
	msg := string(a.c.read(a.callID, "SIP/2.0 180"))
	_, to, _ := strings.Cut(msg, "\r\nTo:")
	to, _, _ = strings.Cut(to, "\r\n")
	if _, tag, ok := strings.Cut(to, ";tag="); ok {
		a.tag = ";tag=" + tag
	}
}

// giveUp cancels and sees the attempt to its end.
func (a *attempt) giveUp() {
	a.c.write(a.message("CANCEL", "", "", ""))
	a.c.read(a.callID, "SIP/2.0 487")
	a.c.write(a.message("ACK", a.tag, "", ""))
}

// alive asks with OPTIONS and waits for the answer.
func (c *client) alive() {
	a := c.attempt("probe")
	c.write(a.message("OPTIONS", "", fmt.Sprintf("Contact: <sip:c@%s>\r\n", c.at), ""))
	c.read(a.callID, "SIP/2.0 ")
}
