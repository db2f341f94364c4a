package transaction

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDigestResponsesAreThoseOfRFC7616(t *testing.T) {
	in := digestInput{
		username: "Mufasa", password: "Circle of Life", realm: "http-auth@example.org", method: "GET", uri: "/dir/index.html",
		nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", count: 1, qop: true,
	}
	for alg, want := range map[Algorithm]string{ // §3.9.1
		MD5:    "8ca523f5e9506fed4657c9700eebdbec",
		SHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		in.algorithm = alg
		if got, err := digestResponse(in); got != want || err != nil {
			t.Errorf("%s: %s (%v)", alg, got, err)
		}
	}
	// RFC 2617 §3.5, and its form without qop by RFC 2069 with the erratum's value.
	in = digestInput{
		algorithm: MD5, username: "Mufasa", password: "Circle Of Life", realm: "testrealm@host.com", method: "GET", uri: "/dir/index.html",
		nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", cnonce: "0a4f113b", count: 1, qop: true,
	}
	if got, _ := digestResponse(in); got != "6629fae49393a05397450978507c4ef1" {
		t.Errorf("RFC 2617: %s", got)
	}
	in.qop = false
	if got, _ := digestResponse(in); got != "670fd8c2df070c60b045671b8b24ff02" {
		t.Errorf("without qop: %s", got)
	}
	if _, err := digestResponse(digestInput{algorithm: "ROT13"}); !errors.Is(err, ErrNoChallenge) {
		t.Errorf("unknown algorithm: %v", err)
	}
}

func lookup(user string) (string, bool) { return "s3cret", user == "2101" }

// challenged is a 401 of c to req.
func challenged(c *Challenger, req *Request, status int, why error) *Response {
	res := NewResponse(req, status, "")
	c.Challenge(res, why)
	return res
}

func TestClientAndServerAgreeForEveryAlgorithm(t *testing.T) {
	for _, alg := range []Algorithm{MD5, MD5Sess, SHA256, SHA256Sess, SHA512_256, SHA512_256Sess} {
		for _, status := range []int{401, 407} {
			c, d := NewChallenger(`Gold "8"`, alg), NewDigest(Credentials{Username: "2101", Password: "s3cret"})
			req := newRequest("REGISTER", "r")
			req.URI.Params = Params{{Name: "transport", Value: "tcp", Has: true}}
			if _, err := c.Verify(req, lookup); !errors.Is(err, ErrNoCredentials) {
				t.Errorf("%s: without credentials: %v", alg, err)
			}
			next := req.Clone()
			if ok, err := d.Authorize(next, challenged(c, req, status, nil)); !ok || err != nil {
				t.Fatalf("%s: %v %v", alg, ok, err)
			}
			if user, err := c.Verify(next, lookup); user != "2101" || err != nil {
				t.Errorf("%s: %q %v", alg, user, err)
			}
			if _, err := c.Verify(next, lookup); !errors.Is(err, ErrStaleNonce) {
				t.Errorf("%s: the same nonce count again: %v", alg, err)
			}
			later := newRequest("REGISTER", "r")
			later.URI = req.URI
			d.Prepare(later)
			if _, err := c.Verify(later, lookup); err != nil || !strings.Contains(later.Headers[0].Value, "nc=00000002") {
				t.Errorf("%s: with the next count: %v %v", alg, err, later.Headers)
			}
			later.Method = "INVITE"
			if _, err := c.Verify(later, lookup); !errors.Is(err, ErrWrongPassword) {
				t.Errorf("%s: credentials of another method: %v", alg, err)
			}
		}
	}
}

func TestAWrongPasswordIsSaidAfterOneTry(t *testing.T) {
	c, d := NewChallenger("offhook"), NewDigest(Credentials{Username: "2101", Password: "wrong"})
	req := newRequest("REGISTER", "r")
	req = req.Clone()
	if ok, err := d.Authorize(req, challenged(c, req, 401, nil)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	_, why := c.Verify(req, lookup)
	if !errors.Is(why, ErrWrongPassword) {
		t.Fatalf("verified: %v", why)
	}
	req = req.Clone()
	if ok, err := d.Authorize(req, challenged(c, req, 401, why)); ok || !errors.Is(err, ErrWrongPassword) {
		t.Errorf("second try: %v %v", ok, err)
	}
	later := newRequest("REGISTER", "r")
	if d.Prepare(later); len(later.Headers) != 0 {
		t.Errorf("the refused nonce is used again: %v", later.Headers)
	}
}

func TestAnExpiredNonceIsStaleAndTheNextTrySucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := NewChallenger("offhook"), NewDigest(Credentials{Username: "2101", Password: "s3cret"})
		req := newRequest("REGISTER", "r")
		d.Authorize(req, challenged(c, req, 401, nil))
		time.Sleep(nonceLife + time.Second)
		_, why := c.Verify(req, lookup)
		if !errors.Is(why, ErrStaleNonce) {
			t.Fatalf("expired: %v", why)
		}
		res := challenged(c, req, 401, why)
		if !strings.Contains(res.Headers[0].Value, "stale=true") {
			t.Errorf("challenge %s", res.Headers[0].Value)
		}
		next := req.Clone()
		if ok, err := d.Authorize(next, res); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, err := c.Verify(next, lookup); err != nil || len(next.Headers) != 1 {
			t.Errorf("second try: %v, fields %v", err, next.Headers)
		}
		if ok, err := d.Authorize(next.Clone(), res); ok || !errors.Is(err, ErrWrongPassword) {
			t.Errorf("a server that calls every nonce stale: %v %v", ok, err)
		}
	})
}

func TestTheTopmostSupportedChallengeIsAnswered(t *testing.T) {
	req := newRequest("INVITE", "i")
	res := NewResponse(req, 407, "")
	for _, v := range []string{`Basic realm="x"`, `Digest realm="x", nonce="n0", algorithm=SHA3`, `Digest realm="x", nonce="n1", algorithm=SHA-256, qop="auth-int"`,
		`Digest realm="x", nonce="n2", algorithm=sha-256, qop="auth-int, auth", opaque=""`, `Digest realm="x", nonce="n3"`, `Digest realm="y", nonce="n4", algorithm=MD5`} {
		res.Headers.Add("Proxy-Authenticate", v)
	}
	d := NewDigest(Credentials{"u", "p", "x"}, Credentials{"v", "q", ""})
	if ok, err := d.Authorize(req, res); !ok || err != nil {
		t.Fatal(ok, err)
	}
	var got []string
	for _, h := range req.Headers {
		a, _ := parseAuth(h.Value)
		got = append(got, h.Name+" "+a["username"]+" "+a["nonce"]+" "+a["qop"])
		if a["uri"] != req.URI.String() {
			t.Errorf("uri %s", a["uri"])
		}
	}
	if strings.Join(got, ", ") != "Proxy-Authorization u n2 auth, Proxy-Authorization v n4 " {
		t.Errorf("answered %q", got)
	}
	if !strings.Contains(req.Headers[0].Value, `opaque=""`) {
		t.Errorf("opaque is missing: %s", req.Headers[0].Value)
	}

	only := NewResponse(req, 401, "")
	only.Headers.Add("WWW-Authenticate", `Digest realm="x", nonce="n", algorithm=MD5`)
	strict := NewDigest(Credentials{"u", "p", ""})
	strict.NoMD5 = true
	if ok, err := strict.Authorize(newRequest("INVITE", "i"), only); ok || !errors.Is(err, ErrNoChallenge) {
		t.Errorf("MD5 although forbidden: %v %v", ok, err)
	}
	if ok, err := NewDigest(Credentials{"u", "p", "z"}).Authorize(newRequest("INVITE", "i"), only); ok || !errors.Is(err, ErrNoCredentials) {
		t.Errorf("no credentials for the realm: %v %v", ok, err)
	}
}

func TestANonceIsOnlyAcceptedFromItsMaker(t *testing.T) {
	a, b, d := NewChallenger("offhook"), NewChallenger("offhook"), NewDigest(Credentials{Username: "2101", Password: "s3cret"})
	req := newRequest("REGISTER", "r")
	d.Authorize(req, challenged(a, req, 401, nil))
	if _, err := b.Verify(req, lookup); !errors.Is(err, ErrStaleNonce) {
		t.Errorf("a nonce of somebody else: %v", err)
	}
	req = newRequest("REGISTER", "r")
	NewDigest(Credentials{Username: "2199", Password: "s3cret"}).Authorize(req, challenged(a, req, 401, nil))
	if _, err := a.Verify(req, lookup); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("an unknown user: %v", err)
	}
}

func TestNonceCountsMayArriveOutOfOrderButOnce(t *testing.T) {
	c := NewChallenger("offhook")
	now := time.Now()
	for _, s := range []struct {
		count int
		ok    bool
	}{{1, true}, {3, true}, {2, true}, {3, false}, {2, false}, {1, false}, {100, true}, {37, true}, {36, false}, {100, false}, {101, true}} {
		if got := c.use("n", s.count, now, now); got != s.ok {
			t.Errorf("count %d: %v", s.count, got)
		}
	}
}

func TestMadeUpRealmsDoNotFillTheMemory(t *testing.T) {
	d := NewDigest(Credentials{Username: "2101", Password: "secret"})
	for i := range 10 * maxSpaces {
		req := newRequest("OPTIONS", "flood")
		res := &Response{Status: 407}
		res.Headers.Add("Proxy-Authenticate", fmt.Sprintf(`Digest realm="r%d", nonce="n", qop="auth"`, i))
		if ok, err := d.Authorize(req, res); !ok {
			t.Fatal(err)
		}
	}
	if len(d.nonces) > maxSpaces {
		t.Errorf("%d nonces are remembered", len(d.nonces))
	}
}
