package dialog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// referee watches the wire between two phones for offers that are open at the same time (RFC 3264 §4, RFC 6337 §2.3).
type referee struct {
	t       *testing.T
	name    string
	open    map[netip.AddrPort]string // the offer that each side waits to be answered
	told    map[string]bool           // messages that were seen before
	offered map[string]bool           // requests that carried an offer
	offers  int
	log     []string
}

func newReferee(t *testing.T, name string) *referee {
	return &referee{t: t, name: name, open: map[netip.AddrPort]string{}, told: map[string]bool{}, offered: map[string]bool{}}
}

// saw is one datagram; lost tells whether it arrives.
func (r *referee) saw(from, to netip.AddrPort, data []byte, lost bool) {
	m := parseMsg(r.t, data)
	method := strings.Fields(m.get("CSeq"))[1]
	if method != "INVITE" && method != "UPDATE" && method != "ACK" {
		return
	}
	asker, response := from, strings.HasPrefix(m.start, "SIP/2.0 ")
	if response {
		asker = to
	}
	id := fmt.Sprintf("%v %s", asker, m.get("CSeq"))
	first := !r.told[m.start+id]
	r.told[m.start+id] = true
	if first {
		r.log = append(r.log, fmt.Sprintf("%v: %s %s sdp %v lost %v", from.Addr(), m.start, m.get("CSeq"), m.body != "", lost))
	}
	switch {
	case method == "ACK":
		invite := fmt.Sprintf("%v %d INVITE", from, m.cseq())
		if !lost && r.open[to] == invite {
			delete(r.open, to) // the answer to an offer in a 2xx
		}
	case !response && m.body != "" || !response && method == "INVITE":
		if !first {
			return
		}
		if o := r.open[from]; o != "" {
			r.t.Errorf("%s: %v offers in %q while its offer in %q is open:\n%s", r.name, from, id, o, strings.Join(r.log, "\n"))
		}
		r.open[from], r.offered[id] = id, m.body != ""
		r.offers++
	case response && m.code() >= 300:
		if !lost && r.open[to] == id {
			delete(r.open, to)
		}
	case response && m.code() >= 200:
		if o := r.open[from]; first && m.body != "" && o != "" {
			r.t.Errorf("%s: %v agrees to %q while its own offer in %q is open:\n%s", r.name, from, id, o, strings.Join(r.log, "\n"))
		}
		if first && m.body != "" && !r.offered[id] { // a late offer
			r.open[from] = id
		}
		if !lost && r.open[to] == id {
			delete(r.open, to)
		}
	}
}

func TestHoldsRefreshesMovesAndLateOffersOfBothSidesNeverLeaveTwoOffersOpen(t *testing.T) {
	survived, offers := 0, 0
	for seed := range uint64(150) {
		virtually(t, func(t *testing.T, w *world) {
			r, loss := rand.New(rand.NewPCG(seed, 21)), rand.New(rand.NewPCG(seed, 22))
			timers := []time.Duration{0, 90 * time.Second, 2 * time.Minute}
			a := w.phone("alice", timed(timers[r.IntN(3)], 0), reliableConfig(ReliableSupported))
			b := w.phone("bob", timed(timers[r.IntN(3)], 0), reliableConfig(ReliableSupported))
			ref := newReferee(t, fmt.Sprint("round ", seed))
			var calm atomic.Bool
			w.net.Lose(func(from, to netip.AddrPort, data []byte) bool {
				lost := !calm.Load() && loss.IntN(100) < 15
				ref.saw(from, to, data, lost)
				return lost
			})
			ports := []uint16{20000, 30000}
			x := a.invite(b.uri())
			y := b.incoming()
			y.Answer(local(30000))
			for range 40 {
				i := r.IntN(2)
				c := []*Session{x, y}[i]
				switch n := r.IntN(12); n {
				case 0, 1:
					c.Hold()
				case 2, 3:
					c.Resume()
				case 4:
					c.Reinvite(false)
				case 5:
					c.Reinvite(true)
				case 6:
					ports[i] += 2
					c.Refresh([]*phone{a, b}[i].flow, netip.AddrPort{}, transaction.Address{}, local(ports[i]))
				case 7:
					c.Refresh([]*phone{a, b}[i].flow, netip.AddrPort{}, transaction.Address{})
				default:
					time.Sleep(time.Duration(r.IntN(1+1<<r.IntN(16))) * time.Millisecond)
				}
			}
			calm.Store(true)
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			h, over := held(a, x)
			g, gone := held(b, y)
			if over != gone {
				t.Errorf("round %d: only one side has ended", seed)
			}
			if over == 0 {
				survived++
				m, n := x.now().Media(), y.now().Media()
				if h.ByUs != g.ByThem || h.ByThem != g.ByUs || m.Send != n.Receive || m.Receive != n.Send || m.Remote.Port() != ports[1] || n.Remote.Port() != ports[0] {
					t.Errorf("round %d: alice %+v %+v, bob %+v %+v, ports %v", seed, h, m, g, n, ports)
				}
			}
			offers += ref.offers
			x.End("")
			y.End("")
			a.settled()
			b.settled()
		})
		if t.Failed() {
			return
		}
	}
	if survived < 150 || offers < 150*8 {
		t.Errorf("only %d calls of 150 survived, with %d offers", survived, offers)
	}
}
