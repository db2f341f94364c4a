//go:build unix

package peers

import (
	"net/netip"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip"
)

// everybody may call and write to a phone that has no registrar.
func everybody(c *sip.Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func TestTwoOffersThatCrossAreBothMadeAgain(t *testing.T) {
	feature.Proves(t, "SIPp", "glare (491)", "we hold and resume")
	peer(t, "sipp")
	t.Run("they called", func(t *testing.T) {
		t.Parallel()
		h, w := &headset{hz: 500}, &wire{}
		p := telephone(t, w.tap, func(c *sip.Config) { c.Headset = h.open(t) })
		call := play(t, script{name: "uac_glare", target: p.LocalAddr(), tone: 700})
		in := next[sip.IncomingCall](t, p)
		p.Answer(in.Leg)
		h.hears(t, 700)
		p.Hold(in.Leg)
		if e := next[sip.CallHeld](t, p); !e.ByUs {
			t.Errorf("%+v", e)
		}
		p.Hangup(in.Leg)
		call.passed()
	})
	t.Run("we called", func(t *testing.T) {
		t.Parallel()
		h, w := &headset{hz: 500}, &wire{}
		p := telephone(t, w.tap, func(c *sip.Config) { c.Headset = h.open(t) })
		far := play(t, script{name: "uas_glare", tone: 700})
		p.Dial("x", "sip:2103@"+far.at.String())
		next[sip.CallAnswered](t, p)
		h.hears(t, 700)
		p.Hold("x")
		if e := next[sip.CallHeld](t, p); !e.ByUs {
			t.Errorf("%+v", e)
		}
		refused := w.saw(t, time.Time{}, false, "SIP/2.0 491", `^CSeq: \d+ INVITE`)
		again := w.saw(t, refused, true, "INVITE", `a=(sendonly|inactive)`)
		if pause := again.Sub(refused); pause < 2100*time.Millisecond { // who owns the Call-ID lets the other go first (RFC 3261 §14.1)
			t.Errorf("the hold came again after %v", pause)
		}
		p.Hangup("x")
		far.passed()
	})
}

func TestAnExchangeAnswersHoldsAndResumesInTheAgentsPlace(t *testing.T) {
	feature.Proves(t, "SIPp", "remote control (talk, hold)")
	peer(t, "sipp")
	o, d := story(t, settings{sip: "remote_control = true\naccept_peers = [\"127.0.0.0/8\"]\n"})
	call := play(t, script{name: "uac_remote_control", target: d.w.sip})
	d.sees(`talking`)
	call.told()
	d.sees(`on hold`)
	call.told()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	call.told()
	call.passed()
	o.one(t, o.inbound(1, 10, `Ended by: customer`))
	d.settled(1)
}

func TestAShortMessageIsShownAndWhatIsNoTextIsRefused(t *testing.T) {
	feature.Proves(t, "SIPp", "text message")
	peer(t, "sipp")
	t.Parallel()
	p := telephone(t, everybody)
	call := play(t, script{name: "uac_message", target: p.LocalAddr()})
	if m := next[sip.TextMessage](t, p); m.Text.String() != "The lorry is at gate four." || m.From.Number.String() != fredNumber {
		t.Errorf("%+v", m)
	}
	call.passed()
}

func TestAMailboxIsToldUnasked(t *testing.T) {
	feature.Proves(t, "SIPp", "message waiting")
	peer(t, "sipp")
	t.Parallel()
	p := telephone(t, everybody)
	call := play(t, script{name: "uac_mail", target: p.LocalAddr()})
	if m := next[sip.VoiceMail](t, p); !m.Waiting || m.New != 3 || m.Old != 8 || m.UrgentNew != 1 || m.UrgentOld != 2 || m.Number.String() != "2999" {
		t.Errorf("%+v", m)
	}
	call.passed()
}

func TestAnswerInPRACKAndUPDATEWhileItRings(t *testing.T) {
	feature.Proves(t, "SIPp", "offer and answer in PRACK", "100rel and PRACK", "UPDATE", "late offer")
	peer(t, "sipp")
	t.Parallel()
	h, w := &headset{hz: 500}, &wire{}
	p := telephone(t, w.tap, func(c *sip.Config) { c.Headset = h.open(t) })
	call := play(t, script{name: "uac_prack_answer", target: p.LocalAddr(), tone: 700})
	in := next[sip.IncomingCall](t, p)
	w.saw(t, time.Time{}, true, "SIP/2.0 200", `^CSeq: 4 UPDATE`)
	p.Answer(in.Leg)
	h.hears(t, 700)
	call.told()
	call.passed()
}

func TestTheFarEndHoldsAndResumesByUPDATE(t *testing.T) {
	feature.Proves(t, "SIPp", "UPDATE", "held by the far end")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	call := play(t, script{name: "uac_update", target: p.LocalAddr(), tone: 700})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	for _, held := range []bool{true, false} {
		if e := next[sip.CallHeld](t, p); e.ByThem != held || e.ByUs {
			t.Errorf("%+v", e)
		}
	}
	h.hears(t, 700)
	call.told()
	call.passed()
}

func TestASessionIntervalThatIsTooShortIsRefused(t *testing.T) {
	feature.Proves(t, "SIPp", "session timer, theirs")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	call := play(t, script{name: "uac_brief", target: p.LocalAddr(), tone: 700})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 700)
	call.told()
	call.passed()
}
