package impair_test

import (
	"math"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/impair"
)

// As other programs are to use it: each end is told the proxy's address for the other's.
func TestACallGoesThroughTheProxyBothWays(t *testing.T) {
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	link := impair.Link{Seed: 3, Delay: 15 * time.Millisecond, Jitter: 3 * time.Millisecond, Loss: 0.02}
	p, err := impair.NewProxy(ip, link, link)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	clock := media.NewClock()
	defer clock.Close()
	var ends [2]*media.Session
	for i := range ends {
		if ends[i], err = media.Listen(media.Config{LocalIP: ip}); err != nil {
			t.Fatal(err)
		}
		defer ends[i].Close()
	}
	p.Join(ends[0].LocalRTP(), ends[1].LocalRTP())
	var loud [2]atomic.Int64 // frames in which the other one was heard
	for i, remote := range []netip.AddrPort{p.A(), p.B()} {
		if err := ends[i].Configure(media.Params{Remote: remote, Codec: media.G722, Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
		n := 0
		stop := clock.Drive(ends[i], func(frame []int16) {
			for k := range frame {
				frame[k] = int16(8000 * math.Sin(2*math.Pi*440*float64(n)/media.Rate))
				n++
			}
		}, func(frame []int16) {
			if media.Level(frame) > -20 {
				loud[i].Add(1)
			}
		})
		defer stop()
	}
	deadline := time.After(20 * time.Second)
	for loud[0].Load() < 50 || loud[1].Load() < 50 {
		select {
		case <-deadline:
			a, b := p.Counts()
			t.Fatalf("heard for %d and %d frames; %+v %+v", loud[0].Load(), loud[1].Load(), a, b)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if st := ends[1].Stats(); st.Strangers > 0 || st.Malformed > 0 {
		t.Errorf("%+v", st)
	}
}
