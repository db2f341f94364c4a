package transaction

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// datagrams is the UDP socket as sipgo's transport reads it: only what is a SIP message that its parser accepts, all of it
// from one address. sipgo keeps an entry for ever per sender it sees; with one address there is one entry, and the real
// source travels beside the message. Transient errors stay here, because its reader ends at the first.
type datagrams struct {
	f    *Flow
	n    int       // errors in a row
	last time.Time // of them
}

// maxReadErrors in a row, none of them about a datagram alone, end a UDP flow: the socket is not coming back.
const maxReadErrors = 50

// ReadFrom returns the next message; the address is always that of the socket itself.
func (d *datagrams) ReadFrom(p []byte) (int, net.Addr, error) {
	f := d.f
	for {
		n, source, err := f.udp.ReadFromUDPAddrPort(p)
		if err != nil {
			now := time.Now()
			if passing(err) {
				d.n = min(d.n, 1) // it says nothing about the socket, and may not spin either
			} else if d.n++; now.Sub(d.last) > time.Minute {
				d.n = 1
			}
			d.last = now
			if errors.Is(err, net.ErrClosed) || !f.Alive() || d.n > maxReadErrors {
				f.end(err)
				return 0, nil, net.ErrClosed
			}
			select {
			case <-f.done:
			case <-time.After(time.Duration(max(d.n, 1)) * time.Millisecond):
			}
			continue
		}
		d.n = 0
		source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
		if isSTUN(p[:n]) {
			f.takeSTUN(p[:n], source)
			continue
		}
		f.trace(false, p[:n], source)
		if n = f.accept(p[:n], source); n > 0 {
			return n, f.localNet(), nil
		}
	}
}

// passing errors tell of one far end (an ICMP message), of one datagram (too long), or of a network that is away; the socket stays as it is and
// hears again when all is well. The numbers are Windows': WSAEMSGSIZE, WSAENETDOWN, WSAENETUNREACH, WSAENETRESET, WSAECONNRESET, WSAECONNREFUSED, WSAEHOSTDOWN,
// WSAEHOSTUNREACH.
func passing(err error) bool {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return false
	}
	switch no {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EMSGSIZE,
		syscall.EAGAIN, syscall.EINTR, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.EACCES,
		10040, 10050, 10051, 10052, 10054, 10061, 10064, 10065:
		return true
	}
	return false
}

// accept moves a datagram's message to the front of it and returns its length, 0 when the parser is not to see it.
func (f *Flow) accept(data []byte, source netip.AddrPort) int {
	msg := bytes.TrimLeft(data, "\r\n") // some senders begin with an empty line
	if len(msg) == 0 {
		return 0 // keepalive of a NAT binding
	}
	end := bytes.Index(msg, []byte("\r\n\r\n"))
	if !looksLikeSIP(msg) {
		f.l.count.garbage.Add(1)
		return 0
	}
	c, body := checked{}, 0
	if end < 0 {
		c = check(msg)
	} else {
		c, body = check(msg[:end+2]), len(msg)-end-4
	}
	switch {
	case c.problem == nil && end < 0:
		c.problem = refused(400, "no empty line after the header fields")
	case end > maxHead:
		c.problem = refused(400, "too long")
	case c.problem == nil && c.length > body:
		c.problem = refused(400, "the body is shorter than Content-Length says") // RFC 3261 §18.3
	}
	if c.problem != nil {
		f.l.malformed(f, source, c)
		return 0
	}
	if c.length >= 0 {
		msg = msg[:end+4+c.length] // the rest is to be ignored, RFC 3261 §18.3
	}
	f.start, f.source = c.start, source
	return copy(data, msg)
}

// looksLikeSIP is a cheap first look: a token, then a space.
func looksLikeSIP(b []byte) bool {
	i := bytes.IndexByte(b[:min(len(b), 64)], ' ')
	return i > 0 && (isToken(string(b[:i])) || bytes.HasPrefix(bytes.ToUpper(b[:i]), []byte("SIP/")))
}

// WriteTo is not used: responses and requests go out through Flow.write.
func (d *datagrams) WriteTo([]byte, net.Addr) (int, error) { return 0, net.ErrClosed }
func (d *datagrams) Close() error                          { return nil }
func (d *datagrams) LocalAddr() net.Addr                   { return d.f.localNet() }
func (d *datagrams) SetDeadline(time.Time) error           { return nil }
func (d *datagrams) SetReadDeadline(time.Time) error       { return nil }
func (d *datagrams) SetWriteDeadline(time.Time) error      { return nil }
