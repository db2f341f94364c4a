package offer

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// iceAttributes are the ICE attributes of a session or stream as they come.
type iceAttributes struct {
	ICE
	refused bool // a=ice-mismatch
}

// readAttributes takes the lines of a session or stream, the first of each kind where only one may stand.
func (st *stream) readAttributes(attrs []sdp.Attribute, ice *iceAttributes) {
	directed, maxptime := false, time.Duration(0)
	own := iceAttributes{} // of this level
	setup, tlsID := "", ""
	for _, a := range attrs {
		v := strings.TrimSpace(a.Value)
		switch key := strings.ToLower(a.Key); key {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			if !directed {
				st.dir, directed = directions[key], true
			}
		case "rtpmap":
			if c, ok := parseRTPMap(v); ok && !slices.ContainsFunc(st.codecs, func(have Codec) bool { return have.PT == c.PT }) {
				st.codecs = append(st.codecs, c)
			}
		case "fmtp":
			st.readFmtp(v)
		case "ptime":
			if ms, err := strconv.Atoi(v); err == nil && ms >= 10 && ms <= 200 {
				st.ptime = time.Duration(ms/10*10) * time.Millisecond
			}
		case "maxptime":
			if ms, err := strconv.Atoi(v); err == nil && ms >= 10 && ms <= 2000 {
				maxptime = time.Duration(ms/10*10) * time.Millisecond
			}
		case "rtcp": // RFC 3605
			st.rtcp = parseRTCP(v, st.addr)
		case "rtcp-mux":
			st.mux = true
		case "rtcp-xr": // RFC 3611 §5.1
			st.xr = slices.ContainsFunc(strings.Fields(v), func(f string) bool { return strings.EqualFold(f, "voip-metrics") })
		case "mid":
			if st.mid == "" && isToken(v) {
				st.mid = v
			}
		case "crypto":
			st.crypto = true
			if k, ok := parseCrypto(v); ok && len(st.keys) < maxCrypto {
				st.keys = append(st.keys, k)
			}
		case "fingerprint":
			if f, ok := parseFingerprint(v); ok && len(st.fingerprints) < maxFingerprints {
				st.fingerprints = append(st.fingerprints, f)
			}
		case "setup":
			setup = orFirst(setup, parseSetup(v))
		case "tls-id":
			if isToken(v) && len(v) >= 20 {
				tlsID = orFirst(tlsID, v)
			}
		case "connection": // RFC 4145 §5
			st.connection, st.newConnection = true, strings.EqualFold(v, "new")
		case "ice-ufrag":
			own.Ufrag = orFirst(own.Ufrag, v)
		case "ice-pwd":
			own.Pwd = orFirst(own.Pwd, v)
		case "ice-lite":
			ice.Lite = true
		case "ice-mismatch":
			ice.refused = true
		case "candidate":
			if c, ok := parseCandidate(v); ok && len(own.Candidates) < maxCandidates {
				own.Candidates = append(own.Candidates, c)
			}
		}
	}
	if maxptime > 0 {
		st.ptime = min(st.ptime, maxptime)
	}
	st.setup, st.tlsID = orFirst(setup, st.setup), orFirst(tlsID, st.tlsID)
	ice.Ufrag, ice.Pwd = orFirst(own.Ufrag, ice.Ufrag), orFirst(own.Pwd, ice.Pwd)
	ice.Candidates = own.Candidates
}

var directions = map[string]direction{"sendrecv": sendrecv, "sendonly": sendonly, "recvonly": recvonly, "inactive": inactive}

func orFirst(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// isToken reports whether a value may stand in a line of ours as it came (RFC 8866 §9, token).
func isToken(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]`, c) >= 0 {
			return false
		}
	}
	return true
}

// bundleOf are the mids of the first BUNDLE group (RFC 9143 §7).
func bundleOf(attrs []sdp.Attribute) []string {
	for _, a := range attrs {
		if f := strings.Fields(a.Value); strings.EqualFold(a.Key, "group") && len(f) > 0 && strings.EqualFold(f[0], "BUNDLE") {
			return f[1:]
		}
	}
	return nil
}

// static are the payload types that need no rtpmap (RFC 3551 §6) and mean something to us.
var static = map[uint8]Codec{
	0:  {Name: "PCMU", Clock: 8000, Channels: 1, PT: 0},
	3:  {Name: "GSM", Clock: 8000, Channels: 1, PT: 3},
	8:  {Name: "PCMA", Clock: 8000, Channels: 1, PT: 8},
	9:  {Name: "G722", Clock: 8000, Channels: 1, PT: 9},
	13: {Name: "CN", Clock: 8000, Channels: 1, PT: 13},
}

// readFormats makes the codecs of the m-line, in its order, out of the rtpmap lines.
func (st *stream) readFormats() {
	maps := st.codecs
	st.codecs = nil
	for _, f := range st.formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		pt := uint8(n)
		has := func(c Codec) bool { return c.PT == pt }
		c, ok := static[pt]
		if i := slices.IndexFunc(maps, has); i >= 0 {
			c, ok = maps[i], true
		}
		if ok && !slices.ContainsFunc(st.codecs, has) {
			c.Fmtp = st.fmtp[pt]
			st.codecs = append(st.codecs, c)
		}
	}
	if !st.rtcp.IsValid() && st.port > 0 && st.port < 65535 && st.addr.IsValid() {
		st.rtcp = netip.AddrPortFrom(st.addr, uint16(st.port+1))
	}
}

// maxFmtp is how long the format parameters of one payload type may be.
const maxFmtp = 512

// readFmtp keeps "107 useinbandfec=1;stereo=0" by its number, what nobody knows included.
func (st *stream) readFmtp(v string) {
	num, params, ok := strings.Cut(v, " ")
	pt, err := strconv.ParseUint(num, 10, 7)
	if !ok || err != nil || len(params) > maxFmtp || strings.ContainsFunc(params, func(r rune) bool { return r < ' ' || r > '~' }) {
		return
	}
	if st.fmtp == nil {
		st.fmtp = map[uint8]string{}
	}
	if _, twice := st.fmtp[uint8(pt)]; !twice {
		st.fmtp[uint8(pt)] = strings.TrimSpace(params)
	}
}

// FmtpParam is one of the format parameters that they sent, "1" of "useinbandfec"; ok is false when it is not there.
func (m Media) FmtpParam(name string) (value string, ok bool) {
	for p := range strings.SplitSeq(m.Fmtp, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
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

// dtmf is telephone-event on the clock of the audio (RFC 4733 §2.1). Who offers events for a codec of 48 kHz on 8 kHz alone,
// as many do, gets them on that: durations are short by what nobody measures, and without events no key would arrive at all.
func (st *stream) dtmf(clock int) (Codec, bool) {
	c, ok := st.find(telephoneEvent(clock))
	if !ok && clock == 48000 {
		c, ok = st.find(telephoneEvent(8000))
	}
	return c, ok
}

func telephoneEvent(clock int) Codec {
	return Codec{Name: "telephone-event", Clock: clock, Channels: 1, Fmtp: "0-16"}
}

// comfortNoise of codecs on 8 kHz, which has a number for good (RFC 3389 §4).
var comfortNoise = Codec{Name: "CN", Clock: 8000, Channels: 1, PT: 13}

// noise reports whether they take it.
func (st *stream) noise() bool {
	c, ok := st.find(comfortNoise)
	return ok && c.PT == comfortNoise.PT
}
