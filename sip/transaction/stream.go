package transaction

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// streamConn is a TCP or TLS connection as sipgo's transport reads it: cut into messages that its parser accepts, because at the
// first that it does not accept it closes the connection, and every call on it would be lost. Keepalives are answered here.
type streamConn struct {
	f     *Flow
	conn  net.Conn
	in    []byte // read and not yet cut
	need  int    // how much of it the next message takes, when that is known: until then there is nothing to look at
	ready []byte // the message that is being handed over
	chunk []byte
	spoke bool // a whole message came
	half  bool // a part of one did, and the rest has until the read deadline

	once     sync.Once
	gone     chan struct{} // closed when the reader has let go
	lastRead atomic.Int64  // Unix nanoseconds
	pongs    atomic.Bool   // the far end answers pings
}

// mute is how long a connection that a stranger opened may live without a message on it.
const mute = 64 * T1

// framingGrace is how long a connection on which rubbish came stays for the answers to what was not rubbish.
const framingGrace = 100 * time.Millisecond

func newStreamConn(f *Flow, conn net.Conn) *streamConn {
	if !f.dialled {
		conn.SetReadDeadline(time.Now().Add(mute))
	}
	return &streamConn{f: f, conn: conn, chunk: make([]byte, 16<<10), gone: make(chan struct{})}
}

var errFraming = errors.New("the far end sent something that is not SIP")

// Read returns bytes of one message; the next begins only after all of it was taken.
func (c *streamConn) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		if err := c.next(); err != nil {
			if errors.Is(err, errFraming) { // what came before it is being answered
				select {
				case <-c.f.done:
				case <-time.After(framingGrace):
				}
			}
			c.f.end(err)
			return 0, io.EOF
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// next cuts the next message, reading as much as it takes.
func (c *streamConn) next() error {
	for {
		done, err := c.cut()
		if err != nil && len(c.in) > 0 {
			c.f.trace(false, c.in, c.f.remote)
		}
		if done || err != nil {
			return err
		}
		c.hurry()
		n, err := c.conn.Read(c.chunk)
		if n > 0 {
			c.lastRead.Store(time.Now().UnixNano())
			c.in = append(c.in, c.chunk[:n]...)
			continue
		}
		if err != nil {
			if len(c.in) > 0 {
				c.f.trace(false, c.in, c.f.remote)
			}
			if told := alertError(c.f.peer, err, false); c.f.secure != nil && told != nil {
				return told
			}
			if c.half && errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.New("the far end stopped in the middle of a message")
			}
			return err
		}
	}
}

// hurry gives the rest of a message that has begun as long as a transaction has: whoever sends a byte now and then would hold memory for ever.
func (c *streamConn) hurry() {
	if half := len(c.in) > 0; half != c.half && (c.spoke || c.f.dialled) {
		c.half = half
		if half {
			c.conn.SetReadDeadline(time.Now().Add(mute))
		} else {
			c.conn.SetReadDeadline(time.Time{})
		}
	}
}

// cut takes one message off the front of what was read; false says that more is needed.
func (c *streamConn) cut() (bool, error) {
	if len(c.in) < c.need {
		return false, nil
	}
	c.need = 0
	for {
		if err := c.keepalives(); err != nil {
			return false, err
		}
		if bytes.HasPrefix([]byte("\r\n\r\n"), c.in) { // nothing, or a ping that is not whole yet
			return false, nil
		}
		if !startsLikeSIP(c.in) {
			return false, errFraming
		}
		end := bytes.Index(c.in, []byte("\r\n\r\n"))
		if end < 0 || end > maxHead {
			if len(c.in) > maxHead {
				return false, errFraming
			}
			return false, nil
		}
		m := check(c.in[:end+2])
		if m.length < 0 || end+4+m.length > maxMessage {
			// Without a length nobody knows where the next message begins (RFC 3261 §18.3).
			if m.problem == nil {
				m.problem = refused(400, "no usable Content-Length")
			}
			c.f.l.malformed(c.f, c.f.remote, m)
			return false, errFraming
		}
		total := end + 4 + m.length
		if m.problem != nil {
			if len(c.in) < total {
				c.need = total
				return false, nil
			}
			c.f.trace(false, c.in[:total], c.f.remote) // whole: a chunk could begin within a secret
			c.f.l.malformed(c.f, c.f.remote, m)
			c.in = c.in[total:]
			continue
		}
		if len(c.in) < total {
			c.need = total
			return false, nil
		}
		if !c.spoke && !c.f.dialled {
			c.spoke = true
			c.conn.SetReadDeadline(time.Time{})
		}
		if c.half {
			c.half = false
			c.conn.SetReadDeadline(time.Time{})
		}
		c.f.trace(false, c.in[:total], c.f.remote)
		c.ready = bytes.Clone(c.in[:total])
		c.in = c.in[:copy(c.in, c.in[total:])]
		c.f.start, c.f.source = m.start, c.f.remote
		return true, nil
	}
}

// keepalives takes the line breaks between messages: two together are a ping, one is a pong (RFC 5626 §4.4.1).
func (c *streamConn) keepalives() error {
	for bytes.HasPrefix(c.in, []byte("\r\n")) {
		if bytes.HasPrefix(c.in, []byte("\r\n\r\n")) {
			c.f.trace(false, c.in[:4], c.f.remote)
			c.in = c.in[4:]
			if err := c.f.write([]byte("\r\n"), netip.AddrPort{}); err != nil {
				return err
			}
			continue
		}
		if len(c.in) == 3 && c.in[2] == '\r' {
			return nil // the other half of a ping is on its way
		}
		c.f.trace(false, c.in[:2], c.f.remote)
		c.in = c.in[2:]
		c.pongs.Store(true)
	}
	return nil
}

// startsLikeSIP looks at the first characters: everything up to the first space must be a token or SIP/.
func startsLikeSIP(b []byte) bool {
	for i, ch := range b[:min(len(b), 64)] {
		if ch == ' ' {
			return i > 0
		}
		if ch != '/' && ch != '\r' && !isToken(string(rune(ch))) || ch >= 0x80 {
			return false
		}
	}
	return len(b) < 64
}

// hangUp closes the connection; the reader notices.
func (c *streamConn) hangUp() {
	if t, ok := c.conn.(*tls.Conn); ok {
		if b, ok := t.NetConn().(*brief); ok { // not when it was secured elsewhere
			b.closing.Store(true)
		}
	}
	c.conn.Close()
}

// Close is called by sipgo's reader when it lets go.
func (c *streamConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	c.hangUp()
	return nil
}

// Write is not used: everything goes out through Flow.write.
func (c *streamConn) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (c *streamConn) LocalAddr() net.Addr              { return c.f.localNet() }
func (c *streamConn) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(c.f.remote) }
func (c *streamConn) SetDeadline(time.Time) error      { return nil }
func (c *streamConn) SetReadDeadline(time.Time) error  { return nil }
func (c *streamConn) SetWriteDeadline(time.Time) error { return nil }

// handOver is the listener through which sipgo's transport gets a connection that we made.
type handOver struct {
	conn  *streamConn
	done  <-chan struct{}
	given bool
}

// Accept gives the one connection, then waits for its end.
func (h *handOver) Accept() (net.Conn, error) {
	if !h.given {
		h.given = true
		return h.conn, nil
	}
	<-h.done
	return nil, net.ErrClosed
}

func (h *handOver) Close() error   { return nil }
func (h *handOver) Addr() net.Addr { return h.conn.LocalAddr() }
