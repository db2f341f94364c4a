package sip

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"

	"offhook/peers/feature"
	"offhook/sip/offer"
)

// authorityOf is the file of who signed the peers' certificates; a test that needs it and has none is skipped.
func authorityOf(t *testing.T) string {
	t.Helper()
	path := os.Getenv("OFFHOOK_PEERS_CA")
	if path == "" {
		t.Skip("the peers' authority is not installed (OFFHOOK_PEERS_CA=file)")
	}
	return path
}

// private is TLS one port above addr.
func private(addr netip.AddrPort, ca string) func(*Config) {
	return func(c *Config) {
		c.Registrar, c.Transport, c.TLS.CAFile = netip.AddrPortFrom(addr.Addr(), addr.Port()+1).String(), "tls", ca
		c.Account = "sip:" + strings.TrimPrefix(strings.Split(c.Account, "@")[0], "sip:") + "@" + addr.Addr().String()
	}
}

func TestAsteriskRegistersUsOverTLSAndTalksInPrivate(t *testing.T) {
	x := asterisk(t)
	ca := authorityOf(t)
	feature.Proves(t, "Asterisk", "register TLS")
	b := &bench{hz: 700}
	p := x.extension(t, "6004", "tls", private(x.addr, ca), func(c *Config) {
		c.Headset, c.Sound = b.headset(t), SoundConfig{Protect: offer.Required, SDES: true}
	})
	p.Dial("echo", "600")
	wait[CallAnswered](t, p)
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	// The connection dies in the middle of it.
	done := make(chan struct{})
	p.ua.Post(func() { p.NetworkChanged(); close(done) })
	<-done
	until(t, p, Registered)
	becomes(t, "our own tone still comes back", func() bool { return b.power(700) > 0.9 })
	p.Hangup("echo")
	wait[CallEnded](t, p)

	stranger := newAuthority(t)
	q := open(t, "6004", func(c *Config) {
		c.Account, c.Password = "sip:6004@"+x.addr.Addr().String(), func(context.Context) (string, error) { return "secret6004", nil }
	}, private(x.addr, stranger.File))
	if e := until(t, q, RegFailed); !strings.Contains(e.Reason.String(), "authority") {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskTellsTheVoiceMail(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "message waiting")
	x.mailbox(t, "6003", "") // told unasked
	x.mailbox(t, "6001", "auto")
}

func (x pbx) mailbox(t *testing.T, number, watch string) {
	t.Helper()
	p := open(t, number, func(c *Config) {
		c.Account, c.Registrar, c.Mailbox = "sip:"+number+"@"+x.addr.String(), x.addr.String(), watch
		c.Password = func(context.Context) (string, error) { return "secret" + number, nil }
	})
	if m := wait[VoiceMail](t, p); m.New < 0 || !strings.Contains(m.Account.String(), number) {
		t.Errorf("%s: %+v", number, m)
	}
}
