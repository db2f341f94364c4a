package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHoursAreReadAsTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		"Mon-Fri 08:00-19:00":     "[Monday Tuesday Wednesday Thursday Friday] 8h0m0s 19h0m0s",
		"sat,Sun 9:00-13:30":      "[Saturday Sunday] 9h0m0s 13h30m0s",
		"Sat-Mon,Wed 22:00-06:00": "[Saturday Sunday Monday Wednesday] 22h0m0s 6h0m0s",
		"  07:00-24:00 ":          "[] 7h0m0s 24h0m0s",
		"monday 00:00-08:00":      "[Monday] 0s 8h0m0s",
	} {
		list, err := Toll{Hours: []string{in}}.Week()
		if err != nil || len(list) != 1 {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := fmt.Sprint(list[0].Days, list[0].From, list[0].To); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for in, why := range map[string]string{
		"":                          "not days and a time",
		"Mon-Fri":                   "not two hours",
		"Mon-Fri 08:00":             "not two hours",
		"Mon-Fri 08:00-25:00":       "not two hours",
		"Mon-Fri 24:00-08:00":       "not two hours",
		"Mon-Fri 08:00-08:00":       "begins when it ends",
		"Mo-Fr 08:00-19:00":         `"Mo-Fr" is no day`,
		"Mon,,Tue 08:00-19:00":      `"" is no day`,
		"Mon - Fri 08:00-19:00":     "not days and a time",
		"Mon-Fri 08:00-19:00 extra": "not days and a time",
	} {
		if _, err := (Toll{Hours: []string{in}}).Week(); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "Mon-Fri 08:00-19:00") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzHours(f *testing.F) {
	f.Add("Mon-Fri 08:00-19:00")
	f.Add("Sat-Mon,Wed 22:00-06:00")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := Toll{Hours: []string{s}}.Week()
		if err != nil {
			return
		}
		if h := list[0]; len(h.Days) > 7 || h.From < 0 || h.From >= 24*time.Hour || h.To < 0 || h.To > 24*time.Hour || h.From == h.To {
			t.Fatalf("%q: %+v", s, h)
		}
	})
}

func TestAColleagueIsWatchedByTheAccountItBelongsTo(t *testing.T) {
	c := SIP{Account: "sip:2101@pbx.example.com", Accounts: []Account{{Account: "sip:31@branch.example.net"}, {Account: "sip:9@branch.example.net"}}}
	for _, tc := range []struct{ number, account, want string }{
		{"2102", "", "sip:2101@pbx.example.com"},
		{"2102", "31@branch.example.net", "sip:31@branch.example.net"},
		{"2102", "sip:9@branch.example.net", "sip:9@branch.example.net"},
		{"sip:32@BRANCH.example.net;user=phone", "", "sip:31@branch.example.net"},
		{"32@branch.example.net", "sip:2101@pbx.example.com", "sip:2101@pbx.example.com"},
		{"33@elsewhere.example.org", "", "sip:2101@pbx.example.com"},
	} {
		if got := c.Watcher(Lamp{Number: tc.number, Account: tc.account}); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
	if c.Has("31@elsewhere") || !c.Has("31@branch.example.net") {
		t.Error("accounts")
	}
}
