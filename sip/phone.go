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
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/locate"
	"offhook/sip/toll"
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
	data   *caller.Rules
	toll   *toll.Meter        // nil: the built-in policy; owned by the loop
	cert   *media.Certificate // of handshakes for encrypted sound; nil: none
	local  atomic.Pointer[netip.AddrPort]

	ctx    context.Context // of what runs behind the loop
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	refused   atomic.Uint64 // INVITEs of strangers
	repeats   repeats       // of those
	strangers struct {
		sync.Mutex
		seen map[netip.Addr]time.Time
	}
	locate *locate.Resolver
	lines  atomic.Pointer[[]line]           // the registrations, for other goroutines
	socket atomic.Pointer[transaction.Flow] // udp, for other goroutines
	deaf   deaf
	closed atomic.Bool

	// Owned by the loop.
	regs     []*registration // none: no registrar
	udp      *transaction.Flow
	rebinds  *time.Timer
	waiting  []func()             // for a registration
	mailbox  *dialog.Subscription // nil: not asked for yet
	lamps    lamps
	messages allowance
	over     *transaction.Flow // that mailbox is watched over
	legs     map[LegID]*leg
	together []LegID // in the conference
	used     used
	closing  bool
}

// requestRate is how many new requests a second one source may send for long, requestBurst how many at once: far more than an exchange
// has for one telephone, and too few to keep it from ringing.
const (
	requestRate  = 50
	requestBurst = 300
)

// telephoneEvent is the payload type that we offer for DTMF.
const telephoneEvent = 101

// Open binds the socket and starts the account. It does not wait for the registrar: that is told as RegistrationChanged.
// Errors: *ConfigError, ErrPortTaken.
func Open(ctx context.Context, cfg Config) (*Phone, error) {
	acc, err := cfg.read()
	if err != nil {
		return nil, err
	}
	p := &Phone{acc: acc, log: acc.Logger, events: newQueue(), legs: map[LegID]*leg{}}
	if p.data, err = caller.NewRules(acc.Data); err != nil {
		if e, ok := errors.AsType[*caller.RuleError](err); ok {
			return nil, &ConfigError{e.Key, e.Why}
		}
		return nil, err
	}
	if acc.Toll != nil {
		p.toll = toll.NewMeter(*acc.Toll)
	}
	if p.cert, err = acc.Sound.certificate(); err != nil {
		return nil, fmt.Errorf("a certificate for encrypted sound: %w", err)
	}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if p.locate = acc.Locate; p.locate == nil {
		p.locate = locate.New(locate.Config{})
	}
	p.shareLines()
	digest := transaction.NewDigest()
	if acc.Password != nil && acc.registers() {
		password, err := acc.Password(ctx)
		if err != nil {
			p.cancel()
			return nil, fmt.Errorf("the password of %s: %w", acc.Account, err)
		}
		digest = transaction.NewDigest(transaction.Credentials{Username: acc.Username, Password: password})
	}
	p.ua = dialog.New(dialog.Config{
		Transaction: transaction.Config{Logger: acc.Logger, UserAgent: acc.UserAgent, Trace: acc.Trace, UDPMax: acc.UDPMax, Admit: p.admit, Dropped: p.dropped, RequestRate: max(acc.RequestRate, 0), RequestBurst: requestBurst},
		Logger:      acc.Logger, User: acc.aor.User, Codecs: acc.codecs, DTMF: telephoneEvent, Digest: digest,
		Reliable: acc.Reliable, SessionTimer: max(acc.SessionTimer, 0), MinSE: 90 * time.Second,
		Media: p.describe, Refer: p.referred, Replaces: p.replaces, Asked: p.asked, Also: "MESSAGE", Unserved: !acc.registers() && acc.proxy.none(),
		ICE: newICE, Screen: p.screen, ReferWait: acc.TransferWait, Connect: p.connectHop, Contact: p.contactOf,
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
		for i, w := range acc.ways {
			p.regs = append(p.regs, newRegistration(p, digest, i+1, w))
		}
		if len(p.regs) == 0 {
			p.emit(RegistrationChanged{At: time.Now(), State: Local, Account: p.accountText(), Server: text.Clean(p.LocalAddr().String()), Primary: !acc.secondary})
		}
		for _, r := range p.regs {
			r.start()
		}
	})
	p.watchMachine()
	return p, nil
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
func (p *Phone) LocalAddr() netip.AddrPort { return *p.local.Load() }

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
		stop(p.rebinds)
		stop(p.lamps.pace)
		left := len(p.regs)
		if left == 0 {
			close(off)
		}
		for _, r := range p.regs {
			r.stop(func() {
				if left--; left == 0 {
					close(off)
				}
			})
		}
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
	if end, ok := e.(dialog.Ended); ok && end.Cause == dialog.CauseNetwork {
		h.p.suspect(s.Flow())
	}
}

func (h handler) FlowDown(f *transaction.Flow, err error) {
	if f == h.p.udp {
		h.p.rebind()
		return
	}
	for _, r := range h.p.regs {
		r.flowDown(f)
	}
}

// Request answers what is outside of a call.
func (h handler) Request(tx *transaction.ServerTx, req *transaction.Request) {
	code := 405
	switch req.Method {
	case "NOTIFY", "SUBSCRIBE":
		code = 489
		if req.Method == "NOTIFY" && h.p.voiceMail(req) {
			code = 200
		}
	case "REFER":
		code = 603
	case "MESSAGE":
		h.p.message(tx, req)
		return
	}
	if code == 405 {
		h.p.ua.NotAllowed(tx)
		return
	}
	if err := tx.Respond(transaction.NewResponse(req, code, "")); err != nil {
		h.p.log.Debug("answering a request", "method", req.Method, "err", err)
	}
}

// screen refuses calls that there is no room for, and tells those who ask by OPTIONS first. Strangers' calls do not come this far: see admit.
func (p *Phone) screen(tx *transaction.ServerTx, req *transaction.Request) bool {
	code := 0
	switch {
	case p.closing:
		code = 480
	case req.Headers.Get("Replaces") != "": // it takes the place of a call, so there is one no more
		return false
	case len(p.legs) >= p.acc.MaxCalls, p.acc.full != nil && p.acc.full():
		code = 486
	default:
		return false
	}
	if err := tx.Respond(transaction.NewResponse(req, code, "")); err != nil {
		p.log.Debug("refusing a call", "err", err)
	}
	return true
}
