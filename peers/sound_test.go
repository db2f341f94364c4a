//go:build unix

package peers

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

// sine is a tone at a quarter of full scale.
func sine(hz float64, rate int, length time.Duration) []int16 {
	pcm := make([]int16, int(length.Seconds()*float64(rate)))
	for i := range pcm {
		pcm[i] = int16(8192 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return pcm
}

// writeWAV writes mono PCM.
func writeWAV(t testing.TB, path string, rate int, pcm []int16) {
	t.Helper()
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(pcm)))
	for _, v := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readWAV reads 16-bit PCM; of several channels the first counts. Sizes that were never patched mean the rest of the file.
func readWAV(t testing.TB, path string) (pcm []int16, rate int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		pcm, rate = parseWAV(b)
	}
	if rate == 0 {
		t.Fatalf("%s is no WAV file with sound in it (%d bytes, %v)", path, len(b), err)
	}
	return pcm, rate
}

// parseWAV gives rate 0 for what is no WAV file, or not yet.
func parseWAV(b []byte) (pcm []int16, rate int) {
	if len(b) < 44 || string(b[:4]) != "RIFF" {
		return nil, 0
	}
	channels := 1
	for b = b[12:]; len(b) >= 8; {
		size := int(binary.LittleEndian.Uint32(b[4:]))
		body := b[8:]
		body = body[:min(size, len(body))]
		switch string(b[:4]) {
		case "fmt ":
			channels, rate = int(binary.LittleEndian.Uint16(body[2:])), int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			if len(body) == 0 {
				body = b[8:]
			}
			for i := 0; i+2*channels <= len(body); i += 2 * channels {
				pcm = append(pcm, int16(binary.LittleEndian.Uint16(body[i:])))
			}
			return pcm, rate
		}
		b = b[min(len(b), 8+size+size&1):]
	}
	return nil, 0
}

// recorded waits until a file that is still being written has that much of the tone: a call lasts until it was heard, however slow the
// machine is. path may name nothing yet.
func recorded(t testing.TB, what string, path func() string, hz float64, least time.Duration) {
	t.Helper()
	eventually(t, fmt.Sprintf("%v of %g Hz in %s", least, hz, what), func() bool {
		b, _ := os.ReadFile(path())
		pcm, rate := parseWAV(b)
		return rate > 0 && carries(pcm, rate, hz) >= least
	})
}

// share is how much of the energy of pcm is at hz (Goertzel), between 0 and 1.
func share(pcm []int16, rate int, hz float64) float64 {
	if len(pcm) == 0 {
		return 0
	}
	w := 2 * math.Pi * hz / float64(rate)
	var s1, s2, energy float64
	for _, v := range pcm {
		x := float64(v)
		s1, s2 = x+2*math.Cos(w)*s1-s2, s1
		energy += x * x
	}
	if energy == 0 {
		return 0
	}
	return 2 * (s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2) / (energy * float64(len(pcm)))
}

// loudness is the RMS of pcm.
func loudness(pcm []int16) float64 {
	var e float64
	for _, v := range pcm {
		e += float64(v) * float64(v)
	}
	return math.Sqrt(e / float64(max(1, len(pcm))))
}

// carries looks at a recording in windows of 100 ms and returns for how long the tone, and nothing else, was heard.
func carries(pcm []int16, rate int, hz float64) (clear time.Duration) {
	n := rate / 10
	for i := 0; i+n <= len(pcm); i += n {
		if w := pcm[i : i+n]; loudness(w) > 1000 && share(w, rate, hz) > 0.9 {
			clear += 100 * time.Millisecond
		}
	}
	return clear
}

// mustCarry fails unless a recording has at least that much of the tone, as loud as it was sent (a quarter of full scale).
func mustCarry(t testing.TB, what string, pcm []int16, rate int, hz float64, least time.Duration) {
	t.Helper()
	got := carries(pcm, rate, hz)
	t.Logf("%s: %.1f s at %d Hz, %.1f s of it a clear tone of %g Hz", what, float64(len(pcm))/float64(rate), rate, got.Seconds(), hz)
	if got < least {
		t.Errorf("%s: only %v of %g Hz, want %v", what, got, hz, least)
	}
}

func TestTheMeasureOfTonesKnowsOneFromAnother(t *testing.T) {
	pcm := sine(880, 8000, time.Second)
	if got := carries(pcm, 8000, 880); got != time.Second {
		t.Errorf("880 Hz for %v", got)
	}
	if got := carries(pcm, 8000, 440) + carries(make([]int16, 8000), 8000, 880); got != 0 {
		t.Errorf("a tone that is not there for %v", got)
	}
}
