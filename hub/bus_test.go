package hub

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/allocs"
)

// bus is a hub on a port of its own, with the tokens of both roles.
type bus struct {
	*Server
	dir, agents, bosses string
}

func startBus(t testing.TB, dir, listen string) *bus {
	t.Helper()
	s, err := Serve(t.Context(), Options{Listen: listen, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := &bus{Server: s, dir: dir}
	if b.agents, b.bosses, err = s.Tokens(); err != nil {
		t.Fatal(err)
	}
	return b
}

func newBus(t testing.TB) *bus { return startBus(t, t.TempDir(), "127.0.0.1:0") }

// ownAddress is an address for a hub that comes back to it: systems give such low ports to nobody who does not ask for them, so
// nobody takes it meanwhile.
func ownAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000))))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// links collects what an agent is told about its link.
type links struct {
	mu  sync.Mutex
	all []desk.LinkChanged
	ch  chan desk.LinkChanged
}

func (l *links) told(c desk.LinkChanged) {
	l.mu.Lock()
	l.all = append(l.all, c)
	l.mu.Unlock()
	select {
	case l.ch <- c:
	default:
	}
}

func (l *links) wait(t testing.TB, h desk.Health) desk.LinkChanged {
	t.Helper()
	for {
		select {
		case c := <-l.ch:
			if c.Health == h {
				return c
			}
		case <-timeout(t):
			t.Fatalf("the link never was %s: %v", h, l.all)
		}
	}
}

// timeout bounds a wait that would never end.
func timeout(t testing.TB) <-chan struct{} {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx.Done()
}

func (b *bus) agent(t testing.TB, name string, change ...func(*Config)) (*Agent, *links) {
	t.Helper()
	l := &links{ch: make(chan desk.LinkChanged, 64)}
	cfg := Config{URL: b.URL(), Token: b.agents, Site: "main", Team: "sales", Agent: name, OnLink: l.told}
	for _, f := range change {
		f(&cfg)
	}
	a, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, l
}

func (b *bus) board(t testing.TB, change ...func(*Config)) *Board {
	t.Helper()
	cfg := Config{URL: b.URL(), Token: b.bosses, Agent: "Maya"}
	for _, f := range change {
		f(&cfg)
	}
	w, err := Watch(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// until waits for the board to show something.
func until(t testing.TB, b *Board, what string, ok func([]Row) bool) []Row {
	t.Helper()
	end := timeout(t)
	for {
		rows := b.Rows(time.Now())
		if ok(rows) {
			return rows
		}
		select {
		case <-b.Changes():
		case <-end:
			t.Fatalf("the board never showed %s: %+v, link %+v", what, rows, b.Link())
		}
	}
}

func only(presence Presence, state desk.State) func([]Row) bool {
	return func(rows []Row) bool {
		return len(rows) == 1 && rows[0].Presence == presence && rows[0].Value.State == state
	}
}

// client is a raw client with a token.
func (b *bus) client(t testing.TB, user, token string) (*nats.Conn, chan error) {
	t.Helper()
	errs := make(chan error, 64)
	nc, err := nats.Connect(b.URL(), nats.UserInfo(user, token), nats.CustomInboxPrefix(inboxPrefix+user),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { errs <- err }))
	if err != nil {
		t.Fatalf("%s: %v", user, err)
	}
	t.Cleanup(nc.Close)
	return nc, errs
}

func TestASnapshotReachesTheBoard(t *testing.T) {
	b := newBus(t)
	a, l := b.agent(t, "Amy Weber")
	a.Publish(talking())
	l.wait(t, desk.HealthOK)
	r := until(t, b.board(t), "the call", only(Live, desk.OnCall))[0]
	if r.Key != (Key{"main", "sales", "Amy Weber"}) || r.Value.Call.Peer.String() != "0781…404" || r.Value.Outbox.Dead != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAnAgentThatLeavesIsOfflineAtOnceAndSaysSo(t *testing.T) {
	b := newBus(t)
	a, l := b.agent(t, "amy")
	a.Publish(talking())
	l.wait(t, desk.HealthOK)
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	a.Close()
	r := until(t, w, "the goodbye", only(Gone, desk.Offline))[0]
	if r.Value.Reason.String() != leftReason || r.Value.Call != nil || r.Value.Outbox.Pending != 2 {
		t.Errorf("%+v", r.Value)
	}
}

func TestALostConnectionIsNoticedWithoutWaitingForAHeartbeat(t *testing.T) {
	b := newBus(t)
	nc, _ := b.client(t, roleAgent+amy, b.agents)
	v, _ := project(talking(), noon, 0).encode()
	if err := put(nc, kvPrefix+amy, v, agentTTL, requestLimit); err != nil {
		t.Fatal(err)
	}
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	nc.Close() // no goodbye
	r := until(t, w, "the loss", only(Gone, desk.Offline))[0]
	if r.Value.Reason.String() != lostReason || r.Value.Outbox.Pending != 2 {
		t.Errorf("%+v", r.Value)
	}
}

func TestAnOldConnectionsEndDoesNotHideAnAgentWhoIsBack(t *testing.T) {
	b := newBus(t)
	old, _ := b.client(t, roleAgent+amy, b.agents)
	fresh, _ := b.client(t, roleAgent+amy, b.agents)
	v, _ := project(talking(), noon, 0).encode()
	if err := put(fresh, kvPrefix+amy, v, agentTTL, requestLimit); err != nil {
		t.Fatal(err)
	}
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	old.Close()
	s := talking()
	s.State = desk.Away
	v, _ = project(s, noon, 0).encode()
	if err := put(fresh, kvPrefix+amy, v, agentTTL, requestLimit); err != nil {
		t.Fatal(err)
	}
	until(t, w, "the agent still here", only(Live, desk.Away))
}

func TestTheHubsDeathHarmsNoDeskAndTheRowsComeBack(t *testing.T) {
	b := startBus(t, t.TempDir(), ownAddress(t))
	a, l := b.agent(t, "amy")
	a.Publish(talking())
	l.wait(t, desk.HealthOK)
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	address := strings.TrimPrefix(b.URL(), "nats://")
	b.Close()
	until(t, w, "its own loss", only(Unknown, desk.OnCall))
	for !strings.Contains(l.wait(t, desk.HealthWarn).Text.String(), "calls go on") { // a hub that is ending may still say that it cannot yet
	}
	s := talking()
	for i := range 1000 { // the desk goes on; nothing blocks
		s2 := *s
		s2.Seq = uint64(i)
		a.Publish(&s2)
	}
	s.State, s.Calls = desk.Available, nil
	a.Publish(s)
	startBus(t, b.dir, address)
	until(t, w, "the new state", only(Live, desk.Available))
	l.wait(t, desk.HealthOK)
}

func TestWithoutAHubADeskStartsAtOnceAndSaysWhatItMeans(t *testing.T) {
	l := &links{ch: make(chan desk.LinkChanged, 64)}
	a, err := Connect(t.Context(), Config{URL: "nats://127.0.0.1:1", Token: "x", Agent: "amy", OnLink: l.told})
	if err != nil {
		t.Fatal(err)
	}
	a.Publish(talking())
	l.wait(t, desk.HealthWarn)
	a.Close()
	if _, open := <-a.Commands(); open {
		t.Error("an order came from nowhere")
	}
}

func TestAnOrderReachesTheDeskByAGrantAndIsAudited(t *testing.T) {
	b := newBus(t)
	a, l := b.agent(t, "amy")
	a.Publish(talking())
	l.wait(t, desk.HealthOK)
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	if _, err := w.Do(t.Context(), awayOrder()); err != nil {
		t.Fatal(err)
	}
	select {
	case g := <-a.Commands():
		if cmd, ok := g.Events[0].(desk.Commanded); !ok || cmd.Verb != desk.GoAway || cmd.By.String() != "Maya" || cmd.Text != "Fire drill" {
			t.Errorf("%+v", g)
		}
	case <-timeout(t):
		t.Fatal("no order came")
	}
	refused := func(o Order, want Code) {
		t.Helper()
		var r *Refusal
		if _, err := w.Do(t.Context(), o); !errors.As(err, &r) || r.Code != want {
			t.Errorf("%+v: got %v, want %s", o, err, want)
		}
	}
	refused(Order{Agent: amy, Verb: Monitor, Mode: Listen, Call: talking().Calls[1].Key}, CodeLater)
	refused(Order{Agent: amy, Verb: Monitor, Mode: Listen, Call: "gone"}, CodeOver)
	refused(Order{Agent: "main.sales.bob", Verb: ForceAway}, CodeNobody)
	refused(Order{Agent: "east.sales.amy", Verb: ForceAway}, CodeForeign) // same subject, another site
	events := b.audited(t, 9)
	want := []string{"grant.issued", "grant.used", "grant.issued", "grant.refused later", "grant.issued", "grant.refused over", "grant.issued", "grant.issued", "grant.refused foreign"}
	if strings.Join(events, "|") != strings.Join(want, "|") {
		t.Errorf("audit: %q", events)
	}
}

// audited reads the first n entries of the audit.
func (b *bus) audited(t testing.TB, n uint64) (out []string) {
	t.Helper()
	js, err := jetstream.New(b.service.nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), auditStream)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		m, err := cons.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		var e AuditEntry
		if err := json.Unmarshal(m.Data(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(e.Event+" "+string(e.Code)))
	}
	return out
}

func TestADesksPolicyHasTheLastWord(t *testing.T) {
	b := newBus(t)
	a, l := b.agent(t, "amy", func(c *Config) {
		c.Policy = func(Grant) error { return &Refusal{CodePolicy, "Not during training."} }
	})
	a.Publish(talking())
	l.wait(t, desk.HealthOK)
	w := b.board(t)
	until(t, w, "the agent", only(Live, desk.OnCall))
	if _, err := w.Do(t.Context(), awayOrder()); err == nil || err.Error() != "Not during training." {
		t.Errorf("got %v", err)
	}
}

func TestASupervisorOfOneTeamSeesThatTeam(t *testing.T) {
	b := newBus(t)
	a1, l1 := b.agent(t, "amy")
	a2, l2 := b.agent(t, "bob", func(c *Config) { c.Team = "support" })
	a1.Publish(talking())
	a2.Publish(talking())
	l1.wait(t, desk.HealthOK)
	l2.wait(t, desk.HealthOK)
	until(t, b.board(t), "both", func(r []Row) bool { return len(r) == 2 })
	r := until(t, b.board(t, func(c *Config) { c.Team = "support" }), "one", func(r []Row) bool { return len(r) > 0 })
	if len(r) != 1 || r[0].Key.Agent != "bob" {
		t.Errorf("%+v", r)
	}
}

func TestAnEndedCallIsToldOnceAndMasked(t *testing.T) {
	b := newBus(t)
	a, l := b.agent(t, "amy")
	s := talking()
	k := &s.Calls[1]
	k.State, k.EndedAt, k.Cause, k.Assoc = desk.Ended, noon, c("07814256404 hung up"), crm.Association{Who: crm.Ref{Type: "Contact", ID: "003"}}
	a.Publish(s)
	l.wait(t, desk.HealthOK)
	again := *s
	again.Seq++
	a.Publish(&again)
	a.Close()
	js, err := jetstream.New(b.service.nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), callsStream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != 1 {
		t.Fatalf("%d calls told, %v", info.State.Msgs, err)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var ev CallEvent
	if err := json.Unmarshal(m.Data, &ev); err != nil {
		t.Fatal(err)
	}
	if m.Subject != "evt.calls.sales" || ev.Peer.String() != "0781…404" || ev.Seconds != 60 || ev.Object != "Contact" || strings.Contains(string(m.Data), "07814256404") {
		t.Errorf("%s", m.Data)
	}
}

func TestPublishNeverWaitsAndCostsLittle(t *testing.T) {
	// Its run loop does not run: what that allocates on the way to a hub would be counted, too.
	a := &Agent{link: newLink(Config{}, roleAgent+amy), key: amy, news: make(chan struct{}, 1), told: map[desk.CallKey]time.Time{}}
	s := talking()
	if n := allocs.Of(100, func() { a.Publish(s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProjectAndEncode(b *testing.B) {
	s := talking()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := project(s, noon, 0).encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRowsOfAThousandAgents(b *testing.B) {
	w := &Board{rows: map[string]*held{}, at: BoardLink{Up: true}}
	for i := range 1000 {
		k := Key{"main", "sales", strings.Repeat("a", i%20) + string(rune('a'+i%26)) + ms(time.UnixMilli(int64(i)))}
		w.rows[k.String()] = &held{key: k, value: project(talking(), noon, 0), heard: noon}
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Rows(noon)
	}
}
