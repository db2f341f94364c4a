package hub

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"offhook/desk"
)

// After a cut agents are back before the hub has heard of all ends: what they have said since is not overwritten.
func TestAnEndThatIsHeardLateDoesNotHideAnAgentWhoIsBack(t *testing.T) {
	b := newBus(t)
	old, _ := b.client(t, roleAgent+amy, b.agents)
	ended, err := b.service.events.SubscribeSync("$SYS.ACCOUNT.TEAM.DISCONNECT")
	if err == nil {
		err = b.service.events.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	b.knows(t, old)
	b.service.mu.Lock() // the door hears of nothing more
	old.Close()
	_, err = ended.NextMsgWithContext(t.Context())
	if err != nil {
		b.service.mu.Unlock()
		t.Fatal(err)
	}
	fresh, _ := b.client(t, roleAgent+amy, b.agents)
	v, _ := project(talking(), noon, 0).encode()
	err = put(fresh, kvPrefix+amy, v, agentTTL, requestLimit)
	b.service.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	b.knows(t, fresh) // and of the old one's end before that
	entry, err := b.service.kv.Get(t.Context(), amy)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := decodeValue(entry.Value()); err != nil || v.State != desk.OnCall {
		t.Errorf("the hub says %+v, %v", v, err)
	}
}

// knows waits until the hub has heard of a connection of amy's.
func (b *bus) knows(t testing.TB, nc *nats.Conn) {
	t.Helper()
	id, err := nc.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	end, look := timeout(t), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		b.service.mu.Lock()
		known := b.service.here[amy][id]
		b.service.mu.Unlock()
		if known {
			return
		}
		select {
		case <-look.C:
		case <-end:
			t.Fatal("the hub never heard of a connection")
		}
	}
}
