package media

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const (
	// protectedRoom is the most that protection adds: an AEAD tag, the SRTCP index, a key identifier.
	protectedRoom = 16 + 4 + 128
	replayWindow  = 64
	// RFC 3711 §9.2: packets that one master key may protect.
	maxSRTP, maxSRTCP = 1 << 48, 1<<31 - 1
	// warnBefore is how many packets before the end of a key it is told: a minute of speech.
	warnBefore = 3000
	// maxSources is how many SSRCs one key is believed to have; each costs memory for the rest of the call.
	maxSources = 1024
)

// outbound protects what we send with one key. RTP and RTCP have contexts of their own, because they are used by
// different goroutines and contexts have no locks; RTP's is guarded by the sender's lock.
type outbound struct {
	key   SRTPKey
	suite suite

	rtp    *srtp.Context
	header rtp.Header
	buf    [rtpHeader + maxPayload + protectedRoom]byte
	sent   atomic.Uint64 // SRTP packets
	over   atomic.Bool   // the end of the key was told

	mu       sync.Mutex
	rtcp     *srtp.Context
	sentRTCP uint64
}

func newOutbound(k SRTPKey) (*outbound, error) {
	su, contexts, err := newContexts(&k)
	if err != nil {
		return nil, err
	}
	return &outbound{key: k, suite: su, rtp: contexts[0], rtcp: contexts[1]}, nil
}

func newContexts(k *SRTPKey) (suite, [2]*srtp.Context, error) {
	su, ok := suiteNamed(k.Suite)
	if !ok || len(k.KeySalt) != su.key+su.salt {
		return su, [2]*srtp.Context{}, fmt.Errorf("%w: key and suite %.40q do not fit", ErrSecure, k.Suite)
	}
	k.KeySalt, k.MKI = bytes.Clone(k.KeySalt), bytes.Clone(k.MKI)
	var both [2]*srtp.Context
	for i := range both {
		c, err := srtp.CreateContext(k.KeySalt[:su.key], k.KeySalt[su.key:], su.profile,
			srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow), srtp.MasterKeyIndicator(k.MKI))
		if err != nil {
			return su, both, fmt.Errorf("%w: %w", ErrSecure, err)
		}
		both[i] = c
	}
	return su, both, nil
}

// limit is how many packets of a kind the key may protect.
func (o *outbound) limit(most uint64) uint64 {
	if o.key.Lifetime > 0 {
		return min(most, o.key.Lifetime)
	}
	return most
}

// left is how many more packets of sound the key may protect.
func (o *outbound) left() uint64 {
	l, n := o.limit(maxSRTP), o.sent.Load()
	return l - min(l, n)
}

// protectRTP returns the packet as it goes on the wire, valid until the next call. The caller holds the sender's lock.
// It refuses when the key is used up: what is encrypted with it beyond its lifetime may be read by others.
func (o *outbound) protectRTP(packet []byte) ([]byte, bool) {
	if o.left() == 0 {
		return nil, false
	}
	out, err := o.rtp.EncryptRTP(o.buf[:0], packet, &o.header)
	if err != nil {
		return nil, false
	}
	o.sent.Add(1)
	return out, true
}

// protectRTCP returns a new packet.
func (o *outbound) protectRTCP(packet []byte) ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sentRTCP >= o.limit(maxSRTCP) {
		return nil, false
	}
	out, err := o.rtcp.EncryptRTCP(nil, packet, nil)
	if err != nil {
		return nil, false
	}
	o.sentRTCP++
	return out, true
}

// inbound opens what the far end protects with one key. RTP belongs to the goroutine that receives it; RTCP may come on
// both ports, hence its lock.
type inbound struct {
	key SRTPKey

	rtp     *srtp.Context
	header  rtp.Header
	buf     [maxDatagram]byte
	sources map[uint32]struct{} // SSRCs that were verified

	mu    sync.Mutex
	rtcp  *srtp.Context
	short *shortReports // nil where tags are long
}

func newInbound(k SRTPKey) (*inbound, error) {
	su, contexts, err := newContexts(&k)
	if err != nil {
		return nil, err
	}
	return &inbound{key: k, rtp: contexts[0], rtcp: contexts[1], sources: map[uint32]struct{}{}, short: newShortReports(k, su)}, nil
}

// opened is what became of a protected packet.
type opened uint8

const (
	openedFine opened = iota
	openedTwice
	openedNot
)

// openRTP verifies and decrypts a packet into a buffer that is valid until the next call: not in place, because a
// failure may spoil its buffer and the next key is to be tried.
func (in *inbound) openRTP(data []byte) ([]byte, opened) {
	if len(data) < rtpHeader || len(data) >= maxDatagram {
		return nil, openedNot
	}
	ssrc := uint32(data[8])<<24 | uint32(data[9])<<16 | uint32(data[10])<<8 | uint32(data[11])
	_, known := in.sources[ssrc]
	if !known && len(in.sources) >= maxSources {
		return nil, openedNot
	}
	out, err := in.rtp.DecryptRTP(in.buf[:0], data, &in.header)
	if err != nil {
		return nil, failed(err)
	}
	if !known {
		in.sources[ssrc] = struct{}{}
	}
	return out, openedFine
}

// openRTCP returns a new packet.
func (in *inbound) openRTCP(data []byte) ([]byte, opened) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var h rtcp.Header
	out, err := in.rtcp.DecryptRTCP(nil, data, &h)
	if err != nil && in.short != nil {
		if long := in.short.lengthen(data); long != nil {
			in.short.seen = true
			out, err = in.rtcp.DecryptRTCP(nil, long, &h)
		}
	}
	if err != nil {
		return nil, failed(err)
	}
	return out, openedFine
}

// sendsShort tells whether the far end's reports have short tags, and understands only such.
func (in *inbound) sendsShort() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.short != nil && in.short.seen
}

func failed(err error) opened {
	// the library does not export this one
	if strings.HasSuffix(err.Error(), "duplicated packet") {
		return openedTwice
	}
	return openedNot
}

// openRTP takes the protection off a packet of sound; before, while a new key of the far end is young, with the last one.
func (c *config) openRTP(data []byte, at time.Duration) ([]byte, opened) {
	if c.in == nil {
		return nil, openedNot
	}
	out, v := c.in.openRTP(data)
	if v == openedNot && c.before != nil && at < c.beforeUntil {
		return c.before.openRTP(data)
	}
	return out, v
}

// openRTCP does the same for RTCP.
func (c *config) openRTCP(data []byte, at time.Duration) ([]byte, opened) {
	if c.rtcpIn == nil {
		return nil, openedNot
	}
	out, v := c.rtcpIn.openRTCP(data)
	if v == openedNot && c.before != nil && at < c.beforeUntil {
		return c.before.openRTCP(data)
	}
	return out, v
}

// looksProtected tells whether a packet on a session in the clear is longer than its time, by just the tag of an SRTP
// suite. Played, it would be a burst of noise in the agent's ears. It is asked for codecs of one octet per tick.
func looksProtected(octets int, elapsed uint32, known bool) bool {
	for _, tag := range [...]int{10, 4, 16} {
		if known && elapsed > 0 && uint32(octets) == elapsed+uint32(tag) {
			return true
		}
		if !known && octets%frameOctets == tag {
			return true
		}
	}
	return false
}
