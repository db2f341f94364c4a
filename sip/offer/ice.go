package offer

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxCandidates of one stream are kept.
const maxCandidates = 64

// iceText reports whether s is of ice-chars, within the lengths of RFC 8839 §5.4.
func iceText(s string, least int) bool {
	if len(s) < least || len(s) > 256 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '+' && r != '/' {
			return false
		}
	}
	return true
}

// parseCandidate reads "1 1 UDP 2130706431 192.0.2.1 4000 typ host …" (RFC 8839 §5.1). Candidates of TCP, and names instead of
// addresses (".local"), are not ours.
func parseCandidate(v string) (ICECandidate, bool) {
	f := strings.Fields(v)
	if len(f) < 8 || !strings.EqualFold(f[2], "UDP") || !strings.EqualFold(f[6], "typ") {
		return ICECandidate{}, false
	}
	component, err := strconv.ParseUint(f[1], 10, 16)
	if err != nil || component < 1 || component > 2 {
		return ICECandidate{}, false
	}
	priority, err := strconv.ParseUint(f[3], 10, 32)
	if err != nil {
		return ICECandidate{}, false
	}
	addr, err := netip.ParseAddr(f[4])
	if err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
		return ICECandidate{}, false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port == 0 {
		return ICECandidate{}, false
	}
	return ICECandidate{Addr: netip.AddrPortFrom(addr.Unmap(), uint16(port)), Component: int(component), Priority: uint32(priority)}, true
}

// checkICE settles what the lines of a stream said: nil without credentials. When no candidate is the address of the m-line, or that of
// RTCP, something between changed one and not the other, and ICE must not be used (RFC 8839 §4.2.5).
func (st *stream) checkICE(ice ICE, refused bool) {
	if !iceText(ice.Ufrag, 4) || !iceText(ice.Pwd, 22) || refused {
		return
	}
	at := netip.AddrPortFrom(st.addr, uint16(st.port))
	if st.port != 0 && len(ice.Candidates) > 0 && (!ice.names(1, at) || !ice.names(2, st.rtcpBeside(at, ice))) {
		st.mismatch = true
		return
	}
	st.ice = &ice
}

// names reports whether the default address of a component is among the candidates. One that is not known yet, for candidates that
// follow (RFC 8840 §4.1.1), and one that there is not, are.
func (i *ICE) names(component int, at netip.AddrPort) bool {
	return !at.IsValid() || at.Addr().IsUnspecified() || at.Port() == 9 ||
		slices.ContainsFunc(i.Candidates, func(c ICECandidate) bool { return c.Component == component && c.Addr == at })
}

// rtcpBeside is the default address of RTCP where it has a component of its own: as a=rtcp says (RFC 3605), else the next port, where
// there are candidates for it at all. Where both share a port, there is none. rtp is that of RTP.
func (st *stream) rtcpBeside(rtp netip.AddrPort, ice ICE) netip.AddrPort {
	switch {
	case st.mux, st.rtcp == rtp, !rtp.IsValid() || rtp.Port() == 9:
		return netip.AddrPort{}
	case st.rtcp.IsValid():
		return st.rtcp
	case ice.single() || rtp.Port() == 65535:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
}

// single reports whether there are candidates, and all of them for RTP: then an answer must not have others (RFC 8839 §4.3.1).
func (i *ICE) single() bool {
	return i != nil && len(i.Candidates) > 0 && !slices.ContainsFunc(i.Candidates, func(c ICECandidate) bool { return c.Component == 2 })
}

// iceLines are ours: credentials and one host candidate for each component, or for RTP alone.
func (t *Terms) iceLines(single bool) [][2]string {
	own := t.local.ICE
	lines := [][2]string{{"ice-ufrag", own.Ufrag}, {"ice-pwd", own.Pwd}}
	addrs := []netip.AddrPort{t.local.RTP}
	if !single {
		addrs = append(addrs, t.local.rtcp())
	}
	for i, a := range addrs {
		lines = append(lines, [2]string{"candidate", fmt.Sprintf("1 %d UDP %d %v %d typ host",
			i+1, 126<<24|65535<<8|(256-(i+1)), a.Addr().Unmap().WithZone(""), a.Port())})
	}
	return append(lines, [2]string{"end-of-candidates", ""})
}

// rtcp is where we receive RTCP.
func (l Local) rtcp() netip.AddrPort {
	if l.RTCP.IsValid() {
		return netip.AddrPortFrom(l.RTP.Addr(), l.RTCP.Port())
	}
	return netip.AddrPortFrom(l.RTP.Addr(), l.RTP.Port()+1)
}

// ours reports whether we have credentials that a peer would take.
func (i *ICE) ours() bool { return i != nil && iceText(i.Ufrag, 4) && iceText(i.Pwd, 22) }

// RestartsChecks reports whether an offer has other credentials than those that are agreed on: then the answer needs new ones as well, and
// all checks are made anew (RFC 8445 §9, RFC 8839 §4.4.1.1.1).
func (t Terms) RestartsChecks(offer []byte) bool {
	was := t.media.ICE
	if was == nil || !t.local.ICE.ours() {
		return false
	}
	r, err := readSDP(offer)
	if err != nil {
		return false
	}
	pick, err := t.choose(r)
	if err != nil {
		return false
	}
	is := r.streams[pick.stream].ice
	return is != nil && (is.Ufrag != was.Ufrag || is.Pwd != was.Pwd)
}

// WithICE returns the terms with other credentials of ours, for the next description.
func (t Terms) WithICE(own *ICE) Terms {
	l := t.local
	l.ICE = own
	return t.WithLocal(l)
}
