package transaction

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"
)

// stunSilent rounds in a row are told. A round is one request with its repeats (RFC 8489 §6.2.1), shorter than that RFC allows, because a call
// may hang on it: 0, 0.5, 1.5, 3.5 and 7.5 s, and an end at 9.5 s.
const (
	stunSilent = 3
	stunSends  = 5
	stunLast   = 2 * time.Second
)

// asked are the STUN requests of a UDP flow that wait for their answers.
type asked struct {
	mu sync.Mutex
	by map[[stun.TransactionIDSize]byte]question
}

type question struct {
	remote netip.AddrPort
	answer chan binding
}

// binding is what an answer says.
type binding struct {
	mapped netip.AddrPort
	err    error
}

// STUN keeps the NAT binding of a UDP flow towards remote open (RFC 5626 §4.4.2): a STUN binding request now and then after 80–100 % of
// every, each time anew. on hears our address as remote sees it, first and whenever it has changed, and an error that wraps ErrTimeout when
// three requests in a row, about half a minute, got no answer; after that, on hears of the next answer again. It is called on a goroutine of
// the flow, one call at a time, must not block, and may call stop. Only a TLS or TCP flow needs none: there nothing happens.
func (f *Flow) STUN(remote netip.AddrPort, every time.Duration, on func(mapped netip.AddrPort, err error)) (stop func()) {
	if f.udp == nil || every <= 0 {
		return func() {}
	}
	var once sync.Once
	var stopped atomic.Bool
	quit := make(chan struct{})
	stop = func() {
		stopped.Store(true)
		once.Do(func() { close(quit) })
	}
	tell := func(mapped netip.AddrPort, err error) {
		if !stopped.Load() {
			on(mapped, err)
		}
	}
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	if !f.l.closed && f.Alive() {
		f.l.wg.Go(func() { f.bind(remote, every, tell, quit) })
	}
	return stop
}

// bind asks until the flow or the caller ends.
func (f *Flow) bind(remote netip.AddrPort, every time.Duration, tell func(netip.AddrPort, error), quit <-chan struct{}) {
	t := time.NewTimer(0)
	defer t.Stop()
	<-t.C
	silent, known := 0, netip.AddrPort{}
	for {
		got, ok := f.round(remote, t, quit)
		if !ok {
			return
		}
		wait := every*4/5 + time.Duration(rand.Int64N(int64(every)/5+1))
		switch {
		case got.err == nil:
			if silent = 0; got.mapped != known {
				known = got.mapped
				tell(known, nil)
			}
		default:
			if silent++; silent == stunSilent {
				known = netip.AddrPort{}
				tell(netip.AddrPort{}, fmt.Errorf("keepalives to %v: %w", remote, got.err))
			}
			if silent < stunSilent {
				wait = 0
			}
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-quit:
			return
		case <-f.done:
			return
		}
	}
}

// round is one request with its repeats; false when there is nobody left to ask for.
func (f *Flow) round(remote netip.AddrPort, t *time.Timer, quit <-chan struct{}) (binding, bool) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return binding{err: err}, true
	}
	q := question{remote, make(chan binding, 1)}
	f.asked.mu.Lock()
	if f.asked.by == nil {
		f.asked.by = map[[stun.TransactionIDSize]byte]question{}
	}
	f.asked.by[m.TransactionID] = q
	f.asked.mu.Unlock()
	defer func() {
		f.asked.mu.Lock()
		delete(f.asked.by, m.TransactionID)
		f.asked.mu.Unlock()
	}()
	wait := T1
	for i := range stunSends {
		// A network that is away is no other silence than a far end that is.
		_, _ = f.udp.WriteToUDPAddrPort(m.Raw, remote)
		if i == stunSends-1 {
			wait = stunLast
		}
		t.Reset(wait)
		wait *= 2
		select {
		case b := <-q.answer:
			return b, true
		case <-quit:
			return binding{}, false
		case <-f.done:
			return binding{}, false
		case <-t.C:
		}
	}
	return binding{err: ErrTimeout}, true
}

// isSTUN tells STUN from SIP (RFC 5626 §8): the first two bits are 0, which a few tokens and an empty line begin with as well, then the
// length, which is what follows the head of 20 bytes, and the magic cookie.
func isSTUN(b []byte) bool {
	return len(b) >= 20 && b[0]>>6 == 0 && binary.BigEndian.Uint32(b[4:]) == 0x2112A442 && int(binary.BigEndian.Uint16(b[2:]))+20 == len(b)
}

// takeSTUN gives an answer to who asked, and drops everything else: requests, which nobody has a reason to send to a telephone, and answers
// to no request of ours or from elsewhere than it went.
func (f *Flow) takeSTUN(data []byte, source netip.AddrPort) {
	var id [stun.TransactionIDSize]byte
	copy(id[:], data[8:])
	f.asked.mu.Lock()
	q, ok := f.asked.by[id]
	f.asked.mu.Unlock()
	if !ok || q.remote.Port() != source.Port() || q.remote.Addr().Unmap().WithZone("") != source.Addr().WithZone("") {
		f.l.count.stun.Add(1)
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), data...)}
	if m.Decode() != nil || m.Type.Method != stun.MethodBinding || m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
		f.l.count.stun.Add(1)
		return
	}
	var b binding
	switch m.Type.Class {
	case stun.ClassSuccessResponse:
		if b.mapped = mappedAddress(m); !b.mapped.IsValid() {
			b.err = fmt.Errorf("an answer without our address: %w", ErrTimeout)
		}
	case stun.ClassErrorResponse:
		var code stun.ErrorCodeAttribute
		_ = code.GetFrom(m)
		b.err = fmt.Errorf("STUN error %d: %w", code.Code, ErrTimeout)
	default:
		f.l.count.stun.Add(1)
		return
	}
	select {
	case q.answer <- b:
	default: // a repeat
	}
}

// mappedAddress is our address as the far end saw it; old servers (RFC 3489) write it in the clear.
func mappedAddress(m *stun.Message) netip.AddrPort {
	var x stun.XORMappedAddress
	if x.GetFrom(m) == nil {
		if a, ok := netip.AddrFromSlice(x.IP); ok {
			return netip.AddrPortFrom(a.Unmap(), uint16(x.Port))
		}
	}
	var c stun.MappedAddress
	if c.GetFrom(m) == nil {
		if a, ok := netip.AddrFromSlice(c.IP); ok {
			return netip.AddrPortFrom(a.Unmap(), uint16(c.Port))
		}
	}
	return netip.AddrPort{}
}
