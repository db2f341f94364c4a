package dialog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// However much is lost, and whoever hangs up in between: a transfer has one outcome, each call one end, and nothing is left.
func TestATransferHasOneOutcomeWhateverIsLost(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				alice, bob, carol := w.phone("alice"), w.obliging("bob"), w.phone("carol")
				r, loss := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
				main, atBob := connected(t, alice, bob)
				consult, atCarol := connected(t, alice, carol)
				lost := r.Float64() * 0.6
				w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return loss.Float64() < lost })
				if seed%2 == 0 {
					main.TransferTo(consult, transaction.Address{URI: alice.uri()})
				} else {
					main.Transfer(transaction.Address{URI: carol.uri()}, transaction.Address{URI: alice.uri()})
				}
				meddle := r.IntN(8)
				time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
				switch meddle {
				case 0:
					atBob.End("")
				case 1:
					atCarol.End("")
				case 2:
					consult.End("")
				case 3:
					main.Resume()
				}
				go func() {
					for s := range carol.calls {
						if seed%5 == 0 {
							s.Reject(486, "")
						} else {
							s.Answer(local(32000))
						}
					}
				}()
				time.Sleep(10 * time.Minute)
				w.net.Lose(nil)
				for _, p := range []*phone{alice, bob, carol} { // what still stands is hung up
					p.ua.loop.run(func() {
						for _, s := range p.ua.sessions {
							s.end(480, "", "")
						}
					})
				}
				time.Sleep(10 * time.Minute)
				close(carol.calls)
				synctest.Wait()
				for _, p := range []*phone{alice, bob, carol} {
					done, ends := map[*Session]int{}, map[*Session]int{}
					for len(p.events) > 0 {
						ev := <-p.events
						switch e := ev.e.(type) {
						case TransferDone:
							done[ev.s]++
							if ends[ev.s] > 0 {
								t.Errorf("%s: %+v after the end", p.name, e)
							}
						case Refused:
							if e.Op == OpTransfer {
								done[ev.s]++
							}
						case Ended:
							ends[ev.s]++
						}
					}
					for s, n := range ends {
						if n != 1 || done[s] > 1 {
							t.Errorf("%s: %d ends, %d outcomes", p.name, n, done[s])
						}
					}
					if p == alice && (ends[main] != 1 || ends[consult] != 1 || done[main] != 1 || done[consult] != 0) {
						t.Errorf("main: %d ends, %d outcomes; consultation: %d, %d", ends[main], done[main], ends[consult], done[consult])
					}
					p.settled()
					p.ua.loop.run(func() {
						if len(p.ua.refers)+len(p.ua.usages) != 0 {
							t.Errorf("%s: REFERs are left: %v", p.name, p.ua.refers)
						}
					})
				}
			})
		})
	}
}
