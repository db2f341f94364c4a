package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/media"
	"offhook/media/device"
	"offhook/sip/dialog"
	"offhook/sip/locate"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// ErrPortTaken is wrapped by Open when another program has the port of Config.Listen.
var ErrPortTaken = transaction.ErrPortTaken

// NotReliable switches reliable provisional responses off in Config.Reliable.
const NotReliable dialog.Reliable = "off"

// ConfigError says which setting cannot be used, in one line for a person.
type ConfigError struct{ Key, Why string }

func (e *ConfigError) Error() string { return "sip." + e.Key + ": " + e.Why }

// Config is one telephone account and how the phone behaves.
type Config struct {
	Account     string // address of record, "sip:2101@example.com"
	DisplayName string
	Username    string // for the password check; "": the account's user part
	// Password is called once, by Open, when there is a registrar. nil: no password.
	Password func(ctx context.Context) (string, error)

	Transport     string // "udp" (default), "tcp", "tls", or "auto": as the name service says (RFC 3263)
	Registrar     string // host, host:port or SIP URI; "auto": the account's domain; "": no registration
	OutboundProxy string // the same forms; "": none
	// Registrar2 and OutboundProxy2 are a second way in, registered at the same time (RFC 5626 reg-id 2): calls come over both, and
	// go out over the first that lives. An OutboundProxy2 without a Registrar2 leads to Registrar. "": there is none.
	Registrar2, OutboundProxy2 string
	TLS                        TLS
	Listen                     netip.AddrPort // zero: all interfaces, a port chosen by the system
	UserAgent                  string
	UDPMax                     int // largest request over UDP in bytes, larger ones go by TCP; 0: 1300 (RFC 3261 §18.1.1), negative: no limit

	// Trusted are the peers whose P-Asserted-Identity and Remote-Party-ID are believed (RFC 3325).
	Trusted []netip.Prefix
	// Accept are further peers that may call. With a registrar only it, the outbound proxy and these may; without one
	// everybody may when Accept is empty.
	Accept []netip.Prefix

	Reliable     dialog.Reliable // 100rel (RFC 3262); zero: supported; NotReliable: not offered
	SessionTimer time.Duration   // interval that we ask for (RFC 4028); 0: 30 min; negative: none
	// RemoteControl lets the account's servers answer and hold calls by NOTIFY with Event talk or hold.
	RemoteControl bool
	// AutoAnswer lets the account's servers ask that a call be answered without the agent (RFC 5373 and what exchanges use).
	AutoAnswer bool
	// Withhold hides our number from those who are called (RFC 3323).
	Withhold bool
	// Data says what headers of a call mean to the agent; User-to-User and X- headers are shown anyway.
	Data []DataRule
	// Toll is asked before each call that this phone places. nil: agents may dial anything, far ends may send the phone only to names
	// and short numbers of its own exchange.
	Toll *toll.Policy

	Expires      time.Duration // registration lifetime to ask for; 0: 5 min
	RingLimit    time.Duration // an inbound call that rings longer gets 480; 0: 2 min
	AnswerLimit  time.Duration // an outbound call that rings longer is cancelled; 0: 3 min
	TransferWait time.Duration // limit for the first NOTIFY of a transfer; 0: 32 s
	RequestRate  float64       // new requests a second that one source may begin for long; 0: 50; negative: no limit
	MaxCalls     int           // inbound calls beyond it get 486; 0: 16

	RTPMin, RTPMax int      // port range of the sound; 0: chosen by the system
	Codecs         []string // names, best first; nil: all of media.Codecs
	Sound          SoundConfig
	Recording      RecordingConfig
	// CallKey is the key of the record of a call, for what stands beside its recording; nil: the leg.
	CallKey func(callID, localTag string) string
	Region  string // ISO 3166 country of the ringback tone

	// Headset is the agent's microphone and loudspeaker. nil: calls carry silence and what comes in is not heard. The phone does
	// not close it.
	Headset *media.Headset
	// Devices are told on as SoundChanged until the channel is closed. nil: none.
	Devices <-chan device.Event

	// Mailbox is the voice mail to watch (RFC 3842): a number or SIP URI, "auto" for the account itself; "": only what the exchange tells
	// unasked.
	Mailbox string
	// LocalContact registers our own address even where a registrar over UDP sees us at another one.
	LocalContact bool
	// GRUU uses the GRUUs of a registrar (RFC 5627) even if it does not keep to outbound (RFC 5626).
	GRUU     bool
	Lamps    []Lamp // colleagues whose calls are watched while the account is registered (RFC 4235), at most 64
	Instance string // UUID of this installation for +sip.instance (RFC 5626 §4.1); "": not sent

	Logger  *slog.Logger                                               // nil: discard
	Trace   func(transaction.TraceMessage)                             // every message on the wire; must not block; nil: none
	Resolve func(ctx context.Context, host string) (netip.Addr, error) // addresses of hosts, in place of Locate; nil: none
	Locate  *locate.Resolver                                           // finds servers and remembers failures; nil: one of the phone's own
	// Unwatched leaves it to the owner to tell Woke and NetworkChanged; else the phone notices both by itself.
	Unwatched bool

	net  network
	full func() bool // all accounts together have as many calls as they may; nil: only MaxCalls counts

	secondary bool // another account is the primary
}

// read checks a Config and fills in what was left out.
func (c Config) read() (account, error) {
	a := account{Config: c}
	var err error
	if err = a.readServers(); err != nil {
		return a, err
	}
	if a.tls, err = c.TLS.load(); err != nil {
		return a, err
	}
	if a.codecs, err = readCodecs(c.Codecs); err != nil {
		return a, err
	}
	if c.RTPMin < 0 || c.RTPMax > 65535 || c.RTPMax < c.RTPMin || c.RTPMin > 0 && c.RTPMax-c.RTPMin < 1 {
		return a, &ConfigError{"rtp_ports", fmt.Sprintf("%d-%d is not a range of at least two ports", c.RTPMin, c.RTPMax)}
	}
	if !c.Listen.IsValid() {
		a.Listen = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	setDefault(&a.Username, a.aor.User)
	setDefault(&a.UserAgent, "offhook")
	setDefault(&a.Expires, 5*time.Minute)
	setDefault(&a.RingLimit, 2*time.Minute)
	setDefault(&a.AnswerLimit, 3*time.Minute)
	setDefault(&a.MaxCalls, 16)
	setDefault(&a.RequestRate, requestRate)
	switch a.Reliable {
	case dialog.ReliableOff:
		a.Reliable = dialog.ReliableSupported
	case NotReliable:
		a.Reliable = dialog.ReliableOff
	}
	setDefault(&a.SessionTimer, 30*time.Minute)
	setDefault(&a.Logger, slog.New(slog.DiscardHandler))
	return a, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// readCodecs turns names into what SDP offers.
func readCodecs(names []string) ([]dialog.Codec, error) {
	have := media.Codecs()
	if names == nil {
		for _, c := range have {
			names = append(names, c.Name)
		}
	}
	var out []dialog.Codec
	for _, n := range names {
		i := slices.IndexFunc(have, func(c media.Codec) bool { return strings.EqualFold(c.Name, n) })
		if i < 0 {
			return nil, &ConfigError{"codecs", strconv.Quote(n) + " is not a codec of this phone"}
		}
		out = append(out, dialog.Codec{Name: have[i].Name, Clock: have[i].RTPClock, Channels: have[i].Channels, PT: have[i].PT, Fmtp: have[i].Fmtp})
		if have[i].Name == media.Opus.Name {
			media.WarmOpus()
		}
	}
	if len(out) == 0 {
		return nil, &ConfigError{"codecs", "the list is empty"}
	}
	return out, nil
}

// mediaCodec is the codec of package media that was negotiated.
func mediaCodec(c dialog.Codec) (media.Codec, error) {
	for _, m := range media.Codecs() {
		if strings.EqualFold(m.Name, c.Name) {
			return m, nil
		}
	}
	return media.Codec{}, errors.New("no such codec: " + c.Name)
}
