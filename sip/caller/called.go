package caller

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

// Diversion is why a call was sent on to us (RFC 5806 §4.2, RFC 7544 §3). "" for none, or none told.
type Diversion string

// Reasons of diversion.
const (
	DivertedAlways      Diversion = "always"
	DivertedBusy        Diversion = "busy"
	DivertedNoAnswer    Diversion = "no answer"
	DivertedUnreachable Diversion = "not reachable"
	DivertedByHand      Diversion = "sent on by hand"
	DivertedTime        Diversion = "time of day"
	DivertedDND         Diversion = "do not disturb"
	DivertedFollowMe    Diversion = "follow me"
	DivertedAway        Diversion = "away"
	DivertedOther       Diversion = "other"
)

// diversionReason reads the reason of a Diversion header (RFC 5806 §4.2).
func diversionReason(v string) Diversion {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "":
		return ""
	case "unconditional":
		return DivertedAlways
	case "user-busy":
		return DivertedBusy
	case "no-answer":
		return DivertedNoAnswer
	case "unavailable", "out-of-service":
		return DivertedUnreachable
	case "deflection":
		return DivertedByHand
	case "time-of-day":
		return DivertedTime
	case "do-not-disturb":
		return DivertedDND
	case "follow-me":
		return DivertedFollowMe
	case "away":
		return DivertedAway
	}
	return DivertedOther
}

// diversionCause reads the cause of a History-Info entry (RFC 4458 §2, RFC 7544 §3.2.1).
func diversionCause(v string) Diversion {
	switch strings.TrimSpace(v) {
	case "":
		return ""
	case "302":
		return DivertedAlways
	case "486", "600":
		return DivertedBusy
	case "408":
		return DivertedNoAnswer
	case "503":
		return DivertedUnreachable
	case "480", "487":
		return DivertedByHand
	}
	return DivertedOther
}

// Called is whom the caller wanted: the first of History-Info (RFC 7044), the last Diversion (RFC 5806),
// P-Called-Party-ID (RFC 7315), To, and only then the Request-URI, which is our own Contact.
func Called(req *transaction.Request) text.Text {
	for _, a := range []func() (transaction.Address, bool){
		func() (transaction.Address, bool) {
			if h := history(req.Headers); len(h) > 0 && !h[0].hidden {
				return h[0].Address, true
			}
			return transaction.Address{}, false
		},
		func() (transaction.Address, bool) { return lastAddress(req.Headers.Values("Diversion")) },
		func() (transaction.Address, bool) { return firstAddress(req.Headers.Values("P-Called-Party-ID")) },
		func() (transaction.Address, bool) { return req.To, true },
		func() (transaction.Address, bool) { return transaction.Address{URI: req.URI}, true },
	} {
		if addr, ok := a(); ok && !Anonymous(addr) {
			if n := Number(addr.URI); !n.Empty() {
				return n
			}
		}
	}
	return text.Text{}
}

// DivertedBy is who sent the call on to us last, as a trusted peer tells it; nil when nobody did. History-Info says more than
// Diversion and is asked first.
func DivertedBy(h transaction.Headers, trusted bool) *Party {
	if !trusted {
		return nil
	}
	hidden := privacyOf(h).history
	if p := historyDiverter(history(h), hidden); p != nil {
		return p
	}
	for _, a := range h.Addresses("Diversion") { // the last diversion stands first
		reason, _ := a.Params.Get("reason")
		if p, _ := a.Params.Get("privacy"); p != "" && !strings.EqualFold(p, "off") && !strings.EqualFold(p, "name") {
			hidden = true
		} else if strings.EqualFold(p, "name") {
			a.Display = ""
		}
		who := Of(a, FromDiversion, hidden)
		if who.Diverted = diversionReason(reason); who.Diverted == "" {
			who.Diverted = DivertedOther
		}
		return &who
	}
	return nil
}

// entry is one of History-Info.
type entry struct {
	transaction.Address
	index  []int
	cause  string // why the call went to it: the cause of its URI
	left   string // why it left: the SIP cause of its Reason
	from   string // index of the entry that it came from, by rc, mp or np; "": not told
	hidden bool
}

// maxHistory is how many entries are looked at.
const maxHistory = 32

// history is History-Info in the order of its indexes (RFC 7044 §5).
func history(h transaction.Headers) []entry {
	var out []entry
	for _, a := range h.Addresses("History-Info") {
		e := entry{Address: a}
		index, _ := a.Params.Get("index")
		if e.index = parseIndex(index); e.index == nil || len(out) == maxHistory {
			continue
		}
		e.cause, _ = a.URI.Params.Get("cause")
		for _, name := range []string{"mp", "rc", "np"} {
			if v, ok := a.Params.Get(name); ok && e.from == "" {
				e.from = v
			}
		}
		embedded := make(transaction.Headers, 0, len(a.URI.Headers))
		for _, p := range a.URI.Headers {
			embedded.Add(p.Name, p.Value)
		}
		if r, ok := PickReason(Reasons(embedded)); ok && r.Protocol == "SIP" {
			e.left = strconv.Itoa(r.Cause)
		}
		p := privacyOf(embedded)
		e.hidden = p.history || p.hides()
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b entry) int { return slices.Compare(a.index, b.index) })
	return out
}

// parseIndex reads "1.2.1"; nil is none.
func parseIndex(s string) []int {
	parts := strings.Split(strings.TrimSpace(s), ".")
	if len(parts) > maxHistory {
		return nil
	}
	out := make([]int, 0, len(parts))
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil
		}
		out = append(out, int(n))
	}
	return out
}

// historyDiverter is the entry that the last one with a cause came from.
func historyDiverter(h []entry, hidden bool) *Party {
	for i := len(h) - 1; i > 0; i-- {
		reason := diversionCause(h[i].cause)
		by := i - 1
		from := parseIndex(h[i].from)
		if from == nil {
			from = h[i].index[:len(h[i].index)-1]
		}
		if k := slices.IndexFunc(h, func(e entry) bool { return slices.Equal(e.index, from) }); k >= 0 && k < i {
			by = k
		}
		if reason == "" { // not said where it went: where it left, perhaps
			reason = diversionCause(h[by].left)
		}
		if reason == "" {
			continue
		}
		who := Of(h[by].Address, FromHistory, cmp.Or(hidden, h[by].hidden))
		who.Diverted = reason
		return &who
	}
	return nil
}
