//go:build unix

package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip"
	"offhook/sip/offer"
)

// uri is where baresip answers.
func (b *baresip) uri() string { return "sip:" + fredNumber + "@" + b.at.String() }

func TestWhoeverGivesUpACallWithBaresipEndsIt(t *testing.T) {
	feature.Proves(t, "baresip", "CANCEL")
	b := startBaresip(t, baresipSettings{codec: "PCMU/8000/1", tone: 880, answer: "manual"})
	p := telephone(t)
	p.Dial("x", b.uri())
	for next[sip.CallProgress](t, p).Code != 180 {
	}
	b.event(`CALL_INCOMING`)
	p.Hangup("x")
	if e := next[sip.CallEnded](t, p); e.Cause != sip.EndCancelled || !e.ByUs {
		t.Errorf("%+v", e)
	}
	b.event(`CALL_CLOSED`)
	b.command("dial", "sip:alex@"+p.LocalAddr().String())
	in := next[sip.IncomingCall](t, p)
	b.event(`CALL_RINGING`)
	b.command("hangup", "")
	if e := next[sip.CallEnded](t, p); e.Leg != in.Leg || e.Cause != sip.EndCancelled || e.ByUs {
		t.Errorf("%+v", e)
	}
}

func TestBaresipRefusesAndIsRefused(t *testing.T) {
	feature.Proves(t, "baresip", "busy, not found, unavailable")
	b := startBaresip(t, baresipSettings{codec: "PCMU/8000/1", tone: 880, answer: "manual", narrow: true})
	p := telephone(t)
	p.Dial("x", b.uri())
	for next[sip.CallProgress](t, p).Code != 180 {
	}
	b.event(`CALL_INCOMING`)
	b.command("hangup", "")
	if e := next[sip.CallEnded](t, p); e.Code != 486 || e.Cause != sip.EndBusy || e.ByUs {
		t.Errorf("%+v", e)
	}
	p.Dial("y", "sip:nobody@"+b.at.String())
	if e := next[sip.CallEnded](t, p); e.Code != 404 || e.Cause != sip.EndUnknownNumber {
		t.Errorf("%+v", e)
	}
	b.command("dial", "sip:alex@"+p.LocalAddr().String())
	in := next[sip.IncomingCall](t, p)
	p.Reject(in.Leg, 486, "")
	b.event(`486`)
}

func TestBaresipIsSentElsewhere(t *testing.T) {
	feature.Proves(t, "baresip", "blind transfer", "failed transfer comes back", "we hold and resume")
	customer := newBaresip(t, "PCMU/8000/1", 880)
	colleague := startBaresip(t, baresipSettings{codec: "PCMU/8000/1", tone: 1200, narrow: true})
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	customer.command("dial", "sip:alex@"+p.LocalAddr().String())
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 880)
	p.Transfer(in.Leg, "sip:nobody@"+colleague.at.String())
	if e := next[sip.TransferEnded](t, p); e.OK || e.Code != 404 {
		t.Errorf("%+v", e)
	}
	p.Resume(in.Leg)
	for next[sip.CallHeld](t, p).ByUs {
	}
	h.hears(t, 880)
	p.Transfer(in.Leg, colleague.uri())
	if e := next[sip.TransferEnded](t, p); !e.OK {
		t.Errorf("%+v", e)
	}
	if e := next[sip.CallEnded](t, p); e.Cause != sip.EndTransferred {
		t.Errorf("%+v", e)
	}
	colleague.event(`CALL_ESTABLISHED`)
}

func TestBaresipOverTLSOverIPv6AndOverTCP(t *testing.T) {
	loop6 := netip.IPv6Loopback()
	for name, tc := range map[string]struct {
		set    baresipSettings
		config func(*sip.Config)
		port   uint16
		suffix string
	}{
		"call over TLS":       {set: baresipSettings{}, port: 1, suffix: ";transport=tls"},
		"IPv6":                {set: baresipSettings{host: loop6, more: "net_prefer_ipv6 yes"}, config: func(c *sip.Config) { c.Listen = netip.AddrPortFrom(loop6, 0) }},
		"large INVITE by TCP": {config: func(c *sip.Config) { c.DisplayName = strings.Repeat("The Department of Long Names ", 50) }},
		"RTCP reports":        {},
		"rtcp-mux":            {set: baresipSettings{more: "rtcp_mux yes"}},
		"ICE": {set: baresipSettings{params: ";medianat=ice", modules: []string{"stun", "ice"}}, config: func(c *sip.Config) {
			c.Sound = sip.SoundConfig{Protect: offer.Plain, ICE: true}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			peer(t, "baresip")
			feature.Proves(t, "baresip", name)
			set, ca := tc.set, ""
			set.codec, set.tone = "PCMU/8000/1", 880
			if name == "call over TLS" {
				ca = certificate(t)
				set.more = "sip_certificate " + strings.TrimSuffix(ca, ".crt") + ".pem"
			}
			b := startBaresip(t, set)
			h, w := &headset{hz: 500}, &wire{}
			p := telephone(t, w.tap, func(c *sip.Config) {
				c.Headset, c.TLS.CAFile = h.open(t), ca
				if tc.config != nil {
					tc.config(c)
				}
			})
			p.Dial("x", "sip:"+fredNumber+"@"+netip.AddrPortFrom(b.at.Addr(), b.at.Port()+tc.port).String()+tc.suffix)
			next[sip.CallAnswered](t, p)
			h.hears(t, 880)
			switch name {
			case "call over TLS":
				if e := w.saw(t, time.Time{}, true, "ACK", `^Via: SIP/2.0/TLS`); e.IsZero() {
					t.Error("no ACK over TLS")
				}
			case "IPv6":
				w.saw(t, time.Time{}, false, "SIP/2.0 200", `^c=IN IP6 ::1`)
			case "large INVITE by TCP":
				w.saw(t, time.Time{}, true, "INVITE", `^Via: SIP/2.0/TCP`)
			case "RTCP reports":
				eventually(t, "baresip reports how it hears us", func() bool { q, ok := p.Quality("x"); return ok && q.RemoteMOS > 0 })
			case "rtcp-mux":
				w.saw(t, time.Time{}, false, "SIP/2.0 200", `^a=rtcp-mux`)
			case "ICE":
				w.saw(t, time.Time{}, false, "SIP/2.0 200", `^a=candidate:`)
			}
			b.hears(500, 300*time.Millisecond)
			p.Hangup("x")
			next[sip.CallEnded](t, p)
			b.event(`CALL_CLOSED`)
			pcm, rate := b.heard()
			mustCarry(t, "what baresip heard", pcm, rate, 500, 300*time.Millisecond)
		})
	}
}

func TestBaresipFollowsWhereItIsSent(t *testing.T) {
	feature.Proves(t, "baresip", "redirect 302")
	caller, second := newBaresip(t, "PCMU/8000/1", 880), newBaresip(t, "PCMU/8000/1", 1200)
	p := telephone(t)
	caller.command("dial", "sip:alex@"+p.LocalAddr().String())
	in := next[sip.IncomingCall](t, p)
	p.Redirect(in.Leg, second.uri())
	if e := next[sip.CallEnded](t, p); e.Code != 302 {
		t.Errorf("%+v", e)
	}
	second.event(`CALL_ESTABLISHED`)
}

// certificate makes one for 127.0.0.1 that vouches for itself: NAME.crt, and NAME.pem with its key.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "baresip"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "baresip"}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	path := filepath.Join(t.TempDir(), "own")
	for name, b := range map[string][]byte{".crt": crt, ".pem": append(crt[:len(crt):len(crt)], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)} {
		if err := os.WriteFile(path+name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path + ".crt"
}
