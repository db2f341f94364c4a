//go:build unix

package peers

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/codec"
	"offhook/media/codec/opus"
	"offhook/media/device"
	"offhook/media/impair"
	"offhook/media/resample"
	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// speaker is the far end of a phone whose loudspeaker stands before its microphone: it says speech over a bad link and hears over a
// good one what the phone made of it. So every phone is measured in the same way, at its loudspeaker.
type speaker struct {
	t     testing.TB
	ua    *dialog.UA
	flow  *transaction.Flow
	conn  *net.UDPConn
	link  *impair.Proxy
	codec media.Codec
	media chan dialog.Media
	over  chan struct{}
	once  sync.Once
	dec   *opus.Decoder
	enc   *opus.Encoder
}

func newSpeaker(t testing.TB, c media.Codec, link impair.Link) *speaker {
	t.Helper()
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	s := &speaker{t: t, codec: c, media: make(chan dialog.Media, 4), over: make(chan struct{})}
	var err error
	if s.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))); err != nil {
		t.Fatal(err)
	}
	if s.link, err = impair.NewProxy(ip, link, impair.Link{}); err != nil {
		t.Fatal(err)
	}
	if c.Name == media.Opus.Name {
		s.dec = opus.NewDecoder()
		s.enc = opus.NewEncoder(opus.Settings{Bitrate: 24000, FEC: true, Loss: int(100*link.Loss + 0.5)})
	}
	s.ua = dialog.New(dialog.Config{User: fredNumber, Codecs: []dialog.Codec{{Name: c.Name, Clock: c.RTPClock, Channels: c.Channels, PT: c.PT, Fmtp: c.Fmtp}}, DTMF: 101}, s)
	if s.flow, err = s.ua.Layer().ListenUDP(netip.AddrPortFrom(ip, 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.link.Close()
		s.conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.ua.Close(ctx)
	})
	return s
}

func (s *speaker) Incoming(c *dialog.Session) { c.Reject(486, "") }
func (s *speaker) Request(tx *transaction.ServerTx, req *transaction.Request) {
	s.ua.NotAllowed(tx)
}
func (s *speaker) FlowDown(*transaction.Flow, error) {}
func (s *speaker) Event(c *dialog.Session, e dialog.Event) {
	switch e := e.(type) {
	case dialog.MediaChanged:
		select {
		case s.media <- e.Media:
		default:
		}
	case dialog.Ended:
		s.once.Do(func() { close(s.over) })
	}
}

// say calls to, says pcm (16 kHz), and returns what came back, from the moment on at which the first of it was sent. What came back is
// placed by its time stamps, and these by the earliest of its packets.
func (s *speaker) say(to netip.AddrPort, pcm []int16) []int16 {
	s.t.Helper()
	call := s.ua.Invite(dialog.Invite{Flow: s.flow, Dst: to, URI: transaction.URI{Scheme: "sip", User: fredNumber, Host: to.Addr().String(), Port: int(to.Port())},
		From: transaction.Address{URI: transaction.URI{Scheme: "sip", User: fredNumber, Host: "127.0.0.1"}}, Media: dialog.Local{RTP: s.link.B()}}, nil)
	var agreed dialog.Media
	select {
	case agreed = <-s.media:
	case <-s.over:
		s.t.Fatal("the phone did not take the call")
	case <-time.After(patience):
		s.t.Fatal("the phone did not answer")
	}
	s.link.Join(s.conn.LocalAddr().(*net.UDPAddr).AddrPort(), agreed.Remote)
	began := time.Now()
	var heard []piece
	var hearing sync.WaitGroup
	hearing.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := s.conn.Read(buf)
			if err != nil {
				return
			}
			if n > 12 && buf[0]>>6 == 2 && buf[1]&127 == agreed.RecvPT {
				heard = append(heard, piece{time.Since(began), binary.BigEndian.Uint32(buf[4:]), append([]byte(nil), buf[12:n]...)})
			}
		}
	})
	s.speak(began, agreed.SendPT, pcm)
	s.conn.SetReadDeadline(time.Now())
	hearing.Wait()
	call.End("")
	select {
	case <-s.over:
	case <-time.After(patience):
		s.t.Error("the call does not end")
	}
	return s.lay(heard, len(pcm))
}

// piece is a packet that came back.
type piece struct {
	at    time.Duration
	stamp uint32
	sound []byte
}

// speak sends pcm in packets of 20 ms.
func (s *speaker) speak(began time.Time, pt uint8, pcm []int16) {
	const frame = device.Rate / 50
	step := s.codec.RTPClock / 50
	packet := make([]byte, 12, 2048)
	narrow := resample.Convert(pcm, device.Rate, 8000)
	for i := 0; (i+1)*frame <= len(pcm); i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * 20 * time.Millisecond)))
		packet = packet[:12]
		packet[0], packet[1] = 0x80, pt
		if i == 0 {
			packet[1] |= 0x80
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(i+1))
		binary.BigEndian.PutUint32(packet[4:], uint32(i*step))
		binary.BigEndian.PutUint32(packet[8:], 0x5bea4e12)
		body := packet[12:1500]
		n := 0
		if s.enc != nil {
			var err error
			if n, err = s.enc.Encode(body, pcm[i*frame:(i+1)*frame]); err != nil {
				s.t.Error(err)
				return
			}
		} else {
			n = codec.ULaw.Encode(body, narrow[i*frame/2:(i+1)*frame/2])
		}
		if _, err := s.conn.WriteToUDPAddrPort(packet[:12+n], s.link.A()); err != nil {
			s.t.Error(err)
			return
		}
	}
}

// lay puts what came back where it belongs.
func (s *speaker) lay(heard []piece, length int) []int16 {
	if len(heard) == 0 {
		return make([]int16, length)
	}
	first := heard[0].stamp
	zero := time.Hour // when the stamp "first" was sent, at the earliest
	clock := s.codec.RTPClock
	for _, p := range heard {
		zero = min(zero, p.at-time.Duration(int32(p.stamp-first))*time.Second/time.Duration(clock))
	}
	rate := device.Rate
	if s.dec == nil {
		rate = 8000
	}
	out := make([]int16, length*rate/device.Rate)
	var buf [5760]int16
	for _, p := range heard {
		n := 0
		if s.dec != nil {
			if want, err := opus.Samples(p.sound); err != nil || want > len(buf) {
				continue
			}
			n, _ = s.dec.Decode(buf[:], p.sound)
		} else {
			n = codec.ULaw.Decode(buf[:], p.sound)
		}
		at := int(zero.Seconds()*float64(rate)) + int(int64(int32(p.stamp-first))*int64(rate)/int64(clock))
		if at >= 0 && at+n <= len(out) {
			copy(out[at:], buf[:n])
		}
	}
	return resample.Convert(out, rate, device.Rate)
}

// mirror is a headset that lies on the table: what its loudspeaker plays, its microphone hears 10 ms later.
type mirror struct {
	mu   sync.Mutex
	sink func([]int16)
	stop chan struct{}
	work sync.WaitGroup
}

func (m *mirror) headset(t testing.TB) *media.Headset {
	h := media.NewHeadset(func() device.Capture { return mirrorEar{m} }, func() device.Playback { return mirrorMouth{m} })
	t.Cleanup(func() { h.Close() })
	return h
}

type mirrorEar struct{ m *mirror }

func (e mirrorEar) Name() text.Text { return text.Clean("mirror") }
func (e mirrorEar) Start(sink func([]int16)) error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	e.m.sink = sink
	return nil
}
func (e mirrorEar) Close() error {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	e.m.sink = nil
	return nil
}

type mirrorMouth struct{ m *mirror }

func (p mirrorMouth) Name() text.Text { return text.Clean("mirror") }
func (p mirrorMouth) Start(fill func([]int16)) error {
	m := p.m
	m.stop = make(chan struct{})
	m.work.Go(func() {
		frame := make([]int16, device.Frame)
		next := time.Now()
		for {
			select {
			case <-m.stop:
				return
			case <-time.After(time.Until(next)):
			}
			next = next.Add(10 * time.Millisecond)
			m.mu.Lock()
			if m.sink != nil {
				m.sink(frame)
			}
			m.mu.Unlock()
			fill(frame)
		}
	})
	return nil
}
func (p mirrorMouth) Close() error { close(p.m.stop); p.m.work.Wait(); return nil }

// offhookMirror is our phone, in this process, that answers by itself.
func offhookMirror(t testing.TB, codec media.Codec) netip.AddrPort {
	t.Helper()
	p, err := sip.Open(t.Context(), sip.Config{Account: "sip:alex@localhost", Listen: netip.MustParseAddrPort("127.0.0.1:0"), Codecs: []string{codec.Name},
		Headset: (&mirror{}).headset(t), Unwatched: true})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for e := range p.Events() {
			if in, ok := e.(sip.IncomingCall); ok {
				p.Answer(in.Leg)
			}
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
		reading.Wait()
	})
	return p.LocalAddr()
}
