package hub

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"offhook/desk"
	"offhook/internal/text"
)

// service is the hub's own part behind the server: it greets clients, signs grants, keeps the streams, and marks an agent
// offline the moment the connection ends.
type service struct {
	srv    *server.Server
	nc     *nats.Conn // in the team's account
	events *nats.Conn // in the system account
	kv     jetstream.KeyValue
	key    ed25519.PrivateKey
	log    *slog.Logger

	mu   sync.Mutex
	here map[string]map[uint64]bool // agents' keys → their connections
}

// startService connects inside the process and makes what is not there yet.
func startService(ctx context.Context, srv *server.Server, token string, key ed25519.PrivateKey, log *slog.Logger) (_ *service, err error) {
	s := &service{srv: srv, key: key, log: log, here: map[string]map[uint64]bool{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	connect := func(user string) (*nats.Conn, error) {
		return nats.Connect("", nats.InProcessServer(srv), nats.UserInfo(user, token), nats.Name("offhook hub"), nats.NoReconnect())
	}
	if s.nc, err = connect(serviceUser); err != nil {
		return nil, err
	}
	if s.events, err = connect(serviceUser + ".events"); err != nil {
		return nil, err
	}
	if err := s.streams(ctx); err != nil {
		return nil, err
	}
	for _, sub := range []struct {
		nc      *nats.Conn
		subject string
		handle  nats.MsgHandler
	}{
		{s.events, "$SYS.ACCOUNT.TEAM.*", s.door}, // one subscription: coming and going in their order
		{s.nc, grantSubject + "*", s.grant},
		{s.nc, helloSubject, s.hello}, // last: who was greeted may rely on all of it
	} {
		if _, err := sub.nc.Subscribe(sub.subject, sub.handle); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(s.events.FlushTimeout(requestLimit), s.nc.FlushTimeout(requestLimit))
}

// streams makes the bucket of live states, in memory, and the streams of call events and audit, on disk.
func (s *service) streams(ctx context.Context) error {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s.kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: bucket, Description: "live state of agents", Storage: jetstream.MemoryStorage, History: 1,
		MaxValueSize: 2 * MaxValue, LimitMarkerTTL: time.Minute, // the limit counts headers too
	})
	if err != nil {
		return fmt.Errorf("bucket of live states: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: callsStream, Description: "calls that have ended", Subjects: []string{callsSubject + "*"}, Storage: jetstream.FileStorage,
		MaxAge: 7 * 24 * time.Hour, MaxMsgSize: bodyLimit, Duplicates: 10 * time.Minute, MaxBytes: 512 << 20,
	})
	if err != nil {
		return fmt.Errorf("stream of calls: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: auditStream, Description: "who did what to whom", Subjects: []string{"audit.>"}, Storage: jetstream.FileStorage,
		MaxMsgSize: bodyLimit, DenyDelete: true, DenyPurge: true,
	})
	if err != nil {
		return fmt.Errorf("stream of the audit: %w", err)
	}
	return nil
}

func (s *service) hello(m *nats.Msg) {
	_ = m.Respond(mustJSON(hello{V: 1, Key: s.key.Public().(ed25519.PublicKey), Now: time.Now().UnixMilli()}))
}

// grant answers a supervisor's order with a grant. The subject ends in the supervisor's own name, which the server checked.
func (s *service) grant(m *nats.Msg) {
	name := text.Clean(untoken(strings.TrimPrefix(m.Subject, grantSubject)))
	var o Order
	out := answer{V: 1}
	entry := AuditEntry{V: 1, At: time.Now().UTC(), Event: "grant.denied", Supervisor: name}
	if len(m.Data) > bodyLimit || json.Unmarshal(m.Data, &o) != nil {
		out.Refuse = &Refusal{CodeUnknown, "The order cannot be read."}
	} else {
		out.Refuse = o.check()
		entry.Agent, entry.Verb, entry.Mode, entry.Call = clip(o.Agent, 160), Verb(clip(string(o.Verb), 16)), Mode(clip(string(o.Mode), 16)), clip(string(o.Call), 40)
	}
	if out.Refuse == nil {
		g := newGrant(name, o, time.Now())
		signed, err := g.sign(s.key)
		if err != nil {
			out.Refuse = &Refusal{CodeUnknown, "The order cannot be signed."}
		} else {
			out.Signed = &signed
			entry.Event, entry.Nonce = "grant.issued", g.Nonce
		}
	}
	if out.Refuse != nil {
		entry.Code = out.Refuse.Code
	}
	s.audit(entry) // before the grant is in anybody's hands
	_ = m.Respond(mustJSON(out))
}

func (s *service) audit(e AuditEntry) {
	m := nats.NewMsg(auditHub)
	m.Data = mustJSON(e)
	if err := acked(s.nc, m, requestLimit); err != nil {
		s.log.Error("hub: audit entry not kept", "event", e.Event, "error", err)
	}
}

// connection is what we need of the server's connect and disconnect events.
type connection struct {
	Client struct {
		ID   uint64 `json:"id"`
		User string `json:"user"`
	} `json:"client"`
}

func (s *service) agentOf(m *nats.Msg) (key string, id uint64, ok bool) {
	var c connection
	if json.Unmarshal(m.Data, &c) != nil {
		return "", 0, false
	}
	key, ok = strings.CutPrefix(c.Client.User, roleAgent)
	return key, c.Client.ID, ok
}

// door hears of connections that come and go.
func (s *service) door(m *nats.Msg) {
	switch {
	case strings.HasSuffix(m.Subject, ".CONNECT"):
		s.came(m)
	case strings.HasSuffix(m.Subject, ".DISCONNECT"):
		s.went(m)
	}
}

func (s *service) came(m *nats.Msg) {
	key, id, ok := s.agentOf(m)
	if !ok {
		return
	}
	s.mu.Lock()
	if s.here[key] == nil {
		s.here[key] = map[uint64]bool{}
	}
	s.here[key][id] = true
	s.mu.Unlock()
}

// went marks an agent offline at once when the last connection under that name has ended.
func (s *service) went(m *nats.Msg) {
	key, id, ok := s.agentOf(m)
	if !ok {
		return
	}
	s.mu.Lock()
	delete(s.here[key], id)
	last := len(s.here[key]) == 0
	if last {
		delete(s.here, key)
	}
	s.mu.Unlock()
	if last {
		s.offline(key, id)
	}
}

// back reports whether an agent has a connection that was made after this one. The server knows before we hear of it: after a cut that
// ends many connections at once their ends stand in a queue, and agents are back before it is their turn.
func (s *service) back(key string, id uint64) bool {
	open, err := s.srv.Connz(&server.ConnzOptions{Username: true, User: roleAgent + key})
	return err == nil && slices.ContainsFunc(open.Conns, func(c *server.ConnInfo) bool { return c.Cid > id })
}

// offline writes the agent's last value again as offline when a connection has ended, unless the agent has come back: the server tells
// whether before the value was read, the revision whether after that.
func (s *service) offline(key string, id uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), requestLimit)
	defer cancel()
	v, revision := Value{V: valueVersion}, uint64(0)
	if entry, err := s.kv.Get(ctx, key); err == nil {
		revision = entry.Revision()
		if old, err := decodeValue(entry.Value()); err == nil {
			v = old
		}
	} else {
		return // it never said anything, or that has expired
	}
	event := "agent.left"
	if v.State != desk.Offline {
		if s.back(key, id) {
			return
		}
		event = "agent.lost"
		v.State, v.Reason, v.Next, v.Call, v.Calls = desk.Offline, text.Clean(lostReason), "", nil, 0
		v.Since = time.Now().UnixMilli()
		v.Seq++
		b, err := v.encode()
		if err != nil {
			return
		}
		msg := nats.NewMsg(kvPrefix + key)
		msg.Data = b
		msg.Header.Set(ttlHeader, offlineTTL.String())
		msg.Header.Set("Nats-Expected-Last-Subject-Sequence", fmt.Sprint(revision))
		if err := acked(s.nc, msg, requestLimit); err != nil {
			s.log.Debug("hub: agent is back already", "agent", key, "error", err)
			return
		}
	}
	s.audit(AuditEntry{V: 1, At: time.Now().UTC(), Event: event, Agent: key})
}

func (s *service) close() {
	if s == nil {
		return
	}
	for _, nc := range []*nats.Conn{s.nc, s.events} {
		if nc != nil {
			nc.Close()
		}
	}
}
