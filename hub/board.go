package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"offhook/desk"
	"offhook/internal/text"
)

// Presence is how much a row is to be believed.
type Presence string

// Presences.
const (
	Live    Presence = "live"
	Stale   Presence = "stale"   // silent for longer than StaleAfter
	Gone    Presence = "offline" // has left, was lost, or silent for longer than OfflineAfter
	Unknown Presence = "unknown" // the board itself has no word from the hub
)

// Row is one agent as the board knows it. Times are on this machine's clock.
type Row struct {
	Key      Key
	Bus      string // the key as it stands on the bus; names the agent in an Order
	Value    Value
	Presence Presence
	Since    time.Time // of the state
	CallFrom time.Time // of the call
	Heard    time.Time // when the agent was last heard
}

// BoardLink is the board's connection with the hub.
type BoardLink struct {
	Up    bool
	Since time.Time
	Text  text.Text // why it is down
}

// Board is a supervisor's side of the hub: the rows of the team, kept up to date. It reconnects for ever by itself and keeps
// the last rows meanwhile. All methods may be called from any goroutine.
type Board struct {
	*link
	name    string
	changes chan struct{}
	dirty   chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	mu    sync.Mutex
	rows  map[string]*held
	at    BoardLink
	ahead time.Duration // of the hub's clock
	watch int           // counts watches; a row heard in an older one is not confirmed yet
}

// held is a row as it was heard.
type held struct {
	key   Key
	value Value
	heard time.Time
	watch int
	gone  bool // its key has expired
}

// Watch makes a board and returns at once; it fails only when the settings make no sense. Config.Agent is the supervisor's
// name, Site and Team say what to watch (empty: all). ctx ends it, or Close.
func Watch(ctx context.Context, cfg Config) (*Board, error) {
	if cfg.URL == "" {
		return nil, errors.New("there is no address of a hub: set hub.url or give --url")
	}
	if cfg.Agent == "" {
		cfg.Agent = "supervisor"
	}
	ctx, stop := context.WithCancel(ctx)
	b := &Board{
		link: newLink(cfg, roleBoss+token(cfg.Agent)), name: token(cfg.Agent), changes: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
		stop: stop, done: make(chan struct{}), rows: map[string]*held{}, at: BoardLink{Since: time.Now(), Text: text.Clean("connecting")},
	}
	go b.run(ctx)
	return b, nil
}

// Changes holds a token when something has changed since the last one was taken; at most ten come a second. It is never
// closed.
func (b *Board) Changes() <-chan struct{} { return b.changes }

// Link is the board's own connection.
func (b *Board) Link() BoardLink {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

// Close ends the board and everything that Watch started.
func (b *Board) Close() {
	b.stop()
	<-b.done
}

// Rows lists the agents at the time now, sorted by key.
func (b *Board) Rows(now time.Time) []Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Row, 0, len(b.rows))
	for bus, h := range b.rows {
		r := Row{Key: h.key, Bus: bus, Value: h.value, Heard: h.heard, Presence: h.presence(now, b.at, b.watch)}
		if t := fromMS(h.value.Since); !t.IsZero() {
			r.Since = t.Add(-b.ahead)
		}
		if c := h.value.Call; c != nil {
			if t := fromMS(c.Since); !t.IsZero() {
				r.CallFrom = t.Add(-b.ahead)
			}
		}
		if r.Presence == Gone && h.value.State != desk.Offline {
			r.Since = h.heard // the state ended unseen
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y Row) int { return cmp.Compare(x.Bus, y.Bus) })
	return out
}

// presence judges a row at the time now.
func (h *held) presence(now time.Time, at BoardLink, watch int) Presence {
	silent := now.Sub(h.heard)
	switch {
	case !at.Up:
		return Unknown
	case h.watch != watch && now.Sub(at.Since) < StaleAfter: // the hub is back, this agent may still be on the way
		return Unknown
	case h.value.State == desk.Offline, h.gone, h.watch != watch, silent > OfflineAfter:
		return Gone
	case silent > StaleAfter:
		return Stale
	}
	return Live
}

// forget drops who has been gone for longer than a shift.
func (b *Board) forget(now time.Time) {
	for bus, h := range b.rows {
		if now.Sub(h.heard) > offlineTTL {
			delete(b.rows, bus)
		}
	}
}

// run keeps a watch on the bucket as long as there is a connection.
func (b *Board) run(ctx context.Context) {
	defer close(b.done)
	var pacing sync.WaitGroup
	defer pacing.Wait()
	pacing.Go(func() { b.pace(ctx) })
	if err := b.dial(ctx); err != nil {
		b.down(err.Error())
		<-ctx.Done()
		return
	}
	nc, _, _, _ := b.state()
	defer nc.Close()
	var watcher jetstream.KeyWatcher
	stop := func() { // it asks the hub, which may not answer any more; the end of the connection does the same
		if w := watcher; w != nil {
			pacing.Go(func() { _ = w.Stop() })
			watcher = nil
		}
	}
	seen := 0
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for ctx.Err() == nil {
		_, epoch, up, err := b.state()
		switch {
		case !up:
			stop()
			b.down(boardTrouble(err))
		case epoch != seen || watcher == nil: // a hub that was restarted counts from 1 again: watch anew
			stop()
			if watcher, err = b.begin(ctx, nc); err != nil {
				watcher = nil
				if _, _, _, why := b.state(); why != nil {
					err = why
				}
				b.down(boardTrouble(err))
				retry.Reset(time.Second)
			} else {
				seen = epoch
			}
		}
		var updates <-chan jetstream.KeyValueEntry
		if watcher != nil {
			updates = watcher.Updates()
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-retry.C:
		case e, open := <-updates:
			if !open {
				watcher = nil
				retry.Reset(time.Second)
			} else if e != nil { // nil: all that was there has been told
				b.take(e, time.Now())
			}
		}
	}
}

// begin greets the hub and starts a watch.
func (b *Board) begin(ctx context.Context, nc *nats.Conn) (jetstream.KeyWatcher, error) {
	_, ahead, err := b.greet(nc)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(requestLimit))
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	kv, err := js.KeyValue(limit, bucket)
	if err != nil {
		return nil, err
	}
	w, err := kv.Watch(ctx, b.filter())
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.ahead, b.watch = ahead, b.watch+1
	b.at = BoardLink{Up: true, Since: time.Now()}
	b.mu.Unlock()
	b.mark()
	return w, nil
}

// filter is what to watch: a supervisor sees the own teams only (watching everything is also what costs the bus most).
func (b *Board) filter() string {
	part := func(s string) string {
		if s == "" {
			return "*"
		}
		return token(s)
	}
	return part(b.cfg.Site) + "." + part(b.cfg.Team) + ".*"
}

// take puts what the bus says into the rows.
func (b *Board) take(e jetstream.KeyValueEntry, now time.Time) {
	key, err := ParseKey(e.Key())
	if err != nil {
		return
	}
	defer b.mark()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(now)
	if e.Operation() != jetstream.KeyValuePut { // expired: no sign of life for the whole of its time
		if h := b.rows[e.Key()]; h != nil {
			h.gone, h.watch = true, b.watch
		}
		return
	}
	v, err := decodeValue(e.Value())
	if err != nil {
		b.log.Warn("hub: an agent's state cannot be read", "agent", clip(e.Key(), 80), "error", err)
		return
	}
	heard := e.Created().Add(-b.ahead)
	if heard.After(now) {
		heard = now
	}
	b.rows[e.Key()] = &held{key: key, value: v, heard: heard, watch: b.watch}
}

func (b *Board) down(why string) {
	b.mu.Lock()
	changed := b.at.Up || b.at.Text.String() != why
	if b.at.Up {
		b.at.Since = time.Now()
	}
	b.at.Up, b.at.Text = false, text.Clean(why)
	b.mu.Unlock()
	if changed {
		b.mark()
	}
}

func boardTrouble(err error) string {
	if h, line := trouble(err); h == desk.HealthDown && !errors.Is(err, nats.ErrPermissionViolation) {
		return strings.Replace(line, "check hub.token_file", "the board needs the supervisors' token (--token-file)", 1)
	}
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		return "does not let this board read the team"
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrBucketNotFound):
		return "is starting"
	}
	return "is not reachable; the desks go on without it"
}

func (b *Board) mark() {
	select {
	case b.dirty <- struct{}{}:
	default:
	}
}

// pace passes changes on, at most one in a tenth of a second: a board of a thousand rows must not cost a processor.
func (b *Board) pace(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-b.dirty:
		}
		select {
		case b.changes <- struct{}{}:
		default:
		}
		timer.Reset(fastest)
	}
}

// Do asks the hub for a grant and sends the order to the desk. It returns what the desk says; a Refusal is the error when
// somebody said no. It blocks for at most some seconds.
func (b *Board) Do(ctx context.Context, o Order) (string, error) {
	if r := o.check(); r != nil {
		return "", r
	}
	nc, _, up, _ := b.state()
	if !up {
		return "", &Refusal{CodeDown, "The hub is not reachable: nothing was asked of the desk."}
	}
	granted, err := b.ask(ctx, nc, grantSubject+b.name, mustJSON(o))
	if err != nil {
		return "", err
	}
	if granted.Signed == nil {
		return "", &Refusal{CodeUnknown, "The hub gave no grant."}
	}
	_, place, _ := strings.Cut(o.Agent, ".") // team.agent
	done, err := b.ask(ctx, nc, cmdSubject+place, mustJSON(*granted.Signed))
	if errors.Is(err, nats.ErrNoResponders) {
		return "", &Refusal{CodeNobody, "That desk is not connected: nothing was asked of it."}
	}
	return done.Line, err
}

func (b *Board) ask(ctx context.Context, nc *nats.Conn, subject string, body json.RawMessage) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return answer{}, err
	case err != nil:
		return answer{}, &Refusal{CodeDown, "No answer came within two seconds: look at the row before you ask again."}
	}
	a, err := decodeAnswer(m.Data)
	if err != nil {
		return answer{}, &Refusal{CodeUnknown, "The answer cannot be read; it was made by another version."}
	}
	if a.Refuse != nil {
		return a, a.Refuse
	}
	return a, nil
}
