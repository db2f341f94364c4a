package device

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"offhook/internal/allocs"

	"github.com/jfreymuth/pulse/proto"
)

// reset is a connection whose reading ends with an error that is not EOF.
type reset struct{ net.Conn }

func (r reset) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	if err != nil {
		err = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	return n, err
}

func closedMessages(c *conn) (n int) {
	for _, m := range c.inbox.take() {
		if _, ok := m.(*proto.ConnectionClosed); ok {
			n++
		}
	}
	return n
}

func TestEveryEndOfTheConnectionIsToldOnceWithItsCause(t *testing.T) {
	for _, test := range []struct {
		name string
		wrap func(net.Conn) net.Conn
		send []byte
		want error
	}{
		{"end of stream", func(c net.Conn) net.Conn { return c }, nil, io.EOF},
		{"reset", func(c net.Conn) net.Conn { return reset{c} }, nil, syscall.ECONNRESET},
		{"end inside a header", func(c net.Conn) net.Conn { return c }, make([]byte, 7), io.ErrUnexpectedEOF},
		{"end inside a message", func(c net.Conn) net.Conn { return c }, packet(proto.Undefined, make([]byte, 40))[:30], io.ErrUnexpectedEOF},
		{"oversize", func(c net.Conn) net.Conn { return c }, packet(proto.Undefined, make([]byte, maxFrame+1))[:headerLen], errFrame},
		{"too short for a message", func(c net.Conn) net.Conn { return c }, packet(proto.Undefined, []byte("LLLL")), errFrame},
		{"not the protocol", func(c net.Conn) net.Conn { return c }, []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), errFrame},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				c := newConn(true, func(pcm func(uint32, []byte)) *link { return newLink(test.wrap(near), pcm) })
				go func() {
					far.Write(test.send)
					far.Close()
				}()
				synctest.Wait()
				if n := closedMessages(c); n != 1 {
					t.Errorf("told %d times", n)
				}
				if err := c.link.why(); !errors.Is(err, test.want) {
					t.Errorf("cause %v, want %v", err, test.want)
				}
				if err := c.request(&proto.GetServerInfo{}, &proto.GetServerInfoReply{}); err == nil {
					t.Error("a request succeeded after the end")
				}
			})
		})
	}
}

func TestUnknownMessagesAreDroppedAndNewFieldsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipeTo(func(op, tag uint32) []byte {
			if op != proto.OpGetServerInfo {
				return nil
			}
			b := frame(4711, proto.Undefined, []byte("what is this"))
			b = append(b, frame(proto.OpReply, 12345, []byte("an answer to nobody"))...)
			info := args(proto.GetServerInfoReply{PackageName: "new", PackageVersion: "99"})
			return append(b, frame(proto.OpReply, tag, append(info, "t a field of tomorrow\x00"...))...)
		})
		defer c.close()
		if err := c.signIn(make([]byte, cookieSize)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second shows that the first left nothing behind
			d, err := c.devices()
			if err != nil || d.server.String() != "new 99" || len(d.all) != 2 {
				t.Fatalf("%v, %v", d, err)
			}
		}
		if n := c.link.dropped.Load(); n != 4 {
			t.Errorf("%d messages dropped, want 4", n)
		}
	})
}

func TestAMalformedReplyEndsTheConnectionNotTheProgram(t *testing.T) {
	huge := binary.BigEndian.AppendUint32([]byte{'L'}, 0x7fffffff)
	good := args(proto.GetSinkInfoReply{SinkName: "spk", Properties: proto.PropList{"a": proto.PropListString("b")}})
	for name, list := range map[string][]byte{
		"empty":             {},
		"wrong type":        args(proto.SubscribeEvent{}),
		"string for number": append([]byte{'t'}, "no number\x00"...),
		"no terminator":     append([]byte{'L', 0, 0, 0, 1, 't'}, strings.Repeat("x", 2000)...),
		"long string":       append(append([]byte{'L', 0, 0, 0, 1, 't'}, strings.Repeat("x", 2000)...), 0),
		"huge count":        append(huge, huge...),
		"cut":               good[:len(good)-3],
		"second cut":        append(append([]byte{}, good...), good[:9]...),
		"unknown tag":       {'?', 1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := pipeTo(func(op, tag uint32) []byte {
					if op == proto.OpGetSinkInfoList {
						return frame(proto.OpReply, tag, list)
					}
					return nil
				})
				defer c.close()
				d, err := c.devices()
				if name == "empty" { // a server without loudspeakers is none of our worries
					if err != nil || len(d.all) != 1 {
						t.Fatalf("%v, %v", d, err)
					}
					return
				}
				if err == nil {
					t.Fatalf("accepted as %v", d)
				}
				if !errors.Is(c.link.why(), errFrame) {
					t.Errorf("cause %v", c.link.why())
				}
			})
		})
	}
}

func TestADefaultThatLeavesBetweenTwoAnswersIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, gone := range []uint32{proto.OpGetSinkInfoList, proto.OpGetSourceInfoList} {
			asked := 0
			c, _ := pipeTo(func(op, tag uint32) []byte {
				if op != gone {
					return nil
				}
				if asked++; asked == 1 { // what the server named as its default a moment ago is not there
					return frame(proto.OpReply, tag, nil)
				}
				return nil
			})
			d, err := c.devices()
			_, speaker := d.standard(true)
			_, mic := d.standard(false)
			if err != nil || !speaker || !mic || asked != 2 {
				t.Errorf("asked %d times: loudspeaker %v, microphone %v, %v", asked, speaker, mic, err)
			}
			c.close()
		}
		asked := 0
		c, _ := pipeTo(func(op, tag uint32) []byte { // a server whose default is never there
			if op == proto.OpGetSinkInfoList {
				asked++
				return frame(proto.OpReply, tag, nil)
			}
			return nil
		})
		defer c.close()
		if d, err := c.devices(); err != nil || len(d.all) != 1 || asked != 3 {
			t.Errorf("%v, %v, asked %d times", d.all, err, asked)
		}
	})
}

func TestAServerThatStopsReadingDoesNotHoldTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		c := newConn(true, func(pcm func(uint32, []byte)) *link { return newLink(near, pcm) })
		began := time.Now()
		c.client.Send(3, make([]byte, 480)) // sound: nobody reads it
		if took := time.Since(began); took != writeLimit {
			t.Errorf("held for %v, want %v", took, writeLimit)
		}
		synctest.Wait()
		if n := closedMessages(c); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipeTo(func(uint32, uint32) []byte { return []byte{} })
		began := time.Now()
		if err := c.signIn(make([]byte, cookieSize)); err == nil {
			t.Fatal("signed in")
		}
		if took := time.Since(began); took != requestLimit {
			t.Errorf("waited %v, want %v", took, requestLimit)
		}
		synctest.Wait()
		if n := closedMessages(c); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestARefusalIsNoEndOfTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipeTo(func(op, tag uint32) []byte {
			if op == proto.OpCreateRecordStream {
				return frame(proto.OpError, tag, binary.BigEndian.AppendUint32([]byte{'L'}, uint32(proto.ErrNoSuchEntity)))
			}
			return nil
		})
		defer c.close()
		if _, err := c.record("nowhere"); !errors.Is(err, proto.ErrNoSuchEntity) {
			t.Fatalf("%v", err)
		}
		if _, err := c.devices(); err != nil {
			t.Errorf("after a refusal: %v", err)
		}
	})
}

func TestATooLongRequestIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipeTo(nil)
		defer c.close()
		if _, err := c.record(strings.Repeat("x", 3000)); err == nil {
			t.Error("the library would have panicked")
		}
	})
}

func TestSoundIsGivenToItsStreamOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := pipeTo(nil)
		defer c.close()
		in := &intake{ring: newRing(64), wake: make(chan struct{}, 1)}
		update(&c.mics, 4, in)
		f.Write(packet(9, []byte{1, 1}))
		f.Write(packet(4, []byte{0x34, 0x12, 0xff, 0xff}))
		synctest.Wait()
		got := make([]int16, 2)
		if !in.ring.read(got) || got[0] != 0x1234 || got[1] != -1 || in.ring.len() != 0 {
			t.Errorf("read %v, %d left", got, in.ring.len())
		}
	})
}

// FuzzLink sends a client what a server might send. Nothing may panic, whatever it is an answer to.
func FuzzLink(f *testing.F) {
	ops := []uint32{proto.OpAuth, proto.OpGetServerInfo, proto.OpGetSinkInfoList, proto.OpGetSourceInfoList, proto.OpCreatePlaybackStream, proto.OpCreateRecordStream}
	for i, op := range ops {
		f.Add(byte(i), usual(op, 0)[headerLen+10:])
	}
	f.Add(byte(2), append(usual(proto.OpGetSinkInfoList, 0)[headerLen+10:], usual(proto.OpGetSinkInfoList, 0)[headerLen+10:]...))
	for _, op := range []uint32{proto.OpRequest, proto.OpSubscribeEvent, proto.OpPlaybackStreamMoved, proto.OpClientEvent} {
		f.Add(byte(op), args(message(op)))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		if len(data) > maxFrame-10 {
			return
		}
		c, far := pipeTo(func(op, tag uint32) []byte {
			if int(which) < len(ops) {
				return frame(proto.OpReply, tag, data)
			}
			return frame(uint32(which), tag, data)
		})
		defer far.Close()
		switch {
		case int(which) >= len(ops):
			c.client.SetTimeout(5 * time.Millisecond) // it is not an answer
			c.request(&proto.GetServerInfo{}, &proto.GetServerInfoReply{})
		default:
			requests := []struct {
				req   proto.RequestArgs
				reply proto.Reply
			}{
				{&proto.Auth{}, &proto.AuthReply{}},
				{&proto.GetServerInfo{}, &proto.GetServerInfoReply{}},
				{&proto.GetSinkInfoList{}, &proto.GetSinkInfoListReply{}},
				{&proto.GetSourceInfoList{}, &proto.GetSourceInfoListReply{}},
				{&proto.CreatePlaybackStream{}, &proto.CreatePlaybackStreamReply{}},
				{&proto.CreateRecordStream{}, &proto.CreateRecordStreamReply{}},
			}
			c.request(requests[which].req, requests[which].reply)
		}
		c.close()
	})
}

// endless is a server that sends one packet of sound for ever.
type endless struct {
	net.Conn
	packet []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.packet[e.at:])
	e.at = (e.at + n) % len(e.packet)
	return n, nil
}

func TestSoundIsReceivedWithoutAllocation(t *testing.T) {
	in := &intake{ring: newRing(4 * Frame), wake: make(chan struct{}, 1)}
	l := newLink(&endless{packet: packet(4, make([]byte, 160))}, func(_ uint32, pcm []byte) { in.feed(pcm) })
	frame := make([]int16, Frame)
	if n := allocs.Of(1000, func() {
		if err := l.next(); err != nil {
			t.Fatal(err)
		}
		in.ring.read(frame)
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

func BenchmarkSoundReceived5ms(b *testing.B) {
	in := &intake{ring: newRing(4 * Frame), wake: make(chan struct{}, 1)}
	l := newLink(&endless{packet: packet(4, make([]byte, 160))}, func(_ uint32, pcm []byte) { in.feed(pcm) })
	frame := make([]int16, Frame)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.next(); err != nil {
			b.Fatal(err)
		}
		in.ring.read(frame)
	}
}
