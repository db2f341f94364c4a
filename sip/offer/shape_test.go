package offer

import (
	"fmt"
	"strings"
	"testing"
)

func TestADescriptionIsReadWhateverEndsItsLines(t *testing.T) {
	for name, end := range map[string]string{"as it should be": "\r\n", "line feeds": "\n", "carriage returns": "\r", "both, doubled": "\r\n\r\n", "blanks before": " \t\r\n"} {
		text := strings.ReplaceAll(string(offerOf("m=audio 6000 RTP/AVP 0", "a=sendonly", "b=AS:64", "b=RS:x", "a=rtcp-rsize", "a=rtcp-fb:* nack", "a=silenceSupp:off - - - -")), "\r\n", end)
		for _, text := range []string{text, "\ufeff" + text, text + "\x00", strings.TrimRight(text, "\r\n \t")} {
			a, _, err := New(1, testLocal).Answer([]byte(text), false)
			if err != nil || a.Media().Codec.Name != "PCMU" || a.Media().Send {
				t.Errorf("%s: %v %+v", name, err, a.Media())
			}
		}
	}
}

func TestEveryLineKeepsItsPlaceAndItsName(t *testing.T) {
	var l []string
	for i := range 24 {
		kind := []string{"video", "audio", "image", "message", "application", "text"}[i%6]
		proto := map[string]string{"image": "udptl", "message": "TCP/MSRP", "application": "UDP/DTLS/SCTP"}[kind]
		l = append(l, fmt.Sprintf("m=%s %d %s 0", kind, 6000+2*i, orFirst(proto, "RTP/AVP")), fmt.Sprintf("a=mid:m%d", i))
	}
	a, answer, err := New(1, testLocal).Answer(offerOf(append([]string{"a=group:LS m0 m1", "a=group:BUNDLE m1 m2", "a=group:BUNDLE m7"}, l...)...), false)
	if err != nil || a.Media().Remote.Port() != 6002 {
		t.Fatal(err, a.Media().Remote)
	}
	var got []string
	for line := range strings.SplitSeq(string(answer), "\r\n") {
		if strings.HasPrefix(line, "m=") || strings.HasPrefix(line, "a=mid") || strings.HasPrefix(line, "a=group") {
			got = append(got, line)
		}
	}
	want := []string{"a=group:BUNDLE m1"}
	for i := range l {
		if i%2 == 1 {
			want = append(want, l[i])
			continue
		}
		f := strings.Fields(l[i])
		if f[1] = "0"; i == 2 {
			f[1] = "4000"
		}
		want = append(want, strings.Join(f, " "))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	_, again, err := a.Offer(false)
	if err != nil || strings.Count(string(again), "a=mid:") != 24 || !strings.Contains(string(again), "a=group:BUNDLE m1\r\n") {
		t.Errorf("our own offer: %v\n%s", err, again)
	}
}

func TestANameThatCannotStandInALineIsNotEchoed(t *testing.T) {
	for _, mid := range []string{"a b", strings.Repeat("x", 65), "a\x01b", "\"", ""} {
		_, answer, err := New(1, testLocal).Answer(offerOf("a=group:BUNDLE "+mid, "m=audio 6000 RTP/AVP 0", "a=mid:"+mid), false)
		if err != nil || strings.Contains(string(answer), "mid") || strings.Contains(string(answer), "BUNDLE") {
			t.Errorf("%q: %v\n%s", mid, err, answer)
		}
	}
}

func TestKeypadEventsHaveTheClockOfTheSound(t *testing.T) {
	l := able("192.0.2.1")
	for _, tc := range []struct {
		what       []string
		pt         uint8
		clock      int
		noise      bool
		name, fmtp string
	}{
		{[]string{"m=audio 6000 RTP/AVP 96 97 98 13", "a=rtpmap:96 OPUS/48000/2", "a=rtpmap:97 telephone-event/8000", "a=rtpmap:98 telephone-event/48000", "a=fmtp:96 x-new=1;useinbandfec=1"}, 98, 48000, true, "opus", "x-new=1;useinbandfec=1"},
		{[]string{"m=audio 6000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000"}, 97, 8000, false, "opus", ""},
		{[]string{"m=audio 6000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"}, 0, 0, false, "opus", ""},
		{[]string{"m=audio 6000 RTP/AVP 0 97 98 13", "a=rtpmap:97 telephone-event/48000", "a=rtpmap:98 telephone-event/8000"}, 98, 8000, true, "PCMU", ""},
		{[]string{"m=audio 6000 RTP/AVP 0 97 19", "a=rtpmap:97 telephone-event/48000", "a=rtpmap:19 CN/8000"}, 0, 0, false, "PCMU", ""},
		{[]string{"m=audio 6000 RTP/AVP 96 0", "a=rtpmap:96 opus/48000"}, 0, 0, false, "PCMU", ""}, // RFC 7587 §7: two channels, always
	} {
		a, answer, err := New(1, l).Answer(offerOf(tc.what...), false)
		m := a.Media()
		if err != nil || m.DTMFSendPT != tc.pt || m.DTMFRecvPT != tc.pt || m.DTMFClock != tc.clock || m.CN != tc.noise || m.Codec.Name != tc.name || m.Fmtp != tc.fmtp {
			t.Errorf("%v: %v %+v\n%s", tc.what, err, m, answer)
		}
		if v, ok := m.FmtpParam("UseInbandFEC"); ok != strings.Contains(tc.fmtp, "fec") || ok && v != "1" {
			t.Errorf("%q: %q", m.Fmtp, v)
		}
	}
	_, offer, _ := New(1, l).Offer(false)
	for _, want := range []string{"m=audio 4000 RTP/AVP 107 9 0 8 13 101 96\r\n", "a=rtpmap:107 opus/48000/2\r\na=fmtp:107 useinbandfec=1\r\n", "a=rtpmap:101 telephone-event/8000", "a=rtpmap:96 telephone-event/48000"} {
		if !strings.Contains(string(offer), want) {
			t.Errorf("no %q in\n%s", want, offer)
		}
	}
}
