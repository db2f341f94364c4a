package transaction

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallThroughALossyNetworkLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Memory
		seen := map[string]int{}
		m.Lose(func(_, to netip.AddrPort, data []byte) bool { // each message is lost twice
			key := firstLine(string(data)) + field(string(data), "CSeq") + to.String()
			seen[key]++
			return seen[key] <= 2
		})
		open := func(addr netip.AddrPort, h Handler) (*Layer, *Flow) {
			l := New(Config{}, h)
			c, err := m.Listen(addr)
			if err != nil {
				t.Fatal(err)
			}
			f, err := l.ServeUDP(c)
			if err != nil {
				t.Fatal(err)
			}
			return l, f
		}
		var mu sync.Mutex
		var handled []string
		bob, _ := open(fakeRemote, &recorder{request: func(tx *ServerTx, req *Request) {
			mu.Lock() // the two Call-IDs run at the same time
			handled = append(handled, req.Method)
			mu.Unlock()
			tx.Respond(NewResponse(req, 486, ""))
		}})
		alice, f := open(fakeLocal, &recorder{})
		c := dial(t, alice, f, newRequest("INVITE", "lossy"))
		d := dial(t, alice, f, newRequest("OPTIONS", "lossy2"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if statuses(c.got()) != "486" || statuses(d.got()) != "486" || len(handled) != 2 || len(c.done()) != 1 || c.done()[0] != nil {
			t.Errorf("got %s and %s, handled %s, done %v", statuses(c.got()), statuses(d.got()), strings.Join(handled, " "), c.done())
		}
		if a, b := alice.Stats(), bob.Stats(); a.ClientTx+b.ServerTx != 0 {
			t.Errorf("left over: %+v %+v", a, b)
		}
		alice.Close()
		bob.Close()
	})
}
