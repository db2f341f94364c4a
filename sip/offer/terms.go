package offer

import (
	"fmt"
	"net/netip"
	"slices"
)

// Terms is the state of offer and answer of one session (RFC 3264). It is a value: an exchange works on a copy, which
// replaces the original when it succeeded, so that a refused re-INVITE leaves the session as it was (RFC 3261 §14.1).
type Terms struct {
	id, version uint64 // of our o= line
	local       Local
	stale       bool    // what was sent last is not what we would say now
	sent        *string // our last description, to see whether the version must grow; it holds keys, and a pointer shows none

	shape  []mline // the m-lines of the session, which keep number and order for ever (RFC 3264 §8)
	audio  int     // which of them is ours
	bundle bool    // it is in a BUNDLE group

	byUs    bool // our hold in the last description of ours
	byThem  bool
	agreed  bool // there is an answer
	media   Media
	offered []Codec   // our open offer, formats of all kinds
	offDir  direction // and its direction

	numbers []Codec     // what payload types mean in this session when they come to us (RFC 3264 §8.3.2)
	keys    []*Key      // what we encrypt with, by suite
	assoc   association // of DTLS
}

// mline remembers an m-line that we answer or repeat.
type mline struct{ media, proto, format, mid string }

// New starts the terms of a session: id is that of our o= line, l our side.
func New(id uint64, l Local) Terms { return Terms{id: id, version: 1, local: l} }

// Offer writes an offer: all that we can do, what is in use first. Its direction follows our own hold only, whatever the far
// end's was, so that its hold is for it to say (RFC 6337 §5.3). What protects the sound stays what it is.
func (t Terms) Offer(hold bool) (Terms, []byte, error) {
	t.offDir = sendrecv
	if hold {
		t.offDir = sendonly
	}
	t.byUs = hold
	how := t.offerProtection()
	if len(t.shape) == 0 {
		t.shape = []mline{{media: "audio", proto: how.proto, format: "0"}}
	} else if !t.agreed {
		t.shape = slices.Clone(t.shape)
		t.shape[t.audio].proto = how.proto
	}
	t.offered = t.formats()
	d := description{formats: t.offered, dir: t.offDir, ptime: t.local.PTime, on: true, mux: t.local.Mux, xr: t.local.XR}
	if how.sdes {
		d.keys = t.offerKeys()
	}
	if how.dtls {
		d.setup = "actpass" // also later, see again.go
	}
	d.ice = t.local.ICE.ours()
	body, err := t.write(d)
	return t, body, err
}

// formats are those of an offer, with numbers that mean nothing else in this session.
func (t *Terms) formats() []Codec {
	codecs := slices.Clone(t.local.Codecs)
	if i := slices.IndexFunc(codecs, t.media.Codec.Same); t.agreed && i > 0 {
		c := codecs[i]
		codecs = slices.Insert(slices.Delete(codecs, i, i+1), 0, c)
	}
	out := make([]Codec, 0, len(codecs)+3)
	clocks := []int{8000}
	for _, c := range codecs {
		c.PT = t.number(c, c.PT)
		out = append(out, c)
		if c.Clock != 8000 && !slices.Contains(clocks, c.Clock) {
			clocks = append(clocks, c.Clock)
		}
	}
	if t.local.CN {
		out = append(out, comfortNoise)
	}
	if t.local.DTMF != 0 {
		for _, clock := range clocks {
			e := telephoneEvent(clock)
			e.PT = t.number(e, t.local.DTMF)
			out = append(out, e)
		}
	}
	return out
}

// number is the payload type of a format in this session: the one that it has, else the wanted one, else a free one.
func (t *Terms) number(c Codec, want uint8) uint8 {
	if i := slices.IndexFunc(t.numbers, c.Same); i >= 0 {
		return t.numbers[i].PT
	}
	free := func(pt uint8) bool {
		return !slices.ContainsFunc(t.numbers, func(n Codec) bool { return n.PT == pt }) &&
			!slices.ContainsFunc(t.local.Codecs, func(n Codec) bool { return n.PT == pt && !n.Same(c) }) &&
			(t.local.DTMF == 0 || pt != t.local.DTMF || c.Same(telephoneEvent(8000)))
	}
	if !free(want) {
		for want = 96; want < 127 && !free(want); want++ {
		}
	}
	t.learn(c, want)
	return want
}

// learn makes pt the number of c and of nothing else.
func (t *Terms) learn(c Codec, pt uint8) {
	c.PT = pt
	if slices.ContainsFunc(t.numbers, func(n Codec) bool { return n.PT == pt && n.Same(c) }) {
		return
	}
	t.numbers = slices.DeleteFunc(slices.Clone(t.numbers), func(n Codec) bool { return n.PT == pt || n.Same(c) })
	t.numbers = append(t.numbers, c)
}

// Answer reads an offer and writes the answer: same number and order of m-lines, the offered profile and numbers, port 0 for
// what we do not take. The error wraps ErrSDP or ErrNoCommon.
func (t Terms) Answer(offer []byte, hold bool) (Terms, []byte, error) {
	r, err := readSDP(offer)
	if err != nil {
		return t, nil, err
	}
	pick, err := t.choose(r)
	if err != nil {
		return t, nil, err
	}
	t.shape = t.shape[:0:0]
	for _, st := range r.streams {
		t.shape = append(t.shape, mline{st.media, st.proto, st.formats[0], st.mid})
	}
	t.audio = pick.stream
	st := r.streams[t.audio]
	t.bundle = st.mid != "" && slices.Contains(r.bundle, st.mid)
	theirs := st.dir
	if st.zeroAddr {
		theirs.recv = false
	}
	ours := sendrecv
	if hold {
		ours = sendonly
	}
	dir := ours.and(theirs.reverse())
	t.byUs = hold
	t.byThem = !theirs.recv || st.port == 0
	mine := pick.codec
	if k := slices.IndexFunc(t.local.Codecs, mine.Same); k >= 0 {
		mine = t.local.Codecs[k]
	}
	mine.PT = pick.codec.PT
	formats := []Codec{mine}
	if st.noise() && t.local.CN && mine.Clock == comfortNoise.Clock {
		formats = append(formats, comfortNoise)
	}
	events := Codec{}
	if c, ok := st.dtmf(mine.Clock); ok && t.local.DTMF != 0 {
		events = telephoneEvent(c.Clock)
		events.PT = c.PT
		formats = append(formats, events)
	}
	for _, c := range formats {
		t.learn(c, c.PT)
	}
	d := description{formats: formats, dir: dir, ptime: st.ptime, on: st.port != 0, mux: st.mux && t.local.Mux, xr: st.xr && t.local.XR,
		settled: true}
	how := agreement{theirs: pick.codec, recvPT: mine.PT, events: events, recvEvents: events.PT, dir: dir, mux: d.mux}
	how.codec = mine
	how.ice = st.ice != nil && t.local.ICE.ours()
	switch pick.protection {
	case SDES:
		key := *t.ownKey(pick.key.Suite)
		key.Tag = pick.key.Tag
		d.keys = []Key{key}
		how.send, how.recv = &key, &pick.key
	case Handshake:
		how.dtls = t.associate(st, pick.client)
		if d.setup = "passive"; pick.client {
			d.setup = "active"
		}
		if st.setup == "holdconn" {
			d.setup = st.setup
		}
	}
	t.agree(st, how)
	d.ice, d.mismatch, d.single = how.ice, st.mismatch && t.local.ICE.ours(), st.ice.single()
	t.offered = nil
	body, err := t.write(d)
	return t, body, err
}

// Accept reads the answer to our open offer.
func (t Terms) Accept(answer []byte) (Terms, error) {
	if t.offered == nil {
		return t, fmt.Errorf("%w: an answer without an offer", ErrSDP)
	}
	r, err := readSDP(answer)
	if err != nil {
		return t, err
	}
	if t.audio >= len(r.streams) {
		return t, fmt.Errorf("%w: the answer has too few m= lines", ErrSDP)
	}
	st := r.streams[t.audio]
	if st.port == 0 || st.media != "audio" || !t.reachable(st) {
		return t, ErrNoCommon
	}
	p, err := t.acceptProtection(st)
	if err != nil {
		return t, err
	}
	for _, c := range st.codecs {
		k := slices.IndexFunc(t.offered, c.Same)
		if k < 0 || !slices.ContainsFunc(t.local.Codecs, c.Same) {
			continue
		}
		how := agreement{codec: t.offered[k], theirs: c, recvPT: t.offered[k].PT, mux: st.mux && t.local.Mux, offered: true}
		if e, ok := st.dtmf(c.Clock); ok && t.local.DTMF != 0 {
			if i := slices.IndexFunc(t.offered, e.Same); i >= 0 {
				how.events, how.recvEvents = e, t.offered[i].PT
			}
		}
		theirs := st.dir
		if st.zeroAddr {
			theirs.recv = false
		}
		switch {
		case theirs.recv:
			t.byThem = false
		case t.offDir == sendrecv:
			t.byThem = true
			// To a hold some phones answer inactive without holding us; so an "inactive" then changes nothing.
		}
		how.dir = t.offDir.and(theirs.reverse())
		how.ice = st.ice != nil && t.local.ICE.ours()
		how.send, how.recv = p.send, p.recv
		if p.protection == Handshake {
			how.dtls = t.associate(st, p.client)
		}
		t.agree(st, how)
		t.offered = nil
		return t, nil
	}
	return t, ErrNoCommon
}

// agreement is what one exchange came to.
type agreement struct {
	codec, theirs Codec // ours with our parameters, theirs with their number
	recvPT        uint8
	events        Codec // telephone-event with their number; zero: none
	recvEvents    uint8
	dir           direction
	mux, ice      bool
	offered       bool // by us
	send, recv    *Key
	dtls          *DTLS
}

func (t *Terms) agree(st stream, a agreement) {
	m := Media{
		Codec: a.codec, SendPT: a.theirs.PT, RecvPT: a.recvPT, DTMFSendPT: a.events.PT, DTMFRecvPT: a.recvEvents, DTMFClock: a.events.Clock,
		PTime: st.ptime, Send: a.dir.send, Receive: a.dir.recv, Fmtp: a.theirs.Fmtp, Profile: st.proto,
		SendKey: a.send, RecvKey: a.recv, DTLS: a.dtls, Mux: a.mux, XR: st.xr, Controlling: a.offered,
	}
	m.Codec.PT = a.recvPT
	m.CN = st.noise()
	if a.ice {
		m.ICE, m.OwnICE = t.remoteICE(*st.ice), t.local.ICE
	}
	switch {
	case st.addr.IsValid() && !st.addr.IsUnspecified() && st.port > 0 && st.port <= 65535:
		m.Remote = netip.AddrPortFrom(st.addr, uint16(st.port))
		m.RemoteRTCP = st.rtcp
	case m.ICE != nil: // the address is found by checks
	default:
		m.Send = false // nowhere to send to
		m.Symmetric = true
		if t.agreed && st.port != 0 { // c=0.0.0.0: what they send still comes from where it came from
			m.Remote, m.RemoteRTCP = t.media.Remote, t.media.RemoteRTCP
		}
	}
	if m.Mux {
		m.RemoteRTCP = m.Remote
	}
	if st.port == 0 && t.agreed { // switched off: the rest is as it was, for when it comes back
		m.SendKey, m.RecvKey, m.DTLS, m.Mux = t.media.SendKey, t.media.RecvKey, t.media.DTLS, t.media.Mux
		m.ICE, m.OwnICE = t.media.ICE, t.media.OwnICE
	} else if a.dtls == nil {
		t.assoc.live = false
	}
	t.media, t.agreed = m, true
}

// remoteICE keeps the candidates that our socket can reach.
func (t *Terms) remoteICE(i ICE) *ICE {
	i.Candidates = slices.DeleteFunc(slices.Clone(i.Candidates), func(c ICECandidate) bool { return !t.family(c.Addr.Addr()) })
	return &i
}

// Media is what is agreed; the zero value before the first answer.
func (t Terms) Media() Media { return t.media }

// Agreed reports whether there has been an answer.
func (t Terms) Agreed() bool { return t.agreed }

// ByUs reports whether our last description holds the far end.
func (t Terms) ByUs() bool { return t.byUs }

// ByThem reports whether the far end holds us.
func (t Terms) ByThem() bool { return t.byThem }

// WithLocal returns the terms with another side of ours, for the next description.
func (t Terms) WithLocal(l Local) Terms { t.local, t.stale = l, true; return t }

// Check says whether an offer could be answered, without answering it. The error wraps ErrSDP or ErrNoCommon.
func (t Terms) Check(offer []byte) error {
	r, err := readSDP(offer)
	if err != nil {
		return err
	}
	_, err = t.choose(r)
	return err
}
