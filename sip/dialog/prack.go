package dialog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// Reliable is a stand on reliable provisional responses (RFC 3262).
type Reliable string

// Stands. A far end that demands them gets them whatever ours is.
const (
	ReliableOff       Reliable = ""          // not offered
	ReliableSupported Reliable = "supported" // used with everybody who can
	ReliableRequired  Reliable = "required"  // whoever cannot is refused: 421, and Require in our INVITE
)

// rack is a RAck value (RFC 3262 §7.2): which response a PRACK is about.
type rack struct {
	rseq, cseq uint32
	method     string
}

var errRAck = errors.New("RAck cannot be read")

func readRAck(v string) (rack, error) {
	f := strings.Fields(v)
	if len(f) != 3 || len(f[2]) > 32 {
		return rack{}, errRAck
	}
	rseq, ok1 := readSeq(f[0])
	cseq, ok2 := readSeq(f[1])
	if !ok1 || !ok2 {
		return rack{}, errRAck
	}
	return rack{rseq, cseq, f[2]}, nil
}

func (r rack) String() string { return fmt.Sprintf("%d %d %s", r.rseq, r.cseq, r.method) }

// readSeq reads an RSeq or CSeq number: digits, below 2³².
func readSeq(v string) (uint32, bool) {
	v = strings.TrimSpace(v)
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 32)
	return uint32(n), err == nil
}

// reliably is the callee's side of reliable provisional responses: one at a time waits for its PRACK, the others for that
// (RFC 3262 §3).
type reliably struct {
	on      bool
	must    bool   // no other may be sent
	seq     uint32 // of the last one
	open    *unpracked
	waiting []func()
	accept  func() // the 2xx that waits for the PRACK
	agreed  bool   // offer and answer went over reliably; further responses carry no description
}

// unpracked is a reliable provisional response without its PRACK. It is repeated with growing pauses, which have no limit of 4 s.
type unpracked struct {
	seq     uint32
	res     *transaction.Response
	sdp     bool // it carries a description: no 2xx before its PRACK
	offers  bool // and that is our offer
	started time.Time
	wait    time.Duration
	timer   *timer
}

// maxProvisional is how many provisional responses may wait.
const maxProvisional = 16

// wanted100rel decides at an INVITE that came in: whether our provisional responses are reliable, whether all must be, and with false
// that the call cannot be.
func (u *UA) wanted100rel(req *transaction.Request) (on, must, ok bool) {
	can := req.Headers.HasToken("Supported", "100rel")
	must = req.Headers.HasToken("Require", "100rel")
	return must || can && u.cfg.Reliable != ReliableOff, must, can || must || u.cfg.Reliable != ReliableRequired
}

// sendReliably numbers a provisional response and repeats it until its PRACK.
func (s *Session) sendReliably(res *transaction.Response, offers bool) error {
	r := &s.rel
	if r.seq == 0 {
		r.seq = rand.Uint32N(1<<31 - 2) // §3: 1 to 2³¹−1, and room to count up
	}
	r.seq++
	res.Headers.Add("Require", "100rel")
	res.Headers.Add("RSeq", strconv.FormatUint(uint64(r.seq), 10))
	if err := s.tx.Respond(res); err != nil && !s.tx.Kept() {
		return err
	}
	o := &unpracked{seq: r.seq, res: res, sdp: res.Body != nil, offers: offers, started: time.Now(), wait: transaction.T1}
	r.open = o
	o.timer = s.ua.after(o.wait, func() { s.again1xx(o) })
	return nil
}

func (s *Session) again1xx(o *unpracked) {
	left := limit - time.Since(o.started)
	if left <= 0 { // §3: the INVITE should be refused with a 5xx
		const why = "No PRACK to our response"
		if err := respond(s.tx, 500, why); errors.Is(err, transaction.ErrCancelled) {
			return
		}
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 500, Reason: why})
		return
	}
	if err := s.tx.Respond(o.res); err != nil {
		s.ua.log.Debug("repeating a provisional response", "err", err)
	}
	o.wait *= 2
	o.timer = s.ua.after(min(o.wait, left), func() { s.again1xx(o) })
}

// stop ends the repetition; a PRACK on its way is still answered.
func (r *reliably) stop() {
	if r.open != nil {
		r.open.timer.stop()
	}
	r.waiting, r.accept = nil, nil
}

// pracked is a PRACK.
func (s *Session) pracked(tx *transaction.ServerTx, req *transaction.Request) {
	a, err := readRAck(req.Headers.Get("RAck"))
	o := s.rel.open
	switch {
	case err != nil:
		respond(tx, 400, "Bad RAck")
		return
	case o == nil || a.rseq != o.seq || a.cseq != s.invite.CSeq || !strings.EqualFold(a.method, "INVITE"):
		respond(tx, 481, "")
		return
	}
	body, err := sdpOf(req.ContentType, req.Headers, req.Body)
	if err != nil {
		unreadable(tx, "application/sdp")
		return
	}
	if o.offers && body == nil {
		respond(tx, 400, "The answer is missing") // a right one may follow until the response is given up
		return
	}
	o.timer.stop()
	s.rel.open = nil
	if s.state == early && o.sdp {
		s.rel.agreed = true
	}
	res := transaction.NewResponse(req, 200, "")
	t, changed := s.terms, body != nil
	switch {
	case !changed:
	case o.offers:
		if t, err = t.Accept(body); err != nil { // an answer cannot be refused, but the call can
			refuseSDP(tx, err)
			s.end(488, "", "")
			return
		}
	case s.state == early && !s.rel.agreed, s.modify.busy, s.owed(): // the offer of the INVITE, or one of ours, comes first (RFC 6337 §2.3)
		respond(tx, 491, "")
		s.released()
		return
	default: // a further offer (§5)
		if t, res.Body, err = s.ua.answer(t, body, t.ByUs()); err != nil {
			refuseSDP(tx, err)
			s.released()
			return
		}
		res.ContentType = "application/sdp"
	}
	if err := tx.Respond(res); err != nil {
		s.ua.log.Debug("answering a PRACK", "err", err)
	}
	if changed {
		s.commit(t)
	}
	s.released()
}

// released sends what has waited for the PRACK.
func (s *Session) released() {
	if s.state != early {
		return
	}
	if f := s.rel.accept; f != nil {
		s.rel.accept = nil
		f()
		return
	}
	for s.rel.open == nil && len(s.rel.waiting) > 0 {
		f := s.rel.waiting[0]
		s.rel.waiting = s.rel.waiting[1:]
		f()
	}
}
