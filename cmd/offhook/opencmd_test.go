package main

import (
	"strings"
	"testing"

	"offhook/crm/emulator"
)

func TestARecordsAddressIsMadeOfItsIDOrOfAnAddressInTheSameOrg(t *testing.T) {
	const org = "https://acme.my.salesforce.com"
	for record, want := range map[string]string{
		"001D000000IRFmaIAH": org + "/lightning/r/Account/001D000000IRFmaIAH/view",
		" 001D000000IRFma ":  org + "/lightning/r/Account/001D000000IRFma/view",
		"a0XD000000IRFma":    org + "/a0XD000000IRFma",
		"https://acme.lightning.force.com/lightning/r/Invoice__c/001D000000IRFmaIAH/view?x=1#y":   org + "/lightning/r/Invoice__c/001D000000IRFmaIAH/view",
		"https://acme.my.salesforce.com/001D000000IRFmaIAH":                                       org + "/lightning/r/Account/001D000000IRFmaIAH/view",
		"https://evil.example/lightning/r/Account/001D000000IRFmaIAH/view":                        "",
		"https://acme.my.salesforce.com@evil.example/lightning/r/Account/001D000000IRFmaIAH/view": "",
		"001D000000IRFmaAAA": "", "javascript:alert(1)": "", "": "", "../../x": "", "Fred": "",
	} {
		got, err := recordAddress(record, org)
		if got != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %q %v", record, got, err)
		}
	}
	if _, err := recordAddress("001D000000IRFmaIAH", ""); err == nil || !strings.Contains(err.Error(), "offhook login") {
		t.Errorf("signed out: %v", err)
	}
}

func TestOpenPrintsTheAddressWhereNoBrowserIsSeen(t *testing.T) {
	t.Setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
	p := newPlace(t)
	fred, _ := p.b.org.Find("Contact", "Name", emulator.StoryKnownName)
	e := testEnv()
	e.configFile = p.b.settings.Path
	if err := e.openRecord(t.Context(), fred["Id"].(string), false); err != nil {
		t.Fatal(err)
	}
	if out := e.out.(interface{ String() string }).String(); !strings.Contains(out, "/lightning/r/Contact/"+fred["Id"].(string)+"/view\n") {
		t.Errorf("%q", out)
	}
}
