package offer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// description is what one of ours says about the audio.
type description struct {
	formats       []Codec
	dir           direction
	ptime         time.Duration
	on            bool   // port not 0
	keys          []Key  // SDES
	setup         string // a=setup; "": no DTLS
	mux, xr       bool
	ice, mismatch bool
	settled       bool // an answer: mux means that there is no second port
	single        bool // they have no candidate for RTCP, so there is none of ours
}

// write makes our description from the shape of the session. Each different one has the next version (RFC 3264 §8).
func (t *Terms) write(d description) ([]byte, error) {
	body, err := t.marshal(d)
	if err != nil {
		return nil, err
	}
	if t.sent != nil && *t.sent != string(body) {
		t.version++
		if body, err = t.marshal(d); err != nil {
			return nil, err
		}
	}
	sent := string(body)
	t.sent, t.stale = &sent, false
	return body, nil
}

func (t *Terms) marshal(d description) ([]byte, error) {
	ip := t.local.RTP.Addr().Unmap()
	if !ip.IsValid() || ip.IsUnspecified() || t.local.RTP.Port() == 0 {
		return nil, fmt.Errorf("media address %v cannot be described", t.local.RTP)
	}
	family := "IP4"
	if ip.Is6() {
		family = "IP6"
	}
	ip = ip.WithZone("")
	s := sdp.SessionDescription{
		Origin: sdp.Origin{Username: "-", SessionID: t.id, SessionVersion: t.version,
			NetworkType: "IN", AddressType: family, UnicastAddress: ip.String()},
		SessionName:           "-",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: ip.String()}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
	}
	if t.bundle && d.on { // of the group only we are left
		s.WithValueAttribute("group", "BUNDLE "+t.shape[t.audio].mid)
	}
	if d.ice && t.local.ICE.Lite {
		s.WithPropertyAttribute("ice-lite")
	}
	for i, m := range t.shape {
		md := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: m.media, Protos: strings.Split(m.proto, "/"), Formats: []string{m.format}}}
		if i == t.audio {
			md.MediaName.Formats = nil
			t.describe(md, d)
		}
		if m.mid != "" {
			md.WithValueAttribute("mid", m.mid)
		}
		s.MediaDescriptions = append(s.MediaDescriptions, md)
	}
	return s.Marshal()
}

// describe writes the lines of the audio.
func (t *Terms) describe(md *sdp.MediaDescription, d description) {
	if d.on {
		md.MediaName.Port.Value = int(t.local.RTP.Port())
	}
	for _, c := range d.formats {
		channels := uint16(0) // one channel is not written (RFC 8866 §6.6)
		if c.Channels > 1 {
			channels = uint16(c.Channels)
		}
		md.WithCodec(c.PT, c.Name, uint32(c.Clock), channels, c.Fmtp)
	}
	if d.ptime > 0 {
		md.WithValueAttribute("ptime", strconv.Itoa(int(d.ptime/time.Millisecond)))
	}
	if rtcp := t.local.rtcp(); rtcp.Port() != t.local.RTP.Port()+1 && !(d.ice && d.single) {
		md.WithValueAttribute("rtcp", strconv.Itoa(int(rtcp.Port())))
	}
	md.WithPropertyAttribute(d.dir.String())
	if !d.on {
		return
	}
	if d.mux {
		md.WithPropertyAttribute("rtcp-mux")
	}
	if d.xr {
		md.WithValueAttribute("rtcp-xr", "voip-metrics")
	}
	for _, k := range d.keys {
		md.WithValueAttribute("crypto", k.line())
	}
	if d.setup != "" {
		md.WithValueAttribute("fingerprint", t.local.Security.Fingerprint)
		md.WithValueAttribute("setup", d.setup)
		if t.assoc.ownID != "" {
			md.WithValueAttribute("tls-id", t.assoc.ownID)
		}
	}
	switch {
	case d.ice:
		for _, l := range t.iceLines(d.mux && d.settled || d.single) {
			if l[1] == "" {
				md.WithPropertyAttribute(l[0])
			} else {
				md.WithValueAttribute(l[0], l[1])
			}
		}
	case d.mismatch:
		md.WithPropertyAttribute("ice-mismatch")
	}
}
