//go:build unix

package peers

import (
	"time"

	"offhook/sip"
	"offhook/sip/offer"
)

// pjScripts says how the phone is worked with for each script that needs more than a call that is placed or answered, and which scripts
// are not for it.
var pjScripts = func() map[string]scripted {
	all := map[string]scripted{}
	add := func(s scripted, names ...string) {
		for _, n := range names {
			all[n] = s
		}
	}
	foreign := func(why string, names ...string) { add(scripted{foreign: why}, names...) }
	apart := func(why string, names ...string) { add(scripted{apart: why}, names...) }

	hangs := answered(func(p *sip.Phone, leg sip.LegID) { p.Hangup(leg) })
	changes := answered(func(p *sip.Phone, leg sip.LegID) { p.Hold(leg) }) // pjsua is told to send a re-INVITE
	timed := func(c *sip.Config) { c.SessionTimer = 30 * time.Minute }
	muLaw := func(c *sip.Config) { c.Codecs = []string{"PCMU"} }
	protected := func(policy offer.Policy) func(*sip.Config) {
		return func(c *sip.Config) {
			c.Sound = sip.SoundConfig{Protect: policy, SDES: true, DTLS: true, ClearKeys: true}
		}
	}

	add(scripted{on: hangs}, "uac-inv-without-sdp")
	add(scripted{on: changes}, "uac-inv-two-media-but-one-disabled-no-rtpmap", "uac-ticket-1148", "uas-answer-200-reinvite-without-sdp", "uas-keep-call-on-tsx-fail")
	apart("its answer has no To tag and its next request has one: that is no request of this dialog (RFC 3261 §12.2.2)", "uas-reinv-with-less-media")
	add(scripted{on: func(p *sip.Phone, e sip.Event) {
		if r, ok := e.(sip.CallProgress); ok {
			p.Hangup(r.Leg)
		}
	}}, "uas-cancel-no-final")
	add(scripted{config: timed}, "uas-422-then-200-bad-se")
	add(scripted{config: timed, patient: true}, "uas-timer-reinvite")
	add(scripted{config: protected(offer.Required)}, "uac-srtp-dtls", "uac-srtp-sdes", "uac-srtp-dtls-reinv-sdes", "uac-srtp-sdes-reinv-dtls", "uac-srtp-sdes-reinv-hold")
	add(scripted{config: protected(offer.Optional)}, "uac-srtp-dtls-lower-prio")
	add(scripted{registrar: true, on: hangs}, "strict-route")
	add(scripted{registrar: true}, "uas-inv_401_retry_after_100")
	add(scripted{registrar: true, only: true, config: func(c *sip.Config) { c.Mailbox = "auto" }}, "uas-mwi", "uas-mwi-0")
	add(scripted{registers: true}, "uas-auth-two-algo")

	foreign("asks pjsua for a description that its own application brings", "alt-pjsua-uac-custom-sdp", "alt-pjsua-uas-amr-sdp", "alt-pjsua-uas-custom-sdp", "alt-pjsua-uas-static-pt-no-rtpmap")
	foreign("three phones transfer a call among themselves, SIPp only asks whether one is there; done with phones of ours behind a Kamailio", "transfer-attended", "transfer-unattended")
	foreign("needs a 183 with a description before the answer: there is nothing to hear from an agent before that", "uac-early-recv-update-481", "uac-prack-sdp-decline", "uac-prack-sdp-offer", "uac-upd-sdp-decline", "uac-upd-sdp-offer")
	foreign("presence (RFC 3856) is not what a desk shows", "uac-subscribe", "uas-subscribe-late-notify", "uas-subscribe-multipart-notify", "uas-subscribe-notify-terminate", "uas-subscribe-refresh-481", "uas-subscribe-terminated-retry")
	foreign("switches norefersub off, for which there is no setting", "uac-norefersub-disabled", "uas-norefersub-disabled")
	foreign("asks for an UPDATE with an offer: what an agent changes is changed by re-INVITE", "uas-answer-200-update-without-sdp", "uas-answer-200-without-to-tag", "uas-reinv-glare")
	foreign("its challenges have no nonce, and cannot be answered (RFC 7616 §3.3)", "uas-auth", "uas-register-ip-change", "uas-register-ip-change-port-only")
	foreign("expects a refresh of a session for which the far end has agreed on no interval (RFC 4028 §7.2: it does not expire)", "uas-reinv-after-failed-nego")

	apart("several codecs in an answer stay agreed (RFC 3264 §6.1); no further offer narrows them down", "uas-answer-180-multiple-fmts", "uas-answer-180-multiple-fmts-support-update",
		"uas-answer-200-multiple-fmts", "uas-answer-200-multiple-fmts-support-update")
	apart("early sound that cannot be had is no reason to give up a call that rings: the answer to it counts", "uas-answer-183-wrong-attr", "uas-answer-183-wrong-codec", "uas-answer-183-wrong-media")
	apart("an INVITE that comes again after its ACK is absorbed (RFC 6026 §7.1)", "uac-inv-retrans-after-ack")
	apart("a request with the branch of another one is that one again (RFC 3261 §17.2.3), and absorbed", "uac-reinvite-bad-via-branch")
	apart("its answer has no To tag and its next request has one: that is no request of this dialog (RFC 3261 §12.2.2)", "uas-reinv-and-ack-without-sdp",
		"uas-reinv-and-ack-same-branch-without-sdp")
	apart("a stream may be switched off in mid-call (RFC 3264 §8.2), the only one too", "uas-reinv-no-media")
	apart("the To of its second response has two tags, which SIPp puts there", "uas-forked-100rel")
	add(scripted{config: muLaw, apart: "488 is the status for descriptions that cannot be met (RFC 3261 §21.4.26), not 500"}, "uac-ticket-1864-scenario2", "uac-ticket-1866-reinv-after-failed-nego")
	add(scripted{config: timed, patient: true, apart: "a refused UPDATE is followed by a re-INVITE, which everybody takes"}, "uas-timer-update")
	return all
}()
