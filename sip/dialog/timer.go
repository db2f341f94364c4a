package dialog

import (
	"math"
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// leastSE is the shortest session interval that may be asked for (RFC 4028 §5).
const leastSE = 90 * time.Second

// briefest is the shortest interval that we work with when a far end breaks that rule.
const briefest = 20 * time.Second

// sessionTimer ends a call whose far end has vanished (RFC 4028): one side refreshes it at half of the interval, the other
// waits for that.
type sessionTimer struct {
	interval time.Duration // agreed; 0: no timer
	min      time.Duration // the largest Min-SE that we were told
	raised   int           // how often
	ours     bool          // we refresh
	due      bool          // a refresh waits for its turn
	plain    bool          // they refuse UPDATE: by re-INVITE
	refresh  *timer
	expiry   *timer
	ends     time.Time // when expiry fires
}

// interval is a Session-Expires value (RFC 4028 §4).
type interval struct {
	d         time.Duration
	refresher string // "uac", "uas" or ""
}

// readInterval reads Session-Expires; ok is false for what is none.
func readInterval(v string) (iv interval, ok bool) {
	num, rest, _ := strings.Cut(v, ";")
	if iv.d, ok = readSeconds(num); !ok {
		return iv, false
	}
	for p := range strings.SplitSeq(rest, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), "refresher") && iv.refresher == "" {
			if v = strings.ToLower(strings.TrimSpace(v)); v == "uac" || v == "uas" {
				iv.refresher = v
			}
		}
	}
	return iv, true
}

// readSeconds reads delta-seconds of any size; beyond 2³¹−1 it is that (RFC 3261 §20.19 asks for no more).
func readSeconds(v string) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if v == "" || len(v) > 64 || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		n = math.MaxInt32
	}
	return time.Duration(n) * time.Second, true
}

// readMinSE reads Min-SE (RFC 4028 §5), 90 s when there is none.
func readMinSE(h transaction.Headers) time.Duration {
	v, _, _ := strings.Cut(h.Get("Min-SE"), ";")
	d, ok := readSeconds(v)
	if !ok {
		return leastSE
	}
	return max(d, leastSE)
}

// longestRetry is the longest Retry-After that a session waits for.
const longestRetry = 32 * time.Second

// retryOf reads Retry-After (RFC 3261 §20.33), "18;duration=60 (busy)".
func retryOf(h transaction.Headers) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if i := strings.IndexAny(v, ";("); i >= 0 {
		v = v[:i]
	}
	return readSeconds(v)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// askTimer writes what an INVITE or UPDATE of ours asks for (RFC 4028 §7.1, §7.4).
func (s *Session) askTimer(req *transaction.Request) {
	t := &s.timer
	iv, role := t.interval, ""
	if iv != 0 { // the roles stay
		role = ";refresher=uas"
		if t.ours {
			role = ";refresher=uac"
		}
	} else if s.state == early {
		iv = s.ua.cfg.SessionTimer
		if iv != 0 {
			iv = max(iv, s.ua.cfg.MinSE)
		}
	}
	if iv == 0 {
		return
	}
	least := max(t.min, s.ua.cfg.MinSE)
	req.Headers.Add("Session-Expires", seconds(max(iv, t.min))+role)
	if least > leastSE {
		req.Headers.Add("Min-SE", seconds(least))
	}
}

// answerTimer decides about a Session-Expires that came in (RFC 4028 §9, tables 1 and 2): the fields of our 2xx, or false for 422.
func (s *Session) answerTimer(req *transaction.Request) (interval, bool) {
	t, cfg := &s.timer, &s.ua.cfg
	can := req.Headers.HasToken("Supported", "timer") || req.Headers.HasToken("Require", "timer")
	asked, ok := readInterval(req.Headers.Get("Session-Expires"))
	if ok && asked.d < cfg.MinSE && can {
		return interval{}, false
	}
	if !ok {
		asked = interval{d: t.interval}
		if s.state == early {
			asked.d = cfg.SessionTimer
		}
		if asked.d == 0 {
			return interval{}, true
		}
	}
	if cfg.SessionTimer != 0 {
		asked.d = min(asked.d, cfg.SessionTimer)
	}
	asked.d = max(asked.d, cfg.MinSE, t.min, readMinSE(req.Headers))
	switch {
	case !can: // only we know how
		asked.refresher = "uas"
	case ok && asked.refresher != "":
	case t.interval != 0 && t.ours: // the role stays
		asked.refresher = "uas"
	default: // who asks for the timer keeps it wound
		asked.refresher = "uac"
	}
	return asked, true
}

// tooBrief answers 422 (RFC 4028 §6).
func (s *Session) tooBrief(tx *transaction.ServerTx) {
	respond(tx, 422, "", transaction.Header{Name: "Min-SE", Value: seconds(s.ua.cfg.MinSE)})
}

// header writes the agreement into a 2xx of ours.
func (iv interval) header(res *transaction.Response) {
	if iv.d == 0 {
		return
	}
	if iv.refresher == "uac" { // §9: they must know that they have to
		res.Headers.Add("Require", "timer")
	}
	res.Headers.Add("Session-Expires", seconds(iv.d)+";refresher="+iv.refresher)
}

// agreedTimer takes what the 2xx to a request of ours says. Without Session-Expires the session does not expire (RFC 4028 §7.2); we go
// on with refreshing, in case that somebody on the way has only forgotten to write it.
func (s *Session) agreedTimer(res *transaction.Response) {
	iv, ok := readInterval(res.Headers.Get("Session-Expires"))
	if t := &s.timer; !ok && t.ours && t.interval != 0 {
		t.unwind()
		t.ends = time.Now().Add(t.interval)
		t.refresh = s.ua.after(t.interval/2, s.refreshDue)
		return
	}
	if !ok {
		iv = interval{}
	}
	s.wind(iv, iv.refresher != "uas")
}

// wind starts the timer anew after each INVITE or UPDATE that succeeded.
func (s *Session) wind(iv interval, ours bool) {
	t := &s.timer
	t.unwind()
	if s.state == ended || iv.d == 0 {
		t.interval = 0
		return
	}
	t.interval, t.ours = max(iv.d, briefest), ours
	if ours {
		t.refresh = s.ua.after(t.interval/2, s.refreshDue)
	}
	left := t.interval - min(32*time.Second, t.interval/3) // §10
	t.ends = time.Now().Add(left)
	t.expiry = s.ua.after(left, func() {
		s.forgetAll()
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 408, Reason: "The far end is gone: the call was not refreshed"})
		s.ua.bye(&s.id, `SIP;cause=408;text="Session timer expired"`)
	})
}

func (t *sessionTimer) unwind() {
	t.refresh.stop()
	t.expiry.stop()
	t.due = false
}

func (s *Session) refreshDue() {
	s.timer.due = true
	s.next()
}

// laterRefresh tries a refresh once more after a refusal, in half of the time that is left.
func (s *Session) laterRefresh() {
	t := &s.timer
	t.due = false
	if left := time.Until(t.ends); t.interval != 0 && t.ours && left > 4*time.Second {
		t.refresh.stop()
		t.refresh = s.ua.after(left/2, s.refreshDue)
	}
}

// maxRaised is how often a call's interval is raised: each server on the way may have a minimum of its own.
const maxRaised = 8

// raise takes a 422: the interval that they need (RFC 4028 §7.3). It is false when that says nothing new.
func (s *Session) raise(res *transaction.Response) bool {
	least := readMinSE(res.Headers)
	if !res.Headers.Has("Min-SE") || least <= s.timer.min || s.timer.raised == maxRaised {
		return false
	}
	s.timer.min = least
	s.timer.raised++
	return true
}
