package sip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// Whatever happens to servers, connections and the machine, in whatever order: an account is registered again once a server is well, no
// server is hammered, one connection is open in the end, and the account is told to be what it is.
func TestAnAccountComesBackFromWhateverHappens(t *testing.T) {
	for seed := range uint64(12) {
		transport := []string{"tcp", "udp"}[seed%2]
		t.Run(fmt.Sprintf("%s %d", transport, seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 17))
			var answer func(*transaction.ServerTx, *transaction.Request)
			virtually(t, granting(600), func(w *world) {
				w.socket(w.pbx.ua.Layer(), otherAddr)
				w.news(Registered)
				lost := false
				w.net.Lose(func(_, _ netip.AddrPort, _ []byte) bool {
					w.mu.Lock()
					defer w.mu.Unlock()
					return lost
				})
				for range 60 {
					switch r.IntN(9) {
					case 0:
						w.mu.Lock()
						w.down = map[netip.AddrPort]bool{pbxAddr: r.IntN(2) == 0, otherAddr: r.IntN(2) == 0}
						w.mu.Unlock()
					case 1:
						w.mu.Lock()
						flows := w.flows
						w.mu.Unlock()
						for _, f := range flows {
							f.Close()
						}
					case 2:
						w.desk.Woke()
					case 3:
						w.desk.NetworkChanged()
					case 4:
						w.desk.Register()
					case 5:
						answer = refusing([]int{302, 401, 403, 408, 423, 430, 500, 503, 600}[r.IntN(9)])
						w.serve(answer)
					case 6:
						w.serve(func(*transaction.ServerTx, *transaction.Request) {})
					case 7:
						w.serve(granting(60 + r.IntN(3600)))
					case 8:
						w.mu.Lock()
						lost = !lost
						c := w.sockets[deskAddr]
						w.mu.Unlock()
						if r.IntN(4) == 0 {
							c.Close()
						}
					}
					time.Sleep(time.Duration(r.IntN(90_000)) * time.Millisecond)
				}
				w.mu.Lock()
				w.down, lost = nil, false
				w.mu.Unlock()
				w.serve(granting(600))
				time.Sleep(time.Hour) // the longest back-off is half of it
				state := Unregistered
				for done := false; !done; {
					synctest.Wait() // the next events are in the channel, if there are any
					select {
					case e := <-w.desk.Events():
						if e, ok := e.(RegistrationChanged); ok {
							state = e.State
						}
					default:
						done = true
					}
				}
				if state != Registered {
					t.Errorf("told to be %s at the end", state)
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				open, n, rushed := 0, len(w.at), 0
				for _, f := range w.flows {
					if f.Alive() {
						open++
					}
				}
				if transport == "tcp" && open != 1 {
					t.Errorf("%d connections are open", open)
				}
				for i := 20; i < n; i++ { // more than 20 in 2 s is hammering
					if w.at[i].Sub(w.at[i-20]) < 2*time.Second {
						rushed++
					}
				}
				if rushed > 0 {
					t.Errorf("%d bursts among %d REGISTERs", rushed, n)
				}
			}, twoServers(t, transport, "_sip._"+transport))
		})
	}
}
