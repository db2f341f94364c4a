package transaction

// Param is one parameter of a URI or a header value. Names compare without case (RFC 3261 §7.3.1).
type Param struct {
	Name  string
	Value string // unquoted, unescaped
	Has   bool   // there was a "=": distinguishes ";lr" from ";lr="
}

// Params is an ordered list of parameters.
type Params []Param

// Get returns the value of the first parameter of this name.
func (p Params) Get(name string) (value string, ok bool) { panic("unfinished") }

// With returns a copy in which name has this value; an empty value makes a flag (";lr").
func (p Params) With(name, value string) Params { panic("unfinished") }

// Without returns a copy without name.
func (p Params) Without(name string) Params { panic("unfinished") }

// URI is a sip, sips or tel URI with its parts unescaped once (RFC 3261 §19.1, RFC 3966). The zero value is no URI.
type URI struct {
	Scheme   string // "sip", "sips", "tel", or another, in lower case; "*" for the Contact of RFC 3261 §10.2.2
	User     string // for tel the number
	Password string
	Host     string // without brackets for IPv6
	Port     int    // 0 when absent
	Params   Params
	Headers  Params // after "?"
	Opaque   string // everything after the colon, for schemes other than these three
}

// ParseURI reads a URI. Errors are *FieldError.
func ParseURI(s string) (URI, error) { panic("unfinished") }

// String writes the URI, escaping whatever its parts may not hold literally; CR, LF and NUL come out escaped.
func (u URI) String() string { panic("unfinished") }

// Equal compares as RFC 3261 §19.1.4 says; tel numbers without visual separators (RFC 3966 §4).
func (u URI) Equal(v URI) bool { panic("unfinished") }

// IsZero reports whether there is no URI.
func (u URI) IsZero() bool { panic("unfinished") }

// HostPort is host or host:port with IPv6 in brackets.
func (u URI) HostPort() string { panic("unfinished") }

// Address is a name-addr: display name, URI and header parameters, each unquoted and unescaped. The display name is
// raw text from a stranger.
type Address struct {
	Display string
	URI     URI
	Params  Params
}

// ParseAddress reads one name-addr or addr-spec with its header parameters. Errors are *FieldError.
func ParseAddress(s string) (Address, error) { panic("unfinished") }

// ParseAddresses reads a comma-separated list of them.
func ParseAddresses(s string) ([]Address, error) { panic("unfinished") }

// String writes the address; control characters in the display name become spaces.
func (a Address) String() string { panic("unfinished") }

// Tag is the tag parameter.
func (a Address) Tag() string { panic("unfinished") }

// WithTag returns a copy with this tag; an empty one removes it.
func (a Address) WithTag(tag string) Address { panic("unfinished") }

// SplitList splits a header value at commas outside of quotes and angle brackets and trims the parts.
func SplitList(s string) []string { panic("unfinished") }

// ParseParams reads ";a=b;c" or "a=b;c" with quoted values, as the parameters of a header field.
func ParseParams(s string) (Params, error) { panic("unfinished") }

// String writes the parameters with a leading ";" each, quoting values where a token is not enough.
func (p Params) String() string { panic("unfinished") }

// Destination is where a request for uri with this route set goes (RFC 3261 §8.1.2): the first Route, else the Request-URI. port is 0
// when the URI names none (then DNS decides, or 5060), transport is "UDP", "TCP", "TLS" or "" when the URI does not say.
func Destination(uri URI, route []Address) (host string, port int, transport string) {
	panic("unfinished")
}
