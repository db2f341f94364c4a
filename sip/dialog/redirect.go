package dialog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"offhook/sip/transaction"
)

// maxTargets is how many ways on a redirection may name.
const maxTargets = 16

// targets are the Contacts of a 3xx in the order in which they are to be tried: falling q, and for equal q as they stand. One without
// q counts 1 (RFC 3261 §20.10, §8.1.3.4). Nobody follows them by himself: a stranger's exchange must not decide whom we call.
func targets(res *transaction.Response) []transaction.Address {
	if res.Status < 300 || res.Status > 399 {
		return nil
	}
	var out []transaction.Address
	for _, c := range res.Contact {
		known := func(o transaction.Address) bool { return o.URI.Equal(c.URI) }
		if c.URI.Scheme != "*" && !c.URI.IsZero() && len(out) < maxTargets && !slices.ContainsFunc(out, known) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b transaction.Address) int { return cmp.Compare(preference(b), preference(a)) })
	return out
}

// preference is the q of a Contact, 0 to 1; what cannot be read is the last choice.
func preference(a transaction.Address) float64 {
	v, ok := a.Params.Get("q")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// Redirect sends the caller of an incoming session elsewhere: 302 moved temporarily, 301 for good, 300 to choose, 305 through a proxy,
// 380 to another service (RFC 3261 §21.3). It is ignored when the session has been answered, and becomes a 480 without a target. The
// session ends with CauseRejected and this code.
func (s *Session) Redirect(code int, to []transaction.Address, headers ...transaction.Header) {
	var redirect func()
	redirect = func() {
		if s.state != early || s.outgoing || s.away(redirect) {
			return
		}
		if code < 300 || code > 399 || len(to) == 0 {
			s.end(480, "", "", headers...)
			return
		}
		s.endWith(code, "", to, headers)
	}
	s.do(redirect)
}
