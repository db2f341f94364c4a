package media

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Session is one RTP stream in each direction with its RTCP. Methods may be called from any goroutine, but WriteFrame
// from one at a time, and ReadFrame from one at a time. It owns three goroutines (RTP in, RTCP in, RTCP out), which
// Close ends.
type Session struct {
	cfg       Config
	rtp, rtcp *net.UDPConn
	log       *slog.Logger
	began     time.Time
	clock     func() time.Duration

	config  atomic.Pointer[config]
	latched atomic.Pointer[latch] // where the far end turned out to be
	muted   atomic.Bool
	closed  atomic.Bool

	tx       *sender
	transmit func([]byte) bool // made once: the hot path must not allocate a closure

	rxMu sync.Mutex // player, source, counts of receiving
	rx   receiver

	reports reports

	in, out   meter
	strangers atomic.Uint64
	lastAt    atomic.Int64 // clock of the last packet + 1, 0 before the first

	control sync.Mutex // Configure, Close
	stop    context.CancelFunc
	done    sync.WaitGroup
	ended   error
}

// config is Params checked and completed; it never changes once published.
type config struct {
	Params
	kind   kind // of what is sent
	ptime  int  // frames per packet
	kinds  [128]kind
	number uint64 // of this Configure
}

// Listen binds a pair of ports and starts receiving; nothing is accepted or sent before Configure. The error wraps
// ErrNoPort when the range is used up.
func Listen(cfg Config) (*Session, error) {
	if !cfg.LocalIP.IsValid() {
		cfg.LocalIP = netip.IPv4Unspecified()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CNAME == "" {
		var b [12]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("start a sound session: %w", err)
		}
		cfg.CNAME = hex.EncodeToString(b[:])
	}
	tx, err := newSender()
	if err != nil {
		return nil, fmt.Errorf("start a sound session: %w", err)
	}
	s := &Session{cfg: cfg, log: cfg.Logger, tx: tx, began: time.Now(), clock: cfg.now}
	if s.clock == nil {
		s.clock = func() time.Duration { return time.Since(s.began) }
	}
	if s.rtp, s.rtcp, err = listenPair(cfg.LocalIP, cfg.PortMin, cfg.PortMax); err != nil {
		return nil, err
	}
	s.transmit = s.send
	s.rx.player = newPlayer()
	s.in.reset()
	s.out.reset()
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.receive(ctx, s.rtp, s.handleRTP) })
	s.done.Go(func() { s.receive(ctx, s.rtcp, s.handleRTCP) })
	s.done.Go(func() { s.report(ctx) })
	return s, nil
}

// LocalRTP is the bound address for RTP.
func (s *Session) LocalRTP() netip.AddrPort { return local(s.rtp) }

// LocalRTCP is the bound address for RTCP.
func (s *Session) LocalRTCP() netip.AddrPort { return local(s.rtcp) }

func local(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Configure starts the session with what was negotiated, or changes it while it runs: hold and resume, another codec,
// another address. It fails on a codec that is not one of Codecs and on payload types out of range, changing nothing.
func (s *Session) Configure(p Params) error {
	c, err := complete(p)
	if err != nil {
		return err
	}
	s.control.Lock()
	defer s.control.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	old := s.config.Load()
	if old != nil {
		c.number = old.number + 1
	}
	s.config.Store(c)
	if old != nil && !old.Receive && c.Receive {
		s.rxMu.Lock()
		s.rx.player.flush()
		s.rxMu.Unlock()
	}
	return nil
}

func complete(p Params) (*config, error) {
	c := &config{Params: p}
	for _, k := range [...]struct {
		codec Codec
		kind  kind
	}{{PCMU, kindPCMU}, {PCMA, kindPCMA}, {G722, kindG722}} {
		c.kinds[k.codec.PT] = k.kind
		if k.codec.Name == p.Codec.Name {
			c.kind = k.kind
		}
	}
	if c.kind == noSound {
		return nil, fmt.Errorf("configure sound: codec %q is not known", p.Codec.Name)
	}
	// Type 0 is µ-law and nothing else (RFC 3551 §6): for other codecs it means that the static type is used.
	if c.SendPT == 0 {
		c.SendPT = c.Codec.PT
	}
	if c.RecvPT == 0 {
		c.RecvPT = c.Codec.PT
	}
	if max(c.SendPT, c.RecvPT, c.DTMFSendPT, c.DTMFRecvPT) > 127 {
		return nil, fmt.Errorf("configure sound: a payload type above 127")
	}
	c.kinds[13] = kindCN
	c.kinds[c.RecvPT] = c.kind
	if p.DTMFRecvPT != 0 {
		c.kinds[p.DTMFRecvPT] = noSound
	}
	if c.PTime == 0 {
		c.PTime = 20 * time.Millisecond
	}
	c.ptime = max(1, min(6, int(c.PTime/(10*time.Millisecond))))
	c.Remote = netip.AddrPortFrom(p.Remote.Addr().Unmap(), p.Remote.Port())
	c.RemoteRTCP = netip.AddrPortFrom(p.RemoteRTCP.Addr().Unmap(), p.RemoteRTCP.Port())
	if !p.RemoteRTCP.IsValid() && p.Remote.Port() < 65535 {
		c.RemoteRTCP = netip.AddrPortFrom(c.Remote.Addr(), p.Remote.Port()+1)
	}
	// An answer of 0.0.0.0 or port 0 means: send nothing (RFC 3264 §5.1, §8.4).
	if !c.Remote.IsValid() || c.Remote.Port() == 0 || c.Remote.Addr().IsUnspecified() {
		c.Send = false
	}
	return c, nil
}

// WriteFrame takes Frame samples from the microphone. A packet leaves when its last frame is complete.
func (s *Session) WriteFrame(pcm []int16) {
	if s.closed.Load() || len(pcm) != Frame {
		return
	}
	now := s.clock()
	s.in.measure(pcm, now)
	s.tx.write(now, pcm, s.config.Load(), s.muted.Load(), s.transmit)
}

// ReadFrame fills Frame samples for the loudspeaker: what is due now, or what stands in for it. It never blocks.
func (s *Session) ReadFrame(pcm []int16) {
	c, now := s.config.Load(), s.clock()
	if s.closed.Load() || c == nil || !c.Receive || len(pcm) != Frame {
		clear(pcm)
	} else {
		s.rxMu.Lock()
		s.rx.player.get(now, pcm)
		s.rxMu.Unlock()
	}
	s.out.measure(pcm, now)
}

// SetMute replaces the microphone by silence; packets go on.
func (s *Session) SetMute(on bool) { s.muted.Store(on) }

// SendDTMF queues digits 0–9, *, #, A–D; a comma is a pause of half a second. They are sent at the pace of
// WriteFrame. Errors: ErrBadDigit, ErrNoDTMF, ErrClosed.
func (s *Session) SendDTMF(digits string) error {
	events, err := parseDigits(digits)
	if err != nil {
		return err
	}
	c := s.config.Load()
	switch {
	case s.closed.Load():
		return ErrClosed
	case c == nil || c.DTMFSendPT == 0 || !c.Send:
		return ErrNoDTMF
	}
	s.tx.mu.Lock()
	defer s.tx.mu.Unlock()
	if len(s.tx.dtmf.queue)+len(events) > maxDigits {
		return fmt.Errorf("%w: more than %d are waiting", ErrBadDigit, maxDigits)
	}
	s.tx.dtmf.queue = append(s.tx.dtmf.queue, events...)
	return nil
}

// send puts one RTP packet on the wire. A refused or unreachable port is counted and never ends the call: the far end
// may be about to open it, and signalling decides.
func (s *Session) send(packet []byte) bool {
	to, ok := s.destination()
	if !ok {
		return false
	}
	_, err := s.rtp.WriteToUDPAddrPort(packet, to)
	return err == nil
}

// destination is where RTP goes now.
func (s *Session) destination() (netip.AddrPort, bool) {
	c := s.config.Load()
	if c == nil {
		return netip.AddrPort{}, false
	}
	if l := s.latched.Load(); l != nil && l.config == c.number {
		return l.from, true
	}
	return c.Remote, c.Remote.IsValid()
}

// Close says BYE, ends the session's goroutines and waits for them. Frames written later are dropped, frames read
// later are silence. OnDTMF and OnStranger are not called after it returns.
func (s *Session) Close() error {
	s.control.Lock()
	defer s.control.Unlock()
	if s.closed.Swap(true) {
		return s.ended
	}
	s.stop()
	s.sendReport(true)
	err := s.rtp.Close()
	if e := s.rtcp.Close(); err == nil {
		err = e
	}
	s.done.Wait()
	if err != nil {
		s.ended = fmt.Errorf("close sound session: %w", err)
	}
	return s.ended
}
