package hub

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"offhook/desk"
)

func keys(t testing.TB, fill byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{fill}, ed25519.SeedSize))
	return k.Public().(ed25519.PublicKey), k
}

func signed(t testing.TB, key ed25519.PrivateKey, g Grant) Signed {
	t.Helper()
	s, err := g.sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const amy = "main.sales.amy"

func awayOrder() Order { return Order{Agent: amy, Verb: ForceAway, Text: c("Fire drill")} }

func TestAGrantIsVerifiedBeforeItIsUsed(t *testing.T) {
	pub, priv := keys(t, 1)
	_, other := keys(t, 2)
	good := newGrant(c("Maya"), awayOrder(), noon)
	edit := func(change func(*Grant)) Grant {
		g := good
		change(&g)
		return g
	}
	flip := func(s Signed, grant bool) Signed {
		if grant {
			s.Grant = bytes.Replace(s.Grant, []byte("away"), []byte("late"), 1)
		} else {
			s.Sig = bytes.Clone(s.Sig)
			s.Sig[0] ^= 1
		}
		return s
	}
	for _, tc := range []struct {
		name string
		s    Signed
		at   time.Time
		want Code
	}{
		{"in time", signed(t, priv, good), noon.Add(time.Second), ""},
		{"at the last moment", signed(t, priv, good), noon.Add(GrantLife), ""},
		{"too late", signed(t, priv, good), noon.Add(GrantLife + time.Millisecond), CodeExpired},
		{"made before the desk began", signed(t, priv, edit(func(g *Grant) { g.Issued -= 20000; g.Exp -= 10000 })), noon.Add(-time.Minute), CodeExpired},
		{"living too long", signed(t, priv, edit(func(g *Grant) { g.Exp += 1 })), noon, CodeExpired},
		{"from far in the future", signed(t, priv, edit(func(g *Grant) { g.Issued += 60000; g.Exp += 60000 })), noon, CodeExpired},
		{"for another agent", signed(t, priv, edit(func(g *Grant) { g.Agent = "main.sales.bob" })), noon, CodeForeign},
		{"for an agent of that name at another site", signed(t, priv, edit(func(g *Grant) { g.Agent = "east.sales.amy" })), noon, CodeForeign},
		{"signed by another hub", signed(t, other, good), noon, CodeForged},
		{"with a changed signature", flip(signed(t, priv, good), false), noon, CodeForged},
		{"with changed words", flip(signed(t, priv, good), true), noon, CodeForged},
		{"without a signature", Signed{Grant: signed(t, priv, good).Grant}, noon, CodeForged},
		{"signed as something else", Signed{[]byte("{}"), ed25519.Sign(priv, []byte("{}"))}, noon, CodeForged},
		{"empty", Signed{}, noon, CodeForged},
		{"of a newer version", signed(t, priv, edit(func(g *Grant) { g.V = 2 })), noon, CodeUnknown},
		{"without a nonce", signed(t, priv, edit(func(g *Grant) { g.Nonce = "" })), noon, CodeUnknown},
		{"for an unknown verb", signed(t, priv, edit(func(g *Grant) { g.Verb = "explode" })), noon, CodeUnknown},
		{"to monitor no call", signed(t, priv, edit(func(g *Grant) { g.Verb, g.Mode = Monitor, Listen })), noon, CodeUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := newVerifier(amy, noon.Add(-5*time.Second))
			v.trust(pub)
			_, err := v.check(tc.at, tc.s)
			var r *Refusal
			if errors.As(err, &r); tc.want == "" && err != nil || tc.want != "" && (r == nil || r.Code != tc.want) {
				t.Errorf("got %v, want code %q", err, tc.want)
			}
		})
	}
}

func TestAGrantCanBeUsedOnce(t *testing.T) {
	pub, priv := keys(t, 1)
	v := newVerifier(amy, noon)
	v.trust(pub)
	s := signed(t, priv, newGrant(c("Maya"), awayOrder(), noon))
	if _, err := v.check(noon, s); err != nil {
		t.Fatal(err)
	}
	var r *Refusal
	if _, err := v.check(noon.Add(GrantLife), s); !errors.As(err, &r) || r.Code != CodeReplayed {
		t.Errorf("the second time: %v", err)
	}
	if _, err := v.check(noon.Add(GrantLife), signed(t, priv, newGrant(c("Maya"), awayOrder(), noon))); err != nil {
		t.Errorf("another grant of the same kind: %v", err)
	}
}

func TestAFloodOfGrantsIsRefusedAndForgotten(t *testing.T) {
	pub, priv := keys(t, 1)
	v := newVerifier(amy, noon)
	v.trust(pub)
	for i := range maxNonces {
		v.seen[string(rune(i))+"n"] = noon.Add(GrantLife).UnixMilli()
	}
	var r *Refusal
	if _, err := v.check(noon, signed(t, priv, newGrant(c("Maya"), awayOrder(), noon))); !errors.As(err, &r) || r.Code != CodeBusy {
		t.Errorf("got %v", err)
	}
	later := noon.Add(GrantLife + time.Second)
	if _, err := v.check(later, signed(t, priv, newGrant(c("Maya"), awayOrder(), later))); err != nil || len(v.seen) != 1 {
		t.Errorf("afterwards: %v, %d remembered", err, len(v.seen))
	}
}

func TestADeskWithoutTheHubsKeyTrustsNobody(t *testing.T) {
	_, priv := keys(t, 1)
	var r *Refusal
	if _, err := newVerifier(amy, noon).check(noon, signed(t, priv, newGrant(c("Maya"), awayOrder(), noon))); !errors.As(err, &r) || r.Code != CodeForged {
		t.Errorf("got %v", err)
	}
}

func TestAnOrderBecomesACommandThatSaysWhoAskedAndTheAgentIsTold(t *testing.T) {
	for _, tc := range []struct {
		order Order
		verb  desk.Verb
		text  string
		told  string
	}{
		{Order{Verb: ForceAway, Text: c("Fire drill")}, desk.GoAway, "Fire drill", "Maya set you away (Fire drill)"},
		{Order{Verb: ForceAvailable}, desk.GoAvailable, "", "Maya made you available"},
		{Order{Verb: Logout}, desk.GoAway, "logout", "Maya asks you to log out when your call has ended"},
		{Order{Verb: Message, Text: c("Coffee?")}, "", "", "Maya: Coffee?"},
	} {
		evs, err := newGrant(c("Maya"), tc.order, noon).events()
		if err != nil {
			t.Fatal(err)
		}
		var told string
		var cmd desk.Command
		for _, ev := range evs {
			switch ev := ev.(type) {
			case desk.Told:
				told = ev.Text.String()
			case desk.Commanded:
				cmd = ev.Command
			}
		}
		if cmd.Verb != tc.verb || cmd.Text != tc.text || !strings.HasPrefix(told, tc.told) || cmd.Verb != "" && cmd.By.String() != "Maya" {
			t.Errorf("%s: %+v, %q", tc.order.Verb, cmd, told)
		}
	}
	var r *Refusal
	for _, m := range []Mode{Listen, Whisper, Barge, Takeover} {
		if _, err := newGrant(c("Maya"), Order{Verb: Monitor, Mode: m, Call: "k"}, noon).events(); !errors.As(err, &r) || r.Code != CodeLater {
			t.Errorf("%s: %v", m, err)
		}
	}
}

func FuzzGrantsThatNobodySignedAreRefused(f *testing.F) {
	pub, priv := keys(f, 1)
	good := newGrant(c("Maya"), awayOrder(), noon)
	good.Nonce = "the same in every worker"
	s := signed(f, priv, good)
	wire, _ := json.Marshal(s)
	f.Add(wire, s.Grant, s.Sig)
	f.Add([]byte(`{"grant":"","sig":""}`), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, wire, grant, sig []byte) {
		v := newVerifier(amy, noon)
		v.trust(pub)
		var got Signed
		_ = json.Unmarshal(wire, &got)
		for _, x := range []Signed{got, {grant, sig}} {
			if _, err := v.check(noon, x); err == nil && !bytes.Equal(x.Grant, s.Grant) {
				t.Fatalf("accepted %q", x.Grant)
			}
		}
		g, err := v.check(noon, Signed{grant, ed25519.Sign(priv, append([]byte(signingDomain), grant...))}) // even the hub is not trusted with words
		if err == nil && (len([]rune(g.Text.String())) > maxOrderText || g.Agent != amy) {
			t.Fatalf("%+v", g)
		}
		_, _ = decodeAnswer(wire)
	})
}
