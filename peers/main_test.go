//go:build unix

package peers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// program is the program under test, built once by TestMain; OFFHOOK_PEERS_PROGRAM names one that is built already (a release, or
// one with the race detector in it).
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if program = os.Getenv("OFFHOOK_PEERS_PROGRAM"); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "offhook-peers-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "offhook")
	build := exec.Command("go", "build", "-o", program, "../cmd/offhook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "offhook does not build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// patience is how long anything that must happen may take on a busy machine.
const patience = 30 * time.Second

// peer finds a program that nobody here wrote, or ends the test as the environment wants it.
func peer(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("OFFHOOK_PEERS_REQUIRED") == "1" {
			t.Fatalf("peer %s is not installed", name)
		}
		t.Skipf("peer %s is not installed", name)
	}
	return path
}

// hosts hands out loopback addresses: every program of a test has its own, so that ports never meet.
var hosts atomic.Uint32

func ownHost(third byte) netip.Addr {
	n := hosts.Add(1)
	return netip.AddrFrom4([4]byte{127, 0, third, byte(1 + n%250)})
}

// freePort is a port that was free a moment ago for UDP and TCP.
func freePort(t testing.TB, host netip.Addr) netip.AddrPort {
	t.Helper()
	for range 50 {
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
		if err != nil {
			t.Fatal(err)
		}
		port := u.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		l, err := net.Listen("tcp", netip.AddrPortFrom(host, port).String())
		u.Close()
		if err != nil {
			continue
		}
		l.Close()
		return netip.AddrPortFrom(host, port)
	}
	t.Fatal("no free port")
	return netip.AddrPort{}
}

// eventually waits until ok, looking again every few milliseconds; what happens is in other processes.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
