package main

// reason says why a peer has no cell for some features.
type reason struct {
	peer     string
	features []string
	reason   string
}

// why are the reasons that are known. A feature that is missing here and in the table was not tried.
var why = []reason{
	{"Kamailio", []string{"hold with music", "early media", "message waiting", "busy lamp (dialog-info)", "queue member", "conference bridge"},
		"a proxy; it carries what the phones behind it do"},
	{"baresip", []string{"100rel and PRACK", "UPDATE", "session timer, theirs"}, "Debian's version 1.0.0 has none of them"},
	{"SIPp", []string{"SRTP by SDES", "DTLS-SRTP", "register TLS"}, "Debian's version 3.6.1 was built without them"},
	{"Asterisk", []string{"GRUU", "outbound (RFC 5626)", "Service-Route"}, "it has none of them"},
	{"Asterisk", []string{"Path"}, "it keeps one that a proxy in front of it wrote; none was put there"},
	{"Asterisk", []string{"Replaces in", "redirect 302"}, "it stands in the middle of every call, and joins and redirects on its own side"},
	{"Kamailio", []string{"PCMU", "PCMA", "G.722", "Opus", "codec change in mid-call", "SRTP by SDES", "DTLS-SRTP", "rtcp-mux", "RTCP reports", "IPv6"},
		"sound does not pass through it, and it was tried over IPv4 alone"},
	{"@salesforce/core", []string{"client credentials", "username and password", "SOAP login", "sign out"}, "it has none of its own; jsforce, on which it stands, shows them"},
	{"sf", []string{"code with PKCE", "refresh token"}, "it opens a browser; @salesforce/core, which does the work, shows them without one"},
	{"sf", []string{"client credentials", "username and password", "SOAP login", "sign out"}, "it has none of them; its sign-out only forgets"},
	{"sf", []string{"identity", "versions"}, "it has no command for them; it asks for both by itself while it signs in"},
	{"go-salesforce", []string{"code with PKCE", "refresh token", "SOAP login", "sign out", "identity", "versions"}, "it has none of them"},
}
