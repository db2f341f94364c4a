//go:build unix

package peers

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/codec/opus"
	"offhook/media/impair"
	"offhook/media/wav"
)

// fate is what became of speech on its way through a phone.
type fate struct {
	impair.Quality
	intelligible float64
	delay        time.Duration // median of the chirps found
	chirps       int
}

// reference is speech that everybody can make again, and chirps behind it.
func reference(t *testing.T, long bool) (speech, all []int16) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "speech.wav")
	text := "Good morning, this is the service desk of the harbour office."
	if long {
		text += " Thank you for waiting. May I have your customer number, please? I can see three open orders here."
	}
	if out, err := exec.CommandContext(t.Context(), peer(t, "espeak-ng"), "-v", "en", "-s", "150", "-w", file, text).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if speech, err = wav.Decode(f); err != nil {
		t.Fatal(err)
	}
	most := 1.0
	for _, v := range speech {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range speech {
		speech[i] = int16(float64(v) * 12000 / most)
	}
	speech = slices.Concat(make([]int16, lead), speech, make([]int16, impair.Rate/2))
	all = slices.Clone(speech)
	for i := range chirps {
		part := make([]int16, impair.Rate/2)
		copy(part[i*37:], impair.Chirp()) // not in step with packets
		all = append(all, part...)
	}
	return speech, append(all, make([]int16, impair.Rate)...)
}

const (
	lead   = impair.Rate // for a phone to find its feet
	chirps = 8
	late   = impair.Rate * 9 / 10
)

// judge compares.
func judge(speech, heard []int16) (f fate) {
	f.Quality = impair.Compare(speech[lead:], heard[lead:], 0, late)
	f.intelligible = impair.Intelligibility(speech[lead:], heard[lead:], 0, late)
	var delays []time.Duration
	for i := range chirps {
		from := len(speech) + i*impair.Rate/2 + i*37
		if at, like := impair.Find(impair.Chirp(), heard, from, from+impair.Rate*45/100); like > 0.5 {
			delays = append(delays, time.Duration(at-from)*time.Second/impair.Rate)
		}
	}
	if f.chirps = len(delays); f.chirps > 0 {
		slices.Sort(delays)
		f.delay = delays[len(delays)/2]
	}
	return f
}

// run is one call over one link to one phone.
type badCall struct {
	codec  media.Codec
	loss   float64 // percent
	jitter time.Duration
	also   mischief
	phone  string
	still  time.Duration // of the machine
	fate
}

func (c *badCall) link() impair.Link {
	return impair.Link{Seed: 41, Delay: 20 * time.Millisecond, Jitter: c.jitter / 3, Wander: 0.5, Loss: c.loss / 100, Burst: 1.3,
		Reorder: c.also.reorder, Duplicate: c.also.duplicate, Drift: c.also.drift}
}

// mischief is what else happens on a link.
type mischief struct {
	name                      string
	reorder, duplicate, drift float64
}

var mischiefs = []mischief{
	{name: "20 % may overtake", reorder: 0.2}, {name: "20 % come twice", duplicate: 0.2},
	{name: "clock +200 ppm", drift: 200}, {name: "clock −200 ppm", drift: -200},
}

// make makes the call, and makes it again when the machine stood still meanwhile: a link that is better than the machine is not measured.
func (c *badCall) make(t *testing.T, speech, all []int16) {
	for try := 1; ; try++ {
		stalls := watchStalls()
		t.Run("", func(t *testing.T) { c.once(t, speech, all) })
		still := stalls.end()
		if still < standsStill || try == 3 || t.Failed() {
			if still >= standsStill {
				t.Logf("%s, %s, %g %%, %v: the machine stood still for %v", c.phone, c.codec.Name, c.loss, c.jitter, still)
			}
			c.still = still
			return
		}
	}
}

func (c *badCall) once(t *testing.T, speech, all []int16) {
	s := newSpeaker(t, c.codec, c.link())
	var at netip.AddrPort
	if c.phone == "offhook" {
		at = offhookMirror(t, c.codec)
	} else {
		name := "PCMU/8000/1"
		if c.codec.Name == media.Opus.Name {
			name = "opus/48000/2"
		}
		at = newBaresip(t, name, 0).at
	}
	c.fate = judge(speech, s.say(at, all))
}

func TestSpeechOverABadLinkIsNoWorseThanAtAnotherTelephone(t *testing.T) {
	peer(t, "baresip")
	full := os.Getenv("OFFHOOK_IMPAIRED") != ""
	if !full {
		t.Parallel()
	}
	speech, all := reference(t, full)
	codecs := []media.Codec{media.PCMU}
	if opus.Available() {
		if err := opus.Wait(); err != nil {
			t.Fatal(err)
		}
		codecs = append(codecs, media.Opus)
	}
	losses, jitters, lines := []float64{5}, []time.Duration{50 * time.Millisecond}, 4
	if full {
		losses, jitters, lines = []float64{0, 1, 3, 5, 10}, []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}, 5
	}
	var calls []*badCall
	add := func(codec media.Codec, loss float64, jitter time.Duration, also mischief) {
		for _, phone := range []string{"offhook", "baresip"} {
			calls = append(calls, &badCall{codec: codec, loss: loss, jitter: jitter, also: also, phone: phone})
		}
	}
	for _, codec := range codecs {
		for _, jitter := range jitters {
			for _, loss := range losses {
				add(codec, loss, jitter, mischief{})
			}
		}
		for _, also := range mischiefs {
			if full {
				add(codec, 1, 20*time.Millisecond, also)
			}
		}
	}
	t.Run("calls", func(t *testing.T) { // what a call opened is closed at its end
		work := make(chan *badCall)
		var done sync.WaitGroup
		for range lines {
			done.Go(func() {
				for c := range work {
					t.Run(fmt.Sprintf("%s %s %v%% %v %s", c.phone, c.codec.Name, c.loss, c.jitter, c.also.name), func(t *testing.T) { c.make(t, speech, all) })
				}
			})
		}
		for _, c := range calls {
			work <- c
		}
		close(work)
		done.Wait()
	})
	if t.Failed() {
		return
	}
	var table strings.Builder
	table.WriteString("| codec | loss | jitter | also | | fwSegSNR, dB | LSD, dB | intelligibility | gaps | delay |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, c := range calls {
		delay := fmt.Sprintf("%d ms", c.delay.Milliseconds())
		if c.chirps < 3 {
			delay = "not found"
		}
		fmt.Fprintf(&table, "| %s | %g %% | %d ms | %s | %s | %.1f | %.1f | %.3f | %.1f %% | %s |\n", c.codec.Name, c.loss, c.jitter.Milliseconds(), c.also.name, c.phone, c.FwSNR, c.LSD,
			c.intelligible, c.Gaps, delay)
	}
	t.Log("\n" + table.String())
	// One call says little, for it matters which sounds are lost; all of them together say who hears better.
	mean := map[string]float64{}
	for i := 0; i < len(calls); i += 2 {
		ours, theirs := calls[i], calls[i+1]
		mean[ours.codec.Name] += (ours.intelligible - theirs.intelligible) / float64(len(calls)/len(codecs)/2)
		if max(ours.still, theirs.still) >= standsStill {
			continue // says nothing about either
		}
		if ours.intelligible < theirs.intelligible-0.12 || ours.Gaps > theirs.Gaps+5 {
			t.Errorf("%s, %g %% loss, %v jitter: intelligibility %.3f and %.1f %% gaps, at the other telephone %.3f and %.1f %%", ours.codec.Name, ours.loss,
				ours.jitter, ours.intelligible, ours.Gaps, theirs.intelligible, theirs.Gaps)
		}
	}
	for name, more := range mean {
		t.Logf("%s: intelligibility is %+.3f beside the other telephone", name, more)
		if full && more < -0.02 {
			t.Errorf("%s: intelligibility is %+.3f beside the other telephone", name, more)
		}
	}
	if full && !t.Failed() {
		writeSection(t, "impaired", table.String())
	}
}

// writeSection puts a generated table into docs/benchmarks.md, between its marks.
func writeSection(t *testing.T, name, body string) {
	t.Helper()
	path := filepath.Join("..", "docs", "benchmarks.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for %s", path, name)
	}
	if err := os.WriteFile(path, []byte(before+begin+body+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
