package offer

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Terms is the state of offer and answer of one session (RFC 3264). It is a value: an exchange works on a copy, which
// replaces the original when it succeeded, so that a refused re-INVITE leaves the session as it was (RFC 3261 §14.1).
type Terms struct {
	id, version uint64 // of our o= line
	local       Local
	sent        string // our last description, to see whether the version must grow

	shape []mline // the m-lines of the session, which keep number and order for ever (RFC 3264 §8)
	audio int     // which of them is ours

	byUs    bool // our hold in the last description of ours
	byThem  bool
	agreed  bool // there is an answer
	media   Media
	offered []Codec   // our open offer
	offDir  direction // and its direction
}

// mline remembers an m-line that we answer or repeat with port 0.
type mline struct{ media, proto, format string }

// New starts the terms of a session: id is that of our o= line, l our side.
func New(id uint64, l Local) Terms { return Terms{id: id, version: 1, local: l} }

// Offer writes an offer: all that we can do, what is in use first. Its direction follows our own hold only, whatever the far
// end's was, so that its hold is for it to say (RFC 6337 §5.3).
func (t Terms) Offer(hold bool) (Terms, []byte, error) {
	t.offDir = sendrecv
	if hold {
		t.offDir = sendonly
	}
	t.byUs = hold
	t.offered = slices.Clone(t.local.Codecs)
	if t.agreed {
		for i, c := range t.offered {
			if c.Same(t.media.Codec) { // keeps the number that the session knows (RFC 3264 §8.3.2)
				c.PT = t.media.RecvPT
				t.offered = slices.Insert(slices.Delete(t.offered, i, i+1), 0, c)
				break
			}
		}
	}
	dtmf := t.local.DTMF
	if t.agreed && t.media.DTMFRecvPT != 0 {
		dtmf = t.media.DTMFRecvPT
	}
	if len(t.shape) == 0 {
		t.shape = []mline{{"audio", "RTP/AVP", "0"}}
	}
	body, err := t.write(t.offered, dtmf, t.offDir, t.local.PTime, true)
	return t, body, err
}

// Answer reads an offer and writes the answer: same number and order of m-lines, the offered profile and numbers, port 0 for
// what we do not take. The error wraps ErrSDP or ErrNoCommon.
func (t Terms) Answer(offer []byte, hold bool) (Terms, []byte, error) {
	r, err := readSDP(offer)
	if err != nil {
		return t, nil, err
	}
	i, codec, err := t.choose(r)
	if err != nil {
		return t, nil, err
	}
	t.shape = t.shape[:0:0]
	for _, st := range r.streams {
		t.shape = append(t.shape, mline{st.media, st.proto, st.formats[0]})
	}
	t.audio = i
	st := r.streams[i]
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
	mine := codec
	if k := slices.IndexFunc(t.local.Codecs, codec.Same); k >= 0 {
		mine = t.local.Codecs[k]
	}
	mine.PT = codec.PT
	dtmf := uint8(0)
	if t.local.DTMF != 0 {
		dtmf = st.dtmf(codec.Clock)
	}
	t.agree(st, mine, mine.PT, mine.PT, dtmf, dtmf, dir)
	t.offered = nil
	body, err := t.write([]Codec{mine}, dtmf, dir, st.ptime, st.port != 0)
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
	if !t.usable(st) || st.port == 0 {
		return t, ErrNoCommon
	}
	for _, c := range st.codecs {
		k := slices.IndexFunc(t.offered, c.Same)
		if k < 0 {
			continue
		}
		recvDTMF, sendDTMF := t.local.DTMF, st.dtmf(c.Clock)
		if t.agreed && t.media.DTMFRecvPT != 0 {
			recvDTMF = t.media.DTMFRecvPT
		}
		if recvDTMF == 0 || sendDTMF == 0 {
			recvDTMF, sendDTMF = 0, 0
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
		t.agree(st, t.offered[k], c.PT, t.offered[k].PT, sendDTMF, recvDTMF, t.offDir.and(theirs.reverse()))
		t.offered = nil
		return t, nil
	}
	return t, ErrNoCommon
}

// choose picks the first audio stream and codec that both can do, in the offerer's order (RFC 3264 §6.1).
func (t *Terms) choose(r remote) (int, Codec, error) {
	for i, st := range r.streams {
		if !t.usable(st) || st.port == 0 {
			continue
		}
		for _, c := range st.codecs {
			if slices.ContainsFunc(t.local.Codecs, c.Same) {
				return i, c, nil
			}
		}
	}
	if t.agreed && t.audio < len(r.streams) && r.streams[t.audio].port == 0 && r.streams[t.audio].media == "audio" {
		return t.audio, t.media.Codec, nil // they switched the stream off (RFC 3264 §8.2)
	}
	return 0, Codec{}, ErrNoCommon
}

// usable: a stream that we can take at all, at an address that our socket can reach.
func (t *Terms) usable(st stream) bool {
	ours := t.local.RTP.Addr().Unmap()
	return st.usable() && (!ours.IsValid() || !st.addr.IsValid() || st.zeroAddr || ours.Is4() == st.addr.Is4())
}

func (t *Terms) agree(st stream, c Codec, sendPT, recvPT, sendDTMF, recvDTMF uint8, dir direction) {
	m := Media{
		Codec: c, SendPT: sendPT, RecvPT: recvPT, DTMFSendPT: sendDTMF, DTMFRecvPT: recvDTMF,
		PTime: st.ptime, Send: dir.send, Receive: dir.recv,
	}
	if st.addr.IsValid() && !st.addr.IsUnspecified() && st.port > 0 && st.port <= 65535 {
		m.Remote = netip.AddrPortFrom(st.addr, uint16(st.port))
		m.RemoteRTCP = st.rtcp
	} else {
		m.Send = false // nowhere to send to
		m.Symmetric = true
		if t.agreed && st.port != 0 { // c=0.0.0.0: what they send still comes from where it came from
			m.Remote, m.RemoteRTCP = t.media.Remote, t.media.RemoteRTCP
		}
	}
	t.media, t.agreed = m, true
}

// write makes our description from the shape of the session. Each different one has the next version (RFC 3264 §8).
func (t *Terms) write(codecs []Codec, dtmf uint8, dir direction, ptime time.Duration, on bool) ([]byte, error) {
	body, err := t.marshal(codecs, dtmf, dir, ptime, on)
	if err != nil {
		return nil, err
	}
	if t.sent != "" && string(body) != t.sent {
		t.version++
		if body, err = t.marshal(codecs, dtmf, dir, ptime, on); err != nil {
			return nil, err
		}
	}
	t.sent = string(body)
	return body, nil
}

func (t *Terms) marshal(codecs []Codec, dtmf uint8, dir direction, ptime time.Duration, on bool) ([]byte, error) {
	ip := t.local.RTP.Addr().Unmap()
	if !ip.IsValid() || ip.IsUnspecified() || t.local.RTP.Port() == 0 {
		return nil, fmt.Errorf("media address %v cannot be described", t.local.RTP)
	}
	family := "IP4"
	if ip.Is6() {
		family = "IP6"
	}
	ip = ip.WithZone("")
	d := sdp.SessionDescription{
		Origin: sdp.Origin{Username: "-", SessionID: t.id, SessionVersion: t.version,
			NetworkType: "IN", AddressType: family, UnicastAddress: ip.String()},
		SessionName:           "-",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: ip.String()}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
	}
	for i, m := range t.shape {
		name := sdp.MediaName{Media: m.media, Protos: strings.Split(m.proto, "/"), Formats: []string{m.format}}
		if i != t.audio {
			d.MediaDescriptions = append(d.MediaDescriptions, &sdp.MediaDescription{MediaName: name})
			continue
		}
		name.Formats = nil
		if on {
			name.Port.Value = int(t.local.RTP.Port())
		}
		md := &sdp.MediaDescription{MediaName: name}
		for _, c := range codecs {
			channels := uint16(0) // one channel is not written (RFC 8866 §6.6)
			if c.Channels > 1 {
				channels = uint16(c.Channels)
			}
			md.WithCodec(c.PT, c.Name, uint32(c.Clock), channels, c.Fmtp)
		}
		if dtmf != 0 {
			md.WithCodec(dtmf, "telephone-event", 8000, 0, "0-16")
		}
		if ptime > 0 {
			md.WithValueAttribute("ptime", strconv.Itoa(int(ptime/time.Millisecond)))
		}
		if rtcp := t.local.RTCP; rtcp.IsValid() && rtcp.Port() != t.local.RTP.Port()+1 {
			md.WithValueAttribute("rtcp", strconv.Itoa(int(rtcp.Port())))
		}
		md.WithPropertyAttribute(dir.String())
		d.MediaDescriptions = append(d.MediaDescriptions, md)
	}
	return d.Marshal()
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
func (t Terms) WithLocal(l Local) Terms { t.local = l; return t }

// Check says whether an offer could be answered, without answering it. The error wraps ErrSDP or ErrNoCommon.
func (t Terms) Check(offer []byte) error {
	r, err := readSDP(offer)
	if err != nil {
		return err
	}
	_, _, err = t.choose(r)
	return err
}
