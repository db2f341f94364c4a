package offer

import (
	"net/netip"
	"strings"
	"testing"
)

const iceCredentials = "a=ice-ufrag:peer\r\na=ice-pwd:peer0123456789abcdefghij"

func withICE() Local {
	l := testLocal
	l.ICE = &ICE{Ufrag: "ours", Pwd: "our0123456789abcdefghijk"}
	return l
}

func TestICEIsUsedOnlyWhereBothHaveItAndNothingChangedTheAddress(t *testing.T) {
	host := "a=candidate:1 1 UDP 2130706431 198.51.100.7 6000 typ host"
	for _, tc := range []struct {
		name     string
		local    Local
		media    []string
		ice      bool
		mismatch bool
		remote   string
	}{
		{"both", withICE(), []string{iceCredentials, host}, true, false, "198.51.100.7:6000"},
		{"not ours", testLocal, []string{iceCredentials, host}, false, false, "198.51.100.7:6000"},
		{"not theirs", withICE(), []string{host}, false, false, "198.51.100.7:6000"},
		{"a password that is too short", withICE(), []string{"a=ice-ufrag:peer", "a=ice-pwd:short", host}, false, false, "198.51.100.7:6000"},
		{"an address that something rewrote", withICE(), []string{iceCredentials, "a=candidate:1 1 UDP 2130706431 10.0.0.7 6000 typ host"}, false, true, "198.51.100.7:6000"},
		{"they saw that", withICE(), []string{iceCredentials, host, "a=ice-mismatch"}, false, false, "198.51.100.7:6000"},
		{"candidates follow", withICE(), []string{iceCredentials}, true, false, "198.51.100.7:6000"},
		{"no address yet is no hold", withICE(), []string{iceCredentials, "c=IN IP4 0.0.0.0"}, true, false, ""},
		{"the other family, but a candidate of ours", withICE(), []string{iceCredentials, "c=IN IP6 2001:db8::7", "a=candidate:1 1 UDP 9 2001:db8::7 6000 typ host", host}, true, false, "[2001:db8::7]:6000"},
	} {
		media := append([]string{"m=audio 6000 RTP/AVP 0"}, tc.media...)
		if i := len(media) - 1; strings.HasPrefix(media[i], "c=") { // c= stands before a=
			media[1], media[i] = media[i], media[1]
		}
		a, answer, err := New(1, tc.local).Answer(offerOf(media...), false)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		m := a.Media()
		remote := ""
		if m.Remote.IsValid() {
			remote = m.Remote.String()
		}
		if (m.ICE != nil) != tc.ice || strings.Contains(string(answer), "a=ice-pwd:our") != tc.ice || strings.Contains(string(answer), "a=ice-mismatch") != tc.mismatch ||
			remote != tc.remote || !m.Send || m.Controlling {
			t.Errorf("%s: %+v to %s\n%s", tc.name, m.ICE, remote, answer)
		}
		want := "a=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\n"
		if !strings.Contains(strings.Join(tc.media, ""), "a=candidate") { // who has none for RTCP gets none
			want += "a=candidate:1 2 UDP 2130706430 192.0.2.1 4001 typ host\r\n"
		}
		if tc.ice && !strings.Contains(string(answer), want+"a=end-of-candidates") {
			t.Errorf("%s: candidates\n%s", tc.name, answer)
		}
	}
}

// RFC 8839 §4.2.5 and §4.3.1, for the second component.
func TestTheAddressOfRTCPHasToBeACandidateToo(t *testing.T) {
	one := "a=candidate:1 1 UDP 2130706431 198.51.100.7 6000 typ host"
	two := func(at string) string { return "a=candidate:1 2 UDP 2130706430 " + at + " typ host" }
	for _, tc := range []struct {
		name           string
		lines          []string
		mismatch, both bool
	}{
		{"the next port", []string{one, two("198.51.100.7 6001")}, false, true},
		{"as a=rtcp says", []string{"a=rtcp:6100 IN IP4 198.51.100.8", one, two("198.51.100.8 6100")}, false, true},
		{"as a=rtcp says, without an address", []string{"a=rtcp:6100", one, two("198.51.100.7 6100")}, false, true},
		{"RTP alone", []string{one}, false, false},
		{"RTP alone and one port for both", []string{"a=rtcp-mux", one}, false, false},
		{"another address than a=rtcp says", []string{"a=rtcp:4382 IN IP4 192.168.0.4", one, two("198.51.100.7 6000")}, true, false},
		{"none for a=rtcp", []string{"a=rtcp:4382 IN IP4 192.168.0.4", one}, true, false},
		{"another port than the next one", []string{one, two("198.51.100.7 6100")}, true, false},
		{"not yet known", []string{"a=rtcp:9 IN IP4 0.0.0.0", one}, false, false},
		{"the port of RTP", []string{"a=rtcp:6000", one}, false, false},
		{"both on one port, whatever stands beside it", []string{"a=rtcp-mux", "a=rtcp:6100", one, two("198.51.100.7 6101")}, false, true},
	} {
		l := withICE()
		l.RTCP = netip.MustParseAddrPort("192.0.2.1:4101")
		_, answer, err := New(1, l).Answer(offerOf(append([]string{"m=audio 6000 RTP/AVP 0", iceCredentials}, tc.lines...)...), false)
		said := string(answer)
		if err != nil || strings.Contains(said, "a=ice-mismatch") != tc.mismatch || strings.Contains(said, "a=candidate:1 2 ") != tc.both ||
			strings.Contains(said, "a=rtcp:4101") != (tc.both || tc.mismatch) {
			t.Errorf("%s: %v\n%s", tc.name, err, said)
		}
	}
}

func TestCandidatesAreThoseThatASocketOfOursCanReach(t *testing.T) {
	a, _, err := New(1, withICE()).Answer(offerOf("a=ice-lite", "m=audio 6000 RTP/AVP 0", iceCredentials,
		"a=candidate:1 1 UDP 2130706431 198.51.100.7 6000 typ host generation 0",
		"a=candidate:1 2 udp 2130706430 198.51.100.7 6001 typ host",
		"a=candidate:2 1 TCP 1 198.51.100.7 9 typ host tcptype active",
		"a=candidate:3 1 UDP 1 b1f2.local 6000 typ host",
		"a=candidate:4 1 UDP 1 2001:db8::7 6000 typ host",
		"a=candidate:5 3 UDP 1 198.51.100.7 6002 typ host",
		"a=candidate:6 1 UDP 99999999999 198.51.100.7 6002 typ host",
		"a=candidate:7 1 UDP 1 198.51.100.7 0 typ host",
		"a=candidate:8 1 UDP 1 224.0.0.1 6000 typ host",
		"a=candidate:9 1 UDP 1", "a=candidate:"), false)
	if err != nil {
		t.Fatal(err)
	}
	m := a.Media()
	want := []ICECandidate{
		{netip.MustParseAddrPort("198.51.100.7:6000"), 1, 2130706431}, {netip.MustParseAddrPort("198.51.100.7:6001"), 2, 2130706430},
	}
	if m.ICE == nil || !m.ICE.Lite || len(m.ICE.Candidates) != 2 || m.ICE.Candidates[0] != want[0] || m.ICE.Candidates[1] != want[1] {
		t.Fatalf("%+v", m.ICE)
	}
}

func TestOnePortForBothIsOfferedWithTheSecondBesideIt(t *testing.T) {
	l := withICE()
	l.Mux, l.XR = true, true
	l.RTCP = netip.MustParseAddrPort("192.0.2.1:4101")
	a, offer, err := New(1, l).Offer(false)
	for _, want := range []string{"a=rtcp-mux\r\n", "a=rtcp:4101\r\n", "a=rtcp-xr:voip-metrics\r\n", "a=candidate:1 2 UDP 2130706430 192.0.2.1 4101 typ host"} {
		if err != nil || !strings.Contains(string(offer), want) {
			t.Fatalf("%v, no %q\n%s", err, want, offer)
		}
	}
	if b, err := a.Accept(offerOf("m=audio 6000 RTP/AVP 0", "a=rtcp-mux", "a=rtcp-xr:rcvr-rtt=all voip-metrics")); err != nil || !b.Media().Mux || b.Media().RemoteRTCP != b.Media().Remote || !b.Media().XR || !b.Media().Controlling {
		t.Errorf("%v %+v", err, b.Media())
	}
	if b, err := a.Accept(offerOf("m=audio 6000 RTP/AVP 0")); err != nil || b.Media().Mux || b.Media().RemoteRTCP.Port() != 6001 || b.Media().XR {
		t.Errorf("%v %+v", err, b.Media())
	}
	for line, want := range map[string]bool{"a=rtcp-mux": true, "a=x": false} {
		b, answer, err := New(1, l).Answer(offerOf("m=audio 6000 RTP/AVP 0", "a=rtcp:6100 IN IP4 198.51.100.8", line), false)
		if err != nil || b.Media().Mux != want || strings.Contains(string(answer), "rtcp-mux") != want || strings.Contains(string(answer), "xr") {
			t.Errorf("%s: %v\n%s", line, err, answer)
		}
		if !want && b.Media().RemoteRTCP.String() != "198.51.100.8:6100" {
			t.Errorf("RTCP goes to %v", b.Media().RemoteRTCP)
		}
	}
}
