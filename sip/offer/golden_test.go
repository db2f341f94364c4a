package offer

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// opus as the phone offers it.
var opus = Codec{Name: "opus", Clock: 48000, Channels: 2, PT: 107, Fmtp: "useinbandfec=1"}

const ourFingerprint = "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"

// able can do everything.
func able(addr string) Local {
	return Local{
		RTP: netip.AddrPortFrom(netip.MustParseAddr(addr), 4000), Codecs: append([]Codec{opus}, testCodecs...), DTMF: 101, CN: true,
		PTime: 20 * time.Millisecond, Mux: true, XR: true, ICE: &ICE{Ufrag: "ours", Pwd: "our0123456789abcdefghijk"},
		Security: Security{
			Policy: Optional, Fingerprint: ourFingerprint,
			Suites: []string{"AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"},
		},
	}
}

var inline = regexp.MustCompile(`inline:[A-Za-z0-9+/]+=*`)

// outcome is everything of Media that a reader would want to compare, a line each.
func outcome(m Media) string {
	var b strings.Builder
	fmt.Fprintf(&b, "codec %s/%d/%d send %d receive %d %q\n", m.Codec.Name, m.Codec.Clock, max(m.Codec.Channels, 1), m.SendPT, m.RecvPT, m.Fmtp)
	fmt.Fprintf(&b, "keypad send %d receive %d clock %d; comfort noise %v; %v\n", m.DTMFSendPT, m.DTMFRecvPT, m.DTMFClock, m.CN, m.PTime)
	fmt.Fprintf(&b, "to %v, %v; send %v receive %v; mux %v; metrics %v\n", m.Remote, m.RemoteRTCP, m.Send, m.Receive, m.Mux, m.XR)
	fmt.Fprintf(&b, "%s %q", m.Profile, m.Protection())
	if m.RecvKey != nil {
		fmt.Fprintf(&b, " %s, lifetime %d, identifier %x", m.RecvKey.Suite, m.RecvKey.Lifetime, m.RecvKey.MKI)
	}
	if m.DTLS != nil {
		fmt.Fprintf(&b, " client %v, restart %v, %v", m.DTLS.Client, m.DTLS.Restart, m.DTLS.Fingerprints)
	}
	if m.ICE != nil {
		fmt.Fprintf(&b, "\nICE %s %s lite %v %v", m.ICE.Ufrag, m.ICE.Pwd, m.ICE.Lite, m.ICE.Candidates)
	}
	return b.String() + "\n"
}

func TestWhatRealPeersOfferIsAnsweredAsItWasSeenToBeRight(t *testing.T) {
	files, _ := filepath.Glob("testdata/peers/*.sdp")
	if len(files) < 10 {
		t.Fatalf("%d descriptions", len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".sdp"), func(t *testing.T) {
			offer, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			terms, answer, err := New(7, able("192.0.2.1")).Answer(offer, false)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(string(inline.ReplaceAll(answer, []byte("inline:KEY"))), "\r\n", "\n") + "\n" + outcome(terms.media)
			golden := strings.TrimSuffix(f, ".sdp") + ".golden"
			if *update {
				os.WriteFile(golden, []byte(got), 0o644)
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, got, want)
			}
			again, same, err := terms.Answer(offer, false)
			if err != nil || !bytes.Equal(same, answer) || again.assoc.count != terms.assoc.count && !bytes.Contains(offer, []byte("connection:new")) {
				t.Errorf("the same offer again: %v\n%s", err, same)
			}
		})
	}
}

func TestOurOwnOffersSayWhatThePolicySays(t *testing.T) {
	has := func(l Local) (out []string) {
		_, body, err := New(1, l).Offer(false)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(body), "\r\n") {
			for _, p := range []string{"m=", "a=crypto:", "a=fingerprint", "a=setup:"} {
				if strings.HasPrefix(line, p) {
					w := strings.Fields(line)
					if p == "a=crypto:" {
						out = append(out, w[1])
					} else {
						out = append(out, strings.Join(w[:min(3, len(w))], " "))
					}
				}
			}
		}
		return out
	}
	fingerprint := "a=fingerprint:" + ourFingerprint
	for _, tc := range []struct {
		name string
		sec  Security
		want []string
	}{
		{"plain", Security{Suites: []string{"AES_CM_128_HMAC_SHA1_80"}, Fingerprint: ourFingerprint}, []string{"m=audio 4000 RTP/AVP"}},
		{"optional, both beside", Security{Policy: Optional, Suites: []string{"AES_CM_128_HMAC_SHA1_80", "nonsense", "aes_cm_128_hmac_sha1_32"}, Fingerprint: ourFingerprint},
			[]string{"m=audio 4000 RTP/AVP", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", fingerprint, "a=setup:actpass"}},
		{"optional, nothing to offer", Security{Policy: Optional}, []string{"m=audio 4000 RTP/AVP"}},
		{"required, keys alone", Security{Policy: Required, Suites: []string{"AEAD_AES_128_GCM"}}, []string{"m=audio 4000 RTP/SAVP", "AEAD_AES_128_GCM"}},
		{"required, a handshake is preferred", Security{Policy: Required, Suites: []string{"AEAD_AES_128_GCM"}, Fingerprint: ourFingerprint},
			[]string{"m=audio 4000 UDP/TLS/RTP/SAVP", fingerprint, "a=setup:actpass"}},
		{"required, with feedback", Security{Policy: Required, Fingerprint: ourFingerprint, Feedback: true},
			[]string{"m=audio 4000 UDP/TLS/RTP/SAVPF", fingerprint, "a=setup:actpass"}},
		{"required, keys preferred", Security{Policy: Required, Suites: []string{"AEAD_AES_128_GCM"}, Fingerprint: ourFingerprint, Prefer: SDES},
			[]string{"m=audio 4000 RTP/SAVP", "AEAD_AES_128_GCM"}},
		{"required, nothing to offer: nobody may answer in the clear", Security{Policy: Required}, []string{"m=audio 4000 UDP/TLS/RTP/SAVP"}},
	} {
		l := testLocal
		l.Security = tc.sec
		if got := has(l); fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
