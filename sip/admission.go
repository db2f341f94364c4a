package sip

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"

	"offhook/sip/transaction"
)

// line is one registration as other goroutines may see it.
type line struct {
	path
	grant   grant
	seen    sighting
	live    bool
	servers []netip.Addr
}

// shareLines shows the registrations to those who are not on the loop.
func (p *Phone) shareLines() {
	list := make([]line, 0, len(p.regs))
	for _, r := range p.regs {
		list = append(list, line{path: r.at, grant: r.grant, seen: r.seen, live: r.live, servers: slices.Clone(r.servers)})
	}
	p.lines.Store(&list)
}

// known reports whether addr is one of the account's servers or configured peers.
func (p *Phone) known(addr netip.Addr) bool {
	addr = addr.Unmap()
	if within(p.acc.Accept, addr) {
		return true
	}
	for _, l := range *p.lines.Load() {
		if slices.Contains(l.servers, addr) {
			return true
		}
	}
	return !p.acc.registers() && len(p.acc.Accept) == 0
}

// admit lets in what the account's servers and configured peers send, and what comes over a connection that we made ourselves;
// and what belongs to a dialog, because a far end may talk to us past the servers. A stranger's call is dropped without a word:
// scanners ring phones that answer (ghost calls). It runs on the goroutines that read the flows.
func (p *Phone) admit(flow *transaction.Flow, source netip.AddrPort, method string, toTag bool) transaction.Admission {
	if toTag || method == "ACK" || method == "CANCEL" || p.known(source.Addr()) {
		return transaction.Admit
	}
	for _, l := range *p.lines.Load() {
		if l.flow == flow && flow.Transport() != "UDP" {
			return transaction.Admit
		}
	}
	return transaction.Drop
}

// dropped counts the calls of strangers, each once: whoever hears no answer sends the same again, over UDP up to seven times.
func (p *Phone) dropped(source netip.AddrPort, method, callID string, cseq uint32) {
	if method != "INVITE" || p.known(source.Addr()) { // of those too many are dropped as well
		return
	}
	if p.repeats.seen(source, callID, cseq) {
		return
	}
	p.refused.Add(1)
	p.stranger(source)
}

// repeatsKept is how many dropped requests are remembered, to know them again.
const repeatsKept = 256

// repeats remembers the last requests that were dropped, as hashes. The zero value is empty.
type repeats struct {
	mu   sync.Mutex
	seed maphash.Seed
	list [repeatsKept]uint64
	next int
	have map[uint64]struct{}
}

// seen reports whether a request was here before, and remembers it.
func (r *repeats) seen(source netip.AddrPort, callID string, cseq uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have == nil {
		r.seed, r.have = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	h := maphash.Comparable(r.seed, struct {
		source netip.AddrPort
		callID string
		cseq   uint32
	}{source, callID, cseq})
	if _, ok := r.have[h]; ok {
		return true
	}
	if len(r.have) == repeatsKept {
		delete(r.have, r.list[r.next])
	}
	r.list[r.next], r.have[h] = h, struct{}{}
	r.next = (r.next + 1) % repeatsKept
	return false
}

// strangersKept and strangerEvery bound what strangers can make the log say: one line a minute for each of a few addresses.
const (
	strangersKept = 64
	strangerEvery = time.Minute
)

// stranger notes a dropped call in the log, for an exchange that calls from an address that nobody listed.
func (p *Phone) stranger(from netip.AddrPort) {
	p.strangers.Lock()
	defer p.strangers.Unlock()
	now, addr := time.Now(), from.Addr().Unmap()
	if last, ok := p.strangers.seen[addr]; ok && now.Sub(last) < strangerEvery {
		return
	}
	if p.strangers.seen == nil || len(p.strangers.seen) >= strangersKept {
		p.strangers.seen = map[netip.Addr]time.Time{}
	}
	p.strangers.seen[addr] = now
	p.log.Warn("a call of a stranger was dropped; if it is your exchange, put its address into sip.accept_peers", "from", from)
}

// line is the registration that calls go out over: the first that lives, else the first whose flow does; nil: there is none.
func (p *Phone) line() *registration {
	for _, r := range p.regs {
		if r.live && r.at.alive() {
			return r
		}
	}
	for _, r := range p.regs {
		if r.at.alive() && !r.fresh {
			return r
		}
	}
	return nil
}

// waitUp is how long a call waits for a registration that is under way, as after a sleep.
const waitUp = 5 * time.Second

// whenUp gives f the registration that calls go out over: at once, or when one that is under way has come to its end or takes too
// long; nil when there is none.
func (p *Phone) whenUp(f func(*registration)) {
	if r := p.line(); r != nil || !slices.ContainsFunc(p.regs, (*registration).coming) {
		f(r)
		return
	}
	once := false
	answer := func() {
		if !once {
			once = true
			f(p.line())
		}
	}
	p.waiting = append(p.waiting, answer)
	time.AfterFunc(waitUp, func() { p.ua.Post(answer) })
}

// settled lets those go on who waited for a registration, when there is one or none is to come any more.
func (p *Phone) settled() {
	if p.line() == nil && slices.ContainsFunc(p.regs, (*registration).coming) {
		return
	}
	waiting := p.waiting
	p.waiting = nil
	for _, f := range waiting {
		f()
	}
}

// within reports whether addr is one of the peers.
func within(peers []netip.Prefix, addr netip.Addr) bool {
	for _, p := range peers {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
