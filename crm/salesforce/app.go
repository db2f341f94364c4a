package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultPorts are the loopback ports of the sign-in redirect, tried in order. The External Client App must list
// http://localhost:<port>/OauthRedirect for each, because Salesforce compares the callback exactly. 1717 is the port
// that Salesforce's own tools use.
var DefaultPorts = []int{1717, 17170, 27170}

// DefaultScopes are what offhook asks for: the API, a refresh token, and who is signing in.
const DefaultScopes = "api refresh_token openid id"

const redirectPath = "/OauthRedirect"

// App is the OAuth client: which app signs in, where. The zero values of the other fields mean the defaults.
type App struct {
	LoginURL  string // https://login.salesforce.com, https://test.salesforce.com or a My Domain
	ClientID  string
	Secret    func(context.Context) (string, error) // for apps that insist on one; asked for each time, never kept
	Scopes    string
	Ports     []int
	Prompt    string                                           // "login" forces a new sign-in
	Local     bool                                             // AllowInsecureLocalhost
	Transport http.RoundTripper                                // nil for the default
	Now       func() time.Time                                 // nil for time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // nil for a timer; the device flow waits with it
}

func (a App) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// tokenReply is the token endpoint's answer.
type tokenReply struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	Instance  string `json:"instance_url"`
	Identity  string `json:"id"`
	Scope     string `json:"scope"`
	IssuedAt  string `json:"issued_at"`
	Signature string `json:"signature"`
	TokenType string `json:"token_type"`
}

// grantNames are the grant types on the wire, as an AuthError names them.
var grantNames = map[string]string{
	"authorization_code": GrantCode, "refresh_token": GrantRefresh, jwtGrantType: GrantJWT, "client_credentials": GrantClient, "device": GrantDevice,
}

// grant asks the token endpoint and checks that the reply's instance is Salesforce before anything is kept.
func (a App) grant(ctx context.Context, form url.Values) (Token, error) {
	name := grantNames[form.Get("grant_type")]
	if a.Secret != nil && name != GrantJWT {
		secret, err := a.Secret(ctx)
		if err != nil {
			return Token{}, fmt.Errorf("the secret of the app is not there: %w", err)
		}
		form.Set("client_secret", secret)
	}
	body, err := a.ask(ctx, form, name)
	if err != nil {
		return Token{}, err
	}
	var r tokenReply
	if err := json.Unmarshal(body, &r); err != nil || r.Access == "" {
		return Token{}, &AuthError{Code: "bad_reply", Description: "the sign-in server sent no access token", Status: http.StatusBadGateway, Grant: name}
	}
	if _, err := checkHost(r.Instance, a.Local); err != nil {
		return Token{}, fmt.Errorf("the sign-in server named an instance that is not trusted: %w", err)
	}
	return Token{
		Access: r.Access, Refresh: r.Refresh, Instance: strings.TrimRight(r.Instance, "/"), Identity: r.Identity, Scope: r.Scope,
		IssuedAt: issuedAt(r.IssuedAt), LoginURL: a.LoginURL, ClientID: a.ClientID, Signature: r.Signature,
	}, nil
}

// ask posts a form to the token endpoint; everything but 200 is an *AuthError of that grant.
func (a App) ask(ctx context.Context, form url.Values, name string) ([]byte, error) {
	base, err := checkHost(a.LoginURL, a.Local)
	if err != nil {
		return nil, err
	}
	status, body, err := a.post(ctx, base, "/services/oauth2/token", form)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		e := parseAuthError(status, body)
		e.Grant = name
		return nil, e
	}
	return body, nil
}

// post sends a form to the sign-in server; it never follows a redirect with it.
func (a App) post(ctx context.Context, base *url.URL, path string, form url.Values) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := httpClient(a.Transport).Do(req)
	if err != nil {
		return 0, nil, &TransportError{Method: req.Method, Path: path, MayHaveArrived: false, Err: plainErr(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, nil, &TransportError{Method: req.Method, Path: path, Err: err}
	}
	return resp.StatusCode, body, nil
}

// Refresh renews a token. The reply normally has no refresh token: the old one stays; when rotation is on, the new one
// replaces it.
func (a App) Refresh(ctx context.Context, old Token) (Token, error) {
	if old.Refresh == "" {
		return Token{}, ErrNoToken
	}
	t, err := a.grant(ctx, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {a.ClientID}, "refresh_token": {old.Refresh},
	})
	if err != nil {
		return Token{}, err
	}
	if t.Refresh == "" {
		t.Refresh = old.Refresh
	}
	if t.Identity == "" {
		t.Identity = old.Identity
	}
	if t.Scope == "" {
		t.Scope = old.Scope
	}
	return t, nil
}

// Revoke ends a sign-in at Salesforce, where it was made: the refresh token when there is one, which takes its sessions along,
// else the access token. The endpoint's errors are form-encoded.
func (a App) Revoke(ctx context.Context, t Token) error {
	where := a.LoginURL
	if t.LoginURL != "" {
		where = t.LoginURL
	}
	base, err := checkHost(where, a.Local)
	if err != nil {
		return err
	}
	secret := t.Refresh
	if secret == "" {
		secret = t.Access
	}
	if secret == "" {
		return ErrNoToken
	}
	status, body, err := a.post(ctx, base, "/services/oauth2/revoke", url.Values{"token": {secret}})
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return parseAuthError(status, body)
	}
	return nil
}

// httpClient follows no redirects: Salesforce's API does not use them, and a token must not wander.
func httpClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plainErr takes the URL out of a client error: it may carry a token or a customer's number.
func plainErr(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
