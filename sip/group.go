package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip/locate"
	"offhook/sip/watch"
)

// Group is several accounts behind the commands and the one stream of events of a Phone. The first account is the primary: calls go
// out from it unless their target says another one. One conversation has the headset: what is answered or resumed at one account puts
// the calls of the others on hold.
type Group struct {
	phones []*Phone // the primary first
	most   int      // calls of all accounts together
	events *queue

	ctx    context.Context
	cancel context.CancelFunc
	jobs   sync.WaitGroup // of the readers of the phones
	pump   sync.WaitGroup
	once   sync.Once
	err    error

	mu   sync.Mutex
	legs map[LegID]*member
}

// member is a leg and the account that it belongs to.
type member struct {
	phone    *Phone
	answered bool
	held     bool // by us, or about to be
}

// OpenGroup opens several accounts, the primary first; they share the name service's memory and look for sleep and changes of the
// network together. MaxCalls of the primary counts for all of them: a phone that is busy on one account is busy on all. Errors are those
// of Open, with the account that they are about.
func OpenGroup(ctx context.Context, accounts ...Config) (*Group, error) {
	if len(accounts) == 0 {
		return nil, &ConfigError{"account", "there is none"}
	}
	g := &Group{events: newQueue(), legs: map[LegID]*member{}, most: accounts[0].MaxCalls}
	setDefault(&g.most, 16)
	g.ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	finder := accounts[0].Locate
	if finder == nil {
		finder = locate.New(locate.Config{})
	}
	unwatched, seen := accounts[0].Unwatched, map[string]bool{}
	for i, cfg := range accounts {
		if cfg.Locate == nil {
			cfg.Locate = finder
		}
		cfg.Unwatched, cfg.full, cfg.secondary = true, g.full, i > 0
		if i > 0 {
			cfg.Devices = nil // told once
		}
		p, err := Open(ctx, cfg)
		if err == nil && seen[p.acc.aor.String()] {
			g.phones = append(g.phones, p)
			err = &ConfigError{"account", "is there twice"}
		}
		if err != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			for _, p := range g.phones {
				err = errors.Join(err, p.Close(ctx))
			}
			g.cancel()
			return nil, fmt.Errorf("the account %s: %w", text.Clean(cfg.Account), err)
		}
		seen[p.acc.aor.String()] = true
		g.phones = append(g.phones, p)
	}
	g.pump.Go(func() { g.events.pump(g.ctx) })
	for _, p := range g.phones {
		g.jobs.Go(func() { g.read(p) })
	}
	if !unwatched {
		g.pump.Go(g.watch)
	}
	return g, nil
}

// watch tells all accounts of sleep and of changes of the network.
func (g *Group) watch() {
	w := watch.New(watch.Config{})
	defer w.Close()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-w.Events():
			for _, p := range g.phones {
				p.NetworkChanged()
			}
		}
	}
}

// read takes the events of one account into the common stream.
func (g *Group) read(p *Phone) {
	for e := range p.Events() {
		g.take(p, e)
	}
}

// take tells an event of one account, and then does what follows from it: nobody is to read first that a call is held, and then for which.
func (g *Group) take(p *Phone, e Event) {
	others := g.note(p, e)
	g.events.put(e)
	g.hold(others)
}

// note keeps in mind which leg is whose, and gives the headset away: the legs of others are to be held.
func (g *Group) note(p *Phone, e Event) (others []LegID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e := e.(type) {
	case IncomingCall:
		g.legs[e.Leg] = &member{phone: p}
	case OutgoingCall:
		if g.legs[e.Leg] == nil {
			g.legs[e.Leg] = &member{phone: p}
		}
	case CallAnswered:
		if m := g.legs[e.Leg]; m != nil {
			m.answered = true
			others = g.talking(p)
		}
	case CallHeld:
		if m := g.legs[e.Leg]; m != nil {
			if m.held = e.ByUs; !m.held {
				others = g.talking(p)
			}
		}
	case CommandFailed:
		if m := g.legs[e.Leg]; m != nil && e.Command == "hold" {
			m.held = false
		} else if m != nil && e.Command == "dial" { // it never began
			delete(g.legs, e.Leg)
		}
	case CallEnded:
		if m := g.legs[e.Leg]; m != nil && m.phone == p {
			delete(g.legs, e.Leg)
		}
	}
	return others
}

// talking are the conversations at other accounts than p, which are to be held; g.mu is held.
func (g *Group) talking(p *Phone) (out []LegID) {
	for id, m := range g.legs {
		if m.phone != p && m.answered && !m.held {
			m.held = true
			out = append(out, id)
		}
	}
	return out
}

func (g *Group) hold(legs []LegID) {
	for _, id := range legs {
		if p := g.of(id); p != nil {
			p.Hold(id)
		}
	}
}

// of is the account of a leg; nil: there is no such leg.
func (g *Group) of(id LegID) *Phone {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.legs[id]; m != nil {
		return m.phone
	}
	return nil
}

// full reports whether all accounts together have as many calls as they may.
func (g *Group) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.legs) >= g.most
}

// on runs a command at the account of a leg.
func (g *Group) on(id LegID, f func(*Phone)) {
	if p := g.of(id); p != nil {
		f(p)
	}
}

// Events is the one stream of all accounts, each in its order. It is closed by Close.
func (g *Group) Events() <-chan Event { return g.events.out }

// Phones are the accounts, the primary first.
func (g *Group) Phones() []*Phone { return append([]*Phone(nil), g.phones...) }

// Strangers counts the INVITEs that were dropped because of where they came from.
func (g *Group) Strangers() (n uint64) {
	for _, p := range g.phones {
		n += p.Strangers()
	}
	return n
}

// Dial calls a number or SIP URI from the primary account; from another one when the target ends in " via " and its address of record,
// user or domain, or is a SIP URI of its domain.
func (g *Group) Dial(id LegID, target string) {
	p, target, err := g.choose(target)
	g.mu.Lock()
	if g.legs[id] != nil {
		err = errors.New("This call was started before")
	} else if err == nil && id != "" {
		g.legs[id] = &member{phone: p}
	}
	g.mu.Unlock()
	if err != nil {
		g.fail(id, "dial", err.Error())
		return
	}
	p.Dial(id, target)
}

func (g *Group) fail(id LegID, command, why string) {
	g.events.put(CommandFailed{At: time.Now(), Leg: id, Command: command, Reason: text.Clean(why)})
}

// choose finds the account for a target.
func (g *Group) choose(target string) (*Phone, string, error) {
	if i := strings.LastIndex(strings.ToLower(target), " via "); i >= 0 {
		name := strings.TrimSpace(target[i+len(" via "):])
		for _, p := range g.phones {
			if p.acc.named(name) {
				return p, strings.TrimSpace(target[:i]), nil
			}
		}
		return nil, "", fmt.Errorf("There is no account %s", text.Clean(name).Runes(60))
	}
	first := g.phones[0]
	if uri, err := first.target(target, first.home()); err == nil && !first.at(uri) {
		for _, p := range g.phones[1:] {
			if p.at(uri) {
				return p, target, nil
			}
		}
	}
	return first, target, nil
}

// named reports whether people mean this account by a name.
func (a account) named(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(name), "sips:"), "sip:")
	user, host := strings.ToLower(a.aor.User), strings.ToLower(a.aor.Host)
	return name != "" && (name == user || name == host || name == user+"@"+host || name == strings.ToLower(a.aor.HostPort()) || name == user+"@"+strings.ToLower(a.aor.HostPort()))
}

// Answer takes an inbound call.
func (g *Group) Answer(leg LegID) { g.on(leg, func(p *Phone) { p.Answer(leg) }) }

// Reject refuses an inbound call.
func (g *Group) Reject(leg LegID, code int, reason string) {
	g.on(leg, func(p *Phone) { p.Reject(leg, code, reason) })
}

// Hangup ends a call.
func (g *Group) Hangup(leg LegID) { g.on(leg, func(p *Phone) { p.Hangup(leg) }) }

// Hold puts the far end on hold.
func (g *Group) Hold(leg LegID) { g.on(leg, func(p *Phone) { p.Hold(leg) }) }

// Resume takes the far end back.
func (g *Group) Resume(leg LegID) { g.on(leg, func(p *Phone) { p.Resume(leg) }) }

// SendDTMF sends keypad digits.
func (g *Group) SendDTMF(leg LegID, digits string) {
	g.on(leg, func(p *Phone) { p.SendDTMF(leg, digits) })
}

// Mute replaces the microphone by silence for one call.
func (g *Group) Mute(leg LegID, on bool) { g.on(leg, func(p *Phone) { p.Mute(leg, on) }) }

// Transfer asks the far end to call target instead.
func (g *Group) Transfer(leg LegID, target string) {
	g.on(leg, func(p *Phone) { p.Transfer(leg, target) })
}

// TransferTo connects two far ends; both calls must be of one account, because no exchange joins what it does not carry.
func (g *Group) TransferTo(leg, other LegID) {
	p, o := g.of(leg), g.of(other)
	switch {
	case p == nil:
	case o != nil && o != p:
		g.fail(leg, "transfer", "The two calls belong to different accounts and cannot be joined; transfer to the number instead")
	default:
		p.TransferTo(leg, other)
	}
}

// Redirect sends a call that rings elsewhere.
func (g *Group) Redirect(leg LegID, target string) {
	g.on(leg, func(p *Phone) { p.Redirect(leg, target) })
}

// Conference joins calls of one account.
func (g *Group) Conference(legs []LegID) {
	var p *Phone
	for _, id := range legs {
		o := g.of(id)
		if o != nil && p != nil && o != p {
			g.fail(legs[0], "conference", "Calls of different accounts cannot be joined")
			return
		}
		if o != nil {
			p = o
		}
	}
	for _, o := range g.phones {
		if o == p {
			o.Conference(legs)
		} else {
			o.Conference(nil)
		}
	}
}

// Record starts and ends the recording of a call.
func (g *Group) Record(leg LegID, on bool) { g.on(leg, func(p *Phone) { p.Record(leg, on) }) }

// PauseRecording pauses it.
func (g *Group) PauseRecording(leg LegID, on bool) {
	g.on(leg, func(p *Phone) { p.PauseRecording(leg, on) })
}

// Register registers all accounts again now.
func (g *Group) Register() {
	for _, p := range g.phones {
		p.Register()
	}
}

// Quality is how a call sounds now.
func (g *Group) Quality(leg LegID) (media.Stats, bool) {
	if p := g.of(leg); p != nil {
		return p.Quality(leg)
	}
	return media.Stats{}, false
}

// Close closes all accounts at the same time, as Phone.Close does, and then Events.
func (g *Group) Close(ctx context.Context) error {
	g.once.Do(func() {
		errs := make([]error, len(g.phones))
		var wg sync.WaitGroup
		for i, p := range g.phones {
			wg.Go(func() { errs[i] = p.Close(ctx) })
		}
		wg.Wait()
		g.jobs.Wait() // the last events are in the common stream
		g.events.close()
		select {
		case <-g.events.done:
		case <-ctx.Done():
		}
		g.cancel()
		g.pump.Wait()
		g.err = errors.Join(errs...)
	})
	return g.err
}
