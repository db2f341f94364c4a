package transaction

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// authority signs certificates for tests; the times are those of the bubble.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := x509.ParseCertificate(der)
	return &authority{t, c, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// sign makes a certificate; names are DNS names, "sip:" URIs or addresses.
func (a *authority) sign(change func(*x509.Certificate), names ...string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "pbx.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else if u, err := url.Parse(n); err == nil && u.Scheme != "" {
			tmpl.URIs = append(tmpl.URIs, u)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	parent, signer := a.cert, a.key
	if change != nil {
		if change(tmpl); tmpl.Issuer.CommonName == "itself" {
			parent, signer = tmpl, key
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// patient is a pipe whose far end need not wait until what it writes is read: a TLS server sends a certificate and more at once, and
// a client that does not like the certificate answers before it has read the rest.
func patient() (ours, theirs net.Conn) {
	a, b := net.Pipe()
	e := &eager{Conn: b, out: make(chan []byte, 100)}
	go func() {
		defer b.Close()
		for p := range e.out {
			b.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := b.Write(p); err != nil {
				return
			}
		}
	}()
	return a, e
}

type eager struct {
	net.Conn
	out  chan []byte
	once sync.Once
}

func (e *eager) SetWriteDeadline(time.Time) error { return nil }

func (e *eager) Write(p []byte) (int, error) {
	select {
	case e.out <- slices.Clone(p):
		return len(p), nil
	default:
		return 0, io.ErrClosedPipe
	}
}

func (e *eager) Close() error {
	e.once.Do(func() { close(e.out) })
	return nil
}

// secured dials over a pipe to a far end with this configuration, which is the connection's other end.
func secured(t *testing.T, l *Layer, cfg, theirs *tls.Config) (*Flow, *tls.Conn, error) {
	t.Helper()
	a, b := patient()
	far := tls.Server(b, theirs)
	shaken := make(chan struct{})
	go func() {
		defer close(shaken)
		if far.Handshake() != nil {
			b.Close()
		}
	}()
	f, err := l.ServeTLS(t.Context(), a, cfg, fakeLocal, fakeRemote, true)
	t.Cleanup(func() { b.Close() })
	<-shaken
	return f, far, err
}

func TestATLSFlowCarriesRequestsBothWaysAndSaysWhoIsThere(t *testing.T) {
	ca := newAuthority(t)
	answer := func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }
	inbound := make(chan *Request, 1)
	server := New(Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
		answer(tx, req)
		inbound <- req
	}})
	defer server.Close()
	ln, err := server.ListenTLS(loopback, &tls.Config{
		Certificates: []tls.Certificate{ca.sign(nil, "sip:example.com")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	})
	if err != nil {
		t.Fatal(err)
	}
	traced := make(chan TraceMessage, 100)
	client := New(Config{Trace: func(m TraceMessage) { traced <- m }}, &recorder{request: answer})
	defer client.Close()
	cfg := Proof{Domain: "Example.com"}.Config(&tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{ca.sign(nil, "agent.example.com")}})
	f, err := client.DialTLS(t.Context(), ln.Addr(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if info, ok := f.TLS(); !ok || info.Version != "TLS 1.3" || info.Cipher == "" || !info.Verified || !slices.Equal(info.Names, []string{"example.com"}) || info.NotAfter.IsZero() {
		t.Errorf("TLS says %+v, %v", info, ok)
	}
	got := make(chan *Response, 1)
	req := newRequest("OPTIONS", "there")
	req.URI.Scheme = "sips"
	if _, err := client.Send(f, netip.AddrPort{}, req, func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 || res.Seen != f.LocalAddr() || f.Transport() != "TLS" {
		t.Errorf("%d, seen as %v, local %v over %s", res.Status, res.Seen, f.LocalAddr(), f.Transport())
	}
	in := <-inbound
	if !strings.HasPrefix(in.raw.via[0], "SIP/2.0/TLS ") {
		t.Errorf("Via is %q", in.raw.via)
	}
	if info, ok := in.Flow.TLS(); !ok || !info.Verified || !slices.Equal(info.Names, []string{"agent.example.com"}) {
		t.Errorf("of the client is known %+v", info)
	}
	if _, err := server.Send(in.Flow, netip.AddrPort{}, newRequest("OPTIONS", "back"), func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 {
		t.Error(res.Status)
	}
	if c := f.Contact("2101", f.RemoteAddr()).URI.Params.String(); c != ";transport=tls" {
		t.Errorf("contact has %q", c)
	}
	if c, ok := f.SecureContact("2101", f.RemoteAddr()); !ok || c.URI.String() != "sips:2101@"+f.LocalAddr().String() {
		t.Errorf("secure contact is %v", c)
	}
	if m := <-traced; m.Transport != "TLS" || !m.Out || !strings.HasPrefix(string(m.Data), "OPTIONS") {
		t.Errorf("traced %+v", m)
	}
}

func TestASipsRequestLeavesOverTLSOnly(t *testing.T) {
	l, f := udpLayer(t, Config{}, &recorder{})
	req := newRequest("INVITE", "sips")
	req.URI.Scheme = "sips"
	if _, err := l.Send(f, loopback, req, nil, nil); !errors.Is(err, ErrInsecure) {
		t.Errorf("over UDP: %v", err)
	}
	sips, sip := URI{Scheme: "sips", Host: "h"}, URI{Scheme: "sip", Host: "r", Params: Params{{Name: "transport", Value: "udp", Has: true}}}
	for name, c := range map[string]struct {
		uri   URI
		route []Address
		want  string
	}{
		"sips":                {sips, nil, "TLS"},
		"sips, a sip route":   {sips, []Address{{URI: sip}}, "TLS"},
		"sip, a sips route":   {sip, []Address{{URI: sips}}, "TLS"},
		"sip":                 {sip, nil, "UDP"},
		"sip, transport=tls":  {URI{Scheme: "sip", Host: "h", Params: Params{{Name: "transport", Value: "tls", Has: true}}}, nil, "TLS"},
		"sips, transport=tcp": {URI{Scheme: "sips", Host: "h", Params: Params{{Name: "transport", Value: "tcp", Has: true}}}, nil, "TLS"},
	} {
		if _, _, got := Destination(c.uri, c.route); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The names of RFC 5922 §7.
func TestTheCertificateMustNameTheDomain(t *testing.T) {
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		domain   string
		names    []string
		ok, wild bool // without and with the setting for wildcards
	}{
		"the DNS name":                             {"example.com", []string{"example.com"}, true, true},
		"whatever the case":                        {"EXAMPLE.com.", []string{"Example.COM"}, true, true},
		"a SIP URI":                                {"example.com", []string{"sip:example.com"}, true, true},
		"a SIP URI among others":                   {"example.com", []string{"sip:other.example", "sip:example.com"}, true, true},
		"a SIP URI hides the DNS names":            {"example.com", []string{"sip:other.example", "example.com"}, false, false},
		"a user is no domain":                      {"example.com", []string{"sip:boss@example.com"}, false, false},
		"a user does not hide the DNS names":       {"example.com", []string{"sip:boss@example.com", "example.com"}, true, true},
		"another scheme does not count":            {"example.com", []string{"sips:example.com"}, false, false},
		"nor does it hide":                         {"example.com", []string{"https://example.com/", "example.com"}, true, true},
		"a host of the domain is not the domain":   {"example.com", []string{"pbx.example.com"}, false, false},
		"nor is the domain its hosts":              {"pbx.example.com", []string{"example.com"}, false, false},
		"a name that ends alike":                   {"example.com", []string{"badexample.com"}, false, false},
		"a wildcard":                               {"pbx.example.com", []string{"*.example.com"}, false, true},
		"a wildcard for two labels":                {"a.pbx.example.com", []string{"*.example.com"}, false, false},
		"a wildcard for no label":                  {"example.com", []string{"*.example.com"}, false, false},
		"a wildcard for everybody":                 {"example.com", []string{"*.com"}, false, false},
		"a part of a label":                        {"pbx1.example.com", []string{"pbx*.example.com"}, false, false},
		"only a Common Name":                       {"pbx.example.com", nil, false, false},
		"an address":                               {"192.0.2.9", []string{"192.0.2.9"}, true, true},
		"an IPv6 address":                          {"[2001:db8::1]", []string{"2001:0db8:0:0::1"}, true, true},
		"another address":                          {"192.0.2.9", []string{"192.0.2.90", "pbx.example.com"}, false, false},
		"an address is no DNS name":                {"192.0.2.9", []string{"sip:192.0.2.9.example.com"}, false, false},
		"no domain at all":                         {"", []string{"example.com", "*.com"}, false, false},
		"a domain that looks like the wildcard":    {"*.example.com", []string{"*.example.com"}, true, true},
		"an empty label is nobody's":               {".example.com", []string{"*.example.com"}, false, false},
		"a SIP URI with a port is the host's name": {"example.com", []string{"sip:example.com:5061"}, true, true},
	} {
		cert := ca.sign(nil, c.names...).Leaf
		for _, wild := range []bool{false, true} {
			want := c.ok
			if wild {
				want = c.wild
			}
			if err := (Proof{c.domain, wild}).names(cert); (err == nil) != want {
				t.Errorf("%s, wildcards %v: %v", name, wild, err)
			}
		}
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert, ca.cert}}}
		if err := VerifyDomain(c.domain)(state); (err == nil) != c.ok {
			t.Errorf("%s: VerifyDomain says %v", name, err)
		}
		state.VerifiedChains = nil
		if err := VerifyDomain(c.domain)(state); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: a certificate whose chain nobody verified: %v", name, err)
		}
	}
}

func TestWhatIsWrongWithACertificateIsOnePlainLine(t *testing.T) {
	far := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	for name, c := range map[string]struct {
		far     func(ca *authority) *tls.Config
		problem CertificateProblem
		says    string
	}{
		"expired": {func(ca *authority) *tls.Config {
			return far(ca.sign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "example.com"))
		}, CertificateExpired, "example.com shows a certificate that expired on 31 December 1999"},
		"not yet": {func(ca *authority) *tls.Config {
			return far(ca.sign(func(c *x509.Certificate) {
				c.NotBefore = time.Now().Add(48 * time.Hour)
				c.NotAfter = time.Now().Add(96 * time.Hour)
			}, "example.com"))
		}, CertificateNotYet, "valid only from 3 January 2000"},
		"unknown authority": {func(ca *authority) *tls.Config { return far(newAuthority(ca.t).sign(nil, "example.com")) },
			CertificateUnknown, "an authority that this computer does not trust"},
		"self-signed": {func(ca *authority) *tls.Config {
			return far(ca.sign(func(c *x509.Certificate) { c.Issuer.CommonName = "itself" }, "example.com"))
		}, CertificateSelfSigned, "signed itself"},
		"wrong name": {func(ca *authority) *tls.Config { return far(ca.sign(nil, "a.example.net", "b.example.net")) },
			CertificateWrongName, "belongs to a.example.net, b.example.net"},
		"a name with a trick": {func(ca *authority) *tls.Config { return far(ca.sign(nil, "sip:evil.example")) },
			CertificateWrongName, "belongs to evil.example"},
		"no name": {func(ca *authority) *tls.Config { return far(ca.sign(nil)) }, CertificateWrongName, "names nobody"},
		"for mail only": {func(ca *authority) *tls.Config {
			return far(ca.sign(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, "example.com"))
		}, CertificateUnfit, "not fit for a SIP server"},
		"for SIP domains": {func(ca *authority) *tls.Config {
			return far(ca.sign(func(c *x509.Certificate) {
				c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{sipDomain}
			}, "example.com"))
		}, "", ""},
		"good": {func(ca *authority) *tls.Config { return far(ca.sign(nil, "example.com")) }, "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Config{}, &recorder{})
			defer l.Close()
			ca := newAuthority(t)
			theirs := c.far(ca)
			for _, cfg := range []*tls.Config{
				Proof{Domain: "example.com"}.Config(&tls.Config{RootCAs: ca.pool()}),
				{ServerName: "example.com", RootCAs: ca.pool()}, // what crypto/tls says of the same
			} {
				if cfg.VerifyConnection == nil && (name == "for SIP domains" || name == "a name with a trick") {
					continue // crypto/tls knows neither
				}
				f, _, err := secured(t, l, cfg, theirs)
				if c.problem == "" {
					if err != nil || !f.Alive() {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				var e *CertificateError
				if !errors.As(err, &e) || e.Problem != c.problem || !errors.Is(err, ErrFlowDown) || !errors.Is(err, ErrCertificate) ||
					!strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\r\n") || !strings.HasPrefix(err.Error(), "example.com ") {
					t.Errorf("%s: %v (%+v)", name, err, e)
				}
			}
		})
	}
}

func TestOldTLSAndThingsThatAreNotTLSAreSaidPlainly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{}, &recorder{})
		defer l.Close()
		ca := newAuthority(t)
		cfg := Proof{Domain: "example.com"}.Config(&tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS10, KeyLogWriter: failing{t}})
		check := func(name string, err error, says string) {
			t.Helper()
			if !errors.Is(err, ErrFlowDown) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, _, err := secured(t, l, cfg, &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		check("TLS 1.1", err, "does not accept TLS 1.2")
		if f, _, err := secured(t, l, cfg, &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}, MaxVersion: tls.VersionTLS12}); err != nil {
			t.Errorf("TLS 1.2: %v", err)
		} else if info, _ := f.TLS(); info.Version != "TLS 1.2" {
			t.Errorf("spoke %+v", info)
		}
		for name, c := range map[string]struct{ reply, says string }{
			"plain SIP":      {"SIP/2.0 400 Bad Request\r\n\r\n", "does not speak TLS on this port"},
			"hangs up":       {"", "hung up"},
			"says nothing":   {"wait", "said nothing in TLS in time"},
			"part of a hand": {"\x16\x03\x03\x00", "hung up"},
		} {
			a, b := net.Pipe()
			go func() {
				io.ReadFull(b, make([]byte, 5))
				go io.Copy(io.Discard, b)
				if c.reply != "wait" {
					b.Write([]byte(c.reply))
					b.Close()
				}
			}()
			began := time.Now()
			_, err := l.ServeTLS(t.Context(), a, cfg, fakeLocal, fakeRemote, true)
			check(name, err, c.says)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			b.Close()
		}
		ctx, cancel := context.WithCancel(t.Context())
		a, b := net.Pipe()
		go func() {
			io.ReadFull(b, make([]byte, 5))
			cancel()
			io.Copy(io.Discard, b)
		}()
		_, err = l.ServeTLS(ctx, a, cfg, fakeLocal, fakeRemote, true)
		check("given up", err, "was not waited for")
		if _, err := l.DialTLS(t.Context(), fakeRemote, &tls.Config{}); err == nil {
			t.Error("a configuration that proves nobody was taken")
		}
	})
}

// failing is a key log that must not be used.
type failing struct{ t *testing.T }

func (f failing) Write(p []byte) (int, error) {
	f.t.Errorf("a key was written down: %q", p)
	return len(p), nil
}

func TestAServerThatDoesNotLikeOurCertificateIsSaidToBe(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		synctest.Test(t, func(t *testing.T) {
			var down []error
			l := New(Config{}, &recorder{down: func(_ *Flow, err error) { down = append(down, err) }})
			defer l.Close()
			ca := newAuthority(t)
			theirs := &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(), MaxVersion: version}
			for _, c := range []struct {
				ours []tls.Certificate
				want CertificateProblem
			}{{nil, CertificateOursNeeded}, {[]tls.Certificate{newAuthority(t).sign(nil, "agent.example.com")}, CertificateOursBad}} {
				down = nil
				ours := &tls.Config{RootCAs: ca.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if c.ours == nil {
						return &tls.Certificate{}, nil
					}
					return &c.ours[0], nil
				}}
				a, b := patient()
				go func() {
					far := tls.Server(b, theirs)
					if far.Handshake() != nil {
						b.Close()
					}
				}()
				f, err := l.ServeTLS(t.Context(), a, Proof{Domain: "example.com"}.Config(ours), fakeLocal, fakeRemote, true)
				if err == nil { // TLS 1.3: our side was done before
					<-f.Done()
					synctest.Wait()
					if err = f.Err(); len(down) != 1 {
						t.Errorf("told %v", down)
					}
				}
				var e *CertificateError
				if !errors.As(err, &e) || !errors.Is(err, ErrFlowDown) || e.Problem != c.want {
					t.Errorf("%s: %v", tls.VersionName(version), err)
				}
			}
		})
	}
}

func TestStrangersThatDoNotFinishTheirHandshakeHoldNobodyUp(t *testing.T) {
	ca := newAuthority(t)
	l := New(Config{DialTimeout: time.Minute}, &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }})
	ln, err := l.ListenTLS(loopback, &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}})
	if err != nil {
		t.Fatal(err)
	}
	var idle []net.Conn
	for range maxHandshakesEach {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	// One more of the same source is turned away at once.
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("more than %d handshakes of one source: %v", maxHandshakesEach, err)
	}
	if l.Stats().Limited == 0 {
		t.Error("it was not counted")
	}
	// With one place free a good far end comes through while the others still say nothing.
	idle[0].Close()
	client := New(Config{}, &recorder{})
	defer client.Close()
	var f *Flow
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(time.Millisecond) { // the place is free when the server has noticed
		if f, err = client.DialTLS(t.Context(), ln.Addr(), Proof{Domain: "example.com"}.Config(&tls.Config{RootCAs: ca.pool()})); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *Response, 1)
	if _, err := client.Send(f, netip.AddrPort{}, newRequest("OPTIONS", "good"), func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 {
		t.Error(res.Status)
	}
	l.Close() // does not wait for the minute that the strangers have
}

func TestAFarEndThatTakesNothingDoesNotDelayTheEndOfATLSFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{}, &recorder{})
		ca := newAuthority(t)
		f, _, err := secured(t, l, Proof{Domain: "example.com"}.Config(&tls.Config{RootCAs: ca.pool()}), &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		f.Close()
		l.Close()
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestTheFarEndOfATLSFlowHearsAFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{}, &recorder{})
		defer l.Close()
		ca := newAuthority(t)
		f, far, err := secured(t, l, Proof{Domain: "example.com"}.Config(&tls.Config{RootCAs: ca.pool()}), &tls.Config{Certificates: []tls.Certificate{ca.sign(nil, "example.com")}})
		if err != nil {
			t.Fatal(err)
		}
		end := make(chan error, 1)
		go func() {
			_, err := bufio.NewReader(far).ReadByte()
			end <- err
		}()
		synctest.Wait()
		f.Close()
		if err := <-end; err != io.EOF { // without close_notify it would be an unexpected EOF
			t.Errorf("the far end sees %v", err)
		}
	})
}
