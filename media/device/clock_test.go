package device

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNullClockDeliversAFrameEveryTenMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(Spec{Input: "null", Output: "null", Ring: "off"})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		c, p := set.Capture(), set.Playback()
		in, out, loud := 0, 0, 0
		if err := errors.Join(
			c.Start(func(frame []int16) {
				in++
				for _, s := range frame {
					loud += int(s)
				}
			}),
			p.Start(func(frame []int16) { out++ })); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + period/2) // virtual
		synctest.Wait()
		if want := 360000; in != want || out != want {
			t.Errorf("an hour had %d and %d frames, want %d", in, out, want)
		}
		if loud != 0 {
			t.Error("the null microphone is not silent")
		}
		c.Close()
		p.Close()
		before := in // both have stopped
		time.Sleep(time.Second)
		if in != before {
			t.Error("frames came after Close")
		}
	})
}

func TestALateClockCatchesUpButNotAfterASleepOfTheMachine(t *testing.T) {
	for _, test := range []struct {
		late        time.Duration
		least, most int // frames in the second that begins with the delay
	}{
		{150 * time.Millisecond, 100, 100},
		{900 * time.Millisecond, 10, 12},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newNullCapture()
			c.Start(func([]int16) {
				if n++; n == 1 {
					time.Sleep(test.late)
				}
			})
			time.Sleep(time.Second + period/2)
			synctest.Wait()
			if n < test.least || n > test.most {
				t.Errorf("after %v: %d frames, want %d to %d", test.late, n, test.least, test.most)
			}
			c.Close()
		})
	}
}

func TestADeviceIsStartedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNullCapture()
		if err := c.Start(func([]int16) {}); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(func([]int16) {}); !errors.Is(err, ErrStarted) {
			t.Errorf("a second start: %v", err)
		}
		c.Close()
		c.Close() // harmless
		p := newNullPlayback()
		p.Close()
		if err := p.Start(func([]int16) {}); !errors.Is(err, ErrStarted) {
			t.Errorf("a start after close: %v", err)
		}
	})
}

func TestTheToneHasItsFrequency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(Spec{Input: "tone:440", Output: "tone:440", Ring: "bell"})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		c, heard := set.Capture(), newTape()
		c.Start(heard.sink)
		time.Sleep(time.Second)
		c.Close()
		if pcm, _ := heard.last(); power(pcm, 440) < 0.999 {
			t.Errorf("only %.3f of it is 440 Hz", power(pcm, 440))
		}
		if !set.RingBell() {
			t.Error("the bell was asked for")
		}
		if got := set.Describe().String(); got != "a tone as microphone, no speaker (tone)" {
			t.Errorf("Describe says %q", got)
		}
	})
}

func TestTheRingKeepsItsOrderBetweenTwoGoroutines(t *testing.T) {
	r := newRing(1000)
	const total = 200_000
	go func() {
		buf := make([]byte, 0, 64)
		for n := 0; n < total; {
			buf = buf[:0]
			for m := min(1+n%31, total-n, len(r.buf)-r.len()); m > 0; m-- {
				buf = append(buf, byte(n), byte(n>>8))
				n++
			}
			r.writeLE(buf)
			if len(buf) == 0 { // it is full
				runtime.Gosched()
			}
		}
	}()
	out := make([]int16, 7)
	for n := 0; n+len(out) <= total; {
		if !r.read(out) {
			runtime.Gosched()
			continue
		}
		for _, s := range out {
			if s != int16(n) {
				t.Fatalf("sample %d is %d", n, s)
			}
			n++
		}
	}
	if d := r.dropped.Load(); d != 0 {
		t.Errorf("%d dropped although there was room", d)
	}
}

func TestAFullRingDropsTheNewestAndCounts(t *testing.T) {
	r := newRing(4)
	r.writeLE([]byte{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}) // the odd byte is nothing
	if r.dropped.Load() != 2 || r.len() != 4 {
		t.Fatalf("%d dropped, %d kept", r.dropped.Load(), r.len())
	}
	r.discard(2)
	got := make([]int16, 2)
	if !r.read(got) || got[0] != 3 || got[1] != 4 {
		t.Errorf("read %v", got)
	}
	if r.read(got) {
		t.Error("read from an empty ring")
	}
}

func BenchmarkRing(b *testing.B) {
	r, in, out := newRing(4*Frame), make([]byte, 2*Frame), make([]int16, Frame)
	b.ReportAllocs()
	for b.Loop() {
		r.writeLE(in)
		if !r.read(out) {
			b.Fatal("empty")
		}
	}
}

func TestNobodyReadsEventsAndTheNewestSurvive(t *testing.T) {
	b := newBus()
	for i := range 1000 {
		b.send(Event{Kind: EventKind(string(rune('a' + i%26)))})
	}
	b.close()
	b.send(Event{}) // harmless
	n, last := 0, Event{}
	for e := range b.c {
		n, last = n+1, e
	}
	if n != cap(b.c) || last.Kind != EventKind(string(rune('a'+999%26))) {
		t.Errorf("%d events, the last is %v", n, last)
	}
}
