package transaction

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"
)

// pongWait is how long a pong may take (RFC 5626 §4.4.1).
const pongWait = 10 * time.Second

// pace is how a stream flow is pinged.
type pace struct {
	every  time.Duration // 0 and less: never
	strict bool          // a far end that never answered is dead as well
}

// Ping sends a CRLFCRLF keepalive now (TCP, TLS), or an empty line to remote (UDP), which keeps a NAT binding open.
func (f *Flow) Ping(remote netip.AddrPort) error {
	if f.udp != nil {
		return f.write([]byte("\r\n"), remote)
	}
	return f.write([]byte("\r\n\r\n"), remote)
}

// KeepAlive pings a TCP or TLS flow from now on after 80–100 % of every, each time anew (RFC 5626 §4.4.1): the Flow-Timer of a registrar
// that agreed on outbound. Whoever agreed must answer: the flow is dead when nothing comes back within 10 s, even the first time. 0 ends
// the pings. On UDP it does nothing; see STUN.
func (f *Flow) KeepAlive(every time.Duration) { f.setPace(pace{every, true}) }

// PingEvery changes Config.Keepalive for this flow: as KeepAlive, but a far end that never answered a ping need not. On UDP it does nothing.
func (f *Flow) PingEvery(every time.Duration) { f.setPace(pace{every, false}) }

func (f *Flow) setPace(p pace) {
	if f.udp != nil {
		return
	}
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	if f.l.closed || !f.Alive() {
		return
	}
	if f.pace == nil {
		f.pace = make(chan pace, 1)
		f.l.wg.Go(f.keepAlive)
	}
	select {
	case <-f.pace: // one that was not taken yet
	default:
	}
	f.pace <- p
}

// keepAlive pings a connection for as long as it lives, and ends it when the far end falls silent.
func (f *Flow) keepAlive() {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	var p pace
	var waited time.Duration // since the last ping, for its pong: the period is from ping to ping
	for {
		if p.every <= 0 {
			t.Stop()
		} else {
			t.Reset(max(p.every*4/5+time.Duration(rand.Int64N(int64(p.every)/5+1))-waited, time.Second))
		}
		select {
		case <-f.done:
			return
		case p = <-f.pace:
			waited = 0
			continue
		case <-t.C:
		}
		asked := time.Now()
		waited = pongWait
		if f.Ping(netip.AddrPort{}) != nil {
			return
		}
		t.Reset(pongWait)
		select {
		case <-f.done:
			return
		case <-t.C:
		}
		if (p.strict || f.tcp.pongs.Load()) && f.tcp.lastRead.Load() < asked.UnixNano() {
			f.end(errors.New("no answer to keepalives"))
			return
		}
	}
}
