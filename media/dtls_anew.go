package media

import (
	"context"
	"net"
	"sync"
	"time"
)

// renewal is the later handshake of one port of an association that we wait in. A far end that has lost its side, as Asterisk
// has after each re-INVITE, begins anew with the certificate and the role that it had, and nothing but its ClientHello says so
// (RFC 6347 §4.2.8). The keys that stand serve until that handshake has proved the same certificate, so that nobody can
// silence a call by beginning one.
type renewal struct {
	mu   sync.Mutex
	pipe *pipe // of the last one; nil: there was none
	busy bool  // it has not ended
}

// renewTime is how long a later handshake may take before another one may begin.
const renewTime = 5 * time.Second

// renews takes a packet that belongs to a later handshake, the first of which begins it; false: it is the first one's.
func (a *association) renews(part int, data []byte) bool {
	if a.params.Client || !a.stands[part].Load() || a.ctx.Err() != nil {
		return false
	}
	r := &a.later[part]
	r.mu.Lock()
	defer r.mu.Unlock()
	if clientHello(data) && !r.busy {
		if r.pipe != nil {
			r.pipe.Close()
		}
		p := newPipe(a.s.socketAddr(part), &net.UDPAddr{IP: net.IPv4zero, Port: 9}, func(b []byte) { a.write(part, b) })
		r.pipe, r.busy = p, true
		a.s.done.Go(func() { a.renew(part, p) })
	}
	if r.pipe == nil {
		return false
	}
	r.pipe.feed(data)
	return true
}

// clientHello is the first message of a handshake, sent without keys.
func clientHello(data []byte) bool {
	return len(data) > 13 && data[0] == 22 && data[3] == 0 && data[4] == 0 && data[13] == 1
}

// renew does one later handshake. One that fails changes nothing.
func (a *association) renew(part int, p *pipe) {
	defer p.Close()
	limited, cancel := context.WithTimeout(a.ctx, renewTime)
	h := handshake{certificate: a.s.cfg.Certificate, params: a.params}
	conn, send, recv, err := h.run(limited, p)
	cancel()
	if err == nil {
		defer conn.Close()
		err = a.publish(part, send, recv)
	}
	r := &a.later[part]
	r.mu.Lock()
	r.busy = false
	if err != nil && r.pipe == p {
		r.pipe = nil
	}
	r.mu.Unlock()
	if err != nil {
		a.s.log.Debug("a later handshake failed; the keys that stand serve on", "error", err)
		return
	}
	defer context.AfterFunc(a.ctx, func() { p.Close() })()
	var b [512]byte
	for errs := 0; errs < 100; { // as after the first one
		if _, err := conn.Read(b[:]); err != nil {
			errs++
		}
	}
	select {
	case <-a.ctx.Done():
	case <-p.closed:
	}
}
