package dialog

import (
	"mime"
	"slices"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// watch is one SUBSCRIBE and everybody who answers it with NOTIFYs: each is a dialog of its own (RFC 6665 §4.4.1).
type watch struct {
	s         *Subscription
	base      ident // before a NOTIFY made a dialog of it
	o         *outgoing
	notifiers []*notifier
	granted   time.Duration // by the 2xx
	silence   *timer        // Timer N: nobody notifies
	tries     int           // with another Expires
	leaving   bool          // it is over, and the last NOTIFYs are taken without interest
}

// notifier is one that notifies.
type notifier struct {
	w       *watch
	id      ident
	due     *timer
	expiry  *timer
	until   time.Time
	busy    bool
	o       *outgoing // that busy is about
	moved   bool      // it went the old way, so one more is to follow
	lamps   lamps
	gaps    int       // documents in a row that came without the one before
	lastGap time.Time // when the full state was last asked for
}

// maxNotifiers is how many may answer one SUBSCRIBE.
const maxNotifiers = 8

func newWatch(s *Subscription) *watch {
	tag := transaction.NewTag()
	w := &watch{s: s, base: ident{
		callID: transaction.NewCallID(), local: s.cfg.From.WithTag(tag), remote: s.cfg.To.WithTag(""), route: s.cfg.Route, target: s.cfg.URI,
		flow: s.cfg.Flow, dst: s.cfg.Dst, contact: s.ua.contact(s.cfg.Flow, s.cfg.Dst), foreign: s.cfg.Foreign,
	}}
	s.ua.usages[w.key()] = w
	return w
}

func (w *watch) key() key { return key{w.base.callID, w.base.local.Tag()} }

func (w *watch) request(d *ident, expires time.Duration) *transaction.Request {
	req := d.request("SUBSCRIBE")
	req.Headers.Add("Event", w.s.cfg.Event)
	req.Headers.Add("Expires", seconds(expires))
	if w.s.cfg.Accept != "" {
		req.Headers.Add("Accept", w.s.cfg.Accept)
	}
	req.Headers = append(req.Headers, w.s.cfg.Headers...)
	return req
}

// ask sends the SUBSCRIBE that begins it.
func (w *watch) ask() {
	w.silence.stop()
	w.silence = w.s.ua.after(limit, func() { w.fail(408, "Nobody tells the state") })
	o := &outgoing{ua: w.s.ua, d: &w.base, req: w.request(&w.base, w.s.cfg.Expires), flow: w.s.cfg.Flow, dst: w.s.cfg.Dst}
	o.onFinal = w.answered
	w.o = o
	o.start()
}

func (w *watch) answered(res *transaction.Response, err error) {
	switch {
	case w.s.watch != w, len(w.notifiers) > 0 && (err != nil || !res.Success()):
		// given up meanwhile, or one branch of a fork has refused while another notifies
	case err == nil && res.Success():
		w.granted = expiresOf(res.Headers, w.s.cfg.Expires)
		for _, n := range w.notifiers {
			if n.until.IsZero() {
				n.lives(w.granted)
			}
		}
	case err == nil && res.Status == 423 && w.longer(res):
		w.ask()
	default:
		w.close()
		w.s.refused(res, err)
	}
}

// longer takes over a 423's Min-Expires; the result says whether another try makes sense.
func (w *watch) longer(res *transaction.Response) bool {
	least, ok := readSeconds(res.Headers.Get("Min-Expires"))
	w.tries++
	if !ok || least <= w.s.cfg.Expires || least > maxExpires || w.tries > 2 {
		return false
	}
	w.s.cfg.Expires = least
	return true
}

// fail: this try has come to nothing.
func (w *watch) fail(code int, reason string) {
	if w.s.watch == w && !w.leaving {
		w.close()
		w.s.again(code, reason, -1)
	}
}

// close forgets the watch; what still comes is answered 481, which ends it at the other side too.
func (w *watch) close() {
	w.silence.stop()
	for _, n := range w.notifiers {
		n.due.stop()
		n.expiry.stop()
	}
	w.notifiers = nil
	delete(w.s.ua.usages, w.key())
}

// leave unsubscribes, and takes the last NOTIFYs for a while (RFC 6665 §4.1.2.3).
func (w *watch) leave() {
	w.leaving = true
	w.silence.stop()
	for _, n := range w.notifiers {
		n.quit()
	}
	w.s.ua.after(limit, w.close)
}

func (n *notifier) quit() {
	n.due.stop()
	n.expiry.stop()
	o := &outgoing{ua: n.w.s.ua, d: &n.id, req: n.w.request(&n.id, 0), onFinal: func(*transaction.Response, error) {}}
	o.start()
}

// inside is a request in the dialogs of the watch.
func (w *watch) inside(tx *transaction.ServerTx, req *transaction.Request) {
	if req.Method != "NOTIFY" {
		respond(tx, 481, "")
		return
	}
	if !strings.EqualFold(eventOf(req.Headers), w.s.cfg.Event) {
		respond(tx, 489, "", transaction.Header{Name: "Allow-Events", Value: w.s.cfg.Event})
		return
	}
	n := w.notifier(req)
	switch {
	case n == nil:
		respond(tx, 481, "")
		return
	case n.id.remoteSeq != 0 && req.CSeq <= n.id.remoteSeq:
		respond(tx, 500, "", retryAfter())
		return
	}
	n.id.remoteSeq = req.CSeq
	n.id.refresh(req.Contact)
	kind, _, _ := mime.ParseMediaType(req.ContentType)
	if want := w.s.cfg.Accept; len(req.Body) > 0 && want != "" && kind != want {
		unreadable(tx, want)
		return
	}
	respond(tx, 200, "")
	w.silence.stop()
	if !w.leaving {
		n.notified(req)
	}
}

// notifier finds or makes the notifier that a NOTIFY comes from; nil when there are too many.
func (w *watch) notifier(req *transaction.Request) *notifier {
	for _, n := range w.notifiers {
		if n.id.remote.Tag() == req.FromTag() {
			return n
		}
	}
	if len(w.notifiers) >= maxNotifiers || req.FromTag() == "" {
		return nil
	}
	n := &notifier{w: w, id: w.base}
	n.id.remote, n.id.route, n.id.flow = req.From, slices.Clone(req.RecordRoute), req.Flow
	n.id.localSeq = w.o.req.CSeq
	w.notifiers = append(w.notifiers, n)
	if w.leaving { // it did not know that it came too late
		n.id.refresh(req.Contact)
		n.quit()
	}
	return n
}

// notified takes in what a NOTIFY says.
func (n *notifier) notified(req *transaction.Request) {
	w, s := n.w, n.w.s
	state, rest, _ := strings.Cut(req.Headers.Get("Subscription-State"), ";")
	p, _ := transaction.ParseParams(rest)
	get := func(name string) string { v, _ := p.Get(name); return v }
	switch strings.ToLower(strings.TrimSpace(state)) {
	case "terminated":
		wait, _ := readSeconds(get("retry-after"))
		n.take(req) // the last state is a state
		n.gone(func() { s.ended(get("reason"), wait) })
		return
	case "pending":
		s.become(SubscriptionChanged{State: SubscriptionPending})
	default:
		s.become(SubscriptionChanged{State: SubscriptionActive})
	}
	life, told := readSeconds(get("expires"))
	switch {
	case told:
		n.lives(min(life, maxExpires))
	case n.until.IsZero() && w.granted > 0:
		n.lives(w.granted)
	}
	n.take(req)
}

// take reads the body.
func (n *notifier) take(req *transaction.Request) {
	s := n.w.s
	switch s.cfg.Event {
	case "dialog":
		doc, err := ParseDialogInfo(req.Body)
		if err != nil {
			if len(req.Body) > 0 {
				s.ua.log.Debug("a lamp's state", "err", err)
			}
			return
		}
		if n.lamps.apply(doc) {
			n.gaps = 0
		} else if n.gaps++; n.gaps <= 3 && time.Since(n.lastGap) > 10*time.Second { // whoever never tells all is not asked for ever
			n.lastGap = time.Now()
			n.refresh()
		}
		var all []WatchedDialog
		for _, o := range n.w.notifiers {
			all = append(all, o.lamps.list...)
		}
		s.tell(DialogsChanged{all})
	case "message-summary":
		if m, err := ParseMessageSummary(req.Body); err == nil {
			s.tell(MessagesChanged{m})
		}
	default:
		s.tell(Notified{req.ContentType, req.Body})
	}
}

// lives lets the subscription at this notifier run for d; it is renewed in time.
func (n *notifier) lives(d time.Duration) {
	n.due.stop()
	n.expiry.stop()
	n.until = time.Now().Add(d)
	n.expiry = n.w.s.ua.after(d, func() { n.gone(func() { n.w.s.again(0, "timeout", 0) }) })
	// A tenth, but no less than the time that a SUBSCRIBE may take, is left for things to go wrong.
	n.due = n.w.s.ua.after(max(d/2, d-max(d/10, limit)), n.refresh)
}

// move renews it over another flow, also when that is under way over the old one, where no answer may come any more.
func (n *notifier) move(flow *transaction.Flow, contact transaction.Address) {
	n.id.flow, n.id.contact = flow, contact
	if n.busy {
		n.moved = true
		n.o.abandon()
		return
	}
	n.refresh()
}

// refresh renews the subscription, which also brings the full state.
func (n *notifier) refresh() {
	if n.busy || n.w.leaving {
		return
	}
	n.busy = true
	w := n.w
	o := &outgoing{ua: w.s.ua, d: &n.id, req: w.request(&n.id, w.s.cfg.Expires)}
	n.o = o
	o.onFinal = func(res *transaction.Response, err error) {
		n.busy, n.o = false, nil
		if w.leaving || w.s.watch != w || !slices.Contains(w.notifiers, n) {
			return
		}
		if n.moved && (err != nil || !forGood(res.Status)) {
			n.moved = false
			n.refresh()
			return
		}
		switch {
		case err == nil && res.Success():
			n.id.refresh(res.Contact)
			n.lives(expiresOf(res.Headers, w.s.cfg.Expires))
		case err == nil && res.Status == 423 && w.longer(res):
			n.refresh()
		case err == nil && res.Status == 481: // it has forgotten us
			n.gone(func() { w.s.again(481, res.Reason, 0) })
		case err == nil && forGood(res.Status):
			n.gone(func() { w.s.stop(res.Status, res.Reason) })
		default: // it goes on until it runs out (RFC 6665 §4.1.2.2)
			if left := time.Until(n.until); left > time.Second {
				n.due = w.s.ua.after(left/2, n.refresh)
			}
		}
	}
	o.start()
}

// gone forgets a notifier; last decides when it was the last one.
func (n *notifier) gone(last func()) {
	w := n.w
	if w.leaving || w.s.watch != w || !slices.Contains(w.notifiers, n) {
		return
	}
	n.due.stop()
	n.expiry.stop()
	w.notifiers = slices.DeleteFunc(w.notifiers, func(o *notifier) bool { return o == n })
	if len(w.notifiers) == 0 {
		w.close()
		last()
	}
}
