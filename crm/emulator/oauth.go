package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The app that is installed in the practice org, and the password of all its users: practice only, no secrets.
const (
	ClientID     = "3MVG9offhook.practice"
	ClientSecret = "practice-secret"
	Password     = "practice"
)

// auth holds what has been granted.
type auth struct {
	tokens  map[string]*session
	refresh map[string]*session
	codes   map[string]*grant
}

// session is one sign-in.
type session struct {
	user, client, scope string
	issued              time.Time
}

// grant is an authorization code that waits for its exchange.
type grant struct {
	user, client, redirect, scope, challenge string
	issued                                   time.Time
}

func newAuth() *auth {
	return &auth{tokens: make(map[string]*session), refresh: make(map[string]*session), codes: make(map[string]*grant)}
}

// expireAll ends every access token; refresh tokens live on.
func (a *auth) expireAll() { clear(a.tokens) }

func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// open starts a session and returns its access token, shaped 00D…!AQ… as clients expect.
func (s *Server) open(user, client, scope string) (string, *session) {
	now := s.clock()
	for t, old := range s.auth.tokens {
		if now.Sub(old.issued) > s.timeout {
			delete(s.auth.tokens, t)
		}
	}
	token := s.org().id[:15] + "!AQ" + strings.NewReplacer("-", ".", "_", ".").Replace(secret(66))
	sess := &session{user: user, client: client, scope: scope, issued: now}
	s.auth.tokens[token] = sess
	return token, sess
}

// session finds who is asking: Authorization: Bearer or OAuth.
func (s *Server) session(r *http.Request) (*session, error) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") && !strings.EqualFold(kind, "OAuth") {
		return nil, errSession()
	}
	return s.sessionOf(strings.TrimSpace(token))
}

func (s *Server) sessionOf(token string) (*session, error) {
	sess := s.auth.tokens[token]
	if sess == nil || s.clock().Sub(sess.issued) > s.timeout {
		return nil, errSession()
	}
	return sess, nil
}

func oauthError(status int, code, description string) *reply {
	return &reply{status: status, body: map[string]any{"error": code, "error_description": description}}
}

// oauth serves /services/oauth2/….
func (s *Server) oauth(r *http.Request, name string, body []byte, base string) *reply {
	form := r.URL.Query()
	if posted, err := url.ParseQuery(string(body)); err == nil && r.Method == http.MethodPost {
		for k, v := range posted {
			form[k] = v
		}
	}
	switch name {
	case "authorize":
		return s.authorize(form)
	case "token":
		if r.Method != http.MethodPost {
			return oauthError(http.StatusBadRequest, "invalid_request", "must use HTTP POST")
		}
		if id, pass, ok := r.BasicAuth(); ok {
			form.Set("client_id", id)
			form.Set("client_secret", pass)
		}
		return s.token(form, base)
	case "revoke":
		return s.revoke(form.Get("token"))
	case "userinfo":
		sess, err := s.session(r)
		if err != nil {
			return &reply{status: http.StatusForbidden, body: text{"text/html;charset=UTF-8", "Bad_OAuth_Token"}}
		}
		return ok(s.userInfo(sess.user, base))
	}
	return errorReply(errNotFound())
}

// knownClient tells whether an app may sign people in: ours, and the one that Salesforce's own tools bring.
func knownClient(id string) bool { return id == ClientID || id == "PlatformCLI" }

// loopback tells whether a redirect is one that the practice app has registered: any port of this machine, any path.
func loopback(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// authorize is the approval page; it approves by itself. An error is shown, not redirected, while the client is not
// trusted.
func (s *Server) authorize(form url.Values) *reply {
	redirect := form.Get("redirect_uri")
	if !knownClient(form.Get("client_id")) {
		return oauthError(http.StatusBadRequest, "invalid_client_id", "client identifier invalid")
	}
	if !loopback(redirect) {
		return oauthError(http.StatusBadRequest, "redirect_uri_mismatch", "redirect_uri must match configuration")
	}
	back := func(values url.Values) *reply {
		if state := form.Get("state"); state != "" {
			values.Set("state", state)
		}
		u, _ := url.Parse(redirect) // loopback has parsed it
		q := u.Query()
		for k := range values {
			q.Set(k, values.Get(k))
		}
		u.RawQuery = q.Encode()
		return &reply{status: http.StatusFound, header: http.Header{"Location": {u.String()}, "Cache-Control": {"no-store"}}}
	}
	switch {
	case form.Get("response_type") != "code":
		return back(url.Values{"error": {"unsupported_response_type"}, "error_description": {"response type not supported"}})
	case form.Get("code_challenge_method") != "" && form.Get("code_challenge_method") != "S256":
		return back(url.Values{"error": {"invalid_request"}, "error_description": {"code challenge method must be S256"}})
	}
	user := s.userNamed(AgentUsername)
	if hint := form.Get("login_hint"); hint != "" {
		user = s.userNamed(hint)
	}
	if user == nil {
		return back(url.Values{"error": {"access_denied"}, "error_description": {"end-user denied authorization"}})
	}
	code := "aPrx" + secret(40)
	s.auth.codes[code] = &grant{user: user.id, client: form.Get("client_id"), redirect: redirect, scope: form.Get("scope"),
		challenge: form.Get("code_challenge"), issued: s.clock()}
	return back(url.Values{"code": {code}})
}

// token is the token endpoint.
func (s *Server) token(form url.Values, base string) *reply {
	client, grantType := form.Get("client_id"), form.Get("grant_type")
	if grantType == jwtGrant {
		return s.assertion(form.Get("assertion"), base)
	}
	if !knownClient(client) {
		return oauthError(http.StatusBadRequest, "invalid_client_id", "client identifier invalid")
	}
	given := form.Get("client_secret")
	if given != "" && client == ClientID && subtle.ConstantTimeCompare([]byte(given), []byte(ClientSecret)) != 1 {
		return oauthError(http.StatusBadRequest, "invalid_client", "invalid client credentials")
	}
	switch grantType {
	case "authorization_code":
		return s.exchange(form, client, base)
	case "refresh_token":
		old := form.Get("refresh_token")
		sess := s.auth.refresh[old]
		if sess == nil || sess.client != client {
			return oauthError(http.StatusBadRequest, "invalid_grant", "expired access/refresh token")
		}
		next := ""
		if s.settings.RotateRefreshTokens {
			delete(s.auth.refresh, old)
			next = s.newRefresh(sess)
		}
		return s.grantReply(sess.user, client, sess.scope, next, base)
	case "client_credentials":
		if given == "" {
			return oauthError(http.StatusBadRequest, "invalid_client", "invalid client credentials")
		}
		return s.grantReply(s.userNamed(AgentUsername).id, client, "api", "", base)
	case "password":
		user := s.userNamed(form.Get("username"))
		if user == nil || !user.bool("IsActive") || form.Get("password") != Password {
			return oauthError(http.StatusBadRequest, "invalid_grant", "authentication failure")
		}
		return s.grantReply(user.id, client, "api", "", base)
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant type not supported")
}

// exchange trades a code. A challenge without a method is S256: @salesforce/core sends none.
func (s *Server) exchange(form url.Values, client, base string) *reply {
	code := form.Get("code")
	g := s.auth.codes[code]
	delete(s.auth.codes, code) // a code works once, also when the exchange fails
	switch {
	case g == nil || s.clock().Sub(g.issued) > 15*time.Minute:
		return oauthError(http.StatusBadRequest, "invalid_grant", "expired authorization code")
	case g.client != client:
		return oauthError(http.StatusBadRequest, "invalid_grant", "authorization code was issued to another client")
	case g.redirect != form.Get("redirect_uri"):
		return oauthError(http.StatusBadRequest, "redirect_uri_mismatch", "redirect_uri must match configuration")
	case g.challenge != "":
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != strings.TrimRight(g.challenge, "=") {
			return oauthError(http.StatusBadRequest, "invalid_grant", "invalid code verifier")
		}
	case g.challenge == "" && form.Get("client_secret") == "" && client == ClientID:
		return oauthError(http.StatusBadRequest, "invalid_client", "neither a client secret nor a code challenge was given")
	}
	refresh := ""
	if strings.Contains(g.scope, "refresh_token") || strings.Contains(g.scope, "offline_access") {
		refresh = s.newRefresh(&session{user: g.user, client: client, scope: g.scope})
	}
	return s.grantReply(g.user, client, g.scope, refresh, base)
}

func (s *Server) newRefresh(sess *session) string {
	token := "5Aep861" + strings.NewReplacer("-", ".", "_", ".").Replace(secret(55))
	s.auth.refresh[token] = &session{user: sess.user, client: sess.client, scope: sess.scope, issued: s.clock()}
	return token
}

func (s *Server) grantReply(user, client, scope, refresh, base string) *reply {
	token, sess := s.open(user, client, scope)
	if scope == "" {
		scope = "api"
	}
	body := map[string]any{"access_token": token, "instance_url": base, "id": base + "/id/" + s.org().id + "/" + user,
		"token_type": "Bearer", "issued_at": strconv.FormatInt(sess.issued.UnixMilli(), 10), "signature": secret(32), "scope": scope}
	if refresh != "" {
		body["refresh_token"] = refresh
	}
	if strings.Contains(scope, "openid") {
		body["id_token"] = s.idToken(user, client, base)
	}
	return &reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-cache, no-store"}}, body: body}
}

// revoke ends a token; a refresh token takes its app's sessions of that user along. Errors are form-encoded.
func (s *Server) revoke(token string) *reply {
	if sess := s.auth.refresh[token]; sess != nil {
		delete(s.auth.refresh, token)
		for t, other := range s.auth.tokens {
			if other.user == sess.user && other.client == sess.client {
				delete(s.auth.tokens, t)
			}
		}
		return &reply{status: http.StatusOK}
	}
	if s.auth.tokens[token] != nil {
		delete(s.auth.tokens, token)
		return &reply{status: http.StatusOK}
	}
	return &reply{status: http.StatusBadRequest, body: text{"application/x-www-form-urlencoded", url.Values{
		"error": {"unsupported_token_type"}, "error_description": {"this token type is not supported"}}.Encode()}}
}
