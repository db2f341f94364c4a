package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// phoneStub is a telephone whose events the test makes.
type phoneStub struct {
	events chan sip.Event
	mu     sync.Mutex
	did    []string
	polled int
	stats  map[sip.LegID]media.Stats
}

func (p *phoneStub) Events() <-chan sip.Event { return p.events }
func (p *phoneStub) note(s string, leg sip.LegID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, s+" "+string(leg))
}
func (p *phoneStub) Answer(l sip.LegID)                  { p.note("answer", l) }
func (p *phoneStub) Reject(l sip.LegID, _ int, _ string) { p.note("reject", l) }
func (p *phoneStub) Hangup(l sip.LegID)                  { p.note("hangup", l) }
func (p *phoneStub) Hold(l sip.LegID)                    { p.note("hold", l) }
func (p *phoneStub) Resume(l sip.LegID)                  { p.note("resume", l) }
func (p *phoneStub) Dial(l sip.LegID, to string)         { p.note("dial "+to, l) }
func (p *phoneStub) SendDTMF(l sip.LegID, d string)      { p.note("dtmf", l) }
func (p *phoneStub) Mute(l sip.LegID, on bool)           { p.note(fmt.Sprint("mute ", on), l) }
func (p *phoneStub) Transfer(l sip.LegID, t string)      { p.note("transfer "+t, l) }
func (p *phoneStub) Register()                           { p.note("register", "") }
func (p *phoneStub) TransferTo(l, o sip.LegID)           { p.note("transfer to "+string(o), l) }
func (p *phoneStub) Redirect(l sip.LegID, t string)      { p.note("redirect "+t, l) }
func (p *phoneStub) Conference(l []sip.LegID)            { p.note(fmt.Sprint("conference ", l), "") }
func (p *phoneStub) Record(l sip.LegID, on bool)         { p.note(fmt.Sprint("record ", on), l) }
func (p *phoneStub) PauseRecording(l sip.LegID, on bool) { p.note(fmt.Sprint("pause ", on), l) }
func (p *phoneStub) Quality(l sip.LegID) (media.Stats, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polled++
	st, ok := p.stats[l]
	return st, ok
}
func (p *phoneStub) polls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polled
}

// customerStub answers when the test says so: it waits for release, or for the end.
type customerStub struct {
	release chan crm.Match
}

func (c *customerStub) Lookup(ctx context.Context, number text.Text, _ crm.Direction) crm.Match {
	select {
	case m := <-c.release:
		return m
	case <-ctx.Done():
		return crm.Match{State: crm.MatchFailed}
	}
}
func (c *customerStub) Card(_ context.Context, ref crm.Ref) (crm.Card, error) {
	return crm.Card{Ref: ref}, nil
}
func (c *customerStub) Search(ctx context.Context, _ text.Text, _ bool) (crm.Found, error) {
	<-ctx.Done()
	return crm.Found{}, ctx.Err()
}
func (c *customerStub) Recents(context.Context) ([]crm.Hit, error) { return nil, nil }
func (c *customerStub) Form(_ context.Context, ask crm.FormAsk) (crm.Form, error) {
	return crm.Form{Object: ask.Object}, nil
}
func (c *customerStub) Update(ctx context.Context, _ crm.FormUpdate) (crm.Ref, *crm.Form, error) {
	<-ctx.Done()
	return crm.Ref{}, nil, ctx.Err()
}
func (c *customerStub) Objects(context.Context) ([]crm.ObjectName, error) { return nil, nil }
func (c *customerStub) References(context.Context, []string, text.Text) ([]crm.Hit, error) {
	return nil, nil
}
func (c *customerStub) Create(ctx context.Context, _ string, _ map[string]string) (crm.Ref, *crm.Form, error) {
	<-ctx.Done()
	return crm.Ref{}, nil, ctx.Err()
}

// diskStub is a ledger that can be full. It keeps what was acknowledged.
type diskStub struct {
	mu      sync.Mutex
	gate    chan struct{} // a slow disk: every journal write waits for one
	full    error
	lines   []string // "key state transition"
	states  map[string]string
	ended   map[string]int
	refused int
	alive   int
	amended []json.RawMessage
	records map[string]json.RawMessage // as they are now
}

var errFull = errors.New("the disk is full")

func (d *diskStub) set(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = err
}
func (d *diskStub) Journal(_ context.Context, c ledger.Call, what string, _ time.Time) error {
	if d.gate != nil {
		<-d.gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full != nil {
		d.refused++
		return d.full
	}
	d.lines = append(d.lines, c.State+" "+what)
	d.states[c.Key] = c.State
	return nil
}
func (d *diskStub) Finish(_ context.Context, c ledger.Call, item *ledger.Item) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full != nil {
		d.refused++
		return d.full
	}
	d.lines = append(d.lines, c.State)
	d.states[c.Key] = string(Ended)
	d.ended[c.Key]++
	d.records[c.Key] = c.Detail
	return nil
}
func (d *diskStub) Amend(_ context.Context, key string, _ time.Time, change ledger.Change) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full != nil {
		d.refused++
		return false, d.full
	}
	c, body, err := change(ledger.Call{Key: key}, d.records[key])
	if err != nil {
		return false, err
	}
	d.records[key] = body
	d.lines = append(d.lines, "amend "+c.Notes.String()+" "+c.RecordID)
	d.amended = append(d.amended, body)
	return false, nil
}
func (d *diskStub) Alive(context.Context, time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alive++
	return d.full
}

// office is a Desk under test.
type office struct {
	t     *testing.T
	d     *Desk
	phone *phoneStub
	crm   *customerStub
	disk  *diskStub
	rang  []bool
	done  chan struct{}
	stop  context.CancelFunc
	saw   []*Snapshot // everything a fast subscriber saw
	sawMu sync.Mutex
}

// open runs a desk inside the test's bubble.
func open(t *testing.T, set Settings, change ...func(*Ports)) *office {
	t.Helper()
	o := &office{
		t: t, phone: &phoneStub{events: make(chan sip.Event, 64), stats: map[sip.LegID]media.Stats{}},
		crm:  &customerStub{release: make(chan crm.Match)},
		disk: &diskStub{states: map[string]string{}, ended: map[string]int{}, records: map[string]json.RawMessage{}}, done: make(chan struct{}),
	}
	ports := Ports{Phone: o.phone, Customers: o.crm, Journal: o.disk, Ring: func(on bool) { o.rang = append(o.rang, on) }}
	for _, f := range change {
		f(&ports)
	}
	o.d = NewDesk(set, ports)
	ctx, stop := context.WithCancel(t.Context())
	o.stop = stop
	snaps, _ := o.d.Subscribe()
	go func() {
		for s := range snaps {
			o.watch(s)
		}
	}()
	go func() {
		defer close(o.done)
		if err := o.d.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	o.tell(sip.RegistrationChanged{State: sip.Registered, Server: text.Clean("pbx")})
	return o
}

// watch holds every published snapshot against the disk: what it says of a call is written, or is reported as not written.
func (o *office) watch(s *Snapshot) {
	o.sawMu.Lock()
	defer o.sawMu.Unlock()
	o.saw = append(o.saw, s)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	for _, c := range s.Calls {
		on := o.disk.states[string(c.Key)]
		if on == "" && c.Record != RecordUnsafe && c.Leg != "" {
			o.t.Errorf("call %s is shown as %s and nothing of it is on disk", c.Leg, c.Record)
		}
		if c.State == Ended && on != string(Ended) && c.Record != RecordUnsafe {
			o.t.Errorf("call %s is shown as ended (%s), the disk has %q", c.Leg, c.Record, on)
		}
	}
}

// tell is an event of the telephone; the desk has come to rest when it returns.
func (o *office) tell(ev sip.Event) *Snapshot {
	o.phone.events <- ev
	return o.rest()
}
func (o *office) rest() *Snapshot { synctest.Wait(); return o.d.Snapshot() }
func (o *office) send(v Verb, arg string) *Snapshot {
	o.d.Send(Command{Verb: v, Text: arg})
	return o.rest()
}
func (o *office) incoming(leg string) *Snapshot {
	return o.tell(sip.IncomingCall{At: time.Now(), Leg: sip.LegID(leg), CallID: "id-" + leg, LocalTag: "t", Remote: party("07814256404")})
}
func (o *office) bye(leg string) *Snapshot {
	return o.tell(sip.CallEnded{At: time.Now(), Leg: sip.LegID(leg), Cause: sip.EndNormal})
}

// pass lets virtual time go by.
func (o *office) pass(d time.Duration) *Snapshot { <-time.After(d); return o.rest() }

func (o *office) close() { o.stop(); <-o.done }

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func said(s *Snapshot, part string) bool {
	return slices.ContainsFunc(s.Notices, func(n Notice) bool { return strings.Contains(n.Text.String(), part) })
}
