package sip

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"offhook/sip/dialog"
)

// TestAnotherAddressInMidCall runs itself in a network of its own, where the machine gets another address while a call is up, and
// nobody tells the telephone but the kernel.
func TestAnotherAddressInMidCall(t *testing.T) {
	if os.Getenv("OFFHOOK_NETNS") == "" {
		cmd := exec.CommandContext(t.Context(), "unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "OFFHOOK_NETNS=1")
		out, err := cmd.CombinedOutput()
		switch {
		case err != nil && !strings.Contains(string(out), "RUN"), strings.Contains(string(out), "--- SKIP"):
			t.Skipf("no network of its own can be made here: %v %s", err, out)
		case err != nil:
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	ip := func(args string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v %s", args, err, out)
		}
	}
	ipAtOnce := func(args ...string) { // as a network changes: not with the pauses that starting programs makes on a busy machine
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(args, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("ip %q: %v %s", args, err, out)
		}
	}
	ip("link set lo up")
	ip("link add wire type veth peer name far")
	ip("link set wire up")
	ip("link set far up")
	ip("addr add 10.9.0.1/32 dev lo") // the exchange
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/all/promote_secondaries", []byte("1"), 0); err != nil {
		t.Skip(err)
	}
	ip("addr add 10.9.0.2/24 dev wire")
	ip("route change local 10.9.0.1 dev lo table local src 10.9.0.2")
	for _, transport := range []string{"udp", "tcp"} {
		old, next := "10.9.0.2", "10.9.0.3"
		if transport == "tcp" {
			old, next = next, old
		}
		pbx := newServerAt(t, netip.MustParseAddrPort("10.9.0.1:0"), okRegistrar)
		p := registered(t, pbx, func(c *Config) {
			c.Transport, c.Listen, c.Unwatched = transport, netip.MustParseAddrPort("0.0.0.0:0"), false
		})
		until(t, p, Registered)
		p.Dial("x", "100")
		c := <-pbx.calls
		c.Answer(dialog.Local{RTP: netip.AddrPortFrom(netip.MustParseAddr("10.9.0.1"), nobody.Port())})
		wait[CallAnswered](t, p)
		ipAtOnce("addr add "+next+"/24 dev wire", "route change local 10.9.0.1 dev lo table local src "+next, "addr del "+old+"/24 dev wire")
		if e := until(t, p, Registered); !e.Slept {
			t.Errorf("%s: %+v", transport, e)
		}
		contact := ""
		for limit, moved := time.After(patience), false; !moved; {
			select {
			case e := <-pbx.events:
				switch e := e.(type) {
				case dialog.Ended:
					t.Fatalf("%s: %+v", transport, e)
				case dialog.Refreshed:
					if e.Request != nil {
						contact = e.Request.Contact[0].URI.Host
					}
				case dialog.MediaChanged:
					moved = e.Media.Remote.Addr().String() == next
				}
			case <-limit:
				t.Fatalf("%s: the sound did not move", transport)
			}
		}
		if contact != next {
			t.Errorf("%s: Contact %s", transport, contact)
		}
		p.Hangup("x")
		wait[CallEnded](t, p)
		shut(t, p)
	}
}
