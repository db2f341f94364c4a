package record

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offhook/internal/text"
)

// tone makes successive samples of a sine at a sampling rate that may be a little off.
type tone struct {
	hz, amp, rate float64
	n             int
}

func (g *tone) frame() []int16 {
	pcm := make([]int16, Frame)
	for i := range pcm {
		pcm[i] = int16(g.amp * math.Sin(2*math.Pi*g.hz*float64(g.n)/g.rate))
		g.n++
	}
	return pcm
}

// strength is the share of the energy of pcm at hz, from 0 to 1.
func strength(pcm []int16, hz float64) float64 {
	var re, im, all float64
	for i, s := range pcm {
		x := float64(s)
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / Rate)
		re, im, all = re+x*cos, im+x*sin, all+x*x
	}
	if all == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / all / float64(len(pcm))
}

func loud(pcm []int16) bool {
	for _, s := range pcm {
		if s > 300 || s < -300 {
			return true
		}
	}
	return false
}

// stereo reads a 16-bit stereo WAV file of ours.
func stereo(t testing.TB, b []byte) (left, right []int16) {
	t.Helper()
	if len(b) < 44 || string(b[36:40]) != "data" {
		t.Fatalf("%d bytes are no WAV file of 16 bit", len(b))
	}
	size := int(b[40]) | int(b[41])<<8 | int(b[42])<<16 | int(b[43])<<24
	for i := 44; i+4 <= 44+size && i+4 <= len(b); i += 4 {
		left = append(left, int16(uint16(b[i])|uint16(b[i+1])<<8))
		right = append(right, int16(uint16(b[i+2])|uint16(b[i+3])<<8))
	}
	return left, right
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func note(t testing.TB, r *Recorder) sidecar {
	t.Helper()
	var s sidecar
	path := filepath.Join(filepath.Dir(r.path), sidecarOf(filepath.Base(r.path)))
	if err := json.Unmarshal(read(t, path), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func begin(t testing.TB, c Config) *Recorder {
	t.Helper()
	if c.Dir == "" {
		c.Dir = filepath.Join(t.TempDir(), "recordings")
	}
	if c.Call.ID.Empty() {
		c.Call = Call{Key: text.Clean("k-1"), ID: text.Clean("abc@10.0.0.1"), FarEnd: text.Clean("+4930901820")}
	}
	r, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// feed plays both sides for a while, in virtual time.
func feed(r *Recorder, left, right *tone, d time.Duration) {
	for range int(d / (10 * time.Millisecond)) {
		time.Sleep(10 * time.Millisecond)
		r.Sent(left.frame())
		r.Heard(right.frame())
	}
}
