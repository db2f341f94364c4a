package main

import (
	"strings"
	"testing"
	"time"

	"offhook/config"
	"offhook/crm/layout"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

func TestTheHoursOfTheSettingsBoundWhatIsDialledButForHelp(t *testing.T) {
	c := config.Config{}
	c.Toll.Hours = []string{"Mon-Fri 08:00-19:00", "Sat 09:00-13:00"}
	c.Numbers.Emergency = []string{"112", "999"}
	p := tollPolicy(c, layout.DialingOptions{})
	if p == nil {
		t.Fatal("hours alone are no policy")
	}
	m := toll.NewMeter(*p)
	number := func(s string) transaction.URI {
		return transaction.URI{Scheme: "sip", User: s, Host: "pbx.example.com"}
	}
	for at, open := range map[string]bool{
		"2026-06-12T08:00:00+01:00": true, "2026-06-12T18:59:59+01:00": true, "2026-06-12T19:00:00+01:00": false, // a Friday
		"2026-06-13T09:00:00+01:00": true, "2026-06-13T13:00:00+01:00": false, "2026-06-14T10:00:00+01:00": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		err = m.Check(now, toll.Dialled, number("02079460018"))
		if (err == nil) != open {
			t.Errorf("%s: %v", at, err)
		}
		if err != nil && !strings.Contains(err.Error(), "calls may be placed Mon-Fri 08:00-19:00 and Sat 09:00-13:00 only") {
			t.Errorf("%s: %v", at, err)
		}
		if err := m.Check(now, toll.Dialled, number("112")); err != nil {
			t.Errorf("%s: help: %v", at, err)
		}
	}
}

func TestTheLineOutsideOfTheDialPlanDoesNotHideANumberThatIsBarred(t *testing.T) {
	c := config.Config{}
	c.Numbers.Region, c.Toll.Deny, c.Numbers.Emergency = "GB", []string{"+1", "0900"}, []string{"999"}
	plan := layout.DialingOptions{Outside: "9", International: "1830"}
	m := toll.NewMeter(*tollPolicy(c, plan))
	for user, barred := range map[string]bool{
		"9183014155552671": true, "90900123456": true, "914155552671": false, "907814256404": false, "9999": false, "999": false,
	} {
		err := m.Check(time.Now(), toll.Dialled, transaction.URI{Scheme: "sip", User: user, Host: "pbx.example.com"})
		if (err != nil) != barred {
			t.Errorf("%s: %v, barred %v", user, err, barred)
		}
	}
}
