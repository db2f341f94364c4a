//go:build unix

package peers

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
)

var audible = []struct{ name, baresip, offhook string }{
	{"G.711 A-law", "PCMA/8000/1", `["PCMA"]`},
	{"G.711 µ-law", "PCMU/8000/1", `["PCMU", "PCMA"]`},
	{"G.722", "G722/16000/1", `["G722", "PCMU"]`},
}

// heardByAgent is where a desk's loudspeaker is recorded, second by second.
func heardByAgent(t *testing.T) string { return filepath.Join(t.TempDir(), "heard.wav") }

// agentHears waits until the desk, in the call, has recorded that much of the tone.
func agentHears(t *testing.T, heard string, hz float64, least time.Duration) {
	t.Helper()
	recorded(t, "the agent's loudspeaker", func() string { return heard }, hz, least)
}

func TestBaresipCallsAndBothHearEachOther(t *testing.T) {
	feature.Proves(t, "baresip", "inbound call", "PCMU", "PCMA", "G.722")
	for _, c := range audible {
		t.Run(c.name, func(t *testing.T) {
			peer(t, "baresip")
			heard := heardByAgent(t)
			o, d := story(t, settings{input: "tone:440", output: "file:" + heard, sip: "codecs = " + c.offhook + "\n"})
			b := newBaresip(t, c.baresip, 880)
			b.command("dial", "sip:alex@"+d.w.sip.String())
			d.sees(`Fred Bloggs`)
			d.answer()
			codec, _, _ := strings.Cut(c.baresip, "/")
			d.sees(`(?i)` + codec)
			agentHears(t, heard, 880, 2*time.Second)
			b.hears(440, 2*time.Second)
			d.press("x")
			b.event(`CALL_CLOSED`)
			o.one(t, o.inbound(2, 60))
			d.settled(1)
			pcm, rate := readWAV(t, heard)
			mustCarry(t, "the agent's loudspeaker", pcm, rate, 880, 2*time.Second)
			pcm, rate = b.heard()
			mustCarry(t, "baresip's recording", pcm, rate, 440, 2*time.Second)
		})
	}
}

func TestOffhookCallsBaresipAndBothHearEachOther(t *testing.T) {
	feature.Proves(t, "baresip", "outbound call")
	peer(t, "baresip")
	heard := heardByAgent(t)
	t.Parallel()
	o := newOrg(t)
	b := newBaresip(t, "PCMU/8000/1", 880)
	d := newWorkplace(t, o, settings{input: "tone:440", output: "file:" + heard, sip: proxy(b.at)}).ready(t)
	d.dial(fredNumber)
	agentHears(t, heard, 880, 2*time.Second)
	b.hears(440, 2*time.Second)
	b.command("hangup", "")
	d.sees(`hung up`)
	o.one(t, o.outbound(2, 60, `Ended by: customer`))
	d.settled(1)
	pcm, rate := readWAV(t, heard)
	mustCarry(t, "the agent's loudspeaker", pcm, rate, 880, 2*time.Second)
	pcm, rate = b.heard()
	mustCarry(t, "baresip's recording", pcm, rate, 440, 2*time.Second)
}

func TestKeypadDigitsGoBothWays(t *testing.T) {
	feature.Proves(t, "baresip", "DTMF RFC 4733")
	peer(t, "baresip")
	o, d := story(t, settings{})
	b := newBaresip(t, "PCMU/8000/1", 880)
	b.command("dial", "sip:alex@"+d.w.sip.String())
	d.answer()
	b.event(`CALL_ESTABLISHED`)
	d.press("k")
	d.sees(`(?i)keypad`)
	d.press("159#")
	seen := func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		var digits string
		for _, ev := range b.events {
			if kind, _ := ev["type"].(string); kind == "CALL_DTMF_START" {
				p, _ := ev["param"].(string)
				digits += p
			}
		}
		return digits
	}
	eventually(t, "all digits at baresip", func() bool { return len(seen()) >= 4 })
	if got := seen(); got != "159#" {
		t.Errorf("baresip saw the digits %q, want 159#", got)
	}
	d.press("\x1b")
	for i, digit := range []string{"4", "2", "*"} {
		b.command("sndcode", digit)
		d.sees(regexp.QuoteMeta("42*"[:i+1]))
	}
	d.press("x")
	b.event(`CALL_CLOSED`)
	o.one(t, o.inbound(0, 20))
	d.settled(1)
}

func TestAHeldCallerHearsNothingAndIsNotHeard(t *testing.T) {
	feature.Proves(t, "baresip", "we hold and resume")
	peer(t, "baresip")
	heard := heardByAgent(t)
	o, d := story(t, settings{input: "tone:440", output: "file:" + heard})
	b := newBaresip(t, "PCMU/8000/1", 880)
	b.command("dial", "sip:alex@"+d.w.sip.String())
	d.answer()
	agentHears(t, heard, 880, time.Second/2)
	b.hears(440, time.Second/2)
	d.press("h")
	d.sees(`on hold +\d+:\d\d`)
	from := d.clock(`on hold`)
	eventually(t, "two seconds on hold", func() bool { return d.clock(`on hold`) >= from+3 })
	d.press("h")
	d.sees(`talking`)
	agentHears(t, heard, 880, time.Second) // baresip records nothing more after a hold
	d.press("x")
	b.event(`CALL_CLOSED`)
	got := o.one(t, o.inbound(3, 90))
	d.settled(1)
	most := time.Duration(*got.Duration+1)*time.Second - 1500*time.Millisecond // two of the seconds were on hold
	for _, ear := range []struct {
		who string
		hz  float64
		pcm func() ([]int16, int)
	}{{"the agent", 880, func() ([]int16, int) { return readWAV(t, heard) }}, {"baresip", 440, b.heard}} {
		pcm, rate := ear.pcm()
		if clear := carries(pcm, rate, ear.hz); clear < time.Second/2 || clear > most {
			t.Errorf("%s heard the other for %v of a call of %d s, two of which were on hold", ear.who, clear, *got.Duration)
		}
	}
}

func TestASIPpToneIsHeardThroughout(t *testing.T) {
	feature.Proves(t, "SIPp", "PCMU")
	peer(t, "sipp")
	heard := heardByAgent(t)
	o, d := story(t, settings{output: "file:" + heard})
	call := play(t, script{name: "uac_wait", target: d.w.sip, tone: 620})
	d.answer()
	agentHears(t, heard, 620, 2*time.Second)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(2, 60))
	d.settled(1)
	pcm, rate := readWAV(t, heard)
	mustCarry(t, "the agent's loudspeaker", pcm, rate, 620, 2*time.Second)
}
