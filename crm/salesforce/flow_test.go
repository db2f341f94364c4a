package salesforce

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheAppSignsInForItselfAndTheAgentOwnsTheRecords(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.URL.Path == "/services/oauth2/userinfo":
			fmt.Fprint(w, `{"user_id":"005000000000009AAA","organization_id":"00D000000000001AAA","name":"Integration User"}`)
		case strings.Contains(r.URL.Query().Get("q"), "'agent@x'"):
			fmt.Fprint(w, `{"records":[{"attributes":{"type":"User"},"Id":"005000000000002AAA","Username":"agent@x","Name":"Robin","IsActive":true,"TimeZoneSidKey":"Europe/Rome"}],"done":true}`)
		default:
			fmt.Fprint(w, `{"records":[],"done":true}`)
		}
	})
	secrets := 0
	s.tokens(func(w http.ResponseWriter, form string) {
		if form != "client_id=app&client_secret=hush&grant_type=client_credentials" {
			t.Errorf("form %s", form)
		}
		fmt.Fprintf(w, `{"access_token":"00D!app","instance_url":%q}`, s.URL)
	})
	open := func(agent string) *Client {
		return s.client(t, func(o *Options) {
			o.Store, o.AsApp, o.Agent = NewMemoryStore(Token{}), true, agent
			o.App.Secret = func(context.Context) (string, error) { secrets++; return "hush", nil }
		})
	}
	c := open("agent@x")
	for range 2 {
		a, err := c.Agent(t.Context())
		if err != nil || a.UserID != "005000000000002AAA" || a.Zone != "Europe/Rome" || a.OrgID != "00D000000000001AAA" {
			t.Fatalf("%+v %v", a, err)
		}
	}
	if u, _ := c.User(t.Context()); u.Name != "Integration User" || secrets != 1 {
		t.Errorf("%s, the secret was asked for %d times", u.Name, secrets)
	}
	for _, agent := range []string{"", "nobody@x"} {
		if _, err := open(agent).Agent(t.Context()); KindOf(err) != KindAuth || !strings.Contains(Line(err), "salesforce.username") {
			t.Errorf("%q: %v", agent, err)
		}
	}
	if a, err := s.client(t, nil).Agent(t.Context()); err != nil || a.UserID != "005000000000009AAA" {
		t.Errorf("with another flow the agent is who signed in: %+v %v", a, err)
	}
	if _, err := (App{LoginURL: s.URL, ClientID: "app", Local: true}).SignInClient(t.Context()); err == nil {
		t.Error("no secret was missed")
	}
}

func TestASecretThatCannotBeHadIsToldAndSendsNothing(t *testing.T) {
	s := newServer(t, nil)
	app := loginApp(s)
	app.Secret = func(context.Context) (string, error) { return "", errors.New("the command failed") }
	if _, err := app.Refresh(t.Context(), Token{Refresh: "r"}); err == nil || !strings.Contains(err.Error(), "the command failed") || s.refresh.Load() != 0 {
		t.Errorf("%v, %d requests", err, s.refresh.Load())
	}
}

func TestTheDeviceFlowIsSalesforcesOwn(t *testing.T) {
	const pending = `{"error":"authorization_pending","error_description":"x"}`
	for name, tt := range map[string]struct {
		replies []string // of the polls; a number is a status, "ok" is the token
		waits   []int    // seconds before each poll
		wrong   string   // in SignInLine; "" for signed in
	}{
		"entered at once":       {[]string{"ok"}, []int{7}, ""},
		"pending, then entered": {[]string{pending, pending, "ok"}, []int{7, 7, 7}, ""},
		"asked to slow down":    {[]string{`{"error":"slow_down"}`, pending, "ok"}, []int{7, 12, 12}, ""},
		"the network flickers":  {[]string{"503", pending, "ok"}, []int{7, 7, 7}, ""},
		"refused by the person": {[]string{pending, `{"error":"access_denied","error_description":"end-user denied authorization"}`}, []int{7, 7}, "not allowed in the browser"},
		"expired":               {[]string{`{"error":"expired_token"}`}, []int{7}, "not entered in time"},
		"spent":                 {[]string{`{"error":"invalid_grant","error_description":"bad device code"}`}, []int{7}, "not valid any more"},
		"never entered":         {slices.Repeat([]string{pending}, 20), []int{7, 7, 7, 7, 7, 7, 7, 7, 7}, "not entered in time"},
	} {
		t.Run(name, func(t *testing.T) {
			now, n := time.Unix(1e9, 0), 0
			var waits []int
			s := newServer(t, nil)
			s.tokens(func(w http.ResponseWriter, form string) {
				if strings.Contains(form, "response_type") {
					if form != "client_id=app&response_type=device_code&scope=api+refresh_token+openid+id" {
						t.Errorf("form %s", form)
					}
					fmt.Fprintf(w, `{"device_code":"DEV","user_code":"AB12\u202eCD","verification_uri":"%s/setup/connect","interval":7,"expires_in":60}`, s.URL)
					return
				}
				if form != "client_id=app&code=DEV&grant_type=device" {
					t.Errorf("form %s", form)
				}
				r := tt.replies[n]
				n++
				switch r {
				case "ok":
					fmt.Fprintf(w, `{"access_token":"00D!dev","refresh_token":"5","instance_url":%q}`, s.URL)
				case "503":
					fail(w, 503, "")
				default:
					fail(w, 400, r)
				}
			})
			app := loginApp(s)
			app.Now = func() time.Time { return now }
			app.Sleep = func(_ context.Context, d time.Duration) error {
				now = now.Add(d)
				waits = append(waits, int(d/time.Second))
				return nil
			}
			d, err := app.StartDevice(t.Context())
			if err != nil || strings.Contains(d.UserCode, "\u202e") || d.URL != s.URL+"/setup/connect" {
				t.Fatalf("%+v %v", d, err)
			}
			tok, err := d.Wait(t.Context())
			if tt.wrong == "" && (err != nil || tok.Refresh != "5") || tt.wrong != "" && !strings.Contains(SignInLine(err), tt.wrong) {
				t.Errorf("%v: %q", err, SignInLine(err))
			}
			if !slices.Equal(waits, tt.waits) {
				t.Errorf("waited %v", waits)
			}
		})
	}
}

func TestADeviceReplyIsNotTrustedBlindly(t *testing.T) {
	for name, tt := range map[string]struct {
		status      int
		body, wrong string
	}{
		"a page elsewhere":   {200, `{"device_code":"D","user_code":"U","verification_uri":"https://salesforce.com.evil.example/setup/connect"}`, "not a Salesforce address"},
		"no code":            {200, `{"verification_uri":"https://login.salesforce.com/setup/connect"}`, "no sign-in server answers"},
		"a page":             {200, `<html>`, "no sign-in server answers"},
		"switched off":       {400, `{"error":"invalid_grant","error_description":"device flow is not enabled for the app"}`, "Enable Device Flow"},
		"not known any more": {400, `{"error":"unsupported_response_type","error_description":"x"}`, "Enable Device Flow"},
		"an unknown client":  {400, `{"error":"invalid_client_id","error_description":"client identifier invalid"}`, "salesforce.client_id"},
		"a code without end": {200, `{"device_code":"D","user_code":"` + strings.Repeat("U", 1000) + `","verification_uri":"https://login.salesforce.com/x"}`, "no sign-in server answers"},
	} {
		s := newServer(t, nil)
		s.tokens(func(w http.ResponseWriter, _ string) { fail(w, tt.status, tt.body) })
		if _, err := loginApp(s).StartDevice(t.Context()); err == nil || !strings.Contains(SignInLine(err), tt.wrong) {
			t.Errorf("%s: %v: %q", name, err, SignInLine(err))
		}
	}
}

func TestAnAssertionIsMadeOutToTheHostThatTakesIt(t *testing.T) {
	for login, want := range map[string][]string{
		"https://login.salesforce.com/":                      {"https://login.salesforce.com"},
		"https://test.salesforce.com":                        {"https://test.salesforce.com"},
		"https://acme.my.salesforce.com":                     {"https://acme.my.salesforce.com", "https://login.salesforce.com"},
		"https://acme--uat.sandbox.my.salesforce.com":        {"https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"},
		"https://acme--uat.my.salesforce.com":                {"https://acme--uat.my.salesforce.com", "https://test.salesforce.com"},
		"https://orgfarm-1-dev-ed.develop.my.salesforce.com": {"https://orgfarm-1-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"},
	} {
		if got := (JWT{}).audiences(login); !slices.Equal(got, want) {
			t.Errorf("%s: %v", login, got)
		}
	}
	if got := (JWT{Audience: "https://x"}).audiences("https://acme.my.salesforce.com"); !slices.Equal(got, []string{"https://x"}) {
		t.Errorf("%v", got)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, nil)
	var seen []string
	s.tokens(func(w http.ResponseWriter, form string) {
		v, _ := url.ParseQuery(form)
		b, _ := base64.RawURLEncoding.DecodeString(strings.Split(v.Get("assertion"), ".")[1])
		seen = append(seen, string(b))
		fail(w, 400, `{"error":"invalid_grant","error_description":"audience is invalid"}`)
	})
	_, err = loginApp(s).SignInJWT(t.Context(), JWT{Username: "me@x", Key: key})
	if len(seen) != 1 || !strings.Contains(seen[0], `"aud":"`+s.URL+`"`) || !strings.Contains(SignInLine(err), "another host") {
		t.Errorf("%v %q", seen, SignInLine(err))
	}
}
