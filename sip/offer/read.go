package offer

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Errors of session descriptions. The first is answered 400, the second 488 (RFC 3261 §21.4.26).
var (
	ErrSDP      = errors.New("the session description cannot be read")
	ErrNoCommon = errors.New("no audio codec in common")
)

// ErrUnprotected is the ErrNoCommon of sound that would have to go in the clear, or with keys that cannot be used.
var ErrUnprotected error = unprotected{}

type unprotected struct{}

func (unprotected) Error() string        { return "no protection of the sound in common" }
func (unprotected) Is(target error) bool { return target == ErrNoCommon }

// MaxSize and maxStreams limit what a stranger can make us look at.
const (
	MaxSize    = 16 << 10
	maxStreams = 32
)

// direction is one of the four of RFC 3264 §5.1, seen from whoever wrote the description.
type direction struct{ send, recv bool }

var (
	sendrecv = direction{true, true}
	sendonly = direction{true, false}
	recvonly = direction{false, true}
	inactive = direction{}
)

func (d direction) String() string {
	switch d {
	case sendonly:
		return "sendonly"
	case recvonly:
		return "recvonly"
	case inactive:
		return "inactive"
	}
	return "sendrecv"
}

// reverse turns their direction into ours.
func (d direction) reverse() direction { return direction{d.recv, d.send} }

// and is what both allow, of two directions seen from the same side.
func (d direction) and(e direction) direction { return direction{d.send && e.send, d.recv && e.recv} }

// stream is one m-line of a description.
type stream struct {
	media, proto string
	port         int
	formats      []string // as they stand
	codecs       []Codec  // numeric formats, in order; telephone-event included
	addr         netip.Addr
	rtcp         netip.AddrPort
	dir          direction
	zeroAddr     bool // c=0.0.0.0: hold of RFC 2543
	ptime        time.Duration
	mid          string // RFC 9143
	mux, xr      bool

	fmtp   map[uint8]string
	crypto bool  // there were a=crypto lines
	keys   []Key // of those, what can be read

	fingerprints []string
	setup, tlsID string

	connection, newConnection bool // there was a=connection; it said "new"
	ice                       *ICE
	mismatch                  bool // their ICE speaks of other addresses than their m-line
}

// remote is a description that came from the far end.
type remote struct {
	streams []stream
	bundle  []string // mids of the first a=group:BUNDLE
}

// readSDP reads a description leniently where it does not concern us (RFC 8866 §9 is strict about the order of lines
// that no phone needs) and strictly where it does. It never panics.
func readSDP(body []byte) (remote, error) {
	if len(body) > MaxSize {
		return remote{}, fmt.Errorf("%w: %d bytes are too many", ErrSDP, len(body))
	}
	reduced, mlines, err := reduceSDP(body)
	if err != nil {
		return remote{}, err
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(reduced); err != nil {
		return remote{}, fmt.Errorf("%w: %v", ErrSDP, err)
	}
	if len(d.MediaDescriptions) != len(mlines) {
		return remote{}, fmt.Errorf("%w: the m= lines cannot be told apart", ErrSDP)
	}
	base := stream{ptime: 20 * time.Millisecond, dir: sendrecv}
	var baseICE iceAttributes
	base.readAttributes(d.Attributes, &baseICE)
	r := remote{streams: make([]stream, 0, len(mlines)), bundle: bundleOf(d.Attributes)}
	for i, m := range d.MediaDescriptions {
		st := stream{
			media: mlines[i][0], proto: mlines[i][2], formats: mlines[i][3:], port: m.MediaName.Port.Value,
			dir: base.dir, ptime: base.ptime, xr: base.xr, setup: base.setup, tlsID: base.tlsID,
		}
		conn := m.ConnectionInformation
		if conn == nil {
			conn = d.ConnectionInformation
		}
		st.addr = connAddr(conn)
		ice := baseICE
		st.readAttributes(m.Attributes, &ice)
		if len(st.fingerprints) == 0 { // those of the medium stand instead of those of the session (RFC 8122 §5)
			st.fingerprints = base.fingerprints
		}
		st.checkICE(ice.ICE, ice.refused)
		st.zeroAddr = st.addr.IsValid() && st.addr.IsUnspecified() && st.ice == nil
		st.readFormats()
		r.streams = append(r.streams, st)
	}
	return r, nil
}

// reduceSDP keeps the lines that matter to a phone, in the order that RFC 8866 §5 prescribes, so that a fault in a URI, a
// bandwidth or a medium we do not take (T.38 fax is "m=image … udptl") does not cost the call. It also returns the
// words of the m= lines as they stood.
func reduceSDP(body []byte) ([]byte, [][]string, error) {
	var out, attrs bytes.Buffer
	var origin, conn string
	var version bool
	var mlines [][]string
	flush := func() {
		if len(mlines) == 0 {
			out.WriteString("v=0\r\n" + origin + "\r\ns=-\r\n")
		}
		if conn != "" {
			out.WriteString(conn + "\r\n")
		}
		if len(mlines) == 0 {
			out.WriteString("t=0 0\r\n")
		}
		out.Write(attrs.Bytes())
		conn = ""
		attrs.Reset()
	}
	body = bytes.TrimRight(bytes.TrimPrefix(body, []byte("\uFEFF")), "\x00")
	for raw := range bytes.FieldsFuncSeq(body, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line := strings.TrimRight(string(raw), " \t")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return nil, nil, fmt.Errorf("%w: a line is not of the form x=value", ErrSDP)
		}
		switch line[0] {
		case 'v':
			if line != "v=0" {
				return nil, nil, fmt.Errorf("%w: unknown version", ErrSDP)
			}
			version = true
		case 'o':
			origin = line
		case 'c':
			if conn == "" { // several c= lines are layered multicast; the first will do
				conn = line
			}
		case 'a':
			attrs.WriteString(line + "\r\n")
		case 'm':
			flush()
			words := strings.Fields(line[2:])
			if len(words) < 4 || len(mlines) == maxStreams {
				return nil, nil, fmt.Errorf("%w: an m= line is incomplete or one too many", ErrSDP)
			}
			mlines = append(mlines, words)
			if rtpProto(words[2]) && words[0] == "audio" {
				fmt.Fprintf(&out, "m=%s\r\n", strings.Join(words, " "))
			} else {
				fmt.Fprintf(&out, "m=application %s UDP %s\r\n", words[1], words[3])
			}
		}
	}
	if !version || origin == "" {
		return nil, nil, fmt.Errorf("%w: v= or o= is missing", ErrSDP)
	}
	flush()
	return out.Bytes(), mlines, nil
}

// rtpProto tells the profiles that we know by name; whether we can do one is another question.
func rtpProto(proto string) bool {
	switch proto {
	case "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF":
		return true
	}
	return false
}

// connAddr reads a c= line; a host name or nonsense gives the zero Addr: then the far end's address is learned from
// its packets.
func connAddr(c *sdp.ConnectionInformation) netip.Addr {
	if c == nil || c.Address == nil {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(c.Address.Address, "/") // multicast TTL
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}
