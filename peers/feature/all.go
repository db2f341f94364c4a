package feature

import "slices"

// Group is some features of one kind.
type Group struct {
	Name     string
	Peers    []string // who is asked, in the order of the columns
	Features []string
}

// Phones are the peers of the telephone, Clients the programs that were written for Salesforce.
var (
	Phones  = []string{"Asterisk", "Kamailio", "baresip", "SIPp", "pjproject"}
	Clients = []string{"jsforce", "@salesforce/core", "sf", "go-salesforce"}
)

// All are the rows of the interop table in their order.
var All = []Group{
	{"Registration and flows", Phones, []string{
		"register UDP", "register TCP", "register TLS", "wrong password is told", "Path", "outbound (RFC 5626)", "Service-Route", "GRUU",
		"keepalive and dead flow", "message waiting", "busy lamp (dialog-info)",
	}},
	{"Calls", Phones, []string{
		"inbound call", "outbound call", "CANCEL", "busy, not found, unavailable", "early media", "forking, answered elsewhere", "redirect 302",
		"100rel and PRACK", "offer and answer in PRACK", "UPDATE", "glare (491)", "session timer, theirs", "session timer, ours", "late offer",
		"DTMF RFC 4733", "DTMF INFO", "auto-answer", "remote control (talk, hold)",
		"queue member", "conference bridge", "large INVITE by TCP", "call over TLS", "text message",
	}},
	{"Hold and transfer", Phones, []string{
		"we hold and resume", "hold with music", "held by the far end", "blind transfer", "failed transfer comes back", "attended transfer",
		"transferred by the far end", "Replaces in", "listened to by a supervisor (ChanSpy)",
	}},
	{"Sound", Phones, []string{
		"PCMU", "PCMA", "G.722", "Opus", "codec change in mid-call", "SRTP by SDES", "DTLS-SRTP", "rtcp-mux", "RTCP reports", "ICE", "IPv6",
	}},
	{"Robustness", Phones, []string{
		"RFC 4475 torture during a call", "burst of INVITE and CANCEL", "crafted requests", "pjproject's SIPp scripts", "odd message orders",
	}},
	{"Salesforce: signing in to the practice org", Clients, []string{
		"access token", "code with PKCE", "JWT bearer", "refresh token", "client credentials", "username and password", "SOAP login", "sign out",
	}},
	{"Salesforce: working in the practice org", Clients, []string{
		"identity", "versions", "describe global", "describe an object", "query with a parent", "query in pages", "search", "parameterized search",
		"create, update, delete", "a refusal is told", "upsert by external id", "composite with references", "composite takes all back",
		"collections", "limits", "recent records", "a file beside a record",
	}},
}

// Known reports whether a feature is one of All.
func Known(name string) bool {
	return slices.ContainsFunc(All, func(g Group) bool { return slices.Contains(g.Features, name) })
}
