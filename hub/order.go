package hub

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"offhook/desk"
)

// handle answers one order that came over the bus: it is verified, turned into desk events and handed over, or refused; the
// audit gets either.
func (a *Agent) handle(nc *nats.Conn, m *nats.Msg) {
	g, err := a.accept(m.Data)
	out := answer{V: 1, Line: "The desk has it."}
	entry := AuditEntry{V: 1, At: time.Now().UTC(), Event: "grant.used", Agent: a.key, Supervisor: g.Supervisor, Verb: Verb(clip(string(g.Verb), 16)),
		Mode: Mode(clip(string(g.Mode), 16)), Call: clip(string(g.Call), 40), Nonce: clip(g.Nonce, 40)}
	if err != nil {
		var r *Refusal
		if !errors.As(err, &r) {
			r = &Refusal{CodePolicy, clip(err.Error(), 160)}
		}
		out = answer{V: 1, Refuse: r}
		entry.Event, entry.Code = "grant.refused", r.Code
		a.log.Warn("hub: order refused", "code", r.Code, "supervisor", g.Supervisor, "verb", entry.Verb)
	}
	_ = nc.Publish(auditAgent+a.key, mustJSON(entry)) // before the supervisor hears
	if m.Reply != "" {
		_ = nc.Publish(m.Reply, mustJSON(out))
	}
}

// accept verifies an order and hands it over.
func (a *Agent) accept(body []byte) (Grant, error) {
	var s Signed
	if len(body) > bodyLimit || json.Unmarshal(body, &s) != nil {
		return Grant{}, &Refusal{CodeUnknown, "The order cannot be read."}
	}
	ver := a.ver.Load()
	if ver == nil {
		return Grant{}, &Refusal{CodeBusy, "The desk is still connecting; ask again."}
	}
	g, err := ver.check(time.Now().Add(time.Duration(a.ahead.Load())), s)
	if err != nil {
		return g, err
	}
	if g.Call != "" && !a.up(g.Call) {
		return g, &Refusal{CodeOver, "That call has ended."}
	}
	events, err := g.events()
	if err != nil {
		return g, err
	}
	if a.cfg.Policy != nil {
		if err := a.cfg.Policy(g); err != nil {
			return g, err
		}
	}
	select {
	case a.orders <- Granted{g, events}:
		return g, nil
	default:
		return g, &Refusal{CodeBusy, "The desk does not keep up with orders; ask again."}
	}
}

// up reports whether a call is up at the desk.
func (a *Agent) up(key desk.CallKey) bool {
	s := a.latest.Load()
	if s == nil {
		return false
	}
	for i := range s.Calls {
		if s.Calls[i].Key == key {
			return s.Calls[i].State != desk.Ended
		}
	}
	return false
}
