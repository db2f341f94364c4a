package emulator

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// soap serves the two calls of the SOAP API that REST clients still make: login (jsforce; retires in Summer '27) and
// describeSoftphoneLayout.
func (s *Server) soap(r *http.Request, path string, body []byte, base string) *reply {
	if r.Method != http.MethodPost {
		return errorReply(errMethod(r.Method, http.MethodPost))
	}
	op, values, err := readEnvelope(body)
	if err != nil {
		return soapFault("soapenv:Client", "The request is not a SOAP envelope: "+err.Error())
	}
	switch op {
	case "login":
		user := s.userNamed(values["username"])
		if user == nil || !user.bool("IsActive") || !passwordOf(values["password"]) {
			return soapFault("INVALID_LOGIN", "INVALID_LOGIN: Invalid username, password, security token; or user locked out.")
		}
		token, _ := s.open(user.id, "SOAP", "api")
		return soapReply("loginResponse", s.loginResult(user, token, base, path))
	case "logout":
		delete(s.auth.tokens, values["sessionId"])
		return soapReply("logoutResponse", "")
	case "describeSoftphoneLayout":
		if _, err := s.sessionOf(values["sessionId"]); err != nil {
			return soapFault("INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session")
		}
		return soapReply("describeSoftphoneLayoutResponse", softphoneLayout)
	}
	return soapFault("soapenv:Client", fmt.Sprintf("No operation available for request {urn:partner.soap.sforce.com}%s", op))
}

// readEnvelope returns the operation and the texts of all elements by local name; one level is all that is needed.
func readEnvelope(body []byte) (string, map[string]string, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	values := make(map[string]string)
	op, name, inBody := "", "", false
	for {
		t, err := dec.Token()
		if err != nil {
			if op != "" {
				return op, values, nil
			}
			return "", nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "Body":
				inBody = true
			case inBody && op == "":
				op = t.Name.Local
			}
			name = t.Name.Local
		case xml.CharData:
			if name != "" {
				values[name] += strings.TrimSpace(string(t))
			}
		case xml.EndElement:
			name = ""
		}
	}
}

func soapReply(name, inner string) *reply {
	return &reply{status: http.StatusOK, body: text{"text/xml;charset=UTF-8", `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><` + name + `>` + inner + `</` + name + `></soapenv:Body></soapenv:Envelope>`}}
}

func soapFault(code, message string) *reply {
	if !strings.Contains(code, ":") {
		code = "sf:" + code
	}
	return &reply{status: http.StatusInternalServerError, body: text{"text/xml;charset=UTF-8", `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>` +
		element("faultcode", code) + element("faultstring", message) + `</soapenv:Fault></soapenv:Body></soapenv:Envelope>`}}
}

func element(name, value string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(value)) // a bytes.Buffer takes everything
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

func (s *Server) loginResult(user *record, token, base, path string) string {
	var b strings.Builder
	b.WriteString("<result>")
	for _, e := range [][2]string{{"metadataServerUrl", base + strings.Replace(path, "/Soap/u/", "/Soap/m/", 1)}, {"passwordExpired", "false"},
		{"sandbox", "false"}, {"serverUrl", base + path + "/" + s.org().id[:15]}, {"sessionId", token}, {"userId", user.id}} {
		b.WriteString(element(e[0], e[1]))
	}
	b.WriteString("<userInfo>")
	for _, e := range [][2]string{{"organizationId", s.org().id}, {"organizationName", s.org().str("Name")}, {"profileId", user.str("ProfileId")},
		{"sessionSecondsValid", fmt.Sprint(int(s.timeout.Seconds()))}, {"userEmail", user.str("Email")}, {"userFullName", user.str("Name")},
		{"userId", user.id}, {"userLanguage", user.str("LanguageLocaleKey")}, {"userLocale", user.str("LocaleSidKey")}, {"userName", user.str("Username")},
		{"userTimeZone", user.str("TimeZoneSidKey")}, {"userType", "Standard"}} {
		b.WriteString(element(e[0], e[1]))
	}
	b.WriteString("</userInfo></result>")
	return b.String()
}

// softphoneLayout is the practice org's one layout: Contacts, Leads and Accounts, pop / search / new Lead. The elements stand in the
// order of the Partner WSDL; only inbound calls have screen pops.
const softphoneLayout = `<result>` +
	`<callTypes><infoFields><name>ANI</name></infoFields><name>Internal</name><screenPopsOpenWithin xsi:nil="true"/>` +
	`<sections><entityApiName>User</entityApiName><items><itemApiName>Name</itemApiName></items></sections></callTypes>` +
	`<callTypes><infoFields><name>ANI</name></infoFields><infoFields><name>DNIS</name></infoFields><name>Inbound</name>` +
	`<screenPopOptions><matchType>NoMatch</matchType><screenPopData>Lead</screenPopData><screenPopType>PopToEntity</screenPopType></screenPopOptions>` +
	`<screenPopOptions><matchType>SingleMatch</matchType><screenPopData xsi:nil="true"/><screenPopType>PopToDetails</screenPopType></screenPopOptions>` +
	`<screenPopOptions><matchType>MultipleMatches</matchType><screenPopData xsi:nil="true"/><screenPopType>PopToSearch</screenPopType></screenPopOptions>` +
	`<screenPopsOpenWithin>ExistingWindow</screenPopsOpenWithin>` + softphoneSections + `</callTypes>` +
	`<callTypes><infoFields><name>DNIS</name></infoFields><name>Outbound</name><screenPopsOpenWithin xsi:nil="true"/>` + softphoneSections + `</callTypes>` +
	`<id>04sWz0000000001</id><name>Standard Softphone Layout</name></result>`

// softphoneSections are what the layout shows of customers.
const softphoneSections = `<sections><entityApiName>Contact</entityApiName><items><itemApiName>Name</itemApiName></items><items><itemApiName>AccountId</itemApiName></items><items><itemApiName>Phone</itemApiName></items></sections>` +
	`<sections><entityApiName>Lead</entityApiName><items><itemApiName>Name</itemApiName></items><items><itemApiName>Company</itemApiName></items></sections>` +
	`<sections><entityApiName>Account</entityApiName><items><itemApiName>Name</itemApiName></items><items><itemApiName>Phone</itemApiName></items></sections>`
