package transaction

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// maxServers bounds the server transactions; each non-INVITE one over UDP stays for 32 s (Timer J).
const maxServers = 16384

// serverKey finds the transaction of a request (RFC 3261 §17.2.3): by branch, sent-by and method, or by the fields that
// RFC 2543 clients repeat.
func serverKey(req *Request, top via, method string) string {
	if top.rfc3261() {
		return top.branch() + "|" + top.sentBy() + "|" + method
	}
	return "2543|" + req.CallID + "|" + req.FromTag() + "|" + strconv.FormatUint(uint64(req.CSeq), 10) + "|" + top.raw + "|" + method
}

// mergeKey finds the same request that came over another path (RFC 3261 §8.2.2.2). A request that failed does not count: some
// clients try again with credentials under the same CSeq number.
func mergeKey(req *Request) string {
	return req.FromTag() + "|" + req.CallID + "|" + strconv.FormatUint(uint64(req.CSeq), 10) + "|" + req.Method
}

// takeRequest puts a valid request into the queue of its Call-ID, on the reader of its flow.
func (l *Layer) takeRequest(req *Request, top via) {
	c, turn := request, func() { l.newRequest(req, top) }
	switch req.Method {
	case "ACK":
		c, turn = control, func() { l.ack(req, top) }
	case "CANCEL":
		c, turn = control, func() { l.cancel(req, top) }
	}
	if !l.post(req.CallID, c, turn) {
		l.reply(req.Flow, req.Source, top, req.Method, req.raw, 503, "Service Unavailable", "", "Retry-After: 5")
	}
}

func (l *Layer) server(key string) *ServerTx {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.servers[key]
}

// newRequest is one turn: a repeat goes to its transaction, anything else makes one.
func (l *Layer) newRequest(req *Request, top via) {
	key := serverKey(req, top, req.Method)
	if tx := l.server(key); tx != nil {
		tx.follow(req)
		_ = tx.fsm.Receive(fsmRequest(req.Method, req.CSeq, req.Flow.transport)) // repeats the last response
		return
	}
	tx := newServerTx(l, key, req, top)
	switch l.enter(tx) {
	case 482:
		l.count.merged.Add(1)
		l.reply(req.Flow, req.Source, top, req.Method, req.raw, 482, "Loop Detected", "")
		return
	case 503:
		l.count.overflow.Add(1)
		l.reply(req.Flow, req.Source, top, req.Method, req.raw, 503, "Service Unavailable", "", "Retry-After: 5")
		return
	case 0:
		return // closed
	}
	if req.Method == "INVITE" {
		if cancel := l.early.take(&l.mu, key); cancel != nil {
			// Its CANCEL overtook it: nobody is to be alerted by a call that has already been given up.
			l.count.early.Add(1)
			_ = tx.Respond(NewResponse(req, 487, ""))
			tx.mu.Lock()
			tx.cancelled = true
			tx.mu.Unlock()
			if h, ok := l.h.(EarlyCanceller); ok {
				h.HandleEarlyCancel(tx, cancel)
			}
			return
		}
	}
	l.h.HandleRequest(tx, req)
	if req.Method == "INVITE" {
		tx.trying()
	}
}

// enter registers a transaction; the result is 200, or the status to answer with instead, or 0 when there is nobody to answer.
func (l *Layer) enter(tx *ServerTx) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	merge := ""
	if tx.req.ToTag() == "" {
		merge = mergeKey(tx.req)
	}
	switch {
	case l.closed || !tx.req.Flow.Alive():
		return 0
	case len(l.servers) >= maxServers:
		return 503
	case merge != "" && l.merged[merge] != nil && l.merged[merge].status.Load() < 300 && l.merged[merge].Flow().Alive():
		return 482
	}
	if tx.fsm.Init() != nil {
		return 0
	}
	if tx.req.Method == "INVITE" {
		// A repeat before any response sends nothing but stops the machine's 100 after 200 ms; ours goes out when the handler
		// returns. (send sees to it when the timer was faster.)
		_ = tx.fsm.Receive(fsmRequest("INVITE", tx.req.CSeq, tx.req.Flow.transport))
	}
	l.servers[tx.key] = tx
	if merge != "" {
		tx.merge = merge
		l.merged[merge] = tx
	}
	return 200
}

// leave is called when the machine of a transaction ended.
func (l *Layer) leave(tx *ServerTx) {
	l.mu.Lock()
	if l.servers[tx.key] == tx {
		delete(l.servers, tx.key)
	}
	if tx.merge != "" && l.merged[tx.merge] == tx {
		delete(l.merged, tx.merge)
	}
	l.mu.Unlock()
}

// ack is one turn: an ACK to a final other than 2xx ends with the transaction, any other is the dialog's. No ACK ever makes a
// server transaction.
func (l *Layer) ack(req *Request, top via) {
	if tx := l.server(serverKey(req, top, "INVITE")); tx != nil && tx.acked(req) {
		return
	}
	l.h.HandleAck(req)
}

// cancel is one turn (RFC 3261 §9.2). It is answered without a transaction, which gives repeats the same answer.
func (l *Layer) cancel(req *Request, top via) {
	key := serverKey(req, top, "INVITE")
	tx := l.server(key)
	if tx == nil {
		l.early.remember(&l.mu, key, req)
		l.reply(req.Flow, req.Source, top, req.Method, req.raw, 481, ReasonPhrase(481), "")
		return
	}
	l.reply(req.Flow, req.Source, top, req.Method, req.raw, 200, "OK", tx.tag)
	tx.follow(req)
	if tx.cancel() {
		l.h.HandleCancel(tx, req)
	}
}

// earlyCancels are the CANCELs that came before their INVITEs, by the key of those.
type earlyCancels map[string]*Request

// Over UDP a CANCEL may overtake its INVITE by a repetition or two.
const (
	earlyFor = 5 * time.Second
	maxEarly = 1024
)

func (e *earlyCancels) remember(mu sync.Locker, key string, cancel *Request) {
	mu.Lock()
	defer mu.Unlock()
	now := time.Now()
	if *e == nil {
		*e = earlyCancels{}
	}
	if len(*e) >= maxEarly {
		for k, c := range *e {
			if now.Sub(c.Received) > earlyFor {
				delete(*e, k)
			}
		}
		if len(*e) >= maxEarly {
			return // a flood of CANCELs; each was answered 481
		}
	}
	(*e)[key] = cancel
}

// take returns and forgets a remembered CANCEL; nil: there is none.
func (e *earlyCancels) take(mu sync.Locker, key string) *Request {
	mu.Lock()
	defer mu.Unlock()
	cancel := (*e)[key]
	delete(*e, key)
	if cancel == nil || time.Since(cancel.Received) > earlyFor {
		return nil
	}
	return cancel
}

// newServerTx makes a transaction that is not registered yet.
func newServerTx(l *Layer, key string, req *Request, top via) *ServerTx {
	tx := &ServerTx{l: l, key: key, req: req, done: make(chan struct{})}
	req.raw.stamp = &atomic.Pointer[Header]{}
	tx.via = top.stamped(req.Source)
	tx.dst, tx.port = top.replyTo(req.Source), top.port
	if tx.tag = req.ToTag(); tx.tag == "" {
		tx.tag = NewTag()
		tx.addTag = tx.tag
	}
	origin := fsmRequest(req.Method, req.CSeq, req.Flow.transport)
	tx.fsm = sip.NewServerTx(key, origin, fsmConn{req.Flow.localNet(), tx.send}, silent)
	tx.fsm.OnTerminate(func(string, error) { // may run under the machine's lock
		l.leave(tx)
		close(tx.done)
	})
	return tx
}
