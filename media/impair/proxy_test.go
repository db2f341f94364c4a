package impair_test

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"offhook/media/impair"
)

func TestTheSameSeedBringsTheSameFate(t *testing.T) {
	l := impair.Link{Seed: 5, Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond, Wander: 0.5, Loss: 0.1, Burst: 3, Reorder: 0.5, Duplicate: 0.1, Drift: 100}
	a, b := impair.NewPath(l), impair.NewPath(l)
	for i := range 2000 {
		at := time.Duration(i) * 20 * time.Millisecond
		if x, y := a.Pass(at), b.Pass(at); !slices.Equal(x, y) {
			t.Fatalf("packet %d: %v and %v", i, x, y)
		}
	}
}

func TestAPathDoesWhatItsLinkSays(t *testing.T) {
	const n = 50_000
	l := impair.Link{Seed: 1, Delay: 30 * time.Millisecond, Jitter: 10 * time.Millisecond, Wander: 0.7, Loss: 0.05, Burst: 2.5, Reorder: 1, Duplicate: 0.02}
	p := impair.NewPath(l)
	lost, bursts, twice, reordered, run := 0, 0, 0, 0, false
	var sum, last time.Duration
	for i := range n {
		at := time.Duration(i) * 20 * time.Millisecond
		arrivals := p.Pass(at)
		if len(arrivals) == 0 {
			if lost++; !run {
				bursts++
			}
			run = true
			continue
		}
		run = false
		if len(arrivals) > 1 {
			twice++
		}
		if arrivals[0] < last {
			reordered++
		}
		last = arrivals[0]
		sum += arrivals[0] - at
	}
	check := func(what string, got, want, tolerance float64) {
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s: %.3f, want %.3f", what, got, want)
		}
	}
	check("loss", float64(lost)/n, 0.05, 0.005)
	check("packets in a burst", float64(lost)/float64(bursts), 2.5, 0.2)
	check("duplicates", float64(twice)/float64(n-lost), 0.02, 0.003)
	check("milliseconds of delay", sum.Seconds()*1000/float64(n-lost), 40, 0.6)
	if reordered == 0 {
		t.Error("nothing was reordered")
	}
	l.Reorder, last = 0, 0
	for i, p := 0, impair.NewPath(l); i < n; i++ {
		for _, at := range p.Pass(time.Duration(i) * 20 * time.Millisecond)[:] {
			if at < last {
				t.Fatal("a packet overtook another where none may")
			}
			last = at
			break
		}
	}
}

func TestDriftMovesArrivals(t *testing.T) {
	p := impair.NewPath(impair.Link{Delay: time.Second, Drift: 200})
	p.Pass(0)
	if got := p.Pass(time.Hour)[0]; got != time.Hour+time.Second-720*time.Millisecond {
		t.Errorf("after an hour at 200 ppm a packet comes at %v", got)
	}
}

func TestTheProxyCarriesBothWaysAndLosesWhatItShould(t *testing.T) {
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	p, err := impair.NewProxy(ip, impair.Link{Seed: 2, Loss: 0.5}, impair.Link{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	socket := func() (*net.UDPConn, netip.AddrPort) {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	a, _ := socket()
	b, atB := socket()
	p.Join(netip.AddrPort{}, atB) // a is learned from what it sends
	const n = 200
	for i := range n {
		if _, err := a.WriteToUDPAddrPort(fmt.Appendf(nil, "%03d", i), p.A()); err != nil {
			t.Fatal(err)
		}
	}
	var buf [100]byte
	last, got := -1, 0
	for {
		ca, _ := p.Counts()
		if ca.Came == n && ca.Sent == uint64(got) && ca.Lost+ca.Sent == n {
			break
		}
		if err := b.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil { // the rest may all be lost
			t.Fatal(err)
		}
		_, from, err := b.ReadFromUDPAddrPort(buf[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if from != p.B() {
			t.Fatalf("%v comes from %v, not from the proxy's address for its side", string(buf[:3]), from)
		}
		var i int
		if _, err := fmt.Sscanf(string(buf[:3]), "%d", &i); err != nil || i <= last {
			t.Fatalf("%q after %d", buf[:3], last)
		}
		last = i
		if got++; got > n {
			t.Fatal("more came than was sent")
		}
	}
	if got < 70 || got > 130 {
		t.Errorf("%d of %d came over a link that loses half", got, n)
	}
	if _, err := b.WriteToUDPAddrPort([]byte("answer"), p.B()); err != nil {
		t.Fatal(err)
	}
	k, from, err := a.ReadFromUDPAddrPort(buf[:])
	if err != nil || string(buf[:k]) != "answer" || from != p.A() {
		t.Errorf("%q from %v: %v", buf[:k], from, err)
	}
}
