package emulator

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
)

const keyID = "practice"

// discovery is GET /.well-known/openid-configuration.
func discovery(base string) *reply {
	oauth := base + "/services/oauth2/"
	return ok(map[string]any{
		"issuer": base, "authorization_endpoint": oauth + "authorize", "token_endpoint": oauth + "token", "revocation_endpoint": oauth + "revoke",
		"userinfo_endpoint": oauth + "userinfo", "introspection_endpoint": oauth + "introspect", "jwks_uri": base + "/id/keys",
		"scopes_supported":                              []string{"api", "full", "id", "openid", "profile", "email", "refresh_token", "offline_access", "web"},
		"response_types_supported":                      []string{"code"},
		"subject_types_supported":                       []string{"public"},
		"id_token_signing_alg_values_supported":         []string{"RS256"},
		"code_challenge_methods_supported":              []string{"S256"},
		"token_endpoint_auth_methods_supported":         []string{"client_secret_post", "client_secret_basic"},
		"claims_supported":                              []string{"sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username"},
		"display_values_supported":                      []string{"page"},
		"introspection_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	})
}

// keys is GET /id/keys: the public key that checks an id_token.
func (s *Server) keys() *reply {
	public := s.privateKey().PublicKey
	b64 := base64.RawURLEncoding.EncodeToString
	return ok(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes())}}})
}

// introspect tells an app about a token of its own (RFC 7662); the app shows its secret.
func (s *Server) introspect(r *http.Request, form url.Values) *reply {
	if id, pass, given := r.BasicAuth(); given {
		form.Set("client_id", id)
		form.Set("client_secret", pass)
	}
	switch {
	case r.Method != http.MethodPost:
		return oauthError(http.StatusBadRequest, "invalid_request", "must use HTTP POST")
	case form.Get("client_id") != ClientID || form.Get("client_secret") != ClientSecret:
		return oauthError(http.StatusUnauthorized, "invalid_client", "invalid client credentials")
	}
	token, kind := form.Get("token"), "access_token"
	sess, err := s.sessionOf(token)
	if err != nil {
		sess, kind = s.auth.refresh[token], "refresh_token"
	}
	if sess == nil || sess.client != ClientID {
		return ok(map[string]any{"active": false})
	}
	out := map[string]any{"active": true, "scope": sess.scope, "client_id": sess.client, "username": s.store.live(sess.user).str("Username"),
		"sub": "/id/" + s.org().id + "/" + sess.user, "token_type": kind, "iat": sess.issued.Unix(), "nbf": sess.issued.Unix()}
	if kind == "access_token" {
		out["exp"] = sess.issued.Add(s.timeout).Unix()
	}
	return ok(out)
}
