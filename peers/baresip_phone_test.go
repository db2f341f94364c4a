//go:build unix

package peers

import (
	"context"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip"
	"offhook/sip/offer"
	"offhook/sip/toll"
)

// hangUp closes a phone, and gives what it called a moment to take the farewell.
func hangUp(p *sip.Phone) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = p.Close(ctx)
}

func TestSoundOfEveryKindBetweenAPhoneAndBaresip(t *testing.T) {
	for _, tc := range []struct {
		feature, codec, params, want string
		tone                         float64 // 0: our own comes back; of Opus it cannot make a recording
		sound                        sip.SoundConfig
	}{
		{"Opus", "opus/48000/2", "", "", 0, sip.SoundConfig{Protect: offer.Plain}},
		{"SRTP by SDES", "PCMU/8000/1", ";mediaenc=srtp-mand", "SDES", 880, sip.SoundConfig{Protect: offer.Required, SDES: true, ClearKeys: true}},
		{"DTLS-SRTP", "PCMU/8000/1", ";mediaenc=dtls_srtp", "DTLS-SRTP", 880, sip.SoundConfig{Protect: offer.Required, DTLS: true, Feedback: true}},
	} {
		t.Run(tc.feature, func(t *testing.T) {
			feature.Proves(t, "baresip", tc.feature, "held by the far end")
			far := newBaresipWith(t, tc.codec, tc.tone, tc.params)
			h := &headset{hz: 500}
			p := telephone(t, func(c *sip.Config) { c.Headset, c.Sound = h.open(t), tc.sound })
			p.Dial("x", "sip:"+fredNumber+"@"+far.at.String())
			if tc.want != "" {
				for e := next[sip.CallSecured](t, p); !strings.HasPrefix(e.Sound, tc.want); e = next[sip.CallSecured](t, p) {
					if !e.Broken.Empty() {
						t.Fatalf("%+v", e)
					}
				}
			} else if e := next[sip.CallAnswered](t, p); !strings.EqualFold(e.Codec, "opus") {
				t.Errorf("%+v", e)
			}
			expect := tc.tone
			if expect == 0 {
				expect = h.hz
			}
			h.hears(t, expect)
			if tc.tone == 0 { // its loudspeaker and microphone do not find each other again after a hold
				return
			}
			far.command("hold", "")
			if e := next[sip.CallHeld](t, p); !e.ByThem {
				t.Errorf("%+v", e)
			}
			far.command("resume", "")
			if e := next[sip.CallHeld](t, p); e.ByThem {
				t.Errorf("%+v", e)
			}
			h.hears(t, expect)
			far.hears(500, 300*time.Millisecond)
			p.Hangup("x")
			next[sip.CallEnded](t, p)
			far.event(`CALL_CLOSED`)
			pcm, rate := far.heard()
			mustCarry(t, "what baresip heard", pcm, rate, 500, 300*time.Millisecond)
		})
	}
}

func TestBaresipSendsAPhoneElsewhere(t *testing.T) {
	feature.Proves(t, "baresip", "transferred by the far end")
	first, second := newBaresip(t, "PCMU/8000/1", 880), newBaresip(t, "PCMA/8000/1", 1200)
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.Toll = h.open(t), &toll.Policy{Referred: toll.Rules{Enabled: true, Allow: []string{"*"}}}
	})
	p.Dial("x", "sip:"+fredNumber+"@"+first.at.String())
	next[sip.CallAnswered](t, p)
	h.hears(t, 880)
	first.command("transfer", "sip:"+fredNumber+"@"+second.at.String())
	out := next[sip.OutgoingCall](t, p)
	if out.For != "x" {
		t.Errorf("%+v", out)
	}
	h.hears(t, 1200)
	first.event(`CALL_CLOSED`)
	second.hears(500, 300*time.Millisecond)
	p.Hangup(out.Leg)
	second.event(`CALL_CLOSED`)
	pcm, rate := second.heard()
	mustCarry(t, "what the second baresip heard", pcm, rate, 500, 300*time.Millisecond)
}
