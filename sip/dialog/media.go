package dialog

import (
	"net/netip"
	"time"
)

// Codec is an audio format as SDP names it (RFC 8866 §6.6). Two codecs are the same when name (without case), clock
// and channels agree; the payload type is only a label of one direction of one session.
type Codec struct {
	Name     string // "PCMU", "PCMA", "G722"
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
	DTMF   uint8         // payload type offered for telephone-event; 0: that of Config
	PTime  time.Duration // packet time that we offer; 0: that of Config
}

// Media is what both sides agreed on (RFC 3264). It holds from the event that brings it until the next one.
type Media struct {
	Remote     netip.AddrPort // where to send RTP; invalid when the far end gave 0.0.0.0
	RemoteRTCP netip.AddrPort

	Codec          Codec // name, clock and channels of the one audio codec in use
	SendPT, RecvPT uint8 // payload types of the two directions, which may differ (RFC 3264 §5.1)

	DTMFSendPT, DTMFRecvPT uint8 // telephone-event; 0: not agreed

	PTime         time.Duration // packet time that they want, 20 ms when they do not say
	Send, Receive bool          // what the directions allow us
	Symmetric     bool          // their address may be a wrong one (NAT): learn it from the first packets
}
