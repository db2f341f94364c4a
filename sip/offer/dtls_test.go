package offer

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	fingerA = "sha-256 A0:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"
	fingerB = "sha-256 B0:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"
)

func withDTLS(p Policy) Local {
	l := testLocal
	l.Security = Security{Policy: p, Fingerprint: ourFingerprint}
	return l
}

func handshake(finger, setup string, more ...string) []byte {
	l := []string{"m=audio 6000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:" + finger}
	if setup != "" {
		l = append(l, "a=setup:"+setup)
	}
	return offerOf(append(l, more...)...)
}

func TestWhoBeginsTheHandshakeIsSettledByBothSetups(t *testing.T) {
	for _, tc := range []struct {
		theirs string
		client bool
		ours   string // in our answer; "": refused
	}{
		{"actpass", true, "active"}, {"active", false, "passive"}, {"passive", true, "active"}, {"", false, "passive"}, {"holdconn", false, ""}, {"rubbish", false, "passive"},
	} {
		a, answer, err := New(1, withDTLS(Required)).Answer(handshake(fingerA, tc.theirs), false)
		if tc.ours == "" {
			if !errors.Is(err, ErrUnprotected) {
				t.Errorf("offered %q: %v", tc.theirs, err)
			}
			continue
		}
		if err != nil || a.Media().DTLS.Client != tc.client || !strings.Contains(string(answer), "a=setup:"+tc.ours+"\r\n") || a.Media().DTLS.Restart {
			t.Errorf("offered %q: %v %+v\n%s", tc.theirs, err, a.Media().DTLS, answer)
		}
	}
	for theirs, client := range map[string]bool{"active": false, "passive": true, "": true, "actpass": true} {
		a, _, _ := New(1, withDTLS(Required)).Offer(false)
		a, err := a.Accept(handshake(fingerA, theirs))
		if err != nil || a.Media().DTLS.Client != client || a.Media().DTLS.Association != 1 {
			t.Errorf("answered %q: %v %+v", theirs, err, a.Media().DTLS)
		}
	}
	a, _, _ := New(1, withDTLS(Required)).Offer(false)
	if _, err := a.Accept(handshake(fingerA, "holdconn")); !errors.Is(err, ErrUnprotected) {
		t.Errorf("no connection at all was taken: %v", err)
	}
}

func TestAnAssociationLivesUntilItsEndsOrRolesChange(t *testing.T) {
	a, _, err := New(1, withDTLS(Optional)).Answer(handshake(fingerA, "actpass"), false)
	if err != nil {
		t.Fatal(err)
	}
	count := 1
	for i, step := range []struct {
		what    string
		offer   []byte
		restart bool
		client  bool
	}{
		{"the same again", handshake(fingerA, "actpass"), false, true},
		{"held", handshake(fingerA, "actpass", "a=sendonly"), false, true},
		{"the role said as it is", handshake(fingerA, "passive"), false, true},
		{"nothing to connect", handshake(fingerA, "holdconn"), false, true},
		{"written otherwise", handshake(strings.ToLower(fingerA), "actpass"), false, true},
		{"another port alone", offerOf("m=audio 7000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:"+fingerA, "a=setup:actpass"), false, true},
		{"another certificate", handshake(fingerB, "actpass"), true, true},
		{"one more certificate", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA), true, true},
		{"their role changed", handshake(fingerB, "active", "a=fingerprint:"+fingerA), true, false},
		{"the free choice keeps it", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA), false, false},
		{"switched off", offerOf("m=audio 0 UDP/TLS/RTP/SAVP 0"), false, false},
		{"and on again", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA), false, false},
		{"a connection that they begin anew", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA, "a=connection:new"), false, false},
		{"a role of ours to begin", handshake(fingerB, "passive", "a=fingerprint:"+fingerA), true, true},
		{"a connection that we must begin anew", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA, "a=connection:new"), true, true},
		{"one that is not new", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA, "a=connection:existing"), false, true},
		{"their role said", handshake(fingerB, "active", "a=fingerprint:"+fingerA), true, false},
		{"an identifier", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA, "a=tls-id:abc0123456789abc0123456789"), false, false},
		{"another identifier", handshake(fingerB, "actpass", "a=fingerprint:"+fingerA, "a=tls-id:xyz0123456789abc0123456789"), true, true},
	} {
		var answer []byte
		before := a.assoc.ownID
		if a, answer, err = a.Answer(step.offer, false); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if step.restart {
			count++
		}
		d := a.Media().DTLS
		if !strings.Contains(string(answer), "m=audio 0") && (d.Restart != step.restart || d.Client != step.client) || d.Association != count {
			t.Errorf("%d %s: %+v, want association %d\n%s", i, step.what, d, count, answer)
		}
		if strings.Contains(string(step.offer), "tls-id") && !strings.Contains(string(answer), "a=tls-id:"+a.assoc.ownID) || step.restart && before != "" && before == a.assoc.ownID {
			t.Errorf("%s: our identifier\n%s", step.what, answer)
		}
	}
	// A refresh leaves them the choice, and says nothing else that is new.
	if _, refresh, err := a.Again(); err != nil || !strings.Contains(string(refresh), "a=setup:actpass") {
		t.Fatalf("%v\n%s", err, refresh)
	}
	// Our own offers keep it too, and another certificate of ours ends it.
	b, offer, err := a.Offer(true)
	if err != nil || !strings.Contains(string(offer), "a=setup:actpass") || !strings.Contains(string(offer), " UDP/TLS/RTP/SAVP ") {
		t.Fatalf("%v\n%s", err, offer)
	}
	if b, err = b.Accept(handshake(fingerB, "passive", "a=fingerprint:"+fingerA)); err != nil || b.Media().DTLS.Association != count || b.Media().DTLS.Restart {
		t.Fatalf("%v %+v", err, b.Media().DTLS)
	}
	l := withDTLS(Optional)
	l.Security.Fingerprint = fingerA
	b, _, _ = b.WithLocal(l).Offer(false)
	if b, err = b.Accept(handshake(fingerB, "passive", "a=fingerprint:"+fingerA)); err != nil || b.Media().DTLS.Association != count+1 || !b.Media().DTLS.Restart {
		t.Fatalf("%v %+v", err, b.Media().DTLS)
	}
}

func TestFingerprintsOfTheMediumStandInsteadOfThoseOfTheSession(t *testing.T) {
	session := lines("v=0", "o=p 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0", "a=fingerprint:"+fingerA, "a=setup:passive",
		"m=audio 6000 UDP/TLS/RTP/SAVPF 0")
	a, _, err := New(1, withDTLS(Optional)).Answer(session, false)
	if err != nil || fmt.Sprint(a.Media().DTLS.Fingerprints) != "["+fingerA+"]" || !a.Media().DTLS.Client {
		t.Fatalf("%v %+v", err, a.Media().DTLS)
	}
	a, _, err = New(1, withDTLS(Optional)).Answer(append(session, "a=setup:active\r\na=fingerprint:md5 00:01\r\na=fingerprint:"+fingerB+"\r\n"...), false)
	if err != nil || fmt.Sprint(a.Media().DTLS.Fingerprints) != "["+fingerB+"]" || a.Media().DTLS.Client {
		t.Fatalf("%v %+v", err, a.Media().DTLS)
	}
	for _, bad := range []string{"", "sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13", "sha-256", "sha-256 00:01", "md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F", "sha-256 " + strings.ReplaceAll(fingerA[8:], ":", "-"),
		"sha-256 " + strings.ReplaceAll(fingerA[8:], ":", ""), fingerA + " x", strings.Replace(fingerA, "A0", "G0", 1)} {
		if _, _, err := New(1, withDTLS(Optional)).Answer(handshake(bad, "actpass"), false); !errors.Is(err, ErrUnprotected) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOfBothWaysThePreferredIsTakenAndThenKept(t *testing.T) {
	both := func(proto string) []byte {
		return offerOf("m=audio 6000 "+proto+" 0", "a=crypto:1 "+suite80+" inline:"+key30, "a=fingerprint:"+fingerA, "a=setup:actpass")
	}
	for prefer, want := range map[Protection]Protection{Automatic: Handshake, Handshake: Handshake, SDES: SDES} {
		for _, proto := range []string{"RTP/AVP", "RTP/SAVP", "RTP/SAVPF", "RTP/AVPF"} {
			l := withDTLS(Optional)
			l.Security.Suites, l.Security.Prefer = []string{suite80}, prefer
			a, answer, err := New(1, l).Answer(both(proto), false)
			if err != nil || a.Media().Protection() != want || a.Media().Profile != proto || strings.Contains(string(answer), "crypto") == strings.Contains(string(answer), "fingerprint") {
				t.Errorf("%s %q: %v %q\n%s", proto, prefer, err, a.Media().Protection(), answer)
			}
			l.Security.Prefer = map[Protection]Protection{SDES: Handshake}[want]
			if a, _, err = a.WithLocal(l).Answer(both(proto), false); err != nil || a.Media().Protection() != want {
				t.Errorf("%s %q: it changed to %q in mid-call, %v", proto, prefer, a.Media().Protection(), err)
			}
		}
	}
}

func TestWhoDropsAssociationsUnsaidIsToBeginThem(t *testing.T) {
	for _, tc := range []struct {
		more   []string
		client bool
	}{{nil, true}, {[]string{"a=connection:new"}, false}, {[]string{"a=connection:new", iceCredentials}, true}} {
		l := withICE()
		l.Security = withDTLS(Optional).Security
		a, answer, err := New(1, l).Answer(handshake(fingerA, "actpass", tc.more...), false)
		if err != nil || a.Media().DTLS.Client != tc.client || strings.Contains(string(answer), "a=setup:active") != tc.client {
			t.Errorf("%v: %v\n%s", tc.more, err, answer)
		}
	}
}
