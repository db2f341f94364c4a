package transaction

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Whatever comes in: nothing panics, and nothing that we write in answer has a line that the message smuggled in.
func FuzzIntake(f *testing.F) {
	for _, msg := range Torture(f, "*") {
		f.Add(msg)
	}
	f.Add([]byte(requestText("INVITE", "f", fakeRemote)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 32768 {
			return
		}
		accepted := 0
		l := New(Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
			tx.Respond(NewResponse(req, 486, ""))
			if again, err := req.Clone().wire("SIP/2.0/UDP h;branch=z9hG4bKx", ""); err == nil && strings.Contains(string(again), "\x00") && len(req.Body) == 0 {
				t.Errorf("a NUL was written: %q", again)
			}
		}})
		wire := newFakeUDP()
		wire.onWrite = func(msg string) {
			if c := check([]byte(msg[:strings.Index(msg, "\r\n\r\n")+2])); c.problem != nil || c.start.method != "" {
				t.Errorf("answered with something that is no response: %v %q", c.problem, msg)
			}
		}
		fl, err := l.openUDP(wire, fakeLocal)
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range []string{string(data), "\r\n"} { // the second is taken only after the first was handled
			select {
			case wire.in <- msg:
			case <-fl.Done():
			}
		}
		if !fl.Alive() {
			t.Error("the flow ended")
		}
		l.Close()
		// The parser must agree with check: over TCP it closes the connection for what it does not accept.
		msg := bytes.TrimLeft(data, "\r\n")
		end := bytes.Index(msg, []byte("\r\n\r\n"))
		if end < 0 {
			return
		}
		if c := check(msg[:end+2]); c.problem == nil && c.length >= 0 && c.length <= len(msg)-end-4 && end < maxHead {
			err := l.parser.NewSIPStream().ParseSIPStream(msg[:end+4+c.length], func(m sip.Message) {
				if accepted++; !bytes.Equal(m.Body(), msg[end+4:end+4+c.length]) {
					t.Errorf("the parser's body of %q is %q", msg, m.Body())
				}
			})
			if err != nil || accepted != 1 {
				t.Errorf("the parser takes %d messages of %q: %v", accepted, msg, err)
			}
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{`"A" <sip:a@h;lr>;tag=1`, "sip:a@h;x=\"y\"", "A B <tel:+1>", "*", `"\"" <sip:%00@[::1]:5060?a=b&c>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		out := a.String()
		if !clean(out) {
			t.Fatalf("%q is written as %q", s, out)
		}
		b, err := ParseAddress(out)
		if err != nil || b.String() != out {
			t.Errorf("%q is written as %q, and that as %q (%v)", s, out, b, err)
		}
		for range SplitList(s) {
		}
	})
}

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"sip:a:b@h:5060;lr?x=y", "tel:+1;ext=2", "sips:[::1]", "urn:x", "sip:%00%zz@h;%61=%62", `sip:h;a="b;c"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		out := u.String()
		if strings.ContainsAny(out, "\r\n\x00 <>\"") {
			t.Fatalf("%q is written as %q", s, out)
		}
		v, err := ParseURI(out)
		if err != nil || v.String() != out || !v.Equal(v) {
			t.Errorf("%q is written as %q, and that as %q (%v)", s, out, v, err)
		}
	})
}

// However a stream is cut into pieces, the same messages come out of it, and whatever comes the reader ends only as it says.
func FuzzStream(f *testing.F) {
	good := strings.Replace(requestText("OPTIONS", "one", fakeRemote), "/UDP", "/TCP", 1)
	f.Add([]byte(good+"\r\n\r\n"+good), uint8(1))
	f.Add([]byte("\r\n"+strings.Replace(good, "Content-Length: 0", "l:\r\n 5", 1)+"hello"+good), uint8(7))
	for _, msg := range Torture(f, "*") {
		f.Add(append(msg, good...), uint8(50))
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		if len(data) > 8192 {
			return
		}
		cut := func(size int) (out []string, end error) {
			l := New(Config{}, &recorder{})
			defer l.Close()
			c := newStreamConn(&Flow{l: l, dialled: true, transport: "TCP", remote: fakeRemote, done: make(chan struct{})}, deaf{})
			c.f.tcp = c
			for rest := data; ; {
				done, err := c.cut()
				if err != nil {
					return out, err
				}
				if done {
					out = append(out, string(c.ready))
					continue
				}
				if len(rest) == 0 {
					return out, nil
				}
				n := min(size, len(rest))
				c.in = append(c.in, rest[:n]...)
				rest = rest[n:]
			}
		}
		whole, end := cut(len(data) + 1)
		pieces, end2 := cut(int(size) + 1)
		if strings.Join(whole, "|") != strings.Join(pieces, "|") || (end == nil) != (end2 == nil) {
			t.Errorf("%q: at once %q (%v), in pieces of %d %q (%v)", data, whole, end, size+1, pieces, end2)
		}
	})
}

// deaf takes everything and says nothing.
type deaf struct{ net.Conn }

func (deaf) Write(p []byte) (int, error)      { return len(p), nil }
func (deaf) SetReadDeadline(time.Time) error  { return nil }
func (deaf) SetWriteDeadline(time.Time) error { return nil }
func (deaf) Close() error                     { return nil }
