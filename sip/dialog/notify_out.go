package dialog

import (
	"time"

	"offhook/sip/transaction"
)

// Watched is what somebody else may subscribe to at this UA.
type Watched struct {
	// State is the full state now; version counts from 0 with each NOTIFY of a subscription (RFC 4235 §3.10 wants such a number). It
	// runs on the loop.
	State func(version uint32) (contentType string, body []byte)
	// Gone is told when the subscription has ended by itself; nil: nobody.
	Gone func()
	// Longest is the longest lifetime; 0: an hour.
	Longest time.Duration
}

// Watcher is somebody else's subscription at this UA (RFC 6665 §4.2). Owned by the loop.
type Watcher struct {
	ua      *UA
	what    Watched
	id      ident
	event   string // the header's value, its id included
	version uint32
	until   time.Time
	expiry  *timer
	busy    bool // a NOTIFY is under way
	again   bool // and the state has changed meanwhile
	over    bool
}

// shortestWatch is the least that a subscription lasts, lest somebody has us write all day.
const shortestWatch = time.Minute

// maxWatchers is how many subscriptions of others there may be.
const maxWatchers = 256

// Admit answers a SUBSCRIBE outside of a dialog and sends the first NOTIFY. nil: it was refused (400, 423, 503), or was a mere question
// for the state. Only on the loop.
func (u *UA) Admit(tx *transaction.ServerTx, req *transaction.Request, what Watched) *Watcher {
	if what.Longest == 0 {
		what.Longest = time.Hour
	}
	switch {
	case len(req.Contact) == 0 || req.Contact[0].URI.Host == "" || req.FromTag() == "":
		respond(tx, 400, "Contact or From tag missing")
		return nil
	case len(u.usages) >= maxWatchers:
		respond(tx, 503, "", retryAfter())
		return nil
	}
	w := &Watcher{ua: u, what: what, id: fromInvite(req, tx.LocalTag()), event: req.Headers.Get("Event")}
	w.id.contact = u.contact(req.Flow, req.Source)
	if !w.agree(tx, req) {
		return nil
	}
	if w.over {
		return nil
	}
	u.usages[w.key()] = w
	return w
}

func (w *Watcher) key() key { return key{w.id.callID, w.id.local.Tag()} }

// agree answers a SUBSCRIBE, the first or a later one, and tells the state. It reports whether it was let in.
func (w *Watcher) agree(tx *transaction.ServerTx, req *transaction.Request) bool {
	life := min(expiresOf(req.Headers, w.what.Longest), w.what.Longest)
	if life > 0 && life < shortestWatch {
		respond(tx, 423, "", transaction.Header{Name: "Min-Expires", Value: seconds(shortestWatch)})
		return false
	}
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{w.id.contact}
	res.Headers.Add("Expires", seconds(life))
	if err := tx.Respond(res); err != nil {
		w.ua.log.Debug("answering a SUBSCRIBE", "err", err)
		return false
	}
	w.expiry.stop()
	if w.until = time.Now().Add(life); life == 0 {
		w.close()
	} else {
		w.expiry = w.ua.after(life, w.close)
	}
	w.Changed()
	return true
}

// inside is a request in its dialog.
func (w *Watcher) inside(tx *transaction.ServerTx, req *transaction.Request) {
	switch {
	case req.Method != "SUBSCRIBE", req.FromTag() != w.id.remote.Tag():
		respond(tx, 481, "")
	case req.CSeq < w.id.remoteSeq:
		respond(tx, 500, "", retryAfter())
	default:
		w.id.remoteSeq = req.CSeq
		w.id.refresh(req.Contact)
		w.agree(tx, req)
	}
}

// close ends it with a last NOTIFY.
func (w *Watcher) close() {
	over := w.over
	w.forget()
	if !over {
		w.transmit()
	}
}

func (w *Watcher) forget() {
	if w.over {
		return
	}
	w.over = true
	w.expiry.stop()
	delete(w.ua.usages, w.key())
	if w.what.Gone != nil {
		w.what.Gone()
	}
}

// Changed tells the state anew; what changes while a NOTIFY is under way is told by one more after it.
func (w *Watcher) Changed() {
	switch {
	case w.over:
	case w.busy:
		w.again = true
	default:
		w.transmit()
	}
}

func (w *Watcher) transmit() {
	req := w.id.request("NOTIFY")
	req.Headers.Add("Event", w.event)
	state := "active;expires=" + seconds(max(0, time.Until(w.until)))
	if w.over {
		state = "terminated;reason=timeout"
	}
	req.Headers.Add("Subscription-State", state)
	req.ContentType, req.Body = w.what.State(w.version)
	w.version++
	w.busy, w.again = true, false
	o := &outgoing{ua: w.ua, d: &w.id, req: req}
	o.onFinal = func(res *transaction.Response, err error) {
		w.busy = false
		if err != nil || !res.Success() {
			w.forget()
			return
		}
		if w.again {
			w.Changed()
		}
	}
	o.start()
}
