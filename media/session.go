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

	"offhook/media/codec/opus"
)

// Session is one RTP stream in each direction with its RTCP. Methods may be called from any goroutine; WriteFrame and ReadFrame
// wait for a call of the same that is in progress. It owns its goroutines (RTP in, RTCP in, RTCP out, and what handshakes and checks need), which
// Close ends.
type Session struct {
	// Frames come from one place at a time, but a call changes places: the headset may be fading it out when its new clock begins.
	writing, reading sync.Mutex

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
	early   early
	states  chan SecureState // to be told
	checks  chan struct{}    // something is due for an agent
	paths   sync.Mutex       // held while it is found what is to be told of the way, and told: in the order in which it is so
	driven  bool             // agents have their goroutine; guarded by control
	past    []*outbound      // our keys of this session; guarded by control

	in, out      meter
	taps         taps
	remind       *reminder // under rxMu
	ear          *dtmfEar  // of the goroutine that reads
	speech       vad
	strangers    atomic.Uint64
	secureErrors atomic.Uint64
	lastAt       atomic.Int64 // clock of the last packet + 1, 0 before the first

	control sync.Mutex      // Configure, Close
	ctx     context.Context // of the session's goroutines
	stop    context.CancelFunc
	done    sync.WaitGroup
	ended   error
}

// config is Params checked and completed; it never changes once published.
type config struct {
	Params
	kind     kind // of what is sent
	ptime    int  // frames per packet
	kinds    [128]kind
	opus     opus.Settings
	number   uint64        // of this Configure
	latching uint64        // of the Configure that opened the search for the far end's address
	at       time.Duration // of this Configure
	since    time.Duration // when sound began to be expected

	guard
	assoc  *association
	agents [2]*agent
}

// Listen binds a pair of ports and starts receiving; nothing is accepted or sent before Configure. The error wraps
// ErrNoPort when the range is used up.
func Listen(cfg Config) (*Session, error) {
	if !cfg.LocalIP.IsValid() {
		cfg.LocalIP = netip.IPv4Unspecified()
	}
	if cfg.now == nil {
		cfg.now = cfg.Now
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
	if s.rtp, s.rtcp, err = listenPair(cfg.LocalIP, cfg.PortMin, cfg.PortMax, trafficClass(cfg.DSCP)); err != nil {
		return nil, err
	}
	s.transmit = s.send
	s.rx.player = newPlayer()
	s.in.reset()
	s.out.reset()
	ctx, stop := context.WithCancel(context.Background())
	s.ctx, s.stop = ctx, stop
	s.states, s.checks = make(chan SecureState, 16), make(chan struct{}, 1)
	s.done.Go(func() { s.receive(ctx, s.rtp, s.handleRTP) })
	s.done.Go(func() { s.receive(ctx, s.rtcp, s.handleRTCP) })
	if !cfg.reticent {
		s.done.Go(func() { s.report(ctx) })
	}
	if cfg.OnSecure != nil {
		s.done.Go(func() { s.tellStates(ctx) })
	}
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

func complete(p Params) (*config, error) {
	c := &config{Params: p}
	if err := c.codecs(); err != nil {
		return nil, err
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
	c.ptime = c.frames()
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
	s.writing.Lock()
	defer s.writing.Unlock()
	now := s.clock()
	s.in.measure(pcm, now)
	c, muted := s.config.Load(), s.muted.Load()
	if c != nil && !s.open(c) {
		c = nil
	}
	s.taps.sent(pcm, c, muted)
	if s.cfg.VAD {
		s.speech.measure(pcm, now, muted, c != nil && c.Send)
	}
	s.tx.write(now, pcm, c, muted, s.transmit)
}

// ReadFrame fills Frame samples for the loudspeaker: what is due now, or what stands in for it. It never blocks.
func (s *Session) ReadFrame(pcm []int16) {
	s.reading.Lock()
	defer s.reading.Unlock()
	c, now := s.config.Load(), s.clock()
	if s.closed.Load() || c == nil || !c.Receive || len(pcm) != Frame {
		clear(pcm)
		s.taps.heard(pcm)
	} else {
		s.rxMu.Lock()
		s.rx.player.get(now, pcm)
		s.taps.heard(pcm)
		s.remind.mix(pcm)
		s.rxMu.Unlock()
		s.hearDigits(c, pcm)
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
	case c == nil:
		return ErrNoDTMF
	}
	if _, ok := c.digits(); !ok {
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

// open tells whether sound may leave: keys stand where they must, and a far end that asks for checks has passed them.
func (s *Session) open(c *config) bool {
	_, ok := s.destinationOf(c, partRTP)
	return ok && c.ready()
}

// send puts one RTP packet on the wire; the caller holds the sender's lock. A refused or unreachable port is counted and
// never ends the call: the far end may be about to open it, and signalling decides.
func (s *Session) send(packet []byte) bool {
	c := s.config.Load()
	if c == nil {
		return false
	}
	to, ok := s.destinationOf(c, partRTP)
	if !ok {
		return false
	}
	if c.Secure.Kind != Clear {
		if c.out == nil {
			return false
		}
		packet, ok = c.out.protectRTP(packet)
		s.watchKey(c)
		if !ok {
			return false
		}
	}
	_, err := s.rtp.WriteToUDPAddrPort(packet, to)
	return err == nil
}

// Close says BYE, ends the session's goroutines and waits for them. Frames written later are dropped, frames read
// later are silence. OnDTMF, OnStranger and OnPath are not called after it returns.
func (s *Session) Close() error {
	s.control.Lock()
	defer s.control.Unlock()
	if s.closed.Swap(true) {
		return s.ended
	}
	s.sendReport(true)
	s.stop()
	err := s.rtp.Close()
	if e := s.rtcp.Close(); err == nil {
		err = e
	}
	s.done.Wait()
	s.tx.release()
	s.rxMu.Lock()
	s.rx.player.release()
	s.rxMu.Unlock()
	if err != nil {
		s.ended = fmt.Errorf("close sound session: %w", err)
	}
	return s.ended
}
