package emulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (o *org) form(path string, values url.Values) answer {
	o.Helper()
	return o.do("POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Authorization", "")
}

func (a answer) oauth(code string) answer {
	a.t.Helper()
	if got := a.object()["error"]; got != code || a.status != 400 {
		a.t.Fatalf("%d %v, want 400 %s: %s", a.status, got, code, a.raw)
	}
	return a
}

const redirect = "http://localhost:1717/OauthRedirect"

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorize follows the approval page to the code.
func (o *org) authorize(extra url.Values) url.Values {
	o.Helper()
	q := url.Values{"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "scope": {"api refresh_token openid id"}, "state": {"s t&1"}}
	for k := range extra {
		q.Set(k, extra.Get(k))
	}
	a := o.do("GET", "/services/oauth2/authorize?"+q.Encode(), nil).want(302)
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), redirect) {
		o.Fatalf("redirected to %q", a.header.Get("Location"))
	}
	return u.Query()
}

func TestTheCodeFlowIssuesTokensForTheRightVerifierOnly(t *testing.T) {
	shared := bareOrg(t)
	long := strings.Repeat("v", 171) // @salesforce/core's verifiers are that long
	for name, tc := range map[string]struct {
		authorize url.Values
		exchange  url.Values
		want      string // OAuth error, "" for tokens
	}{
		"method S256":      {url.Values{"code_challenge": {challenge("abc")}, "code_challenge_method": {"S256"}}, url.Values{"code_verifier": {"abc"}}, ""},
		"no method":        {url.Values{"code_challenge": {challenge(long)}}, url.Values{"code_verifier": {long}}, ""},
		"wrong verifier":   {url.Values{"code_challenge": {challenge("abc")}}, url.Values{"code_verifier": {"abd"}}, "invalid_grant"},
		"no verifier":      {url.Values{"code_challenge": {challenge("abc")}}, nil, "invalid_grant"},
		"neither":          {nil, nil, "invalid_client"},
		"secret":           {nil, url.Values{"client_secret": {ClientSecret}}, ""},
		"wrong secret":     {nil, url.Values{"client_secret": {"x"}}, "invalid_client"},
		"other redirect":   {url.Values{"code_challenge": {challenge("abc")}}, url.Values{"code_verifier": {"abc"}, "redirect_uri": {"http://localhost:1718/OauthRedirect"}}, "redirect_uri_mismatch"},
		"unknown client":   {url.Values{"code_challenge": {challenge("abc")}}, url.Values{"code_verifier": {"abc"}, "client_id": {"nobody"}}, "invalid_client_id"},
		"another's client": {url.Values{"code_challenge": {challenge("abc")}}, url.Values{"code_verifier": {"abc"}, "client_id": {"PlatformCLI"}}, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shared.in(t)
			back := o.authorize(tc.authorize)
			if back.Get("state") != "s t&1" {
				t.Errorf("state came back as %q", back.Get("state"))
			}
			form := url.Values{"grant_type": {"authorization_code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "code": {back.Get("code")}}
			for k := range tc.exchange {
				form.Set(k, tc.exchange.Get(k))
			}
			a := o.form("/services/oauth2/token", form)
			if tc.want != "" {
				a.oauth(tc.want)
				return
			}
			m := a.want(200).object()
			if !regexp.MustCompile(`^00D[A-Za-z0-9]{12}!AQ[A-Za-z0-9.]+$`).MatchString(m["access_token"].(string)) {
				t.Errorf("access token %q", m["access_token"])
			}
			if !regexp.MustCompile(`^\d{13}$`).MatchString(m["issued_at"].(string)) || m["token_type"] != "Bearer" || m["instance_url"] != o.base {
				t.Errorf("token reply %v", m)
			}
			for _, k := range []string{"refresh_token", "id", "signature", "scope", "id_token"} {
				if s, _ := m[k].(string); s == "" {
					t.Errorf("%s is missing", k)
				}
			}
			if _, has := m["expires_in"]; has {
				t.Error("Salesforce sends no expires_in")
			}
			o.form("/services/oauth2/token", form).oauth("invalid_grant") // a code works once
		})
	}
}

func TestTheApprovalPageRefusesWhatItCannotTrust(t *testing.T) {
	o := bareOrg(t)
	for q, want := range map[string]string{
		"client_id=nobody&redirect_uri=" + url.QueryEscape(redirect):                 "error=invalid_client_id&error_description=client%20identifier%20invalid",
		"client_id=" + ClientID + "&redirect_uri=https%3A%2F%2Fevil.example":         "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration",
		"client_id=" + ClientID + "&redirect_uri=http%3A%2F%2Flocalhost.evil.net%2F": "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration",
	} {
		if a := o.do("GET", "/services/oauth2/authorize?response_type=code&"+q, nil).want(400); string(a.raw) != want || a.header.Get("Location") != "" {
			t.Errorf("%s: %s", q, a.raw)
		}
	}
	if got := o.authorize(url.Values{"response_type": {"token"}}).Get("error"); got != "unsupported_response_type" {
		t.Errorf("response_type token: %q", got)
	}
	if got := o.authorize(url.Values{"code_challenge": {"x"}, "code_challenge_method": {"plain"}}).Get("error"); got != "invalid_request" {
		t.Errorf("plain challenge: %q", got)
	}
	if got := o.authorize(url.Values{"login_hint": {"nobody@x.example"}}).Get("error"); got != "access_denied" {
		t.Errorf("unknown user: %q", got)
	}
}

func TestARefreshTokenRenewsAndRotatesWhenTheOrgSaysSo(t *testing.T) {
	o := bareOrg(t)
	sign := func() string {
		back := o.authorize(url.Values{"code_challenge": {challenge("abc")}})
		m := o.form("/services/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "code": {back.Get("code")}, "code_verifier": {"abc"}}).want(200).object()
		return m["refresh_token"].(string)
	}
	renew := func(token string) answer {
		return o.form("/services/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {ClientID}, "refresh_token": {token}})
	}
	first := sign()
	m := renew(first).want(200).object()
	if m["refresh_token"] != nil || m["access_token"] == nil || m["instance_url"] != o.base {
		t.Errorf("refresh reply %v", m)
	}
	renew(first).want(200)
	if err := o.SetSettings(Settings{CallKey: true, RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	next := renew(first).want(200).object()["refresh_token"].(string)
	renew(first).oauth("invalid_grant")
	o.form("/services/oauth2/revoke", url.Values{"token": {next}}).want(200)
	renew(next).oauth("invalid_grant")
	a := o.form("/services/oauth2/revoke", url.Values{"token": {"nonsense"}}).want(400)
	if q, err := url.ParseQuery(string(a.raw)); err != nil || q.Get("error") != "unsupported_token_type" {
		t.Errorf("a revocation error is form-encoded: %s", a.raw)
	}
}

// jwt signs claims with the org's key.
func (o *org) jwt(alg string, claims map[string]any) string {
	o.Helper()
	block, _ := pem.Decode(o.KeyPEM())
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		o.Fatal(err)
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			o.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]any{"alg": alg}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		o.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func TestTheJWTFlowChecksEveryClaim(t *testing.T) {
	o := bareOrg(t)
	exp := o.clock.Now().Add(3 * time.Minute)
	good := func() map[string]any {
		return map[string]any{"iss": ClientID, "sub": AgentUsername, "aud": o.base, "exp": exp.Unix()}
	}
	with := func(k string, v any) map[string]any { m := good(); m[k] = v; return m }
	post := func(assertion string) answer {
		return o.form("/services/oauth2/token", url.Values{"grant_type": {jwtGrant}, "assertion": {assertion}})
	}
	for name, claims := range map[string]map[string]any{
		"seconds": good(), "milliseconds": with("exp", exp.UnixMilli()), "text": with("exp", "1795191276"),
		"slash": with("aud", o.base+"/"), "public host": with("aud", "https://login.salesforce.com"), "other case": with("sub", strings.ToUpper(AgentUsername)),
	} {
		m := post(o.jwt("RS256", claims)).want(200).object()
		if m["refresh_token"] != nil || m["access_token"] == nil {
			t.Errorf("%s: %v", name, m)
		}
	}
	for name, tc := range map[string]struct {
		assertion, want string
	}{
		"expired":        {o.jwt("RS256", with("exp", exp.Add(-4*time.Minute).Unix())), "invalid_grant"},
		"no expiry":      {o.jwt("RS256", with("exp", nil)), "invalid_grant"},
		"other audience": {o.jwt("RS256", with("aud", "https://evil.example")), "invalid_grant"},
		"unknown user":   {o.jwt("RS256", with("sub", "nobody@offhook.example")), "invalid_grant"},
		"left user":      {o.jwt("RS256", with("sub", "will.leaver@offhook.example")), "invalid_grant"},
		"unknown app":    {o.jwt("RS256", with("iss", "nobody")), "invalid_client_id"},
		"HS256":          {o.jwt("HS256", good()), "invalid_grant"},
		"none":           {o.jwt("none", good()), "invalid_grant"},
		"cut signature":  {o.jwt("RS256", good())[:200], "invalid_grant"},
		"not a token":    {"abc", "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			o.in(t).form("/services/oauth2/token", url.Values{"grant_type": {jwtGrant}, "assertion": {tc.assertion}}).oauth(tc.want)
		})
	}
}

func TestTheOtherGrantsAndTheIdentity(t *testing.T) {
	o := bareOrg(t)
	token := func(v url.Values) answer { v.Set("client_id", ClientID); return o.form("/services/oauth2/token", v) }
	token(url.Values{"grant_type": {"password"}, "username": {AgentUsername}, "password": {Password}}).want(200)
	token(url.Values{"grant_type": {"password"}, "username": {AgentUsername}, "password": {"x"}}).oauth("invalid_grant")
	token(url.Values{"grant_type": {"client_credentials"}}).oauth("invalid_client")
	token(url.Values{"grant_type": {"tea"}}).oauth("unsupported_grant_type")
	m := token(url.Values{"grant_type": {"client_credentials"}, "client_secret": {ClientSecret}}).want(200).object()
	o.token = m["access_token"].(string)
	info := o.do("GET", "/services/oauth2/userinfo", nil).want(200).object()
	for k, want := range map[string]any{"preferred_username": AgentUsername, "zoneinfo": AgentZone, "name": AgentName, "email": AgentEmail, "active": true} {
		if info[k] != want {
			t.Errorf("userinfo %s is %v, want %v", k, info[k], want)
		}
	}
	id, err := url.Parse(m["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	who := o.do("GET", id.Path, nil).want(200).object()
	if who["username"] != AgentUsername || who["timezone"] != AgentZone || who["user_id"] != info["user_id"] {
		t.Errorf("identity %v", who)
	}
	o.do("GET", "/services/oauth2/userinfo", nil, "Authorization", "Bearer x").want(403)
	o.form("/services/oauth2/revoke", url.Values{"token": {o.token}}).want(200)
	o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID")
}

func TestASessionEndsWithItsTimeout(t *testing.T) {
	o := newOrg(t, func(opt *Options) { opt.SessionTimeout, opt.Data = time.Hour, &Data{} })
	o.clock.add(59 * time.Minute)
	o.do("GET", v+"/limits", nil).want(200)
	o.clock.add(2 * time.Minute)
	a := o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID")
	if a.message() != "Session expired or invalid" {
		t.Errorf("message %q", a.message())
	}
}

func TestTheSOAPLoginGivesASession(t *testing.T) {
	o := bareOrg(t)
	envelope := func(inner string) string {
		return `<se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/"><se:Header/><se:Body>` + inner + `</se:Body></se:Envelope>`
	}
	a := o.do("POST", "/services/Soap/u/50.0", envelope(`<login xmlns="urn:partner.soap.sforce.com"><username>`+AgentUsername+`</username><password>practice</password></login>`), "Content-Type", "text/xml").want(200)
	m := regexp.MustCompile(`<sessionId>([^<]+)</sessionId>`).FindSubmatch(a.raw)
	if m == nil || !strings.Contains(string(a.raw), "<serverUrl>"+o.base+"/services/Soap/u/50.0/00D") {
		t.Fatalf("no session: %s", a.raw)
	}
	o.token = string(m[1])
	o.do("GET", v+"/limits", nil).want(200)
	layout := o.do("POST", "/services/Soap/u/50.0", envelope(`<sessionId>`+o.token+`</sessionId><describeSoftphoneLayout/>`), "Content-Type", "text/xml")
	if layout.status != 500 || !strings.Contains(string(layout.raw), "faultcode") {
		t.Errorf("an unknown operation: %d %s", layout.status, layout.raw)
	}
	layout = o.do("POST", "/services/Soap/u/50.0", `<se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/"><se:Header><SessionHeader><sessionId>`+o.token+`</sessionId></SessionHeader></se:Header><se:Body><describeSoftphoneLayout/></se:Body></se:Envelope>`).want(200)
	if !strings.Contains(string(layout.raw), "<screenPopType>PopToSearch</screenPopType>") {
		t.Errorf("softphone layout: %s", layout.raw)
	}
	if bad := o.do("POST", "/services/Soap/u/50.0", envelope(`<login><username>`+AgentUsername+`</username><password>x</password></login>`)); bad.status != 500 || !strings.Contains(string(bad.raw), "INVALID_LOGIN") {
		t.Errorf("wrong password: %d %s", bad.status, bad.raw)
	}
}
