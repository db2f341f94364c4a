package offer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	key30 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
	key44 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
	key46 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ=="
)

func TestACryptoLineIsReadOrIsNone(t *testing.T) {
	for line, want := range map[string]string{
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30:                               "1 AES_CM_128_HMAC_SHA1_80 30 0 ",
		"42 aes_cm_128_hmac_sha1_32 INLINE:" + key30 + "|2^20":                    "42 AES_CM_128_HMAC_SHA1_32 30 1048576 ",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1048576|1:4":              "1 AES_CM_128_HMAC_SHA1_80 30 1048576 00000001",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|66051:3":                  "1 AES_CM_128_HMAC_SHA1_80 30 0 010203",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^48":                     "1 AES_CM_128_HMAC_SHA1_80 30 281474976710656 ",
		"1 AES_256_CM_HMAC_SHA1_80 inline:" + key46:                               "1 AES_256_CM_HMAC_SHA1_80 46 0 ",
		"1 AES_256_CM_HMAC_SHA1_80 inline:" + strings.TrimRight(key46, "="):       "1 AES_256_CM_HMAC_SHA1_80 46 0 ",
		"1 AEAD_AES_256_GCM inline:" + key44:                                      "1 AEAD_AES_256_GCM 44 0 ",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " WSH=64 -X=1":              "1 AES_CM_128_HMAC_SHA1_80 30 0 ",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " KDR=24":                   "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTP":         "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTCP":        "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNAUTHENTICATED_SRTP":     "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " FEC_ORDER=FEC_SRTP":       "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^49":                     "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|0":                        "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|-5":                       "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:4|2^20":                 "", // the lifetime stands first
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|2^20":                "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:4|2:4":                  "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|256:1":                    "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:0":                      "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:129":                    "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|-1:4":                     "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|":                         "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + ";inline:" + key30:          "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30[1:]:                           "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + key44:                               "",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Replace(key30, "A", "!", 1): "",
		"1 AES_CM_128_HMAC_SHA1_80 uri:http://x":                                  "",
		"1 NULL_HMAC_SHA1_80 inline:" + key30:                                     "",
		"x AES_CM_128_HMAC_SHA1_80 inline:" + key30:                               "",
		"9999999999 AES_CM_128_HMAC_SHA1_80 inline:" + key30:                      "",
		"1 AES_CM_128_HMAC_SHA1_80":                                               "",
		"":                                                                        "",
	} {
		got := ""
		if k, ok := parseCrypto(line); ok {
			got = fmt.Sprintf("%d %s %d %d %x", k.Tag, k.Suite, len(k.KeySalt), k.Lifetime, k.MKI)
			if again, ok := parseCrypto(k.line()); !ok || fmt.Sprintf("%x", again.KeySalt) != fmt.Sprintf("%x", k.KeySalt) || again.Lifetime != k.Lifetime || string(again.MKI) != string(k.MKI) {
				t.Errorf("%q is not read back", k.line())
			}
		}
		if got != want {
			t.Errorf("%q\ngot  %q\nwant %q", line, got, want)
		}
	}
}

// withSDES is a side that has keys in its descriptions.
func withSDES(p Policy, suites ...string) Local {
	l := testLocal
	l.Security = Security{Policy: p, Suites: suites}
	return l
}

const suite80, suite32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"

func TestTheAnswerTakesTheFirstLineThatWeCanDoAndSaysItsTag(t *testing.T) {
	offer := offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 AEAD_AES_128_GCM inline:x", "a=crypto:2 "+suite32+" inline:short",
		"a=crypto:7 "+suite32+" inline:"+key30+"|2^31", "a=crypto:9 "+suite80+" inline:"+key30)
	a, answer, err := New(1, withSDES(Required, suite80, suite32)).Answer(offer, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer), "RTP/SAVP 0\r\n") || !strings.Contains(string(answer), "a=crypto:7 "+suite32+" inline:") || strings.Count(string(answer), "a=crypto") != 1 {
		t.Fatalf("%s", answer)
	}
	m := a.Media()
	if m.RecvKey.Lifetime != 1<<31 || m.SendKey.Suite != suite32 || string(m.SendKey.KeySalt) == string(m.RecvKey.KeySalt) || m.Protection() != SDES {
		t.Fatalf("%v %v", m.SendKey, m.RecvKey)
	}
}

func TestOurKeyStaysOverHoldsAndTheirsMayChange(t *testing.T) {
	at := func(key string, more ...string) []byte {
		return offerOf(append([]string{"m=audio 6000 RTP/SAVP 0", "a=crypto:3 " + suite80 + " inline:" + key}, more...)...)
	}
	a, first, err := New(1, withSDES(Optional, suite32, suite80)).Answer(at(key30), false)
	if err != nil {
		t.Fatal(err)
	}
	own := string(a.Media().SendKey.KeySalt)
	a, held, err := a.Answer(at(key30, "a=sendonly"), false)
	if err != nil || string(a.Media().SendKey.KeySalt) != own || !strings.Contains(string(held), "a=recvonly") {
		t.Fatalf("%v\n%s\n%s", err, first, held)
	}
	a, offer, err := a.Offer(true)
	if err != nil || !strings.Contains(string(offer), "m=audio 4000 RTP/SAVP ") || !strings.Contains(string(offer), "a=crypto:1 "+suite80+" ") {
		t.Fatalf("the suite in use does not come first, in its profile: %v\n%s", err, offer)
	}
	other := "B" + key30[1:]
	a, err = a.Accept(offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:"+other, "a=recvonly"))
	if err != nil || string(a.Media().SendKey.KeySalt) != own || a.Media().RecvKey.KeySalt[0] == 0 {
		t.Fatalf("%v: their new key was not taken", err)
	}
	b, _, err := a.Rekey().Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.Accept(at(key30)); err != nil || string(b.Media().SendKey.KeySalt) == own {
		t.Fatalf("no new key on purpose: %v", err)
	}
	if string(a.Media().SendKey.KeySalt) != own {
		t.Fatal("an exchange that did not happen changed the session")
	}
}

func TestSoundIsNotSentInTheClearWhereKeysAreDemanded(t *testing.T) {
	for _, tc := range []struct {
		name  string
		local Local
		offer []byte
		want  error
	}{
		{"plain policy, keys demanded", testLocal, offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:"+key30), ErrUnprotected},
		{"required, plain offer", withSDES(Required, suite80), offerOf("m=audio 6000 RTP/AVP 0"), ErrUnprotected},
		{"required, best effort", withSDES(Required, suite80), offerOf("m=audio 6000 RTP/AVP 0", "a=crypto:1 "+suite80+" inline:"+key30), nil},
		{"optional, plain offer", withSDES(Optional, suite80), offerOf("m=audio 6000 RTP/AVP 0"), nil},
		{"optional, only a broken key", withSDES(Optional, suite80), offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:zz"), ErrUnprotected},
		{"keys without handshake in a profile of handshakes", withSDES(Optional, suite80), offerOf("m=audio 6000 UDP/TLS/RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:"+key30), ErrUnprotected},
		{"no codec is said first", withSDES(Required, suite80), offerOf("m=audio 6000 RTP/AVP 18"), ErrNoCommon},
	} {
		_, _, err := New(1, tc.local).Answer(tc.offer, false)
		if !errors.Is(err, tc.want) || tc.want != nil && !errors.Is(err, ErrNoCommon) || err != nil && tc.want == nil {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	for name, answer := range map[string][]byte{
		"in the clear":        offerOf("m=audio 6000 RTP/AVP 0"),
		"without keys":        offerOf("m=audio 6000 RTP/SAVP 0"),
		"a suite not offered": offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 AEAD_AES_256_GCM inline:"+key44),
		"a key not usable":    offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:"+key30+" UNENCRYPTED_SRTP"),
		"a handshake":         offerOf("m=audio 6000 RTP/SAVP 0", "a=setup:active", "a=fingerprint:"+ourFingerprint),
	} {
		a, _, _ := New(1, withSDES(Required, suite80)).Offer(false)
		if _, err := a.Accept(answer); !errors.Is(err, ErrUnprotected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, _, _ := New(1, withSDES(Optional, suite80)).Offer(false)
	if _, err := a.Accept(offerOf("m=audio 6000 RTP/AVP 0", "a=crypto:1 "+suite80+" inline:broken")); !errors.Is(err, ErrUnprotected) {
		t.Errorf("what they encrypt cannot be heard: %v", err)
	}
	if b, err := a.Accept(offerOf("m=audio 6000 RTP/AVP 0")); err != nil || b.Media().Protection() != Automatic {
		t.Errorf("best effort: %v", err)
	}
}

func TestTheSecureLineWinsOverThePlainOneBesideIt(t *testing.T) {
	for _, order := range [][]string{
		{"m=audio 6000 RTP/AVP 0", "m=audio 6002 RTP/SAVP 0", "a=crypto:1 " + suite80 + " inline:" + key30},
		{"m=audio 6002 RTP/SAVP 0", "a=crypto:1 " + suite80 + " inline:" + key30, "m=audio 6000 RTP/AVP 0"},
	} {
		a, answer, err := New(1, withSDES(Optional, suite80)).Answer(offerOf(order...), false)
		if err != nil || a.Media().Remote.Port() != 6002 || !strings.Contains(string(answer), "m=audio 0 RTP/AVP 0") || !strings.Contains(string(answer), "m=audio 4000 RTP/SAVP 0") {
			t.Errorf("%v\n%s", err, answer)
		}
	}
}

func TestKeysDoNotShow(t *testing.T) {
	a, body, err := New(1, withSDES(Required, suite80)).Answer(offerOf("m=audio 6000 RTP/SAVP 0", "a=crypto:1 "+suite80+" inline:"+key30), false)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(strings.SplitN(string(body), "inline:", 2)[1])[:40]
	j, err := json.Marshal(a.Media())
	if err != nil {
		t.Fatal(err)
	}
	raw := fmt.Sprintf("%v", a.Media().SendKey.KeySalt)
	for _, s := range []string{string(j), fmt.Sprintf("%v %+v %#v %s", a, a, a.Media(), a.Media().SendKey), fmt.Sprintf("%#v", *a.Media().SendKey)} {
		if strings.Contains(s, key) || strings.Contains(s, strings.Trim(raw, "[]")) {
			t.Errorf("%s", s)
		}
	}
}

func FuzzCrypto(f *testing.F) {
	f.Add("1 " + suite80 + " inline:" + key30 + "|2^20|1:4 WSH=64")
	f.Add("1 AEAD_AES_256_GCM inline:" + key44 + "|99999999999999999999999:128")
	f.Fuzz(func(t *testing.T, line string) {
		k, ok := parseCrypto(line)
		if !ok {
			return
		}
		again, ok := parseCrypto(k.line())
		if !ok || len(k.KeySalt) != keyLengths[k.Suite] || string(again.KeySalt) != string(k.KeySalt) || string(again.MKI) != string(k.MKI) || again.Lifetime != k.Lifetime {
			t.Fatalf("%q is not read back", k.line())
		}
	})
}
