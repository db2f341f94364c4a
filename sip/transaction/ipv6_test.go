package transaction

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// loopback6 is the IPv6 loopback, where there is one.
func loopback6(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	c.Close()
	return netip.MustParseAddrPort("[::1]:0")
}

func TestIPv6CarriesRequestsOverEveryTransport(t *testing.T) {
	at := loopback6(t)
	ca := newAuthority(t)
	inbound := make(chan *Request, 1)
	server := New(Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
		tx.Respond(NewResponse(req, 200, ""))
		inbound <- req
	}})
	defer server.Close()
	udp, err := server.ListenUDP(at)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := server.ListenTCP(at)
	if err != nil {
		t.Fatal(err)
	}
	secure, err := server.ListenTLS(at, &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "::1")}})
	if err != nil {
		t.Fatal(err)
	}
	client := New(Config{}, &recorder{})
	defer client.Close()
	own, err := client.ListenUDP(netip.MustParseAddrPort("[::]:0"))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.DialTCP(t.Context(), tcp.Addr())
	if err != nil {
		t.Fatal(err)
	}
	safe, err := client.DialTLS(t.Context(), secure.Addr(), Proof{Domain: "[::1]"}.Config(&tls.Config{RootCAs: ca.pool()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flow *Flow
		dst  netip.AddrPort
	}{{own, udp.LocalAddr()}, {stream, tcp.Addr()}, {safe, secure.Addr()}} {
		got := make(chan *Response, 1)
		if _, err := client.Send(c.flow, c.dst, newRequest("OPTIONS", "six"+c.flow.Transport()), func(r *Response) { got <- r }, nil); err != nil {
			t.Fatal(err)
		}
		ours := c.flow.LocalFor(c.dst)
		if res := <-got; res.Status != 200 || res.Seen != ours {
			t.Errorf("%s: %d, seen as %v, we are %v", c.flow.Transport(), res.Status, res.Seen, ours)
		}
		req := <-inbound
		if want := "SIP/2.0/" + c.flow.Transport() + " " + ours.String() + ";branch="; !strings.HasPrefix(req.raw.via[0], want) || !strings.Contains(want, "[::1]:") {
			t.Errorf("Via is %q, want %q…", req.raw.via[0], want)
		}
		if contact := c.flow.Contact("2101", c.dst).URI; contact.Host != "::1" || !strings.HasPrefix(contact.String(), "sip:2101@[::1]:") {
			t.Errorf("Contact is %s", contact)
		} else if again, err := ParseURI(contact.String()); err != nil || !again.Equal(contact) {
			t.Errorf("%s is read as %v, %v", contact, again, err)
		}
	}
	// A socket for all addresses reaches IPv4 too, and names the address that leads there.
	four := New(Config{}, &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }})
	defer four.Close()
	f4, err := four.ListenUDP(loopback)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *Response, 1)
	if _, err := client.Send(own, f4.LocalAddr(), newRequest("OPTIONS", "four"), func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 || res.Source != f4.LocalAddr() || res.Seen.Addr() != loopback.Addr() {
		t.Errorf("from the socket for all to IPv4: %d from %v, seen as %v", res.Status, res.Source, res.Seen)
	}
}

func TestIPv6InViaIsReadAndStamped(t *testing.T) {
	source := netip.MustParseAddrPort("[fe80::1%eth0]:5070")
	for raw, c := range map[string]struct{ stamped, reply string }{
		"SIP/2.0/UDP [FE80:0::1]:5060;branch=z9hG4bKa":                  {"SIP/2.0/UDP [FE80:0::1]:5060;branch=z9hG4bKa", "[fe80::1%eth0]:5060"}, // the same, written otherwise
		"SIP/2.0/UDP [2001:db8::9]:5061;branch=z9hG4bKa":                {"SIP/2.0/UDP [2001:db8::9]:5061;branch=z9hG4bKa;received=fe80::1", "[fe80::1%eth0]:5061"},
		"SIP/2.0/UDP [2001:db8::9];branch=z9hG4bKa;rport":               {"SIP/2.0/UDP [2001:db8::9];branch=z9hG4bKa;received=fe80::1;rport=5070", "[fe80::1%eth0]:5070"},
		"SIP/2.0/UDP host.example.com;maddr=[2001:db8::66];branch=x":    {"SIP/2.0/UDP host.example.com;maddr=[2001:db8::66];branch=x;received=fe80::1", "[fe80::1%eth0]:5060"},
		"SIP/2.0/UDP [::ffff:192.0.2.1];received=[2001:db8::1];branch=": {"SIP/2.0/UDP [::ffff:192.0.2.1];branch=;received=fe80::1", "[fe80::1%eth0]:5060"},
	} {
		v, err := parseVia(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := v.stamped(source); got != c.stamped {
			t.Errorf("%s is stamped %s", raw, got)
		}
		if got := v.replyTo(source); got.String() != c.reply {
			t.Errorf("%s is answered to %v", raw, got)
		}
	}
	for _, raw := range []string{"SIP/2.0/UDP 2001:db8::9;branch=x", "SIP/2.0/UDP [2001:db8::9;branch=x", "SIP/2.0/UDP [evil::x y];branch=x", "SIP/2.0/UDP [192.0.2.1];branch=x",
		"SIP/2.0/UDP []:5060;branch=x", "SIP/2.0/UDP [::1]5060;branch=x"} {
		if v, err := parseVia(raw); err == nil { // RFC 5118 §4.1: without brackets nobody knows where the port begins
			t.Errorf("%q is read as %+v", raw, v)
		}
	}
	for raw, want := range map[string]string{ // RFC 5118 §4.5: with brackets or without
		"SIP/2.0/UDP [2001:db8::9]:5061;received=2001:db8::1":           "[2001:db8::1]:5061",
		"SIP/2.0/UDP [2001:db8::9]:5061;received=[2001:db8::1];rport=7": "[2001:db8::1]:7",
		"SIP/2.0/UDP 192.0.2.1;received=::ffff:192.0.2.9;rport=7":       "192.0.2.9:7",
		"SIP/2.0/UDP 192.0.2.1;received=fe80::1%lo":                     "[fe80::1]:0",
		"SIP/2.0/UDP 192.0.2.1;received=nonsense":                       "invalid AddrPort",
	} {
		v, err := parseVia(raw)
		if err != nil || v.seen().String() != want {
			t.Errorf("%s: seen as %v, %v", raw, v.seen(), err)
		}
	}
	a, _ := parseVia("SIP/2.0/UDP [2001:DB8:0:0::9];branch=x")
	b, _ := parseVia("SIP/2.0/TCP [2001:db8::9]:5060;branch=x")
	if a.sentBy() != b.sentBy() {
		t.Errorf("%s is not %s", a.sentBy(), b.sentBy())
	}
	x, _ := ParseURI("sip:a@[2001:DB8:0::9]:5060")
	y, _ := ParseURI("sip:a@[2001:db8::9]:5060")
	z, _ := ParseURI("sip:a@[2001:db8::8]:5060")
	if !x.Equal(y) || x.Equal(z) {
		t.Error("IPv6 addresses are compared as text")
	}
	u, _ := ParseURI("sip:a@h;maddr=[2001:db8::9]")
	if host, _, _ := Destination(u, nil); host != "2001:db8::9" {
		t.Errorf("maddr is %q", host)
	}
}
