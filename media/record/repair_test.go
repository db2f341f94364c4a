package record

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/media/wav"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) ReadAt(p []byte, at int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, at) }
func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if rest := int(at) + len(p) - len(m.b); rest > 0 {
		m.b = append(m.b, make([]byte, rest)...)
	}
	return copy(m.b[at:], p), nil
}
func (m *memory) Write(p []byte) (int, error)    { m.b = append(m.b, p...); return len(p), nil }
func (m *memory) Close() error                   { return nil }
func (m *memory) Truncate(n int64) error         { m.b = m.b[:n]; return nil }
func (m *memory) Seek(int64, int) (int64, error) { return int64(len(m.b)), nil }

// sound is a short recording of a format, in blocks, with marks if it is closed.
func sound(t testing.TB, f Format, blocks int, closed bool) []byte {
	t.Helper()
	m := &memory{}
	var s sink
	var err error
	if f == Opus {
		s, err = newOpusSink(m, func() (Encoder, error) { return &fakeEncoder{}, nil })
	} else {
		s, err = newWAVSink(m, f, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
	for range blocks {
		if err := s.write(append(left.frame(), left.frame()...), append(right.frame(), right.frame()...)); err != nil {
			t.Fatal(err)
		}
	}
	if closed {
		if err := s.close([]mark{{100, "pause"}, {200, "resume"}}); err != nil {
			t.Fatal(err)
		}
	}
	return m.b
}

// playable checks a WAV file strictly: sizes that fit each other and the file.
func playable(t *testing.T, b []byte) int {
	t.Helper()
	if len(b) < 44 || int(binary.LittleEndian.Uint32(b[4:]))+8 != len(b) {
		t.Fatalf("RIFF says something else than %d bytes", len(b))
	}
	at := 12
	data := -1
	for at+8 <= len(b) {
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		if string(b[at:at+4]) == "data" {
			data = size
		}
		at += 8 + size + size&1
	}
	if at != len(b) || data < 0 {
		t.Fatalf("the chunks end at %d of %d bytes", at, len(b))
	}
	if _, err := wav.Decode(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAWAVFileCutOffAnywhereIsPlayableAfterRepair(t *testing.T) {
	for _, f := range []Format{WAV, ALaw} {
		block := 4
		if f != WAV {
			block = 2
		}
		whole := sound(t, f, 3, true)
		before := sound(t, f, 2, false) // the header of a second ago, before more sound came
		head := len(wavHeader(map[Format]uint16{WAV: tagPCM, ALaw: tagALaw}[f], 0, 0))
		for n := range len(whole) {
			m := &memory{b: slices.Clone(whole[:n])}
			if _, err := repairWAV(m); err != nil {
				t.Fatalf("%s, %d bytes: %v", f, n, err)
			}
			if got, want := playable(t, m.b), max(0, min(n-head, 960*block)/block*block); got != want {
				t.Fatalf("%s, %d bytes: %d of sound, want %d", f, n, got, want)
			}
			if n < head+960*block { // and with an older header
				m = &memory{b: slices.Clone(whole[:n])}
				copy(m.b, before[:head])
				if _, err := repairWAV(m); err != nil {
					t.Fatal(err)
				}
				if got, want := playable(t, m.b), max(0, (n-head)/block*block); got != want {
					t.Fatalf("%s, %d bytes and an old header: %d of sound, want %d", f, n, got, want)
				}
			}
		}
		m := &memory{b: slices.Clone(whole)}
		if changed, err := repairWAV(m); changed || err != nil || !bytes.Equal(m.b, whole) {
			t.Errorf("%s: a whole file was changed: %v", f, err)
		}
	}
}

func TestAnOggFileCutOffAnywhereEndsOnAWholePageAfterRepair(t *testing.T) {
	whole := sound(t, Opus, 5, true)
	first := len(sound(t, Opus, 0, false))
	for n := range len(whole) {
		m := &memory{b: slices.Clone(whole[:n])}
		changed, err := repairOgg(m)
		if err != nil {
			t.Fatal(err)
		}
		if n < first {
			continue // no sound was written yet
		}
		if !changed {
			t.Fatalf("%d bytes: nothing was done", n)
		}
		pages := pagesOf(t, m.b)
		if last := pages[len(pages)-1]; last[5]&oggLast == 0 {
			t.Fatalf("%d bytes: the last page is not marked", n)
		}
		if again, err := repairOgg(m); again || err != nil {
			t.Fatalf("%d bytes: repaired twice", n)
		}
	}
}

func TestRepairPutsAFolderRightAndTouchesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "recordings")
		if done, err := Repair(dir); err != nil || done != nil {
			t.Errorf("a folder that is not there: %v, %v", done, err)
		}
		r := begin(t, Config{Dir: dir})
		feed(r, &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}, 2500*time.Millisecond)
		raw, side := read(t, r.path), read(t, filepath.Join(dir, sidecarOf(filepath.Base(r.path))))
		r.Close()
		name := filepath.Base(r.path)
		crash := "20200101T000000Z-crash.wav"
		for n, b := range map[string][]byte{
			crash: append(raw, 1, 2, 3), sidecarOf(crash): bytes.ReplaceAll(side, []byte(name), []byte("../../elsewhere.wav")),
			sidecarOf(crash) + ".new": side[:20], "music.wav": raw[:70], "notes.txt": []byte("x"),
		} {
			if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		done, err := Repair(dir)
		if err != nil || !slices.Equal(done, []string{crash}) {
			t.Errorf("repaired %v, %v", done, err)
		}
		playable(t, read(t, filepath.Join(dir, crash)))
		if s := string(read(t, filepath.Join(dir, sidecarOf(crash)))); !strings.Contains(s, `"interrupted"`) || strings.Contains(s, "elsewhere") {
			t.Errorf("sidecar %s", s)
		}
		if b := read(t, filepath.Join(dir, "music.wav")); len(b) != 70 {
			t.Error("a stranger's file was changed")
		}
		if done, err := Repair(dir); err != nil || len(done) != 0 {
			t.Errorf("repaired twice: %v, %v", done, err)
		}
	})
}

func TestRetentionDeletesWhatIsOldAndOursOnly(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	keep := []string{"20261120T000000Z-a.wav", "20261120T000000Z-a.wav.json", "20261023T000000Z-edge.opus", "notes.txt", "20200101T000000Z-x.mp3",
		"20200101-a.wav", "20200101T000000Z-.wav", "20209999T000000Z-a.wav"}
	gone := []string{"20261001T000000Z-b.wav", "20261001T000000Z-b.wav.json", "20250101T000000Z-c.opus", "20250101T000000Z-c.opus.json.new",
		"20240101T000000Z-d.wav.age", "20240101T000000Z-d.wav.json"}
	for _, n := range append(slices.Clone(keep), gone...) {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "20200101T000000Z-folder.wav"), 0o700); err != nil {
		t.Fatal(err)
	}
	if d, err := Sweep(dir, 0, now); err != nil || d != nil {
		t.Errorf("without a limit: %v, %v", d, err)
	}
	d, err := Sweep(dir, 30, now)
	if err != nil || !slices.Equal(d, []string{"20240101T000000Z-d.wav.age", "20250101T000000Z-c.opus", "20261001T000000Z-b.wav"}) {
		t.Errorf("deleted %v, %v", d, err)
	}
	entries, _ := os.ReadDir(dir)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := append(keep, "20200101T000000Z-folder.wav")
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left %v", left)
	}
	if d, err := Sweep(filepath.Join(dir, "none"), 30, now); err != nil || d != nil {
		t.Errorf("no folder: %v, %v", d, err)
	}
}

func TestSoxPlaysWhatWasRepaired(t *testing.T) {
	path, err := exec.LookPath("sox")
	if err != nil {
		t.Skip("sox is not installed")
	}
	for _, f := range []Format{WAV, ALaw, ULaw} {
		m := &memory{b: sound(t, f, 50, true)[:20_003]}
		if _, err := repairWAV(m); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "cut.wav")
		if err := os.WriteFile(file, m.b, 0o600); err != nil {
			t.Fatal(err)
		}
		for ch, hz := range map[string]float64{"1": 440, "2": 880} {
			out, err := exec.Command(path, file, "-t", "s16", "-r", "16000", "-c", "1", "-", "remix", ch).Output()
			if err != nil {
				t.Fatalf("%s: sox: %v", f, err)
			}
			var pcm []int16
			for i := 0; i+1 < len(out); i += 2 {
				pcm = append(pcm, int16(binary.LittleEndian.Uint16(out[i:])))
			}
			if s := strength(pcm, hz); s < 0.99 {
				t.Errorf("%s: channel %s holds %.3f of %.0f Hz", f, ch, s, hz)
			}
		}
	}
}

func FuzzRepair(f *testing.F) {
	f.Add(sound(f, WAV, 1, true))
	f.Add(sound(f, ALaw, 1, false))
	f.Add(sound(f, Opus, 2, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, repair := range []func(truncater) (bool, error){repairWAV, repairOgg} {
			m := &memory{b: slices.Clone(b)}
			changed, err := repair(m)
			if err == nil && changed {
				if again, err := repair(m); again || err != nil {
					t.Fatalf("repaired twice: %v", err)
				}
			}
		}
	})
}
