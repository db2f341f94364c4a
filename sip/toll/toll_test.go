package toll

import (
	"errors"
	"offhook/internal/text"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func toll(t *testing.T, s string) transaction.URI {
	t.Helper()
	u, err := transaction.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// noon is a Wednesday.
var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func TestTheLongestPrefixDecidesHoweverTheNumberIsWritten(t *testing.T) {
	policy := Policy{International: []string{"00", "011"}, Country: "44", National: "0", Outside: "9", Dialled: Rules{
		Allow: []string{"+44", "+1 201", "2"}, Deny: []string{"0900", "+44 (70)", "+1 201 900", "*"},
	}}
	for number, ok := range map[string]bool{
		"sip:+442079460000@h": true, "sip:02079460000@h": true, "sip:00442079460000@h": true, "sip:011442079460000@h": true, "tel:+44-20-7946-0000": true,
		"sip:902079460000@h": true, "sip:9900442079460000@h": false, "sip:2104@h": true, "sip:92104@h": true, "sip:+12015550123@h": true,
		"sip:+44900123@h": false, "sip:0900123@h": false, "sip:0044900123@h": false, "sip:0-900-123@h": false, "sip:(0)900.123@h": false, "tel:+44.900.123": false,
		"sip:90900123@h": false, "sip:+4470123@h": false, "sip:+12019005555@h": false, "sip:+3312345678@h": false, "sip:0033123@h": false, "sip:%30900123@h": false,
		"sip:0900123;phone-context=example.com@h": false, "tel:900123;phone-context=+44": false, "tel:2079460000;phone-context=+44": true,
		"sip:\uFF10900123@h": false, "sip:\u0660\u0669\u0660\u0660123@h": false, "sip:0\u200b900123@h": false, "sip:0a900123@h": false, "sip:0+900123@h": false, "sip:+0900123@h": false, "sip:+0044900123@h": false,
		"sip:*98@h": false, "sip:bob@h": false, "sip:112@h": true, "sip:9112@h": true, "sip:1-1-2@h": true, "sip:1120@h": false, "urn:service:sos": true, "urn:service:sos.fire": true, "urn:service:counseling": false,
	} {
		m := NewMeter(policy)
		err := m.Check(noon, Dialled, toll(t, number))
		var refusal *Refusal
		if (err == nil) != ok || err != nil && (!errors.As(err, &refusal) || refusal.Why != Barred) {
			t.Errorf("%s: %v", number, err)
		}
	}
	free := NewMeter(Policy{Dialled: Rules{Deny: []string{"+44900"}}})
	for number, ok := range map[string]bool{"sip:bob@h": true, "sip:+4420@h": true, "sip:0044900@h": false, "sip:+44900@h": false, "sip:*98@h": true} {
		if err := free.Check(noon, Dialled, toll(t, number)); (err == nil) != ok {
			t.Errorf("%s: %v", number, err)
		}
	}
	bob := NewMeter(Policy{Dialled: Rules{Allow: []string{"*"}, Deny: []string{"+"}}})
	if bob.Check(noon, Dialled, toll(t, "sip:bob@h")) != nil || bob.Check(noon, Dialled, toll(t, "sip:+1@h")) == nil {
		t.Error("everything but what has a country")
	}
}

func TestStrangersAreNotObeyedUntilThatIsAllowed(t *testing.T) {
	m := NewMeter(Policy{})
	for _, kind := range []Kind{Referred, Redirected} {
		var refusal *Refusal
		if err := m.Check(noon, kind, toll(t, "sip:112@h")); !errors.As(err, &refusal) || refusal.Why != Off {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := m.Check(noon, Dialled, toll(t, "sip:+1900@h")); err != nil {
		t.Error(err)
	}
	m = NewMeter(Policy{Referred: Rules{Enabled: true, Allow: []string{"2"}}, Redirect: Rules{Enabled: true}})
	for _, tc := range []struct {
		kind   Kind
		number string
		ok     bool
	}{{Referred, "2104", true}, {Referred, "+1900", false}, {Referred, "112", false}, {Redirected, "+1900", true}} {
		if err := m.Check(noon, tc.kind, toll(t, "sip:"+tc.number+"@h")); (err == nil) != tc.ok {
			t.Errorf("%s %s: %v", tc.kind, tc.number, err)
		}
	}
}

func TestCallsAreCountedByMinuteAndByDay(t *testing.T) {
	m := NewMeter(Policy{Dialled: Rules{PerMinute: 2, PerDay: 4, Deny: []string{"900"}}, Referred: Rules{Enabled: true, PerMinute: 1}})
	call := func(at time.Duration, kind Kind, number string) Reason {
		var refusal *Refusal
		if errors.As(m.Check(noon.Add(at), kind, toll(t, "sip:"+number+"@h")), &refusal) {
			return refusal.Why
		}
		return ""
	}
	for i, step := range []struct {
		at   time.Duration
		kind Kind
		to   string
		want Reason
	}{
		{0, Dialled, "1", ""}, {time.Second, Dialled, "900", Barred}, {2 * time.Second, Dialled, "2", ""}, {3 * time.Second, Dialled, "3", TooManyNow},
		{3 * time.Second, Dialled, "112", ""}, {3 * time.Second, Referred, "3", ""}, {4 * time.Second, Referred, "3", TooManyNow},
		{time.Minute, Dialled, "3", ""}, {time.Minute, Dialled, "3", TooManyNow}, {2 * time.Minute, Dialled, "4", ""}, {time.Hour, Dialled, "5", TooManyToday},
		{time.Hour, Dialled, "911", ""}, {12 * time.Hour, Dialled, "5", ""}, {time.Hour, Dialled, "6", ""},
	} {
		if got := call(step.at, step.kind, step.to); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}

func TestCallsAreMadeWithinTheHours(t *testing.T) {
	work := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	for _, tc := range []struct {
		name  string
		hours []Hours
		at    time.Time
		ok    bool
	}{
		{"no hours", nil, noon, true},
		{"within", []Hours{{work, 8 * time.Hour, 18 * time.Hour}}, noon, true},
		{"at the end", []Hours{{work, 8 * time.Hour, 12 * time.Hour}}, noon, false},
		{"at the beginning", []Hours{{work, 12 * time.Hour, 18 * time.Hour}}, noon, true},
		{"on Saturday", []Hours{{work, 8 * time.Hour, 18 * time.Hour}}, noon.AddDate(0, 0, 3), false},
		{"until midnight", []Hours{{nil, 8 * time.Hour, 0}}, noon.Add(11*time.Hour + 59*time.Minute), true},
		{"a night shift that began on Friday", []Hours{{[]time.Weekday{time.Friday}, 22 * time.Hour, 6 * time.Hour}}, noon.AddDate(0, 0, 2).Add(17 * time.Hour), true},
		{"a night shift of Saturday", []Hours{{[]time.Weekday{time.Friday}, 22 * time.Hour, 6 * time.Hour}}, noon.AddDate(0, 0, 3).Add(11 * time.Hour), false},
		{"the second of two", []Hours{{nil, time.Hour, 2 * time.Hour}, {nil, 11 * time.Hour, 13 * time.Hour}}, noon, true},
	} {
		m := NewMeter(Policy{Dialled: Rules{Hours: tc.hours}})
		if err := m.Check(tc.at, Dialled, toll(t, "sip:1@h")); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err := m.Check(tc.at, Dialled, toll(t, "sip:112@h")); err != nil {
			t.Errorf("%s: help was not called: %v", tc.name, err)
		}
	}
}

func TestHoursAreSaidAsTheyAreWritten(t *testing.T) {
	const mon, tue, wed, fri, sat, sun = time.Monday, time.Tuesday, time.Wednesday, time.Friday, time.Saturday, time.Sunday
	for want, h := range map[string]Hours{
		"08:00-19:30":             {nil, 8 * time.Hour, 19*time.Hour + 30*time.Minute},
		"Mon-Wed,Fri 22:00-06:00": {[]time.Weekday{fri, tue, mon, wed}, 22 * time.Hour, 6 * time.Hour},
		"Sat,Sun 00:00-24:00":     {[]time.Weekday{sun, sat}, 0, 0},
		"09:00-17:00":             {[]time.Weekday{0, 1, 2, 3, 4, 5, 6}, 9 * time.Hour, 17 * time.Hour},
	} {
		if got := h.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestARefusalIsOneLineThatSaysWhy(t *testing.T) {
	for want, e := range map[string]*Refusal{
		"The number 0900123 was not called: numbers that begin with 0900 are barred":                                    {Why: Barred, Number: text.Clean("0900123"), Prefix: "0900"},
		"The number 0900123 was not called: it is none of the numbers that this phone may call":                         {Why: Barred, Number: text.Clean("0900123")},
		"The far end asked to call 0900123, which was not done: this phone does not follow such requests":               {Why: Off, Kind: Referred, Number: text.Clean("0900123")},
		"The call was redirected to 0900123, which was not done: 3 calls a minute are the limit; try again in a moment": {Why: TooManyNow, Kind: Redirected, Number: text.Clean("0900123"), Limit: 3},
		"The number 1 was not called: calls may be placed Mon-Fri 08:00-19:00 and Sat 09:00-13:00 only":                 {Why: OutOfHours, Number: text.Clean("1"), When: "Mon-Fri 08:00-19:00 and Sat 09:00-13:00"},
		"The number 1 was not called: 9 calls a day are the limit":                                                      {Why: TooManyToday, Number: text.Clean("1"), Limit: 9},
	} {
		if e.Error() != want || strings.Contains(want, "\n") {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

func FuzzToll(f *testing.F) {
	f.Add("sip:0900123;phone-context=+44@h", "0900")
	f.Add("tel:+44-900", "+44 (9)")
	f.Fuzz(func(t *testing.T, s, deny string) {
		u, err := transaction.ParseURI(s)
		if err != nil {
			return
		}
		m := NewMeter(Policy{Country: "44", National: "0", Outside: "9", Dialled: Rules{Deny: []string{deny, "+"}, PerMinute: 1}})
		n := Number(u)
		if strings.Trim(n, "0123456789*#+") != "" {
			t.Fatalf("%q", n)
		}
		first := m.Check(noon, Dialled, u)
		if first == nil && strings.HasPrefix(m.world(n), "+") && !m.emergency(u, n) {
			t.Fatalf("%q got through", n)
		}
	})
}

func TestAPrefixMeansTheSameHoweverItIsWritten(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	uri := func(n string) transaction.URI { return transaction.URI{Scheme: "sip", User: n, Host: "example.com"} }
	policy := func(allow, deny []string) *Meter {
		return NewMeter(Policy{Country: "44", National: "0", Dialled: Rules{Allow: allow, Deny: deny}})
	}
	for _, tc := range []struct {
		allow, deny []string
		number      string
		ok          bool
	}{
		{nil, []string{"+44 70"}, "07012345678", false},
		{nil, []string{"070"}, "+447012345678", false},
		{nil, []string{"070"}, "00447012345678", false},
		{nil, []string{"+44 70"}, "02079460000", true},
		{[]string{"0"}, nil, "02079460000", true},
		{[]string{"0"}, nil, "+442079460000", true},
		{[]string{"0"}, nil, "+33142685300", false},
		{[]string{"0"}, []string{"00"}, "02079460000", true},
		{nil, []string{"00"}, "0033142685300", false},
		{nil, []string{"00"}, "2102", true},
	} {
		if err := policy(tc.allow, tc.deny).Check(at, Dialled, uri(tc.number)); (err == nil) != tc.ok {
			t.Errorf("allow %v, deny %v, %s: %v", tc.allow, tc.deny, tc.number, err)
		}
	}
}
