package hub

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"offhook/desk"
	"offhook/internal/text"
)

// Agent is a desk's side of the hub: it carries the newest snapshot out and granted orders in. It reconnects for ever by
// itself; nothing it does can hold the desk up.
type Agent struct {
	*link
	key    string
	ver    atomic.Pointer[verifier] // nil before the hub has greeted us
	orders chan Granted
	latest atomic.Pointer[desk.Snapshot]
	news   chan struct{} // a snapshot or an ended call waits
	ahead  atomic.Int64  // how far the hub's clock is ahead, in nanoseconds
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	ended []CallEvent                // not yet told
	told  map[desk.CallKey]time.Time // calls whose end was taken up
}

// maxEnded bounds the calls that wait while the hub is away; their records are in the ledger anyway.
const maxEnded = 256

// Connect makes a desk's side of the hub and returns at once; it fails only when the settings make no sense. ctx ends it, or
// Close. The link's changes are told through cfg.OnLink from a goroutine of the agent.
func Connect(ctx context.Context, cfg Config) (*Agent, error) {
	if cfg.URL == "" {
		return nil, errors.New("hub.url is empty")
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = Heartbeat
	}
	key := Key{cfg.Site, cfg.Team, cfg.Agent}.String()
	ctx, stop := context.WithCancel(ctx)
	a := &Agent{
		link: newLink(cfg, roleAgent+key), key: key, orders: make(chan Granted, 16), news: make(chan struct{}, 1),
		stop: stop, done: make(chan struct{}), told: map[desk.CallKey]time.Time{},
	}
	go a.run(ctx)
	return a, nil
}

// Commands are the orders that the hub granted and this desk verified. It is closed when the agent has ended.
func (a *Agent) Commands() <-chan Granted { return a.orders }

// Publish tells the team about a snapshot. It never blocks: a newer snapshot replaces one that was not sent yet, and at most
// ten are sent a second. Any goroutine may call it.
func (a *Agent) Publish(s *desk.Snapshot) {
	if s == nil {
		return
	}
	a.latest.Store(s)
	a.collect(s)
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// collect takes up the calls that have ended, each once.
func (a *Agent) collect(s *desk.Snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range s.Calls {
		c := &s.Calls[i]
		if _, known := a.told[c.Key]; known || c.State != desk.Ended || c.EndedAt.IsZero() {
			continue
		}
		a.told[c.Key] = c.EndedAt
		if len(a.ended) == maxEnded {
			a.ended = a.ended[1:]
		}
		a.ended = append(a.ended, callEvent(a.key, c))
	}
	for key, at := range a.told { // an ended call leaves the desk within minutes
		if len(a.told) > maxEnded && s.At.Sub(at) > time.Hour {
			delete(a.told, key)
		}
	}
}

// Close says goodbye to the team, waits at most a second for that, and ends everything that Connect started.
func (a *Agent) Close() {
	a.stop()
	<-a.done
}

// sender is what the run loop remembers.
type sender struct {
	epoch  int
	ready  bool // the hub has greeted us on this connection
	health desk.Health
	text   string
	sent   Value
	sentAt time.Time
	fresh  bool // sent is what the hub holds
	retry  time.Time
	seq    uint64
}

func (a *Agent) run(ctx context.Context) {
	defer close(a.done)
	defer close(a.orders)
	s := &sender{}
	a.say(s, desk.HealthWaiting, "connecting")
	if err := a.dial(ctx); err != nil {
		a.say(s, desk.HealthDown, err.Error())
		<-ctx.Done()
		return
	}
	nc, _, _, _ := a.state()
	var handling sync.Mutex // nats calls handle on its own goroutine; orders must not be closed under it
	sub, err := nc.Subscribe(cmdSubject+token(a.cfg.Team)+"."+token(a.cfg.Agent), func(m *nats.Msg) {
		handling.Lock()
		defer handling.Unlock()
		if ctx.Err() == nil {
			a.handle(nc, m)
		}
	})
	if err != nil {
		a.log.Warn("hub: no orders can come in", "error", err)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		a.step(s)
		timer.Reset(a.next(s, time.Now()))
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-a.news:
		case <-timer.C:
		}
	}
	if sub != nil {
		_ = sub.Unsubscribe()
	}
	a.bye(s, nc)
	nc.Close()
	handling.Lock() // an order that was under way has seen that ctx has ended, or is through
	defer handling.Unlock()
}

// next is how long nothing has to be done.
func (a *Agent) next(s *sender, now time.Time) time.Duration {
	due := s.sentAt.Add(a.cfg.Heartbeat)
	switch {
	case !s.retry.IsZero():
		due = s.retry
	case !s.ready, a.latest.Load() == nil:
		due = now.Add(a.cfg.Heartbeat) // the link or a snapshot will wake us
	case !s.fresh, !same(a.value(), s.sent):
		due = s.sentAt.Add(fastest)
	}
	return max(due.Sub(now), 0)
}

func (a *Agent) value() Value {
	return project(a.latest.Load(), time.Now(), time.Duration(a.ahead.Load()))
}

// step looks at the link, greets a new hub and sends what is due.
func (a *Agent) step(s *sender) {
	nc, epoch, up, err := a.state()
	now := time.Now()
	if !up {
		s.ready, s.fresh, s.retry = false, false, time.Time{}
		a.complain(s, err)
		return
	}
	if epoch != s.epoch {
		s.epoch, s.ready, s.fresh, s.retry = epoch, false, false, time.Time{}
	}
	if now.Before(s.retry) {
		return
	}
	s.retry = time.Time{}
	if !s.ready {
		key, ahead, err := a.greet(nc)
		if err != nil {
			a.fail(s, err)
			return
		}
		if a.ver.Load() == nil {
			a.ver.Store(newVerifier(a.key, now.Add(ahead)))
		}
		a.ver.Load().trust(key)
		a.ahead.Store(int64(ahead))
		s.ready = true
	}
	if a.latest.Load() == nil {
		return
	}
	if now.Sub(s.sentAt) >= a.cfg.Heartbeat || !s.fresh || !same(a.value(), s.sent) && now.Sub(s.sentAt) >= fastest {
		if err := a.send(s, nc, now); err != nil {
			a.fail(s, err)
			return
		}
	}
	if err := a.tellEnded(nc); err != nil {
		a.fail(s, err)
		return
	}
	a.say(s, desk.HealthOK, "on the team's board")
}

// fail waits a second before the next attempt and says what is wrong.
func (a *Agent) fail(s *sender, err error) {
	s.fresh, s.retry = false, time.Now().Add(time.Second)
	if _, _, up, why := a.state(); up && why != nil {
		err = why // a refused permission shows as a time-out here
	}
	a.complain(s, err)
}

// send puts the newest value into the bucket and waits until the hub has it.
func (a *Agent) send(s *sender, nc *nats.Conn, now time.Time) error {
	v := a.value()
	s.seq++
	v.Seq = s.seq
	b, err := v.encode()
	if err != nil {
		a.log.Error("hub: state not sent", "error", err)
		s.sent, s.sentAt, s.fresh = v, now, true // nothing will make it smaller
		return nil
	}
	if err := put(nc, kvPrefix+a.key, b, agentTTL, requestLimit); err != nil {
		return err
	}
	s.sent, s.sentAt, s.fresh = v, now, true
	return nil
}

// put writes a key with a life of its own and waits for the hub's word.
func put(nc *nats.Conn, subject string, b []byte, ttl, limit time.Duration) error {
	m := nats.NewMsg(subject)
	m.Data = b
	m.Header.Set(ttlHeader, ttl.String())
	return acked(nc, m, limit)
}

// acked publishes to a stream and waits for its word.
func acked(nc *nats.Conn, m *nats.Msg, limit time.Duration) error {
	r, err := nc.RequestMsg(m, limit)
	if err != nil {
		return err
	}
	var ack struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(r.Data, &ack); err != nil {
		return err
	}
	if ack.Error != nil {
		return errors.New(clip(ack.Error.Description, 200))
	}
	return nil
}

// tellEnded tells about calls that have ended, in order; a call that was told twice counts once.
func (a *Agent) tellEnded(nc *nats.Conn) error {
	for {
		a.mu.Lock()
		if len(a.ended) == 0 {
			a.mu.Unlock()
			return nil
		}
		ev := a.ended[0]
		a.mu.Unlock()
		m := nats.NewMsg(callsSubject + token(a.cfg.Team))
		m.Data = mustJSON(ev)
		m.Header.Set(dedupHeader, a.key+" "+string(ev.ID))
		if err := acked(nc, m, requestLimit); err != nil {
			return err
		}
		a.mu.Lock()
		if len(a.ended) > 0 && a.ended[0].ID == ev.ID {
			a.ended = a.ended[1:]
		}
		a.mu.Unlock()
	}
}

// bye tells the team that the agent has left on purpose.
func (a *Agent) bye(s *sender, nc *nats.Conn) {
	if !s.ready || !nc.IsConnected() {
		return
	}
	v := Value{V: valueVersion, State: desk.Offline, Reason: text.Clean(leftReason)}
	if a.latest.Load() != nil {
		v = a.value()
		v.State, v.Reason, v.Next, v.Call, v.Calls = desk.Offline, text.Clean(leftReason), "", nil, 0
	}
	v.Since, v.Seq = time.Now().Add(time.Duration(a.ahead.Load())).UnixMilli(), s.seq+1
	if b, err := v.encode(); err == nil {
		_ = put(nc, kvPrefix+a.key, b, offlineTTL, time.Second)
	}
}

func (a *Agent) complain(s *sender, err error) {
	h, line := trouble(err)
	a.say(s, h, line)
}

// say tells the desk about the link when it has changed.
func (a *Agent) say(s *sender, h desk.Health, line string) {
	if s.health == h && s.text == line {
		return
	}
	s.health, s.text = h, line
	if a.cfg.OnLink != nil {
		a.cfg.OnLink(desk.LinkChanged{Name: desk.LinkHub, Health: h, Text: text.Clean(line)})
	}
}
