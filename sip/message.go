package sip

import (
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/transaction"
)

// TextMessage is a short message from the account's own servers (RFC 3428): a colleague, or the exchange itself.
type TextMessage struct {
	At   time.Time
	From Party
	Text text.Block
}

func (TextMessage) sipEvent() {}

// Limits of what strangers may write onto the screen.
const (
	maxMessage   = 500             // characters that are shown
	messageBurst = 8               // messages at once
	messageEvery = 4 * time.Second // and one more each so long
)

// allowance is how many more things may happen now: a token bucket. The zero value is full.
type allowance struct {
	spent float64
	last  time.Time
}

// take uses one up; false: there is none.
func (a *allowance) take(now time.Time, burst int, every time.Duration) bool {
	a.spent = max(a.spent-max(now.Sub(a.last).Seconds(), 0)/every.Seconds(), 0)
	a.last = now
	if a.spent > float64(burst)-1 {
		return false
	}
	a.spent++
	return true
}

// message answers a MESSAGE: plain text from the account's servers is told, everything else is refused with the reason. What is too
// much comes back to its sender, who may try again.
func (p *Phone) message(tx *transaction.ServerTx, req *transaction.Request) {
	words, ok := plainText(req)
	res := transaction.NewResponse(req, 200, "")
	switch {
	case !p.acc.registers() && len(p.acc.Accept) == 0, !p.fromServers(req):
		res = transaction.NewResponse(req, 403, "")
	case !ok:
		res = transaction.NewResponse(req, 415, "")
		res.Headers.Add("Accept", "text/plain")
		res.Headers.Add("Accept-Encoding", "identity")
	case !p.messages.take(time.Now(), messageBurst, messageEvery):
		res = transaction.NewResponse(req, 480, "Too many messages")
		res.Headers.Add("Retry-After", "10")
	case !words.Empty(): // an empty one only asks whether we are there
		who, _ := caller.Identity(req.Headers, &req.From, within(p.acc.Trusted, req.Source.Addr()))
		p.emit(TextMessage{At: time.Now(), From: who, Text: words})
	}
	if err := tx.Respond(res); err != nil {
		p.log.Debug("answering a message", "err", err)
	}
}

// plainText reads the body of a MESSAGE, cleaned and cut to maxMessage characters; false: it is no plain text that we can read.
func plainText(req *transaction.Request) (text.Block, bool) {
	if len(req.Body) == 0 {
		return text.Block{}, true
	}
	if e := strings.TrimSpace(req.Headers.Get("Content-Encoding")); e != "" && !strings.EqualFold(e, "identity") {
		return text.Block{}, false
	}
	kind, params, err := mime.ParseMediaType(req.ContentType)
	if err != nil || !strings.EqualFold(kind, "text/plain") {
		return text.Block{}, false
	}
	body := req.Body[:min(len(req.Body), 4*maxMessage)]
	raw := string(body)
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "us-ascii":
	case "iso-8859-1": // each octet is the character of its number
		r := make([]rune, len(body))
		for i, b := range body {
			r[i] = rune(b)
		}
		raw = string(r)
	default:
		return text.Block{}, false
	}
	b := text.CleanBlock(raw, len(raw))
	if n := utf8.RuneCountInString(b.String()); n > maxMessage {
		b = text.CleanBlock(string([]rune(b.String())[:maxMessage-1])+"…", 4*maxMessage)
	}
	return b, true
}
