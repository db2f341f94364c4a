package transaction

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"offhook/peers/feature"
)

// kamailio is a real proxy: OFFHOOK_KAMAILIO=host:port, with TLS one port above; OFFHOOK_KAMAILIO_CA is who signed its certificate.
func kamailio(t *testing.T) (addr, secure netip.AddrPort, roots *x509.CertPool) {
	t.Helper()
	addr, err := netip.ParseAddrPort(os.Getenv("OFFHOOK_KAMAILIO"))
	if err != nil {
		t.Skip("peer kamailio is not installed (OFFHOOK_KAMAILIO=host:port)")
	}
	roots = x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("OFFHOOK_KAMAILIO_CA")); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	return addr, netip.AddrPortFrom(addr.Addr(), addr.Port()+1), roots
}

// lookUp asks a far end for what it can do, and gives the status of its answer.
func lookUp(t *testing.T, l *Layer, f *Flow, dst netip.AddrPort) int {
	t.Helper()
	got := make(chan *Response, 8)
	req := newRequest("OPTIONS", NewCallID())
	req.URI = URI{Scheme: "sip", Host: dst.Addr().String()}
	if _, err := l.Send(f, dst, req, func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-got:
		if r.Seen != f.LocalAddr() {
			t.Errorf("seen as %v, we are %v", r.Seen, f.LocalAddr())
		}
		return r.Status
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
	}
	return 0
}

func TestAKamailioIsReachedOverTLSWhenItProvesWhoItIs(t *testing.T) {
	_, secure, roots := kamailio(t)
	l := New(Config{}, &recorder{})
	defer l.Close()
	host := secure.Addr().String()
	f, err := l.DialTLS(t.Context(), secure, Proof{Domain: host}.Config(&tls.Config{RootCAs: roots}))
	if err != nil {
		t.Fatal(err)
	}
	if status := lookUp(t, l, f, secure); status >= 500 {
		t.Errorf("OPTIONS got %d", status)
	}
	info, _ := f.TLS()
	t.Logf("%+v", info)
	for name, c := range map[string]struct {
		domain string
		roots  *x509.CertPool
		want   CertificateProblem
	}{
		"a stranger signed it": {host, x509.NewCertPool(), CertificateUnknown},
		"it is somebody else":  {"pbx.example.com", roots, CertificateWrongName},
	} {
		_, err := l.DialTLS(t.Context(), secure, Proof{Domain: c.domain}.Config(&tls.Config{RootCAs: c.roots}))
		if e := (*CertificateError)(nil); !errors.As(err, &e) || e.Problem != c.want {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Log(err)
		}
	}
}

func TestAKamailioAnswersKeepalivesOfBothKinds(t *testing.T) {
	addr, _, _ := kamailio(t)
	feature.Proves(t, "Kamailio", "keepalive and dead flow")
	l := New(Config{}, &recorder{})
	defer l.Close()
	f, err := l.ListenUDP(netip.AddrPortFrom(loopback.Addr(), 0))
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan netip.AddrPort, 8)
	stop := f.STUN(addr, 29*time.Second, func(m netip.AddrPort, err error) {
		if err != nil {
			t.Error(err)
		}
		told <- m
	})
	defer stop()
	select {
	case m := <-told:
		if m != f.LocalAddr() {
			t.Errorf("STUN says that we are %v, we are %v", m, f.LocalAddr())
		}
	case <-time.After(40 * time.Second):
		t.Fatal("no answer to STUN")
	}
	s, err := l.DialTCP(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Ping(netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
	}
	for until := time.Now().Add(20 * time.Second); !s.tcp.pongs.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("no answer to a ping")
		}
	}
	if status := lookUp(t, l, s, addr); status >= 500 || !s.Alive() {
		t.Errorf("afterwards %d, alive %v", status, s.Alive())
	}
}
