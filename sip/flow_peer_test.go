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

// authorityOf is the file of who signed a peer's certificate; a test that needs it and has none is skipped.
func authorityOf(t *testing.T, name string) string {
	t.Helper()
	path := os.Getenv(name)
	if path == "" {
		t.Skip("peer is not installed with its authority (" + name + "=file)")
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
	ca := authorityOf(t, "OFFHOOK_ASTERISK_CA")
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

func TestKamailioKeepsToOutboundAndGivesGRUUs(t *testing.T) {
	ca := authorityOf(t, "OFFHOOK_KAMAILIO_CA")
	addr, err := netip.ParseAddrPort(os.Getenv("OFFHOOK_KAMAILIO"))
	if err != nil {
		t.Skip("peer kamailio is not installed (OFFHOOK_KAMAILIO=host:port)")
	}
	feature.Proves(t, "Kamailio", "register TLS", "keepalive and dead flow")
	const instance = "00000000-0000-4000-8000-0000000000a1"
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			p := proxied(t, "7003", transport, func(c *Config) {
				if transport == "tls" {
					private(addr, ca)(c)
				}
				c.Instance, c.Headset = instance, one.headset(t)
			})
			var g grant
			done := make(chan struct{})
			p.ua.Post(func() { g = p.regs[0].grant; close(done) })
			<-done
			if g.gruu.Host == "" || g.temp.Host == "" {
				t.Errorf("GRUUs %s and %s", g.gruu, g.temp)
			}
			t.Logf("outbound: %v", g.outbound)
			if g.outbound {
				feature.Proves(t, "Kamailio", "GRUU", "outbound (RFC 5626)")
			}
			b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			p.Dial("x", "7002")
			in := wait[IncomingCall](t, b)
			b.Answer(in.Leg)
			wait[CallAnswered](t, b)
			wait[CallAnswered](t, p)
			both := func() bool { return one.power(1000) > 0.9 && two.power(440) > 0.9 }
			becomes(t, "both hear each other", both)
			b.Hold(in.Leg) // to our GRUU where the proxy knows the way, else to our address
			if h := wait[CallHeld](t, p); !h.ByThem {
				t.Errorf("%+v", h)
			}
			wait[CallHeld](t, b)
			b.Resume(in.Leg)
			wait[CallHeld](t, b)
			becomes(t, "both hear each other again", both)
			// The flow dies: over the new one the call goes on, and ends.
			if transport != "udp" {
				p.ua.Post(p.renew)
				until(t, p, Registered)
				b.Hold(in.Leg)
				for h := wait[CallHeld](t, p); !h.ByThem; h = wait[CallHeld](t, p) {
				}
			}
			b.Hangup(in.Leg)
			if e := wait[CallEnded](t, p); e.Cause != EndNormal || e.ByUs {
				t.Errorf("%+v", e)
			}
		})
	}
}

// An edge proxy that adds itself as Path (RFC 3327) and routes by flow tokens: OFFHOOK_EDGE=host:port, in front of Kamailio.
func TestKamailioReachesUsThroughAnEdge(t *testing.T) {
	edge := os.Getenv("OFFHOOK_EDGE")
	if edge == "" {
		t.Skip("peer kamailio is not installed with an edge before it (OFFHOOK_EDGE=host:port)")
	}
	feature.Proves(t, "Kamailio", "Path")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			p := proxied(t, "7001", transport, func(c *Config) {
				c.OutboundProxy, c.Headset, c.Instance = edge, one.headset(t), "00000000-0000-4000-8000-0000000000a2"
			})
			b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			both := func() bool { return one.power(1000) > 0.9 && two.power(440) > 0.9 }
			b.Dial("in", "7001") // by the Path
			in := wait[IncomingCall](t, p)
			p.Answer(in.Leg)
			wait[CallAnswered](t, p)
			wait[CallAnswered](t, b)
			becomes(t, "both hear each other", both)
			b.Hold("in")
			if h := wait[CallHeld](t, p); !h.ByThem {
				t.Errorf("%+v", h)
			}
			wait[CallHeld](t, b)
			p.Hangup(in.Leg)
			wait[CallEnded](t, b)
			wait[CallEnded](t, p)
			p.Dial("out", "7002")
			back := wait[IncomingCall](t, b)
			b.Answer(back.Leg)
			wait[CallAnswered](t, p)
			wait[CallAnswered](t, b)
			becomes(t, "both hear each other again", both)
			b.Hangup(back.Leg)
			if e := wait[CallEnded](t, p); e.Cause != EndNormal {
				t.Errorf("%+v", e)
			}
		})
	}
}
