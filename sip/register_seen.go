package sip

import (
	"net/netip"

	"offhook/sip/transaction"
)

// Behind a NAT our own address leads nowhere. A registrar over UDP says in its answer where it saw us (Via received and rport, RFC 3581);
// that address goes into the Contact, and the binding with the old one is taken off in the same request.

// sighting is our address as the registrar sees it over a flow; the zero value: as we see it.
type sighting struct {
	flow *transaction.Flow
	dst  netip.AddrPort // of the registrar
	at   netip.AddrPort

	former []transaction.Address // the binding that has to go, with expires=0
	never  bool                  // this registrar does not take such a Contact
}

// of is our Contact over a flow: at the address that was seen, if one was.
func (s sighting) of(c transaction.Address, flow *transaction.Flow, dst netip.AddrPort) transaction.Address {
	if s.at.IsValid() && s.flow == flow && s.dst == dst {
		c.URI.Host, c.URI.Port = s.at.Addr().Unmap().String(), int(s.at.Port())
	}
	return c
}

// instead is a Contact with the one that goes for it.
func (s sighting) instead(c transaction.Address) []transaction.Address {
	list := []transaction.Address{c}
	for _, f := range s.former {
		if !f.URI.Equal(c.URI) { // another server was found meanwhile
			list = append(list, f)
		}
	}
	return list
}

// contact is our address over a flow as it is registered.
func (r *registration) contact(to path) transaction.Address {
	return r.seen.of(r.p.acc.contact(to.flow, to.dst()), to.flow, to.dst())
}

// sighted compares the Contact that was just registered with where the registrar saw us, and reports whether to register again. Where the
// registrar keeps to outbound or calls come by a GRUU, the Contact does not matter. A NAT that shows another port each time gets its way
// once in a registration's round, and not for ever.
func (r *registration) sighted(mine transaction.URI, seen netip.AddrPort) bool {
	again := len(r.seen.former) > 0 // this was the second request of the round
	r.seen.former = nil
	to := r.try
	if r.p.acc.LocalContact || r.seen.never || to.flow.Transport() != "UDP" || r.grant.outbound || r.p.acc.GRUU && !r.grant.gruu.IsZero() {
		return false
	}
	seen = netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port())
	port := mine.Port
	if port == 0 {
		port = 5060
	}
	if again || !seen.IsValid() || seen.Port() == 0 || seen.Addr().IsUnspecified() || mine.Host == seen.Addr().String() && port == int(seen.Port()) {
		return false
	}
	gone := transaction.Address{URI: mine}
	gone.Params = gone.Params.With("expires", "0")
	r.seen = sighting{flow: to.flow, dst: to.dst(), at: seen, former: []transaction.Address{gone}}
	return true
}
