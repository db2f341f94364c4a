package device

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// virtual is a set whose sound server is a fake in virtual time.
func virtual(t *testing.T, choices map[Role]choice, dial func() (*conn, error)) *Set {
	t.Helper()
	s := &Set{choices: choices, events: newBus()}
	s.server = newServer(location{addrs: []address{{"unix", "/nowhere"}}}, s.events, slog.New(slog.DiscardHandler))
	s.server.dial = func(address, []byte) (*conn, error) { return dial() }
	s.server.connect()
	wanted := make(map[Role]string)
	for role, c := range choices {
		wanted[role] = c.name
	}
	s.server.start(wanted)
	s.ringer = s.newRinger()
	return s
}

func TestASetWithoutASoundServerWorksAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ready atomic.Bool
		var attempts, frames atomic.Int64
		set := virtual(t, map[Role]choice{Input: {}, Output: {}}, func() (*conn, error) {
			if attempts.Add(1); !ready.Load() {
				return nil, &net.OpError{Op: "dial", Err: errors.New("no such file")}
			}
			c, _ := pipeTo(nil)
			return c, c.signIn(make([]byte, cookieSize))
		})
		const want = `No sound server answers; calls run without sound until it is there (set [audio] input and output to "null" if that is meant)`
		if got := set.Describe().String(); got != want {
			t.Errorf("Describe says\n%s", got)
		}
		for _, output := range []bool{false, true} {
			if e := <-set.Events(); e.Kind != Lost || e.Output != output || e.Cause.String() != want {
				t.Errorf("event %+v", e)
			}
		}
		c := set.Capture()
		c.Start(func([]int16) { frames.Add(1) })
		time.Sleep(time.Minute + period/2)
		synctest.Wait()
		if n := frames.Load(); n != 6000 {
			t.Errorf("%d frames in a minute", n)
		}
		if n := attempts.Load(); n < 15 || n > 30 { // every three seconds, oftener at first
			t.Errorf("%d attempts in a minute", n)
		}
		ready.Store(true)
		time.Sleep(retryMost)
		synctest.Wait()
		for _, output := range []bool{false, true} {
			if e := <-set.Events(); e.Kind != Restored || e.Output != output {
				t.Errorf("event %+v", e)
			}
		}
		if got := set.Describe().String(); got != "Mic and Speaker through fake 1" {
			t.Errorf("Describe says %q", got)
		}
		c.Close()
		set.Close()
	})
}

func TestAServerThatHangsInACallIsLeftAndTheClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hung atomic.Bool
		var far *fake
		set := virtual(t, map[Role]choice{Input: {}, Output: {}}, func() (*conn, error) {
			if hung.Load() {
				return nil, errors.New("it hangs")
			}
			var c *conn
			c, far = pipeTo(func(uint32, uint32) []byte {
				if hung.Load() {
					return []byte{}
				}
				return nil
			})
			return c, c.signIn(make([]byte, cookieSize))
		})
		var ins, outs atomic.Int64
		c, p := set.Capture(), set.Playback()
		c.Start(func([]int16) { ins.Add(1) })
		p.Start(func([]int16) { outs.Add(1) })
		time.Sleep(time.Second) // the server sends nothing and asks for nothing: the null clock serves
		synctest.Wait()
		if far.played() != 640 {
			t.Errorf("%d bytes were played, want the 640 that were missing", far.played())
		}
		hung.Store(true)
		time.Sleep(9*time.Second + period/2)
		synctest.Wait()
		if in, out := ins.Load(), outs.Load(); in < 995 || in > 1001 || out < 995 || out > 1003 {
			t.Errorf("%d and %d frames in ten seconds", in, out)
		}
		if e := <-set.Events(); e.Kind != Lost || !strings.HasPrefix(e.Cause.String(), "The sound server does not answer") {
			t.Errorf("event %+v", e)
		}
		c.Close()
		p.Close()
		set.Close()
	})
}

func TestARequestIsAnsweredWithExactlyItsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var far *fake
		set := virtual(t, map[Role]choice{Output: {}}, func() (*conn, error) {
			var c *conn
			c, far = pipeTo(nil)
			return c, c.signIn(make([]byte, cookieSize))
		})
		p := set.Playback()
		p.Start(sine(440))
		synctest.Wait()
		want := 640
		for _, n := range []uint32{480, 160, 2, 4000, 50000} {
			far.Write(frame(proto.OpRequest, proto.Undefined, args(proto.Request{StreamIndex: 3, Length: n})))
			synctest.Wait()
			if want += int(n); far.played() != want {
				t.Fatalf("after a request for %d: %d bytes, want %d", n, far.played(), want)
			}
		}
		p.Close()
		set.Close()
	})
}

func TestAnUnderflowRaisesTheTargetAStepAndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var far *fake
		set := virtual(t, map[Role]choice{Output: {}}, func() (*conn, error) {
			var c *conn
			c, far = pipeTo(nil)
			return c, c.signIn(make([]byte, cookieSize))
		})
		p := set.Playback()
		p.Start(sine(440))
		synctest.Wait()
		dry := frame(proto.OpUnderflow, proto.Undefined, args(proto.Underflow{StreamIndex: 3}))
		far.Write(dry) // the start's own
		synctest.Wait()
		time.Sleep(2 * time.Second)
		far.Write(dry)
		far.Write(dry) // the same gap
		synctest.Wait()
		if n := len(set.Events()); n != 1 {
			t.Fatalf("%d events", n)
		}
		if e := <-set.Events(); e.Kind != Underflow || e.Name.String() != "Speaker" {
			t.Errorf("event %+v", e)
		}
		p.Close()
		set.Close()
		if got := set.server.targets[Output]; got != 30*time.Millisecond {
			t.Errorf("target %v", got)
		}
	})
}

func TestAStalledMicrophoneIsReplacedBySilenceAndItsBacklogDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var far *fake
		set := virtual(t, map[Role]choice{Input: {}}, func() (*conn, error) {
			var c *conn
			c, far = pipeTo(nil)
			return c, c.signIn(make([]byte, cookieSize))
		})
		var frames, loud atomic.Int64
		c := set.Capture()
		c.Start(func(frame []int16) {
			frames.Add(1)
			if frame[0] != 0 {
				loud.Add(1)
			}
		})
		fragment := make([]byte, 2*Frame)
		for i := range fragment {
			fragment[i] = 1
		}
		for range 50 {
			time.Sleep(period)
			far.Write(packet(4, fragment))
		}
		synctest.Wait()
		if n := loud.Load(); n != 50 {
			t.Errorf("%d of 50 frames came through", n)
		}
		time.Sleep(500 * time.Millisecond) // the device is asleep
		synctest.Wait()
		for range 40 { // and gives all it has at once
			far.Write(packet(4, fragment))
		}
		synctest.Wait()
		if n := frames.Load(); n < 98 || n > 145 {
			t.Errorf("%d frames in a second", n)
		}
		before := loud.Load()
		time.Sleep(period)
		far.Write(packet(4, fragment))
		synctest.Wait()
		if n := loud.Load() - before; n != 1 {
			t.Errorf("%d frames wait behind the device", n-1)
		}
		c.Close()
		set.Close()
	})
}

func TestAMicrophoneThatSendsLargePiecesIsHeardWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const piece = 6400 // bytes: 200 ms, as a wireless headset may
		var far *fake
		set := virtual(t, map[Role]choice{Input: {}}, func() (*conn, error) {
			var c *conn
			c, far = pipeTo(func(op, tag uint32) []byte {
				if op != proto.OpCreateRecordStream {
					return nil
				}
				return frame(proto.OpReply, tag, args(proto.CreateRecordStreamReply{StreamIndex: 4, SourceName: "mic", BufferFragSize: piece}))
			})
			return c, c.signIn(make([]byte, cookieSize))
		})
		var frames, loud atomic.Int64
		c := set.Capture()
		c.Start(func(frame []int16) {
			frames.Add(1)
			if frame[0] != 0 {
				loud.Add(1)
			}
		})
		sound := make([]byte, piece)
		for i := range sound {
			sound[i] = 1
		}
		for range 50 {
			time.Sleep(200 * time.Millisecond)
			far.Write(packet(4, sound))
		}
		synctest.Wait()
		if n := loud.Load(); n != 50*20 {
			t.Errorf("%d of 1000 frames came through", n)
		}
		if n := frames.Load(); n > 1000+25 { // the null clock before the first piece
			t.Errorf("%d frames in ten seconds", n)
		}
		c.Close()
		set.Close()
	})
}
