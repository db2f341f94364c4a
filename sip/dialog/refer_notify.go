package dialog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// usage is what takes the requests in a dialog that is no session's (RFC 5057).
type usage interface {
	inside(tx *transaction.ServerTx, req *transaction.Request)
}

// maxWaiting is how many statuses wait while a NOTIFY is unanswered; the newest takes the place of the last.
const maxWaiting = 4

// live lets the subscription that a REFER made run for d.
func (r *Refer) live(d time.Duration) {
	r.limit.stop()
	r.expires = time.Now().Add(d)
	r.limit = r.ua.after(d, r.stop)
}

// stop ends the telling before the outcome is known.
func (r *Refer) stop() {
	r.notify(sipfrag{code: max(100, r.said.code), reason: r.said.reason, why: "timeout"})
}

// close forgets the subscription.
func (r *Refer) close() {
	r.over = true
	r.limit.stop()
	r.ua.refers = slices.DeleteFunc(r.ua.refers, func(o *Refer) bool { return o == r })
	if r.d == &r.own {
		delete(r.ua.usages, key{r.own.callID, r.tx.LocalTag()})
	}
}

// notify tells a status, the final one as the last of all.
func (r *Refer) notify(f sipfrag) {
	if r.over || !r.answered || f.code < 100 || f.code > 699 || f == r.said {
		return
	}
	r.said = f
	if f.code >= 200 && f.why == "" {
		f.why = "noresource"
	}
	if f.why != "" {
		r.close()
	}
	if n := len(r.waiting); n < maxWaiting {
		r.waiting = append(r.waiting, f)
	} else {
		r.waiting[n-1] = f
	}
	if !r.busy { // one at a time: what overtakes another would be refused for its CSeq number
		r.transmit()
	}
}

func (r *Refer) transmit() {
	if len(r.waiting) == 0 {
		return
	}
	f := r.waiting[0]
	r.waiting, r.busy = r.waiting[1:], true
	if f.reason == "" {
		f.reason = transaction.ReasonPhrase(f.code)
	}
	req := r.d.request("NOTIFY")
	req.Headers.Add("Event", "refer;id="+strconv.FormatUint(uint64(r.Request.CSeq), 10))
	state := "active;expires=" + seconds(max(0, time.Until(r.expires)))
	if f.why != "" {
		state = "terminated;reason=" + f.why
	}
	req.Headers.Add("Subscription-State", state)
	req.ContentType = "message/sipfrag;version=2.0"
	req.Body = []byte("SIP/2.0 " + strconv.Itoa(f.code) + " " + strings.Map(printable, f.reason) + "\r\n")
	o := &outgoing{ua: r.ua, d: r.d, req: req, again: true}
	o.onFinal = func(res *transaction.Response, err error) {
		r.busy = false
		if err != nil || !res.Success() { // nobody listens any more (RFC 6665 §4.2.2)
			r.waiting = nil
			r.close()
			return
		}
		r.transmit()
	}
	o.start()
}

// inside is a request in the dialog of a REFER outside of calls.
func (r *Refer) inside(tx *transaction.ServerTx, req *transaction.Request) {
	if r.own.remote.Tag() == req.FromTag() && req.Method == "SUBSCRIBE" {
		r.ua.referRefreshed(r.d, tx, req)
		return
	}
	respond(tx, 481, "")
}

// referRefreshed is a SUBSCRIBE in the dialog d: it keeps the telling about a REFER alive, or ends it (RFC 3515 §2.4.4).
func (u *UA) referRefreshed(d *ident, tx *transaction.ServerTx, req *transaction.Request) {
	if !strings.EqualFold(eventOf(req.Headers), "refer") {
		respond(tx, 489, "", transaction.Header{Name: "Allow-Events", Value: "refer"})
		return
	}
	_, rest, _ := strings.Cut(req.Headers.Get("Event"), ";")
	p, _ := transaction.ParseParams(rest)
	id, _ := p.Get("id")
	i := slices.IndexFunc(u.refers, func(r *Refer) bool {
		return r.d == d && (id == "" || id == strconv.FormatUint(uint64(r.Request.CSeq), 10))
	})
	if i < 0 {
		respond(tx, 481, "Subscription does not exist")
		return
	}
	r := u.refers[i]
	life := min(expiresOf(req.Headers, referExpires), 4*referExpires)
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{d.contact}
	res.Headers.Add("Expires", seconds(life))
	if err := tx.Respond(res); err != nil {
		u.log.Debug("answering a SUBSCRIBE", "err", err)
	}
	if life == 0 {
		r.stop()
		return
	}
	r.live(life)
	again := sipfrag{code: max(100, r.said.code), reason: r.said.reason}
	r.said = sipfrag{} // the state is told anew at each refresh (RFC 6665 §4.2.1.2)
	r.notify(again)
}

// expiresOf is the Expires of a message, or what is given when there is none that can be read.
func expiresOf(h transaction.Headers, otherwise time.Duration) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(h.Get("Expires")), 10, 32)
	if err != nil {
		return otherwise
	}
	return min(time.Duration(n)*time.Second, maxExpires)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
