package sip

import (
	"net/netip"
	"strings"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

// identity is the remote party of a request or response: P-Asserted-Identity and Remote-Party-ID when trusted, else from,
// which is the From of their request. ok is false when the message names nobody.
func identity(h transaction.Headers, from *transaction.Address, trusted bool) (Party, bool) {
	hidden := private(h)
	if from != nil && anonymous(*from) {
		hidden = true
	}
	if trusted {
		if a, ok := asserted(h); ok {
			return party(a, FromAsserted, hidden), true
		}
		if a, ok := firstAddress(h.Values("Remote-Party-ID")); ok {
			if p, _ := a.Params.Get("privacy"); p != "" && !strings.EqualFold(p, "off") {
				hidden = true
			}
			return party(a, FromRemoteID, hidden), true
		}
	}
	if from == nil {
		return Party{}, false
	}
	return party(*from, FromHeader, hidden), true
}

// asserted prefers the sip URI of P-Asserted-Identity, which carries the name, to the tel URI beside it, unless only the
// latter holds a number (RFC 3325 §9.1 allows one of each).
func asserted(h transaction.Headers) (transaction.Address, bool) {
	var best transaction.Address
	found := false
	for _, v := range h.Values("P-Asserted-Identity") {
		a, err := transaction.ParseAddress(v)
		if err != nil {
			continue
		}
		switch {
		case !found:
			best, found = a, true
		case a.URI.Scheme == "tel" && !digits(userOf(best.URI)):
			a.Display = orString(a.Display, best.Display)
			best = a
		}
	}
	return best, found
}

func firstAddress(values []string) (transaction.Address, bool) {
	for _, v := range values {
		if a, err := transaction.ParseAddress(v); err == nil {
			return a, true
		}
	}
	return transaction.Address{}, false
}

func lastAddress(values []string) (transaction.Address, bool) {
	for i := len(values) - 1; i >= 0; i-- {
		if a, err := transaction.ParseAddress(values[i]); err == nil {
			return a, true
		}
	}
	return transaction.Address{}, false
}

func orString(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// private: Privacy asks for it (RFC 3323 §4.2).
func private(h transaction.Headers) bool {
	for _, v := range h.Values("Privacy") {
		for p := range strings.SplitSeq(v, ";") {
			switch strings.ToLower(strings.TrimSpace(p)) {
			case "id", "user", "header":
				return true
			}
		}
	}
	return false
}

// anonymous: the address itself says that it hides somebody.
func anonymous(a transaction.Address) bool {
	if strings.EqualFold(strings.TrimSuffix(a.URI.Host, "."), "anonymous.invalid") {
		return true
	}
	switch strings.ToLower(strings.TrimSpace(userOf(a.URI))) {
	case "", "anonymous", "restricted", "unavailable", "unknown", "private":
		return true
	}
	return false
}

// party cleans an address. Of somebody who hides nothing is kept, not even for the journal (RFC 3325 §7).
func party(a transaction.Address, source PartySource, hidden bool) Party {
	if hidden || anonymous(a) {
		return Party{Source: source, Withheld: true}
	}
	u := a.URI
	u.Headers, u.Password = nil, ""
	return Party{
		Number: numberOf(u), Name: text.Clean(a.Display), URI: text.Clean(u.String()), Host: text.Clean(u.Host), Source: source,
	}
}

// userOf is the user part, without the parameters that numbers may carry in it (";phone-context=…").
func userOf(u transaction.URI) string {
	user := u.User
	if user == "" && u.Scheme != "sip" && u.Scheme != "sips" && u.Scheme != "tel" {
		user = u.Opaque
	}
	user, _, _ = strings.Cut(user, ";")
	return user
}

// numberOf is the user part, without visual separators when it is a number (RFC 3966 §5.1.1).
func numberOf(u transaction.URI) text.Text {
	user := text.Clean(userOf(u)).String()
	if n := strings.Map(unseparated, user); digits(n) {
		return text.Clean(n)
	}
	return text.Clean(user)
}

func unseparated(r rune) rune {
	switch r {
	case ' ', '-', '.', '(', ')', '/', '\u00a0':
		return -1
	}
	return r
}

// digits: a dialable number.
func digits(s string) bool {
	if strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	return s != "" && strings.Trim(s, "0123456789*#") == ""
}

// calledNumber is whom the caller wanted: the first of History-Info (RFC 7044), the last Diversion (RFC 5806),
// P-Called-Party-ID (RFC 7315), To, and only then the Request-URI, which is our own Contact.
func calledNumber(req *transaction.Request) text.Text {
	for _, a := range []func() (transaction.Address, bool){
		func() (transaction.Address, bool) { return firstAddress(req.Headers.Values("History-Info")) },
		func() (transaction.Address, bool) { return lastAddress(req.Headers.Values("Diversion")) },
		func() (transaction.Address, bool) { return firstAddress(req.Headers.Values("P-Called-Party-ID")) },
		func() (transaction.Address, bool) { return req.To, true },
		func() (transaction.Address, bool) { return transaction.Address{URI: req.URI}, true },
	} {
		if addr, ok := a(); ok {
			if n := numberOf(addr.URI); !n.Empty() {
				return n
			}
		}
	}
	return text.Text{}
}

// within reports whether addr is one of the peers.
func within(peers []netip.Prefix, addr netip.Addr) bool {
	for _, p := range peers {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
