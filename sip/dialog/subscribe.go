package dialog

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// SubscribeConfig says what to watch and how to get there.
type SubscribeConfig struct {
	Flow  *transaction.Flow
	Dst   netip.AddrPort
	URI   transaction.URI       // what is watched
	To    transaction.Address   // zero: URI
	From  transaction.Address   // ours, without tag
	Route []transaction.Address // preloaded

	Event   string        // "dialog" (RFC 4235) or "message-summary" (RFC 3842); others come as raw Notified alone
	Accept  string        // media type; "": that of the event
	Expires time.Duration // asked for; 0: an hour
	Headers transaction.Headers
	Foreign bool // as in Invite

	// On is told what happens, on the UA's loop; it must not block.
	On func(s *Subscription, e SubscriptionEvent)
}

// SubscriptionEvent is something that happened to a subscription.
type SubscriptionEvent interface{ subscriptionEvent() }

// SubscriptionState says how a subscription stands.
type SubscriptionState string

// States. After Stopped nothing comes any more.
const (
	SubscriptionPending  SubscriptionState = "pending"  // known there, but somebody has to agree
	SubscriptionActive   SubscriptionState = "active"   //
	SubscriptionRetrying SubscriptionState = "retrying" // broken off, and tried again by itself
	SubscriptionStopped  SubscriptionState = "stopped"  // refused for good, or ended by End
)

// SubscriptionChanged tells each change of state. When it leaves active, what was known is to be taken for unknown.
type SubscriptionChanged struct {
	State   SubscriptionState
	Code    int           // SIP status, 0: none
	Reason  string        // phrase, or the reason in Subscription-State: raw
	RetryIn time.Duration // for retrying
}

// DialogsChanged is the whole state of a watched extension after a NOTIFY (Event: dialog).
type DialogsChanged struct{ Dialogs []WatchedDialog }

// MessagesChanged is the state of a mailbox (Event: message-summary).
type MessagesChanged struct{ MessageSummary }

// Notified is a NOTIFY of any other event, as it came.
type Notified struct {
	ContentType string
	Body        []byte
}

func (SubscriptionChanged) subscriptionEvent() {}
func (DialogsChanged) subscriptionEvent()      {}
func (MessagesChanged) subscriptionEvent()     {}
func (Notified) subscriptionEvent()            {}

// Subscription keeps watching until End (RFC 6665): it refreshes in time, and when it is broken off it begins anew as the notifier wants
// it. Its methods may be called from anywhere.
type Subscription struct {
	// Data belongs to whoever subscribed.
	Data any

	ua       *UA
	cfg      SubscribeConfig
	state    SubscriptionState
	watch    *watch // the present try; nil while waiting for the next
	retry    *timer
	failures int
	began    time.Time // of the present or last try
	over     bool
}

// Subscribe begins to watch.
func (u *UA) Subscribe(cfg SubscribeConfig) *Subscription {
	if cfg.To.URI.IsZero() {
		cfg.To = transaction.Address{URI: cfg.URI}
	}
	if cfg.Expires <= 0 {
		cfg.Expires = time.Hour
	}
	if cfg.Accept == "" {
		cfg.Accept = mediaType(cfg.Event)
	}
	s := &Subscription{ua: u, cfg: cfg}
	u.Post(func() {
		u.watching = append(u.watching, s)
		if u.closing {
			s.stop(0, "")
			return
		}
		s.start()
	})
	return s
}

func mediaType(event string) string {
	switch event {
	case "dialog":
		return "application/dialog-info+xml"
	case "message-summary":
		return "application/simple-message-summary"
	}
	return ""
}

// End stops watching. On gets one last SubscriptionChanged, stopped.
func (s *Subscription) End() {
	s.ua.Post(func() { s.stop(0, "") })
}

// Move makes what follows go over another flow, with the Contact that belongs to it, and asks for the state over it at once: after a
// new registration, a sleep, a change of network.
func (s *Subscription) Move(flow *transaction.Flow, dst netip.AddrPort) {
	s.ua.Post(func() {
		if s.over {
			return
		}
		s.cfg.Flow, s.cfg.Dst = flow, dst
		s.retry.stop()
		w := s.watch
		if w == nil || len(w.notifiers) == 0 {
			if w != nil {
				w.close()
			}
			s.start()
			return
		}
		for _, n := range w.notifiers {
			n.move(flow, s.ua.contact(flow, dst))
		}
	})
}

func (s *Subscription) tell(e SubscriptionEvent) {
	if s.cfg.On != nil {
		s.cfg.On(s, e)
	}
}

func (s *Subscription) become(c SubscriptionChanged) {
	if s.over || s.state == c.State && c.State != SubscriptionRetrying {
		return
	}
	s.state = c.State
	s.tell(c)
}

// stop ends it for good.
func (s *Subscription) stop(code int, reason string) {
	if s.over {
		return
	}
	s.retry.stop()
	s.become(SubscriptionChanged{State: SubscriptionStopped, Code: code, Reason: reason})
	s.over = true
	if s.watch != nil {
		s.watch.leave()
	}
	s.ua.watching = slices.DeleteFunc(s.ua.watching, func(o *Subscription) bool { return o == s })
}

func (s *Subscription) start() {
	s.retry, s.began = nil, time.Now()
	s.watch = newWatch(s)
	s.watch.ask()
}

// How long it takes until a subscription that was broken off is tried again: at once, but no more than once in half a minute, lest
// two that do not understand each other go round and round; then longer and longer, and spread (RFC 6665 §4.1.3 leaves it open).
const (
	tooSoon      = 30 * time.Second
	firstBackoff = 30 * time.Second
	longestPause = 30 * time.Minute
)

// again begins anew: after wait, when the notifier wishes one; with zero at once, if it has lasted for a while or it is the first time;
// else, and for less than zero, after a pause that grows.
func (s *Subscription) again(code int, reason string, wait time.Duration) {
	if s.over {
		return
	}
	s.watch = nil
	worked := s.state == SubscriptionActive
	if worked && time.Since(s.began) >= tooSoon {
		s.failures = 0
	}
	if wait < 0 || wait == 0 && (!worked || s.failures > 0) {
		wait = min(longestPause, firstBackoff<<min(max(s.failures-1, 0), 10))
		wait = wait/2 + rand.N(wait/2)
	}
	s.failures++
	wait = min(wait, maxExpires)
	s.become(SubscriptionChanged{State: SubscriptionRetrying, Code: code, Reason: reason, RetryIn: wait})
	s.retry = s.ua.after(wait, s.start)
}

// refused decides after a failure response, or none.
func (s *Subscription) refused(res *transaction.Response, err error) {
	if err != nil {
		code, why := status(err)
		s.again(code, why, -1)
		return
	}
	if forGood(res.Status) {
		s.stop(res.Status, res.Reason)
		return
	}
	if wait, ok := retryOf(res.Headers); ok && wait > 0 {
		s.again(res.Status, res.Reason, wait)
		return
	}
	s.again(res.Status, res.Reason, -1)
}

// forGood: trying again would change nothing (RFC 6665 §4.1.2.1); a person has to.
func forGood(code int) bool {
	switch code {
	case 408, 423, 429, 480, 481, 482, 486, 491:
		return false
	case 501, 505, 513:
		return true
	}
	return code >= 400 && code < 500 || code >= 600
}

// ended: a notifier has ended it with this reason (RFC 6665 §4.1.3).
func (s *Subscription) ended(reason string, wait time.Duration) {
	switch strings.ToLower(reason) {
	case "rejected", "noresource", "invariant":
		s.stop(0, reason)
	case "probation", "giveup":
		if wait == 0 {
			wait = -1
		}
		s.again(0, reason, wait)
	default: // deactivated, timeout, or whatever it may mean
		s.again(0, reason, wait)
	}
}
