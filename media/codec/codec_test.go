package codec

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"offhook/internal/allocs"
)

// The files in testdata were made by ffmpeg (libavcodec's own G.722 and G.711), from in.s16 and random.g722.

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return b
}

func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func same[T int16 | byte](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: value %d is %d, want %d", what, i, got[i], want[i])
		}
	}
}

func TestG722EncodesBitExactlyAsFFmpeg(t *testing.T) {
	pcm := samples(golden(t, "in.s16.gz"))
	dst := make([]byte, len(pcm)/2)
	enc := NewG722Encoder()
	for i := 0; i < len(pcm); i += 160 { // in frames, as a call does
		enc.Encode(dst[i/2:], pcm[i:i+160])
	}
	same(t, "octets", dst, golden(t, "out.g722"))
}

func TestG722DecodesBitExactlyAsFFmpeg(t *testing.T) {
	for _, c := range [][2]string{{"out.g722", "dec.s16.gz"}, {"random.g722", "random.s16.gz"}} {
		src := golden(t, c[0])
		pcm := make([]int16, 2*len(src))
		NewG722Decoder().Decode(pcm, src)
		same(t, c[0], pcm, samples(golden(t, c[1])))
	}
}

func TestG722EqualsALiveFFmpegOnFreshNoise(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("peer ffmpeg is not installed")
	}
	raw := make([]byte, 64000)
	seed := uint32(20261121)
	for i := range raw { // a plain generator: the same noise everywhere
		seed = seed*1664525 + 1013904223
		raw[i] = byte(seed >> 24)
	}
	run := func(in []byte, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), ffmpeg, append([]string{"-v", "error"}, args...)...)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	coded := run(raw, "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0", "-c:a", "g722", "-f", "g722", "pipe:1")
	pcm := samples(raw)
	dst := make([]byte, len(pcm)/2)
	NewG722Encoder().Encode(dst, pcm)
	same(t, "octets", dst, coded)
	NewG722Decoder().Decode(pcm, dst)
	same(t, "samples", pcm, samples(run(coded, "-f", "g722", "-i", "pipe:0", "-f", "s16le", "pipe:1")))
}

func TestG711DecodesAll256CodesAsFFmpeg(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, law := range map[string]*Law{"ulaw.s16": ULaw, "alaw.s16": ALaw} {
		pcm := make([]int16, 256)
		law.Decode(pcm, all)
		same(t, name, pcm, samples(golden(t, name)))
	}
}

func TestG711EncodesEverySampleToItsNearestStep(t *testing.T) {
	for name, law := range map[string]*Law{"µ-law": ULaw, "A-law": ALaw} {
		code, back := make([]byte, 1), make([]int16, 1)
		for s := -32768; s <= 32767; s++ {
			law.Encode(code, []int16{int16(s)})
			law.Decode(back, code)
			// a step is at most 1/16 of the magnitude (A-law: 1/16, smallest 16; µ-law: bias 132)
			step := math.Abs(float64(s))/16 + 16
			if name == "µ-law" {
				step = (math.Abs(float64(s))+132)/16 + 4
			}
			if d := math.Abs(float64(back[0]) - float64(s)); d > step && s < 32000 && s > -32000 {
				t.Fatalf("%s: %d comes back as %d", name, s, back[0])
			}
		}
		for c := range 256 {
			law.Decode(back, []byte{byte(c)})
			law.Encode(code, back)
			again := make([]int16, 1)
			law.Decode(again, code)
			if again[0] != back[0] {
				t.Errorf("%s: octet %#x decodes to %d, which codes to %d", name, c, back[0], again[0])
			}
		}
	}
}

func TestCodingAllocatesNothing(t *testing.T) {
	pcm, oct := make([]int16, 320), make([]byte, 320)
	e, d := NewG722Encoder(), NewG722Decoder()
	if n := allocs.Of(50, func() {
		ULaw.Encode(oct, pcm[:160])
		ALaw.Decode(pcm[:160], oct[:160])
		e.Encode(oct, pcm)
		d.Decode(pcm, oct[:160])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkG711Encode20ms(b *testing.B) {
	pcm, oct := make([]int16, 160), make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		ULaw.Encode(oct, pcm)
	}
}

func BenchmarkG711Decode20ms(b *testing.B) {
	pcm, oct := make([]int16, 160), make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		ULaw.Decode(pcm, oct)
	}
}

func BenchmarkG722Encode20ms(b *testing.B) {
	pcm, oct := samples(golden(b, "in.s16.gz")), make([]byte, 160)
	e := NewG722Encoder()
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 320) % (len(pcm) - 320) {
		e.Encode(oct, pcm[i:i+320])
	}
}

func BenchmarkG722Decode20ms(b *testing.B) {
	oct, pcm := golden(b, "out.g722"), make([]int16, 320)
	d := NewG722Decoder()
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 160) % (len(oct) - 160) {
		d.Decode(pcm, oct[i:i+160])
	}
}

// after is how far, in dB, the clean signal lies above the error in the 20 ms after gaps of 20 ms that were filled with
// the period before them.
func after(coded []byte, clean []int16, follow bool) float64 {
	d := NewG722Decoder()
	pcm := make([]int16, len(clean))
	var sig, errs float64
	for f := 0; f+160 <= len(coded); f += 160 {
		if n := f / 160; n > 5 && n%8 == 0 { // lost: the last period stands in, here with a delay of 200 samples, 12.5 ms
			made := pcm[2*f : 2*f+320]
			for i := range made {
				made[i] = pcm[2*f+i-200]
			}
			if follow {
				d.Follow(pcm[:2*f], made[:160])
				d.Follow(pcm[:2*f+160], made[160:])
			}
			continue
		}
		d.Decode(pcm[2*f:], coded[f:f+160])
		if n := f / 160; n > 5 && n%8 == 1 {
			for i := 2*f + 24; i < 2*f+320; i++ {
				e := float64(pcm[i]) - float64(clean[i])
				sig, errs = sig+float64(clean[i])*float64(clean[i]), errs+e*e
			}
		}
	}
	return 10 * math.Log10(sig/errs)
}

func TestADecoderThatFollowsAGapIsNearerToTheTruthAfterIt(t *testing.T) {
	pcm := make([]int16, 2*16000)
	for i := range pcm { // a voice at 80 Hz, swelling and ebbing, so that the state has something to lose
		v := 0.0
		for k := 1.0; k < 40; k++ {
			v += math.Sin(2*math.Pi*80*k*float64(i)/16000+k*k) / k
		}
		pcm[i] = int16(2500 * v * (1.1 + math.Sin(float64(i)/900)))
	}
	coded := make([]byte, len(pcm)/2)
	NewG722Encoder().Encode(coded, pcm)
	clean := make([]int16, len(pcm))
	NewG722Decoder().Decode(clean, coded)
	with, without := after(coded, clean, true), after(coded, clean, false)
	t.Logf("signal above error after a gap: %.1f dB with, %.1f without", with, without)
	if with < without+1 {
		t.Errorf("following a gap gives %.1f dB, leaving it %.1f", with, without)
	}
}
