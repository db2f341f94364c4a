package dialog

import (
	"errors"
	"strconv"
	"strings"
)

// MessageSummary is the state of a mailbox (RFC 3842 §5.2). All texts are raw, from outside.
type MessageSummary struct {
	Waiting   bool
	Account   string // a URI to call for the messages, "" when not told
	Told      bool   // Voice says something
	New, Old  int
	UrgentNew int
	UrgentOld int
}

// ErrMessageSummary: no simple-message-summary.
var ErrMessageSummary = errors.New("bad message summary")

// ParseMessageSummary reads an application/simple-message-summary body, whether it was asked for or not: exchanges send it unasked
// after a REGISTER, outside of every dialog. Only voice messages are counted. Errors: ErrMessageSummary.
func ParseMessageSummary(body []byte) (MessageSummary, error) {
	var m MessageSummary
	seen := false
	for line := range strings.Lines(string(body[:min(len(body), 16<<10)])) {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name = strings.ToLower(strings.TrimSpace(name)); {
		case !ok:
		case name == "messages-waiting":
			seen = true
			m.Waiting = strings.EqualFold(value, "yes")
		case name == "message-account":
			m.Account = value[:min(len(value), maxName)]
		case name == "voice-message":
			normal, urgent, _ := strings.Cut(value, "(")
			m.New, m.Old, m.Told = counts(normal)
			m.UrgentNew, m.UrgentOld, _ = counts(strings.TrimRight(urgent, ") \t"))
		}
	}
	if !seen {
		return MessageSummary{}, ErrMessageSummary
	}
	return m, nil
}

// counts reads "2/8".
func counts(s string) (fresh, old int, ok bool) {
	const most = 1_000_000
	a, b, ok := strings.Cut(s, "/")
	n, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 31)
	o, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 31)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, false
	}
	return int(min(n, most)), int(min(o, most)), true
}
