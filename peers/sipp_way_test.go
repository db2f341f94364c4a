//go:build unix

package peers

import (
	"net/netip"
	"testing"

	"offhook/peers/feature"
	"offhook/sip"
)

// instance of the device that registers (RFC 5626 §4.1).
const instance = "6f2b8d34-9a1c-4d57-8a0e-6a1f0c2b9e01"

// registeredAt is a phone whose registrar is there; it is registered.
func registeredAt(t *testing.T, at netip.AddrPort, change ...func(*sip.Config)) *sip.Phone {
	t.Helper()
	p := telephone(t, func(c *sip.Config) {
		c.Account, c.Registrar = "sip:alex@"+at.String(), at.String()
		for _, f := range change {
			f(c)
		}
	})
	untilRegistered(t, p)
	return p
}

// untilRegistered waits as long as the phone itself says that it will wait before it tries again: up to half a minute (RFC 5626 §4.5).
func untilRegistered(t *testing.T, p *sip.Phone) {
	t.Helper()
	for e := next[sip.RegistrationChanged](t, p); e.State != sip.Registered; {
		e = within[sip.RegistrationChanged](t, p, e.RetryIn+patience)
	}
}

func TestTheWayThatARegistrarTellsIsTaken(t *testing.T) {
	feature.Proves(t, "SIPp", "Path", "outbound (RFC 5626)", "Service-Route", "GRUU")
	peer(t, "sipp")
	t.Parallel()
	far := play(t, script{name: "uas_way", tone: 700, args: []string{"-m", "2"}, given: map[string]string{"instance": instance}})
	h := &headset{hz: 500}
	p := registeredAt(t, far.at, func(c *sip.Config) { c.Headset, c.Instance = h.open(t), instance })
	p.Dial("x", "2103")
	next[sip.CallAnswered](t, p)
	h.hears(t, 700)
	far.told()
	next[sip.CallEnded](t, p)
	hangUp(p)
	far.passed()
}

func TestTheLampOfAColleagueFollowsWhatIsTold(t *testing.T) {
	feature.Proves(t, "SIPp", "busy lamp (dialog-info)")
	peer(t, "sipp")
	t.Parallel()
	far := play(t, script{name: "uas_lamps", args: []string{"-m", "2"}})
	p := registeredAt(t, far.at, func(c *sip.Config) { c.Lamps = []sip.Lamp{{Number: "2002"}} })
	for _, want := range []string{sip.LampRinging, sip.LampBusy, sip.LampIdle} {
		for l := next[sip.LampChanged](t, p); l.State != want; l = next[sip.LampChanged](t, p) {
		}
	}
	far.passed()
}

func TestARegistrarThatDiesIsFoundAgain(t *testing.T) {
	feature.Proves(t, "SIPp", "keepalive and dead flow", "register TCP")
	peer(t, "sipp")
	t.Parallel()
	at := freePort(t, ownHost(5))
	first := play(t, script{name: "uas_register", at: at, tcp: true})
	p := registeredAt(t, at, func(c *sip.Config) { c.Transport = "tcp" })
	first.stop()
	for next[sip.RegistrationChanged](t, p).State == sip.Registered {
	}
	second := play(t, script{name: "uas_register", at: at, tcp: true})
	untilRegistered(t, p)
	hangUp(p)
	second.passed()
}
