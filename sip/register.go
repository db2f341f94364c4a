package sip

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// registration keeps our Contact at one registrar (RFC 3261 §10), over one flow at a time (RFC 5626). Owned by the loop.
type registration struct {
	p      *Phone
	digest *transaction.Digest
	id     int // reg-id
	way    way

	at      path                  // where the registrar holds our binding, or held it last
	service []transaction.Address // Service-Route (RFC 3608)
	grant   grant
	seen    sighting
	servers []netip.Addr // who may call

	callID, tag string
	cseq        uint32
	expires     time.Duration // that we ask for
	live        bool          // the registrar holds our binding
	since       time.Time     // from when on
	deaths      int           // flows that died young, in a row
	failures    int           // rounds in a row
	told        RegistrationChanged

	// A round of attempts.
	busy     bool // one is under way
	begun    time.Time
	fresh    bool // what flows there are may be dead without knowing it
	slept    bool // it began with sleep or a change of network
	try      path
	reused   bool // try was at
	left     []locate.Server
	failed   []locate.Server // on which we gave up, until they work again
	moved    *hop            // where a 3xx sent us
	moves    int
	tx       *transaction.ClientTx
	patience *time.Timer // with a server that says nothing

	timer      *time.Timer
	generation int // of timers and responses: old ones are ignored
	stopped    func()
	ping       *time.Timer
	stun       func()
}

func newRegistration(p *Phone, d *transaction.Digest, id int, w way) *registration {
	return &registration{p: p, digest: d, id: id, way: w, callID: transaction.NewCallID(), tag: transaction.NewTag(), expires: p.acc.Expires}
}

// routes are the preloaded routes of requests outside of dialogs: Service-Route stands for the outbound proxy too (RFC 3608 §5).
func (r *registration) routes() []transaction.Address {
	if r.way.proxy.none() {
		return slices.Clone(r.service)
	}
	first := r.p.acc.proxyRoute(r.way.proxy)
	if len(r.service) > 0 && r.service[0].URI.Equal(first.URI) {
		return slices.Clone(r.service)
	}
	return append([]transaction.Address{first}, r.service...)
}

// request makes the next REGISTER over to; expires 0 takes our binding off.
func (r *registration) request(to path, expires time.Duration) *transaction.Request {
	r.cseq++
	acc := r.p.acc
	aor, secs := acc.aor, strconv.Itoa(int(expires/time.Second))
	home := transaction.URI{Scheme: aor.Scheme, Host: aor.Host, Port: aor.Port}
	if !strings.EqualFold(r.way.registrar.host, aor.Host) && r.way.proxy.none() {
		home.Port = 0
	}
	contact := r.contact(to)
	contact.Params = contact.Params.With("expires", secs)
	if id := acc.Instance; id != "" {
		contact.Params = append(contact.Params, transaction.Param{Name: "+sip.instance", Value: "<urn:uuid:" + id + ">", Has: true})
		contact.Params = contact.Params.With("reg-id", strconv.Itoa(r.id))
	}
	req := &transaction.Request{
		Method: "REGISTER", URI: home, From: transaction.Address{Display: acc.DisplayName, URI: aor}.WithTag(r.tag),
		To: transaction.Address{URI: aor}, Contact: r.seen.instead(contact), CallID: r.callID, CSeq: r.cseq, MaxForwards: 70,
	}
	if !r.way.proxy.none() {
		req.Route = []transaction.Address{acc.proxyRoute(r.way.proxy)}
	}
	req.Headers.Add("Expires", secs)
	supported := "path"
	if acc.Instance != "" { // the other two need it (RFC 5626 §4.2, RFC 5627 §3.1)
		supported = "path, outbound, gruu"
	}
	req.Headers.Add("Supported", supported)
	req.Headers.Add("Allow", r.p.ua.Allow()) // registrars that filter by method (Kamailio: method_filtering) pass on nothing else
	return req
}

// contact is our address over a flow as the registrar hears it.
func (a account) contact(flow *transaction.Flow, dst netip.AddrPort) transaction.Address {
	c := flow.Contact(a.aor.User, dst)
	if a.secure {
		c.URI.Scheme = "sips"
		c.URI.Params = c.URI.Params.Without("transport") // sips says TLS already (RFC 5630 §5.1.1.1)
	}
	return c
}

func (r *registration) send() {
	req := r.request(r.try, r.expires)
	r.digest.Prepare(req)
	r.transmit(req, 1)
}

// transmit sends req over r.try and answers challenges and 423 by further tries.
func (r *registration) transmit(req *transaction.Request, try int) {
	generation := r.generation
	on := func(f func()) {
		r.p.ua.Post(func() {
			if generation == r.generation {
				f()
			}
		})
	}
	to := r.try
	var err error
	r.tx, err = r.p.ua.Layer().Send(to.flow, to.dst(), req,
		func(res *transaction.Response) {
			res = res.Clone()
			on(func() {
				stop(r.patience) // somebody is there
				if res.Final() {
					r.response(req, res, try)
				}
			})
		},
		func(err error) {
			if err != nil {
				on(func() { r.lost(err) })
			}
		})
	if errors.Is(err, transaction.ErrTooLarge) {
		r.large(req, try, on)
		return
	}
	if err != nil {
		r.lost(err)
		return
	}
	stop(r.patience)
	if len(r.left) > 0 && r.stopped == nil { // others can be tried: no need to wait for the end of all repetitions
		r.patience = time.AfterFunc(serverWait, func() { on(func() { r.lost(transaction.ErrTimeout) }) })
	}
}

// serverWait is how long a server may say nothing when there is another one: four transmissions over UDP.
const serverWait = 5 * time.Second

// large sends over TCP what UDP should not carry, to the same server, and over UDP all the same where nobody takes the
// connection (RFC 3261 §18.1.1). The Contact stays that of UDP.
func (r *registration) large(req *transaction.Request, try int, on func(func())) {
	s := r.try.server
	s.Transport = "TCP"
	if r.p.deaf.is(s) {
		req.AnySize = true
		r.transmit(req, try)
		return
	}
	r.p.openFor(s, func(flow *transaction.Flow, err error) {
		on(func() {
			if err != nil {
				r.p.deaf.add(s)
				req.AnySize = true
				r.transmit(req, try)
				return
			}
			udp := r.try
			r.try.flow = flow
			r.transmit(req, try)
			r.try = udp
		})
	})
}

// lost: no answer came over r.try.
func (r *registration) lost(err error) {
	stop(r.patience)
	if r.stopped != nil {
		r.busy = false
		r.stopped()
		return
	}
	silent := errors.Is(err, transaction.ErrTimeout)
	if r.tx != nil && silent {
		r.generation++ // what still comes is too late
		r.tx.Terminate()
	}
	if r.reused && r.try.flow.Transport() != "UDP" { // it was dead without knowing it, as after a sleep: a new one to the same server
		if silent {
			r.try.flow.Close()
		}
		r.left = slices.Insert(r.left, 0, r.try.server)
		r.lapse()
		r.next(failure{why: "The connection to the registrar is down"})
		return
	}
	why := "The registrar does not answer"
	var certificate *transaction.CertificateError
	switch {
	case errors.As(r.try.flow.Err(), &certificate): // in TLS 1.3 a server refuses ours after the handshake
		why = certificate.Error()
	case !silent:
		why = "The connection to the registrar is down"
	case r.try.flow.Transport() != "UDP":
		r.try.flow.Close()
	}
	r.giveUp(failure{why: why})
}

func (r *registration) response(req *transaction.Request, res *transaction.Response, try int) {
	const maxTries = 5
	again := func(change func(*transaction.Request) bool) bool {
		next := req.Clone()
		r.cseq++
		next.CSeq = r.cseq
		if try >= maxTries || !change(next) {
			return false
		}
		r.transmit(next, try+1)
		return true
	}
	refused := failure{code: res.Status, retry: seconds(res.Headers.Get("Retry-After"))}
	refused.why = "The registrar answered " + strconv.Itoa(res.Status) + " " + phrase(res.Status, res.Reason).String()
	switch res.Status {
	case 401, 407:
		var refusal error
		if again(func(next *transaction.Request) bool {
			var ok bool
			ok, refusal = r.digest.Authorize(next, res)
			return ok
		}) {
			return
		}
		refused.retry = 0
		refused.why = "The registrar wants a way of signing in that this phone does not know"
		if refusal == nil || errors.Is(refusal, transaction.ErrWrongPassword) || errors.Is(refusal, transaction.ErrNoCredentials) {
			refused.why = "The registrar refused the user name or password of " + r.p.acc.aor.User + "; check username and password"
		}
	case 423: // §10.2.8
		if least, err := strconv.Atoi(strings.TrimSpace(res.Headers.Get("Min-Expires"))); err == nil && r.stopped == nil && least > 0 && least <= 1<<20 {
			if d := time.Duration(least) * time.Second; d > r.expires {
				r.expires = d
				next := r.request(r.try, r.expires)
				r.digest.Prepare(next)
				if try < maxTries {
					r.transmit(next, try+1)
					return
				}
			}
		}
	case 300, 301, 302, 305:
		if r.stopped == nil && r.redirected(res) {
			return
		}
	case 408, 430, 502, 503, 504: // this server cannot, another one may (RFC 3263 §4.3, RFC 5626 §4.4)
		if r.stopped == nil {
			r.giveUp(refused)
			return
		}
	}
	r.busy = false
	switch {
	case r.stopped != nil:
		r.stopped()
	case res.Success():
		r.succeeded(req, res)
	case len(r.seen.former) > 0: // not with that Contact, it seems
		r.seen = sighting{never: true}
		r.start()
	default:
		r.drop()
		r.fail(refused)
	}
}

// redirected follows a 3xx to where the account is served, three times in a round at the most.
func (r *registration) redirected(res *transaction.Response) bool {
	list := slices.Clone(res.Contact)
	slices.SortStableFunc(list, func(a, b transaction.Address) int { return cmp.Compare(quality(b), quality(a)) })
	for _, c := range list {
		if c.URI.Host == "" || c.URI.Scheme != "sip" && c.URI.Scheme != "sips" || r.p.acc.secure && c.URI.Scheme != "sips" {
			continue
		}
		c.URI.User = ""
		h, err := readHop(transaction.URI{Scheme: c.URI.Scheme, Host: c.URI.Host, Port: c.URI.Port, Params: c.URI.Params}.String())
		if err != nil || r.moves >= 3 {
			continue
		}
		r.moves++
		r.moved = &h
		r.drop()
		r.look()
		return true
	}
	return false
}

// quality is the q of a Contact; one without it counts 1 (RFC 3261 §20.10).
func quality(a transaction.Address) float64 {
	v, ok := a.Params.Get("q")
	if !ok {
		return 1
	}
	if q, err := strconv.ParseFloat(v, 64); err == nil && q >= 0 && q <= 1 {
		return q
	}
	return 0
}

// Register registers again now, without waiting for a refresh or the end of a back-off. Without a registrar it does nothing.
func (p *Phone) Register() {
	p.ua.Post(func() {
		for _, r := range p.regs {
			r.moved = nil
			r.start()
		}
	})
}
