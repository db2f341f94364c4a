package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequest sends what a stranger may send: whatever it is, the answer is a refusal or a result, never a failure of the org.
func FuzzRequest(f *testing.F) {
	s, err := New(Options{Data: &Data{}})
	if err != nil {
		f.Fatal(err)
	}
	token := s.Credentials().AccessToken
	const api = "/services/data/v66.0"
	for _, seed := range [][4]string{
		{"POST", api + "/composite", "application/json", `{"allOrNone":true,"compositeRequest":[{"method":"POST","url":"/services/data/v66.0/sobjects/Contact","referenceId":"a","body":{"LastName":"@{a.id[0]}"}}]}`},
		{"POST", api + "/composite/graph", "application/json", `{"graphs":[{"graphId":"1","compositeRequest":[{"method":"GET","url":"/services/data/v66.0/sobjects/Contact/@{a.b}","referenceId":"b"}]}]}`},
		{"POST", api + "/composite/batch", "application/json", `{"haltOnError":true,"batchRequests":[{"method":"GET","url":"v66.0/limits"},{"method":"PATCH","url":"//?%"}]}`},
		{"POST", api + "/composite/tree/Account", "application/json", `{"records":[{"attributes":{"type":"Account","referenceId":"r"},"Name":"x","Contacts":{"records":[{"attributes":{"referenceId":"c"}}]}}]}`},
		{"PATCH", api + "/composite/sobjects/Task/" + CallKeyField, "application/json", `{"records":[{"attributes":{"type":"Task"},"Offhook_Call_Key__c":1}]}`},
		{"DELETE", api + "/composite/sobjects?ids=,001&allOrNone=maybe", "", ``},
		{"GET", api + "/sobjects/Contact/x?fields=A.B.C,,Name", "", ``},
		{"PATCH", api + "/sobjects/Task/Call_Id__c/%00%2F", "application/json", `{"Subject":null}`},
		{"POST", api + "/sobjects/ContentVersion", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"entity_content\"\r\n\r\n{\"PathOnClient\":\"\\\\\"}\r\n--b\r\nContent-Disposition: form-data; name=\"VersionData\"; filename=\"x\"\r\n\r\n\x00\r\n--b--"},
		{"POST", api + "/parameterizedSearch", "application/json", `{"q":"(","sobjects":[{"name":"Contact","where":"Name = '"}]}`},
		{"POST", api + "/sobjects/Contact?_HttpMethod=TRACE", "application/json", `[]`},
		{"GET", "/services/oauth2/authorize?response_type=code&client_id=" + ClientID + "&redirect_uri=http://localhost:1?%25&prompt=consent&state=%00", "", ``},
		{"POST", "/services/oauth2/token", "application/x-www-form-urlencoded", "grant_type=" + jwtGrant + "&assertion=e30.e30.e30"},
		{"POST", "/setup/connect", "application/x-www-form-urlencoded", "user_code=%ff&decision=allow"},
		{"POST", "/services/Soap/u/66.0", "text/xml", "<a><Body><login/></Body></a>"},
		{"POST", "/_emulator/faults", "application/json", `{"kind":"api_error","code":"X","times":1,"path":"nowhere at all"}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, method, target, kind, body string) {
		req, err := http.NewRequest(method, "http://org.example"+target, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/_emulator/settings") {
			t.Skip()
		}
		req.RequestURI = target
		req.Host = "org.example"
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		if w.Code >= 500 && !strings.HasPrefix(target, "/services/Soap") {
			t.Errorf("%d: %.300s", w.Code, w.Body)
		}
		s.ClearFaults()
	})
}
