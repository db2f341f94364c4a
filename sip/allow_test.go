package sip

import (
	"testing"

	"offhook/sip/toll"
	"offhook/sip/transaction"
)

func TestWithoutAPolicyAFarEndReachesOnlyShortNumbersOfItsExchange(t *testing.T) {
	p := &Phone{acc: account{aor: address(t, "<sip:2101@example.com>").URI}}
	for number, ok := range map[string]bool{
		"sip:2104@example.com": true, "sip:bob@example.com": true, "sip:2104@EXAMPLE.com;user=phone": true, "sip:2104@elsewhere.example": false,
		"sip:0900123@example.com": false, "sip:+44900@example.com": false, "sip:0900123;x=y@example.com": false, "sip:0-90-01-23@example.com": false,
		"sip:2104;phone-context=+44900@example.com": false, "sip:0900a123@example.com": false, "sip:\uFF10\uFF19\uFF10\uFF10123@example.com": false,
		"tel:0900123": false,
	} {
		for _, kind := range []toll.Kind{toll.Referred, toll.Redirected} {
			if err := p.allowed(kind, target(t, number)); (err == nil) != ok {
				t.Errorf("%s %s: %v", kind, number, err)
			}
		}
		if err := p.allowed(toll.Dialled, target(t, number)); err != nil {
			t.Errorf("an agent was kept from %s", number)
		}
	}
}

func target(t *testing.T, s string) transaction.URI {
	t.Helper()
	u, err := transaction.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
