//go:build unix

package peers

import (
	"net/netip"
	"strings"
	"testing"

	"offhook/peers/feature"
	"offhook/sip"
)

// echoes is a SIPp that calls p and gives back every packet of the sound.
func echoes(t *testing.T, name string, p *sip.Phone, codec string, given map[string]string) *sipp {
	return play(t, script{name: name, target: p.LocalAddr(), codec: codec, given: given, args: []string{"-m", "1", "-rtp_echo"}})
}

func TestSoundOfEveryCodecComesBackFromSIPp(t *testing.T) {
	peer(t, "sipp")
	for _, tc := range []struct{ feature, ours, theirs, answer, attribute string }{
		{"PCMU", "PCMU", "0 PCMU/8000", "RTP/AVP 0", ""},
		{"PCMA", "PCMA", "8 PCMA/8000", "RTP/AVP 8", ""},
		{"G.722", "G722", "9 G722/8000", "RTP/AVP 9", ""},
		{"Opus", "opus", "107 opus/48000/2", "RTP/AVP 107", ""},
		{"rtcp-mux", "PCMA", "8 PCMA/8000", "a=rtcp-mux", "rtcp-mux"},
	} {
		t.Run(tc.feature, func(t *testing.T) {
			feature.Proves(t, "SIPp", tc.feature)
			t.Parallel()
			h := &headset{hz: 500}
			p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
			call := echoes(t, "uac_echo", p, tc.theirs, map[string]string{"answer": tc.answer, "attribute": tc.attribute})
			in := next[sip.IncomingCall](t, p)
			p.Answer(in.Leg)
			if e := next[sip.CallAnswered](t, p); e.Codec != tc.ours {
				t.Errorf("%+v", e)
			}
			h.hears(t, 500)
			p.Hangup(in.Leg)
			call.passed()
		})
	}
}

func TestSIPpChangesTheCodecInMidCall(t *testing.T) {
	feature.Proves(t, "SIPp", "codec change in mid-call")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	call := echoes(t, "uac_codec_change", p, "9 G722/8000", nil)
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	if e := next[sip.CallAnswered](t, p); e.Codec != "G722" {
		t.Errorf("%+v", e)
	}
	h.hears(t, 500)
	eventually(t, "A-law is agreed", func() bool { q, ok := p.Quality(in.Leg); return ok && q.Codec == "PCMA" })
	h.hears(t, 500)
	p.Hangup(in.Leg)
	call.passed()
}

// digits are the next ones that a phone receives.
func digits(t *testing.T, p *sip.Phone, want string) {
	t.Helper()
	for _, k := range want {
		if d := next[sip.DTMFReceived](t, p); d.Digit != k {
			t.Errorf("digit %c, want %c", d.Digit, k)
		}
	}
}

func TestKeysOfSIPpAreHeardAndOursComeBack(t *testing.T) {
	feature.Proves(t, "SIPp", "DTMF RFC 4733")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	// SIPp numbers its events 96, whatever was agreed.
	call := play(t, script{name: "uac_digits", target: p.LocalAddr(), keys: 96})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	digits(t, p, "159#")
	p.Hangup(in.Leg)
	call.passed()

	call = echoes(t, "uac_echo", p, "", map[string]string{"answer": "telephone-event/8000"})
	in = next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	next[sip.CallAnswered](t, p)
	p.SendDTMF(in.Leg, "42*")
	digits(t, p, "42*")
	p.Hangup(in.Leg)
	call.passed()
}

func TestKeysGoAndComeByINFOWhereTheSoundHasNoEvents(t *testing.T) {
	feature.Proves(t, "SIPp", "DTMF INFO")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	call := play(t, script{name: "uac_info", target: p.LocalAddr(), keys: -1})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	digits(t, p, "5#")
	p.SendDTMF(in.Leg, "7")
	eventually(t, "the key is taken", func() bool { return strings.Contains(call.read("messages"), "Signal=7") })
	p.Hangup(in.Leg)
	call.passed()
}

func TestSIPpCallsAndIsCalledOverIPv6(t *testing.T) {
	feature.Proves(t, "SIPp", "IPv6")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.Listen = h.open(t), netip.AddrPortFrom(netip.IPv6Loopback(), 0)
	})
	call := play(t, script{name: "uac_bye", target: p.LocalAddr(), at: freePort(t, netip.IPv6Loopback()), tone: 700})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 700)
	call.told()
	call.passed()
	next[sip.CallEnded](t, p)
	far := play(t, script{name: "uas_bye", at: freePort(t, netip.IPv6Loopback()), tone: 900})
	p.Dial("x", "sip:2103@"+far.at.String())
	next[sip.CallAnswered](t, p)
	h.hears(t, 900)
	far.told()
	far.passed()
}

func TestALargeInvitationGoesToSIPpByTCP(t *testing.T) {
	feature.Proves(t, "SIPp", "large INVITE by TCP")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	far := play(t, script{name: "uas_fast", tcp: true, tone: 700})
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.DisplayName = h.open(t), strings.Repeat("The Department of Long Names ", 50)
	})
	p.Dial("x", "sip:2103@"+far.at.String())
	next[sip.CallAnswered](t, p)
	h.hears(t, 700)
	p.Hangup("x")
	far.passed()
}
