package caller

import (
	"strings"
	"testing"

	"offhook/sip/transaction"
)

// fields makes headers of "Name: value" lines.
func fields(lines ...string) (h transaction.Headers) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

func TestAnAssertedIdentityMayHoldANameAndANumberInTwoAddresses(t *testing.T) {
	for _, tc := range []struct{ name, pai, number, display string }{
		{"number and name in the sip URI", `"Ann" <sip:+442079460000@ims.example;user=phone>, <tel:+442079460000>`, "+442079460000", "Ann"},
		{"name in the sip URI, number in the tel URI", `"Ann" <sip:ann.smith@example.com>, <tel:+44-20-7946-0000>`, "+442079460000", "Ann"},
		{"tel first", `<tel:+442079460000>, "Ann" <sip:ann@example.com>`, "+442079460000", "Ann"},
		{"tel first, both numbers", `<tel:+442079460000>, "Ann" <sip:+442079460000@example.com>`, "+442079460000", "Ann"},
		{"name beside the tel URI", `<sip:4711@example.com>, "Ann" <tel:+442079460000>`, "4711", "Ann"},
		{"phone context in the user part", `"Ann" <sip:4711;phone-context=example.com@example.com;user=phone>`, "4711", "Ann"},
		{"unquoted name", `Ann Smith <sip:4711@example.com>`, "4711", "Ann Smith"},
		{"broken beside good", `"x <sip:1@y>, <sip:4711@example.com>`, "9", ""}, // the quote swallows both: From stays
	} {
		from := address(t, "<sip:9@carrier.example>")
		got, _ := Identity(fields("P-Asserted-Identity: "+tc.pai), &from, true)
		if got.Number != clean(tc.number) || got.Name != clean(tc.display) {
			t.Errorf("%s: %q %q", tc.name, got.Number, got.Name)
		}
	}
}

func TestRemotePartyIDSpeaksOfTheFarEndAndHidesWhatItSays(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		response    bool
		number, who string
		withheld    bool
	}{
		{"Asterisk", `"Ann" <sip:6001@10.0.0.1>;party=calling;privacy=off;screen=no`, false, "6001", "Ann", false},
		{"Cisco", `"Ann" <sip:6001@10.0.0.1>;party=calling;screen=yes;privacy=off`, false, "6001", "Ann", false},
		{"called and calling", `"We" <sip:1@h>;party=called, "Ann" <sip:6001@h>;party=calling`, false, "6001", "Ann", false},
		{"in a response", `"Ann" <sip:6001@h>;party=called;screen=yes, <sip:1@h>;party=calling`, true, "6001", "Ann", false},
		{"without party", `"Ann" <sip:6001@h>`, false, "6001", "Ann", false},
		{"full", `"Ann" <sip:6001@h>;party=calling;privacy=full;screen=yes`, false, "", "", true},
		{"uri", `"Ann" <sip:6001@h>;privacy=uri`, false, "", "", true},
		{"name", `"Ann" <sip:6001@h>;privacy=name`, false, "6001", "", false},
		{"twice", `"Ann" <sip:6001@h>;privacy=name;privacy=full`, false, "", "", true},
		{"a terminal", `<sip:mac@h>;id-type=term`, false, "9", "", false},
		{"who redirected", `<sip:7@h>;party=redirecting`, false, "9", "", false},
	} {
		from := address(t, "<sip:9@carrier.example>")
		f := &from
		if tc.response {
			f = nil
		}
		got, ok := Identity(fields("Remote-Party-ID: "+tc.value), f, true)
		if !ok || got.Number != clean(tc.number) || got.Name != clean(tc.who) || got.Withheld != tc.withheld {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}

func TestPrivacyHidesUnlessItIsAboutSomethingElse(t *testing.T) {
	for value, hidden := range map[string]bool{
		"id": true, "ID;critical": true, "user": true, "header": true, "user;header;id": true, "none": false, "critical": false, "session": false, "history": false,
		"": false, "none;id": true, "id; none": true, "idx": false, ";;": false,
	} {
		from := address(t, `"Ann" <sip:4711@h>`)
		got, _ := Identity(fields("Privacy: "+value, "P-Asserted-Identity: <sip:4711@h>"), &from, true)
		if got.Withheld != hidden || hidden && !got.Number.Empty() {
			t.Errorf("Privacy: %s gave %+v", value, got)
		}
	}
}

func TestOnlyATrustedNetworkSaysWhetherANumberIsTrue(t *testing.T) {
	for _, tc := range []struct {
		name, from string
		headers    []string
		want       Verstat
	}{
		{"in the number of the asserted identity", "<sip:9@h>", []string{"P-Asserted-Identity: <sip:+12155551212;verstat=TN-Validation-Passed@tel.example;user=phone>"}, VerstatPassed},
		{"in a tel URI", "<sip:9@h>", []string{"P-Asserted-Identity: <tel:+12155551212;verstat=TN-Validation-Passed-A>"}, VerstatPassedA},
		{"in From", "<sip:+12155551212;verstat=TN-Validation-Failed@h>", nil, VerstatFailed},
		{"as a parameter of the URI", "<sip:+12155551212@h;verstat=No-TN-Validation>", nil, VerstatUnchecked},
		{"as a parameter of the header, quoted", `<sip:+12155551212@h>;verstat="TN-Validation-Passed-C"`, nil, VerstatPassedC},
		{"by the second asserted address", "<sip:9@h>", []string{"P-Asserted-Identity: <sip:ann@h>, <tel:+12155551212;verstat=tn-validation-passed-b>"}, VerstatPassedB},
		{"From beside an identity without it", "<sip:+12155551212;verstat=TN-Validation-Passed-A@h>", []string{"P-Asserted-Identity: <sip:+12155551212@h>"}, VerstatPassedA},
		{"the attestation in a header", "<sip:+12155551212;verstat=TN-Validation-Passed@h>", []string{"P-Attestation-Indicator: B"}, VerstatPassedB},
		{"failed with a reason", "<sip:+12155551212;verstat=TN-Validation-Failed-A@h>", nil, VerstatFailed},
		{"unknown words", "<sip:+12155551212;verstat=Sure@h>", nil, ""},
		{"nothing", "<sip:+12155551212@h>", nil, ""},
	} {
		from := address(t, tc.from)
		if got, _ := Identity(fields(tc.headers...), &from, true); got.Verstat != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got.Verstat, tc.want)
		}
		if got, _ := Identity(fields(tc.headers...), &from, false); got.Verstat != "" {
			t.Errorf("%s: a stranger vouched for himself: %q", tc.name, got.Verstat)
		}
	}
}

func TestAWithheldCallTellsTheNetworkAloneWhoWeAre(t *testing.T) {
	own := address(t, `"Ann" <sip:2101@example.com:5070;transport=tcp>;tag=1`)
	from, headers := Withhold(own, false)
	if from.String() != `"Anonymous" <sip:anonymous@anonymous.invalid>` || headers.Get("Privacy") != "id" || headers.Get("P-Preferred-Identity") != `"Ann" <sip:2101@example.com>` {
		t.Fatalf("%v %v", from, headers)
	}
	if _, headers = Withhold(own, true); headers.Get("Privacy") != "id;critical" {
		t.Fatalf("%v", headers)
	}
	if who, _ := Identity(nil, &from, true); !who.Withheld {
		t.Fatalf("%+v", who)
	}
}

func TestWhoSentACallOnIsToldWithTheReason(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers []string
		number  string
		why     Diversion
		called  string
	}{
		{"Asterisk", []string{`Diversion: "Bob" <sip:6002@10.0.0.1>;reason=no-answer`}, "6002", DivertedNoAnswer, "6002"},
		{"Cisco, quoted and counted", []string{`Diversion: <sip:5001@10.0.0.1>;privacy=off;reason="unconditional";counter=1;screen=yes`}, "5001", DivertedAlways, "5001"},
		{"twice, in two fields", []string{"Diversion: <sip:2@h>;reason=user-busy", "Diversion: <sip:1@h>;reason=unconditional"}, "2", DivertedBusy, "1"},
		{"twice, in one field", []string{"Diversion: <sip:2@h>;reason=deflection, <sip:1@h>;reason=do-not-disturb"}, "2", DivertedByHand, "1"},
		{"without a reason", []string{"Diversion: <tel:+442079460000>"}, "+442079460000", DivertedOther, "+442079460000"},
		{"a hidden one", []string{"Diversion: <sip:2@h>;privacy=full;reason=away"}, "", DivertedAway, "2"},
		{"history with causes in the URI", []string{"History-Info: <sip:+441@h>;index=1, <sip:+442@h;cause=302>;index=1.1;mp=1, <sip:2101@10.0.0.9>;index=1.1.1;rc=1.1"}, "+441", DivertedAlways, "+441"},
		{"two diversions in history", []string{"History-Info: <sip:1@h>;index=1, <sip:2@h;cause=486>;index=1.1;mp=1", "History-Info: <sip:3@h;cause=408>;index=1.2;mp=1.1"}, "2", DivertedNoAnswer, "1"},
		{"history with reasons, as of RFC 4244", []string{`History-Info: <sip:1@h?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%20Here%22>;index=1, <sip:2@h>;index=2`}, "1", DivertedBusy, "1"},
		{"out of order", []string{"History-Info: <sip:2@h;cause=480>;index=1.1;mp=1, <sip:1@h>;index=1"}, "1", DivertedByHand, "1"},
		{"a first entry that hides", []string{"History-Info: <sip:1@h?Privacy=history>;index=1, <sip:2@h;cause=302>;index=1.1;mp=1"}, "", DivertedAlways, "2101"},
		{"history without diversion", []string{"History-Info: <sip:1@h>;index=1, <sip:2@h>;index=1.1;rc=1"}, "", "", "1"},
		{"nonsense", []string{"History-Info: <sip:1@h>;index=x, garbage", "Diversion: <<"}, "", "", "2101"},
		{"none", nil, "", "", "2101"},
	} {
		req := &transaction.Request{URI: address(t, "<sip:x@10.0.0.9>").URI, To: address(t, "<sip:2101@h>"), Headers: fields(tc.headers...)}
		got := DivertedBy(req.Headers, true)
		if got == nil {
			got = &Party{}
		}
		if got.Number != clean(tc.number) || got.Diverted != tc.why || got.Withheld != (tc.number == "" && tc.why != "") {
			t.Errorf("%s: %+v", tc.name, *got)
		}
		if called := Called(req); called != clean(tc.called) {
			t.Errorf("%s: called %q, want %q", tc.name, called, tc.called)
		}
		if DivertedBy(req.Headers, false) != nil {
			t.Errorf("%s: a stranger was believed", tc.name)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add(`"Ann" <sip:+44;verstat=TN-Validation-Passed@h>, <tel:+1>`, `<sip:1@h?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1`, `<sip:2@h>;reason=user-busy`, "id;critical")
	f.Fuzz(func(t *testing.T, pai, history, diversion, privacy string) {
		h := transaction.Headers{{Name: "P-Asserted-Identity", Value: pai}, {Name: "Remote-Party-ID", Value: pai}, {Name: "History-Info", Value: history},
			{Name: "Diversion", Value: diversion}, {Name: "Privacy", Value: privacy}}
		who, ok := Identity(h, nil, true)
		if ok && who.Withheld && (!who.Number.Empty() || !who.Name.Empty() || !who.URI.Empty()) {
			t.Fatalf("what is hidden is kept: %+v", who)
		}
		if by := DivertedBy(h, true); by != nil && by.Diverted == "" {
			t.Fatal("a diversion without a reason")
		}
		Called(&transaction.Request{Headers: h})
	})
}
