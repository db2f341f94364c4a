package offer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// anySide is a phone with some abilities; what it calls its formats is its own affair.
func anySide(r *rand.Rand, addr string) Local {
	codecs := append([]Codec{opus}, testCodecs...)
	r.Shuffle(len(codecs), func(i, j int) { codecs[i], codecs[j] = codecs[j], codecs[i] })
	codecs = slices.Clone(codecs[:1+r.IntN(4)])
	for i := range codecs {
		if codecs[i].Name == "opus" {
			codecs[i].PT = uint8(96 + r.IntN(8))
		}
	}
	l := Local{
		RTP: netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(2000+r.IntN(1000)*2)), Codecs: codecs, DTMF: uint8(r.IntN(2) * (96 + r.IntN(8))),
		CN: r.IntN(2) == 0, PTime: time.Duration(1+r.IntN(3)) * 20 * time.Millisecond, Mux: r.IntN(2) == 0, XR: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		l.ICE = &ICE{Ufrag: fmt.Sprintf("u%07d", r.IntN(1e7)), Pwd: fmt.Sprintf("p%029d", r.IntN(1e9)), Lite: r.IntN(2) == 0}
	}
	l.Security.Policy = []Policy{Plain, Optional, Required}[r.IntN(3)]
	l.Security.Prefer = []Protection{Automatic, SDES, Handshake}[r.IntN(3)]
	suites := []string{"AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80", suite80, suite32}
	r.Shuffle(len(suites), func(i, j int) { suites[i], suites[j] = suites[j], suites[i] })
	l.Security.Suites = suites[:r.IntN(5)]
	if r.IntN(2) == 0 {
		l.Security.Fingerprint = map[bool]string{true: fingerA, false: fingerB}[strings.HasSuffix(addr, ".1")]
	}
	return l
}

// agreeing fails unless two sides see one session: each sends what the other expects.
func agreeing(a, b Media) error {
	switch {
	case !a.Codec.Same(b.Codec):
		return fmt.Errorf("codecs %v and %v", a.Codec, b.Codec)
	case a.SendPT != b.RecvPT || a.RecvPT != b.SendPT:
		return fmt.Errorf("numbers %d/%d and %d/%d", a.SendPT, a.RecvPT, b.SendPT, b.RecvPT)
	case a.DTMFSendPT != b.DTMFRecvPT || a.DTMFRecvPT != b.DTMFSendPT || a.DTMFClock != b.DTMFClock:
		return fmt.Errorf("keypads %d/%d on %d and %d/%d on %d", a.DTMFSendPT, a.DTMFRecvPT, a.DTMFClock, b.DTMFSendPT, b.DTMFRecvPT, b.DTMFClock)
	case a.DTMFSendPT != 0 && (a.DTMFSendPT == a.SendPT || a.DTMFRecvPT == a.RecvPT):
		return fmt.Errorf("a key and sound have the number %d", a.DTMFSendPT)
	case a.Send != b.Receive || a.Receive != b.Send:
		return fmt.Errorf("directions %v/%v and %v/%v", a.Send, a.Receive, b.Send, b.Receive)
	case a.Mux != b.Mux || a.Protection() != b.Protection() || (a.ICE == nil) != (b.ICE == nil):
		return fmt.Errorf("mux %v and %v, %q and %q, ICE %v and %v", a.Mux, b.Mux, a.Protection(), b.Protection(), a.ICE, b.ICE)
	case a.Protection() == SDES && (!sameKey(a.SendKey, b.RecvKey) || !sameKey(b.SendKey, a.RecvKey) || sameKey(a.SendKey, a.RecvKey)):
		return errors.New("the keys do not cross")
	case a.DTLS != nil && (a.DTLS.Client == b.DTLS.Client || a.DTLS.Association != b.DTLS.Association || a.DTLS.Restart != b.DTLS.Restart):
		return fmt.Errorf("handshakes %+v and %+v", a.DTLS, b.DTLS)
	case a.Controlling == b.Controlling:
		return errors.New("both, or neither, made the offer")
	}
	return nil
}

func sameKey(a, b *Key) bool { return a.Suite == b.Suite && string(a.KeySalt) == string(b.KeySalt) }

// TestTwoSidesAlwaysSeeOneSession lets random pairs of phones talk through random exchanges, some of which fail.
func TestTwoSidesAlwaysSeeOneSession(t *testing.T) {
	talked, refused := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		sides := [2]Terms{New(1, anySide(r, "192.0.2.1")), New(2, anySide(r, "192.0.2.2"))}
		var held [2]bool
		numbers := [2]map[uint8]string{{}, {}}
		keys := map[string]bool{}
		for step := range 12 {
			from := r.IntN(2)
			to := 1 - from
			if step == 0 {
				from, to = 0, 1
			}
			hold := held[from]
			switch r.IntN(6) {
			case 0:
				hold = !hold && step > 0
			case 1: // other codecs, not mid-call the numbers
				l := sides[from].local
				l.Codecs = slices.Clone(l.Codecs)
				r.Shuffle(len(l.Codecs), func(i, j int) { l.Codecs[i], l.Codecs[j] = l.Codecs[j], l.Codecs[i] })
				sides[from] = sides[from].WithLocal(l)
			case 2:
				if step > 0 {
					sides[from] = sides[from].Rekey()
				}
			}
			before := [2]Media{sides[0].media, sides[1].media}
			x, offer, err := sides[from].Offer(hold)
			if hold == held[from] && step > 0 && r.IntN(4) == 0 { // a session timer's refresh
				x, offer, err = sides[from].Again()
			}
			if err != nil {
				t.Fatal(err)
			}
			y, answer, err := sides[to].Answer(offer, held[to])
			if err != nil {
				if !errors.Is(err, ErrNoCommon) || sides[0].agreed {
					t.Fatalf("seed %d step %d: %v\n%s", seed, step, err, offer)
				}
				refused++
				break
			}
			x, err = x.Accept(answer)
			if err != nil {
				t.Fatalf("seed %d step %d: the answer was not taken: %v\n%s\n%s", seed, step, err, offer, answer)
			}
			if r.IntN(5) == 0 && step > 0 { // refused by a person, or lost: nothing has happened
				if sides[from].media != before[from] || sides[to].media != before[to] {
					t.Fatalf("seed %d step %d: a copy was not one", seed, step)
				}
				continue
			}
			sides[from], sides[to], held[from] = x, y, hold
			if err := agreeing(x.media, y.media); err != nil {
				t.Fatalf("seed %d step %d: %v\n%s\n%s", seed, step, err, offer, answer)
			}
			m := x.media
			if m.Receive == hold || m.Send == held[to] || x.ByUs() != hold || y.ByThem() != hold || y.ByUs() != held[to] {
				t.Fatalf("seed %d step %d: hold %v and %v gave %+v", seed, step, hold, held[to], m)
			}
			if m.Remote != sides[to].local.RTP || y.media.Remote != sides[from].local.RTP {
				t.Fatalf("seed %d step %d: to %v and %v", seed, step, m.Remote, y.media.Remote)
			}
			for _, side := range []*Terms{&x, &y} {
				if p := side.local.Security.Policy; p == Required && m.Protection() == Automatic || p == Plain && m.Protection() != Automatic {
					t.Fatalf("seed %d step %d: policy %q and %q", seed, step, p, m.Protection())
				}
			}
			if step > 0 && before[from].Protection() != m.Protection() || m.DTLS != nil && m.DTLS.Association != 1 {
				t.Fatalf("seed %d step %d: protection changed: %+v\n%s\n%s", seed, step, m.DTLS, offer, answer)
			}
			meaning(t, numbers[from], offer)
			keys[m.Profile] = true
			talked++
		}
		if len(keys) > 1 {
			t.Fatalf("seed %d: profiles %v", seed, keys)
		}
	}
	if talked < 5000 || refused < 300 {
		t.Fatalf("%d exchanges, %d refusals prove little", talked, refused)
	}
}

// meaning fails when an offer gives a number that the side has used another meaning (RFC 3264 §8.3.2).
func meaning(t *testing.T, known map[uint8]string, offer []byte) {
	t.Helper()
	r, err := readSDP(offer)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.streams[0].codecs {
		name := fmt.Sprintf("%s/%d/%d", strings.ToLower(c.Name), c.Clock, max(c.Channels, 1))
		if known[c.PT] == "" {
			known[c.PT] = name
		} else if known[c.PT] != name {
			t.Fatalf("%d was %s and is %s\n%s", c.PT, known[c.PT], name, offer)
		}
	}
}
