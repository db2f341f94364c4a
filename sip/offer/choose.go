package offer

import (
	"net/netip"
	"slices"
	"strings"
)

// choice is what an offer is answered with.
type choice struct {
	stream     int
	codec      Codec // as they number it
	protection Protection
	key        Key  // SDES: theirs
	client     bool // Handshake: we begin
}

// choose picks the audio stream and codec that both can do, in the offerer's order (RFC 3264 §6.1): the one in use as long as
// it is there, else the first that is protected, else the first.
func (t *Terms) choose(r remote) (choice, error) {
	best, found, exposed := choice{}, false, false
	for i, st := range r.streams {
		if st.media != "audio" || !rtpProto(st.proto) || st.port == 0 || !t.reachable(st) {
			continue
		}
		for _, c := range st.codecs {
			if !slices.ContainsFunc(t.local.Codecs, c.Same) {
				continue
			}
			p, ok := t.protect(st)
			if !ok {
				exposed = true
				break
			}
			p.stream, p.codec = i, c
			if t.agreed && i == t.audio {
				return p, nil
			}
			if !found || best.protection == Automatic && p.protection != Automatic {
				best, found = p, true
			}
			break
		}
	}
	switch {
	case found:
		return best, nil
	case t.agreed && t.audio < len(r.streams) && r.streams[t.audio].port == 0 && r.streams[t.audio].media == "audio":
		c := t.media.Codec
		c.PT, c.Fmtp = t.media.SendPT, t.media.Fmtp
		return choice{stream: t.audio, codec: c}, nil // they switched the stream off (RFC 3264 §8.2)
	case exposed:
		return choice{}, ErrUnprotected
	}
	return choice{}, ErrNoCommon
}

// protect decides how a stream of an offer would be protected; ok is false when the profile, or we, demand what cannot be had.
func (t *Terms) protect(st stream) (choice, bool) {
	sec := t.local.Security
	key, sdes := t.takeKey(st)
	sdes = sdes && !strings.HasPrefix(st.proto, "UDP/TLS/")
	client, dtls := t.role(st, false)
	dtls = dtls && sec.Policy != Plain && sec.Fingerprint != "" && len(st.fingerprints) > 0
	if sdes && dtls {
		dtls = sec.Prefer != SDES
		if now := t.media.Protection(); t.agreed && now != Automatic {
			dtls = now == Handshake
		}
	}
	switch {
	case dtls:
		return choice{protection: Handshake, client: client}, true
	case sdes:
		return choice{protection: SDES, key: key}, true
	}
	return choice{}, !strings.Contains(st.proto, "SAVP") && sec.Policy != Required
}

// offering is how an offer protects.
type offering struct {
	proto      string
	sdes, dtls bool
}

// offerProtection: at first what the policy says, then what is in use, in the profile of the session.
func (t *Terms) offerProtection() offering {
	sec := t.local.Security
	sdes := len(t.suites()) > 0
	dtls := sec.Policy != Plain && sec.Fingerprint != ""
	if t.agreed {
		now := t.media.Protection()
		return offering{t.shape[t.audio].proto, now == SDES, now == Handshake && sec.Fingerprint != ""}
	}
	o := offering{"RTP/AVP", sdes, dtls}
	if sec.Policy == Required {
		if sdes && dtls {
			sdes = sec.Prefer == SDES
		}
		switch {
		case sdes:
			o = offering{"RTP/SAVP", true, false}
		case dtls && sec.Feedback:
			o = offering{"UDP/TLS/RTP/SAVPF", false, true}
		default: // also when there is nothing to offer: then nobody can answer in the clear
			o = offering{"UDP/TLS/RTP/SAVP", false, dtls}
		}
	}
	return o
}

// protection is what an answer took of our offer.
type protection struct {
	protection Protection
	send, recv *Key
	client     bool
}

// acceptProtection reads the answer's. Keys that nobody can use are not taken for sound in the clear: it would be noise.
func (t *Terms) acceptProtection(st stream) (protection, error) {
	how := t.offerProtection()
	if !rtpProto(st.proto) {
		return protection{}, ErrUnprotected
	}
	if how.dtls && len(st.fingerprints) > 0 && !st.crypto {
		client, ok := t.role(st, true)
		if !ok {
			return protection{}, ErrUnprotected
		}
		return protection{protection: Handshake, client: client}, nil
	}
	if how.sdes && st.crypto && !strings.HasPrefix(st.proto, "UDP/TLS/") {
		offered := t.offerKeys()
		for _, k := range st.keys {
			if i := slices.IndexFunc(offered, func(o Key) bool { return o.Suite == k.Suite }); i >= 0 {
				return protection{protection: SDES, send: &offered[i], recv: &k}, nil
			}
		}
		return protection{}, ErrUnprotected
	}
	if strings.Contains(how.proto, "SAVP") || strings.Contains(st.proto, "SAVP") || t.local.Security.Policy == Required {
		return protection{}, ErrUnprotected
	}
	return protection{}, nil
}

// reachable: a stream at an address that our socket can reach, by ICE if not by itself.
func (t *Terms) reachable(st stream) bool {
	return !st.addr.IsValid() || st.zeroAddr || t.family(st.addr) ||
		st.ice != nil && t.local.ICE.ours() && len(t.remoteICE(*st.ice).Candidates) > 0
}

func (t *Terms) family(a netip.Addr) bool {
	ours := t.local.RTP.Addr().Unmap()
	return !ours.IsValid() || ours.Is4() == a.Unmap().Is4()
}
