package transaction

// Credentials are a user name and password for a realm. An empty Realm fits every realm that no other entry names.
type Credentials struct{ Username, Password, Realm string }

// Digest answers the challenges of servers (RFC 7616, RFC 8760; MD5, SHA-256, SHA-512-256 and their -sess forms, qop auth
// or none). It remembers one nonce per realm, so that later requests can carry credentials at once. Safe for use from any goroutine.
type Digest struct {
	// NoMD5 refuses MD5 and MD5-sess. Set it before the first use.
	NoMD5 bool
}

// NewDigest makes a Digest for these credentials.
func NewDigest(creds ...Credentials) *Digest { panic("unfinished") }

// Authorize adds Authorization or Proxy-Authorization to req for the challenges of res, a 401 or 407 to req, replacing what
// it had for the same realm. req must be a Clone with a new CSeq number (RFC 3261 §22.2): the caller sends it as a new
// transaction. ok is false when it makes no sense to send it: err is ErrWrongPassword after a second refusal,
// ErrNoCredentials or ErrNoChallenge.
func (d *Digest) Authorize(req *Request, res *Response) (ok bool, err error) { panic("unfinished") }

// Prepare adds credentials for the nonces that are remembered from earlier challenges of the same Request-URI host, with the next nonce
// count. Without any it does nothing.
func (d *Digest) Prepare(req *Request) { panic("unfinished") }
