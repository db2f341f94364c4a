package transaction

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
)

// refuse answers a bad request without a transaction. An ACK is never answered, and nothing is sent when there is no Via that
// says to whom, or when a value that would be repeated holds a line break.
func (l *Layer) refuse(f *Flow, source netip.AddrPort, method string, raw *rawFields, why *refusal) {
	l.log.Debug("request refused", "status", why.status, "why", why.why, "from", source)
	if len(raw.via) == 0 || raw.cseq == "" {
		return
	}
	if strings.ContainsAny(strings.Join(raw.via, "")+raw.from+raw.to+raw.callID+raw.cseq, "\r\n") {
		return
	}
	top, err := parseVia(raw.via[0])
	if err != nil {
		return
	}
	reason := ReasonPhrase(why.status)
	if why.why != "" {
		reason += ": " + why.why // our own words, never the sender's
	}
	l.reply(f, source, top, method, raw, why.status, reason, "")
}

// reply sends a response without a transaction (RFC 3261 §8.2.7): repeats of the request get the same tag.
func (l *Layer) reply(f *Flow, source netip.AddrPort, top via, method string, raw *rawFields, status int, reason, tag string, extra ...string) {
	if method == "ACK" {
		return
	}
	if to, err := ParseAddress(raw.to); err == nil && to.Tag() != "" {
		tag = ""
	} else if tag == "" {
		sum := sha256.Sum256([]byte(l.secret + raw.callID + "\n" + top.branch() + "\n" + raw.cseq))
		tag = hex.EncodeToString(sum[:8])
	}
	b := bytes.NewBuffer(make([]byte, 0, 512))
	raw.head(b, status, reason, top.stamped(source), tag)
	for _, e := range extra {
		line(b, e)
	}
	if l.cfg.UserAgent != "" && clean(l.cfg.UserAgent) {
		line(b, "Server: ", l.cfg.UserAgent)
	}
	line(b, "Content-Length: 0")
	line(b)
	if err := f.write(b.Bytes(), top.replyTo(source)); err != nil {
		l.log.Debug("response not sent", "status", status, "to", source, "error", err)
	}
}
