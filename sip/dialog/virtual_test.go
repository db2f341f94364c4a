package dialog

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// world is a network of datagrams and a clock of its own: whole calls, their time-outs of half a minute included, take no time.
type world struct {
	t     *testing.T
	net   transaction.Memory
	hosts byte
}

// virtually runs a test in virtual time.
func virtually(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, &world{t: t}) })
}

func (w *world) bind() transaction.PacketConn {
	w.t.Helper()
	w.hosts++
	c, err := w.net.Listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, w.hosts}), 5060))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) phone(name string, change ...func(*Config)) *phone {
	w.t.Helper()
	p := startPhone(w.t, name, func(l *transaction.Layer) (*transaction.Flow, error) { return l.ServeUDP(w.bind()) }, change...)
	p.wait = virtualPatience
	return p
}

func (w *world) script(to *phone) *script {
	w.t.Helper()
	s := datagramScript(w.t, w.bind())
	s.wait = virtualPatience
	if to != nil {
		s.to = to.flow.LocalAddr()
	}
	return s
}

// stream connects a new phone and a script by one connection, as TCP does.
func (w *world) stream(name string, change ...func(*Config)) (*phone, *script) {
	w.t.Helper()
	var s *script
	p := startPhone(w.t, name, func(l *transaction.Layer) (f *transaction.Flow, err error) {
		f, s, err = w.connect(l)
		return f, err
	}, change...)
	p.wait = virtualPatience
	return p, s
}

// another is a connection to the phone in the place of the one of s, which dies.
func (w *world) another(p *phone, s *script) (*transaction.Flow, *script) {
	w.t.Helper()
	s.hangUp()
	synctest.Wait()
	flow, other, err := w.connect(p.ua.Layer())
	if err != nil {
		w.t.Fatal(err)
	}
	return flow, other
}

// connect makes a connection between a phone and a script.
func (w *world) connect(l *transaction.Layer) (*transaction.Flow, *script, error) {
	ours, theirs := net.Pipe()
	w.hosts++
	local, remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 100 + w.hosts}), 5060), netip.MustParseAddrPort("192.0.2.202:5060")
	s := &script{t: w.t, local: remote, to: local, tcp: true, in: make(chan packet, 1024), wait: virtualPatience}
	s.write = func(b []byte) error {
		_, err := theirs.Write(b)
		return err
	}
	go func() {
		for r := bufio.NewReader(theirs); ; {
			data, err := readStream(r)
			if err != nil {
				return
			}
			s.in <- packet{data, local, time.Now()}
		}
	}()
	w.t.Cleanup(func() { theirs.Close() })
	s.hangUp = func() { theirs.Close() }
	f, err := l.ServeTCP(ours, local, remote)
	return f, s, err
}

// readStream cuts one message off a connection.
func readStream(r *bufio.Reader) ([]byte, error) {
	var out []byte
	length := 0
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		out = append(out, l...)
		if name, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if l == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return append(out, body...), err
}

// nothing fails when a message is under way to the script now.
func (s *script) nothing(what string) {
	s.t.Helper()
	synctest.Wait()
	select {
	case p := <-s.in:
		s.t.Fatalf("%s, but %q came", what, parseMsg(s.t, p.data).start)
	default:
	}
}

// times collects when messages beginning so come, counted from the first, until one that begins with end.
func (s *script) times(start, end string) (at []time.Duration, last msg) {
	s.t.Helper()
	var first time.Time
	for {
		m := s.recv(start, end)
		if first.IsZero() {
			first = m.at
		}
		if strings.HasPrefix(m.start, end) {
			m.body = fmt.Sprint(m.at.Sub(first))
			return at, m
		}
		at = append(at, m.at.Sub(first))
	}
}

// settled fails when a UA still holds something an hour after everything ended.
func (p *phone) settled() {
	p.t.Helper()
	time.Sleep(time.Hour)
	synctest.Wait()
	p.ua.loop.run(func() {
		if len(p.ua.sessions) != 0 || p.ua.pending != 0 {
			p.t.Errorf("%s: %d sessions and %d pending requests are left", p.name, len(p.ua.sessions), p.ua.pending)
		}
	})
	if s := p.ua.layer.Stats(); s.ClientTx+s.ServerTx+s.Queues != 0 {
		p.t.Errorf("%s: left in the transaction layer: %+v", p.name, s)
	}
}
