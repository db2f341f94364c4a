package offer

import (
	"errors"
	"slices"
)

// errNothingSent: there is no description of ours that could be offered again.
var errNothingSent = errors.New("nothing to offer again")

// Again offers our last description once more, to the letter and with its version, as a refresh does that is to change nothing
// (RFC 4028 §7.4, RFC 3264 §8). Where that cannot be, as after a stream was switched off, it is a new offer with the same hold.
func (t Terms) Again() (Terms, []byte, error) {
	r, err := readSDP([]byte(t.sent))
	if t.sent == "" {
		err = errNothingSent
	}
	if err != nil || t.audio >= len(r.streams) || r.streams[t.audio].port == 0 {
		return t.Offer(t.byUs)
	}
	st := r.streams[t.audio]
	t.offered, t.offDir = slices.Clone(st.codecs), st.dir
	return t, []byte(t.sent), nil
}
