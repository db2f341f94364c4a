package dialog

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// Refer is a REFER that came in: somebody asks us to call somebody else. All methods may be called from anywhere.
type Refer struct {
	// Session is the call that it came in, or that its Target-Dialog names; nil: neither.
	Session *Session
	// Target is the Refer-To without what it wants in the new INVITE: of all that, only Replaces is let through.
	Target transaction.Address
	// Replaces is the dialog at the target that the new call is to take the place of (attended transfer); nil: none.
	Replaces *Replaces
	// ReferredBy is who says that he asks, nil when nobody does (RFC 3892); nothing proves it. The raw header belongs into the new INVITE.
	ReferredBy    *transaction.Address
	ReferredByRaw string
	Request       *transaction.Request

	ua     *UA
	d      *ident // where NOTIFYs go: the call, or a dialog of its own
	own    ident
	tx     *transaction.ServerTx
	silent bool // Refer-Sub: false: nobody wants to know

	answered bool
	over     bool // the last NOTIFY is under way
	said     sipfrag
	waiting  []sipfrag // what waits for the response to the NOTIFY before
	busy     bool
	expires  time.Time
	limit    *timer
}

// sipfrag is a status of the new call, as a NOTIFY carries it (RFC 3420).
type sipfrag struct {
	code   int
	reason string
	why    string // of Subscription-State, when it is the last one
}

// Limits of what strangers may start here.
const (
	maxRefers    = 8
	referExpires = 3 * time.Minute
	maxExpires   = 24 * time.Hour
)

var (
	errReferTo    = errors.New("bad Refer-To")
	errReferURI   = errors.New("only telephone and SIP addresses can be called")
	errReferVerb  = errors.New("only calls can be asked for")
	errReferredBy = errors.New("bad Referred-By")
)

// readRefer reads what a REFER asks for (RFC 3515 §2.1, RFC 3892 §3).
func readRefer(h transaction.Headers) (Refer, error) {
	var r Refer
	to := h.Values("Refer-To")
	if len(to) != 1 {
		return r, errReferTo
	}
	target, err := transaction.ParseAddress(to[0])
	if err != nil {
		return r, errReferTo
	}
	u := &target.URI
	switch u.Scheme {
	case "sip", "sips":
		if u.Host == "" {
			return r, errReferTo
		}
	case "tel":
	default:
		return r, errReferURI
	}
	if method, ok := u.Params.Get("method"); ok && !strings.EqualFold(method, "INVITE") {
		return r, errReferVerb
	}
	for _, p := range u.Headers {
		if strings.EqualFold(p.Name, "Join") {
			return r, errReferVerb
		}
		if !strings.EqualFold(p.Name, "Replaces") {
			continue // what else they would have us say in our name stays unsaid
		}
		replaces, err := ParseReplaces(p.Value)
		if err != nil || r.Replaces != nil {
			return r, errReferTo
		}
		r.Replaces = &replaces
	}
	u.Headers, u.Params, u.Password = nil, u.Params.Without("method"), ""
	r.Target = target
	switch by := h.Values("Referred-By"); len(by) {
	case 0:
	case 1:
		a, err := transaction.ParseAddress(by[0])
		if err != nil {
			return r, errReferredBy
		}
		r.ReferredBy, r.ReferredByRaw = &a, by[0]
	default:
		return r, errReferredBy
	}
	return r, nil
}

// referred is a REFER, in a call or, with s nil, outside of every dialog.
func (u *UA) referred(s *Session, tx *transaction.ServerTx, req *transaction.Request) {
	if u.cfg.Refer == nil || u.closing {
		respond(tx, 603, "") // nobody lets a stranger place calls from here
		return
	}
	read, err := readRefer(req.Headers)
	switch {
	case errors.Is(err, errReferURI):
		respond(tx, 416, "")
		return
	case errors.Is(err, errReferVerb):
		respond(tx, 501, "")
		return
	case err != nil:
		respond(tx, 400, err.Error())
		return
	case s == nil && (len(req.Contact) == 0 || req.Contact[0].URI.Host == "" || req.FromTag() == ""):
		respond(tx, 400, "Contact or From tag missing")
		return
	case len(u.refers) >= maxRefers:
		respond(tx, 503, "", retryAfter())
		return
	}
	r := &read
	r.ua, r.Request, r.tx = u, req, tx
	r.silent = strings.EqualFold(strings.TrimSpace(req.Headers.Get("Refer-Sub")), "false")
	if s != nil {
		r.Session, r.d = s, &s.id
	} else {
		r.own = fromInvite(req, tx.LocalTag())
		r.own.contact = u.contact(req.Flow, req.Source)
		r.d = &r.own
		r.Session = u.targetDialog(req.Headers.Get("Target-Dialog"))
	}
	u.cfg.Refer(r.Session, r)
}

// targetDialog finds the call that a request outside of it means (RFC 4538 §4). Whose tag is called local is a matter of who looks.
func (u *UA) targetDialog(value string) *Session {
	callID, rest, _ := strings.Cut(value, ";")
	p, err := transaction.ParseParams(rest)
	if err != nil {
		return nil
	}
	one, _ := p.Get("local-tag")
	two, _ := p.Get("remote-tag")
	for _, r := range []Replaces{{CallID: strings.TrimSpace(callID), ToTag: one, FromTag: two}, {CallID: strings.TrimSpace(callID), ToTag: two, FromTag: one}} {
		if s := u.Find(r); s != nil && s.state != ended && r.FromTag != "" {
			return s
		}
	}
	return nil
}

// do carries f out on the loop.
func (r *Refer) do(f func()) { r.ua.loop.post(f) }

// Peer is the address that the REFER came from.
func (r *Refer) Peer() netip.AddrPort { return r.Request.Source }

// Invite puts into in what the new call needs to say: whom it calls, which dialog it replaces, who asked for it (RFC 3892 §2.2).
func (r *Refer) Invite(in Invite) Invite {
	in.URI, in.To, in.Replaces = r.Target.URI, transaction.Address{Display: r.Target.Display, URI: r.Target.URI}, r.Replaces
	if r.Session != nil && in.SessionID == "" { // the call goes on (RFC 7989 §10.5)
		in.SessionID, _, _ = strings.Cut(r.Session.SessionID(), ";")
	}
	if r.ReferredByRaw != "" {
		in.Headers = append(slices.Clone(in.Headers), transaction.Header{Name: "Referred-By", Value: r.ReferredByRaw})
	}
	return in
}

// Accept answers 202 and, unless they do not want to know, sends NOTIFY 100 (RFC 3515 §2.4.2).
func (r *Refer) Accept() {
	r.do(func() {
		if r.answered {
			return
		}
		r.answered = true
		res := transaction.NewResponse(r.Request, 202, "Accepted")
		res.Contact = []transaction.Address{r.d.contact}
		if r.silent {
			res.Headers.Add("Refer-Sub", "false")
		}
		if err := r.tx.Respond(res); err != nil {
			r.ua.log.Debug("accepting a REFER", "err", err)
			r.over = true
			return
		}
		if r.silent {
			r.over = true
			return
		}
		r.ua.refers = append(r.ua.refers, r)
		if r.d == &r.own {
			r.ua.usages[key{r.own.callID, r.tx.LocalTag()}] = r
		}
		r.live(referExpires)
		r.notify(sipfrag{code: 100})
	})
}

// Reject answers a final response ≥ 300.
func (r *Refer) Reject(code int, reason string) {
	r.do(func() {
		if !r.answered {
			r.answered, r.over = true, true
			respond(r.tx, code, reason)
		}
	})
}

// Notify tells the transferor how it goes: sipfrag of the status line; a final status ends the subscription.
func (r *Refer) Notify(code int, reason string) {
	r.do(func() { r.notify(sipfrag{code: code, reason: reason}) })
}

// Follow tells the transferor by itself what becomes of s, the new call, to its answer or end.
func (r *Refer) Follow(s *Session) {
	r.do(func() {
		switch s.follower = r; s.state {
		case confirmed, accepted:
			r.notify(sipfrag{code: 200})
		case ended:
			r.notify(sipfrag{code: 487})
		}
	})
}

func (r *Refer) follow(e Event) {
	switch e := e.(type) {
	case Progress:
		r.notify(sipfrag{code: e.Code, reason: e.Reason})
	case Answered:
		r.notify(sipfrag{code: 200})
	case Ended:
		r.notify(sipfrag{code: outcome(e)})
	}
}

// outcome is the status that a call which never was answered ended with.
func outcome(e Ended) int {
	switch {
	case e.Cause == CauseCancelled:
		return 487
	case e.Code >= 300 && e.Code <= 699:
		return e.Code
	}
	return 503
}
