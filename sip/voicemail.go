package sip

import (
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

// voiceMail reads a NOTIFY about a mailbox that came without a subscription, as many exchanges send it after REGISTER, and tells
// it; false: it is about something else, or from somebody who has no business with it.
func (p *Phone) voiceMail(req *transaction.Request) bool {
	if !p.fromServers(req) || !req.Headers.HasToken("Event", "message-summary") {
		return false
	}
	p.mailbox(req.ContentType, req.Body)
	return true
}

// fromServers reports whether a request came from one of the account's servers or configured peers, or over their connection.
func (p *Phone) fromServers(req *transaction.Request) bool {
	return p.known(req.Source.Addr()) || req.Flow != nil && req.Flow.Transport() != "UDP" && p.lineOf(req.Flow) != nil
}

func (p *Phone) lineOf(f *transaction.Flow) *registration {
	for _, r := range p.regs {
		if r.at.flow == f {
			return r
		}
	}
	return nil
}

// mailbox tells what a message-summary says; one that cannot be read says nothing.
func (p *Phone) mailbox(contentType string, body []byte) {
	kind, _, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/simple-message-summary") {
		return
	}
	if m, ok := readSummary(body); ok {
		m.At, m.Account = time.Now(), p.accountText()
		p.emit(m)
	}
}

// maxSummary bounds a message-summary in bytes, maxMessages the counts in it.
const (
	maxSummary  = 8 << 10
	maxMessages = 1_000_000
)

// readSummary reads a message-summary (RFC 3842 §5.2): Messages-Waiting, which must be there, Message-Account, and the counts of voice
// messages, "new/old" and in brackets the urgent ones among them. Other classes of messages are left out.
func readSummary(body []byte) (m VoiceMail, ok bool) {
	m.New, m.Old, m.UrgentNew, m.UrgentOld = -1, -1, -1, -1
	if len(body) > maxSummary {
		return m, false
	}
	for line := range strings.Lines(string(body)) {
		name, value, found := strings.Cut(line, ":")
		value = textproto.TrimString(value)
		if !found {
			continue
		}
		switch strings.ToLower(textproto.TrimString(name)) {
		case "messages-waiting":
			if ok { // the first one counts
				continue
			}
			switch strings.ToLower(value) {
			case "yes":
				m.Waiting, ok = true, true
			case "no":
				ok = true
			default:
				return m, false
			}
		case "message-account":
			m.Number = mailboxNumber(value)
		case "voice-message":
			if m.New >= 0 {
				continue
			}
			all, urgent, _ := strings.Cut(value, "(")
			m.New, m.Old = counts(all)
			if inner, _, closed := strings.Cut(urgent, ")"); closed {
				m.UrgentNew, m.UrgentOld = counts(inner)
			}
		}
	}
	return m, ok
}

// counts reads "2/8"; −1 twice for anything else.
func counts(s string) (fresh, old int) {
	a, b, ok := strings.Cut(s, "/")
	x, errA := strconv.ParseUint(textproto.TrimString(a), 10, 32)
	y, errB := strconv.ParseUint(textproto.TrimString(b), 10, 32)
	if !ok || errA != nil || errB != nil {
		return -1, -1
	}
	return int(min(x, maxMessages)), int(min(y, maxMessages))
}

// mailboxNumber is what to dial for a mailbox: the user part of its URI, or a number as it stands.
func mailboxNumber(s string) text.Text {
	if u, err := transaction.ParseURI(strings.Trim(s, "<>")); err == nil {
		return numberOf(u)
	}
	if n := strings.Map(unseparated, s); digits(n) {
		return text.Clean(n)
	}
	return text.Text{}
}
