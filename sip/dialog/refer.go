package dialog

import (
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// transfer is a REFER of ours: first their hold is confirmed, then they are asked, then they tell how it goes.
type transfer struct {
	target, by transaction.Address
	asked      bool // REFER is on its way
	accepted   bool // 2xx, or a NOTIFY that overtook it
	o          *outgoing
	timer      *timer
}

// transferTime limits the silence between two NOTIFYs; a target may ring for minutes.
const transferTime = 3 * time.Minute

func (s *Session) startTransfer(target, by transaction.Address) {
	switch {
	case s.state == ended:
	case s.state != confirmed:
		s.emit(Refused{Op: OpTransfer, Reason: "The call is not established"})
	case s.refer != nil:
		s.emit(Refused{Op: OpTransfer, Reason: "A transfer is under way"})
	default:
		s.refer = &transfer{target: target, by: by}
		s.want(true, OpTransfer)
	}
}

// ask sends the REFER.
func (s *Session) ask() {
	t := s.refer
	t.asked, s.refers = true, true
	req := s.id.request("REFER")
	req.Headers.Add("Refer-To", t.target.String())
	if !t.by.URI.IsZero() {
		req.Headers.Add("Referred-By", t.by.String())
	}
	t.o = s.send(req, func(res *transaction.Response, err error) {
		if s.refer != t {
			return // a NOTIFY has already told the end
		}
		switch {
		case err != nil:
			code, why := status(err)
			s.endTransfer(TransferDone{Code: code, Reason: why})
		case res.Success():
			if !t.accepted {
				s.wait(t, s.ua.cfg.ReferWait)
			}
			t.accepted = true
		default:
			s.endTransfer(TransferDone{Code: res.Status, Reason: res.Reason})
		}
	})
}

func (s *Session) wait(t *transfer, d time.Duration) {
	t.timer.stop()
	t.timer = s.ua.after(d, func() {
		if s.refer == t {
			s.endTransfer(TransferDone{Code: 408, Reason: "The far end did not say how the transfer went"})
		}
	})
}

// endTransfer tells the outcome, once. When it succeeded the caller ends the session.
func (s *Session) endTransfer(done TransferDone) {
	t := s.refer
	if t == nil {
		return
	}
	t.timer.stop()
	s.refer = nil
	s.emit(done)
}

// notified is a NOTIFY about our REFER (RFC 3515 §2.4.4); it may come before the 2xx.
func (s *Session) notified(tx *transaction.ServerTx, req *transaction.Request) {
	event, rest, _ := strings.Cut(req.Headers.Get("Event"), ";")
	if !strings.EqualFold(strings.TrimSpace(event), "refer") {
		respond(tx, 489, "", transaction.Header{Name: "Allow-Events", Value: "refer"})
		return
	}
	t := s.refer
	if p, err := transaction.ParseParams(rest); err == nil && t != nil && t.o != nil {
		if id, ok := p.Get("id"); ok && id != strconv.FormatUint(uint64(t.o.req.CSeq), 10) {
			respond(tx, 481, "Subscription does not exist")
			return
		}
	}
	kind, _, _ := mime.ParseMediaType(req.ContentType)
	code, phrase, ok := 0, "", false
	if kind == "message/sipfrag" {
		code, phrase, ok = fragStatus(req.Body)
	}
	state := strings.ToLower(req.Headers.Get("Subscription-State"))
	over := strings.HasPrefix(strings.TrimSpace(state), "terminated")
	if !ok && !over {
		respond(tx, 400, "No SIP fragment")
		return
	}
	respond(tx, 200, "")
	if t == nil || !t.asked {
		return
	}
	t.accepted = true
	switch {
	case ok && code < 200:
		s.emit(TransferProgress{Code: code, Reason: phrase})
		s.wait(t, transferTime)
		if over {
			s.endTransfer(TransferDone{Code: 408, Reason: "The far end gave up telling how the transfer went"})
		}
	case ok && code < 300:
		s.emit(TransferProgress{Code: code, Reason: phrase})
		s.endTransfer(TransferDone{OK: true, Code: code, Reason: phrase})
		s.forgetAll()
		s.finish(Ended{Cause: CauseTransferred, ByUs: true})
		s.ua.bye(&s.id, "")
	case ok:
		s.emit(TransferProgress{Code: code, Reason: phrase})
		s.endTransfer(TransferDone{Code: code, Reason: phrase})
	default:
		s.endTransfer(TransferDone{Code: 408, Reason: "The far end gave up telling how the transfer went"})
	}
}

// Refer is a REFER that came in. All methods may be called from anywhere.
type Refer struct {
	Session    *Session
	Target     transaction.Address // Refer-To
	ReferredBy string              // raw
	Request    *transaction.Request

	tx   *transaction.ServerTx
	over bool
}

func (s *Session) referred(tx *transaction.ServerTx, req *transaction.Request) {
	if s.ua.cfg.Refer == nil {
		respond(tx, 603, "") // no policy yet that lets a stranger place calls from here
		return
	}
	to := req.Headers.Values("Refer-To")
	if len(to) != 1 {
		respond(tx, 400, "One Refer-To is needed")
		return
	}
	target, err := transaction.ParseAddress(to[0])
	if err != nil {
		respond(tx, 400, "Bad Refer-To")
		return
	}
	s.ua.cfg.Refer(s, &Refer{Session: s, Target: target, ReferredBy: req.Headers.Get("Referred-By"), Request: req, tx: tx})
}

// Accept answers 202 and sends NOTIFY 100 (RFC 3515 §2.4.2).
func (r *Refer) Accept() {
	r.Session.do(func() {
		res := transaction.NewResponse(r.Request, 202, "Accepted")
		res.Contact = []transaction.Address{r.Session.id.contact}
		if err := r.tx.Respond(res); err == nil {
			r.notify(100, "Trying")
		}
	})
}

// Reject answers a final response ≥ 300.
func (r *Refer) Reject(code int, reason string) {
	r.Session.do(func() { respond(r.tx, code, reason) })
}

// Notify tells the transferor how it goes: sipfrag of the status line; a final status ends the subscription.
func (r *Refer) Notify(code int, reason string) {
	r.Session.do(func() { r.notify(code, reason) })
}

func (r *Refer) notify(code int, reason string) {
	s := r.Session
	if s.state == ended || r.over {
		return
	}
	if reason == "" {
		reason = transaction.ReasonPhrase(code)
	}
	req := s.id.request("NOTIFY")
	req.Headers.Add("Event", fmt.Sprintf("refer;id=%d", r.Request.CSeq))
	state := "active;expires=180"
	if code >= 200 {
		state, r.over = "terminated;reason=noresource", true
	}
	req.Headers.Add("Subscription-State", state)
	req.ContentType = "message/sipfrag;version=2.0"
	req.Body = fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", code, strings.Map(printable, reason))
	s.send(req, func(*transaction.Response, error) {})
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
