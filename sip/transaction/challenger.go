package transaction

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

// Challenger is the server's side of digest: it makes challenges and checks credentials. Nonces expire after five minutes; a
// nonce count is accepted once. Safe for use from any goroutine.
type Challenger struct {
}

// NewChallenger makes a Challenger that offers these algorithms, in this order; none means SHA-256 then MD5.
func NewChallenger(realm string, algs ...Algorithm) *Challenger { panic("unfinished") }

// Challenge adds one challenge per algorithm to res: WWW-Authenticate, or Proxy-Authenticate when its status is 407. why is
// what Verify returned: ErrStaleNonce makes it a stale=true challenge.
func (c *Challenger) Challenge(res *Response, why error) { panic("unfinished") }

// Verify checks the credentials of req (Authorization, or Proxy-Authorization) and returns the user name. password gives the password
// of a user, ok=false when there is none. Errors: ErrNoCredentials, ErrStaleNonce (right password, ask again) and
// ErrWrongPassword; all three are answered with a challenge.
func (c *Challenger) Verify(req *Request, password func(user string) (string, bool)) (user string, err error) {
	panic("unfinished")
}
