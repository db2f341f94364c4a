//go:build unix

package peers

import (
	"fmt"
	"net/netip"
	"testing"

	"offhook/peers/feature"
)

// registered are the lines of [sip] of an account at a registrar.
func registered(at netip.AddrPort, transport, password string) string {
	return fmt.Sprintf("account = \"sip:alex@%s\"\nregistrar = %q\ntransport = %q\npassword = %q\nallow_plaintext = true\nexpires = \"10s\"\n",
		at, at.String(), transport, password)
}

func TestRegistrationWithAPasswordATimeThatIsTooShortARefreshAndAFarewell(t *testing.T) {
	feature.Proves(t, "SIPp", "register UDP", "register TCP")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			peer(t, "sipp")
			t.Parallel()
			o := newOrg(t)
			at := freePort(t, ownHost(5))
			far := play(t, script{name: "uas_registrar", at: at, tcp: transport == "tcp"})
			d := newWorkplace(t, o, settings{noReg: true, sip: registered(at, transport, "correct horse")}).start(t)
			d.sees(`(?i)SIP registered|● SIP`)
			d.sees(`Available`)
			eventually(t, "the refresh", func() bool { return count(far.read("messages"), "expires=600") > 0 })
			d.quit()
			far.passed()
		})
	}
}

func TestAWrongPasswordIsOneClearLine(t *testing.T) {
	feature.Proves(t, "SIPp", "wrong password is told")
	peer(t, "sipp")
	t.Parallel()
	o := newOrg(t)
	at := freePort(t, ownHost(5))
	far := play(t, script{name: "uas_registrar", at: at})
	d := newWorkplace(t, o, settings{noReg: true, sip: registered(at, "udp", "wrong")}).start(t)
	d.sees(`refused the user name or password of alex`)
	far.passed()
	d.never(`Available`)
}
