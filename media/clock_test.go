package media

import (
	"testing"
	"testing/synctest"
	"time"
)

// driver counts what a clock makes of it.
type driver struct {
	wrote, read, skipped int
	times                []time.Duration
	began                time.Time
}

func (d *driver) WriteFrame([]int16) {
	d.wrote++
	d.times = append(d.times, time.Since(d.began))
}
func (d *driver) ReadFrame(pcm []int16) { d.read++; pcm[0] = 7 }
func (d *driver) skip(n int)            { d.skipped += n }

func TestTheClockMakesAFrameEveryTenMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock()
		defer c.Close()
		drivers := make([]*driver, 25)
		var sources, sinks int
		for i := range drivers {
			drivers[i] = &driver{began: time.Now()}
			c.drive(drivers[i], func(pcm []int16) { sources++ }, func(pcm []int16) {
				if pcm[0] == 7 {
					sinks++
				}
			})
		}
		time.Sleep(10*time.Second + 20*time.Millisecond)
		synctest.Wait()
		for i, d := range drivers {
			if d.wrote < 1000 || d.wrote > 1002 || d.read != d.wrote || d.skipped != 0 {
				t.Errorf("driver %d: %d frames out, %d in, %d skipped in 10 s", i, d.wrote, d.read, d.skipped)
			}
			for k := 1; k < len(d.times); k++ {
				if gap := d.times[k] - d.times[k-1]; gap != 10*time.Millisecond {
					t.Fatalf("driver %d: %v between frames %d and %d", i, gap, k-1, k)
				}
			}
		}
		if sources < 25000 || sinks != sources {
			t.Errorf("%d frames asked for, %d given", sources, sinks)
		}
	})
}

func TestABusyMachineIsCaughtUpWithByThreeFramesAndTheRestSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock()
		defer c.Close()
		d := &driver{began: time.Now()}
		n := 0
		c.drive(d, func([]int16) {
			if n++; n == 50 {
				time.Sleep(200 * time.Millisecond) // the goroutine did not run for so long
			}
		}, nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if d.wrote+d.skipped < 198 || d.wrote+d.skipped > 201 {
			t.Errorf("%d frames and %d skipped in 2 s", d.wrote, d.skipped)
		}
		if d.skipped < 16 || d.skipped > 19 {
			t.Errorf("%d frames of 20 were skipped, want all but 3", d.skipped)
		}
	})
}

func TestDrivingEndsWhenStoppedAlsoFromWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock()
		a, b := &driver{}, &driver{}
		stopA := c.drive(a, nil, nil)
		stops := make(chan func(), 1)
		n := 0
		stops <- c.drive(b, func([]int16) {
			if n++; n == 5 {
				(<-stops)()
			}
		}, nil)
		time.Sleep(105 * time.Millisecond)
		stopA()
		time.Sleep(time.Second)
		synctest.Wait()
		if b.wrote != 5 || a.wrote < 9 || a.wrote > 11 {
			t.Errorf("%d and %d frames, want about 10 and 5", a.wrote, b.wrote)
		}
		c.Close()
	})
}

func TestSkippedTimeMovesTheTimestamp(t *testing.T) {
	_, a, _ := pair(t, PCMU, Config{}, Config{})
	before := a.tx.ts
	a.skip(7)
	if d := a.tx.ts - before; d != 7*80 {
		t.Errorf("seven frames moved the timestamp by %d", d)
	}
}
