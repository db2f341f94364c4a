package salesforce

import (
	"reflect"
	"strings"
	"testing"
)

// answered is a SOAP answer with a body in it.
func answered(body string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>` + body + `</soapenv:Body></soapenv:Envelope>`)
}

func TestTheSoftphoneLayoutOfTheSOAPAnswerIsRead(t *testing.T) {
	got, err := parseSoftphone(200, answered(`<describeSoftphoneLayoutResponse><result><callTypes><infoFields><name>ANI</name></infoFields><infoFields><name>DNIS</name></infoFields>`+
		`<name>Inbound</name><screenPopOptions><matchType>NoMatch</matchType><screenPopData>Contact</screenPopData><screenPopType>PopToEntity</screenPopType></screenPopOptions>`+
		`<screenPopOptions><matchType>MultipleMatches</matchType><screenPopData xsi:nil="true"/><screenPopType>PopToSearch</screenPopType></screenPopOptions>`+
		`<screenPopsOpenWithin>ExistingWindow</screenPopsOpenWithin><sections><entityApiName>Account</entityApiName><items><itemApiName>Name</itemApiName></items>`+
		`<items><itemApiName>Phone</itemApiName></items></sections></callTypes><id>04s000000000001AAA</id><name>Standard</name></result></describeSoftphoneLayoutResponse>`))
	if err != nil {
		t.Fatal(err)
	}
	want := SoftphoneLayout{ID: "04s000000000001AAA", Name: "Standard", CallTypes: []SoftphoneCallType{{
		Name: "Inbound", InfoFields: []string{"ANI", "DNIS"}, OpenWithin: "ExistingWindow",
		Pops:     []SoftphonePop{{"NoMatch", "PopToEntity", "Contact"}, {Match: "MultipleMatches", Type: "PopToSearch"}},
		Sections: []SoftphoneSection{{"Account", []string{"Name", "Phone"}}},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestAFaultAndAnythingElseIsASOAPError(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   []byte
		says   string
	}{
		"a fault":      {500, answered(`<soapenv:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode><faultstring>no ` + "\x7f" + `access</faultstring></soapenv:Fault>`), "INSUFFICIENT_ACCESS no"},
		"another page": {200, []byte("<html><body>Maintenance</body></html>"), "status 200"},
		"nothing":      {503, nil, "UNREADABLE"},
		"no XML":       {200, []byte("{}"), "UNREADABLE"},
		"a bomb":       {200, []byte(`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>`), "declares"},
		"depth":        {200, []byte(strings.Repeat("<a>", 100)), "deeply"},
		"width":        {200, []byte("<a>" + strings.Repeat("<b/>", maxSOAPItems+1) + "</a>"), "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSoftphone(c.status, c.body)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want something about %q", err, c.says)
			}
		})
	}
}

func FuzzSoftphoneLayout(f *testing.F) {
	f.Add(answered(`<describeSoftphoneLayoutResponse><result><id>1</id></result></describeSoftphoneLayoutResponse>`))
	f.Add(answered(`<soapenv:Fault><faultcode>sf:X</faultcode></soapenv:Fault>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if l, err := parseSoftphone(200, raw); err != nil && !reflect.DeepEqual(l, SoftphoneLayout{}) {
			t.Fatal("an error came with a layout")
		}
	})
}
