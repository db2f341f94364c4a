package media

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"
)

// ICE are both sides' credentials and the far end's candidates (RFC 8445, RFC 8839 §5). Ours is the session's own address.
type ICE struct {
	LocalUfrag, LocalPwd   string
	RemoteUfrag, RemotePwd string
	Lite                   bool             // the far end only answers checks; we control
	Controlling            bool             // we made the offer, and the far end is not lite
	Candidates             []netip.AddrPort // for RTP, best first
	RTCPCandidates         []netip.AddrPort // for RTCP, where that has its own port
}

func (i *ICE) equal(o *ICE) bool {
	return i.LocalUfrag == o.LocalUfrag && i.LocalPwd == o.LocalPwd && i.RemoteUfrag == o.RemoteUfrag && i.RemotePwd == o.RemotePwd
}

const (
	maxPairs   = 16                     // far addresses that are tried; more cost a flood of checks
	checkPace  = 50 * time.Millisecond  // between two checks (RFC 8445 §14.2)
	checkAgain = 500 * time.Millisecond // until a check that is not answered is repeated, doubled each time
	checkTries = 7                      // RFC 8489 §6.2.1
	// consent of the far end to receive is renewed about every five seconds, and is over after thirty (RFC 7675 §5.1).
	// A request that is not answered is followed by another after a second: on a bad network, six in thirty seconds are few.
	consentEvery = 5 * time.Second
	consentAgain = time.Second
	consentOver  = 30 * time.Second
	// type preference 126, a host candidate, and 110, one that a check finds, with the highest local preference
	// (RFC 8445 §5.1.2.1)
	peerReflexive = 110<<24 | 65535<<8
)

// agent finds out which of the far end's addresses works, for one of a session's sockets: it checks, answers checks, and
// renews consent. It is a state machine in the time it is told; its lock is held briefly.
type agent struct {
	mu          sync.Mutex
	params      ICE
	component   uint32 // 1 RTP, 2 RTCP
	controlling bool
	tie         uint64
	pairs       []*icePair
	lastCheck   time.Duration
	lasts       time.Duration // the consent to before
	checked     bool

	selected atomic.Pointer[netip.AddrPort]
	before   atomic.Pointer[netip.AddrPort] // the way of the checks that these take the place of; see follows
	fresh    time.Duration                  // when the selected pair last answered
	consent  time.Duration                  // when to ask again
	asking   [][stun.TransactionIDSize]byte
	over     atomic.Bool // consent is lost; a restart is needed

	begun    time.Duration
	missed   bool // no address was found in time
	unproved bool // the selected one passed no check; see takeDefault
}

// icePair is one address of the far end.
type icePair struct {
	addr      netip.AddrPort
	id        [stun.TransactionIDSize]byte
	tries     int
	due       time.Duration
	waiting   bool // a check is out
	nominate  bool // … with USE-CANDIDATE
	valid     bool // one was answered
	nominated bool // the far end wants this one
	failed    bool
}

// icePacket is something to be sent.
type icePacket struct {
	to   netip.AddrPort
	data []byte
}

func newAgent(p ICE, component int, candidates []netip.AddrPort, now time.Duration) *agent {
	a := &agent{params: p, component: uint32(component), controlling: p.Lite || p.Controlling, begun: now}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	a.tie = binary.BigEndian.Uint64(b[:])
	a.add(candidates, now)
	return a
}

func (a *agent) add(candidates []netip.AddrPort, now time.Duration) {
	for _, c := range candidates {
		a.pair(netip.AddrPortFrom(c.Addr().Unmap(), c.Port()), now)
	}
}

// pair finds or makes the pair with an address; nil when there are too many.
func (a *agent) pair(addr netip.AddrPort, now time.Duration) *icePair {
	if i := slices.IndexFunc(a.pairs, func(p *icePair) bool { return p.addr == addr }); i >= 0 {
		return a.pairs[i]
	}
	if len(a.pairs) >= maxPairs || !addr.IsValid() || addr.Port() == 0 || addr.Addr().IsUnspecified() || addr.Addr().IsMulticast() {
		return nil
	}
	p := &icePair{addr: addr, due: now}
	a.pairs = append(a.pairs, p)
	return p
}

// chosen is where packets go; ok is false before a pair is selected, unless checks before these found a way, and after consent is lost.
func (a *agent) chosen() (netip.AddrPort, bool) {
	p := a.selected.Load()
	if p == nil {
		p = a.before.Load()
	}
	if p == nil || a.over.Load() {
		return netip.AddrPort{}, false
	}
	return *p, true
}

// accepts tells whether sound from an address is the far end's: from each pair that passed a check.
func (a *agent) accepts(from netip.AddrPort) bool {
	if p := a.selected.Load(); p != nil && *p == from {
		return true
	}
	if p := a.before.Load(); p != nil && *p == from {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.pairs, func(p *icePair) bool { return p.addr == from })
	return i >= 0 && a.pairs[i].valid
}

// tick returns the checks that are due and when to come again.
func (a *agent) tick(now time.Duration) (out []icePacket, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next = now + time.Hour
	if a.over.Load() {
		return nil, next
	}
	if a.before.Load() != nil {
		if now >= a.lasts {
			a.before.Store(nil)
		} else {
			next = a.lasts
		}
	}
	if sel := a.selected.Load(); sel == nil {
		if at := a.begun + checksTold; at > now {
			next = min(next, at)
		}
	} else if !a.unproved { // who never answered a check is not asked for consent
		if now-a.fresh >= consentOver {
			a.over.Store(true)
			return nil, next
		}
		if now >= a.consent {
			a.consent = now + consentAgain
			id := stun.NewTransactionID()
			if a.asking = append(a.asking, id); len(a.asking) > 8 {
				a.asking = a.asking[1:]
			}
			out = append(out, icePacket{*sel, a.request(id, false)})
		}
		next = min(next, a.consent, a.fresh+consentOver)
	}
	for _, p := range a.pairs {
		if p.failed || p.valid && !p.waiting {
			continue
		}
		if p.due > now {
			next = min(next, p.due)
			continue
		}
		if p.tries >= checkTries {
			p.failed, p.waiting = true, false
			continue
		}
		if a.checked && now-a.lastCheck < checkPace {
			next = min(next, a.lastCheck+checkPace)
			continue
		}
		a.lastCheck, a.checked = now, true
		if !p.waiting {
			p.id = stun.NewTransactionID()
			p.nominate = a.controlling && (a.params.Lite || p.valid)
		}
		p.waiting = true
		out = append(out, icePacket{p.addr, a.request(p.id, p.nominate)})
		p.due = now + checkAgain<<min(p.tries, 3)
		p.tries++
		next = min(next, p.due, now+checkPace)
	}
	return out, next
}

// again has a pair checked at once.
func (p *icePair) again(now time.Duration) {
	p.tries, p.due, p.waiting, p.failed = 0, now, false, false
}

// take handles one datagram of STUN. ours tells whether it was the far end's; anything else is a stranger's and is never
// answered: an error to a forged source would be a favour to nobody.
func (a *agent) take(data []byte, from netip.AddrPort, now time.Duration) (reply []byte, ours bool) {
	m := stun.NewWithOptions(stun.WithStrict(true)) // attributes behind the integrity are anybody's
	if len(data) > 1500 || !stun.IsMessage(data) || len(data) != 20+int(binary.BigEndian.Uint16(data[2:])) {
		return nil, false
	}
	if _, err := m.Write(data); err != nil || m.Type.Method != stun.MethodBinding || stun.Fingerprint.Check(m) != nil {
		return nil, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch m.Type.Class {
	case stun.ClassRequest:
		return a.asked(m, from, now)
	case stun.ClassSuccessResponse, stun.ClassErrorResponse:
		return nil, a.answered(m, from, now)
	case stun.ClassIndication: // a keepalive
		return nil, a.known(from)
	}
	return nil, false
}

func (a *agent) known(from netip.AddrPort) bool {
	return slices.ContainsFunc(a.pairs, func(p *icePair) bool { return p.addr == from })
}

// asked answers a check of the far end (RFC 8445 §7.3).
func (a *agent) asked(m *stun.Message, from netip.AddrPort, now time.Duration) (reply []byte, ours bool) {
	name, err := m.Get(stun.AttrUsername)
	if err != nil || string(name) != a.params.LocalUfrag+":"+a.params.RemoteUfrag {
		return nil, false
	}
	integrity := stun.NewShortTermIntegrity(a.params.LocalPwd)
	if integrity.Check(m) != nil {
		return nil, false
	}
	if conflict, theirs := a.conflict(m); conflict {
		if a.controlling == (a.tie >= theirs) { // RFC 8445 §7.3.1.1: the larger one controls
			return build(m.TransactionID, stun.BindingError, integrity,
				stun.ErrorCodeAttribute{Code: stun.CodeRoleConflict, Reason: []byte("Role Conflict")}), true
		}
		a.switchRole(now)
	}
	if p := a.pair(from, now); p != nil {
		if !p.valid {
			if !p.waiting || p.failed { // a triggered check (§7.3.1.4)
				p.again(now)
			}
		}
		if m.Contains(stun.AttrUseCandidate) && !a.controlling {
			p.nominated = true
			if p.valid {
				a.choose(p, now)
			}
		}
	}
	return build(m.TransactionID, stun.BindingSuccess, integrity,
		&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}), true
}

// conflict tells whether both sides believe to have the same role.
func (a *agent) conflict(m *stun.Message) (bool, uint64) {
	role := stun.AttrICEControlled
	if a.controlling {
		role = stun.AttrICEControlling
	}
	v, err := m.Get(role)
	if err != nil || len(v) != 8 {
		return false, 0
	}
	return true, binary.BigEndian.Uint64(v)
}

func (a *agent) switchRole(now time.Duration) {
	a.controlling = !a.controlling
	for _, p := range a.pairs {
		if !p.valid {
			p.again(now)
		}
	}
}

// answered takes the far end's answer to a check of ours (§7.2.5).
func (a *agent) answered(m *stun.Message, from netip.AddrPort, now time.Duration) bool {
	if stun.NewShortTermIntegrity(a.params.RemotePwd).Check(m) != nil {
		return false
	}
	if i := slices.Index(a.asking, m.TransactionID); i >= 0 {
		sel := a.selected.Load()
		if sel == nil || *sel != from || m.Type.Class != stun.ClassSuccessResponse {
			return true
		}
		a.asking, a.fresh, a.consent = a.asking[i+1:], now, now+consentPause()
		return true
	}
	i := slices.IndexFunc(a.pairs, func(p *icePair) bool { return p.waiting && p.id == m.TransactionID })
	if i < 0 || a.pairs[i].addr != from { // an answer from another address than was asked proves nothing (§7.2.5.2.1)
		return true
	}
	p := a.pairs[i]
	p.waiting = false
	if m.Type.Class == stun.ClassErrorResponse {
		var code stun.ErrorCodeAttribute
		if code.GetFrom(m) == nil && code.Code == stun.CodeRoleConflict {
			a.switchRole(now)
			p.again(now)
		} else {
			p.failed = true
		}
		return true
	}
	p.valid = true
	switch {
	case p.nominate, p.nominated && !a.controlling:
		a.choose(p, now)
	case a.controlling && (a.selected.Load() == nil || a.unproved) && !slices.ContainsFunc(a.pairs, func(q *icePair) bool { return q.waiting && q.nominate }):
		p.again(now) // once more, with USE-CANDIDATE
		p.waiting = true
		p.nominate, p.id = true, stun.NewTransactionID()
	}
	return true
}

// choose makes a pair the one that is used. Against a lite far end, which gets USE-CANDIDATE in each check, the first
// candidate in order wins.
func (a *agent) choose(p *icePair, now time.Duration) {
	if sel := a.selected.Load(); sel != nil && *sel != p.addr && a.controlling && !a.unproved {
		for _, q := range a.pairs {
			if q.addr == *sel {
				return
			}
			if q == p {
				break
			}
		}
	}
	addr := p.addr
	a.selected.Store(&addr)
	a.unproved = false
	a.fresh, a.consent, a.asking = now, now+consentPause(), nil
}

// consentPause is between 0.8 and 1.2 of the interval, so that calls do not ask in step (RFC 7675 §5.1).
func consentPause() time.Duration {
	var r [1]byte
	_, _ = rand.Read(r[:]) // never fails
	return consentEvery * time.Duration(205+int(r[0])*102/255) / 256
}

// request is a check, or a request for consent.
func (a *agent) request(id [stun.TransactionIDSize]byte, nominate bool) []byte {
	role, attributes := stun.AttrICEControlled, []stun.Setter{stun.NewUsername(a.params.RemoteUfrag + ":" + a.params.LocalUfrag)}
	if a.controlling {
		role = stun.AttrICEControlling
		if nominate {
			attributes = append(attributes, stun.RawAttribute{Type: stun.AttrUseCandidate})
		}
	}
	attributes = append(attributes,
		stun.RawAttribute{Type: role, Value: binary.BigEndian.AppendUint64(nil, a.tie)},
		stun.RawAttribute{Type: stun.AttrPriority, Value: binary.BigEndian.AppendUint32(nil, peerReflexive|(256-a.component))})
	return build(id, stun.BindingRequest, stun.NewShortTermIntegrity(a.params.RemotePwd), attributes...)
}

func build(id [stun.TransactionIDSize]byte, t stun.MessageType, integrity stun.MessageIntegrity, more ...stun.Setter) []byte {
	setters := append([]stun.Setter{stun.NewTransactionIDSetter(id), t}, more...)
	m, err := stun.Build(append(setters, integrity, stun.Fingerprint)...)
	if err != nil {
		return nil
	}
	return m.Raw
}
