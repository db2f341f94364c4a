// Package media is the sound of a call: an RTP session with its codecs, jitter buffer, concealment, DTMF and RTCP, and
// the headset that joins one session with microphone and loudspeaker. Sound is 16 kHz, signed 16 bit, mono, in frames
// of 10 ms everywhere above the codecs. The clock of a call is its capture device; calls without a device are driven
// by a Clock. The package never reads signalling, opens no file and decides nothing about a call: packets that stop,
// strangers and refused ports are counted and shown, and the call goes on.
package media

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"offhook/media/codec/opus"
)

// Rate and Frame are the sound of this package: 16,000 samples per second, 160 samples per frame of 10 ms.
const (
	Rate  = 16000
	Frame = Rate / 100
)

// Errors that a caller decides on.
var (
	// ErrNoPort is wrapped by Listen when no even/odd pair of ports is free.
	ErrNoPort = errors.New("no free pair of ports for RTP and RTCP")
	// ErrNoDTMF is returned by SendDTMF when the far end accepted no telephone-event payload type, or nothing is sent.
	ErrNoDTMF = errors.New("the far end does not take DTMF")
	// ErrBadDigit is wrapped by SendDTMF for a character that is not a DTMF digit.
	ErrBadDigit = errors.New("not a DTMF digit")
	// ErrClosed is returned by a session that has been closed.
	ErrClosed = errors.New("the sound session is closed")
)

// Codec is a coding of speech as SDP names it.
type Codec struct {
	Name     string `json:"name"`
	PT       uint8  `json:"pt"`        // the static payload type (RFC 3551 §6); of Opus, the one that is offered
	RTPClock int    `json:"rtp_clock"` // ticks per second; 8000 even for G.722 (RFC 3551 §4.5.2)
	Rate     int    `json:"rate"`      // samples per second
	Channels int    `json:"channels"`  // as SDP must say: 2 for Opus, whatever is sent (RFC 7587 §7)
	Fmtp     string `json:"fmtp"`      // format parameters to offer, what we like to receive; "" none
}

// The codecs that this package speaks.
var (
	Opus = Codec{Name: "opus", PT: 107, RTPClock: 48000, Rate: 16000, Channels: 2,
		Fmtp: "maxplaybackrate=16000;useinbandfec=1"}
	G722 = Codec{Name: "G722", PT: 9, RTPClock: 8000, Rate: 16000, Channels: 1}
	PCMU = Codec{Name: "PCMU", PT: 0, RTPClock: 8000, Rate: 8000, Channels: 1}
	PCMA = Codec{Name: "PCMA", PT: 8, RTPClock: 8000, Rate: 8000, Channels: 1}
)

// Codecs returns a new list of the codecs that can be offered now, best first: Opus where it works, G.722, µ-law, A-law.
func Codecs() []Codec {
	list := []Codec{G722, PCMU, PCMA}
	if opus.Available() {
		list = slices.Insert(list, 0, Opus)
	}
	return list
}

// WarmOpus prepares Opus in the background, about a tenth of a second and 30 MB. A program that offers Opus calls it
// when it starts, or the first moments of its first Opus call are silent.
func WarmOpus() { opus.Warm() }

// Params is what offer and answer agreed on. The zero time, type or address of a field means its default.
type Params struct {
	Remote     netip.AddrPort // where RTP goes, and the only source it is accepted from
	RemoteRTCP netip.AddrPort // default: Remote's port + 1
	Codec      Codec
	SendPT     uint8         // payload type of Codec in what we send
	RecvPT     uint8         // payload type of Codec in what we receive; static types of known codecs are understood too
	DTMFSendPT uint8         // telephone-event that the far end accepts; 0 none
	DTMFRecvPT uint8         // telephone-event that we offered; 0 none
	DTMFClock  int           // clock of telephone-event as agreed; default: Codec's, as RFC 4733 §2.1 wants
	DTMF       DTMFMode      // how SendDTMF sends
	DTMFListen bool          // find digits in what is heard, for far ends that send no events; OnDTMF is then called by ReadFrame
	Fmtp       string        // the far end's format parameters of Codec, without the payload type; obeyed for Opus
	PTime      time.Duration // of the packets we send, 10–60 ms; default 20 ms
	Send       bool          // false: held, nothing is sent
	Receive    bool          // false: what comes is not played
	// Latch accepts another source than Remote at the beginning, for far ends behind a NAT: two consecutive packets of
	// one SSRC with the negotiated payload type, verified ones where sound is encrypted, lock it until the next Configure
	// that names another Remote. A Configure that names the same one gives way to a new source only when the old is silent.
	Latch bool

	Secure Secure
	Mux    bool // RTP and RTCP share Remote (RFC 5761); RTCP is then understood on both ports
	XR     bool // VoIP metrics are sent with reports (RFC 3611); what comes is understood anyway
	ICE    *ICE // connectivity checks find the address; nil: Remote as it stands
}

// Config is what a Session needs before anything is negotiated.
type Config struct {
	LocalIP          netip.Addr // default 0.0.0.0
	PortMin, PortMax int        // RTP takes an even port, RTCP the next; 0 lets the kernel choose
	Logger           *slog.Logger
	CNAME            string // RTCP's name for us; default: random (RFC 7022)
	// Latch is Params.Latch for every configuration: for exchanges that send sound from another address than their SDP
	// names. It is the account's choice, because at the beginning of a call whoever guesses the port gets in.
	Latch bool
	// DSCP marks what is sent, 1–63: 0 is EF (46, RFC 4594 §4.1), NoDSCP no mark. Linux only, IPv4 and IPv6.
	DSCP int
	// Certificate is our identity in DTLS handshakes; nil: no DTLS-SRTP. One for all sessions of a program.
	Certificate *Certificate

	// VAD tells speech from noise in the microphone, for Stats.Speaking and HeardSilent. Nothing that is sent depends on it.
	VAD bool

	// OnDTMF hears each digit of the far end once, when it begins. OnStranger hears of the first packet from each new
	// wrong source, at most one per second. Both are called on the session's receiving goroutine and must not block.
	OnDTMF     func(digit rune)
	OnStranger func(from netip.AddrPort)
	// OnPath hears when connectivity checks have found no way for the sound, when the way was lost, and when there is one after all. It must
	// not block.
	OnPath func(PathState)
	// OnSecure hears when keys stand, and when there can be none. It is called on a goroutine of its own, in order.
	OnSecure func(SecureState)

	// Now is the time since an arbitrary start, for packets and playing alike; nil: the machine's clock. For simulations.
	Now func() time.Duration

	now      func() time.Duration // tests: time since an arbitrary start, for packets and playing alike
	reticent bool                 // tests: no report is sent but when sendReport is called
}

// Stats is a session's quality at one moment. Percentages and MOS are of what we hear, unless named Remote.
type Stats struct {
	Codec           string        `json:"codec"`
	PacketsSent     uint64        `json:"packets_sent"`
	PacketsReceived uint64        `json:"packets_received"`
	Lost            uint64        `json:"lost"`
	Late            uint64        `json:"late"`       // came, but too late to be played
	Duplicates      uint64        `json:"duplicates"` // came twice
	Malformed       uint64        `json:"malformed"`  // from the right source, but not to be understood
	Strangers       uint64        `json:"strangers"`  // from a wrong source; dropped unread
	SendErrors      uint64        `json:"send_errors"`
	LossPercent     float64       `json:"loss_percent"`        // lost on the network since the start
	RecentLoss      float64       `json:"recent_loss"`         // lost or late, over about the last ten seconds
	Concealed       float64       `json:"concealed_percent"`   // of the sound played since the start
	Recovered       float64       `json:"recovered_percent"`   // lost, but repeated in the next packet (Opus)
	Stretched       float64       `json:"stretched_percent"`   // added or removed to follow the network
	Jitter          time.Duration `json:"jitter_ns"`           // RFC 3550 A.8
	RoundTrip       time.Duration `json:"round_trip_ns"`       // 0 until the far end's RTCP tells
	Buffer          time.Duration `json:"buffer_ns"`           // delay of the jitter buffer
	MOS             float64       `json:"mos"`                 // estimated for now by the E-model, 1–4.5; 0 until something was heard
	MeanMOS         float64       `json:"mean_mos"`            // and for the whole session
	RemoteLoss      float64       `json:"remote_loss_percent"` // what the far end loses of ours, from its last report
	RemoteJitter    time.Duration `json:"remote_jitter_ns"`
	RemoteMOS       float64       `json:"remote_mos"` // how the far end hears us; 0 until it reports
	InLevel         float64       `json:"in_level"`   // microphone, dBFS (0 full scale, −96 silence)
	OutLevel        float64       `json:"out_level"`  // far end, dBFS
	Muted           bool          `json:"muted"`
	Speaking        bool          `json:"speaking"`     // the microphone holds speech; false without VAD
	HeardSilent     bool          `json:"heard_silent"` // with VAD: speech while muted, or a microphone that gives nothing for 5 s
	LastPacket      time.Time     `json:"last_packet"`  // zero before the first
	Silent          time.Duration `json:"silent_ns"`    // since the last packet, or since sound is expected; 0 while none is

	// Unheard is for how long the far end's reports have said that nothing more of ours arrives although we send; 0 while it
	// arrives, and while there are no reports.
	Unheard time.Duration `json:"unheard_ns"`

	Secure       string `json:"secure"`        // suite that protects what we send; "" in the clear, or while there are no keys
	SecureErrors uint64 `json:"secure_errors"` // protected packets that could not be verified, and packets that were not as agreed: dropped
	KeyLeft      uint64 `json:"key_left"`      // packets that our key may still protect; 0 without a key

	// Ours, as VoIP metrics count (RFC 3611 §4.7): bursts are stretches with fewer than 16 good packets between losses.
	RFactor      float64 `json:"r_factor"`      // narrow-band scale of G.107, 0–93.2; 0 until something was heard
	ListeningMOS float64 `json:"listening_mos"` // without the conversation's delay
	BurstLoss    float64 `json:"burst_percent"` // share of packets missing in bursts, and between them
	GapLoss      float64 `json:"gap_percent"`
	// The far end's, from its VoIP metrics; 0 until they come, or where it does not know.
	RemoteRFactor      float64       `json:"remote_r_factor"`
	RemoteListeningMOS float64       `json:"remote_listening_mos"`
	RemoteDiscard      float64       `json:"remote_discard_percent"` // came too late for it
	RemoteBuffer       time.Duration `json:"remote_buffer_ns"`       // its jitter buffer now
	RemoteDelay        time.Duration `json:"remote_delay_ns"`        // its end system: codec, buffer, device
}
