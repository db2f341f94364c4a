package caller

import (
	"strconv"
	"strings"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

// Reason is one value of a Reason header (RFC 3326).
type Reason struct {
	Protocol string // "SIP", "Q.850", or another in capitals
	Cause    int    // 0: none
	Text     text.Text
}

// maxReasons is how many values are looked at.
const maxReasons = 16

// Reasons reads the Reason headers of a message; what cannot be read is left out.
func Reasons(h transaction.Headers) []Reason {
	var out []Reason
	for _, v := range h.Values("Reason") {
		protocol, rest, _ := strings.Cut(v, ";")
		protocol = strings.ToUpper(strings.TrimSpace(protocol))
		if protocol == "" || len(out) == maxReasons {
			continue
		}
		r := Reason{Protocol: protocol}
		if r.Protocol == "Q850" {
			r.Protocol = "Q.850"
		}
		params, err := transaction.ParseParams(rest)
		if err != nil {
			continue
		}
		cause, _ := params.Get("cause")
		if n, err := strconv.ParseUint(strings.TrimSpace(cause), 10, 16); err == nil && n < 1000 {
			r.Cause = int(n)
		}
		words, _ := params.Get("text")
		r.Text = text.Clean(words).Runes(256)
		out = append(out, r)
	}
	return out
}

// PickReason is the one that says most: an answer elsewhere whoever tells it, else what SIP says, else Q.850, else the first.
func PickReason(rs []Reason) (best Reason, ok bool) {
	rank := func(r Reason) int {
		switch {
		case r.Elsewhere():
			return 4
		case r.Protocol == "SIP" && r.Cause != 0:
			return 3
		case r.Protocol == "Q.850" && r.Cause != 0:
			return 2
		}
		return 1
	}
	for _, r := range rs {
		if !ok || rank(r) > rank(best) {
			best, ok = r, true
		}
	}
	return best, ok
}

// Elsewhere: another phone of this user took the call, so nobody missed it. Q.850 26 is "non-selected user clearing".
func (r Reason) Elsewhere() bool {
	if r.Protocol == "SIP" && r.Cause == 200 || r.Protocol == "Q.850" && r.Cause == 26 {
		return true
	}
	words := strings.ToLower(r.Text.String())
	return strings.Contains(words, "completed elsewhere") || strings.Contains(words, "answered elsewhere") || strings.Contains(words, "picked up elsewhere")
}
