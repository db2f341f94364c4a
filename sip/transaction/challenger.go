package transaction

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// nonceLife is how long a nonce is good; then the client is asked again with stale=true. maxNonces bounds what is remembered
// of nonce counts; when it is reached the oldest nonces become stale early.
const (
	nonceLife = 5 * time.Minute
	maxNonces = 8192
)

// Challenger is the server's side of digest: it makes challenges and checks credentials. Nonces expire after five minutes; a
// nonce count is accepted once. Safe for use from any goroutine.
type Challenger struct {
	realm  string
	algs   []Algorithm
	secret []byte

	mu    sync.Mutex
	used  map[string]*window
	since time.Time // nonces born before are stale
}

// window remembers which nonce counts were used: the highest, and the 64 below it.
type window struct {
	top  int
	seen uint64
	born time.Time
}

// NewChallenger makes a Challenger that offers these algorithms, in this order; none means SHA-256 then MD5.
func NewChallenger(realm string, algs ...Algorithm) *Challenger {
	if len(algs) == 0 {
		algs = []Algorithm{SHA256, MD5}
	}
	return &Challenger{realm: realm, algs: algs, secret: []byte(randomHex(32)), used: map[string]*window{}}
}

// Challenge adds one challenge per algorithm to res: WWW-Authenticate, or Proxy-Authenticate when its status is 407. why is
// what Verify returned: ErrStaleNonce makes it a stale=true challenge.
func (c *Challenger) Challenge(res *Response, why error) {
	name := "WWW-Authenticate"
	if res.Status == 407 {
		name = "Proxy-Authenticate"
	}
	nonce := c.nonce(time.Now())
	for _, alg := range c.algs {
		value := `Digest realm=` + quote(c.realm) + `, nonce="` + nonce + `", algorithm=` + string(alg) + `, qop="auth"`
		if errors.Is(why, ErrStaleNonce) {
			value += ", stale=true"
		}
		res.Headers.Add(name, value)
	}
}

// nonce carries its own birth and seal, so that nothing has to be kept for those that are never used.
func (c *Challenger) nonce(at time.Time) string {
	body := strconv.FormatInt(at.UnixMilli(), 16) + "." + randomHex(8)
	return body + "." + c.seal(body)
}

func (c *Challenger) seal(body string) string {
	h := hmac.New(sha256.New, c.secret)
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// born reads the birth of one of our nonces.
func (c *Challenger) born(nonce string) (time.Time, bool) {
	i := strings.LastIndexByte(nonce, '.')
	if i < 0 || subtle.ConstantTimeCompare([]byte(nonce[i+1:]), []byte(c.seal(nonce[:i]))) != 1 {
		return time.Time{}, false
	}
	ms, _, _ := strings.Cut(nonce, ".")
	n, err := strconv.ParseInt(ms, 16, 64)
	return time.UnixMilli(n), err == nil
}

// Verify checks the credentials of req (Authorization, or Proxy-Authorization) and returns the user name. password gives the password
// of a user, ok=false when there is none. Errors: ErrNoCredentials, ErrStaleNonce (right password, ask again) and
// ErrWrongPassword; all three are answered with a challenge.
func (c *Challenger) Verify(req *Request, password func(user string) (string, bool)) (user string, err error) {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, value := range req.Headers.Values(name) {
			a, ok := parseAuth(value)
			if ok && a["realm"] == c.realm {
				return a["username"], c.verify(req, a, password)
			}
		}
	}
	return "", ErrNoCredentials
}

func (c *Challenger) verify(req *Request, a authParams, password func(string) (string, bool)) error {
	alg := a.algorithm()
	if !slices.ContainsFunc(c.algs, func(x Algorithm) bool { return strings.EqualFold(string(x), string(alg)) }) {
		return ErrWrongPassword
	}
	born, ours := c.born(a["nonce"])
	if !ours {
		return ErrStaleNonce // of an earlier life of this server, or made up: a new one is asked for in any case
	}
	if uri, err := ParseURI(a["uri"]); err != nil || !uri.Equal(req.URI) && a["uri"] != req.URI.String() {
		return ErrWrongPassword
	}
	secret, known := password(a["username"])
	count := 0
	if a["qop"] != "" {
		n, err := strconv.ParseUint(a["nc"], 16, 31)
		if err != nil || !strings.EqualFold(a["qop"], "auth") || n == 0 {
			return ErrWrongPassword
		}
		count = int(n)
	}
	want, err := digestResponse(digestInput{
		algorithm: alg, username: a["username"], password: secret, realm: c.realm, nonce: a["nonce"], cnonce: a["cnonce"],
		count: count, qop: count > 0, method: req.Method, uri: a["uri"],
	})
	if err != nil || !known || subtle.ConstantTimeCompare([]byte(strings.ToLower(a["response"])), []byte(want)) != 1 {
		return ErrWrongPassword
	}
	now := time.Now()
	if now.Sub(born) > nonceLife || !c.use(a["nonce"], count, born, now) {
		return ErrStaleNonce
	}
	return nil
}

// use accepts each nonce count once; without a count (RFC 2069) the nonce itself.
func (c *Challenger) use(nonce string, count int, born, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if born.Before(c.since) {
		return false
	}
	w := c.used[nonce]
	if w == nil {
		if len(c.used) >= maxNonces {
			c.forget(now)
		}
		c.used[nonce] = &window{top: count, seen: 1, born: born}
		return true
	}
	switch back := w.top - count; {
	case back < 0:
		w.seen = w.seen<<min(-back, 64) | 1
		w.top = count
		return true
	case back >= 64 || w.seen&(1<<back) != 0:
		return false
	default:
		w.seen |= 1 << back
		return true
	}
}

// forget drops expired nonces. When that is not enough all that were born until now become stale: the clients are asked again.
func (c *Challenger) forget(now time.Time) {
	for nonce, w := range c.used {
		if now.Sub(w.born) > nonceLife {
			delete(c.used, nonce)
		}
	}
	if len(c.used) >= maxNonces {
		clear(c.used)
		c.since = now
	}
}
