package watch

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheKernelsRoutesAreRead(t *testing.T) {
	got := defaultRoutes("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
		"eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\nbad line\n")
	if !slices.Equal(got, []string{"default eth0 0102A8C0 100"}) {
		t.Error(got)
	}
}

func TestTheClocksOfThisMachineRun(t *testing.T) {
	read := systemClock()
	a, b := read(), read()
	if a.Boot < 0 || b.Run < a.Run || b.Boot < a.Boot || a.Boot < a.Run || time.Since(a.Wall).Abs() > time.Minute {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestARealChangeOfAddressIsNoticed runs itself in a network of its own, where it may change addresses.
func TestARealChangeOfAddressIsNoticed(t *testing.T) {
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
	ip := func(args ...string) {
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Skipf("ip %v: %v %s", args, err, out)
		}
	}
	ip("link", "add", "wire", "type", "veth", "peer", "name", "far")
	ip("addr", "add", "10.77.0.1/24", "dev", "wire")
	ip("link", "set", "wire", "up")
	ip("link", "set", "far", "up")
	w := New(Config{})
	defer w.Close()
	for _, change := range [][]string{
		{"addr", "add", "10.77.1.1/24", "dev", "wire"},
		{"route", "add", "default", "via", "10.77.0.254"},
		{"route", "replace", "default", "via", "10.77.0.253"},
		{"addr", "del", "10.77.0.1/24", "dev", "wire"},
		{"link", "set", "wire", "down"},
	} {
		ip(change...)
		select {
		case e := <-w.Events():
			if e.Kind != NetworkChanged {
				t.Errorf("%v: %+v", change, e)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%v was not noticed", change)
		}
	}
}
