package crm

import (
	"slices"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"offhook/crm/emulator"
	"offhook/crm/number"
)

func TestEveryoneInThePracticeOrgIsFoundByTheirNumberHoweverItWasTyped(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{Limit: 20})
	regions := map[string]string{"United Kingdom": "GB", "United States": "US", "Germany": "DE", "France": "FR", "Australia": "AU"}
	checked, asked := 0, 0
	for _, object := range []string{"Contact", "Lead", "Account"} {
		for _, r := range w.Records(object, false) {
			if r["IsConverted"] == true {
				continue
			}
			region := "GB"
			for _, k := range []string{"MailingCountry", "Country", "BillingCountry"} {
				if c, ok := r[k].(string); ok && regions[c] != "" {
					region = regions[c]
				}
			}
			for _, f := range []string{"Phone", "MobilePhone"} {
				stored, ok := r[f].(string)
				if !ok {
					continue
				}
				p, err := phonenumbers.Parse(stored, region)
				if err != nil {
					t.Errorf("%q cannot be read", stored)
					continue
				}
				p.Extension = nil
				caller := phonenumbers.Format(p, phonenumbers.E164)
				checked++
				if got := w.dir.Numbers().Parse(caller).Agrees(stored); got != number.Agrees {
					t.Errorf("%s calls, %q is stored: %d", caller, stored, got)
				}
				if checked%12 != 0 {
					continue
				}
				asked++
				id := r["Id"].(string)
				m := w.lookup(caller)
				if !slices.ContainsFunc(m.Hits, func(h Hit) bool { return SameID(h.ID, id) }) {
					t.Errorf("%s calls, %s %v stored as %q: %s %s via %s", caller, object, r["Name"], stored, m.State, names(m.Hits), m.Via)
				}
			}
		}
	}
	if checked < 300 || asked < 25 {
		t.Errorf("only %d numbers, %d lookups", checked, asked)
	}
}
