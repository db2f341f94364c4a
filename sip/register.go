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
	"offhook/sip/transaction"
)

// registration keeps our Contact at the registrar (RFC 3261 §10). Owned by the loop.
type registration struct {
	p      *Phone
	digest *transaction.Digest

	flow    *transaction.Flow
	dst     netip.AddrPort
	servers []netip.Addr          // who may call
	service []transaction.Address // Service-Route (RFC 3608)

	callID, tag string
	cseq        uint32
	expires     time.Duration // that we ask for
	failures    int           // in a row
	busy        bool          // a REGISTER or a look-up is under way
	live        bool          // the registrar holds our binding
	timer       *time.Timer
	generation  int // of timers and responses: old ones are ignored
	stopped     func()
	ping        *time.Timer
}

func newRegistration(p *Phone, d *transaction.Digest) *registration {
	return &registration{p: p, digest: d, callID: transaction.NewCallID(), tag: transaction.NewTag(), expires: p.acc.Expires}
}

// server reports whether addr is the registrar or the outbound proxy.
func (r *registration) server(addr netip.Addr) bool { return slices.Contains(r.servers, addr.Unmap()) }

// next is the first hop: the outbound proxy, else the registrar.
func (r *registration) next() hop {
	if !r.p.acc.proxy.none() {
		return r.p.acc.proxy
	}
	return r.p.acc.registrar
}

// routes are the preloaded routes of requests outside of dialogs.
func (r *registration) routes() []transaction.Address {
	var out []transaction.Address
	if !r.p.acc.proxy.none() {
		out = append(out, r.p.acc.proxyRoute())
	}
	return append(out, r.service...)
}

// start finds the registrar and registers.
func (r *registration) start() {
	if r.busy || r.stopped != nil {
		return
	}
	r.busy = true
	r.generation++
	stop(r.timer)
	if !r.live { // a refresh is no news
		r.tell(Registering, 0, "", 0, 0)
	}
	if r.flow != nil && r.flow.Alive() && r.failures < 3 { // a registrar that stays silent may have moved
		r.send()
		return
	}
	tcp := r.p.acc.Transport == "tcp"
	if tcp && r.flow != nil {
		r.flow.Close()
	}
	r.p.reach(r.next(), tcp, func(flow *transaction.Flow, dst netip.AddrPort, err error) {
		switch {
		case err != nil:
			r.busy = false
			r.fail(0, err.Error(), 0)
		case r.stopped != nil:
			r.busy = false
			r.stopped()
		default:
			r.flow, r.dst = flow, dst
			r.admit(dst.Addr())
			r.send()
		}
	})
	if !r.p.acc.proxy.none() { // the registrar may call past the proxy
		if a, ok := r.p.acc.registrar.addr(); ok {
			r.admit(a.Addr())
		}
	}
}

func (r *registration) admit(a netip.Addr) {
	if a = a.Unmap(); a.IsValid() && !slices.Contains(r.servers, a) {
		r.servers = append(r.servers, a)
	}
}

// request makes the next REGISTER; expires 0 takes our binding off.
func (r *registration) request(expires time.Duration) *transaction.Request {
	r.cseq++
	aor, secs := r.p.acc.aor, strconv.Itoa(int(expires/time.Second))
	home := transaction.URI{Scheme: "sip", Host: aor.Host, Port: aor.Port}
	if !strings.EqualFold(r.p.acc.registrar.host, aor.Host) && r.p.acc.proxy.none() {
		home = transaction.URI{Scheme: "sip", Host: aor.Host}
	}
	contact := r.flow.Contact(aor.User, r.dst)
	contact.Params = contact.Params.With("expires", secs)
	if id := r.p.acc.Instance; id != "" {
		contact.Params = append(contact.Params, transaction.Param{Name: "+sip.instance", Value: "<urn:uuid:" + id + ">", Has: true})
		contact.Params = contact.Params.With("reg-id", "1")
	}
	req := &transaction.Request{
		Method: "REGISTER", URI: home, From: transaction.Address{Display: r.p.acc.DisplayName, URI: aor}.WithTag(r.tag),
		To: transaction.Address{URI: aor}, Contact: []transaction.Address{contact}, CallID: r.callID, CSeq: r.cseq, MaxForwards: 70,
	}
	if !r.p.acc.proxy.none() {
		req.Route = []transaction.Address{r.p.acc.proxyRoute()}
	}
	req.Headers.Add("Expires", secs)
	req.Headers.Add("Supported", "path, outbound")
	req.Headers.Add("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY")
	return req
}

func (r *registration) send() {
	req := r.request(r.expires)
	r.digest.Prepare(req)
	r.transmit(req, 1)
}

// transmit sends req and answers challenges and 423 by further tries.
func (r *registration) transmit(req *transaction.Request, try int) {
	generation := r.generation
	on := func(f func()) {
		r.p.ua.Post(func() {
			if generation == r.generation {
				f()
			}
		})
	}
	_, err := r.p.ua.Layer().Send(r.flow, r.dst, req,
		func(res *transaction.Response) {
			if res.Final() {
				res = res.Clone()
				on(func() { r.response(req, res, try) })
			}
		},
		func(err error) {
			if err != nil {
				on(func() { r.lost(err) })
			}
		})
	if err != nil {
		r.lost(err)
	}
}

func (r *registration) lost(err error) {
	r.busy = false
	if r.stopped != nil {
		r.stopped()
		return
	}
	silent := errors.Is(err, transaction.ErrTimeout)
	if silent && r.flow.Transport() != "UDP" { // it may be dead without knowing it, as after a sleep
		r.flow.Close()
		if r.live {
			r.live = false
			r.start()
			return
		}
	}
	why := "The registrar does not answer"
	if !silent {
		why = "The connection to the registrar is down"
	}
	r.fail(0, why, 0)
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
		r.busy = false
		if r.stopped != nil {
			r.stopped()
			return
		}
		why := "The registrar wants a way of signing in that this phone does not know"
		if refusal == nil || errors.Is(refusal, transaction.ErrWrongPassword) || errors.Is(refusal, transaction.ErrNoCredentials) {
			why = "The registrar refused the user name or password of " + r.p.acc.aor.User + "; check username and password"
		}
		r.fail(res.Status, why, 0)
		return
	case 423: // §10.2.8
		if least, err := strconv.Atoi(strings.TrimSpace(res.Headers.Get("Min-Expires"))); err == nil && r.stopped == nil && least > 0 && least <= 1<<20 {
			if d := time.Duration(least) * time.Second; d > r.expires {
				r.expires = d
				next := r.request(r.expires)
				r.digest.Prepare(next)
				if try < maxTries {
					r.transmit(next, try+1)
					return
				}
			}
		}
	}
	r.busy = false
	switch {
	case r.stopped != nil:
		r.stopped()
	case res.Success():
		r.succeeded(req, res)
	default:
		r.fail(res.Status, "The registrar answered "+strconv.Itoa(res.Status)+" "+phrase(res.Status, res.Reason).String(), seconds(res.Headers.Get("Retry-After")))
	}
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

func (r *registration) succeeded(req *transaction.Request, res *transaction.Response) {
	granted := r.expires
	if v := res.Headers.Get("Expires"); v != "" {
		granted = seconds(v)
	}
	others := len(res.Contact)
	mine := req.Contact[0]
	if i := slices.IndexFunc(res.Contact, func(c transaction.Address) bool { return r.ours(c, mine) }); i >= 0 {
		others--
		if v, ok := res.Contact[i].Params.Get("expires"); ok {
			granted = seconds(v)
		}
	}
	if granted <= 0 {
		granted = r.expires
	}
	r.service = r.service[:0:0]
	for _, v := range res.Headers.Values("Service-Route") {
		if a, err := transaction.ParseAddress(v); err == nil {
			r.service = append(r.service, a)
		}
	}
	r.failures, r.live = 0, true
	r.later(granted/2 + time.Duration(rand.Int64N(int64(granted)*3/10+1))) // at 50–80 %
	r.keepOpen()
	r.p.emit(RegistrationChanged{
		At: time.Now(), State: Registered, Account: r.p.accountText(), Server: r.serverText(), Code: res.Status, Expires: granted, Others: others,
	})
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

// keepOpen keeps the NAT's way to us open on UDP; on TCP the transaction layer does.
func (r *registration) keepOpen() {
	stop(r.ping)
	if r.flow.Transport() != "UDP" || r.dst.Addr().IsLoopback() {
		return
	}
	r.ping = time.AfterFunc(24*time.Second+time.Duration(rand.Int64N(int64(5*time.Second))), func() {
		r.p.ua.Post(func() {
			if r.stopped == nil && r.live && r.flow.Alive() {
				if err := r.flow.Ping(r.dst); err != nil {
					r.p.log.Debug("keepalive", "err", err)
				}
				r.keepOpen()
			}
		})
	})
}

// fail tells it and plans the next try: what the registrar asks for, else min(1800, 30·2ⁿ) s × 50–100 % (RFC 5626 §4.5).
func (r *registration) fail(code int, why string, retry time.Duration) {
	wait := min(1800*time.Second, 30*time.Second<<min(r.failures, 10))
	wait = wait/2 + time.Duration(rand.Int64N(int64(wait)/2+1))
	r.failures++
	if retry > 0 {
		wait = min(retry, time.Hour)
	}
	r.live = false
	r.later(wait)
	r.tell(RegFailed, code, why, 0, wait)
}

func (r *registration) later(d time.Duration) {
	stop(r.timer)
	generation := r.generation
	r.timer = time.AfterFunc(d, func() {
		r.p.ua.Post(func() {
			if generation == r.generation {
				r.start()
			}
		})
	})
}

// flowDown: the connection to the registrar died. A binding that worked is renewed at once, over a new one.
func (r *registration) flowDown(f *transaction.Flow, err error) {
	if f != r.flow || r.stopped != nil {
		return
	}
	if r.busy { // its transaction fails by itself, and plans the next try
		return
	}
	if r.live {
		r.live = false
		r.start()
		return
	}
	r.fail(0, "The connection to the registrar is down", 0)
}

// stop takes our own Contact off the registrar, never "*", which would take everybody's (RFC 3261 §10.2.2), and calls done.
func (r *registration) stop(done func()) {
	stop(r.timer)
	stop(r.ping)
	once := false
	r.stopped = func() {
		if !once {
			once = true
			r.tell(Unregistered, 0, "", 0, 0)
			done()
		}
	}
	if r.flow == nil || !r.flow.Alive() || !r.live && !r.busy {
		r.stopped()
		return
	}
	r.generation++ // what is under way does not count any more
	req := r.request(0)
	r.digest.Prepare(req)
	r.transmit(req, 1)
}

func (r *registration) tell(state RegistrationState, code int, why string, expires, retry time.Duration) {
	r.p.emit(RegistrationChanged{
		At: time.Now(), State: state, Account: r.p.accountText(), Server: r.serverText(), Code: code, Reason: text.Clean(why),
		Expires: expires, RetryIn: retry,
	})
}

func (r *registration) serverText() text.Text {
	h := r.next()
	s := h.uri(false).HostPort()
	return text.Clean(s + " " + r.p.acc.Transport)
}
