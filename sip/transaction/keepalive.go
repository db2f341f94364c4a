package transaction

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"
)

// pongWait is how long a pong may take (RFC 5626 §4.4.1).
const pongWait = 10 * time.Second

// Ping sends a CRLFCRLF keepalive now (TCP), or an empty line to remote (UDP), which keeps a NAT binding open.
func (f *Flow) Ping(remote netip.AddrPort) error {
	if f.udp != nil {
		return f.write([]byte("\r\n"), remote)
	}
	return f.write([]byte("\r\n\r\n"), remote)
}

// keepAlive pings a TCP connection for as long as it lives, and ends it when a far end that used to answer falls silent.
func (f *Flow) keepAlive() {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	wait := func(d time.Duration) bool {
		t.Reset(d)
		select {
		case <-t.C:
			return true
		case <-f.done:
			return false
		}
	}
	period := f.l.cfg.Keepalive
	for wait(period*4/5 + time.Duration(rand.Int64N(int64(period)/5+1))) {
		asked := time.Now()
		if f.Ping(netip.AddrPort{}) != nil || !wait(pongWait) {
			return
		}
		if f.tcp.pongs.Load() && f.tcp.lastRead.Load() < asked.UnixNano() {
			f.end(errors.New("no answer to keepalives"))
			return
		}
	}
}
