package salesforce

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func loginApp(s *server) App {
	return App{LoginURL: s.URL, ClientID: "app", Local: true, Ports: []int{0}}
}

// signIn starts a sign-in whose token request must carry the right code and verifier.
func signIn(t *testing.T) (*server, *Login) {
	t.Helper()
	var l *Login
	s := newServer(t, nil)
	s.tokens(func(w http.ResponseWriter, form string) {
		v, _ := url.ParseQuery(form)
		sum := sha256.Sum256([]byte(v.Get("code_verifier")))
		u, _ := url.Parse(l.URL())
		if v.Get("code") != "aPrx==" || v.Get("grant_type") != "authorization_code" || v.Get("redirect_uri") != l.RedirectURI() || v.Get("client_id") != "app" ||
			v.Has("client_secret") || base64.RawURLEncoding.EncodeToString(sum[:]) != u.Query().Get("code_challenge") {
			fail(w, 400, `{"error":"invalid_grant","error_description":"bad form"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"00D!x","refresh_token":"5","instance_url":%q,"id":"https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA","issued_at":"1708058728442"}`, s.URL)
	})
	l, err := loginApp(s).StartLogin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return s, l
}

func TestTheBrowserSignsInWithPKCE(t *testing.T) {
	_, l := signIn(t)
	u, err := url.Parse(l.URL())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for k, want := range map[string]string{"response_type": "code", "client_id": "app", "scope": "api refresh_token openid id", "code_challenge_method": "S256", "redirect_uri": l.RedirectURI()} {
		if q.Get(k) != want {
			t.Errorf("%s = %q", k, q.Get(k))
		}
	}
	if u.Path != "/services/oauth2/authorize" || len(q.Get("state")) < 30 || !strings.HasSuffix(l.RedirectURI(), "/OauthRedirect") {
		t.Errorf("%s", u)
	}
	get := func(query string) int {
		resp, err := http.Get(l.RedirectURI() + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if strings.Contains(string(b), "aPrx") || strings.Contains(string(b), "<script") {
			t.Errorf("the page repeats what the address said: %s", b)
		}
		return resp.StatusCode
	}
	if get("?code=aPrx%3D%3D&state=forged<script>") != 400 || get("?code=aPrx") != 400 {
		t.Error("a forged state was taken")
	}
	if get("?code=aPrx%3D%3D&state="+q.Get("state")) != 200 {
		t.Error("the redirect was refused")
	}
	tok, err := l.Wait(t.Context())
	if err != nil || tok.UserID() != "005000000000001AAA" || tok.OrgID() != "00D000000000001AAA" || tok.Refresh != "5" || tok.IssuedAt.Year() != 2024 {
		t.Errorf("%+v %v", tok, err)
	}
}

func TestOverSSHTheAddressOrTheCodeIsPasted(t *testing.T) {
	for _, form := range []string{"bare", "encoded", "url", "query"} {
		_, l := signIn(t)
		u, _ := url.Parse(l.URL())
		paste := map[string]string{
			"bare": " aPrx==\n", "encoded": "aPrx%3D%3D", "url": l.RedirectURI() + "?code=aPrx%3D%3D&state=" + u.Query().Get("state"), "query": "code=aPrx%3D%3D",
		}[form]
		if err := l.Paste(paste); err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if _, err := l.Wait(t.Context()); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
	_, l := signIn(t)
	for _, bad := range []string{"", "  ", "two words", l.RedirectURI() + "?code=aPrx%3D%3D&state=other", l.RedirectURI() + "?code=aPrx%3D%3D", l.RedirectURI(), "abc", strings.Repeat("x", 5000)} {
		if err := l.Paste(bad); !errors.Is(err, ErrPaste) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}

// What browsers and people do beside the one redirect that counts.
func TestNothingButTheFirstAnswerOfThisSignInCounts(t *testing.T) {
	_, l := signIn(t)
	u, _ := url.Parse(l.URL())
	state := u.Query().Get("state")
	root := strings.TrimSuffix(l.RedirectURI(), redirectPath)
	get := func(address string) int {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for address, want := range map[string]int{
		root + "/favicon.ico": 404, root + "/": 404, root + "/OauthRedirect/x": 404,
		l.RedirectURI(): 400, // a person opened the address by hand
		l.RedirectURI() + "?error=access_denied&error_description=x":                     400, // any page of the web may send this
		l.RedirectURI() + "?error=access_denied&error_description=x&state=of+an+old+try": 400,
		l.RedirectURI() + "?state=" + state:                                              400,
	} {
		if got := get(address); got != want {
			t.Errorf("%s: %d", address, got)
		}
	}
	if err := l.Paste(l.RedirectURI() + "?code=aPrx%3D%3D&state=old"); !errors.Is(err, ErrPaste) || !strings.Contains(err.Error(), "another sign-in") {
		t.Errorf("%v", err)
	}
	if get(l.RedirectURI()+"?code=aPrx%3D%3D&state="+state) != 200 {
		t.Error("the redirect was refused")
	}
	// The browser opens it twice, and the person pastes it as well.
	if get(l.RedirectURI()+"?code=aPrx%3D%3D&state="+state) != 200 || l.Paste("somethingElse==") != nil {
		t.Error("a second answer is an error")
	}
	if _, err := l.Wait(t.Context()); err != nil {
		t.Errorf("the first answer did not count: %v", err)
	}
}

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	app := loginApp(newServer(t, nil))
	app.Ports = []int{taken.Addr().(*net.TCPAddr).Port, 0}
	l, err := app.StartLogin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.Listening() || strings.Contains(l.RedirectURI(), fmt.Sprint(app.Ports[0])) {
		t.Errorf("%s", l.RedirectURI())
	}
	u, _ := url.Parse(l.URL())
	if u.Query().Get("redirect_uri") != l.RedirectURI() {
		t.Error("Salesforce is told another port")
	}
	app.Ports = app.Ports[:1]
	none, err := app.StartLogin(t.Context())
	if err != nil || none.Listening() {
		t.Errorf("with every port taken it is pasted: %v", err)
	}
	none.Close()
}

func TestARefusedSignInTellsWhy(t *testing.T) {
	_, l := signIn(t)
	u, _ := url.Parse(l.URL())
	if err := l.Paste(l.RedirectURI() + "?error=OAUTH_APPROVAL_ERROR_GENERIC&error_description=x&state=" + u.Query().Get("state")); err != nil {
		t.Fatal(err)
	}
	_, err := l.Wait(t.Context())
	if KindOf(err) != KindAuth || !strings.Contains(Line(err), "administrator must install") {
		t.Errorf("%v", err)
	}
}

func TestASignInWorksWithEveryPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	s := newServer(t, nil)
	app := loginApp(s)
	app.Ports = []int{port}
	l, err := app.StartLogin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.RedirectURI() != fmt.Sprintf("http://localhost:%d/OauthRedirect", port) {
		t.Error(l.RedirectURI())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAKeySignsInAndMintsAgain(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1763700000, 0)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") == "Bearer 00D!fresh1" {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	n := 0
	s.tokens(func(w http.ResponseWriter, form string) {
		n++
		v, _ := url.ParseQuery(form)
		parts := strings.Split(v.Get("assertion"), ".")
		if v.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
			t.Fatalf("form %s", form)
		}
		sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig); err != nil {
			t.Error(err)
		}
		var claims struct {
			Iss, Sub, Aud string
			Exp           int64
		}
		b, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if json.Unmarshal(b, &claims) != nil || claims.Iss != "app" || claims.Sub != "me@x" || claims.Aud != s.URL || claims.Exp != now.Add(3*time.Minute).Unix() {
			t.Errorf("claims %s", b)
		}
		fmt.Fprintf(w, `{"access_token":"00D!fresh%d","instance_url":%q}`, n, s.URL)
	})
	c := s.client(t, func(o *Options) {
		o.Store = NewMemoryStore(Token{})
		o.App.Now = func() time.Time { return now }
		o.JWT = &JWT{Username: "me@x", Key: key}
	})
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil || n != 2 {
		t.Errorf("%v after %d assertions", err, n)
	}
}

func TestKeysAreReadInBothForms(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		append([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8})...),
	} {
		if k, err := ParseKey(b); err != nil || !k.Equal(key) {
			t.Error(err)
		}
	}
	if _, err := ParseKey([]byte("nonsense")); err == nil {
		t.Error("nonsense is a key")
	}
}

func TestSigningOutRevokesAndForgetsEvenWhenSalesforceIsAway(t *testing.T) {
	var forms []string
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, body string) {
		forms = append(forms, r.URL.Path+" "+body)
		if len(forms) == 2 {
			fail(w, 400, "error=unsupported_token_type&error_description=no")
		}
	})
	c := s.client(t, nil)
	if err := c.SignOut(t.Context()); err != nil || forms[0] != "/services/oauth2/revoke token=5Aep" {
		t.Errorf("%v %v", err, forms)
	}
	if err := c.SignOut(t.Context()); !errors.Is(err, ErrNoToken) {
		t.Errorf("twice: %v", err)
	}
	c = s.client(t, nil)
	if err := c.SignOut(t.Context()); err == nil {
		t.Error("the refusal was not told")
	}
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); !errors.Is(err, ErrNoToken) {
		t.Errorf("after signing out: %v", err)
	}
}
