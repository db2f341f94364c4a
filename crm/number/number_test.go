package number

import (
	"slices"
	"strings"
	"testing"

	"offhook/crm/practice"
	"offhook/crm/salesforce"
)

func TestClassFollowsTheOrderOfTheRules(t *testing.T) {
	n := NewPlan(Settings{Region: "GB", Domain: "pbx.example.com", InternalRules: []Rule{
		{Prefix: "7999", MinLen: 6, MaxLen: 6, Class: External},
		{Prefix: "7", MinLen: 6, MaxLen: 6},
		{Prefix: "+4420794600", MinLen: 13},
	}})
	for _, tt := range []struct {
		number   string
		withheld bool
		host     string
		want     Class
	}{
		{"911", false, "", Emergency},
		{"112", true, "", Emergency},
		{"9 9 9", false, "", Emergency},
		{"sip:999@pbx.example.com", false, "", Emergency},
		{"07814256404", true, "", Withheld},
		{"", false, "", Withheld},
		{"anonymous", false, "anonymous.invalid", Withheld},
		{"07814256404", false, "anonymous.invalid", Withheld},
		{"Anonymous", false, "pbx.example.com", Withheld},
		{"restricted", false, "", Withheld},
		{"UNAVAILABLE", false, "", Withheld},
		{"unknown", false, "pbx.example.com", Withheld},
		{"private", false, "", Withheld},
		{"sip:anonymous@anonymous.invalid", false, "", Withheld},
		{"2104", false, "", Internal},
		{"12345", false, "", Internal},
		{"123456", false, "", External},
		{"*98", false, "", Internal},
		{"#31#", false, "", Internal},
		{"712345", false, "", Internal},
		{"799912", false, "", External},
		{"812345", false, "", External},
		{"7123456", false, "", External},
		{"+442079460012", false, "", Internal},
		{"100", false, "", Internal},
		{"21-04", false, "", Internal},
		{"21 04", false, "", Internal},
		{"٢١٠٤", false, "", Internal}, // 2104 in Arabic-Indic digits
		{"sip:2104@elsewhere.example;user=phone", false, "", Internal},
		{"alice", false, "pbx.example.com", Internal},
		{"alice", false, "PBX.example.com:5060", Internal},
		{"sip:alice.smith@pbx.example.com;transport=tcp", false, "", Internal},
		{"alice", false, "elsewhere.example", External},
		{"alice", false, "", External},
		{"1-800-FLOWERS", false, "pbx.example.com", External},
		{"+112", false, "", External},
		{"tel:+14155551234;ext=22", false, "", External},
		{`"Bob" <sip:2104@pbx.example.com>`, false, "", Internal},
		{"2104%00", false, "", External},
	} {
		if got := n.Classify(tt.number, tt.withheld, tt.host); got != tt.want {
			t.Errorf("Classify(%q, %v, %q) = %s, want %s", tt.number, tt.withheld, tt.host, got, tt.want)
		}
	}
}

func TestAnInternalLimitBelowZeroMakesNoNumberInternal(t *testing.T) {
	n := NewPlan(Settings{InternalMaxDigits: -1})
	if got := n.Classify("2104", false, ""); got != External {
		t.Errorf("2104 is %s", got)
	}
	if got := NewPlan(Settings{InternalMaxDigits: 6}).Classify("123456", false, ""); got != Internal {
		t.Errorf("123456 with six digits is %s", got)
	}
}

// pairs are a caller's number as signalled, a number as somebody stored it, and what that must be worth.
var pairs = []struct {
	region, caller, stored string
	want                   Agreement
}{
	{"US", "+14155551234", "(415) 555-1234", Agrees},
	{"US", "4155551234", "(415) 555-1234", Agrees},
	{"US", "14155551234", "415.555.1234", Agrees},
	{"US", "+14155551234", "415-555-1234", Agrees},
	{"US", "+14155551234", "1-415-555-1234", Agrees},
	{"US", "+14155551234", "+1 (415) 555 1234", Agrees},
	{"US", "+14155551234", "4155551234", Agrees},
	{"US", "+14155551234", "(415) 555-1234 x22", Agrees},
	{"US", "+14155551234", "415.555.1234 ext. 7", Agrees},
	{"US", "tel:+14155551234;ext=22", "(415) 555-1234", Agrees},
	{"US", "+14155551234;ext=22", "(415) 555-1234 x99", Agrees},
	{"US", "+14155551234", "  (415) 555-1234  ", Agrees},
	{"US", "+14155551234", "(415)\u00a0555-1234", Agrees},
	{"US", "+14155551234", "\u202a(415) 555-1234\u202c", Agrees},
	{"US", "+14155551234", "555-1234", Possible},
	{"US", "+14155551234", "(415) 555-1235", Differs},
	{"US", "+14155551234", "(510) 555-1234", Differs},
	{"US", "+14155551234", "", Differs},
	{"US", "+14155551234", "n/a", Differs},
	{"US", "+18003569377", "1-800-FLOWERS", Agrees},
	{"US", "1-800-FLOWERS", "(800) 356-9377", Agrees},
	{"US", "+447814256404", "011 44 7814 256404", Agrees},
	{"US", "011447814256404", "+44 7814 256404", Agrees},
	{"US", "00447814256404", "+44 7814 256404", Agrees},
	{"US", "447814256404", "+44 7814 256404", Agrees},
	{"GB", "+447814256404", "07814256404", Agrees},
	{"GB", "+447814256404", "07814 256 404", Agrees},
	{"GB", "+447814256404", "+44 (0)7814 256404", Agrees},
	{"GB", "+447814256404", "0044 7814 256404", Agrees},
	{"GB", "+447814256404", "447814256404", Agrees},
	{"GB", "+447814256404", "7814256404", Agrees},
	{"GB", "+447814256404", "00447814256404", Agrees},
	{"GB", "07814256404", "+447814256404", Agrees},
	{"GB", "447814256404", "07814 256404", Agrees},
	{"GB", "00447814256404", "(07814) 256404", Agrees},
	{"GB", "7814256404", "+447814256404", Agrees},
	{"GB", "+447814256404", "256404", Possible},
	{"GB", "+447814256404", "07814256405", Differs},
	{"GB", "+447814256404", "07814256404 (mobile)", Agrees},
	{"GB", "+447814256404", "mobile: 07814 256404", Agrees},
	{"GB", "+447814256404", "01202 528732; 07814 256404", Agrees},
	{"GB", "+447814256404", "01202 528732 or 07814 256404", Agrees},
	{"GB", "+447814256404", "01202 528732, 07814 256405", Differs},
	{"GB", "+441202528732", "+44 (0) 1202 528732", Agrees},
	{"GB", "01202528732", "(01202) 528732", Agrees},
	{"GB", "+442079460018", "020 7946 0018", Agrees},
	{"GB", "+442079460018", "020 7946 0018 x3", Agrees},
	{"GB", "+442079460018", "0207 946 0018", Agrees},
	{"GB", "+14155551234", "14155551234", Agrees},
	{"GB", "14155551234", "+1 415 555 1234", Agrees},
	{"GB", "14155551234", "001 415 555 1234", Agrees},
	{"GB", "+14155551234", "(415) 555-1234", Agrees},
	{"GB", "+390612345678", "+39 06 12345678", Agrees},
	{"IT", "+390612345678", "06 12345678", Agrees},
	{"IT", "0612345678", "+39 06 1234 5678", Agrees},
	{"IT", "+390612345678", "612345678", Possible}, // without its zero it is another number in Italy
	{"RU", "+79123456789", "8 (912) 345-67-89", Agrees},
	{"RU", "89123456789", "+7 912 345-67-89", Agrees},
	{"DE", "+79123456789", "00 7 912 345 67 89", Agrees},
	{"DE", "+493012345678", "030/12345678", Agrees},
	{"DE", "03012345678", "+49 30 12345678", Agrees},
	{"DE", "+493012345678", "+49 (0)30 123456-78", Agrees},
	{"FR", "+33142685300", "01 42 68 53 00", Agrees},
	{"FR", "0142685300", "+33 1 42 68 53 00", Agrees},
	{"AU", "+61293744000", "(02) 9374 4000", Agrees},
	{"AU", "0293744000", "+61 2 9374 4000", Agrees},
	{"HK", "+85228881234", "2888 1234", Agrees},
	{"IN", "+919876543210", "09876543210", Agrees},
	{"AR", "+5491123456789", "+54 9 11 2345 6789", Agrees},
	{"MX", "+525512345678", "55 1234 5678", Agrees},
	{"", "+447814256404", "+44 7814 256404", Agrees},
	{"", "+447814256404", "447814256404", Agrees},
	{"GB", "123456", "123456", Agrees},
	{"GB", "anonymous", "07814256404", Differs},
	{"GB", "٠٧٨١٤٢٥٦٤٠٤", "07814 256404", Agrees},
	{"GB", "07814256404", "０７８１４　２５６４０４", Agrees}, // full-width digits
}

func TestStoredNumbersAgreeHoweverTheyWereTyped(t *testing.T) {
	if len(pairs) < 60 {
		t.Fatalf("only %d pairs", len(pairs))
	}
	for _, tt := range pairs {
		num := NewPlan(Settings{Region: tt.region}).Parse(tt.caller)
		if got := num.Agrees(tt.stored); got != tt.want {
			t.Errorf("%s: caller %q, stored %q: %d, want %d (variants %v)", tt.region, tt.caller, tt.stored, got, tt.want, num.Variants)
		}
	}
}

func TestVariantsAreDigitsOnlyDistinctAndFew(t *testing.T) {
	n := NewPlan(Settings{Region: "GB"})
	for _, s := range []string{"07814256404", "+447814256404", "447814256404", "00447814256404"} {
		got := n.Parse(s).Variants
		for _, want := range []string{"7814256404", "447814256404", "07814256404", "00447814256404"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s: %v has no %s", s, got, want)
			}
		}
		checkVariants(t, got)
	}
}

func checkVariants(t *testing.T, vs []string) {
	t.Helper()
	if len(vs) > maxVariants {
		t.Errorf("%d variants: %v", len(vs), vs)
	}
	for i, v := range vs {
		if strings.Trim(v, "0123456789") != "" || len(v) < 2 || slices.Contains(vs[:i], v) {
			t.Errorf("variant %q of %v", v, vs)
		}
	}
}

func TestExtensionsAreKeptForDisplay(t *testing.T) {
	n := NewPlan(Settings{Region: "US"})
	for s, want := range map[string]string{"tel:+14155551234;ext=22": "22", "(415) 555-1234 x22": "22", "415.555.1234 ext. 7": "7", "+14155551234": ""} {
		num := n.Parse(s)
		if num.Extension != want || num.E164() != "+14155551234" {
			t.Errorf("%q: extension %q, %s", s, num.Extension, num.E164())
		}
	}
}

func TestOnlyFixedLinesHaveAPlace(t *testing.T) {
	n := NewPlan(Settings{Region: "GB"})
	for s, want := range map[string]string{
		"01202528732": "Bournemouth", "07814256404": "", "+4930123456": "Berlin", "123456": "", "anonymous": "", "+447814256404": "", "+6590000000": "",
	} {
		if got := n.Parse(s).Place().String(); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}

func TestNumberStyles(t *testing.T) {
	num := NewPlan(Settings{Region: "GB"}).Parse("00447814256404")
	for style, want := range map[Style]string{AsSignalled: "00447814256404", "": "00447814256404", National: "07814 256404", E164: "+447814256404"} {
		if got := num.Format(style).String(); got != want {
			t.Errorf("%s: %q", style, got)
		}
	}
	if got := NewPlan(Settings{Region: "GB"}).Parse("123456").Format(E164).String(); got != "123456" {
		t.Errorf("an invalid number became %q", got)
	}
}

func TestAHostileCallerIdCannotLeaveItsQuotes(t *testing.T) {
	n := NewPlan(Settings{Region: "GB"})
	for _, raw := range practice.HostileNumbers() {
		num := n.Parse(raw)
		checkVariants(t, num.Variants)
		var terms []salesforce.Term
		for _, v := range num.Variants {
			if term, ok := salesforce.Digits(v); ok {
				terms = append(terms, term)
			}
		}
		if len(terms) > 0 {
			s, err := salesforce.Find(terms...).In(salesforce.PhoneFields).Returning("Contact", []salesforce.Ident{"Id"}, salesforce.Cond{}, 6).Build()
			if err != nil {
				t.Errorf("%q: %v", raw, err)
			}
			inside := s[strings.IndexByte(s, '{')+1 : strings.IndexByte(s, '}')]
			if strings.Trim(strings.ReplaceAll(inside, " OR ", ""), "0123456789") != "" || strings.Count(s, "{")+strings.Count(s, "}") != 2 {
				t.Errorf("%q became %s", raw, s)
			}
		}
		if forms := num.Spellings(); len(forms) > 0 {
			s, err := salesforce.Select("Id").From("Contact").Where(salesforce.In("Phone", salesforce.Strings(forms...)...)).Build()
			if err != nil {
				t.Fatal(err)
			}
			if rest := strings.ReplaceAll(outsideQuotes(s), ",", ""); rest != "SELECT Id FROM Contact WHERE Phone IN ()" {
				t.Errorf("%q: outside the quotes stands %q", raw, rest)
			}
		}
	}
}

// outsideQuotes returns what SOQL reads as syntax: everything that is not inside single quotes.
func outsideQuotes(s string) string {
	var b strings.Builder
	in := false
	for i := 0; i < len(s); i++ {
		switch {
		case in && s[i] == '\\':
			i++
		case s[i] == '\'':
			in = !in
		case !in:
			b.WriteByte(s[i])
		}
	}
	if in {
		return "unclosed quote"
	}
	return b.String()
}

func FuzzNumber(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.region, p.caller, p.stored)
	}
	for _, s := range practice.HostileNumbers() {
		f.Add("GB", s, s)
	}
	f.Fuzz(func(t *testing.T, region, caller, stored string) {
		n := NewPlan(Settings{Region: region, Domain: "example.com"})
		class := n.Classify(caller, false, "example.com")
		if class != n.Classify(caller, false, "example.com") {
			t.Fatal("the class changes")
		}
		num := n.Parse(caller)
		checkVariants(t, num.Variants)
		if strings.Trim(num.Digits, "0123456789") != "" {
			t.Fatalf("digits %q", num.Digits)
		}
		num.Agrees(stored)
		num.Place()
		for _, s := range num.Spellings() {
			q, err := salesforce.Select("Id").From("Lead").Where(salesforce.Eq("Phone", salesforce.String(s))).Build()
			if err != nil || outsideQuotes(q) != "SELECT Id FROM Lead WHERE Phone = " {
				t.Fatalf("%q: %v %s", s, err, q)
			}
		}
	})
}

func BenchmarkNumberParseAndCompare(b *testing.B) {
	n := NewPlan(Settings{Region: "GB"})
	b.ReportAllocs()
	for b.Loop() {
		num := n.Parse("07814256404")
		if num.Agrees("+44 (0)7814 256404") != Agrees {
			b.Fatal("no match")
		}
	}
}
