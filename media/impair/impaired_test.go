package impair_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/impair"
)

// outcome is what was heard of a call over a bad network.
type outcome struct {
	impair.Quality
	delay                                     time.Duration // mouth to ear without devices, median of the chirps found
	chirps                                    int
	concealed, recovered, stretched, buffered float64
	mos                                       float64
}

func hear(t *testing.T, c *call, said []int16) outcome {
	t.Helper()
	const chirps = 8
	chirp := impair.Chirp()
	train := make([]int16, 0, chirps*impair.Rate/2)
	for i := range chirps { // not in step with packets
		part := make([]int16, impair.Rate/2)
		copy(part[i*37:], chirp)
		train = append(train, part...)
	}
	heard := c.talk(slices.Concat(said, train))
	var o outcome
	o.Quality = impair.Compare(said, heard, 0, impair.Rate*700/1000)
	st := c.b.Stats()
	o.concealed, o.recovered, o.stretched, o.mos = st.Concealed, st.Recovered, st.Stretched, st.MeanMOS
	o.buffered = st.Buffer.Seconds() * 1000
	var delays []time.Duration
	for i := range chirps {
		from := len(said) + i*impair.Rate/2 + i*37
		at, like := impair.Find(chirp, heard, from, from+impair.Rate*450/1000)
		if like > 0.5 {
			delays = append(delays, time.Duration(at-from)*time.Second/impair.Rate)
		}
	}
	if o.chirps = len(delays); o.chirps > 0 {
		slices.Sort(delays)
		o.delay = delays[len(delays)/2]
	}
	return o
}

func TestImpairedSpeechStaysSpeech(t *testing.T) {
	said := speech(t)
	said = said[:min(len(said), 6*impair.Rate)]
	losses := []float64{0, 3, 10}
	jitters := []time.Duration{0, 50, 100}
	if os.Getenv("OFFHOOK_LONG") != "" {
		losses, jitters = []float64{0, 1, 3, 5, 10}, []time.Duration{0, 20, 50, 100}
	}
	if testing.Short() {
		losses, jitters = []float64{0, 10}, []time.Duration{0, 100}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-5s %5s %6s | %5s %6s %6s %6s %6s | %7s %7s %7s %6s | %5s %5s\n", "codec", "loss", "jitter", "lost", "delay", "chirps",
		"buffer", "gaps", "conceal", "recover", "stretch", "segSNR", "fwSNR", "LSD")
	for _, codec := range codecs(t) {
		if codec == media.PCMA {
			continue // sounds as µ-law does
		}
		for _, loss := range losses {
			for _, jitter := range jitters {
				jitter *= time.Millisecond
				c := newCall(t, codec, impair.Link{Seed: 23, Delay: 20 * time.Millisecond, Jitter: jitter, Wander: 0.8, Loss: loss / 100, Burst: 1.3, Reorder: 0.3})
				o := hear(t, c, said)
				fmt.Fprintf(&table, "%-5s %4.0f%% %4dms | %4.1f%% %4dms %6d %4.0fms %5.1f%% | %6.1f%% %6.1f%% %6.1f%% %6.1f | %5.1f %5.2f  MOS %.2f\n", codec.Name, loss,
					jitter.Milliseconds(), 100*float64(c.lost)/float64(c.got), o.delay.Milliseconds(), o.chirps, o.buffered, o.Gaps, o.concealed, o.recovered, o.stretched, o.SegSNR, o.FwSNR, o.LSD, o.mos)
				for _, broken := range o.broken(codec, loss, jitter) {
					t.Errorf("%s, %v %% loss, %v jitter: %s", codec.Name, loss, jitter, broken)
				}
			}
		}
	}
	t.Log(table.String())
}

// broken are the promises that an outcome does not keep.
func (o outcome) broken(codec media.Codec, loss float64, jitter time.Duration) (out []string) {
	least, distance, gaps := 25-0.6*loss, 1.5+0.15*loss, 2.0
	if codec == media.Opus { // keeps the sound, not the waveform
		least, distance = 15-0.15*loss, 3.2+0.15*loss
	}
	switch {
	case jitter >= 100*time.Millisecond: // half of a second of it now and then
		least, distance, gaps = least-9, distance+4, 5
	case jitter >= 50*time.Millisecond:
		least, distance, gaps = least-5, distance+2, 3
	case jitter > 0:
		least, distance = least-3, distance+1
	}
	if o.FwSNR < least {
		out = append(out, fmt.Sprintf("speech is heard at %.1f dB, promised %.1f", o.FwSNR, least))
	}
	if o.LSD > distance {
		out = append(out, fmt.Sprintf("its spectrum is %.1f dB off, promised %.1f", o.LSD, distance))
	}
	if o.Gaps > gaps {
		out = append(out, fmt.Sprintf("%.1f %% of it is not heard, promised %.1f", o.Gaps, gaps))
	}
	if most := 80*time.Millisecond + jitter*16/5; o.delay > most || o.chirps < 3 {
		out = append(out, fmt.Sprintf("it takes %v (%d chirps found), promised %v", o.delay, o.chirps, most))
	}
	return out
}
