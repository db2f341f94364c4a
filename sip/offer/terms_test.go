package offer

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	testCodecs = []Codec{
		{Name: "G722", Clock: 8000, Channels: 1, PT: 9},
		{Name: "PCMU", Clock: 8000, Channels: 1, PT: 0},
		{Name: "PCMA", Clock: 8000, Channels: 1, PT: 8},
	}
	testLocal = Local{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4001"),
		Codecs: testCodecs, DTMF: 101, PTime: 20 * time.Millisecond}
)

// lines joins SDP lines as they go over the wire.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

func head(more ...string) []string {
	return append([]string{"v=0", "o=peer 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"}, more...)
}

func offerOf(more ...string) []byte { return lines(head(more...)...) }

func TestAnAnswerKeepsTheOffersOrderProfileAndNumbers(t *testing.T) {
	for _, tc := range []struct {
		name    string
		offer   []byte
		want    []string // lines that the answer holds
		without []string
		codec   string
		dtmf    uint8
		dir     direction
		remote  string
	}{
		{"static payload types need no rtpmap", offerOf("m=audio 6000 RTP/AVP 8 0"),
			[]string{"m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=sendrecv"}, []string{"rtpmap:0", "telephone-event"},
			"PCMA", 0, sendrecv, "198.51.100.7:6000"},
		{"names match without case, numbers are the offerer's", offerOf("m=audio 6000 RTP/AVP 107 111 96",
			"a=rtpmap:107 opus/48000/2", "a=rtpmap:111 pcmu/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-15"),
			[]string{"m=audio 4000 RTP/AVP 111 96", "a=rtpmap:111 PCMU/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16"}, nil,
			"PCMU", 96, sendrecv, "198.51.100.7:6000"},
		{"telephone-event of another clock is not ours", offerOf("m=audio 6000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/48000"),
			nil, []string{"telephone-event"}, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"audio and video", offerOf("m=video 7000 RTP/AVP 99", "a=rtpmap:99 VP8/90000", "m=audio 6000 RTP/AVP 0"),
			[]string{"m=video 0 RTP/AVP 99", "m=audio 4000 RTP/AVP 0"}, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"a fax line beside", offerOf("m=audio 6000 RTP/AVP 0", "m=image 7000 udptl t38", "a=T38FaxVersion:0"),
			[]string{"m=audio 4000 RTP/AVP 0\r\n", "m=image 0 udptl t38"}, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"keys offered beside plain", offerOf("m=audio 6002 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "m=audio 6000 RTP/AVP 0"),
			[]string{"m=audio 0 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 0"}, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"feedback profile", offerOf("m=audio 6000 RTP/AVPF 9"),
			[]string{"m=audio 4000 RTP/AVPF 9"}, nil, "G722", 0, sendrecv, "198.51.100.7:6000"},
		{"hold", offerOf("m=audio 6000 RTP/AVP 0", "a=sendonly"), []string{"a=recvonly"}, nil, "PCMU", 0, recvonly, "198.51.100.7:6000"},
		{"hold said once for the session", lines("v=0", "o=p 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0", "a=sendonly", "m=audio 6000 RTP/AVP 0"),
			[]string{"a=recvonly"}, nil, "PCMU", 0, recvonly, "198.51.100.7:6000"},
		{"inactive", offerOf("m=audio 6000 RTP/AVP 0", "a=inactive"), []string{"a=inactive"}, nil, "PCMU", 0, inactive, "198.51.100.7:6000"},
		{"hold of RFC 2543", lines("v=0", "o=p 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 0.0.0.0", "t=0 0", "m=audio 6000 RTP/AVP 0"),
			[]string{"c=IN IP4 192.0.2.1", "a=recvonly"}, []string{"0.0.0.0"}, "PCMU", 0, recvonly, ""},
		{"address of the medium wins", offerOf("m=audio 6000 RTP/AVP 0", "c=IN IP4 203.0.113.9"), nil, nil, "PCMU", 0, sendrecv, "203.0.113.9:6000"},
		{"a host name is learned from packets", offerOf("m=audio 6000 RTP/AVP 0", "c=IN IP4 media.example.com"), nil, nil, "PCMU", 0, recvonly, ""},
		{"lines we do not need may be wrong", lines("v=0", "o=p 1 1 IN IP4 198.51.100.7", "s=", "u=:::", "e=@", "b=X:y", "z=1", "k=?", "c=IN IP4 198.51.100.7", "t=oops", "m=audio 6000 RTP/AVP 0"),
			nil, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"bare line feeds", []byte("v=0\no=p 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\nm=audio 6000 RTP/AVP 0\n"), nil, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"IPv6", lines("v=0", "o=p 1 1 IN IP6 2001:db8::7", "s=-", "c=IN IP6 2001:db8::7", "t=0 0", "m=audio 6000 RTP/AVP 0"),
			[]string{"c=IN IP6 2001:db8::1"}, nil, "PCMU", 0, sendrecv, "[2001:db8::7]:6000"},
		{"both families", offerOf("m=audio 6002 RTP/AVP 0", "c=IN IP6 2001:db8::7", "m=audio 6000 RTP/AVP 0"),
			[]string{"m=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0"}, nil, "PCMU", 0, sendrecv, "198.51.100.7:6000"},
		{"two audio lines", offerOf("m=audio 6000 RTP/AVP 18", "m=audio 6002 RTP/AVP 8", "m=audio 6004 RTP/AVP 0"),
			[]string{"m=audio 0 RTP/AVP 18\r\nm=audio 4000 RTP/AVP 8\r\n", "m=audio 0 RTP/AVP 0"}, nil, "PCMA", 0, sendrecv, "198.51.100.7:6002"},
		{"nobody is to hear anything", offerOf("m=audio 6000 RTP/AVP 0", "a=inactive"), []string{"a=inactive"}, nil, "PCMU", 0, inactive, "198.51.100.7:6000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := testLocal
			if strings.Contains(tc.name, "IPv6") {
				l.RTP, l.RTCP = netip.MustParseAddrPort("[2001:db8::1]:4000"), netip.MustParseAddrPort("[2001:db8::1]:4001")
			}
			got, body, err := New(7, l).Answer(tc.offer, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tc.want {
				if !strings.Contains(string(body), w) {
					t.Errorf("answer lacks %q:\n%s", w, body)
				}
			}
			for _, w := range tc.without {
				if strings.Contains(string(body), w) {
					t.Errorf("answer holds %q:\n%s", w, body)
				}
			}
			m := got.media
			if m.Codec.Name != tc.codec || m.DTMFSendPT != tc.dtmf || m.DTMFRecvPT != tc.dtmf {
				t.Errorf("codec %s, DTMF %d/%d; want %s, %d", m.Codec.Name, m.DTMFSendPT, m.DTMFRecvPT, tc.codec, tc.dtmf)
			}
			if (direction{m.Send, m.Receive}) != tc.dir {
				t.Errorf("direction %v; want %v", direction{m.Send, m.Receive}, tc.dir)
			}
			if remote := ""; m.Remote.IsValid() {
				if remote = m.Remote.String(); remote != tc.remote {
					t.Errorf("remote %s; want %s", remote, tc.remote)
				}
			} else if tc.remote != "" {
				t.Errorf("no remote; want %s", tc.remote)
			}
			if _, err := readSDP(body); err != nil {
				t.Errorf("our own answer cannot be read: %v", err)
			}
		})
	}
}

func TestWhatCannotBeAnsweredIsRefusedForTheRightReason(t *testing.T) {
	for _, tc := range []struct {
		name  string
		offer []byte
		want  error
	}{
		{"nothing", []byte{}, ErrSDP},
		{"noise", []byte("\x00\xff\xfe hello"), ErrSDP},
		{"no version", lines("o=p 1 1 IN IP4 1.2.3.4", "s=-", "m=audio 1 RTP/AVP 0"), ErrSDP},
		{"another version", lines("v=1", "o=p 1 1 IN IP4 1.2.3.4"), ErrSDP},
		{"no origin", lines("v=0", "s=-", "m=audio 1 RTP/AVP 0"), ErrSDP},
		{"broken origin", lines("v=0", "o=x", "s=-", "m=audio 1 RTP/AVP 0"), ErrSDP},
		{"a line of nothing", offerOf("m=audio 6000 RTP/AVP 0", "nonsense"), ErrSDP},
		{"short m line", offerOf("m=audio 6000"), ErrSDP},
		{"port out of range", offerOf("m=audio 70000 RTP/AVP 0"), ErrSDP},
		{"negative port", offerOf("m=audio -5 RTP/AVP 0"), ErrSDP},
		{"too many streams", offerOf(strings.Split(strings.TrimSpace(strings.Repeat("m=audio 1 RTP/AVP 0 ;", 40)), ";")...), ErrSDP},
		{"too long", append(offerOf("m=audio 1 RTP/AVP 0"), []byte("a="+strings.Repeat("x", MaxSize))...), ErrSDP},
		{"no stream", offerOf(), ErrNoCommon},
		{"only video", offerOf("m=video 6000 RTP/AVP 99"), ErrNoCommon},
		{"only a foreign codec", offerOf("m=audio 6000 RTP/AVP 18"), ErrNoCommon},
		{"same name, another clock", offerOf("m=audio 6000 RTP/AVP 96", "a=rtpmap:96 PCMU/16000"), ErrNoCommon},
		{"same name, two channels", offerOf("m=audio 6000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000/2"), ErrNoCommon},
		{"static number mapped away", offerOf("m=audio 6000 RTP/AVP 0", "a=rtpmap:0 opus/48000/2"), ErrNoCommon},
		{"only keypad events", offerOf("m=audio 6000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), ErrNoCommon},
		{"an address that our socket cannot reach", lines("v=0", "o=p 1 1 IN IP6 2001:db8::7", "s=-", "c=IN IP6 2001:db8::7", "t=0 0", "m=audio 6000 RTP/AVP 0"), ErrNoCommon},
		{"switched off", offerOf("m=audio 0 RTP/AVP 0"), ErrNoCommon},
		{"keys demanded", offerOf("m=audio 6000 RTP/SAVP 0"), ErrNoCommon},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, err := New(7, testLocal).Answer(tc.offer, false); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestAnOfferAndItsAnswerAgreeOnBothSides(t *testing.T) {
	them := Local{RTP: netip.MustParseAddrPort("198.51.100.7:6000"), Codecs: testCodecs[1:], DTMF: 96, PTime: 30 * time.Millisecond}
	a, offer, err := New(1, testLocal).Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	b, answer, err := New(2, them).Answer(offer, false)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = a.Accept(answer); err != nil {
		t.Fatal(err)
	}
	if a.media.Codec.Name != "PCMU" || b.media.Codec.Name != "PCMU" {
		t.Fatalf("codecs %s and %s", a.media.Codec.Name, b.media.Codec.Name)
	}
	if a.media.Remote != them.RTP || b.media.Remote != testLocal.RTP || b.media.RemoteRTCP != testLocal.RTCP {
		t.Fatalf("addresses %v and %v", a.media, b.media)
	}
	if a.media.DTMFSendPT != 101 || b.media.DTMFSendPT != 101 {
		t.Fatalf("DTMF %d and %d", a.media.DTMFSendPT, b.media.DTMFSendPT)
	}

	// Hold by a, then by b too, then a resumes, then b.
	step := func(x, y *Terms, hold bool) {
		t.Helper()
		nx, offer, err := x.Offer(hold)
		if err != nil {
			t.Fatal(err)
		}
		ny, answer, err := y.Answer(offer, y.byUs)
		if err != nil {
			t.Fatal(err)
		}
		if nx, err = nx.Accept(answer); err != nil {
			t.Fatal(err)
		}
		*x, *y = nx, ny
		if x.byUs != y.byThem && x.media.Receive || x.media.Send != y.media.Receive || x.media.Receive != y.media.Send {
			t.Fatalf("the two sides see it differently: %+v and %+v", x.media, y.media)
		}
	}
	versions := []uint64{a.version}
	step(&a, &b, true)
	if !a.byUs || a.byThem || !b.byThem || b.byUs || b.media.Send || !b.media.Receive {
		t.Fatalf("after a's hold: %+v %+v", a, b)
	}
	versions = append(versions, a.version)
	step(&b, &a, true)
	if !a.byThem || !b.byUs || a.media.Send || a.media.Receive {
		t.Fatalf("after b's hold: %+v %+v", a.media, b.media)
	}
	step(&a, &b, false)
	if a.byUs || !a.byThem {
		t.Fatalf("after a's resume: %+v", a)
	}
	step(&b, &a, false)
	if a.byThem || b.byUs || !a.media.Send || !a.media.Receive || !b.media.Send || !b.media.Receive {
		t.Fatalf("after b's resume: %+v %+v", a.media, b.media)
	}
	if versions[1] != versions[0]+1 {
		t.Fatalf("the version went from %d to %d", versions[0], versions[1])
	}
}

func TestARepeatedDescriptionKeepsItsVersion(t *testing.T) {
	a, first, _ := New(1, testLocal).Offer(false)
	_, second, err := a.Offer(false)
	if err != nil || string(first) != string(second) {
		t.Fatalf("%v\n%s\n%s", err, first, second)
	}
}

func TestOurNextOfferKeepsEveryLineOfTheSession(t *testing.T) {
	a, _, err := New(1, testLocal).Answer(offerOf("m=video 7000 RTP/AVP 99", "m=audio 6000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000"), false)
	if err != nil {
		t.Fatal(err)
	}
	_, offer, err := a.Offer(true)
	if err != nil {
		t.Fatal(err)
	}
	want := "m=video 0 RTP/AVP 99\r\nm=audio 4000 RTP/AVP 8 9 0 96\r\n"
	if !strings.Contains(string(offer), want) || !strings.Contains(string(offer), "a=sendonly") {
		t.Fatalf("offer lacks %q:\n%s", want, offer)
	}
}

func TestAStreamSwitchedOffInARunningSessionIsAHold(t *testing.T) {
	a, _, err := New(1, testLocal).Answer(offerOf("m=audio 6000 RTP/AVP 0"), false)
	if err != nil {
		t.Fatal(err)
	}
	a, answer, err := a.Answer(offerOf("m=audio 0 RTP/AVP 0"), false)
	if err != nil {
		t.Fatal(err)
	}
	if !a.byThem || a.media.Send || !strings.Contains(string(answer), "m=audio 0 RTP/AVP 0") {
		t.Fatalf("%+v\n%s", a.media, answer)
	}
}

func TestAnAnswerWithoutOurCodecsIsRefused(t *testing.T) {
	for name, answer := range map[string][]byte{
		"none of ours":    offerOf("m=audio 6000 RTP/AVP 18"),
		"switched off":    offerOf("m=audio 0 RTP/AVP 0"),
		"too few lines":   offerOf(),
		"another profile": offerOf("m=audio 6000 RTP/SAVP 0"),
		"noise":           []byte("xyz"),
	} {
		a, _, _ := New(1, testLocal).Offer(false)
		if _, err := a.Accept(answer); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(1, testLocal).Accept(offerOf("m=audio 6000 RTP/AVP 0")); err == nil {
		t.Error("an answer without an offer was accepted")
	}
}

func TestPacketTimeFollowsTheFarEndWithinReason(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"a=ptime:30": 30 * time.Millisecond, "a=ptime:0": 20 * time.Millisecond, "a=ptime:99999": 20 * time.Millisecond,
		"a=ptime:x": 20 * time.Millisecond, "a=ptime:25": 20 * time.Millisecond, "a=maxptime:10": 10 * time.Millisecond,
	} {
		a, _, err := New(1, testLocal).Answer(offerOf("m=audio 6000 RTP/AVP 0", value), false)
		if err != nil || a.media.PTime != want {
			t.Errorf("%s gave %v, %v; want %v", value, a.media.PTime, err, want)
		}
	}
}

func FuzzSDP(f *testing.F) {
	f.Add(offerOf("m=audio 6000 RTP/AVP 0 8 96", "a=rtpmap:96 telephone-event/8000", "a=sendonly", "a=rtcp:7 IN IP4 1.2.3.4"))
	f.Add(offerOf("m=image 7 udptl t38", "m=audio 6000/2 RTP/AVP 0", "a=ptime:20", "c=IN IP4 224.1.1.1/127"))
	f.Add([]byte("v=0\no=\nm=a a a a"))
	files, _ := filepath.Glob("testdata/peers/*.sdp")
	for _, name := range files {
		b, _ := os.ReadFile(name)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, l := range []Local{testLocal, able("192.0.2.1"), able("2001:db8::1")} {
			a, answer, err := New(1, l).Answer(body, false)
			if check := New(1, l).Check(body); (check == nil) != (err == nil) {
				t.Fatalf("checked %v, answered %v", check, err)
			}
			if err == nil {
				r, err := readSDP(answer)
				if err != nil {
					t.Fatalf("our answer cannot be read: %v\n%s", err, answer)
				}
				if offered, _ := readSDP(body); len(offered.streams) != len(r.streams) {
					t.Fatalf("%d streams answered with %d", len(offered.streams), len(r.streams))
				}
				b, offer, err := a.Offer(true)
				if err != nil {
					t.Fatal(err)
				}
				if r, err := readSDP(offer); err != nil || r.streams[b.audio].port == 0 {
					t.Fatalf("our offer cannot be read: %v\n%s", err, offer)
				}
				if strings.Contains(a.media.Profile, "SAVP") && a.media.Protection() == Automatic {
					t.Fatalf("%s in the clear", a.media.Profile)
				}
				a.Answer(body, true)
			} else if !errors.Is(err, ErrSDP) && !errors.Is(err, ErrNoCommon) {
				t.Fatalf("untyped error %v", err)
			}
			b, _, _ := New(1, l).Offer(false)
			if b, err := b.Accept(body); err == nil && b.media.Codec.Name == "" {
				t.Fatal("accepted without a codec")
			}
		}
	})
}

func TestWhoOffersNoDigitsMayStillUseTheNumberOfMuLaw(t *testing.T) {
	local := testLocal
	local.DTMF = 0
	_, offer, err := New(1, local).Offer(false)
	if err != nil || !strings.Contains(string(offer), "RTP/AVP 9 0 8\r\n") {
		t.Errorf("%v\n%s", err, offer)
	}
}
