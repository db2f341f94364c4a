package record

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"offhook/internal/allocs"
	"offhook/internal/text"
	"offhook/media/wav"
)

func TestTheAgentIsLeftAndTheCustomerRight(t *testing.T) {
	for _, f := range []Format{WAV, ALaw, ULaw} {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := begin(t, Config{Format: f})
				feed(r, &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}, 3*time.Second)
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				b := read(t, r.path)
				if f == WAV {
					left, right := stereo(t, b)
					if l, r := strength(left[Frame:], 440), strength(right[Frame:], 880); l < 0.999 || r < 0.999 {
						t.Errorf("left holds %.4f of 440 Hz, right %.4f of 880 Hz", l, r)
					}
					if len(left) < 3*Rate-Frame || len(left) > 3*Rate+Frame {
						t.Errorf("%d samples of three seconds", len(left))
					}
				} else if n := len(b) - 58; n < 2*(3*Rate-Frame) || n > 2*(3*Rate+Frame) {
					t.Errorf("%d bytes of sound, want half of what WAV takes", n)
				}
				mono, err := wav.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if a, c := strength(mono[Rate:], 440), strength(mono[Rate:], 880); a < 0.49 || c < 0.49 {
					t.Errorf("the WAV reader hears %.3f and %.3f", a, c)
				}
				n := note(t, r)
				if n.State != "complete" || n.FarEnd.String() != "•••820" || n.Call.String() != "k-1" || n.Length < 2980 || n.End.Sub(n.Start) < 2*time.Second {
					t.Errorf("sidecar %+v", n)
				}
				if s := r.State(); s.Kind != Closed || s.Dropped != 0 {
					t.Errorf("state %+v", s)
				}
				for path, mode := range map[string]os.FileMode{r.path: 0o600, filepath.Dir(r.path): 0o700} {
					if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
						t.Errorf("%s has mode %v", path, info.Mode())
					}
				}
			})
		})
	}
}

func TestBothSidesStayTogetherWhileTheirClocksDrift(t *testing.T) {
	for _, ppm := range []float64{-200, 200} {
		var line timeline
		var left, right []int16
		// Both sides hear a click of 1 ms each second of true time; the loudspeaker's clock drifts, and asks in bursts.
		click := func(at float64, pcm []int16, step float64) {
			for i := range pcm {
				x := at - float64(len(pcm)-i)*step
				if f := x - math.Floor(x); x > 0.5 && f < 0.001 {
					pcm[i] = 12000
				}
			}
		}
		const minutes = 6
		fast := 0.01 * (1 - ppm*1e-6)
		nextL, nextR := 0.01, 0.01
		for now := 0.0; now < minutes*60; now += 0.01 {
			at := time.Duration(now * float64(time.Second))
			for ; nextL <= now; nextL += 0.01 {
				pcm := make([]int16, Frame)
				click(nextL, pcm, 1.0/Rate)
				line.sent(at, pcm)
			}
			if int(now*100)%2 == 0 { // 20 ms at a time
				for ; nextR <= now; nextR += fast {
					pcm := make([]int16, Frame)
					click(nextR, pcm, fast/Frame)
					line.heard(at, pcm)
				}
			}
			line.advance(at)
			left, right = line.take(left, right)
		}
		edges := func(pcm []int16) (out []int) {
			for i, s := range pcm {
				if s > 6000 && (len(out) == 0 || i-out[len(out)-1] > Rate/2) {
					out = append(out, i)
				}
			}
			return out
		}
		l, r := edges(left), edges(right)
		if len(l) < minutes*60-3 || len(l)-len(r) > 1 || len(r)-len(l) > 1 {
			t.Fatalf("%d and %d clicks in %d s", len(l), len(r), minutes*60)
		}
		worst := 0.0
		for i := 2; i < min(len(l), len(r)); i++ {
			worst = max(worst, math.Abs(float64(l[i]-r[i]))*1000/Rate)
		}
		t.Logf("%+.0f ppm over %d minutes: worst %.1f ms", ppm, minutes, worst)
		if worst > 20 {
			t.Errorf("%+.0f ppm: the sides are %.1f ms apart, promised 20", ppm, worst)
		}
	}
}

func TestStretchingLeavesATonePure(t *testing.T) {
	var c channel
	g := &tone{hz: 880, amp: 8000, rate: Rate}
	for range 1000 {
		c.stretch(g.frame(), 1/1.0002)
	}
	if s := strength(c.queue[Rate:2*Rate], 880/1.0002); s < 0.9999 {
		t.Errorf("stretched by 200 ppm a tone keeps %.5f of itself", s)
	}
	if n := len(c.queue); n < 160030 || n > 160034 {
		t.Errorf("%d samples of 160000", n)
	}
}

func TestWhatDoesNotComeIsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, Config{})
		left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
		feed(r, left, right, time.Second)
		time.Sleep(2 * time.Second) // the headset is on another call
		for range 100 {             // then only the agent is heard
			time.Sleep(10 * time.Millisecond)
			r.Sent(left.frame())
		}
		feed(r, left, right, time.Second)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		l, c := stereo(t, read(t, r.path))
		if n := len(l); n < 5*Rate-3*Frame || n > 5*Rate+3*Frame {
			t.Errorf("five seconds became %.2f", float64(n)/Rate)
		}
		for s, want := range map[float64][2]bool{0.5: {true, true}, 1.5: {}, 2.7: {}, 3.5: {true, false}, 4.5: {true, true}} {
			at := int(s * Rate)
			if a, b := loud(l[at:at+1600]), loud(c[at:at+1600]); a != want[0] || b != want[1] {
				t.Errorf("after %.1f s: agent %v, customer %v", s, a, b)
			}
		}
	})
}

func TestAPauseLeavesNothingOfWhatWasSaidAndBlanksTheMomentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []Kind
		r := begin(t, Config{OnState: func(s State) { mu.Lock(); told = append(told, s.Kind); mu.Unlock() }})
		left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
		feed(r, left, right, 1500*time.Millisecond)
		r.Pause()
		feed(r, left, right, 2*time.Second)
		if s := r.State().Kind; s != Paused {
			t.Errorf("state %s", s)
		}
		if n := note(t, r); len(n.Pauses) != 1 || n.Pauses[0].To != -1 {
			t.Errorf("while it lasts the pause is %+v", n.Pauses)
		}
		r.Resume()
		feed(r, left, right, 1500*time.Millisecond)
		r.SetConsent(true)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		b := read(t, r.path)
		l, c := stereo(t, b)
		n := note(t, r)
		if len(n.Pauses) != 1 || n.Pauses[0].From < 1300 || n.Pauses[0].From > 1600 || n.Pauses[0].To < 3200 || n.Pauses[0].To > 3700 || !n.Consent {
			t.Fatalf("sidecar %+v", n)
		}
		from, to := int(1.2*Rate), int(3.4*Rate) // 300 ms before the pause were not on the disk yet
		if loud(l[from:to]) || loud(c[from:to]) {
			t.Error("something of the pause, or of the moment before it, is in the file")
		}
		if !loud(l[Rate/2:Rate]) || !loud(c[4*Rate:]) {
			t.Error("what lies outside the pause is missing")
		}
		if i := bytes.Index(b, []byte("cue ")); i < 0 || !bytes.Contains(b[i:], []byte("LIST")) || !bytes.Contains(b[i:], []byte("pause\x00")) {
			t.Error("the pause is not marked")
		}
		if got := int(b[4]) | int(b[5])<<8 | int(b[6])<<16 | int(b[7])<<24; got+8 != len(b) {
			t.Errorf("RIFF says %d of %d bytes", got+8, len(b))
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(func() (s []string) {
			for _, k := range told {
				s = append(s, string(k))
			}
			return s
		}(), " "); got != "recording paused recording closed" {
			t.Errorf("states told: %s", got)
		}
	})
}

// badDisk writes to memory, until it fails or hangs.
type badDisk struct {
	mu   sync.Mutex
	b    []byte
	most int
	hang chan struct{}
}

func (d *badDisk) Write(p []byte) (int, error) {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if d.most > 0 && len(d.b)+len(p) > d.most {
		return 0, &os.PathError{Op: "write", Err: syscall.ENOSPC}
	}
	d.b = append(d.b, p...)
	return len(p), nil
}
func (d *badDisk) WriteAt(p []byte, at int64) (int, error) { return copy(d.b[at:], p), nil }
func (d *badDisk) Close() error                            { return nil }

func TestAFullDiskEndsTheRecordingAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &badDisk{most: 200_000}
		var last State
		r := begin(t, Config{OnState: func(s State) { last = s }, create: func(*os.Root, string) (file, error) { return d, nil }})
		left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
		feed(r, left, right, 6*time.Second)
		synctest.Wait() // it has been told, too
		if s := r.State(); s.Kind != Failed || s.Reason.String() != "The recording ended here: the disk is full; the call goes on" || last.Kind != Failed {
			t.Errorf("state %+v", s)
		}
		if err := r.Close(); err == nil || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("Close says %v", err)
		}
		if l, _ := stereo(t, d.b); len(l) < 2*Rate || !loud(l) {
			t.Errorf("%d samples can be played", len(l))
		}
		if n := note(t, r); n.State != "failed" {
			t.Errorf("sidecar %+v", n)
		}
	})
}

func TestADiskThatHangsCostsOnlyTheOldestSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &badDisk{}
		r := begin(t, Config{create: func(*os.Root, string) (file, error) { return d, nil }})
		left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
		feed(r, left, right, 2500*time.Millisecond)
		free := make(chan struct{})
		d.mu.Lock()
		d.hang = free
		d.mu.Unlock()
		feed(r, left, right, 10*time.Second)
		if s := r.State(); s.Kind != Stalled || s.Dropped < 3*time.Second {
			t.Errorf("state %+v", s)
		}
		d.mu.Lock()
		d.hang = nil
		d.mu.Unlock()
		close(free)
		feed(r, left, right, 2*time.Second)
		if s := r.State(); s.Kind != Recording {
			t.Errorf("state %+v", s)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		l, _ := stereo(t, d.b)
		if n := len(l); n < int(14.3*Rate) || n > int(14.7*Rate) {
			t.Errorf("%.2f s on disk, want 14.5: the lost part is silence", float64(n)/Rate)
		}
		if !loud(l[10*Rate:11*Rate]) || !loud(l[13*Rate:]) {
			t.Error("the newest sound is lost")
		}
	})
}

func TestAStateIsNotToldAfterTheOneThatFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, slow := &badDisk{}, make(chan struct{})
		var mu sync.Mutex
		var told []Kind
		r := begin(t, Config{create: func(*os.Root, string) (file, error) { return d, nil }, OnState: func(s State) {
			if s.Kind == Stalled {
				<-slow // whoever is told takes its time
			}
			mu.Lock()
			told = append(told, s.Kind)
			mu.Unlock()
		}})
		free := make(chan struct{})
		d.mu.Lock()
		d.hang = free
		d.mu.Unlock()
		feed(r, &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}, 6*time.Second)
		d.mu.Lock()
		d.hang = nil
		d.mu.Unlock()
		close(free)
		time.Sleep(time.Second) // the disk has come back before the stall has been told
		close(slow)
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if want := []Kind{Recording, Stalled, Recording, Closed}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

func TestCloseDoesNotWaitForADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &badDisk{}
		r := begin(t, Config{create: func(*os.Root, string) (file, error) { return d, nil }})
		free := make(chan struct{})
		d.mu.Lock()
		d.hang = free
		d.mu.Unlock()
		feed(r, &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}, 1500*time.Millisecond)
		began := time.Now()
		if err := r.Close(); !errors.Is(err, ErrStalled) || time.Since(began) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(free)
		<-r.done
	})
}

func TestAnEncryptedRecordingOpensWithItsKeyAlsoWhenItWasCutOff(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, Config{Recipients: []age.Recipient{id.Recipient()}})
		feed(r, &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}, 4*time.Second)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(r.path, ".wav.age") || !note(t, r).Sealed {
			t.Errorf("path %s", r.path)
		}
		sealed := read(t, r.path)
		for cut, want := range map[int]error{0: nil, 1000: ErrTruncated, 70000: ErrTruncated} {
			var plain bytes.Buffer
			if err := Decrypt(&plain, bytes.NewReader(sealed[:len(sealed)-cut]), id); !errors.Is(err, want) {
				t.Errorf("without its last %d bytes: %v", cut, err)
			}
			left, right := stereo(t, plain.Bytes())
			if len(left) < Rate || strength(left[Frame:], 440) < 0.99 || strength(right[Frame:], 880) < 0.99 {
				t.Errorf("without its last %d bytes: %d samples", cut, len(left))
			}
		}
		if bytes.Contains(sealed, []byte("RIFF")) {
			t.Error("it is not encrypted")
		}
		if done, err := Repair(filepath.Dir(r.path)); err != nil || len(done) != 0 {
			t.Errorf("repair touches it: %v, %v", done, err)
		}
	})
}

func TestNamesStayInTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	for _, id := range []string{"../../etc/passwd", "a/b\\c", "..", "", "x\x00y\n\x1b[2J", strings.Repeat("é", 400), "CON:aux?*"} {
		for range 2 { // the same name twice
			r := begin(t, Config{Dir: dir, Call: Call{ID: text.Clean(id), Key: text.Clean("k")}})
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if filepath.Dir(r.path) != dir || !ours.MatchString(filepath.Base(r.path)) {
				t.Errorf("Call-ID %q is kept as %s", id, r.path)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 28 {
		t.Errorf("%d files, want 14 recordings and 14 sidecars", len(entries))
	}
	if _, err := Start(Config{Dir: dir, Format: "mp3"}); !errors.Is(err, ErrFormat) {
		t.Errorf("mp3: %v", err)
	}
}

func TestNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{"": "", "+4930901820": "•••820", "6001": "•••", "anna.schmidt@example.com": "•••idt", "•••820": "•••"} {
		if got := Mask(text.Clean(in)).String(); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestTapsNeitherBlockNorAllocate(t *testing.T) {
	d := &badDisk{hang: nil}
	r := begin(t, Config{create: func(*os.Root, string) (file, error) { return d, nil }})
	defer r.Close()
	frame := make([]int16, Frame)
	if n := allocs.Of(2000, func() { r.sent.put(0, frame) }); n != 0 {
		t.Errorf("%.1f allocations per frame", n)
	}
}
