package dialog

import (
	"net/netip"
	"slices"

	"offhook/sip/transaction"
)

// ident is a dialog as RFC 3261 §12 has it: who talks to whom, in which order, and which way.
type ident struct {
	callID    string
	local     transaction.Address // with tag
	remote    transaction.Address // with tag, once known
	localSeq  uint32
	remoteSeq uint32 // 0: none yet
	route     []transaction.Address
	target    transaction.URI // remote target
	contact   transaction.Address
	flow      *transaction.Flow
	home      *transaction.Flow // that contact belongs to
	dst       netip.AddrPort    // first hop when neither route nor target have been learned
	foreign   bool              // no server of ours is on the way: our credentials are not for them
	updates   bool              // the far end's Allow lists UPDATE
	sid       sessionID
}

// fromInvite is the callee's side (§12.1.1): the route set as it stands.
func fromInvite(req *transaction.Request, localTag string) ident {
	d := ident{
		callID: req.CallID, local: req.To.WithTag(localTag), remote: req.From,
		remoteSeq: req.CSeq, route: slices.Clone(req.RecordRoute), target: req.Contact[0].URI,
		flow: req.Flow, home: req.Flow, dst: req.Source,
	}
	d.read(req.Headers)
	return d
}

// read takes what the headers of any message of the far end say about it: what it allows (RFC 3261 §20.5) and its Session-ID.
func (d *ident) read(h transaction.Headers) {
	if h.Has("Allow") {
		d.updates = h.HasToken("Allow", "UPDATE")
	}
	d.sid.read(h)
}

// learn takes the caller's side from a response (§12.1.2): the route set reversed, the target from Contact.
func (d *ident) learn(res *transaction.Response) {
	d.remote = res.To
	d.route = slices.Clone(res.RecordRoute)
	slices.Reverse(d.route)
	d.refresh(res.Contact)
	d.read(res.Headers)
}

// refresh takes a new remote target; the route set stays (§12.2).
func (d *ident) refresh(contact []transaction.Address) {
	if len(contact) > 0 && contact[0].URI.Host != "" {
		d.target = contact[0].URI
	}
}

// follow takes the way over which the far end reached us when ours is gone: behind its NAT, or with a Contact at which nobody takes
// connections, there is no other (RFC 5626 §5.3 has proxies do the same).
func (d *ident) follow(flow *transaction.Flow, source netip.AddrPort) {
	if d.flow != nil && d.flow.Transport() != "UDP" && !d.flow.Alive() && flow != nil && flow.Alive() {
		d.flow, d.dst = flow, source
	}
}

// request makes a request in the dialog (§12.2.1.1) with the next CSeq number; ACK takes that of its INVITE from the caller.
// A first route without lr is a strict router of RFC 2543: it gets itself as the Request-URI.
func (d *ident) request(method string) *transaction.Request {
	if method != "ACK" {
		d.localSeq++
	}
	req := &transaction.Request{
		Method: method, URI: d.target, Route: slices.Clone(d.route), From: d.local, To: d.remote,
		CallID: d.callID, CSeq: d.localSeq, MaxForwards: 70,
	}
	req.URI.Headers = nil
	if len(req.Route) > 0 {
		if _, lr := req.Route[0].URI.Params.Get("lr"); !lr {
			req.URI = req.Route[0].URI
			req.URI.Headers = nil
			req.URI.Params = req.URI.Params.Without("method")
			req.Route = append(req.Route[1:], transaction.Address{URI: d.target})
		}
	}
	if v := d.sid.String(); v != "" {
		req.Headers.Add("Session-ID", v)
	}
	switch method {
	case "INVITE", "UPDATE", "REFER", "SUBSCRIBE", "NOTIFY":
		req.Contact = []transaction.Address{d.contact}
	}
	return req
}
