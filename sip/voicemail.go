package sip

import (
	"strings"
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// voiceMail reads a NOTIFY about a mailbox that came without a subscription, as many exchanges send it after REGISTER, and tells
// it; false: it is about something else, or from somebody who has no business with it.
func (p *Phone) voiceMail(req *transaction.Request) bool {
	if !p.fromServers(req) || !req.Headers.HasToken("Event", "message-summary") {
		return false
	}
	kind, _, _ := strings.Cut(req.ContentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/simple-message-summary") {
		return true // an empty one says nothing
	}
	if m, err := dialog.ParseMessageSummary(req.Body); err == nil {
		p.tellMailbox(m)
	}
	return true
}

// fromServers reports whether a request came from one of the account's servers or configured peers, or over a connection to them.
func (p *Phone) fromServers(req *transaction.Request) bool {
	if p.known(req.Source.Addr()) {
		return true
	}
	for _, r := range p.regs {
		if r.at.flow == req.Flow && req.Flow.Transport() != "UDP" {
			return true
		}
	}
	return false
}

// tellMailbox tells the state of the mailbox.
func (p *Phone) tellMailbox(m dialog.MessageSummary) {
	e := VoiceMail{At: time.Now(), Account: p.accountText(), Waiting: m.Waiting, New: -1, Old: -1, Number: mailboxNumber(m.Account)}
	if m.Told {
		e.New, e.Old, e.UrgentNew, e.UrgentOld = m.New, m.Old, m.UrgentNew, m.UrgentOld
	}
	p.emit(e)
}

// mailboxNumber is what to dial for a mailbox: the user part of its URI, or a number as it stands.
func mailboxNumber(s string) text.Text {
	s = strings.Trim(s, "<> ")
	if u, err := transaction.ParseURI(s); err == nil {
		return caller.Number(u)
	}
	if n := strings.Map(caller.Unseparated, s); caller.Digits(n) {
		return text.Clean(n)
	}
	return text.Text{}
}

// subscribe asks for the mailbox as soon as the account is registered (RFC 3842 §3), and again over each new flow.
func (p *Phone) subscribe() {
	r := p.line()
	if p.acc.Mailbox == "" || p.closing {
		return
	}
	if r == nil || !r.live { // what is told meanwhile is told to nobody: ask again afterwards, over the same flow too
		p.over = nil
		return
	}
	if r.at.flow == p.over {
		return
	}
	p.over = r.at.flow
	if p.mailbox != nil {
		p.mailbox.Move(r.at.flow, r.at.dst())
		return
	}
	uri := p.acc.aor
	if p.acc.Mailbox != "auto" {
		var err error
		if uri, err = p.target(p.acc.Mailbox, p.home()); err != nil {
			p.log.Warn("the mailbox cannot be watched", "mailbox", p.acc.Mailbox, "err", err)
			return
		}
	}
	p.mailbox = p.ua.Subscribe(dialog.SubscribeConfig{
		Flow: r.at.flow, Dst: r.at.dst(), URI: uri, From: transaction.Address{Display: p.acc.DisplayName, URI: p.acc.aor}, Route: r.routes(),
		Event: "message-summary", Foreign: !p.served(uri),
		On: func(_ *dialog.Subscription, e dialog.SubscriptionEvent) {
			switch e := e.(type) {
			case dialog.MessagesChanged:
				p.tellMailbox(e.MessageSummary)
			case dialog.SubscriptionChanged:
				p.log.Debug("voice mail", "state", e.State, "code", e.Code)
			}
		},
	})
}
