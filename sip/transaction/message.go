package transaction

import (
	"net/netip"
	"time"
)

// Header is one header field that has no place of its own in Request or Response. Name is in its long form
// ("Event", never "o"); Value is raw.
type Header struct{ Name, Value string }

// Headers is an ordered list of header fields. Names compare without case.
type Headers []Header

// Get returns the raw value of the first field of this name, "" when there is none.
func (h Headers) Get(name string) string { panic("unfinished") }

// Has reports whether there is a field of this name.
func (h Headers) Has(name string) bool { panic("unfinished") }

// Values returns the values of all fields of this name, comma lists split (quotes and brackets respected). Not for the
// fields whose value holds commas by itself (Date, WWW-Authenticate and the like): those come as they stand.
func (h Headers) Values(name string) []string { panic("unfinished") }

// Add appends a field.
func (h *Headers) Add(name, value string) { panic("unfinished") }

// Set replaces all fields of this name by one.
func (h *Headers) Set(name, value string) { panic("unfinished") }

// Del removes all fields of this name.
func (h *Headers) Del(name string) { panic("unfinished") }

// HasToken reports whether a comma list holds token, without case: h.HasToken("Supported", "100rel").
func (h Headers) HasToken(name, token string) bool { panic("unfinished") }

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

	// Filled in for requests that came in.
	Flow     *Flow          // where it came from, and where the response goes
	Source   netip.AddrPort // real source of the packet
	Received time.Time
}

// FromTag is the tag of From.
func (r *Request) FromTag() string { panic("unfinished") }

// ToTag is the tag of To, "" for a request outside of a dialog.
func (r *Request) ToTag() string { panic("unfinished") }

// Clone returns a copy that shares nothing that can be changed.
func (r *Request) Clone() *Request { panic("unfinished") }

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
}

// FromTag is the tag of From.
func (r *Response) FromTag() string { panic("unfinished") }

// ToTag is the tag of To.
func (r *Response) ToTag() string { panic("unfinished") }

// Provisional reports 1xx, Success 2xx, Final 200 and above.
func (r *Response) Provisional() bool { return r.Status < 200 }

// Success reports 2xx.
func (r *Response) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Final reports 200 and above.
func (r *Response) Final() bool { return r.Status >= 200 }

// Clone returns a copy that shares nothing that can be changed.
func (r *Response) Clone() *Response { panic("unfinished") }

// NewResponse makes a response to req. reason may be empty: then it is the standard phrase. Record-Route is copied where RFC 3261
// §12.1.1 asks for it (101–299).
func NewResponse(req *Request, status int, reason string) *Response { panic("unfinished") }

// ReasonPhrase is the standard phrase of a status code, "" for an unknown one.
func ReasonPhrase(status int) string { panic("unfinished") }

// NewTag makes a tag: 64 random bits (RFC 3261 §19.3 asks for 32).
func NewTag() string { panic("unfinished") }

// NewCallID makes a Call-ID without any address in it.
func NewCallID() string { panic("unfinished") }
