package media

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/srtp/v3"
)

// SecureKind is how the sound's keys were agreed.
type SecureKind string

// Kinds.
const (
	Clear    SecureKind = ""          // RTP as it is
	SDES     SecureKind = "SDES"      // SRTP with keys from the signalling (RFC 4568)
	DTLSSRTP SecureKind = "DTLS-SRTP" // SRTP with keys from a handshake on the sound's own port (RFC 5764)
)

// ErrSecure is wrapped by Configure when the keys or the handshake that were agreed cannot be used: nothing is changed.
var ErrSecure = errors.New("the sound cannot be encrypted as agreed")

// Secure says how sound is protected in a session.
type Secure struct {
	Kind       SecureKind
	Send, Recv *SRTPKey // of SDES: what we encrypt with, and what the far end encrypts with
	DTLS       *DTLS    // of DTLS-SRTP
}

// SRTPKey is one direction's key (RFC 4568 §6.1). It is never logged or shown.
type SRTPKey struct {
	Suite    string // one of Suites
	KeySalt  []byte // master key and master salt, of the suite's length
	MKI      []byte // identifier that each packet carries; nil none
	Lifetime uint64 // packets that may be sent with it; 0: the suite's own limit
}

// String hides the key.
func (k SRTPKey) String() string { return k.Suite + " (key hidden)" }

// GoString hides the key.
func (k SRTPKey) GoString() string { return k.String() }

// equal tells whether both are the same key of the same suite.
func (k *SRTPKey) equal(o *SRTPKey) bool {
	return k.Suite == o.Suite && subtle.ConstantTimeCompare(k.KeySalt, o.KeySalt) == 1 && bytes.Equal(k.MKI, o.MKI)
}

// DTLS is what was agreed for a handshake (RFC 5763).
type DTLS struct {
	Fingerprints []string // of the far end's certificate, "sha-256 AA:BB…" (RFC 8122): one must match
	Client       bool     // we begin (a=setup:active)
	// Restart begins a new association although the fingerprints are those of the last one (RFC 8842). A Configure that
	// changes nothing about the handshake leaves it false, else the sound stops for the length of a handshake.
	Restart bool
}

// SecureState tells what became of a session's protection.
type SecureState struct {
	Kind   SecureKind
	Suite  string // name as in Suites
	OK     bool   // keys stand; false: no sound flows either way
	Detail string // one line for people: what happened, what it means for the call; with OK a warning or empty
}

type suite struct {
	name      string
	profile   srtp.ProtectionProfile // the numbers of RFC 5764 §4.1.2 and RFC 7714 §14.2 too
	key, salt int                    // octets
	dtls      bool                   // registered for DTLS-SRTP
}

// suiteList is what we speak, best first: AEAD, then long tags, then tags of 32 bits, of which one forged packet in four
// thousand millions is taken.
func suiteList() []suite {
	return []suite{
		{"AEAD_AES_256_GCM", srtp.ProtectionProfileAeadAes256Gcm, 32, 12, true},
		{"AEAD_AES_128_GCM", srtp.ProtectionProfileAeadAes128Gcm, 16, 12, true},
		{"AES_256_CM_HMAC_SHA1_80", srtp.ProtectionProfileAes256CmHmacSha1_80, 32, 14, false},
		{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14, true},
		{"AES_256_CM_HMAC_SHA1_32", srtp.ProtectionProfileAes256CmHmacSha1_32, 32, 14, false},
		{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14, true},
	}
}

// Suites are the names (RFC 4568 §6.2, RFC 6188 §3.1, RFC 7714 §14.1) of the SRTP suites that SDES may agree on, best first.
func Suites() []string {
	var names []string
	for _, s := range suiteList() {
		names = append(names, s.name)
	}
	return names
}

// KeySaltLen is the length in octets of a suite's master key and salt, 0 for a suite that is not one of Suites.
func KeySaltLen(name string) int {
	s, ok := suiteNamed(name)
	if !ok {
		return 0
	}
	return s.key + s.salt
}

func suiteNamed(name string) (suite, bool) {
	// Phones that follow the draft of RFC 6188 say AES_CM_256 for the same thing.
	name = strings.Replace(strings.ToUpper(name), "AES_CM_256_", "AES_256_CM_", 1)
	i := slices.IndexFunc(suiteList(), func(s suite) bool { return s.name == name })
	if i < 0 {
		return suite{}, false
	}
	return suiteList()[i], true
}

// check judges what was agreed before anything is changed.
func (s Secure) check(hasCertificate bool) error {
	switch s.Kind {
	case Clear:
		return nil
	case SDES:
		for _, k := range []*SRTPKey{s.Send, s.Recv} {
			if k == nil {
				return fmt.Errorf("%w: a key is missing", ErrSecure)
			}
			if n := KeySaltLen(k.Suite); n == 0 {
				return fmt.Errorf("%w: suite %.40q is not known", ErrSecure, k.Suite)
			} else if len(k.KeySalt) != n {
				return fmt.Errorf("%w: a key of %d octets, %s has %d", ErrSecure, len(k.KeySalt), k.Suite, n)
			}
			if len(k.MKI) > 128 { // RFC 4568 §6.1
				return fmt.Errorf("%w: a key identifier of %d octets", ErrSecure, len(k.MKI))
			}
		}
		return nil
	case DTLSSRTP:
		if s.DTLS == nil || !hasCertificate {
			return fmt.Errorf("%w: a handshake without certificate or fingerprint", ErrSecure)
		}
		return usableFingerprints(s.DTLS.Fingerprints)
	}
	return fmt.Errorf("%w: %.40q is not known", ErrSecure, string(s.Kind))
}

// keep is how long packets under the far end's last key are still understood after it has changed: they are on their way.
const keep = 3 * time.Second

// guard is the protection in force; part of config, so that address and keys always change together.
type guard struct {
	out, rtcpOut *outbound
	in, rtcpIn   *inbound
	before       *inbound      // with the key of a moment ago
	beforeUntil  time.Duration // when that ends
}

// ready tells whether sound may flow.
func (c *config) ready() bool { return c.Secure.Kind == Clear || c.out != nil }

// suite is the name of what protects what we send.
func (g *guard) suite() string {
	if g.out == nil {
		return ""
	}
	return g.out.suite.name
}

// secureSDES makes c's contexts, those of the last configuration where the key is the same: sequence numbers, their
// rollovers and the record of replays go on over hold and resume.
func (s *Session) secureSDES(c, old *config) (changed bool, err error) {
	send, recv := c.Secure.Send, c.Secure.Recv
	if c.out, err = s.outboundFor(send); err != nil {
		return false, err
	}
	c.rtcpOut = c.out
	changed = old == nil || old.out != c.out
	if old != nil {
		for _, in := range []*inbound{old.in, old.before} {
			if in != nil && in.key.equal(recv) {
				c.in = in
			}
		}
		switch {
		case old.in != nil && old.in != c.in:
			c.before, c.beforeUntil, changed = old.in, s.clock()+keep, true
		case old.before != nil && old.before != c.in:
			c.before, c.beforeUntil = old.before, old.beforeUntil
		}
	}
	if c.in == nil {
		if c.in, err = newInbound(*recv); err != nil {
			return false, err
		}
		changed = true
	}
	c.rtcpIn = c.in
	return changed, nil
}

// pastKeys is how many of our own keys are remembered.
const pastKeys = 64

// outboundFor finds or makes the context of a key of ours. A key that comes back goes on where it ended: beginning anew
// would use the same keystream twice (RFC 3711 §9.1).
func (s *Session) outboundFor(k *SRTPKey) (*outbound, error) {
	for _, o := range s.past {
		if o.key.equal(k) {
			return o, nil
		}
	}
	o, err := newOutbound(*k)
	if err != nil {
		return nil, err
	}
	if len(s.past) == pastKeys {
		s.past = slices.Delete(s.past, 0, 1)
	}
	s.past = append(s.past, o)
	return o, nil
}
