package offer

import (
	"net/netip"
	"time"
)

// Codec is an audio format as SDP names it (RFC 8866 §6.6). Two codecs are the same when name (without case), clock
// and channels agree; the payload type is only a label of one direction of one session.
type Codec struct {
	Name     string // "PCMU", "PCMA", "G722", "opus"
	Clock    int    // RTP clock in Hz: 8000 also for G722 (RFC 3551 §4.5.2)
	Channels int    // 0 means 1
	PT       uint8  // the number that we offer
	Fmtp     string // format parameters that we send, without the payload type
}

// Local is our side of the media of one session.
type Local struct {
	RTP  netip.AddrPort // where we receive; the address goes into c=, so it must not be unspecified
	RTCP netip.AddrPort // zero: port of RTP + 1

	Codecs []Codec       // in order of preference; nil: those of Config
	DTMF   uint8         // payload type offered for telephone-event/8000; other clocks get free numbers; 0: that of Config
	CN     bool          // we render comfort noise (payload type 13, RFC 3389)
	PTime  time.Duration // packet time that we offer; 0: that of Config

	Security Security
	Mux      bool // RTP and RTCP may share a port (RFC 5761)
	XR       bool // VoIP metrics reports (RFC 3611)
	ICE      *ICE // ours, for far ends that demand it (RFC 8445); nil: none
}

// Security is how the sound may be and must be protected.
type Security struct {
	Policy Policy
	// Suites are the names of RFC 4568 §6.2 and RFC 7714 §14.1 to offer with keys in SDP, best first; nil: no SDES. Keys in SDP
	// are worth nothing over signalling in the clear: the caller leaves them out there unless the account allows it.
	Suites []string
	// Fingerprint of our DTLS certificate, "sha-256 AB:CD…" (RFC 8122); "": no DTLS-SRTP.
	Fingerprint string
	// Prefer is what Required offers, and what is taken of an offer that holds both, when both are possible; Automatic is a
	// handshake, whose keys no proxy reads (RFC 8643 §3.1).
	Prefer Protection
	// Feedback offers the profile of handshakes with feedback, UDP/TLS/RTP/SAVPF, which browsers demand.
	Feedback bool
}

// Protection is the way in which sound is encrypted.
type Protection string

// Protections.
const (
	Automatic Protection = ""
	SDES      Protection = "SDES"      // keys in the description (RFC 4568)
	Handshake Protection = "DTLS-SRTP" // on the sound's own port (RFC 5763)
)

// Policy says whether sound in the clear is taken.
type Policy string

// Policies. Optional offers RTP/AVP with keys beside it (RFC 8643, best effort) and takes what comes, protected rather than not.
// Required offers RTP/SAVP or UDP/TLS/RTP/SAVP alone and refuses the rest with 488; an RTP/AVP offer with keys is protected too
// and is taken.
const (
	Plain    Policy = ""
	Optional Policy = "optional"
	Required Policy = "required"
)

// ICE are the credentials of one side (RFC 8839 §5.4).
type ICE struct {
	Ufrag, Pwd string
	Lite       bool           // the far end only answers checks
	Candidates []ICECandidate // of the far end, UDP only
}

// ICECandidate is one address of an a=candidate line.
type ICECandidate struct {
	Addr      netip.AddrPort
	Component int // 1 RTP, 2 RTCP
	Priority  uint32
}

// Key is one a=crypto line (RFC 4568 §9.1).
type Key struct {
	Tag      int
	Suite    string // "AES_CM_128_HMAC_SHA1_80"
	KeySalt  []byte // master key and master salt; never logged
	Lifetime uint64 // packets; 0: the suite's own limit
	MKI      []byte // identifier that each packet carries; nil: none
}

// String hides the key, and so do the other ways in which a value ends up in a log.
func (k Key) String() string { return k.Suite + " (key hidden)" }

// GoString hides the key.
func (k Key) GoString() string { return k.String() }

// MarshalText hides the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// DTLS is what was agreed for a handshake on the sound's own port (RFC 5763).
type DTLS struct {
	Fingerprints []string // of the far end, as in Security; one must match
	Client       bool     // we begin (a=setup:active)
	Restart      bool     // a new association in a running session: fingerprint, role or tls-id changed (RFC 8842 §4)
	// Association counts them within a session, from 1: whoever is told the same Media twice sees by it that there is nothing
	// to begin anew.
	Association int
}

// Media is what both sides agreed on (RFC 3264). It holds from the event that brings it until the next one.
type Media struct {
	Remote     netip.AddrPort // where to send RTP; invalid when the far end gave 0.0.0.0
	RemoteRTCP netip.AddrPort

	Codec          Codec // name, clock and channels of the one audio codec in use
	SendPT, RecvPT uint8 // payload types of the two directions, which may differ (RFC 3264 §5.1)

	DTMFSendPT, DTMFRecvPT uint8 // telephone-event; 0: not agreed
	DTMFClock              int   // in which durations of events count: that of Codec, or 8000 when they have no other

	PTime         time.Duration // packet time that they want, 20 ms when they do not say
	Send, Receive bool          // what the directions allow us
	Symmetric     bool          // their address may be a wrong one (NAT): learn it from the first packets

	Fmtp string // their format parameters of Codec: what they want to receive ("useinbandfec=1")
	CN   bool   // they take comfort noise (payload type 13, RFC 3389)

	Profile          string // of the m-line: "RTP/AVP", "UDP/TLS/RTP/SAVPF" …
	SendKey, RecvKey *Key   // SDES: what we encrypt and what they encrypt with; nil: none
	DTLS             *DTLS  // nil: none
	Mux              bool   // RTP and RTCP share Remote
	XR               bool   // they take VoIP metrics
	ICE, OwnICE      *ICE   // theirs and ours; nil: none
	Controlling      bool   // we made the last offer: the role of RFC 8445 §6.1.1 unless one side is lite
}

// Protection is how the sound is encrypted, Automatic when it is not.
func (m Media) Protection() Protection {
	switch {
	case m.DTLS != nil:
		return Handshake
	case m.SendKey != nil && m.RecvKey != nil:
		return SDES
	}
	return Automatic
}
