package text

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestHostileTextBecomesOneHarmlessLine(t *testing.T) {
	for raw, want := range map[string]string{
		"Fred Bloggs":                          "Fred Bloggs",
		"  padded  ":                           "padded",
		"\x1b[31mred\x1b[0m":                   "red",
		"\x1b]0;title\x07after":                "after",
		"\x1b]8;;http://x\x07link\x1b]8;;\x07": "link",
		"\x1bPdcs\x1b\\after":                  "after",
		"\x1bcreset":                           "reset",
		"a\rb":                                 "a b",
		"a\nb\tc":                              "a b c",
		"a\u0085b\u2028c\u2029d":               "a b c d",
		"bell\a back\b nul\x00 del\x7f":        "bell back nul del",
		"rlo\u202eevil":                        "rloevil",
		"lri\u2066x\u2069":                     "lrix",
		"zero\u200bwidth\u200dj\ufeff":         "zerowidthj",
		"soft\u00adhyphen":                     "softhyphen",
		"tag\U000E0041":                        "tag",
		"hangul\u3164filler\uffa0":             "hangulfiller",
		"e\u0301":                              "é", // NFC
		"c1\u009b31m\u009dx":                   "c131mx",
		"Zoë 李雷":                               "Zoë 李雷",
	} {
		if got := Clean(raw).String(); got != want {
			t.Errorf("%q became %q, want %q", raw, got, want)
		}
	}
}

func TestStackedMarksAndLongHeadersAreCut(t *testing.T) {
	zalgo := Clean("z" + strings.Repeat("\u0316", 50))
	if n := utf8.RuneCountInString(zalgo.String()); n > 3 {
		t.Errorf("%d characters stand on one letter", n)
	}
	if n := len(Clean(strings.Repeat("x", 1<<20)).String()); n > MaxRaw {
		t.Errorf("%d bytes were looked at", n)
	}
	if got := CleanBlock("ab日", 4).String(); got != "ab" {
		t.Errorf("a cut in the middle of a character left %q", got)
	}
	if got := Clean("Fred Bloggs").Truncate(6); got.Width() > 6 || !strings.HasSuffix(got.String(), "…") {
		t.Errorf("truncated to %q", got)
	}
	if got := Clean("Fred Bloggs").Runes(5).String(); got != "Fred" {
		t.Errorf("five characters are %q", got)
	}
}

func TestJSONIsCleanedWhenItIsRead(t *testing.T) {
	var v struct {
		T Text  `json:"t"`
		B Block `json:"b"`
	}
	if err := json.Unmarshal([]byte(`{"t":"a\u001b[31m\nb","b":"one\u202e\r\ntwo\u0007"}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.T.String() != "a b" || v.B.String() != "one\ntwo" {
		t.Errorf("%q, %q", v.T, v.B)
	}
	b, err := json.Marshal(v)
	if err != nil || string(b) != `{"t":"a b","b":"one\ntwo"}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestABlockKeepsItsLines(t *testing.T) {
	b := CleanBlock("first\n\nthird\x1b[2J  \n", 100)
	if lines := b.Lines(); len(lines) != 3 || lines[0].String() != "first" || lines[2].String() != "third" {
		t.Errorf("%q", b)
	}
	if !CleanBlock(" \n ", 10).Empty() {
		t.Error("blanks are not empty")
	}
}

func TestASentenceBeginsWithACapitalUnlessANameBeginsIt(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"the lookup failed":         "The lookup failed",
		"état inconnu":              "État inconnu",
		"pbx.example.com is silent": "pbx.example.com is silent",
		"sip.account is empty":      "sip.account is empty",
		"/var/lib is full":          "/var/lib is full",
		"offhook waits":             "offhook waits",
		"refused: too many":         "Refused: too many",
		"5 calls":                   "5 calls",
		"\xff":                      "\xff",
	} {
		if got := Capital(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"Fred", "\x1b]52;c;AA", "\x9b31m", "\xff\xfe", "e\u0301\u0316", "a\u202e\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, s := range []string{Clean(raw).String(), CleanBlock(raw, 4096).String()} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is not UTF-8", s)
			}
			for _, r := range s {
				if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
					t.Fatalf("%q holds %U", s, r)
				}
			}
		}
		once := Clean(raw)
		if strings.Contains(once.String(), "\n") {
			t.Fatal("a Text has two lines")
		}
		if again := Clean(once.String()); again != once && len(once.String()) < MaxRaw {
			t.Fatalf("%q cleaned again is %q", once, again)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Clean("Zoë Bloggs, Acme Ltd")
	}
}
