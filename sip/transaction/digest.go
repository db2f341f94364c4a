package transaction

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Credentials are a user name and password for a realm. An empty Realm fits every realm that no other entry names.
type Credentials struct{ Username, Password, Realm string }

// Digest answers the challenges of servers (RFC 7616, RFC 8760; MD5, SHA-256, SHA-512-256 and their -sess forms, qop auth
// or none). It remembers one nonce per realm, so that later requests can carry credentials at once. Safe for use from any goroutine.
type Digest struct {
	// NoMD5 refuses MD5 and MD5-sess. Set it before the first use.
	NoMD5 bool

	creds []Credentials

	mu     sync.Mutex
	nonces map[space]*challenge
}

// space is a protection space: what one set of credentials is for.
type space struct {
	proxy       bool
	host, realm string // host of the Request-URI, empty for a proxy: its challenges do not depend on the target
}

// challenge is one that we can answer.
type challenge struct {
	algorithm            Algorithm
	realm, nonce, opaque string
	hasOpaque, qop       bool
	count                int // nonce count used last
}

// answered is a note in a request that a challenge for this space was answered in it.
type answered struct {
	space space
	tries int
}

// maxSpaces bounds the nonces that are remembered.
const maxSpaces = 64

// maxTries answers per request and space: a nonce may have become stale once.
const maxTries = 2

// NewDigest makes a Digest for these credentials.
func NewDigest(creds ...Credentials) *Digest {
	return &Digest{creds: creds, nonces: map[space]*challenge{}}
}

// Authorize adds Authorization or Proxy-Authorization to req for the challenges of res, a 401 or 407 to req, replacing what
// it had for the same realm. req must be a Clone of what was sent, with a new CSeq number (RFC 3261 §22.2): the caller sends it as
// a new transaction. ok is false when it makes no sense to send it: err is ErrWrongPassword after a second refusal,
// ErrNoCredentials or ErrNoChallenge.
func (d *Digest) Authorize(req *Request, res *Response) (ok bool, err error) {
	name := "WWW-Authenticate"
	if res.Status == 407 {
		name = "Proxy-Authenticate"
	}
	err = fmt.Errorf("%d: %w", res.Status, ErrNoChallenge)
	var done []string
	for _, value := range res.Headers.Values(name) {
		a, isDigest := parseAuth(value)
		if !isDigest || slices.Contains(done, a["realm"]) {
			continue // of several for one realm the topmost that we support (RFC 8760 §2.4)
		}
		c, usable := d.usable(a)
		if !usable {
			continue
		}
		done = append(done, c.realm)
		if e := d.answer(req, res.Status == 407, c, strings.EqualFold(a["stale"], "true")); e != nil {
			err = e
			continue
		}
		ok = true
	}
	if ok {
		return true, nil
	}
	return false, err
}

// usable turns a challenge into one that we can answer.
func (d *Digest) usable(a authParams) (*challenge, bool) {
	c := &challenge{algorithm: a.algorithm(), realm: a["realm"], nonce: a["nonce"], opaque: a["opaque"]}
	_, c.hasOpaque = a["opaque"]
	base, sess := c.algorithm.base()
	auth, none := a.offers()
	c.qop = auth
	switch {
	case base == "", c.nonce == "", !auth && !none, sess && none:
		return nil, false
	case d.NoMD5 && base == "MD5":
		return nil, false
	}
	return c, clean(c.realm + c.nonce + c.opaque)
}

func (d *Digest) answer(req *Request, proxy bool, c *challenge, stale bool) error {
	s := spaceOf(req, proxy, c.realm)
	i := slices.IndexFunc(req.auth, func(a answered) bool { return a.space == s })
	if i < 0 {
		req.auth = append(req.auth, answered{space: s})
		i = len(req.auth) - 1
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if tries := req.auth[i].tries; tries >= maxTries || tries > 0 && !stale {
		delete(d.nonces, s)
		return fmt.Errorf("realm %q: %w", c.realm, ErrWrongPassword)
	}
	if err := d.write(req, s, c); err != nil {
		return err
	}
	req.auth[i].tries++
	if len(d.nonces) >= maxSpaces {
		clear(d.nonces) // somebody makes realms up; whoever is real asks once more
	}
	d.nonces[s] = c
	return nil
}

// Prepare adds credentials for the nonces that are remembered from earlier challenges of the same Request-URI host, and of proxies, with
// the next nonce count. Without any it does nothing.
func (d *Digest) Prepare(req *Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s, c := range d.nonces {
		if s == spaceOf(req, s.proxy, s.realm) && c.qop { // without a count a nonce is for one request
			_ = d.write(req, s, c)
		}
	}
}

func spaceOf(req *Request, proxy bool, realm string) space {
	if proxy {
		return space{proxy: true, realm: realm}
	}
	return space{host: strings.ToLower(req.URI.Host), realm: realm}
}

// write puts the credentials into the request; d.mu is held.
func (d *Digest) write(req *Request, s space, c *challenge) error {
	who, ok := d.find(c.realm)
	if !ok {
		return fmt.Errorf("realm %q: %w", c.realm, ErrNoCredentials)
	}
	if !clean(who.Username) {
		return &FieldError{"user name", "a line break or NUL"}
	}
	c.count++
	in := digestInput{
		algorithm: c.algorithm, username: who.Username, password: who.Password, realm: c.realm, nonce: c.nonce,
		count: c.count, qop: c.qop, method: req.Method, uri: req.URI.String(), // exactly as in the Request-Line
	}
	if c.qop {
		in.cnonce = randomHex(8)
	}
	response, err := digestResponse(in)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s", algorithm=%s`,
		quote(who.Username), quote(c.realm), quote(c.nonce), quote(in.uri), response, c.algorithm)
	if c.qop {
		fmt.Fprintf(&b, `, cnonce="%s", qop=auth, nc=%08x`, in.cnonce, in.count)
	}
	if c.hasOpaque {
		b.WriteString(", opaque=" + quote(c.opaque))
	}
	name := "Authorization"
	if s.proxy {
		name = "Proxy-Authorization"
	}
	req.Headers = slices.DeleteFunc(slices.Clone(req.Headers), func(h Header) bool {
		a, ok := parseAuth(h.Value)
		return strings.EqualFold(h.Name, name) && ok && a["realm"] == c.realm
	})
	req.Headers.Add(name, b.String())
	return nil
}

func (d *Digest) find(realm string) (Credentials, bool) {
	for _, c := range d.creds {
		if c.Realm == realm {
			return c, true
		}
	}
	for _, c := range d.creds {
		if c.Realm == "" {
			return c, true
		}
	}
	return Credentials{}, false
}
