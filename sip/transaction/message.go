package transaction

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Request is a SIP request that passed the checks of intake: exactly one From, To, Call-ID and CSeq, CSeq method equal
// to Method, sizes within limits. No accessor above this package returns nil where RFC 3261 §8.1.1 demands a value.
type Request struct {
	Method      string
	URI         URI
	Route       []Address
	RecordRoute []Address
	From, To    Address
	Contact     []Address
	CallID      string
	CSeq        uint32
	MaxForwards int
	Headers     Headers // all other fields, in order
	ContentType string
	Body        []byte

	// AnySize lets Send put it on UDP whatever its size: TCP was tried and refused (RFC 3261 §18.1.1).
	AnySize bool

	// Filled in for requests that came in.
	Flow     *Flow          // where it came from, and where the response goes
	Source   netip.AddrPort // real source of the packet
	Received time.Time

	raw  *rawFields // as it came in
	auth []answered // challenges that Digest has answered in it
}

// rawFields are the fields of a message that came in which its response repeats unchanged (RFC 3261 §8.2.6.2).
type rawFields struct {
	via                     []string
	from, to, callID, cseq  string
	recordRoute, timestamps []string
	stamp                   *atomic.Pointer[Header] // of ServerTx.Stamp; nil: the request has no transaction
	old                     bool                    // made by the rules of RFC 2543
}

// FromTag is the tag of From.
func (r *Request) FromTag() string { return r.From.Tag() }

// ToTag is the tag of To, "" for a request outside of a dialog.
func (r *Request) ToTag() string { return r.To.Tag() }

// RFC2543 reports whether a request that came in was made by the rules before RFC 3261, as its branch tells (RFC 3261 §8.1.1.7): it may
// have neither tag nor Contact.
func (r *Request) RFC2543() bool { return r.raw != nil && r.raw.old }

// Clone returns a copy that shares nothing that can be changed.
func (r *Request) Clone() *Request {
	c := *r
	c.URI = Address{URI: r.URI}.clone().URI
	c.From, c.To = r.From.clone(), r.To.clone()
	c.Route, c.RecordRoute, c.Contact = cloneAll(r.Route), cloneAll(r.RecordRoute), cloneAll(r.Contact)
	c.Headers, c.Body, c.auth = slices.Clone(r.Headers), slices.Clone(r.Body), slices.Clone(r.auth)
	return &c
}

// Response is a SIP response, as checked as a Request.
type Response struct {
	Status      int
	Reason      string
	RecordRoute []Address
	From, To    Address
	Contact     []Address
	CallID      string
	CSeq        uint32
	Method      string // of the CSeq
	Headers     Headers
	ContentType string
	Body        []byte

	// Filled in for responses that came in.
	Flow     *Flow
	Source   netip.AddrPort // real source of the packet
	Seen     netip.AddrPort // our address as the far end sees it (Via received and rport, RFC 3581); zero when it does not say
	Received time.Time

	raw *rawFields
}

// FromTag is the tag of From.
func (r *Response) FromTag() string { return r.From.Tag() }

// ToTag is the tag of To.
func (r *Response) ToTag() string { return r.To.Tag() }

// Provisional reports 1xx.
func (r *Response) Provisional() bool { return r.Status < 200 }

// Success reports 2xx.
func (r *Response) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Final reports 200 and above.
func (r *Response) Final() bool { return r.Status >= 200 }

// Clone returns a copy that shares nothing that can be changed.
func (r *Response) Clone() *Response {
	c := *r
	c.From, c.To = r.From.clone(), r.To.clone()
	c.RecordRoute, c.Contact = cloneAll(r.RecordRoute), cloneAll(r.Contact)
	c.Headers, c.Body = slices.Clone(r.Headers), slices.Clone(r.Body)
	return &c
}

func cloneAll(list []Address) []Address {
	if list == nil {
		return nil
	}
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = a.clone()
	}
	return out
}

// NewResponse makes a response to req. reason may be empty: then it is the standard phrase. Record-Route is copied where RFC 3261
// §12.1.1 asks for it (101–299).
func NewResponse(req *Request, status int, reason string) *Response {
	if reason == "" {
		reason = ReasonPhrase(status)
	}
	res := &Response{
		Status: status, Reason: reason,
		From: req.From.clone(), To: req.To.clone(), CallID: req.CallID, CSeq: req.CSeq, Method: req.Method,
	}
	if status > 100 && status < 300 {
		res.RecordRoute = cloneAll(req.RecordRoute)
	}
	return res
}

// NewTag makes a tag: 64 random bits (RFC 3261 §19.3 asks for 32).
func NewTag() string { return randomHex(8) }

// NewCallID makes a Call-ID without any address in it.
func NewCallID() string { return randomHex(16) }

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// ReasonPhrase is the standard phrase of a status code, "" for an unknown one.
func ReasonPhrase(status int) string {
	switch status {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 181:
		return "Call Is Being Forwarded"
	case 182:
		return "Queued"
	case 183:
		return "Session Progress"
	case 199:
		return "Early Dialog Terminated"
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 204:
		return "No Notification"
	case 300:
		return "Multiple Choices"
	case 301:
		return "Moved Permanently"
	case 302:
		return "Moved Temporarily"
	case 305:
		return "Use Proxy"
	case 380:
		return "Alternative Service"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 406:
		return "Not Acceptable"
	case 407:
		return "Proxy Authentication Required"
	case 408:
		return "Request Timeout"
	case 410:
		return "Gone"
	case 412:
		return "Conditional Request Failed"
	case 413:
		return "Request Entity Too Large"
	case 415:
		return "Unsupported Media Type"
	case 416:
		return "Unsupported URI Scheme"
	case 420:
		return "Bad Extension"
	case 421:
		return "Extension Required"
	case 422:
		return "Session Interval Too Small"
	case 423:
		return "Interval Too Brief"
	case 428:
		return "Use Identity Header"
	case 429:
		return "Provide Referrer Identity"
	case 430:
		return "Flow Failed"
	case 433:
		return "Anonymity Disallowed"
	case 480:
		return "Temporarily Unavailable"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 482:
		return "Loop Detected"
	case 483:
		return "Too Many Hops"
	case 484:
		return "Address Incomplete"
	case 485:
		return "Ambiguous"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 489:
		return "Bad Event"
	case 491:
		return "Request Pending"
	case 493:
		return "Undecipherable"
	case 494:
		return "Security Agreement Required"
	case 500:
		return "Server Internal Error"
	case 501:
		return "Not Implemented"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Server Time-out"
	case 505:
		return "Version Not Supported"
	case 513:
		return "Message Too Large"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	case 604:
		return "Does Not Exist Anywhere"
	case 606:
		return "Not Acceptable"
	case 607:
		return "Unwanted"
	case 608:
		return "Rejected"
	}
	return ""
}
