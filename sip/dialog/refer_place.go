package dialog

import (
	"net/netip"
	"slices"
	"strings"

	"offhook/sip/transaction"
)

// Where somebody else can call the far end of a session.

// places are those URIs, best first. A GRUU is made for this (RFC 5627). Any other Contact may lead nowhere for others: it may be the
// address of a telephone behind a NAT or of one that only its proxy may call. Then it is the address that the person is known by
// (RFC 5589 §7.3): every telephone of that person is asked, and only the one that has the call takes it over, because the INVITE
// demands Replaces; the Contact comes second. Where the Contact is the very machine that we talk to, nobody stands between, and it is
// the place.
func (s *Session) places() []transaction.URI {
	contact, known := place(s.id.target), place(s.id.remote.URI)
	if _, gruu := contact.Params.Get("gr"); gruu || !callable(known) || s.direct() || !s.outgoing && len(s.id.route) == 0 && s.ua.cfg.Unserved {
		return []transaction.URI{contact}
	}
	if known.Equal(contact) || !callable(contact) {
		return []transaction.URI{known}
	}
	return []transaction.URI{known, contact}
}

// place is a URI as it stands in Refer-To: the method is always INVITE, and headers in it are ours to write.
func place(u transaction.URI) transaction.URI {
	u.Params, u.Headers = u.Params.Without("method"), nil
	return u
}

// callable reports whether a URI can be called by others at all; who withholds his number is at anonymous.invalid (RFC 3323 §4.1.1.3).
func callable(u transaction.URI) bool {
	host := strings.ToLower(u.Host)
	return (u.Scheme == "sip" || u.Scheme == "sips") && u.User != "" && host != "" && host != "invalid" && !strings.HasSuffix(host, ".invalid") &&
		!strings.EqualFold(u.User, "anonymous")
}

// direct reports whether requests of the session go to the far end's Contact without anybody between. The port of a connection that
// they made to us says nothing.
func (s *Session) direct() bool {
	if len(s.id.route) > 0 {
		return false
	}
	at, peer := s.id.target, s.id.dst
	addr, err := netip.ParseAddr(at.Host)
	if err != nil || addr.Unmap() != peer.Addr().Unmap() {
		return false
	}
	port := uint16(at.Port)
	if port == 0 {
		port = 5060
	}
	return port == peer.Port() || s.id.flow != nil && s.id.flow.Transport() != "UDP"
}

// unreached are the answers that say that a place was not found or not reached, which another one may be. Whoever was reached and
// does not want is not asked twice.
var unreached = [...]int{403, 404, 408, 410, 416, 480, 481, 484, 502, 503, 504, 604}

// elsewhere asks the far end to try the next place of an attended transfer, when there is one and code says that it may help.
func (s *Session) elsewhere(code int) bool {
	t := s.refer
	if len(t.places) < 2 || !slices.Contains(unreached[:], code) || t.other.state != confirmed {
		return false
	}
	s.remember(t)
	t.places = t.places[1:]
	t.accepted, t.silent = false, false
	s.ask()
	return true
}
