package transaction

import (
	"slices"
	"strings"
)

// Header is one header field that has no place of its own in Request or Response. Name is in its long form
// ("Event", never "o"); Value is raw.
type Header struct{ Name, Value string }

// Headers is an ordered list of header fields. Names compare without case.
type Headers []Header

// Get returns the raw value of the first field of this name, "" when there is none.
func (h Headers) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether there is a field of this name.
func (h Headers) Has(name string) bool {
	return slices.ContainsFunc(h, func(f Header) bool { return strings.EqualFold(f.Name, name) })
}

// Values returns the values of all fields of this name, comma lists split (quotes and brackets respected). Not for the
// fields whose value holds commas by itself (RFC 3261 §7.3.1 and dates): those come as they stand.
func (h Headers) Values(name string) []string {
	var out []string
	whole := holdsCommas(name)
	for _, f := range h {
		switch {
		case !strings.EqualFold(f.Name, name):
		case whole:
			out = append(out, f.Value)
		default:
			out = append(out, SplitList(f.Value)...)
		}
	}
	return out
}

// Addresses returns all addresses of this name ("P-Asserted-Identity", "Diversion"); those that cannot be read are left out.
func (h Headers) Addresses(name string) []Address {
	var out []Address
	for _, v := range h.Values(name) {
		if a, err := ParseAddress(v); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// HasToken reports whether a comma list holds token, without case: h.HasToken("Supported", "100rel").
func (h Headers) HasToken(name, token string) bool {
	return slices.ContainsFunc(h.Values(name), func(v string) bool {
		v, _, _ = strings.Cut(v, ";")
		return strings.EqualFold(strings.Trim(v, lws), token)
	})
}

// Add appends a field.
func (h *Headers) Add(name, value string) { *h = append(*h, Header{name, value}) }

// Set replaces all fields of this name by one.
func (h *Headers) Set(name, value string) {
	h.Del(name)
	h.Add(name, value)
}

// Del removes all fields of this name.
func (h *Headers) Del(name string) {
	*h = slices.DeleteFunc(*h, func(f Header) bool { return strings.EqualFold(f.Name, name) })
}

// holdsCommas names the fields that must not be split (RFC 3261 §7.3.1, §20; RFC 3893, RFC 8224).
func holdsCommas(name string) bool {
	switch strings.ToLower(name) {
	case "www-authenticate", "authorization", "proxy-authenticate", "proxy-authorization", "authentication-info",
		"date", "retry-after", "subject", "user-agent", "server", "organization", "call-id", "identity":
		return true
	}
	return false
}

// longName gives the long form of a field name, in its usual spelling where one is known (RFC 3261 §7.3.3, and the compact forms of
// RFC 3515, 3892, 4028, 6665, 3841, 8224).
func longName(name string) string {
	if len(name) == 1 {
		switch name[0] | 0x20 {
		case 'a':
			return "Accept-Contact"
		case 'b':
			return "Referred-By"
		case 'c':
			return "Content-Type"
		case 'd':
			return "Request-Disposition"
		case 'e':
			return "Content-Encoding"
		case 'f':
			return "From"
		case 'i':
			return "Call-ID"
		case 'j':
			return "Reject-Contact"
		case 'k':
			return "Supported"
		case 'l':
			return "Content-Length"
		case 'm':
			return "Contact"
		case 'n':
			return "Identity-Info"
		case 'o':
			return "Event"
		case 'r':
			return "Refer-To"
		case 's':
			return "Subject"
		case 't':
			return "To"
		case 'u':
			return "Allow-Events"
		case 'v':
			return "Via"
		case 'x':
			return "Session-Expires"
		case 'y':
			return "Identity"
		}
		return name
	}
	for _, known := range [...]string{"Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route", "Record-Route",
		"Content-Type", "Content-Length", "Content-Encoding"} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}
