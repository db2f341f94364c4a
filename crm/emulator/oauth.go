package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
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
	// SecurityToken may follow the password, as it must for clients outside of an org's trusted addresses.
	SecurityToken = "practicetoken"
)

// auth holds what has been granted.
type auth struct {
	tokens    map[string]*session
	refresh   map[string]*session
	codes     map[string]*grant
	devices   map[string]*device // by device code
	approvals map[string]bool    // users who approved the app by signing in, in lower case
}

// session is one sign-in.
type session struct {
	user, client, scope string
	code                string // the authorization code that it came from: used twice, it ends
	issued              time.Time
}

// grant is an authorization code that waits for its exchange.
type grant struct {
	user, client, redirect, scope, challenge, nonce string
	issued                                          time.Time
	spent                                           bool
}

func newAuth() *auth {
	return &auth{tokens: make(map[string]*session), refresh: make(map[string]*session), codes: make(map[string]*grant),
		devices: make(map[string]*device), approvals: make(map[string]bool)}
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
		return s.authorize(r.Method, form)
	case "token":
		if r.Method != http.MethodPost {
			return oauthError(http.StatusBadRequest, "invalid_request", "must use HTTP POST")
		}
		if id, pass, ok := r.BasicAuth(); ok {
			form.Set("client_id", id)
			form.Set("client_secret", pass)
		}
		return s.token(form, base)
	case "introspect":
		return s.introspect(r, form)
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

// token is the token endpoint.
func (s *Server) token(form url.Values, base string) *reply {
	client, grantType := form.Get("client_id"), form.Get("grant_type")
	if grantType == jwtGrant {
		return s.assertion(form.Get("assertion"), base)
	}
	if !knownClient(client) {
		return oauthError(http.StatusBadRequest, "invalid_client_id", "client identifier invalid")
	}
	if rep := s.appRefused(); rep != nil {
		return rep
	}
	if form.Get("response_type") == "device_code" {
		return s.deviceCode(client, form.Get("scope"), base)
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
		if user := s.store.live(sess.user); user == nil || !user.bool("IsActive") {
			return oauthError(http.StatusBadRequest, "inactive_user", "user is inactive")
		}
		return s.grantReply(sess.user, client, sess.scope, next, base)
	case "client_credentials":
		if given == "" {
			return oauthError(http.StatusBadRequest, "invalid_client", "invalid client credentials")
		}
		return s.clientCredentials(client, base)
	case "device":
		return s.devicePoll(form.Get("code"), client, base)
	case "password":
		user := s.userNamed(form.Get("username"))
		if user == nil || !user.bool("IsActive") || !passwordOf(form.Get("password")) {
			return oauthError(http.StatusBadRequest, "invalid_grant", "authentication failure")
		}
		return s.grantReply(user.id, client, "api", "", base)
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant type not supported")
}

func passwordOf(given string) bool { return given == Password || given == Password+SecurityToken }

// clientCredentials signs in the one user whom the app runs as.
func (s *Server) clientCredentials(client, base string) *reply {
	name := s.settings.RunAs
	if name == "" {
		name = AgentUsername
	}
	user := s.userNamed(name)
	if user == nil || !user.bool("IsActive") {
		return oauthError(http.StatusBadRequest, "invalid_grant", "no client credentials user enabled")
	}
	return s.grantReply(user.id, client, "api", "", base)
}

// exchange trades a code. A challenge without a method is S256: @salesforce/core sends none. A code that comes a second
// time was stolen or lost: what the first exchange gave out ends (RFC 6749 §4.1.2).
func (s *Server) exchange(form url.Values, client, base string) *reply {
	code := form.Get("code")
	g := s.auth.codes[code]
	if g != nil && g.spent {
		s.endGrant(code)
	}
	switch {
	case g == nil || g.spent || s.clock().Sub(g.issued) > codeLife:
		return oauthError(http.StatusBadRequest, "invalid_grant", "expired authorization code")
	case g.client != client:
		g.spent = true // also when the exchange fails
		return oauthError(http.StatusBadRequest, "invalid_grant", "authorization code was issued to another client")
	}
	g.spent = true
	switch {
	case g.redirect != form.Get("redirect_uri"):
		return oauthError(http.StatusBadRequest, "redirect_uri_mismatch", "redirect_uri must match configuration")
	case g.challenge != "":
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != strings.TrimRight(g.challenge, "=") {
			return oauthError(http.StatusBadRequest, "invalid_grant", "invalid code verifier")
		}
	case form.Get("client_secret") == "" && client == ClientID:
		return oauthError(http.StatusBadRequest, "invalid_client", "neither a client secret nor a code challenge was given")
	}
	sess := &session{user: g.user, client: client, scope: g.scope, code: code}
	refresh := ""
	if strings.Contains(g.scope, "refresh_token") || strings.Contains(g.scope, "offline_access") {
		refresh = s.newRefresh(sess)
	}
	rep := s.grantReply(g.user, client, g.scope, refresh, base)
	body := rep.body.(map[string]any)
	s.auth.tokens[body["access_token"].(string)].code = code
	if g.nonce != "" && body["id_token"] != nil {
		body["id_token"] = s.idToken(g.user, client, base, g.nonce)
	}
	return rep
}

// codeLife is how long an authorization code waits for its exchange.
const codeLife = 15 * time.Minute

// endGrant ends every session that an authorization code has led to.
func (s *Server) endGrant(code string) {
	for _, sessions := range []map[string]*session{s.auth.tokens, s.auth.refresh} {
		for token, sess := range sessions {
			if sess.code == code {
				delete(sessions, token)
			}
		}
	}
}

func (s *Server) newRefresh(sess *session) string {
	token := "5Aep861" + strings.NewReplacer("-", ".", "_", ".").Replace(secret(55))
	s.auth.refresh[token] = &session{user: sess.user, client: sess.client, scope: sess.scope, code: sess.code, issued: s.clock()}
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
		body["id_token"] = s.idToken(user, client, base, "")
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
