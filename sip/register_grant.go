package sip

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/internal/text"
	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// grant is what the registrar gave us besides the binding.
type grant struct {
	outbound   bool            // it keeps to RFC 5626: calls come over this flow
	gruu, temp transaction.URI // RFC 5627; zero: none
	associated []text.Text     // P-Associated-URI (RFC 7315 §4.1)
	contact    transaction.URI // that it knows us by
}

// seconds reads a delta-seconds value that parameters or a comment may follow.
func seconds(v string) time.Duration {
	v = strings.TrimSpace(v)
	if i := strings.IndexAny(v, ";( "); i >= 0 {
		v = v[:i]
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// leastWait is between two rounds, whatever a registrar grants or asks for: one that grants a second is not to be hammered.
const leastWait = 5 * time.Second

func (r *registration) succeeded(req *transaction.Request, res *transaction.Response) {
	granted := r.expires
	if v := res.Headers.Get("Expires"); v != "" {
		granted = seconds(v)
	}
	mine := req.Contact[0]
	old := r.grant.contact
	r.grant = grant{outbound: res.Headers.HasToken("Require", "outbound"), contact: mine.URI}
	res.Contact = slices.DeleteFunc(res.Contact, func(c transaction.Address) bool { // some repeat what they have taken off
		v, _ := c.Params.Get("expires")
		return strings.TrimSpace(v) == "0"
	})
	others := len(res.Contact)
	if i := slices.IndexFunc(res.Contact, func(c transaction.Address) bool { return r.ours(c, mine) }); i >= 0 {
		others--
		c := res.Contact[i]
		if v, ok := c.Params.Get("expires"); ok {
			granted = seconds(v)
		}
		r.grant.gruu, r.grant.temp = gruu(c, "pub-gruu"), gruu(c, "temp-gruu")
	}
	if granted <= 0 {
		granted = r.expires
	}
	r.service = r.service[:0:0]
	for _, v := range res.Headers.Values("Service-Route") {
		if a, err := transaction.ParseAddress(v); err == nil && len(r.service) < 16 {
			r.service = append(r.service, a)
		}
	}
	for _, a := range res.Headers.Addresses("P-Associated-URI") {
		if len(r.grant.associated) < 16 {
			r.grant.associated = append(r.grant.associated, text.Clean(a.URI.String()))
		}
	}
	rewrite := r.sighted(mine.URI, res.Seen)
	r.settle(old)
	refresh := granted/2 + time.Duration(rand.Int64N(int64(granted)*3/10+1)) // at 50–80 %
	if len(r.failed) > 0 {                                                   // back to the first choice as soon as it may be well again
		refresh = min(refresh, time.Minute)
	}
	r.later(max(refresh, leastWait))
	flowTimer := min(seconds(res.Headers.Get("Flow-Timer")), time.Hour)
	r.keepOpen(flowTimer)
	tls, secure := r.at.flow.TLS()
	told := RegistrationChanged{
		State: Registered, Code: res.Status, Expires: granted, Others: others, Secure: secure && tls.Verified || r.at.server.Transport == "TLS",
		Slept: r.slept, Associated: r.grant.associated,
	}
	r.slept = false
	r.tell(told)
	r.p.settled()
	if flow := r.at.flow; flow.Transport() != "UDP" && !flow.Alive() { // it died under the answer; who heard of that first thought that the round would see to it
		r.flowDown(flow)
		return
	}
	if rewrite {
		r.start()
	}
}

// settle makes the path of a successful attempt the one that we are at, and moves the calls to it.
func (r *registration) settle(contact transaction.URI) {
	old := r.at
	r.at, r.try = r.try, path{}
	r.failed = slices.DeleteFunc(r.failed, func(s locate.Server) bool { return same(s, r.at.server) })
	r.p.locate.Worked(r.at.server)
	r.failures, r.live, r.fresh = 0, true, false
	if old.flow != r.at.flow {
		r.since = time.Now()
	}
	r.servers = append(r.servers, r.at.dst().Addr())
	r.p.shareLines()
	r.p.moveCalls(old.flow, r.at, !contact.IsZero() && !contact.Equal(r.grant.contact))
	if f := old.flow; f != nil && f != r.at.flow && f.Transport() != "UDP" {
		// Responses to what came in over it still go back over it.
		time.AfterFunc(64*transaction.T1, func() { r.p.ua.Post(func() { r.p.retire(f) }) })
	}
}

// retire closes a connection that no registration uses any more.
func (p *Phone) retire(f *transaction.Flow) {
	if !slices.ContainsFunc(p.regs, func(r *registration) bool { return r.uses(f) }) && f.Alive() {
		f.Close()
	}
}

// gruu reads a GRUU of our Contact (RFC 5627 §4.2); one that is no SIP URI is none.
func gruu(c transaction.Address, name string) transaction.URI {
	v, ok := c.Params.Get(name)
	if !ok {
		return transaction.URI{}
	}
	u, err := transaction.ParseURI(strings.Trim(v, `"<> `))
	if err != nil || u.Scheme != "sip" && u.Scheme != "sips" || u.Host == "" {
		return transaction.URI{}
	}
	return u
}

// ours finds our binding among others': by instance and reg-id, else by address (RFC 5626 §4.2, RFC 3261 §19.1.4).
func (r *registration) ours(c, mine transaction.Address) bool {
	if a, ok := c.Params.Get("+sip.instance"); ok {
		if b, ok := mine.Params.Get("+sip.instance"); ok {
			x, _ := c.Params.Get("reg-id")
			y, _ := mine.Params.Get("reg-id")
			return strings.EqualFold(a, b) && (x == "" || x == y)
		}
	}
	return c.URI.Equal(mine.URI)
}

// contactOf is our Contact in dialogs over a flow: the GRUU where the registrar gave us one (RFC 5627 §4.4), else our address, with ob
// where it keeps to outbound, so that requests in the dialog come over this flow (RFC 5626 §4.3). Kamailio hands out GRUUs unless it is
// told not to, and its usual configuration does not know its own way back from them: the far end's BYE and hold would never come. So a
// GRUU counts only where the registrar also keeps to outbound, which nobody switches on by accident, or where Config.GRUU says so.
func (p *Phone) contactOf(flow *transaction.Flow, remote netip.AddrPort) transaction.URI {
	for _, l := range *p.lines.Load() {
		if l.flow != flow || l.dst() != remote {
			continue
		}
		if !l.grant.outbound && !p.acc.GRUU {
			return l.seen.of(p.acc.contact(flow, remote), flow, remote).URI
		}
		if p.acc.Withhold && !l.grant.temp.IsZero() { // it tells nothing of who we are (RFC 5627 §3.3)
			return l.grant.temp
		}
		if !l.grant.gruu.IsZero() {
			return l.grant.gruu
		}
		u := l.seen.of(p.acc.contact(flow, remote), flow, remote).URI
		if l.grant.outbound {
			u.Params = u.Params.With("ob", "")
		}
		return u
	}
	return p.acc.contact(flow, remote).URI
}

// keepOpen keeps the way to us open: by CRLF at the registrar's pace on connections, by STUN on UDP where it keeps to outbound, and
// else by an empty line now and then, which at least the NAT between us sees (RFC 5626 §4.4).
func (r *registration) keepOpen(flowTimer time.Duration) {
	r.quiet()
	flow, dst := r.at.flow, r.at.dst()
	switch {
	case flow.Transport() != "UDP":
		if r.grant.outbound && flowTimer > 0 {
			flow.KeepAlive(max(flowTimer, 10*time.Second))
		}
	case r.grant.outbound:
		every := 29 * time.Second
		if flowTimer > 0 {
			every = min(every, max(flowTimer, 10*time.Second))
		}
		var seen netip.AddrPort
		r.stun = flow.STUN(dst, every, func(mapped netip.AddrPort, err error) {
			r.p.ua.Post(func() {
				if r.at.flow != flow || !r.live || r.busy || r.stopped != nil {
					return
				}
				switch {
				case errors.Is(err, transaction.ErrTimeout): // three in a row: the flow is dead (§4.4.2)
					r.p.locate.Failed(r.at.server)
					r.renew(false)
				case err != nil:
				case seen.IsValid() && seen != mapped: // the NAT has forgotten us: calls would go to the old address
					r.renew(false)
				default:
					seen = mapped
				}
			})
		})
	case !dst.Addr().IsLoopback():
		r.empty()
	}
}

// empty sends an empty line now and then.
func (r *registration) empty() {
	r.ping = time.AfterFunc(24*time.Second+time.Duration(rand.Int64N(int64(5*time.Second))), func() {
		r.p.ua.Post(func() {
			if r.stopped == nil && r.live && r.at.alive() && r.at.flow.Transport() == "UDP" {
				if err := r.at.flow.Ping(r.at.dst()); err != nil {
					r.p.log.Debug("keepalive", "err", err)
				}
				r.empty()
			}
		})
	})
}

// quiet ends the keepalives that are ours to end.
func (r *registration) quiet() {
	stop(r.ping)
	if r.stun != nil {
		r.stun()
		r.stun = nil
	}
}

// tell completes what is told about this registration, and joins it with the other: an account is registered as long as one of its
// flows is.
func (r *registration) tell(e RegistrationChanged) {
	p := r.p
	e.At, e.Account, e.Server, e.Primary = time.Now(), p.accountText(), r.serverText(), !p.acc.secondary
	r.told = e
	if len(p.regs) > 1 {
		for _, o := range p.regs {
			e.Flows = append(e.Flows, FlowState{State: o.told.State, Server: o.told.Server, Code: o.told.Code, Reason: o.told.Reason, RetryIn: o.told.RetryIn})
			if o != r && rank(o.told.State) > rank(e.State) {
				flows, slept := e.Flows, e.Slept
				e = o.told
				e.At, e.Flows, e.Slept = time.Now(), flows, slept
			}
		}
	}
	p.emit(e)
	p.subscribe()
	p.watchLamps()
}

// rank orders states by how well the account can be reached.
func rank(s RegistrationState) int {
	return slices.Index([]RegistrationState{Unregistered, RegFailed, Registering, Registered}, s)
}

func (r *registration) serverText() text.Text {
	h := r.hop()
	s := transaction.URI{Scheme: "sip", Host: h.host, Port: h.port}.HostPort()
	transport := r.p.acc.Transport
	if r.live && r.at.flow != nil {
		transport = strings.ToLower(r.at.server.Transport)
		if a := r.at.dst().String(); len(r.failed) > 0 && a != s { // not where the name leads first
			s += " (" + r.at.server.Name + ":" + strconv.Itoa(int(r.at.dst().Port())) + ")"
		}
	}
	return text.Clean(s + " " + transport)
}
