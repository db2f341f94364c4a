package exchange

import (
	"encoding/xml"
	"strconv"
	"strings"

	"offhook/sip/transaction"
)

const dialogInfoType = "application/dialog-info+xml"

// lit tells who watches an extension that its calls have changed.
func (s *Server) lit(ext string) {
	s.changed(watched{"dialog", ext})
	for w := range s.watchers { // people may be at the other end of it
		if w.event == "dialog" && isPerson(w.ext) {
			s.changed(w)
		}
	}
}

// isPerson: a number behind which somebody of the exchange sits, not a phone that registers.
func isPerson(number string) bool {
	switch number {
	case Colleague, Busy, Silent, Declines:
		return true
	}
	return false
}

// dialogInfo is the full state of an extension's calls (RFC 4235 §4). To those who watch it, a call's far end is a number and a name, no
// more.
func (s *Server) dialogInfo(ext string, version uint32) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="`)
	b.WriteString(strconv.FormatUint(uint64(version), 10))
	b.WriteString(`" state="full" entity="` + s.uri(ext, s.addr.Addr()).String() + `">` + "\n")
	if ext == Busy { // always on the telephone
		b.WriteString(`<dialog id="busy" direction="recipient"><state>confirmed</state></dialog>` + "\n")
	}
	for _, l := range s.legs {
		person := l.who != nil && l.who.number == ext && isPerson(ext)
		if l.ext != ext && !person || l.ended || l.d == nil {
			continue
		}
		direction, state := "initiator", "early"
		if (l.hunt != nil) != person { // who is called
			direction = "recipient"
		}
		if l.answered {
			state = "confirmed"
		}
		b.WriteString(`<dialog id="` + l.d.LocalTag() + `" direction="` + direction + `"><state>` + state + `</state>`)
		number, name := l.other()
		if person {
			number, name = l.ext, s.users[l.ext].Name
		}
		if number != "" {
			uri := transaction.URI{Scheme: "sip", User: number, Host: s.addr.Addr().String(), Port: int(s.addr.Port())}.String()
			b.WriteString(`<remote><identity display="` + escaped(name) + `">` + escaped(uri) + `</identity><target uri="` + escaped(uri) + `"/></remote>`)
		}
		b.WriteString("</dialog>\n")
	}
	b.WriteString("</dialog-info>\n")
	return []byte(b.String())
}

// other is who is at the other side of a leg, as far as it is known.
func (l *leg) other() (number, name string) {
	switch {
	case l.who != nil:
		return l.who.number, l.who.name
	case l.peer != nil:
		return l.peer.ext, l.s.users[l.peer.ext].Name
	case l.hunt != nil:
		return l.hunt.from.number, l.hunt.from.name
	}
	return "", ""
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
