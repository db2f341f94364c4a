package record_test

import (
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/record"
)

func TestARealSessionIsRecordedBothWays(t *testing.T) {
	var ends [2]*media.Session
	for i := range ends {
		s, err := media.Listen(media.Config{LocalIP: netip.MustParseAddr("127.0.0.1")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ends[i] = s
	}
	clock := media.NewClock()
	defer clock.Close()
	for i, hz := range []float64{440, 880} {
		if err := ends[i].Configure(media.Params{Remote: ends[1-i].LocalRTP(), Codec: media.G722, Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
		n := 0
		defer clock.Drive(ends[i], func(f []int16) {
			for k := range f {
				f[k] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n)/media.Rate))
				n++
			}
		}, nil)()
	}
	r, err := record.Start(record.Config{Dir: filepath.Join(t.TempDir(), "r"), Call: record.Call{ID: text.Clean("x@y")}})
	if err != nil {
		t.Fatal(err)
	}
	defer ends[0].Tap(r)()
	limit := time.After(30 * time.Second)
	for poll := time.NewTicker(20 * time.Millisecond); r.State().Length < 2*time.Second; {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatalf("two seconds are never on the disk: %+v", r.State())
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(r.State().Path)
	if err != nil {
		t.Fatal(err)
	}
	for ch, hz := range []float64{440, 880} {
		// A tenth of a second somewhere: a busy machine leaves frames out.
		const part = media.Rate / 10
		best := 0.0
		for from := 0; 44+4*(from+part) <= len(b); from += part / 5 {
			var re, im, all float64
			for i := range part {
				x := float64(int16(binary.LittleEndian.Uint16(b[44+4*(from+i)+2*ch:])))
				sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.Rate)
				re, im, all = re+x*cos, im+x*sin, all+x*x
			}
			if all > 0 {
				best = max(best, 2*(re*re+im*im)/all/part)
			}
		}
		if best < 0.9 {
			t.Errorf("channel %d holds %.2f of %.0f Hz", ch, best, hz)
		}
	}
}
