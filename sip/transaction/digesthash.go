package transaction

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/icholy/digest"
)

// Algorithm is a digest algorithm by its registered name.
type Algorithm string

// Algorithms of RFC 7616 and RFC 8760.
const (
	MD5            Algorithm = "MD5"
	MD5Sess        Algorithm = "MD5-sess"
	SHA256         Algorithm = "SHA-256"
	SHA256Sess     Algorithm = "SHA-256-sess"
	SHA512_256     Algorithm = "SHA-512-256"
	SHA512_256Sess Algorithm = "SHA-512-256-sess"
)

// base is the algorithm without -sess, "" for one that is not supported.
func (a Algorithm) base() (base string, sess bool) {
	up := strings.ToUpper(string(a))
	up, sess = strings.CutSuffix(up, "-SESS")
	switch up {
	case "MD5", "SHA-256", "SHA-512-256":
		return up, sess
	}
	return "", sess
}

func newHash(base string) hash.Hash {
	switch base {
	case "SHA-256":
		return sha256.New()
	case "SHA-512-256":
		return sha512.New512_256()
	}
	return md5.New()
}

// digestInput is what a digest response is computed from (RFC 7616 §3.4.1).
type digestInput struct {
	algorithm                                Algorithm
	username, password, realm, nonce, cnonce string
	count                                    int
	qop                                      bool // auth; otherwise the form of RFC 2069
	method, uri                              string
}

func digestResponse(in digestInput) (string, error) {
	base, sess := in.algorithm.base()
	if base == "" {
		return "", fmt.Errorf("digest algorithm %q: %w", in.algorithm, ErrNoChallenge)
	}
	o := digest.Options{
		Method: in.method, URI: in.uri, Count: in.count, Username: in.username, Password: in.password, Cnonce: in.cnonce,
	}
	if sess { // A1 holds the nonces, RFC 7616 §3.4.2
		h := newHash(base)
		h.Write([]byte(in.username + ":" + in.realm + ":" + in.password))
		a1 := hex.EncodeToString(h.Sum(nil))
		h.Reset()
		h.Write([]byte(a1 + ":" + in.nonce + ":" + in.cnonce))
		o.A1 = hex.EncodeToString(h.Sum(nil))
	}
	chal := &digest.Challenge{Realm: in.realm, Nonce: in.nonce, Algorithm: base}
	if in.qop {
		chal.QOP = []string{"auth"}
	}
	c, err := digest.Digest(chal, o)
	if err != nil {
		return "", err
	}
	return c.Response, nil
}

// authParams are the parameters of a Digest challenge or credentials, names in lower case.
type authParams map[string]string

// parseAuth reads "Digest a="b", c=d"; false for another scheme or something that cannot be read.
func parseAuth(value string) (authParams, bool) {
	scheme, rest, ok := strings.Cut(strings.Trim(value, lws), " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return nil, false
	}
	out := authParams{}
	for _, part := range SplitList(rest) {
		name, v, ok := strings.Cut(part, "=")
		name, v = strings.ToLower(strings.Trim(name, lws)), strings.Trim(v, lws)
		if !ok || !isToken(name) {
			return nil, false
		}
		if strings.HasPrefix(v, `"`) {
			u, tail, ok := unquote(v)
			if !ok || strings.Trim(tail, lws) != "" {
				return nil, false
			}
			v = u
		}
		if _, twice := out[name]; !twice {
			out[name] = v
		}
	}
	return out, true
}

// algorithm is the one named, or MD5.
func (a authParams) algorithm() Algorithm {
	if a["algorithm"] == "" {
		return MD5
	}
	return Algorithm(a["algorithm"])
}

// offers reports whether a challenge has auth among its qop values; none reports that it has no qop at all.
func (a authParams) offers() (auth, none bool) {
	if a["qop"] == "" {
		return false, true
	}
	for q := range strings.SplitSeq(a["qop"], ",") {
		if strings.EqualFold(strings.Trim(q, lws), "auth") {
			return true, false
		}
	}
	return false, false
}
