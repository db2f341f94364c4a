package transaction

import (
	"net/netip"
	"time"
)

// TraceMessage is something that went over a socket: a message, a keepalive, or what could not be read as one. What Redact covers is covered.
// STUN is not SIP and has no place here.
type TraceMessage struct {
	At            time.Time
	Out           bool
	Transport     string // "UDP", "TCP", "TLS"
	Local, Remote netip.AddrPort
	Data          []byte // may be kept
}

func (f *Flow) trace(out bool, data []byte, remote netip.AddrPort) {
	if f.l.cfg.Trace == nil {
		return
	}
	f.l.cfg.Trace(TraceMessage{At: time.Now(), Out: out, Transport: f.transport, Local: f.local, Remote: remote, Data: Redact(data, f.l.cfg.TraceHide...)})
}
