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
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// privateKey is the key whose certificate the practice app holds. It is made when first needed.
func (s *Server) privateKey() *rsa.PrivateKey {
	s.keyOnce.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("emulator: no RSA key: " + err.Error()) // only with a size that is too small
		}
		s.key = key
	})
	return s.key
}

// KeyPEM is the private key for the JWT bearer flow, as PKCS #1 PEM.
func (s *Server) KeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.privateKey())})
}

// assertion is the JWT bearer flow: RS256 by the app's key, an app that is known, a user who exists, a time to come.
func (s *Server) assertion(assertion, base string) *reply {
	refuse := func(why string) *reply { return oauthError(http.StatusBadRequest, "invalid_grant", why) }
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return refuse("invalid assertion")
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Iss string          `json:"iss"`
		Sub string          `json:"sub"`
		Prn string          `json:"prn"`
		Aud json.RawMessage `json:"aud"`
		Exp json.RawMessage `json:"exp"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) || header.Alg != "RS256" {
		return refuse("invalid assertion")
	}
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	if err != nil {
		return refuse("invalid assertion")
	}
	if !knownClient(claims.Iss) {
		return oauthError(http.StatusBadRequest, "invalid_client_id", "client identifier invalid")
	}
	if rep := s.appRefused(); rep != nil {
		return rep
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&s.privateKey().PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return refuse("invalid assertion")
	}
	if !s.audience(claims.Aud, base) {
		return refuse("audience is invalid")
	}
	exp, ok := expiry(claims.Exp)
	if !ok || !exp.After(s.clock()) {
		return refuse("expired authorization code")
	}
	if claims.Sub == "" {
		claims.Sub = claims.Prn
	}
	user := s.userNamed(claims.Sub)
	if user == nil || !user.bool("IsActive") || !s.approved(user) {
		return refuse("user hasn't approved this consumer")
	}
	return s.grantReply(user.id, claims.Iss, "api", "", base)
}

func decodePart(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && json.Unmarshal(b, into) == nil
}

// audience accepts this server and the two public login hosts, with or without a slash at the end (sf adds one).
func (s *Server) audience(raw json.RawMessage, base string) bool {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(raw, &many) != nil {
		return false
	}
	return slices.ContainsFunc(many, func(a string) bool {
		a = strings.TrimSuffix(a, "/")
		a = strings.TrimSuffix(a, "/services/oauth2/token")
		return a == base || a == s.url && a != "" || a == "https://login.salesforce.com" || a == "https://test.salesforce.com"
	})
}

// expiry reads exp as seconds, milliseconds (sf) or a string of either (k-capehart).
func expiry(raw json.RawMessage) (time.Time, bool) {
	x, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || x <= 0 || x > 1e15 {
		return time.Time{}, false
	}
	if x > 1e11 {
		return time.UnixMilli(int64(x)), true
	}
	return time.Unix(int64(x), 0), true
}

// idToken is the OpenID token of a sign-in.
func (s *Server) idToken(user, client, base, nonce string) string {
	now := s.clock()
	u := s.store.live(user)
	part := func(v any) string {
		b, _ := json.Marshal(v) // maps of strings and numbers
		return base64.RawURLEncoding.EncodeToString(b)
	}
	claims := map[string]any{"iss": base, "aud": client, "sub": base + "/id/" + s.org().id + "/" + user, "iat": now.Unix(),
		"exp": now.Add(2 * time.Minute).Unix(), "preferred_username": u.str("Username")}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	signed := part(map[string]any{"alg": "RS256", "typ": "JWT", "kid": keyID}) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, s.privateKey(), crypto.SHA256, sum[:])
	if err != nil {
		return ""
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}
