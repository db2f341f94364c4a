package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	headerLen = 20       // length, channel, offset (8), flags
	maxFrame  = 64 << 10 // PulseAudio's own limit (FRAME_SIZE_MAX_ALLOW is 16 MB, but its blocks are 64 kB)

	// writeLimit is how long a server may refuse our bytes. A stopped server would otherwise hold the goroutine that
	// plays, and with it the call.
	writeLimit = 200 * time.Millisecond
)

var (
	errFrame  = errors.New("the sound server sent something that is no PulseAudio message")
	errClosed = errors.New("closed")
)

// link is the socket under proto.Client. The library (v0.1.1) trusts its peer with the life of the process: it panics
// on a malformed reply, prints unknown messages to the terminal, and forgets to tell about a broken connection. The
// link lets only whole, known and well-formed messages through, gives sound to pcm without the library's buffers, and
// turns every end of the connection into io.EOF, the only one that the library reports.
type link struct {
	conn net.Conn
	pcm  func(stream uint32, data []byte) // on the reader's goroutine; data is valid during the call

	in  bytes.Reader
	buf [headerLen + maxFrame]byte
	out []byte // the message being written, until it is whole

	version atomic.Uint32 // negotiated protocol version
	dropped atomic.Uint64 // messages nobody knows

	mu      sync.Mutex
	pending map[uint32]uint32 // tag of a request → its operation
	cause   error             // why the link ended
}

func newLink(conn net.Conn, pcm func(uint32, []byte)) *link {
	l := &link{conn: conn, pcm: pcm, pending: make(map[uint32]uint32)}
	l.version.Store(protocolVersion)
	return l
}

// Read gives the library whole messages, one after the other.
func (l *link) Read(p []byte) (int, error) {
	for l.in.Len() == 0 {
		if err := l.next(); err != nil {
			return l.fail(err)
		}
	}
	return l.in.Read(p)
}

// next reads one frame from the socket and keeps it in l.in if it is for the library.
func (l *link) next() error {
	head := l.buf[:headerLen]
	if _, err := io.ReadFull(l.conn, head); err != nil {
		return err
	}
	n, channel := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	if n > maxFrame {
		return fmt.Errorf("%w: %d bytes in one", errFrame, n)
	}
	body := l.buf[headerLen : headerLen+n]
	if _, err := io.ReadFull(l.conn, body); err != nil {
		return err
	}
	if channel != proto.Undefined {
		l.pcm(channel, body)
		return nil
	}
	if n < 10 || body[0] != 'L' || body[5] != 'L' {
		return errFrame
	}
	used, err := l.vet(binary.BigEndian.Uint32(body[1:]), binary.BigEndian.Uint32(body[6:]), body[10:])
	if err != nil {
		return err
	}
	if used < 0 {
		l.dropped.Add(1)
		return nil
	}
	// Fields that a newer server appended are cut off; the library would take them for the next message.
	l.in.Reset(l.buf[:headerLen+10+used])
	return nil
}

// vet checks the arguments of a message and returns how many of their bytes the library will read; -1 drops it.
func (l *link) vet(op, tag uint32, args []byte) (int, error) {
	switch op {
	case proto.OpError:
		l.forget(tag)
		if len(args) < 5 || args[0] != 'L' {
			return 0, errFrame
		}
		return 5, nil
	case proto.OpReply:
		asked, ok := l.forget(tag)
		if !ok {
			return -1, nil
		}
		return replyShape(asked, args, l.version.Load())
	}
	return messageShape(op, args, l.version.Load())
}

func (l *link) forget(tag uint32) (op uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op, ok = l.pending[tag]
	delete(l.pending, tag)
	return op, ok
}

// Write sends the library's messages. It hands over header and body apart; they are sent as one. The library holds
// its own lock around both.
func (l *link) Write(p []byte) (int, error) {
	l.out = append(l.out, p...)
	if len(l.out) < headerLen {
		return len(p), nil
	}
	n := int(binary.BigEndian.Uint32(l.out))
	if len(l.out) < headerLen+n {
		return len(p), nil
	}
	if body := l.out[headerLen:]; binary.BigEndian.Uint32(l.out[4:]) == proto.Undefined && n >= 10 {
		l.mu.Lock()
		l.pending[binary.BigEndian.Uint32(body[6:])] = binary.BigEndian.Uint32(body[1:])
		l.mu.Unlock()
	}
	l.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	if err != nil {
		return l.fail(err)
	}
	return len(p), nil
}

// fail closes the link. The first cause is kept.
func (l *link) fail(err error) (int, error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = err
	}
	l.mu.Unlock()
	l.conn.Close()
	return 0, io.EOF
}

// why returns what ended the link.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}
