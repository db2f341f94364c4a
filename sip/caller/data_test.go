package caller

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"offhook/sip/transaction"
)

func TestHeadersBecomeVariablesByTheRules(t *testing.T) {
	for _, tc := range []struct {
		name    string
		rules   []Rule
		headers []string
		want    string // name=value, in order
	}{
		{"by default X- headers and User-to-User are shown", nil,
			[]string{"Subject: hello", "X-Campaign: Spring", "P-Charging-Vector: icid=1", "User-to-User: 546f6d;encoding=hex", "x-queue: support, second line"},
			"User-to-User=Tom X-Campaign=Spring x-queue=support, second line"},
		{"a name of one's own, a field of the Task", []Rule{{Header: "X-Campaign", Name: "Campaign", Show: true, Task: "Campaign__c"}},
			[]string{"x-campaign: Spring"}, "Campaign=Spring>Campaign__c"},
		{"a rule that does nothing hides", []Rule{{Header: "X-FS-*"}}, []string{"X-FS-Support: update_display", "X-Campaign: Spring"}, "X-Campaign=Spring"},
		{"a part of the value", []Rule{{Header: "X-Data", Match: `ticket=(\d+)`, Name: "Ticket", Show: true}}, []string{"X-Data: a=1&ticket=4711&b=2"}, "Ticket=4711"},
		{"all that matches", []Rule{{Header: "X-Data", Match: `\d+`, Name: "Ticket", Show: true}}, []string{"X-Data: nr 4711"}, "Ticket=4711"},
		{"what does not match is nothing", []Rule{{Header: "X-Data", Match: `^\d+$`, Show: true}}, []string{"X-Data: nr 4711"}, ""},
		{"two parts of one header", []Rule{{Header: "X-Data", Match: `a=(\d+)`, Name: "A", Show: true}, {Header: "X-Data", Match: `b=(\d+)`, Name: "B", Show: true}},
			[]string{"X-Data: b=2;a=1"}, "A=1 B=2"},
		{"a parameter of the header", []Rule{{Header: "Call-Info", Param: "purpose", Name: "Kind", Show: true}},
			[]string{"Call-Info: <http://x/a.jpg>;purpose=icon, <http://x/card>;purpose=card"}, "Kind=icon Kind=card"},
		{"a parameter of the URI", []Rule{{Header: "History-Info", Param: "cause", Name: "Cause", Show: true}},
			[]string{"History-Info: <sip:1@h>;index=1, <sip:2@h;cause=302>;index=1.1"}, "Cause=302"},
		{"a parameter of a value without a URI", []Rule{{Header: "P-Charging-Vector", Param: "icid-value", Name: "ICID", Show: true}},
			[]string{`P-Charging-Vector: icid-value="AyretyU0dm+6O2IrT5tAFrbHLso=";orig-ioi=home1.net`}, "ICID=AyretyU0dm+6O2IrT5tAFrbHLso="},
		{"a parameter that is missing", []Rule{{Header: "Diversion", Param: "reason", Show: true}}, []string{"Diversion: <sip:1@h>"}, ""},
		{"the same twice is once", nil, []string{"X-A: 1", "X-A: 1", "X-A: 2"}, "X-A=1 X-A=2"},
		{"hostile text", nil, []string{"X-A: \x1b]0;owned\x07 \u202eAnn\r\nSet: x"}, "X-A=Ann  Set: x"},
		{"empty", nil, []string{"X-A:", "X-B: \u200b"}, ""},
	} {
		d, err := NewRules(tc.rules)
		if err != nil {
			t.Fatal(err)
		}
		vars, _ := d.Vars(fields(tc.headers...), true)
		var got []string
		for _, v := range vars {
			s := v.Name.String() + "=" + v.Value.String()
			if v.Field != "" {
				s += ">" + v.Field
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tc.name, s, tc.want)
		}
	}
}

func TestUserToUserIsReadAsWhatItIs(t *testing.T) {
	for raw, want := range map[string]string{
		"546f6d20536d697468;encoding=hex":                         "Tom Smith",
		"546F6D;encoding=HEX;purpose=call-center;content=text":    "Tom",
		"04546f6d;encoding=hex;purpose=isdn-uui;content=isdn-uui": "Tom", // 4: text by ISDN's own kinds
		"0434373131303030303030303030;encoding=hex":               "4711000000000",
		"00C803414243FA080001000147AE2D1B;encoding=hex":           "ABC", // a call centre's exchange: data and call id
		"00FA080001000147AE2D1BC803414243;encoding=hex":           "ABC",
		"00FA080001000147AE2D1B;encoding=hex":                     "00FA080001000147AE2D1B",
		"00C8FF4142;encoding=hex":                                 "00C8FF4142", // a length beyond the end
		"4711":                                                    "4711",
		"202122":                                                  "202122", // digits stay digits while nobody says that they are not
		"04416e6e20536d697468":                                    "Ann Smith",
		`"case=4711; vip";encoding=ascii`:                         "case=4711; vip",
		`"a \"b\"";purpose=x`:                                     `a "b"`,
		"hello;encoding=utf8":                                     "hello",
		"zz;encoding=hex":                                         "zz",
		"c3a4;encoding=hex":                                       "ä",
		"ff;encoding=hex":                                         "ff",
		";encoding=hex":                                           "",
		"":                                                        "",
		`"never closed`:                                           `"never closed`,
	} {
		if got := userToUser(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestARecordIdIsTakenOnlyFromATrustedDiallerAndOnlyWhenItIsOne(t *testing.T) {
	for id, want := range map[string]string{
		"0015000000Gv7qJ":    "0015000000Gv7qJAAR",
		"0015000000Gv7qJAAR": "0015000000Gv7qJAAR",
		"0015000000Gv7qJaar": "0015000000Gv7qJAAR",
		"0015000000gv7qjAAR": "", // the case was lost on the way
		"0015000000Gv7qJAAB": "",
		"0015000000Gv7q":     "",
		"0015000000Gv7qJA":   "",
		"0015000000Gv7q-":    "",
		"000000000000000":    "",
		"":                   "",
	} {
		if got, ok := recordID(id); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", id, got, ok, want)
		}
	}
	d, err := NewRules([]Rule{{Header: "X-Record", Record: true}, {Header: "User-to-User", Match: `id:(\w+)`, Record: true, Lookup: true}})
	if err != nil {
		t.Fatal(err)
	}
	h := fields("X-Record: nonsense", "User-to-User: id:0015000000Gv7qJ;encoding=text")
	vars, record := d.Vars(h, true)
	if record != "0015000000Gv7qJAAR" || len(vars) != 1 || !vars[0].Lookup || vars[0].Show {
		t.Errorf("%q %v", record, vars)
	}
	if _, record := d.Vars(h, false); record != "" {
		t.Errorf("a stranger opened %s", record)
	}
}

func TestASecretIsShownNowhere(t *testing.T) {
	d, err := NewRules([]Rule{{Header: "X-Pin", Secret: true, Lookup: true}})
	if err != nil {
		t.Fatal(err)
	}
	vars, _ := d.Vars(fields("X-Pin: 4711"), true)
	b, err := json.Marshal(vars)
	if err != nil || len(vars) != 1 || vars[0].Value != clean("4711") || vars[0].Show {
		t.Fatalf("%v %v", vars, err)
	}
	if s := string(b) + fmt.Sprint(vars, vars[0]) + fmt.Sprintf("%+v", vars); strings.Contains(s, "4711") {
		t.Errorf("%s", s)
	}
}

func TestWhatOneCallMayTellIsBounded(t *testing.T) {
	d, err := NewRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	var many transaction.Headers
	for i := range 1000 {
		many.Add(fmt.Sprintf("X-%d", i), fmt.Sprint("v", i))
	}
	if vars, _ := d.Vars(many, true); len(vars) != maxVars {
		t.Errorf("%d variables", len(vars))
	}
	var long transaction.Headers
	for i := range 20 {
		long.Add(fmt.Sprintf("X-%d", i), strings.Repeat("ä", 5000))
	}
	total := 0
	vars, _ := d.Vars(long, true)
	for _, v := range vars {
		total += len(v.Value.String())
		if n := len([]rune(v.Value.String())); n > maxVarRunes {
			t.Errorf("%d characters", n)
		}
	}
	if total > maxVarsTotal || len(vars) == 0 {
		t.Errorf("%d bytes in %d variables", total, len(vars))
	}
}

func TestRulesThatCannotBeAreNamed(t *testing.T) {
	for key, r := range map[string]Rule{
		"data[0].header": {Header: "X A"}, "data[0].match": {Header: "X-A", Match: "("}, "data[0].secret": {Header: "X-A", Secret: true, Show: true},
		"data[0].task": {Header: "X-A", Task: "a b"},
	} {
		_, err := NewRules([]Rule{r})
		var e *RuleError
		if !errors.As(err, &e) || e.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, r := range []Rule{{}, {Header: "*"}, {Header: "X-A", Match: strings.Repeat("a", 300)}} {
		if _, err := NewRules([]Rule{r}); err == nil {
			t.Errorf("%+v was taken", r)
		}
	}
	if _, err := NewRules(make([]Rule, 100)); err == nil {
		t.Error("a hundred rules were taken")
	}
}

func FuzzData(f *testing.F) {
	f.Add("X-A", "546f6d;encoding=hex")
	f.Add("User-to-User", `"a\"b";encoding=hex;pd=4`)
	f.Add("User-to-User", "00C803414243FA08;encoding=hex")
	f.Add("Call-Info", "<http://x>;purpose=icon, x")
	d, err := NewRules([]Rule{{Header: "User-to-User", Lookup: true, Record: true}, {Header: "Call-Info", Param: "purpose", Show: true}, {Header: "X-*", Match: `(a|b)+(.*)`, Show: true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		vars, record := d.Vars(transaction.Headers{{Name: name, Value: value}}, true)
		for _, v := range vars {
			if v.Value.Empty() || len([]rune(v.Value.String())) > maxVarRunes || strings.ContainsAny(v.Value.String(), "\x1b\r\n") {
				t.Fatalf("%q", v.Value)
			}
		}
		if again, ok := recordID(record); record != "" && (!ok || again != record) {
			t.Fatalf("%q", record)
		}
	})
}
