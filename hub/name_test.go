package hub

import (
	"strings"
	"testing"

	"offhook/internal/text"
)

func TestNamesBecomeTokensThatTheBusTakesAndComeBackAsTheyWere(t *testing.T) {
	for _, name := range []string{"amy", "Amy Weber", "josé.müller", "a*b>c", "日本語", "sales=emea", "x\r\ny", "a.b.c"} {
		tok := token(name)
		if !isToken(tok) {
			t.Errorf("%q gives %q, which is no token", name, tok)
		}
		if back := untoken(tok); back != text.Clean(name).String() {
			t.Errorf("%q comes back as %q", name, back)
		}
	}
}

func TestDifferentNamesNeverShareAPlace(t *testing.T) {
	names := []string{"a b", "a_b", "a=20b", "a-b", "A b", "a.b", strings.Repeat("x", 60), strings.Repeat("x", 61), strings.Repeat("é", 40), strings.Repeat("é", 41)}
	seen := map[string]string{}
	for _, n := range names {
		if other, taken := seen[token(n)]; taken {
			t.Errorf("%q and %q are both %q", n, other, token(n))
		}
		seen[token(n)] = n
	}
}

func TestAMaskedNumberHidesAtLeastFourDigits(t *testing.T) {
	for number, want := range map[string]string{
		"07814256404": "0781…404", "+447814256404": "+4478…404", "2104": "2104", "12345": "12345", "123456": "1…6",
		"1234567": "12…7", "02079460": "02…60", "*98": "*98", "": "", "fred07814256404": "0781…404",
	} {
		if got := Mask(text.Clean(number)).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", number, got, want)
		}
	}
}

func TestANumberThatPosesAsANameIsNotShown(t *testing.T) {
	for name, want := range map[string]string{"Fred Bloggs": "Fred Bloggs", "07814256404": "", "+44 7814 256404 (mobile)": "", "Studio 54": "Studio 54"} {
		if got := maskName(text.Clean(name), 40).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

func FuzzAKeyIsSafeOnTheBus(f *testing.F) {
	f.Add("main", "sales", "amy")
	f.Add("", "a.b", "*>\x00 \u202e")
	f.Fuzz(func(t *testing.T, site, team, agent string) {
		k := Key{site, team, agent}.String()
		if strings.Count(k, ".") != 2 || strings.ContainsAny(k, " *>\t\r\n") || len(k) > 3*maxToken+2 {
			t.Fatalf("%q", k)
		}
		if _, err := ParseKey(k); err != nil {
			t.Fatal(err)
		}
	})
}
