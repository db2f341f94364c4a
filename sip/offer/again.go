package offer

import "slices"

// Again offers our last description once more, to the letter and with its version, as a refresh does that is to change nothing
// (RFC 4028 §7.4, RFC 3264 §8). Where that cannot be, as after a stream was switched off, it is a new offer with the same hold.
//
// So it is with a handshake: what we said last may be an answer, with a role in it, and an offer leaves the choice.
func (t Terms) Again() (Terms, []byte, error) {
	if t.sent == nil || t.stale || t.assoc.live {
		return t.Offer(t.byUs)
	}
	r, err := readSDP([]byte(*t.sent))
	if err != nil || t.audio >= len(r.streams) || r.streams[t.audio].port == 0 {
		return t.Offer(t.byUs)
	}
	st := r.streams[t.audio]
	t.offered, t.offDir = slices.Clone(st.codecs), st.dir
	return t, []byte(*t.sent), nil
}
