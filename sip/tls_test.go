package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// authority makes certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	File string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.File = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes a certificate for a DNS name, as files.
func (a *authority) issue(name string) (cert, key string) {
	k := a.newKey()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", raw)
}

// secure makes the exchange take TLS, as name; clients must show a certificate where mutual is set.
func (s *server) secure(a *authority, name string, mutual bool) netip.AddrPort {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue(name))
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}}
	if mutual {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		cfg.ClientCAs.AddCert(a.cert)
	}
	l, err := s.ua.Layer().ListenTLS(loopback, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return l.Addr()
}

func TestRegistrationOverTLSProvesTheDomain(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	clientCert, clientKey := ca.issue("phone.example.com")
	for _, tc := range []struct {
		name   string
		server string // whom its certificate names
		mutual bool
		tls    TLS
		why    string // "": registered
	}{
		{"as it should be", "example.com", false, TLS{CAFile: ca.File}, ""},
		{"the system's authorities", "example.com", false, TLS{}, "authority"},
		{"another authority", "example.com", false, TLS{CAFile: stranger.File}, "authority"},
		{"the host is not the domain", "pbx.example.net", false, TLS{CAFile: ca.File}, "belongs to pbx.example.net"},
		{"unless that is said", "pbx.example.net", false, TLS{CAFile: ca.File, ServerName: "pbx.example.net"}, ""},
		{"a wildcard is not enough", "*.example.com", false, TLS{CAFile: ca.File, ServerName: "pbx.example.com"}, "belongs to"},
		{"unless that is said too", "*.example.com", false, TLS{CAFile: ca.File, ServerName: "pbx.example.com", Wildcard: true}, ""},
		{"anything goes", "other.example.org", false, TLS{AllowInsecure: true}, ""},
		{"they want to see ours", "example.com", true, TLS{CAFile: ca.File}, "wants a certificate from us"},
		{"and see it", "example.com", true, TLS{CAFile: ca.File, CertFile: clientCert, KeyFile: clientKey}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pbx := newServer(t, okRegistrar)
			addr := pbx.secure(ca, tc.server, tc.mutual)
			p := registered(t, pbx, func(c *Config) {
				c.Registrar = "example.com:" + addrPortText(addr)
				c.Resolve = func(context.Context, string) (netip.Addr, error) { return addr.Addr(), nil }
				c.Transport, c.TLS = "tls", tc.tls
			})
			if tc.why != "" {
				if e := until(t, p, RegFailed); !strings.Contains(e.Reason.String(), tc.why) {
					t.Fatalf("%+v", e)
				}
				return
			}
			if e := until(t, p, Registered); !e.Secure || !strings.HasSuffix(e.Server.String(), " tls") {
				t.Fatalf("%+v", e)
			}
			p.Dial("x", "100")
			c := <-pbx.calls
			if got := c.Request().Contact[0].URI.String(); !strings.HasSuffix(got, ";transport=tls") || c.Request().Flow.Transport() != "TLS" {
				t.Fatalf("Contact %s over %s", got, c.Request().Flow.Transport())
			}
			c.Answer(dialog.Local{RTP: nobody})
			wait[CallAnswered](t, p)
			p.Hangup("x")
			wait[CallEnded](t, p)
		})
	}
}

func addrPortText(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestASipsAccountIsSecureAllTheWay(t *testing.T) {
	ca := newAuthority(t)
	pbx := newServer(t, okRegistrar)
	addr := pbx.secure(ca, "example.com", false)
	p := registered(t, pbx, func(c *Config) {
		c.Account, c.Registrar, c.Transport = "sips:2101@example.com", "example.com:"+addrPortText(addr), ""
		c.Resolve = func(context.Context, string) (netip.Addr, error) { return addr.Addr(), nil }
		c.TLS.CAFile = ca.File
	})
	until(t, p, Registered)
	p.Dial("x", "100")
	c := <-pbx.calls
	if r := c.Request(); r.URI.String() != "sips:100@example.com" || r.Contact[0].URI.Scheme != "sips" || r.From.URI.Scheme != "sips" {
		t.Fatalf("%s from %s at %s", r.URI, r.From, r.Contact[0])
	}
}

func TestCallsMoveToTheNewConnectionWhenTheOldOneDies(t *testing.T) {
	for name, kill := range map[string]func(p *Phone, f *transaction.Flow){
		"their end closes":        func(_ *Phone, f *transaction.Flow) { f.Close() },
		"the machine slept":       func(p *Phone, _ *transaction.Flow) { p.Woke() },
		"the network is another":  func(p *Phone, _ *transaction.Flow) { p.NetworkChanged() },
		"a person registers anew": func(p *Phone, f *transaction.Flow) { f.Close(); p.Register() },
	} {
		t.Run(name, func(t *testing.T) {
			flows := make(chan *transaction.Flow, 16)
			pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
				okRegistrar(tx, req)
				flows <- req.Flow
			})
			p := registered(t, pbx, func(c *Config) { c.Transport = "tcp" })
			until(t, p, Registered)
			first := <-flows
			p.Dial("x", "100")
			c := <-pbx.calls
			c.Answer(dialog.Local{RTP: nobody})
			wait[CallAnswered](t, p)
			for e := <-pbx.events; ; e = <-pbx.events { // the ACK is not lost with the connection
				if _, ok := e.(dialog.Confirmed); ok {
					break
				}
			}
			kill(p, first)
			until(t, p, Registered)
			second := <-flows
			if second == first {
				t.Fatal("registered over the old connection")
			}
			for limit, moved := time.After(patience), false; !moved; { // the re-INVITE came over the new one
				select {
				case e := <-pbx.events:
					switch e := e.(type) {
					case dialog.Ended:
						t.Fatalf("%+v", e)
					case dialog.Refreshed:
						moved = e.Request != nil && e.Request.Flow == second
					}
				case <-limit:
					t.Fatal("the call did not move")
				}
			}
			c.End("") // over the new way: there is no other to us
			if e := wait[CallEnded](t, p); e.Cause != EndNormal || e.ByUs {
				t.Fatalf("%+v", e)
			}
		})
	}
}

func TestSettingsOfServersThatMakeNoSense(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue("x")
	for why, tc := range map[string]struct {
		key string
		cfg Config
	}{
		"WebSocket":              {"transport", Config{Account: "sip:a@b", Transport: "wss"}},
		"WebSocket by URI":       {"registrar", Config{Account: "sip:a@b", Registrar: "sip:pbx;transport=ws"}},
		"WebSocket by address":   {"outbound_proxy", Config{Account: "sip:a@b", Registrar: "auto", OutboundProxy: "wss://pbx/ws"}},
		"sips over UDP":          {"transport", Config{Account: "sips:a@b", Transport: "udp"}},
		"a second without first": {"registrar2", Config{Account: "sip:a@b", Registrar2: "pbx"}},
		"unreadable second":      {"registrar2", Config{Account: "sip:a@b", Registrar: "auto", Registrar2: "a b"}},
		"no such file":           {"ca_file", Config{Account: "sip:a@b", TLS: TLS{CAFile: "/no/such/file"}}},
		"no certificate":         {"ca_file", Config{Account: "sip:a@b", TLS: TLS{CAFile: key}}},
		"a certificate alone":    {"key", Config{Account: "sip:a@b", TLS: TLS{CertFile: cert}}},
		"a key alone":            {"certificate", Config{Account: "sip:a@b", TLS: TLS{KeyFile: key}}},
		"not a pair":             {"certificate", Config{Account: "sip:a@b", TLS: TLS{CertFile: ca.File, KeyFile: key}}},
	} {
		_, err := Open(t.Context(), tc.cfg)
		var e *ConfigError
		if !errors.As(err, &e) || e.Key != tc.key || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", why, err)
		}
	}
}
