package offer

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Errors of session descriptions. The first is answered 400, the second 488 (RFC 3261 §21.4.26).
var (
	ErrSDP      = errors.New("the session description cannot be read")
	ErrNoCommon = errors.New("no audio codec in common")
)

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
}

// remote is a description that came from the far end.
type remote struct{ streams []stream }

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
	sessionDir, _ := directionOf(d.Attributes)
	r := remote{streams: make([]stream, 0, len(mlines))}
	for i, m := range d.MediaDescriptions {
		st := stream{
			media: mlines[i][0], proto: mlines[i][2], formats: mlines[i][3:],
			port: m.MediaName.Port.Value, dir: sessionDir, ptime: 20 * time.Millisecond,
		}
		if dir, ok := directionOf(m.Attributes); ok {
			st.dir = dir
		}
		conn := m.ConnectionInformation
		if conn == nil {
			conn = d.ConnectionInformation
		}
		st.addr = connAddr(conn)
		st.zeroAddr = st.addr.IsValid() && st.addr.IsUnspecified()
		st.readAttributes(m.Attributes)
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
	for raw := range bytes.SplitSeq(body, []byte{'\n'}) {
		line := strings.TrimRight(string(raw), "\r \t")
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

func directionOf(attrs []sdp.Attribute) (direction, bool) {
	for _, a := range attrs {
		switch strings.ToLower(a.Key) {
		case "sendrecv":
			return sendrecv, true
		case "sendonly":
			return sendonly, true
		case "recvonly":
			return recvonly, true
		case "inactive":
			return inactive, true
		}
	}
	return sendrecv, false
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

// static are the payload types that need no rtpmap (RFC 3551 §6) and mean something to us.
var static = map[uint8]Codec{
	0: {Name: "PCMU", Clock: 8000, Channels: 1, PT: 0},
	3: {Name: "GSM", Clock: 8000, Channels: 1, PT: 3},
	8: {Name: "PCMA", Clock: 8000, Channels: 1, PT: 8},
	9: {Name: "G722", Clock: 8000, Channels: 1, PT: 9},
}

func (st *stream) readAttributes(attrs []sdp.Attribute) {
	maps := map[uint8]Codec{}
	maxptime := 0
	for _, a := range attrs {
		switch strings.ToLower(a.Key) {
		case "rtpmap":
			if c, ok := parseRTPMap(a.Value); ok {
				if _, twice := maps[c.PT]; !twice {
					maps[c.PT] = c
				}
			}
		case "ptime":
			if ms, err := strconv.Atoi(strings.TrimSpace(a.Value)); err == nil && ms >= 10 && ms <= 200 {
				st.ptime = time.Duration(ms/10*10) * time.Millisecond
			}
		case "maxptime":
			if ms, err := strconv.Atoi(strings.TrimSpace(a.Value)); err == nil && ms >= 10 && ms <= 2000 {
				maxptime = ms / 10 * 10
			}
		case "rtcp": // RFC 3605
			st.rtcp = parseRTCP(a.Value, st.addr)
		}
	}
	if limit := time.Duration(maxptime) * time.Millisecond; limit > 0 {
		st.ptime = min(st.ptime, limit)
	}
	for _, f := range st.formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		pt := uint8(n)
		c, ok := maps[pt]
		if !ok {
			c, ok = static[pt]
		}
		if ok && !slices.ContainsFunc(st.codecs, func(have Codec) bool { return have.PT == pt }) {
			st.codecs = append(st.codecs, c)
		}
	}
	if !st.rtcp.IsValid() && st.port > 0 && st.port < 65535 && st.addr.IsValid() {
		st.rtcp = netip.AddrPortFrom(st.addr, uint16(st.port+1))
	}
}

// parseRTPMap reads "96 opus/48000/2".
func parseRTPMap(v string) (Codec, bool) {
	num, enc, ok := strings.Cut(strings.TrimSpace(v), " ")
	pt, err := strconv.ParseUint(num, 10, 7)
	parts := strings.Split(strings.TrimSpace(enc), "/")
	if !ok || err != nil || len(parts) < 2 || parts[0] == "" {
		return Codec{}, false
	}
	clock, err := strconv.Atoi(parts[1])
	if err != nil || clock <= 0 {
		return Codec{}, false
	}
	c := Codec{Name: parts[0], Clock: clock, Channels: 1, PT: uint8(pt)}
	if len(parts) > 2 {
		if ch, err := strconv.Atoi(parts[2]); err == nil && ch > 0 {
			c.Channels = ch
		}
	}
	return c, true
}

// parseRTCP reads "53020" or "53020 IN IP4 192.0.2.1".
func parseRTCP(v string, addr netip.Addr) netip.AddrPort {
	f := strings.Fields(v)
	if len(f) == 0 {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}
	}
	if len(f) >= 4 {
		if a, err := netip.ParseAddr(f[3]); err == nil && a.Zone() == "" {
			addr = a.Unmap()
		}
	}
	if !addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// Same reports whether two codecs are the same format; payload types do not matter.
func (c Codec) Same(d Codec) bool {
	return strings.EqualFold(c.Name, d.Name) && c.Clock == d.Clock && max(c.Channels, 1) == max(d.Channels, 1)
}

// find returns the stream's entry for c.
func (st *stream) find(c Codec) (Codec, bool) {
	i := slices.IndexFunc(st.codecs, c.Same)
	if i < 0 {
		return Codec{}, false
	}
	return st.codecs[i], true
}

// dtmf is the payload type of telephone-event on the clock of the audio (RFC 4733 §2.1), 0 for none.
func (st *stream) dtmf(clock int) uint8 {
	if c, ok := st.find(Codec{Name: "telephone-event", Clock: clock}); ok {
		return c.PT
	}
	return 0
}

// usable reports whether we can take the stream at all: plain RTP audio. Keys (SAVP) are not ours yet, and an
// offer that demands them must not be answered in the clear.
func (st *stream) usable() bool {
	return st.media == "audio" && (st.proto == "RTP/AVP" || st.proto == "RTP/AVPF")
}
