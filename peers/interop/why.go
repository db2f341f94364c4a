package main

import (
	"slices"

	"offhook/peers/feature"
)

// reason says why a peer has no cell for some features.
type reason struct {
	peer     string
	features []string
	reason   string
}

// why are the reasons. A cell that is neither passed nor named here stops the table from being written, and so does a reason for what was
// seen to work.
func why() []reason {
	robust := []string{"RFC 4475 torture during a call", "burst of INVITE and CANCEL", "crafted requests", "pjproject's SIPp scripts", "odd message orders"}
	const polite = "it sends well-formed requests in their order"
	return []reason{
		{"Asterisk", []string{"GRUU", "outbound (RFC 5626)", "Service-Route"}, "it has none of them"},
		{"Asterisk", []string{"late offer"}, "it writes an offer into each INVITE"},
		{"Asterisk", []string{"Replaces in"}, "it stands in the middle of every call, and joins on its own side"},
		{"Asterisk", []string{"offer and answer in PRACK", "glare (491)"}, "it cannot be told to do that in the one moment"},
		{"Kamailio", []string{"hold with music", "early media", "queue member", "conference bridge",
			"listened to by a supervisor (ChanSpy)", "auto-answer", "remote control (talk, hold)", "text message"},
			"a proxy: it says, plays and mixes nothing of its own"},
		{"Kamailio", []string{"message waiting", "busy lamp (dialog-info)"},
			"its presence modules, a package and a database of their own, could tell of them and were not part of the run"},
		{"Kamailio", []string{"100rel and PRACK", "offer and answer in PRACK", "UPDATE", "glare (491)", "session timer, theirs", "late offer", "DTMF INFO"},
			"a proxy: whether those are there is between the phones behind it, and the others showed it"},
		{"Kamailio", []string{"PCMU", "PCMA", "G.722", "Opus", "codec change in mid-call", "SRTP by SDES", "DTLS-SRTP", "rtcp-mux", "RTCP reports", "ICE"},
			"sound does not pass through it"},
		{"baresip", []string{"register UDP", "register TCP", "register TLS", "wrong password is told", "Path", "outbound (RFC 5626)", "Service-Route", "GRUU",
			"keepalive and dead flow", "message waiting", "busy lamp (dialog-info)", "queue member", "conference bridge",
			"listened to by a supervisor (ChanSpy)", "forking, answered elsewhere"},
			"a telephone: nobody registers with it, and it serves nobody else"},
		{"baresip", []string{"100rel and PRACK", "offer and answer in PRACK", "UPDATE", "session timer, theirs", "session timer, ours", "attended transfer", "Replaces in"},
			"Debian's version 1.0.0 has none of them"},
		{"baresip", []string{"late offer", "glare (491)", "auto-answer", "remote control (talk, hold)", "text message", "codec change in mid-call", "hold with music"},
			"it cannot be told to do that"},
		{"baresip", []string{"early media"}, "its version 1.0.0 describes sound in a 183 and sends none before its answer"},
		{"baresip", []string{"DTMF INFO"}, "it always agrees on keys as events in the sound, so that none need go by INFO"},
		{"SIPp", []string{"register TLS", "call over TLS", "SRTP by SDES", "DTLS-SRTP"}, "Debian's version 3.6.1 was built without TLS, and so without keys"},
		{"SIPp", []string{"RTCP reports", "ICE"}, "it speaks neither RTCP nor STUN"},
		{"SIPp", []string{"hold with music", "queue member", "conference bridge", "listened to by a supervisor (ChanSpy)"}, "that takes an exchange"},
		{"SIPp", []string{"crafted requests", "pjproject's SIPp scripts"}, "in the column of pjproject, whose they are"},
		{"@salesforce/core", []string{"client credentials", "username and password", "SOAP login", "sign out"}, "it has none of its own; jsforce, on which it stands, shows them"},
		{"sf", []string{"code with PKCE", "refresh token"}, "it opens a browser; @salesforce/core, which does the work, shows them without one"},
		{"sf", []string{"client credentials", "username and password", "SOAP login", "sign out"}, "it has none of them; its sign-out only forgets"},
		{"sf", []string{"identity", "versions"}, "it has no command for them; it asks for both by itself while it signs in"},
		{"go-salesforce", []string{"code with PKCE", "refresh token", "SOAP login", "sign out", "identity", "versions"}, "it has none of them"},
		{"Asterisk", robust, polite}, {"Kamailio", robust, polite}, {"baresip", robust, polite},
		{"pjproject", allBut("crafted requests", "pjproject's SIPp scripts"), "its own tests of telephones were run, not its telephone"},
	}
}

// allBut are the features of telephones without some.
func allBut(not ...string) (out []string) {
	for _, g := range feature.All {
		if !slices.Contains(g.Peers, "pjproject") {
			continue
		}
		for _, f := range g.Features {
			if !slices.Contains(not, f) {
				out = append(out, f)
			}
		}
	}
	return out
}
