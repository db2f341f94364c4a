package feature

import "slices"

// Group is some features of one kind.
type Group struct {
	Name     string
	Features []string
}

// All are the rows of the interop table in their order.
var All = []Group{
	{"Registration and flows", []string{
		"register UDP", "register TCP", "register TLS", "wrong password is told", "Path", "outbound (RFC 5626)", "Service-Route", "GRUU",
		"keepalive and dead flow", "message waiting", "busy lamp (dialog-info)",
	}},
	{"Calls", []string{
		"inbound call", "outbound call", "CANCEL", "busy, not found, unavailable", "early media", "forking, answered elsewhere", "redirect 302",
		"100rel and PRACK", "UPDATE", "session timer, theirs", "session timer, ours", "late offer", "DTMF RFC 4733", "DTMF INFO", "auto-answer",
		"queue member", "conference bridge", "large INVITE by TCP",
	}},
	{"Hold and transfer", []string{
		"hold with music", "held by the far end", "blind transfer", "failed transfer comes back", "attended transfer", "transferred by the far end",
		"Replaces in", "listened to by a supervisor (ChanSpy)",
	}},
	{"Sound", []string{
		"PCMU", "PCMA", "G.722", "Opus", "codec change in mid-call", "SRTP by SDES", "DTLS-SRTP", "rtcp-mux", "RTCP reports", "IPv6",
	}},
	{"Robustness", []string{
		"RFC 4475 torture during a call", "burst of INVITE and CANCEL", "crafted requests", "odd message orders",
	}},
}

// Known reports whether a feature is one of All.
func Known(name string) bool {
	return slices.ContainsFunc(All, func(g Group) bool { return slices.Contains(g.Features, name) })
}
