package device

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"offhook/media/wav"
)

func readWAV(t *testing.T, path string) []int16 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pcm, err := wav.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func writeWAV(t *testing.T, pcm []int16) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.wav")
	w, err := wav.Create(path, Rate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(pcm), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// captured is everything that a capture gives in d of virtual time.
func captured(t *testing.T, spec Spec, d time.Duration) (pcm []int16) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		c := set.Capture()
		c.Start(func(frame []int16) { pcm = append(pcm, frame...) })
		time.Sleep(d + period/2)
		c.Close()
	})
	return pcm
}

func TestAFileIsPlayedOnceOrForEver(t *testing.T) {
	clip := make([]int16, 1000) // not a whole number of frames
	sine(500)(clip)
	path := writeWAV(t, clip)
	once := captured(t, Spec{Input: "file:" + path, Output: "null", Ring: "off"}, 200*time.Millisecond)
	if len(once) != 3200 {
		t.Fatalf("%d samples in 200 ms", len(once))
	}
	for i, s := range once {
		want := int16(0)
		if i < len(clip) {
			want = clip[i]
		}
		if s != want {
			t.Fatalf("sample %d is %d, want %d", i, s, want)
		}
	}
	for i, s := range captured(t, Spec{Input: "file:" + path + "?loop", Output: "null", Ring: "off"}, 200*time.Millisecond) {
		if s != clip[i%len(clip)] {
			t.Fatalf("looped sample %d is %d, want %d", i, s, clip[i%len(clip)])
		}
	}
}

func TestAnEmptyFileIsSilence(t *testing.T) {
	for _, loop := range []string{"", "?loop"} {
		if pcm := captured(t, Spec{Input: "file:" + writeWAV(t, nil) + loop, Output: "null", Ring: "off"}, 50*time.Millisecond); len(pcm) != 800 || !silent(pcm) {
			t.Errorf("%d samples, silent %v", len(pcm), silent(pcm))
		}
	}
}

func TestWhatIsPlayedStandsInTheFileBeforeTheProgramEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(Spec{Input: "null", Output: "file:" + path, Ring: "off"})
		if err != nil {
			t.Fatal(err)
		}
		p := set.Playback()
		p.Start(sine(500))
		time.Sleep(1100*time.Millisecond + period/2)
		// The call still runs: a crash now loses the last second at most.
		if pcm := readWAV(t, path); len(pcm) != Rate || power(pcm, 500) < 0.99 {
			t.Errorf("%d samples while it runs", len(pcm))
		}
		if err := set.Playback().Start(sine(1)); !errors.Is(err, ErrBusy) {
			t.Errorf("a second stream into the file: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		pcm := readWAV(t, path)
		if len(pcm) != 2*Rate || power(pcm[Rate:Rate+Rate/10], 500) < 0.99 || !silent(pcm[Rate+Rate/10:]) {
			t.Errorf("%d samples after the first stream", len(pcm))
		}

		// A held call that is resumed goes on in the same file.
		q := set.Playback()
		q.Start(sine(800))
		time.Sleep(300*time.Millisecond + period/2)
		if err := errors.Join(q.Close(), set.Close(), set.Close()); err != nil {
			t.Error(err)
		}
	})
	pcm := readWAV(t, path)
	if len(pcm) != 3*Rate || power(pcm[:Rate], 500) < 0.99 || power(pcm[2*Rate:2*Rate+4800], 800) < 0.99 {
		t.Errorf("%d samples in the end", len(pcm))
	}
}

func TestTheRingerRingsIntoAFileAndStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.wav")
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(Spec{Input: "null", Output: "null", Ring: "file:" + path})
		if err != nil {
			t.Fatal(err)
		}
		r := set.Ringer()
		r.Start()
		r.Start() // it rings already
		time.Sleep(5*time.Second + period/2)
		r.Stop()
		r.Stop()
		time.Sleep(5 * time.Second)
		if err := set.Close(); err != nil {
			t.Error(err)
		}
		r.Start() // after the end: silent, harmless
	})
	pcm := readWAV(t, path)
	if len(pcm) != 5*Rate {
		t.Fatalf("%d samples", len(pcm))
	}
	if e6 := pcm[Rate/2 : Rate*7/10]; power(e6, 1318.51) < 0.4 {
		t.Errorf("only %.2f of the figure's end is its E", power(e6, 1318.51))
	}
	if !silent(pcm[3*Rate+Rate/2 : 4*Rate]) {
		t.Error("the cadence has no rest")
	}
	if silent(pcm[4*Rate : 4*Rate+Rate/4]) {
		t.Error("the cadence is not repeated")
	}
	peak := int16(0)
	for _, s := range pcm {
		peak = max(peak, s, -s)
	}
	if peak < 4000 || peak > 26000 {
		t.Errorf("peak %d", peak)
	}
}

func TestABadSettingIsRefusedInOneLine(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	os.WriteFile(text, []byte("this is not a sound"), 0o600)
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{Input: "tone"}, `audio input = "tone": a tone needs its frequency from 20 to 7999 Hz, as in "tone:440"`},
		{Spec{Input: "tone:NaN"}, `audio input = "tone:NaN": a tone needs its frequency from 20 to 7999 Hz, as in "tone:440"`},
		{Spec{Output: "tone:9000"}, `audio output = "tone:9000": a tone needs its frequency from 20 to 7999 Hz, as in "tone:440"`},
		{Spec{Input: "file:"}, `audio input = "file:": a file needs its path, as in "file:greeting.wav"`},
		{Spec{Output: "file:a.wav?loop"}, `audio output = "file:a.wav?loop": only an input file can be looped`},
		{Spec{Output: "bell"}, `audio output = "bell": only the ring can be "bell" or "off"; write "null" to work without sound`},
		{Spec{Input: "file:" + dir + "/none.wav"}, `audio input = "file:` + dir + `/none.wav": there is no such file or folder`},
		{Spec{Input: "null", Output: "file:" + dir + "/no/out.wav"}, `audio output = "file:` + dir + `/no/out.wav": there is no such file or folder`},
		{Spec{Input: "file:" + text}, `audio input = "file:` + text + `": not a usable WAV file: it does not begin with RIFF and WAVE`},
	} {
		set, err := Open(test.spec)
		if err == nil {
			set.Close()
			t.Errorf("%+v was accepted", test.spec)
			continue
		}
		if _, ok := err.(*SpecError); !ok || err.Error() != test.want {
			t.Errorf("%T reads\n%s, want\n%s", err, err, test.want)
		}
	}
	if err := (Spec{Input: "file:///home/me/a%20b.wav", Output: "My Headset", Ring: "off"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestAFileThatCannotBeWrittenAnyMoreIsToldOnceAndTheCallGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(Spec{Input: "null", Output: "file:" + filepath.Join(t.TempDir(), "out.wav"), Ring: "off"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range set.file {
			r.w.Close() // as if the disk had failed
		}
		n := 0
		p := set.Playback()
		p.Start(func([]int16) { n++ })
		time.Sleep(5*time.Second + period/2)
		if err := p.Close(); !errors.Is(err, os.ErrClosed) || n != 500 {
			t.Errorf("%d frames, then %v", n, err)
		}
		if len(set.Events()) != 1 {
			t.Fatalf("%d events", len(set.Events()))
		}
		if e := <-set.Events(); e.Kind != Lost || !e.Output || e.Name.String() != "out.wav" || e.Cause.Empty() {
			t.Errorf("event %+v", e)
		}
		set.Close()
	})
}
