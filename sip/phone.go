package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/device"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// Phone is one account with its calls. Its commands may be called from any goroutine and return at once; what becomes of
// them comes as Events. Everything it knows is owned by the loop of its user agent.
type Phone struct {
	acc    account
	log    *slog.Logger
	ua     *dialog.UA
	events *queue
	sound  *sound
	cert   *media.Certificate // of handshakes for encrypted sound; nil: none
	local  netip.AddrPort

	ctx    context.Context // of what runs behind the loop
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	refused atomic.Uint64 // INVITEs of strangers
	closed  atomic.Bool

	// Owned by the loop.
	reg      *registration // nil: no registrar
	udp      *transaction.Flow
	legs     map[LegID]*leg
	together []LegID // in the conference
	used     map[LegID]bool
	closing  bool
}

// telephoneEvent is the payload type that we offer for DTMF.
const telephoneEvent = 101

// Open binds the socket and starts the account. It does not wait for the registrar: that is told as RegistrationChanged.
// Errors: *ConfigError, ErrPortTaken.
func Open(ctx context.Context, cfg Config) (*Phone, error) {
	acc, err := cfg.read()
	if err != nil {
		return nil, err
	}
	p := &Phone{acc: acc, log: acc.Logger, events: newQueue(), legs: map[LegID]*leg{}, used: map[LegID]bool{}}
	if p.cert, err = acc.Sound.certificate(); err != nil {
		return nil, fmt.Errorf("a certificate for encrypted sound: %w", err)
	}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	digest := transaction.NewDigest()
	if acc.Password != nil && !acc.registrar.none() {
		password, err := acc.Password(ctx)
		if err != nil {
			p.cancel()
			return nil, fmt.Errorf("the password of %s: %w", acc.Account, err)
		}
		digest = transaction.NewDigest(transaction.Credentials{Username: acc.Username, Password: password})
	}
	p.ua = dialog.New(dialog.Config{
		Transaction: transaction.Config{Logger: acc.Logger, UserAgent: acc.UserAgent, Trace: acc.Trace, UDPMax: acc.UDPMax},
		Logger:      acc.Logger, User: acc.aor.User, Codecs: acc.codecs, DTMF: telephoneEvent, Digest: digest,
		Reliable: acc.Reliable, SessionTimer: max(acc.SessionTimer, 0), MinSE: 90 * time.Second,
		Media: p.describe, Refer: p.referred, Replaces: p.replaces, Asked: p.asked,
		Screen: p.screen, ReferWait: acc.TransferWait, Resolve: acc.Resolve,
	}, handler{p})
	p.sound = newSound(p) // before the first message can come in
	if err := p.listen(); err != nil {
		p.cancel()
		closeErr := p.ua.Close(ctx)
		p.sound.close()
		return nil, errors.Join(err, closeErr)
	}
	p.jobs.Go(func() { p.events.pump(p.ctx) })
	if acc.Devices != nil {
		p.jobs.Go(p.devices)
	}
	p.ua.Post(func() {
		if acc.registrar.none() {
			p.emit(RegistrationChanged{At: time.Now(), State: Local, Account: p.accountText(), Server: text.Clean(p.local.String())})
			return
		}
		p.reg = newRegistration(p, digest)
		p.reg.start()
	})
	return p, nil
}

// listen opens the socket of the account's transport; without a registrar both, on one port, for who comes by TCP.
func (p *Phone) listen() error {
	l := p.ua.Layer()
	if p.acc.net.listen != nil {
		f, err := p.acc.net.listen(l)
		if err == nil {
			p.udp, p.local = f, f.LocalAddr()
		}
		return err
	}
	if p.acc.Transport == "tcp" && !p.acc.registrar.none() {
		n, err := l.ListenTCP(p.acc.Listen)
		if err != nil {
			return fmt.Errorf("the telephone cannot listen on %v: %w", p.acc.Listen, err)
		}
		p.local = n.Addr()
		return nil
	}
	const tries = 8 // a port that the system chose for UDP may be taken on TCP
	for try := 1; ; try++ {
		f, err := l.ListenUDP(p.acc.Listen)
		if err != nil {
			return fmt.Errorf("the telephone cannot listen on %v: %w", p.acc.Listen, err)
		}
		p.udp, p.local = f, f.LocalAddr()
		if !p.acc.registrar.none() {
			return nil
		}
		if _, err = l.ListenTCP(p.local); err == nil {
			return nil
		}
		if p.acc.Listen.Port() != 0 || try == tries {
			return fmt.Errorf("the telephone cannot listen on %v by TCP: %w", p.local, err)
		}
		f.Close()
	}
}

// devices tells on what happens to the sound hardware.
func (p *Phone) devices() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case ev, ok := <-p.acc.Devices:
			if !ok {
				return
			}
			p.emit(soundChanged(ev))
		}
	}
}

func soundChanged(ev device.Event) SoundChanged {
	what := "microphone"
	if ev.Output {
		what = "loudspeaker"
	}
	detail := ev.Cause
	if detail.Empty() {
		detail = text.Clean(fmt.Sprintf("%s %s: %s", what, ev.Kind, ev.Name))
	}
	return SoundChanged{At: time.Now(), OK: ev.Kind != device.Lost, Device: ev.Name, Detail: detail}
}

func (p *Phone) emit(e Event) { p.events.put(e) }

func (p *Phone) accountText() text.Text { return text.Clean(p.acc.aor.String()) }

// Events is the one ordered stream of what happens. It is closed by Close.
func (p *Phone) Events() <-chan Event { return p.events.out }

// LocalAddr is the address of the SIP socket.
func (p *Phone) LocalAddr() netip.AddrPort { return p.local }

// Strangers counts the INVITEs that were refused because of where they came from.
func (p *Phone) Strangers() uint64 { return p.refused.Load() }

// Quality is how a call sounds now; false when it has no sound.
func (p *Phone) Quality(id LegID) (media.Stats, bool) { return p.sound.quality(id) }

// Close ends every call (BYE, CANCEL, 480), takes our own binding off the registrar, waits until the far ends agreed or ctx is
// over, and closes Events. It must not be called on the goroutine that alone reads Events when many are unread. Further
// calls do nothing.
func (p *Phone) Close(ctx context.Context) error {
	if p.closed.Swap(true) {
		return nil
	}
	off := make(chan struct{})
	p.ua.Post(func() {
		p.closing = true
		for _, l := range p.legs {
			l.hangUp()
		}
		if p.reg == nil {
			close(off)
			return
		}
		p.reg.stop(func() { close(off) })
	})
	select {
	case <-off:
	case <-ctx.Done():
	}
	err := p.ua.Close(ctx)
	p.sound.close()
	p.events.close()
	select {
	case <-p.events.done:
	case <-ctx.Done():
	}
	p.cancel()
	p.jobs.Wait()
	return err
}

// handler is what the user agent tells the phone, on its loop.
type handler struct{ p *Phone }

func (h handler) Incoming(s *dialog.Session) { h.p.incoming(s) }

func (h handler) Event(s *dialog.Session, e dialog.Event) {
	if l, ok := s.Data.(*leg); ok {
		l.event(e)
	}
}

func (h handler) FlowDown(f *transaction.Flow, err error) {
	if h.p.reg != nil {
		h.p.reg.flowDown(f, err)
	}
}

// Request answers what is outside of a call.
func (h handler) Request(tx *transaction.ServerTx, req *transaction.Request) {
	code := 405
	switch req.Method {
	case "NOTIFY", "SUBSCRIBE":
		code = 489
		if h.p.known(req.Source.Addr()) && req.Headers.HasToken("Event", "message-summary") {
			code = 200 // unsolicited voice mail lamps, which many exchanges send after REGISTER
		}
	case "REFER":
		code = 603
	}
	if code == 405 {
		h.p.ua.NotAllowed(tx)
		return
	}
	if err := tx.Respond(transaction.NewResponse(req, code, "")); err != nil {
		h.p.log.Debug("answering a request", "method", req.Method, "err", err)
	}
}

// known reports whether addr is one of the account's servers or configured peers.
func (p *Phone) known(addr netip.Addr) bool {
	if within(p.acc.Accept, addr) || p.reg != nil && p.reg.server(addr) {
		return true
	}
	return p.acc.registrar.none() && len(p.acc.Accept) == 0
}

// screen refuses calls from elsewhere than the account's servers: scanners ring phones that do not (ghost calls).
func (p *Phone) screen(tx *transaction.ServerTx, req *transaction.Request) bool {
	code := 0
	switch {
	case !p.known(req.Source.Addr()):
		p.refused.Add(1)
		p.log.Info("call of a stranger refused", "from", req.Source)
		code = 403
	case p.closing:
		code = 480
	case len(p.legs) >= p.acc.MaxCalls:
		code = 486
	default:
		return false
	}
	if err := tx.Respond(transaction.NewResponse(req, code, "")); err != nil {
		p.log.Debug("refusing a call", "err", err)
	}
	return true
}
