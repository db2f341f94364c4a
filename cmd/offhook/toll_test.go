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

func TestTheHoursDoNotBarWhatStaysInsideTheExchange(t *testing.T) {
	c := config.Config{}
	c.SIP.Account, c.SIP.Registrar = "sip:2101@pbx.example.com", "pbx.example.com"
	external := false
	c.Numbers.Region, c.Numbers.InternalMaxDigits, c.Numbers.Emergency = "GB", 4, []string{"999"}
	c.Numbers.InternalRules = []config.InternalRule{{Prefix: "118", Internal: &external}, {Prefix: "75", MinLen: 6, MaxLen: 6}}
	c.Toll.Hours, c.Toll.Outside, c.Toll.TransferAllow = []string{"Mon-Fri 08:00-19:00"}, "9", []string{"*"}
	c.Toll.Deny = []string{"2666"}
	m := toll.NewMeter(*tollPolicy(c, layout.DialingOptions{}))
	sunday := time.Date(2026, 6, 14, 10, 0, 0, 0, time.UTC)
	for target, open := range map[string]bool{
		"sip:2102@pbx.example.com": true, "sip:*98@pbx.example.com": true, "sip:751234@pbx.example.com": true, "sip:priya@pbx.example.com": true, "sip:999@pbx.example.com": true,
		"sip:21023@pbx.example.com": false, "sip:07814256404@pbx.example.com": false, "sip:+447814256404@pbx.example.com": false, "tel:123;phone-context=+44": false,
		"sip:1181@pbx.example.com": false, "sip:9123@pbx.example.com": false, "sip:92102@pbx.example.com": false, "sip:priya@other.example.com": false, "sip:2666@pbx.example.com": false,
		"sip:0a7814256404@pbx.example.com": false, "sip:2102%3b7814256404@pbx.example.com": false,
	} {
		uri, err := transaction.ParseURI(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []toll.Kind{toll.Dialled, toll.Referred} {
			if kind == toll.Referred && strings.Contains(target, ":999@") {
				continue // help is the agent's to call
			}
			if err := m.Check(sunday, kind, uri); (err == nil) != open {
				t.Errorf("%s %s: %v", kind, target, err)
			}
		}
	}
}
