package reach

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"offhook/sip/locate"
)

func TestAnyReplyToOurOptionsShowsThatAServerIsThere(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked := make(chan string, 8)
	go func() {
		buf := make([]byte, 2048)
		for n := 0; ; n++ {
			size, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			request := string(buf[:size])
			asked <- request
			if n == 0 { // lost, and answered by a stranger and by nonsense
				_, _ = c.WriteTo([]byte("SIP/2.0 200 OK\r\nCall-ID: another\r\n\r\n"), from)
				_, _ = c.WriteTo([]byte("\x00\x01 hello"), from)
				continue
			}
			_, id, _ := strings.Cut(request, "Call-ID: ")
			id, _, _ = strings.Cut(id, "\r\n")
			_, _ = c.WriteTo([]byte("SIP/2.0 404 Not Found\r\nCall-ID: "+id+"\r\n\r\n"), from)
		}
	}()
	r, err := Server(t.Context(), locate.Server{Transport: "UDP", Addr: netip.MustParseAddrPort(c.LocalAddr().String()), Domain: "pbx.example.com"}, nil)
	if err != nil || r.Status != 404 || r.Took <= 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if first := <-asked; !strings.HasPrefix(first, "OPTIONS sip:pbx.example.com SIP/2.0\r\n") || !strings.HasSuffix(first, "Content-Length: 0\r\n\r\n") {
		t.Errorf("%q", first)
	}
}

func TestNobodyOnThePortAndNobodyWhoAnswersAreErrors(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:1") // the system gives this port to nobody who asks for any
	for _, transport := range []string{"UDP", "TCP"} {
		if _, err := Server(t.Context(), locate.Server{Transport: transport, Addr: at}, nil); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", transport, err)
		}
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := Server(t.Context(), locate.Server{Transport: "UDP", Addr: netip.MustParseAddrPort(silent.LocalAddr().String())}, nil); err == nil || err.Error() != "no reply" {
		t.Error(err)
	}
}

func TestACertificateIsCheckedAndItsEndIsTold(t *testing.T) {
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	s := locate.Server{Transport: "TLS", Addr: netip.MustParseAddrPort(srv.Listener.Addr().String()), Domain: "example.com"}
	if _, err := Server(t.Context(), s, nil); err == nil {
		t.Error("a certificate that nobody vouches for is believed")
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	r, err := Server(t.Context(), s, &tls.Config{RootCAs: pool})
	if err != nil || !r.Expires.Equal(srv.Certificate().NotAfter) {
		t.Errorf("%+v %v", r, err)
	}
	s.Domain = "another.example.org"
	if _, err := Server(t.Context(), s, &tls.Config{RootCAs: pool}); err == nil {
		t.Error("a certificate for another name is believed")
	}
}
