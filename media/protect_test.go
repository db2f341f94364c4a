package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/internal/allocs"
)

// testKey is a key of a suite; number makes different ones.
func testKey(suite string, number byte) *SRTPKey {
	k := make([]byte, KeySaltLen(suite))
	for i := range k {
		k[i] = byte(i)*7 ^ number
	}
	return &SRTPKey{Suite: suite, KeySalt: k}
}

// sdes protects both directions, a's with key 1 and b's with key 2.
func sdes(suite string) (a, b Secure) {
	x, y := testKey(suite, 1), testKey(suite, 2)
	return Secure{Kind: SDES, Send: x, Recv: y}, Secure{Kind: SDES, Send: y, Recv: x}
}

// securePair is pair with SDES.
func securePair(t testing.TB, suite string, ca, cb Config) (*virtual, *Session, *Session) {
	t.Helper()
	v, a, b := pair(t, G722, ca, cb)
	sa, sb := sdes(suite)
	pa, pb := params(b, G722), params(a, G722)
	pa.Secure, pb.Secure = sa, sb
	if err := errors.Join(a.Configure(pa), b.Configure(pb)); err != nil {
		t.Fatal(err)
	}
	return v, a, b
}

// talk lets n frames of a tone go from a to b and returns what b hears.
func talk(t testing.TB, v *virtual, a, b *Session, tone *sine, n int) (heard []int16) {
	t.Helper()
	var in, out [Frame]int16
	for range n {
		tone.frame(in[:])
		step(t, v, a, b, in[:], out[:])
		heard = append(heard, out[:]...)
	}
	return heard
}

func TestEverySuiteCarriesSoundAndReportsBothWays(t *testing.T) {
	if got := strings.Join(Suites(), " "); got != "AEAD_AES_256_GCM AEAD_AES_128_GCM AES_256_CM_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 AES_CM_128_HMAC_SHA1_32" {
		t.Errorf("suites are %s", got)
	}
	for _, suite := range append(Suites(), "AES_CM_256_HMAC_SHA1_80") {
		for _, mki := range [][]byte{nil, {7}, {0, 0, 0, 9}} {
			t.Run(fmt.Sprintf("%s identifier of %d octets", suite, len(mki)), func(t *testing.T) {
				v, a, b := pair(t, PCMA, Config{}, Config{})
				sa, sb := sdes(suite)
				sa.Send.MKI, sa.Recv.MKI = mki, mki
				pa, pb := params(b, PCMA), params(a, PCMA)
				pa.Secure, pb.Secure = sa, sb
				if err := errors.Join(a.Configure(pa), b.Configure(pb)); err != nil {
					t.Fatal(err)
				}
				tone := &sine{hz: 1000, amp: 8000}
				heard := talk(t, v, a, b, tone, 60)
				if s := strength(heard[30*Frame:], 1000); s < 0.98 {
					t.Errorf("1000 Hz hold %.3f of what is heard", s)
				}
				if s := strength(talk(t, v, b, a, tone, 60)[30*Frame:], 1000); s < 0.98 {
					t.Errorf("the other way 1000 Hz hold %.3f", s)
				}
				a.sendReport(false)
				until(t, func() bool { b.reports.mu.Lock(); defer b.reports.mu.Unlock(); return b.reports.senderNTP != 0 })
				st := b.Stats()
				if want := strings.Replace(suite, "AES_CM_256", "AES_256_CM", 1); st.Secure != want || st.SecureErrors != 0 || st.Malformed != 0 || st.KeyLeft == 0 {
					t.Errorf("the call is reported as %q with %d errors, %d packets left", st.Secure, st.SecureErrors, st.KeyLeft)
				}
			})
		}
	}
}

func TestNothingReadableIsOnTheWire(t *testing.T) {
	s, err := newOutbound(*testKey("AES_CM_128_HMAC_SHA1_80", 1))
	if err != nil {
		t.Fatal(err)
	}
	plain := packet(1, 160, 0, bytes.Repeat([]byte{0xd5}, 160))
	out, ok := s.protectRTP(plain)
	if !ok || len(out) != len(plain)+10 || bytes.Contains(out, plain[12:28]) || !bytes.Equal(out[:12], plain[:12]) {
		t.Errorf("protected: %x", out)
	}
	in, err := newInbound(*testKey("AES_CM_128_HMAC_SHA1_80", 1))
	if err != nil {
		t.Fatal(err)
	}
	back, v := in.openRTP(out)
	if v != openedFine || !bytes.Equal(back, plain) {
		t.Errorf("opened: %v %x", v, back)
	}
	if _, v := in.openRTP(out); v != openedTwice {
		t.Errorf("a replayed packet is %v", v)
	}
	for i := range out { // every bit counts
		bad := bytes.Clone(out)
		bad[3] = 2 // not the packet that was seen
		bad[i] ^= 1
		if _, v := in.openRTP(bad); v == openedFine {
			t.Errorf("a packet with octet %d forged was taken", i)
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	k := testKey("AES_CM_128_HMAC_SHA1_80", 1)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb, *k) + fmt.Sprintf(verb, k); strings.Contains(out, "KeySalt") || strings.Contains(out, "\x01") || strings.Contains(out, " 6 ") {
			t.Errorf("%s: %s", verb, out)
		}
	}
}

func TestKeysThatDoNotFitAreRefusedAndChangeNothing(t *testing.T) {
	_, a, b := pair(t, PCMU, Config{}, Config{})
	before := a.config.Load()
	good := testKey("AEAD_AES_128_GCM", 1)
	for name, s := range map[string]Secure{
		"no keys":         {Kind: SDES},
		"one key":         {Kind: SDES, Send: good},
		"an odd suite":    {Kind: SDES, Send: good, Recv: &SRTPKey{Suite: "NULL_HMAC_SHA1_80", KeySalt: make([]byte, 30)}},
		"a short key":     {Kind: SDES, Send: good, Recv: &SRTPKey{Suite: "AES_CM_128_HMAC_SHA1_80", KeySalt: make([]byte, 29)}},
		"a long name":     {Kind: SDES, Send: good, Recv: &SRTPKey{Suite: good.Suite, KeySalt: good.KeySalt, MKI: make([]byte, 129)}},
		"no certificate":  {Kind: DTLSSRTP, DTLS: &DTLS{Fingerprints: []string{"sha-256 00"}}},
		"an unknown kind": {Kind: "ZRTP"},
	} {
		p := params(b, PCMU)
		p.Secure = s
		if err := a.Configure(p); !errors.Is(err, ErrSecure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a.config.Load() != before {
		t.Error("the running configuration was touched")
	}
}

func TestSequenceNumbersMayWrapDuringHoldAndResumeWithTheSameKey(t *testing.T) {
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"} {
		v, a, b := securePair(t, suite, Config{}, Config{})
		a.tx.mu.Lock()
		a.tx.seq = 65500
		a.tx.mu.Unlock()
		tone := &sine{hz: 700, amp: 8000}
		talk(t, v, a, b, tone, 60) // 30 packets: 65500 … 65529
		sa, sb := sdes(suite)
		for _, hold := range []bool{true, false} {
			pa, pb := params(b, G722), params(a, G722)
			pa.Secure, pb.Secure, pa.Send = sa, sb, !hold
			if err := errors.Join(a.Configure(pa), b.Configure(pb)); err != nil {
				t.Fatal(err)
			}
			talk(t, v, a, b, tone, 40)
		}
		heard := talk(t, v, a, b, tone, 100)
		if s := strength(heard[20*Frame:], 700); s < 0.98 {
			t.Errorf("%s: after the wrap the tone holds %.3f", suite, s)
		}
		// a second wrap, after 65,000 packets that nobody hears
		for range 65_500 {
			if _, ok := a.config.Load().out.protectRTP(packet(a.tx.seq, 0, 9, nil)); !ok {
				t.Fatal("not protected")
			}
			a.tx.seq++
		}
		if roc, _ := a.config.Load().out.rtp.ROC(a.tx.ssrc); roc != 1 {
			t.Errorf("%s: rollover count %d, want 1", suite, roc)
		}
		if st := b.Stats(); st.SecureErrors != 0 || st.Lost != 0 {
			t.Errorf("%s: %d errors, %d lost", suite, st.SecureErrors, st.Lost)
		}
	}
}

func TestANewKeyInMidCallIsNotHeard(t *testing.T) {
	v, a, b := securePair(t, "AES_CM_128_HMAC_SHA1_80", Config{}, Config{})
	tone := &sine{hz: 500, amp: 8000}
	talk(t, v, a, b, tone, 60)
	configure := func(s, o *Session, se Secure) {
		p := params(o, G722)
		p.Secure = se
		if err := s.Configure(p); err != nil {
			t.Fatal(err)
		}
	}
	suite := "AEAD_AES_128_GCM" // the suite changes too
	x, y := testKey(suite, 11), testKey(suite, 12)
	configure(b, a, Secure{Kind: SDES, Send: y, Recv: x}) // b is ahead by 30 frames of sound under the old key
	heard := talk(t, v, a, b, tone, 30)
	configure(a, b, Secure{Kind: SDES, Send: x, Recv: y})
	heard = append(heard, talk(t, v, a, b, tone, 60)...)
	for i := 0; i+Frame <= len(heard); i += Frame { // a click would take energy from the tone in its frame
		if s := strength(heard[i:i+Frame], 500); s < 0.97 {
			t.Errorf("frame %d: the tone holds %.3f", i/Frame, s)
		}
	}
	if st := b.Stats(); st.SecureErrors != 0 || st.Concealed > 1 || st.Secure != suite {
		t.Errorf("after the change %+v", st)
	}
	// the old key is no longer taken once its packets must have arrived
	v.add(keep + time.Second)
	old, err := newOutbound(*testKey("AES_CM_128_HMAC_SHA1_80", 1))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := old.protectRTP(packet(9, 9, 9, make([]byte, 160)))
	if _, got := b.config.Load().openRTP(data, v.now()); got == openedFine {
		t.Error("the old key is taken for ever")
	}
}

func TestAKeyThatComesBackGoesOnWhereItEnded(t *testing.T) {
	_, a, b := securePair(t, "AES_CM_128_HMAC_SHA1_80", Config{}, Config{})
	first := a.config.Load().out
	p := params(b, G722)
	p.Secure = Secure{Kind: SDES, Send: testKey("AEAD_AES_128_GCM", 9), Recv: testKey("AEAD_AES_128_GCM", 8)}
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	p.Secure, _ = sdes("AES_CM_128_HMAC_SHA1_80")
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	if a.config.Load().out != first {
		t.Error("the same key began anew: its keystream is used twice")
	}
}

func TestOnlyWhatWasAgreedIsHeardAndTheRestIsCounted(t *testing.T) {
	v, a, b := securePair(t, "AES_CM_128_HMAC_SHA1_80", Config{}, Config{})
	// a falls back to the clear, as a broken exchange would
	if err := a.Configure(params(b, G722)); err != nil {
		t.Fatal(err)
	}
	tone := &sine{hz: 1000, amp: 8000}
	var in, out [Frame]int16
	for range 40 {
		tone.frame(in[:])
		a.WriteFrame(in[:])
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return b.Stats().SecureErrors == 20 })
	for range 40 {
		if b.ReadFrame(out[:]); Level(out[:]) > silence {
			t.Fatal("sound in the clear is heard on an encrypted call")
		}
	}
	if st := b.Stats(); !st.LastPacket.IsZero() || st.PacketsReceived != 0 {
		t.Errorf("it counts as sound: %+v", st)
	}

	// and the other way round, with every tag that exists
	for _, suite := range Suites() {
		for _, codec := range []Codec{G722, PCMU} {
			v, a, b := pair(t, codec, Config{}, Config{OnDTMF: func(rune) { t.Error("an encrypted digit was read") }})
			p := params(b, codec)
			p.Secure, _ = sdes(suite)
			if err := a.Configure(p); err != nil {
				t.Fatal(err)
			}
			if err := a.SendDTMF("5"); err != nil {
				t.Fatal(err)
			}
			for range 60 {
				tone.frame(in[:])
				a.WriteFrame(in[:])
				v.add(10 * time.Millisecond)
			}
			until(t, func() bool { return b.Stats().SecureErrors == a.Stats().PacketsSent })
			for range 60 {
				if b.ReadFrame(out[:]); Level(out[:]) > silence {
					t.Fatalf("%s: encrypted sound is played as noise on a call in the clear", suite)
				}
			}
		}
	}
}

func TestAKeyIsNotUsedBeyondItsLifetime(t *testing.T) {
	var mu sync.Mutex
	var states []SecureState
	v, a, b := pair(t, PCMU, Config{OnSecure: func(s SecureState) { mu.Lock(); states = append(states, s); mu.Unlock() }}, Config{})
	sa, sb := sdes("AES_CM_128_HMAC_SHA1_80")
	sa.Send.Lifetime = warnBefore + 10
	pa, pb := params(b, PCMU), params(a, PCMU)
	pa.Secure, pb.Secure = sa, sb
	if err := errors.Join(a.Configure(pa), b.Configure(pb)); err != nil {
		t.Fatal(err)
	}
	tone := &sine{hz: 1000, amp: 8000}
	talk(t, v, a, b, tone, 30)
	a.config.Load().out.sent.Store(warnBefore + 5) // most of a minute passes
	sent := a.Stats().PacketsSent
	talk(t, v, a, b, tone, 40)
	if n := a.Stats().PacketsSent - sent; n != 5 {
		t.Errorf("%d more packets were sent, the key allows 5", n)
	}
	until(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(states) == 3 })
	if !states[0].OK || states[0].Detail != "" || !states[1].OK || states[1].Detail == "" || states[2].OK || states[2].Detail == "" {
		t.Errorf("told %+v", states)
	}
	if st := a.Stats(); st.KeyLeft != 0 {
		t.Errorf("%d packets left", st.KeyLeft)
	}
}

func TestAFarEndMayChangeItsSSRCButNotWithoutEnd(t *testing.T) {
	out, in := must(newOutbound(*testKey("AEAD_AES_128_GCM", 1))), must(newInbound(*testKey("AEAD_AES_128_GCM", 1)))
	data := packet(1, 1, 0, make([]byte, 80))
	taken := 0
	for i := range 2 * maxSources {
		binary.BigEndian.PutUint32(data[8:], uint32(i))
		p, ok := out.protectRTP(data)
		if !ok {
			t.Fatal("not protected")
		}
		if _, v := in.openRTP(p); v == openedFine {
			taken++
		}
	}
	if taken != maxSources {
		t.Errorf("%d sources were taken, want %d", taken, maxSources)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEncryptionAllocatesNothingPerPacket(t *testing.T) {
	for _, suite := range Suites() {
		out, in := must(newOutbound(*testKey(suite, 1))), must(newInbound(*testKey(suite, 1)))
		data := packet(0, 0, 0, make([]byte, 160))
		n := uint16(0)
		got := allocs.Of(100, func() { // under the race detector a pool of the standard library forgets now and then
			n++
			binary.BigEndian.PutUint16(data[2:], n)
			p, ok := out.protectRTP(data)
			if !ok {
				t.Fatal("not protected")
			}
			if _, v := in.openRTP(p); v != openedFine {
				t.Fatal("not opened")
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations per packet in each direction", suite, got)
		}
	}
}

// base64Key is a key as SDP and ffmpeg write it.
func base64Key(k *SRTPKey) string { return base64.StdEncoding.EncodeToString(k.KeySalt) }
