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
	"net/url"
	"strings"
	"time"
)

// JWT signs in without a person: an RSA key whose certificate the app knows. It yields no refresh token; a new
// assertion is minted whenever the session ends.
type JWT struct {
	Username string
	Key      *rsa.PrivateKey
	Audience string // "" for the login address, or the public one of its kind where a My Domain is not taken
}

const jwtGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// ParseKey reads an RSA private key in PEM, PKCS#8 or PKCS#1.
func ParseKey(pemBytes []byte) (*rsa.PrivateKey, error) {
	for {
		var block *pem.Block
		block, pemBytes = pem.Decode(pemBytes)
		if block == nil {
			return nil, errors.New("no RSA private key in the key file: it must be PEM, PKCS#8 or PKCS#1, without a passphrase")
		}
		if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return k, nil
		}
		if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if rk, ok := k.(*rsa.PrivateKey); ok {
				return rk, nil
			}
		}
	}
}

// assertionLife is how long an assertion is good for; ForceCLI uses three minutes.
const assertionLife = 3 * time.Minute

// assertion builds the signed claim set of RFC 7523: header.payload.signature, RS256.
func (j JWT) assertion(clientID string, now time.Time) (string, error) {
	if j.Key == nil || j.Username == "" {
		return "", errors.New("JWT sign-in needs a user name and a key: set username and key_file")
	}
	claims, err := json.Marshal(struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
	}{clientID, j.Username, j.Audience, now.Add(assertionLife).Unix()})
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + enc.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, j.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + enc.EncodeToString(sig), nil
}

// SignInJWT mints an assertion and exchanges it for a token. An assertion names the server it is for; which name a My Domain
// wants is not the same everywhere, so where its own is refused the public login host of its kind is tried.
func (a App) SignInJWT(ctx context.Context, j JWT) (Token, error) {
	var refused error
	for _, aud := range j.audiences(a.LoginURL) {
		j.Audience = aud
		s, err := j.assertion(a.ClientID, a.now())
		if err != nil {
			return Token{}, err
		}
		t, err := a.grant(ctx, url.Values{"grant_type": {jwtGrantType}, "assertion": {s}})
		var auth *AuthError
		if !errors.As(err, &auth) || !strings.Contains(strings.ToLower(auth.Description), "audience") {
			return t, err
		}
		refused = err
	}
	return Token{}, refused
}

// audiences are the names under which the sign-in server may know itself.
func (j JWT) audiences(loginURL string) []string {
	if j.Audience != "" {
		return []string{j.Audience}
	}
	base, err := url.Parse(strings.TrimRight(strings.TrimSpace(loginURL), "/"))
	if err != nil {
		return []string{loginURL}
	}
	out := []string{base.Scheme + "://" + base.Host}
	if host := strings.ToLower(base.Hostname()); strings.HasSuffix(host, ".my.salesforce.com") {
		if name, _, _ := strings.Cut(host, "."); strings.Contains(name, "--") || strings.HasSuffix(host, ".sandbox.my.salesforce.com") {
			return append(out, "https://test.salesforce.com")
		}
		return append(out, "https://login.salesforce.com")
	}
	return out
}
