package opus

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	lib "github.com/jj11hh/opus"
)

const frame = Rate / 50

func prepare(t testing.TB) {
	t.Helper()
	if !Available() {
		t.Skip("no Opus on this processor")
	}
	if err := Wait(); err != nil {
		t.Fatal(err)
	}
}

// voice is a sound with the harmonics of a voice, whose pitch glides, at sample n on.
func voice(n int, pcm []int16) {
	for i := range pcm {
		t := float64(n+i) / Rate
		v := 0.0
		phase := 2 * math.Pi * (140*t - 40*math.Cos(2*math.Pi*4*t)/(2*math.Pi*4))
		for k := 1.0; k < 30; k++ {
			v += math.Sin(phase*k+k*k) / k
		}
		pcm[i] = int16(4000 * v * math.Abs(math.Sin(2*math.Pi*5*t)))
	}
}

func encoded(t testing.TB, s Settings, frames int) (packets [][]byte, sound []int16) {
	t.Helper()
	e := NewEncoder(s)
	defer e.Release()
	for i := range frames {
		pcm := make([]int16, frame)
		voice(i*frame, pcm)
		sound = append(sound, pcm...)
		buf := make([]byte, MaxPacket)
		n, err := e.Encode(buf, pcm)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, buf[:n])
	}
	return packets, sound
}

// likeness is the best normalised correlation of a with b, b late by 0 to 20 ms.
func likeness(a, b []int16) (best float64, lag int) {
	for l := range frame {
		var xy, xx, yy float64
		for i := 0; i+l < min(len(a), len(b)); i++ {
			x, y := float64(a[i]), float64(b[i+l])
			xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
		}
		if c := xy / math.Sqrt(xx*yy+1); c > best {
			best, lag = c, l
		}
	}
	return best, lag
}

func TestSpeechComesBackAsItWas(t *testing.T) {
	prepare(t)
	packets, sound := encoded(t, Settings{Bitrate: 24000, FEC: true, Loss: 5}, 100)
	d := NewDecoder()
	defer d.Release()
	var heard []int16
	octets := 0
	for _, p := range packets {
		var pcm [frame]int16
		if n, err := d.Decode(pcm[:], p); err != nil || n != frame {
			t.Fatal(n, err)
		}
		heard = append(heard, pcm[:]...)
		octets += len(p)
	}
	c, lag := likeness(sound[Rate/2:], heard[Rate/2:])
	t.Logf("likeness %.3f at a delay of %d samples, %d bit/s", c, lag, octets*8*50/len(packets))
	if c < 0.75 {
		t.Errorf("the sound is like what was sent by %.3f only", c)
	}
	if rate := octets * 8 * 50 / len(packets); rate < 12000 || rate > 34000 {
		t.Errorf("24 kbit/s asked, %d bit/s sent", rate)
	}
}

func TestALostPacketIsRecoveredFromTheNextOne(t *testing.T) {
	prepare(t)
	packets, _ := encoded(t, Settings{Bitrate: 24000, FEC: true, Loss: 20}, 200)
	quality := func(fec bool) float64 {
		d := NewDecoder()
		whole := NewDecoder() // hears every packet
		defer d.Release()
		defer whole.Release()
		var heard, want []int16
		for i, p := range packets {
			var pcm, clean [frame]int16
			if _, err := whole.Decode(clean[:], p); err != nil {
				t.Fatal(err)
			}
			switch {
			case i%5 != 4:
				if _, err := d.Decode(pcm[:], p); err != nil {
					t.Fatal(err)
				}
				continue
			case fec && i+1 < len(packets):
				if err := d.Recover(pcm[:], packets[i+1]); err != nil {
					t.Fatal(err)
				}
			default:
				if err := d.Conceal(pcm[:]); err != nil {
					t.Fatal(err)
				}
			}
			heard = append(heard, pcm[:]...)
			want = append(want, clean[:]...)
		}
		c, _ := likeness(want, heard)
		return c
	}
	with, without := quality(true), quality(false)
	t.Logf("the lost frames are like what was said by %.3f recovered, %.3f concealed", with, without)
	if with < without+0.1 || with < 0.7 {
		t.Errorf("recovery %.3f, concealment %.3f", with, without)
	}
}

func TestStereoFromTheFarEndIsHeardInMono(t *testing.T) {
	prepare(t)
	// the library's own encoder with two channels, at 48 kHz as browsers send
	engine.mu.Lock()
	e, err := lib.NewEncoder(48000, 2, lib.AppAudio)
	if err != nil {
		engine.mu.Unlock()
		t.Fatal(err)
	}
	runtime.SetFinalizer(e, nil)
	var packets [][]byte
	pcm := make([]int16, 2*960)
	for i := range 50 {
		for k := range 960 {
			v := int16(8000 * math.Sin(2*math.Pi*500*float64(i*960+k)/48000))
			pcm[2*k], pcm[2*k+1] = v, v
		}
		buf := make([]byte, MaxPacket)
		n, err := e.Encode(pcm, buf)
		if err != nil {
			engine.mu.Unlock()
			t.Fatal(err)
		}
		packets = append(packets, buf[:n])
	}
	engine.mu.Unlock()
	d := NewDecoder()
	defer d.Release()
	crossings, last := 0, int16(0)
	for i, p := range packets {
		if p[0]&4 == 0 {
			t.Fatal("the test's encoder made mono")
		}
		var out [frame]int16
		n, err := d.Decode(out[:], p)
		if err != nil || n != frame {
			t.Fatal(n, err)
		}
		for _, s := range out {
			if i >= 10 && last < 0 && s >= 0 {
				crossings++
			}
			last = s
		}
	}
	if crossings < 395 || crossings > 405 { // 500 Hz for 0.8 s
		t.Errorf("a tone of 500 Hz crosses zero upwards %d times in 0.8 s", crossings)
	}
}

func TestALengthIsReadFromThePacketItself(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{[]byte{0 << 3, 1}, 160}, {[]byte{1 << 3, 1}, 320}, {[]byte{3 << 3, 1}, 960}, {[]byte{12 << 3, 1}, 160}, {[]byte{15 << 3}, 320},
		{[]byte{16 << 3}, 40}, {[]byte{31 << 3}, 320}, {[]byte{31<<3 | 1, 0, 0}, 640}, {[]byte{31<<3 | 3, 6}, 1920},
		{nil, 0}, {[]byte{31<<3 | 3}, 0}, {[]byte{31<<3 | 3, 0}, 0}, {[]byte{31<<3 | 3, 7}, 0}, {[]byte{3<<3 | 3, 3}, 0},
	} {
		n, err := Samples(c.packet)
		if n != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%v: %d samples, %v; want %d", c.packet, n, err, c.want)
		}
	}
}

func TestManyCallsAtOnceDoNotDisturbOneAnother(t *testing.T) {
	prepare(t)
	want, _ := encoded(t, Settings{Bitrate: 24000}, 60)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				packets, _ := encoded(t, Settings{Bitrate: 24000}, 60)
				d := NewDecoder()
				for i, p := range packets {
					if !bytes.Equal(p, want[i]) {
						t.Errorf("packet %d differs from what one call alone makes", i)
						return
					}
					var pcm [frame]int16
					if _, err := d.Decode(pcm[:], p); err != nil {
						t.Error(err)
					}
				}
				d.Release()
				runtime.GC() // finalizers, if any were left, would run beside the others
			}
		})
	}
	wg.Wait()
}

func TestTheNextCallDoesNotHearTheLastOne(t *testing.T) {
	prepare(t)
	packets, _ := encoded(t, Settings{Bitrate: 24000}, 50)
	d := NewDecoder()
	for _, p := range packets {
		var pcm [frame]int16
		if _, err := d.Decode(pcm[:], p); err != nil {
			t.Fatal(err)
		}
	}
	d.Release()
	e := NewDecoder() // the same coder
	defer e.Release()
	var pcm [frame]int16
	if err := e.Conceal(pcm[:]); err != nil {
		t.Fatal(err)
	}
	for _, s := range pcm {
		if max(s, -s) > 30 {
			t.Fatalf("the first sound of a new call is %d", s)
		}
	}
}

func TestNothingIsWrittenBeyondTheRoomGiven(t *testing.T) {
	prepare(t)
	packets, _ := encoded(t, Settings{Bitrate: 24000, FEC: true, Loss: 10}, 3)
	d := NewDecoder()
	defer d.Release()
	buf := make([]int16, 5760)
	for name, f := range map[string]func(pcm []int16) error{
		"Conceal": d.Conceal,
		"Recover": func(pcm []int16) error { return d.Recover(pcm, packets[2]) },
		"Decode":  func(pcm []int16) error { _, err := d.Decode(pcm, packets[1]); return err },
	} {
		for i := range buf {
			buf[i] = 12345
		}
		if err := f(buf[:frame]); err != nil {
			t.Fatal(name, err)
		}
		for i, s := range buf[frame:] {
			if s != 12345 {
				t.Fatalf("%s wrote at %d beyond its %d samples", name, i, frame)
			}
		}
	}
	if _, err := d.Decode(buf[:frame/2], packets[1]); !errors.Is(err, ErrPacket) {
		t.Errorf("a packet longer than the room: %v", err)
	}
}

func TestHostilePacketsAreRefusedOrDecodedAndTheCodecLives(t *testing.T) {
	prepare(t)
	packets, _ := encoded(t, Settings{Bitrate: 24000, FEC: true, Loss: 10}, 20)
	r := rand.New(rand.NewPCG(3, 4))
	d := NewDecoder()
	defer d.Release()
	var pcm [6 * frame]int16
	refused := 0
	for range 3000 {
		p := bytes.Clone(packets[r.IntN(len(packets))])
		switch r.IntN(3) {
		case 0:
			for range 1 + r.IntN(6) {
				p[r.IntN(len(p))] = byte(r.Uint32())
			}
		case 1:
			p = p[:r.IntN(len(p))]
		default:
			p = make([]byte, r.IntN(400))
			for i := range p {
				p[i] = byte(r.Uint32())
			}
		}
		if _, err := d.Decode(pcm[:], p); err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Fatalf("%x: %v", p, err)
			}
			refused++
		}
		if err := d.Recover(pcm[:frame], p); err != nil && !errors.Is(err, ErrPacket) {
			t.Fatalf("%x: %v", p, err)
		}
	}
	t.Logf("%d of 3000 refused", refused)
	if !Ready() {
		t.Fatal("the codec did not live")
	}
	if n, err := d.Decode(pcm[:], packets[5]); err != nil || n != frame {
		t.Error(n, err)
	}
}

// The last of the tests, as it uses up the one rebuilding that there is; it then puts the count back.
func TestZAFailedInstanceIsRebuiltOnceAndThenDoneWithout(t *testing.T) {
	prepare(t)
	defer func() {
		engine.mu.Lock()
		engine.failures, engine.epoch = 0, engine.epoch+1
		engine.state.Store(cold)
		engine.mu.Unlock()
		if err := Wait(); err != nil {
			t.Error(err)
		}
	}()
	e, d := NewEncoder(Settings{Bitrate: 24000}), NewDecoder()
	pcm, buf := make([]int16, frame), make([]byte, MaxPacket)
	if _, err := e.Encode(buf, pcm); err != nil {
		t.Fatal(err)
	}
	trap := func() error {
		return call(func() error { return errors.New("opus_decode call failed: wasm error: unreachable") })
	}
	if err := trap(); !errors.Is(err, ErrNotReady) {
		t.Fatalf("a trap gave %v", err)
	}
	if err := Wait(); err != nil {
		t.Fatal(err)
	}
	n, err := e.Encode(buf, pcm)
	if err != nil {
		t.Fatal("after the rebuilding:", err)
	}
	if _, err := d.Decode(pcm, buf[:n]); err != nil {
		t.Fatal("after the rebuilding:", err)
	}
	if err := trap(); !errors.Is(err, ErrUnavailable) || Available() {
		t.Fatalf("a second trap gave %v, available %v", err, Available())
	}
	if _, err := e.Encode(buf, pcm); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	e.Release()
	d.Release()
}

func FuzzDecode(f *testing.F) {
	prepare(f)
	packets, _ := encoded(f, Settings{Bitrate: 24000, FEC: true, Loss: 10}, 8)
	for _, p := range packets {
		f.Add(p)
	}
	f.Add([]byte{0xff, 6})
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, p []byte) {
		var pcm [1920]int16
		if _, err := d.Decode(pcm[:], p); err != nil && !errors.Is(err, ErrPacket) {
			t.Error(err)
		}
		if err := d.Recover(pcm[:frame], p); err != nil && !errors.Is(err, ErrPacket) {
			t.Error(err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	prepare(b)
	e := NewEncoder(Settings{Bitrate: 24000, FEC: true, Loss: 5})
	pcm, buf := make([]int16, frame), make([]byte, MaxPacket)
	i := 0
	for b.Loop() {
		b.StopTimer()
		voice(i*frame, pcm)
		i++
		b.StartTimer()
		if _, err := e.Encode(buf, pcm); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	prepare(b)
	packets, _ := encoded(b, Settings{Bitrate: 24000, FEC: true, Loss: 5}, 50)
	d := NewDecoder()
	var pcm [frame]int16
	i := 0
	for b.Loop() {
		if _, err := d.Decode(pcm[:], packets[i%50]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
