package transaction

import (
	"bytes"
	"net/netip"
	"slices"
	"time"
)

// TraceMessage is something that went over a socket. On TCP it may be a part of a message or several of them. The response of
// digest credentials and SDES keys are blanked out.
type TraceMessage struct {
	At            time.Time
	Out           bool
	Transport     string // "UDP", "TCP"
	Local, Remote netip.AddrPort
	Data          []byte // may be kept
}

func (f *Flow) trace(out bool, data []byte, remote netip.AddrPort) {
	if f.l.cfg.Trace == nil {
		return
	}
	f.l.cfg.Trace(TraceMessage{At: time.Now(), Out: out, Transport: f.transport, Local: f.local, Remote: remote, Data: redact(data)})
}

// redact copies data and blanks what would let a reader of a trace impersonate the account or decrypt a call.
func redact(data []byte) []byte {
	data = slices.Clone(data)
	blank(data, []byte("response=\""), "\"\r\n")
	blank(data, []byte("inline:"), " |\r\n;")
	return data
}

// blank overwrites what stands between each mark and the next of the end characters.
func blank(data, mark []byte, end string) {
	for {
		i := bytes.Index(data, mark)
		if i < 0 {
			return
		}
		data = data[i+len(mark):]
		n := bytes.IndexAny(data, end)
		if n < 0 {
			n = len(data)
		}
		for j := range data[:n] {
			data[j] = '*'
		}
		data = data[n:]
	}
}
