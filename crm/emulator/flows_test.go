package emulator

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"
)

func (o *org) set(change func(*Settings)) {
	o.Helper()
	set := o.Settings()
	change(&set)
	if err := o.SetSettings(set); err != nil {
		o.Fatal(err)
	}
}

// signIn is a whole sign-in by code; it returns the code and the token reply.
func (o *org) signIn(extra url.Values) (string, map[string]any) {
	o.Helper()
	if extra == nil {
		extra = url.Values{}
	}
	extra.Set("code_challenge", challenge("abc"))
	code := o.authorize(extra).Get("code")
	return code, o.trade(code).want(200).object()
}

func (o *org) trade(code string) answer {
	o.Helper()
	return o.form("/services/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "code": {code}, "code_verifier": {"abc"}})
}

func TestACodeThatIsUsedTwiceEndsWhatTheFirstUseGaveOut(t *testing.T) {
	o := bareOrg(t)
	code, m := o.signIn(nil)
	refresh, _ := m["refresh_token"].(string)
	renew := url.Values{"grant_type": {"refresh_token"}, "client_id": {ClientID}, "refresh_token": {refresh}}
	renewed := o.form("/services/oauth2/token", renew).want(200).object()
	other := o.token
	o.trade(code).oauth("invalid_grant")
	o.form("/services/oauth2/token", renew).oauth("invalid_grant")
	o.token, _ = m["access_token"].(string)
	o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID")
	o.token = other
	o.do("GET", v+"/limits", nil).want(200)
	if renewed["access_token"] == m["access_token"] {
		t.Error("a refresh gives a new access token")
	}
}

func TestTheConsentPageAsksAPerson(t *testing.T) {
	o := bareOrg(t)
	o.set(func(s *Settings) { s.ConsentPage = true })
	q := url.Values{"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "state": {`"><script>`}, "code_challenge": {challenge("abc")}}
	page := string(o.do("GET", "/services/oauth2/authorize?"+q.Encode(), nil).want(200).raw)
	if !strings.Contains(page, "Allow access?") || strings.Contains(page, `"><script>`) {
		t.Errorf("the page: %s", page)
	}
	back := func(decision string) url.Values {
		q.Set("decision", decision)
		u, err := url.Parse(o.form("/services/oauth2/authorize", q).want(302).header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return u.Query()
	}
	if got := back("deny"); got.Get("error") != "access_denied" || got.Get("state") != `"><script>` {
		t.Errorf("denied: %v", got)
	}
	o.trade(back("allow").Get("code")).want(200)
	o.set(func(s *Settings) { s.ConsentPage = false })
	if page := o.do("GET", "/services/oauth2/authorize?"+q.Encode()+"&prompt=login%20consent", nil).want(200); !strings.Contains(string(page.raw), "Allow access?") {
		t.Errorf("prompt=consent: %s", page.raw)
	}
	o.authorize(url.Values{"prompt": {"login"}})
}

func TestAnAdminDecidesAboutTheApp(t *testing.T) {
	o := bareOrg(t)
	jwt := func() answer {
		return o.form("/services/oauth2/token", url.Values{"grant_type": {jwtGrant}, "assertion": {o.jwt("RS256", map[string]any{
			"iss": ClientID, "sub": AgentUsername, "aud": o.base, "exp": o.clock.Now().Add(time.Minute).Unix()})}})
	}
	for app, want := range map[string][2]string{
		AppNotInstalled: {"OAUTH_APPROVAL_ERROR_GENERIC", "invalid_client"},
		AppBlocked:      {"OAUTH_APP_BLOCKED", "OAUTH_APP_BLOCKED"},
	} {
		o.set(func(s *Settings) { s.App = app })
		if got := o.authorize(nil).Get("error"); got != want[0] {
			t.Errorf("%s: the browser is told %q", app, got)
		}
		jwt().oauth(want[1])
	}
	o.set(func(s *Settings) { s.App, s.Unapproved = "", []string{AgentUsername} })
	if got := jwt().oauth("invalid_grant").object()["error_description"]; got != "user hasn't approved this consumer" {
		t.Errorf("not approved: %v", got)
	}
	o.signIn(nil)
	jwt().want(200)
	o.set(func(s *Settings) { s.Redirects = []string{"http://localhost:1718/OauthRedirect"} })
	o.do("GET", "/services/oauth2/authorize?response_type=code&client_id="+ClientID+"&redirect_uri="+url.QueryEscape(redirect), nil).want(400)
	credentials := url.Values{"grant_type": {"client_credentials"}, "client_id": {ClientID}, "client_secret": {ClientSecret}}
	o.set(func(s *Settings) { s.RunAs = "none" })
	if got := o.form("/services/oauth2/token", credentials).oauth("invalid_grant").object()["error_description"]; got != "no client credentials user enabled" {
		t.Errorf("nobody to run as: %v", got)
	}
	o.set(func(s *Settings) { s.RunAs = AgentUsername })
	o.form("/services/oauth2/token", credentials).want(200)
	if err := o.SetSettings(Settings{App: "lost"}); err == nil {
		t.Error("an app that is lost was taken")
	}
}

func TestTheDeviceFlowIsSalesforcesOwn(t *testing.T) {
	o := bareOrg(t)
	begin := func() map[string]any {
		m := o.form("/services/oauth2/token", url.Values{"response_type": {"device_code"}, "client_id": {ClientID}, "scope": {"api refresh_token"}}).want(200).object()
		if m["verification_uri"] != o.base+"/setup/connect" || m["interval"] != 5.0 || len(m["user_code"].(string)) != 8 {
			t.Fatalf("the device is told %v", m)
		}
		return m
	}
	poll := func(m map[string]any) answer {
		return o.form("/services/oauth2/token", url.Values{"grant_type": {"device"}, "client_id": {ClientID}, "code": {m["device_code"].(string)}})
	}
	decide := func(code any, decision string) string {
		return string(o.form("/setup/connect", url.Values{"user_code": {code.(string)}, "decision": {decision}}).want(200).raw)
	}
	m := begin()
	poll(m).oauth("authorization_pending")
	poll(m).oauth("slow_down")
	o.clock.add(6 * time.Second)
	poll(m).oauth("slow_down") // slow_down makes the interval longer
	o.clock.add(16 * time.Second)
	poll(m).oauth("authorization_pending")
	if page := o.do("GET", "/setup/connect?user_code=%3Cb%3E", nil).want(200); strings.Contains(string(page.raw), "<b>") || !strings.Contains(string(page.raw), "Type the code") {
		t.Errorf("the page: %s", page.raw)
	}
	if page := decide("ZZZZZZZZ", "allow"); !strings.Contains(page, "not known") {
		t.Errorf("a code that nobody has: %s", page)
	}
	code := m["user_code"].(string)
	if page := decide(strings.ToLower(code[:4])+"-"+code[4:], "allow"); !strings.Contains(page, "connected") {
		t.Errorf("allowed: %s", page)
	}
	o.clock.add(time.Minute)
	if tokens := poll(m).want(200).object(); tokens["refresh_token"] == nil || tokens["instance_url"] != o.base {
		t.Errorf("tokens: %v", tokens)
	}
	poll(m).oauth("invalid_grant")

	m = begin()
	if !o.Decide(m["user_code"].(string), false) || o.Decide(m["user_code"].(string), true) {
		t.Error("a code is decided once")
	}
	poll(m).oauth("access_denied")
	m = begin()
	o.clock.add(11 * time.Minute)
	poll(m).oauth("expired_token")
	o.set(func(s *Settings) { s.DeviceFlow = DeviceAuto })
	poll(begin()).want(200)
	m = begin()
	o.set(func(s *Settings) { s.DeviceFlow = DeviceAsk })
	o.do("POST", "/_emulator/device", map[string]any{"user_code": m["user_code"], "approve": true}).want(204)
	o.do("POST", "/_emulator/device", map[string]any{"user_code": "none", "approve": true}).want(404)
	poll(m).want(200)
	o.set(func(s *Settings) { s.DeviceFlow = DeviceOff })
	o.form("/services/oauth2/token", url.Values{"response_type": {"device_code"}, "client_id": {ClientID}}).oauth("invalid_request")
	o.form("/services/oauth2/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {ClientID}, "device_code": {"x"}}).oauth("unsupported_grant_type")
}

func TestAnAppLearnsAboutItsOwnTokens(t *testing.T) {
	o := bareOrg(t)
	_, m := o.signIn(url.Values{"nonce": {"n-1"}})
	ask := func(token any, secret string) answer {
		return o.form("/services/oauth2/introspect", url.Values{"token": {token.(string)}, "client_id": {ClientID}, "client_secret": {secret}})
	}
	for token, kind := range map[any]string{m["access_token"]: "access_token", m["refresh_token"]: "refresh_token"} {
		if got := ask(token, ClientSecret).want(200).object(); got["active"] != true || got["token_type"] != kind || got["username"] != AgentUsername {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if got := ask("nonsense", ClientSecret).want(200).object(); got["active"] != false || len(got) != 1 {
		t.Errorf("an unknown token: %v", got)
	}
	if a := ask(m["access_token"], "x"); a.status != 401 || a.object()["error"] != "invalid_client" {
		t.Errorf("a stranger asks: %d %s", a.status, a.raw)
	}

	config := o.do("GET", "/.well-known/openid-configuration", nil).want(200).object()
	if config["token_endpoint"] != o.base+"/services/oauth2/token" || config["jwks_uri"] != o.base+"/id/keys" {
		t.Errorf("discovery: %v", config)
	}
	key := o.do("GET", "/id/keys", nil).want(200).object()["keys"].([]any)[0].(map[string]any)
	parts := strings.Split(m["id_token"].(string), ".")
	n, err := base64.RawURLEncoding.DecodeString(key["n"].(string))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the published key does not check the id_token: %v", err)
	}
	if claims, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || !strings.Contains(string(claims), `"nonce":"n-1"`) {
		t.Errorf("claims: %s %v", claims, err)
	}
}

func TestEveryRefusalCanBePractised(t *testing.T) {
	o := bareOrg(t)
	fault := func(f Fault) {
		t.Helper()
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	fault(Fault{Kind: FaultSession, Times: 1, Message: "This session is not valid for use with the REST API"})
	if a := o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID"); a.message() != "This session is not valid for use with the REST API" {
		t.Errorf("message %q", a.message())
	}
	fault(Fault{Kind: FaultAPIError, Times: 1, Code: "QUERY_TIMEOUT", Message: "Your query request was running for too long."})
	o.do("GET", v+"/query?q=SELECT+Id+FROM+User", nil).refused(400, "QUERY_TIMEOUT")
	fault(Fault{Kind: FaultAPIError, Times: 1, Status: 503, Code: "SERVER_UNAVAILABLE", Format: "object"})
	if m := o.do("GET", v+"/limits", nil).want(503).object(); m["errorCode"] != "SERVER_UNAVAILABLE" {
		t.Errorf("one object: %v", m)
	}
	fault(Fault{Kind: FaultAPIError, Times: 1, Status: 500, Code: "UNKNOWN_EXCEPTION", Message: "a < b", Format: "xml"})
	if a := o.do("GET", v+"/limits", nil).want(500); !strings.HasPrefix(a.header.Get("Content-Type"), "application/xml") || !strings.Contains(string(a.raw), "<errorCode>UNKNOWN_EXCEPTION</errorCode><message>a &lt; b<") {
		t.Errorf("XML: %s", a.raw)
	}
	fault(Fault{Kind: "edge", Times: 1, Status: 420})
	o.do("GET", v+"/limits", nil).want(420)
	fault(Fault{Kind: FaultOAuth, Times: 1, Code: "inactive_org", Message: "expired"})
	o.do("GET", v+"/limits", nil).want(200)
	o.form("/services/oauth2/token", url.Values{"grant_type": {"refresh_token"}}).oauth("inactive_org")
	fault(Fault{Kind: FaultOAuth, Times: 1, Path: "authorize", Code: "OAUTH_EC_APP_NOT_FOUND", Message: "External client app is not installed in this org"})
	if got := o.authorize(nil); got.Get("error") != "OAUTH_EC_APP_NOT_FOUND" || got.Get("state") != "s t&1" {
		t.Errorf("the browser is told %v", got)
	}
	for _, f := range []Fault{{Kind: FaultAPIError}, {Kind: FaultOAuth}, {Kind: FaultAPIError, Code: "X", Format: "yaml"}} {
		if o.SetFault(f) == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}
