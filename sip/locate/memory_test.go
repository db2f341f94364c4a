package locate

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestAnswersAreKeptForTheirLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "pbx.example.com. 40 A 192.0.2.1\n")
		r := direct(z)
		target := Target{Host: "pbx.example.com", Port: 5060, Family: IPv4Only}
		for range 4 { // at 0, 15, 30 and 45 s
			if got := find(t, r, target); got != "UDP 192.0.2.1:5060" {
				t.Fatal(got)
			}
			time.Sleep(15 * time.Second)
		}
		if n := len(z.questions()); n != 2 {
			t.Errorf("asked %d times in 45 s for what lives 40 s", n)
		}
		r.Forget()
		find(t, r, target)
		if n := len(z.questions()); n != 3 {
			t.Errorf("asked %d times: in another network everything is asked anew", n)
		}
	})
}

func TestThatThereIsNothingIsKeptAsTheDomainSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		soa, err := dns.NewRR("example.com. 3600 SOA ns.example.com. x.example.com. 1 7200 3600 86400 20")
		if err != nil {
			t.Fatal(err)
		}
		z := newZone(t, "")
		r := direct(z, func(c *Config) {
			c.Exchange = func(_ context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
				m := z.answer(q)
				m.Ns = []dns.RR{soa}
				return m, nil
			}
		})
		target := Target{Host: "pbx.example.com", Port: 5060, Family: IPv4Only}
		for range 5 { // at 0, 8, 16, 24 and 32 s
			if got := find(t, r, target); got != "pbx.example.com has no address: no such name is known" {
				t.Fatal(got)
			}
			time.Sleep(8 * time.Second)
		}
		if n := len(z.questions()); n != 2 {
			t.Errorf("asked %d times in 32 s for what is known to be missing for 20 s", n)
		}
	})
}

func TestANameServiceThatFailsIsAskedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "pbx.example.com. A 192.0.2.1\n")
		down := true
		r := direct(z, func(c *Config) {
			c.Exchange = func(ctx context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
				if down {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return z.answer(q), nil
			}
		})
		target, began := Target{Host: "pbx.example.com", Port: 5060, Family: IPv4Only}, time.Now()
		if got := find(t, r, target); !strings.Contains(got, "name service") || time.Since(began) != 4*time.Second {
			t.Fatalf("%s after %v", got, time.Since(began))
		}
		down = false
		time.Sleep(failureLife)
		if got := find(t, r, target); got != "UDP 192.0.2.1:5060" {
			t.Error(got)
		}
	})
}

func TestAServerThatFailedStandsLastUntilItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, `
_sip._udp.example.com. 99999 SRV 1 0 5060 a.example.com.
_sip._udp.example.com. 99999 SRV 2 0 5060 b.example.com.
_sip._udp.example.com. 99999 SRV 3 0 5060 c.example.com.
a.example.com. 99999 A 192.0.2.1
b.example.com. 99999 A 192.0.2.2
c.example.com. 99999 A 192.0.2.3
`)
		r := direct(z)
		order := func() string {
			list, err := r.Find(t.Context(), Target{Host: "example.com", Transport: "UDP"})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, s := range list {
				b.WriteString(s.Name[:1])
			}
			return b.String()
		}
		list, err := r.Find(t.Context(), Target{Host: "example.com", Transport: "UDP"})
		if err != nil {
			t.Fatal(err)
		}
		a, b := list[0], list[1]
		expect := func(want string) {
			t.Helper()
			if got := order(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		expect("abc")
		r.Failed(a)
		expect("bca")
		time.Sleep(10 * time.Second)
		r.Failed(b)
		expect("cab") // whose time is up first
		time.Sleep(20 * time.Second)
		expect("acb") // the first choice is back
		time.Sleep(10 * time.Second)
		expect("abc")
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			r.Failed(a)
			time.Sleep(want - time.Second)
			expect("bca")
			time.Sleep(time.Second)
			if got := order(); got != "abc" {
				t.Errorf("failure %d in a row: %s after %v", i+2, got, want)
			}
		}
		r.Failed(a)
		r.Worked(a)
		expect("abc")
		r.Failed(a) // counted from the beginning
		time.Sleep(firstPenalty)
		expect("abc")
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "")
		r := direct(z)
		for i := range 3 * maxCache {
			find(t, r, Target{Host: fmt.Sprintf("n%d.example.com", i), Port: 5060})
			r.Failed(Server{Transport: "UDP", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060)})
			time.Sleep(time.Millisecond)
		}
		if len(r.cache) > maxCache || len(r.failures) > maxFailures {
			t.Errorf("%d answers and %d failures are kept", len(r.cache), len(r.failures))
		}
		last := Server{Transport: "UDP", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte((3*maxCache - 1) >> 8), byte((3*maxCache - 1) & 255)}), 5060)}
		if got := r.sort([]Server{last, {Transport: "UDP", Addr: netip.MustParseAddrPort("192.0.2.1:5060")}}); got[1] != last {
			t.Error("the newest failure is the one that was forgotten")
		}
	})
}

func TestWhatManyAskAtOnceIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "pbx.example.com. A 192.0.2.1\n")
		release := make(chan struct{})
		r := direct(z, func(c *Config) {
			c.Exchange = func(_ context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
				<-release
				return z.answer(q), nil
			}
			c.Timeout = time.Hour
		})
		var wg sync.WaitGroup
		got := make([]string, 50)
		for i := range got {
			wg.Go(func() { got[i] = find(t, r, Target{Host: "pbx.example.com", Port: 5060, Family: IPv4Only}) })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if slices.ContainsFunc(got, func(s string) bool { return s != "UDP 192.0.2.1:5060" }) || len(z.questions()) != 1 {
			t.Errorf("%v after %d questions", got, len(z.questions()))
		}
	})
}

func TestWhoGivesUpDoesNotSpoilItForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "pbx.example.com. A 192.0.2.1\n")
		r := direct(z, func(c *Config) {
			c.Exchange = func(ctx context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
				select {
				case <-time.After(time.Second):
					return z.answer(q), nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		})
		target := Target{Host: "pbx.example.com", Port: 5060, Family: IPv4Only}
		hasty, cancel := context.WithCancel(t.Context())
		go r.Find(hasty, target)
		synctest.Wait()
		done := make(chan string)
		go func() { done <- find(t, r, target) }()
		synctest.Wait()
		cancel()
		if got := <-done; got != "UDP 192.0.2.1:5060" {
			t.Error(got)
		}
	})
}
