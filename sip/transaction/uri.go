package transaction

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

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

// What may stand unescaped in the parts of a URI (RFC 3261 §25.1), besides letters, digits and mark.
const (
	uriMark     = "-_.!~*'()"
	uriUser     = uriMark + "&=+$,;?/"
	uriPassword = uriMark + "&=+$,"
	uriParam    = uriMark + "[]/:&+$"
	uriHeader   = uriMark + "[]/?:+$"
	uriTel      = uriMark + "+#"
	uriOpaque   = uriMark + "&=+$,;?/:@#%[]"
)

// ParseURI reads a URI. Errors are *FieldError.
func ParseURI(s string) (URI, error) {
	if s == "*" {
		return URI{Scheme: "*"}, nil
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' && s[i] != ' ' && s[i] != '\t' || s[i] == 0x7f || s[i] == '<' || s[i] == '>' {
			return URI{}, &FieldError{"URI", "a character that may not stand there"}
		}
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) {
		return URI{}, &FieldError{"URI", "no scheme"}
	}
	u := URI{Scheme: strings.ToLower(scheme)}
	if rest == "" {
		return URI{}, &FieldError{"URI", "nothing after the scheme"}
	}
	switch u.Scheme {
	case "sip", "sips":
		return u, u.parseSIP(rest)
	case "tel":
		number, params, _ := strings.Cut(rest, ";")
		if strings.ContainsAny(rest, " \t\"") || number == "" {
			return URI{}, &FieldError{"URI", "not a telephone number"}
		}
		u.User, u.Params = unescape(number), parseURIParams(params, ';')
		return u, nil
	}
	if strings.ContainsAny(rest, " \t\"") {
		return URI{}, &FieldError{"URI", "white space or quotes"}
	}
	u.Opaque = rest
	return u, nil
}

// parseSIP reads what follows "sip:". The user part may hold ";", "?" and "/" literally; "@" stands nowhere else
// unescaped, so the first one ends it.
func (u *URI) parseSIP(s string) error {
	if user, rest, ok := strings.Cut(s, "@"); ok {
		name, password, _ := strings.Cut(user, ":")
		if name == "" || strings.ContainsAny(user, " \t\"") {
			return &FieldError{"URI", "the user part is empty or holds white space"}
		}
		u.User, u.Password, s = unescape(name), unescape(password), rest
	}
	end := strings.IndexAny(s, ";?")
	if end < 0 {
		end = len(s)
	}
	if err := u.parseHostPort(s[:end]); err != nil {
		return err
	}
	s = s[end:]
	params, headers := s, ""
	quoted := false
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			quoted = !quoted
		} else if s[i] == '?' && !quoted {
			params, headers = s[:i], s[i+1:]
			break
		} else if (s[i] == ' ' || s[i] == '\t') && !quoted {
			return &FieldError{"URI", "white space"}
		}
	}
	if quoted || strings.ContainsAny(headers, " \t\"") {
		return &FieldError{"URI", "unbalanced quotes or white space"}
	}
	u.Params, u.Headers = parseURIParams(params, ';'), parseURIParams(headers, '&')
	return nil
}

func (u *URI) parseHostPort(s string) error {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return &FieldError{"URI", "an IPv6 address without its bracket"}
		}
		if _, err := netip.ParseAddr(s[1:end]); err != nil {
			return &FieldError{"URI", "not an IPv6 address"}
		}
		host, port = s[1:end], s[end+1:]
		if port != "" && port[0] != ':' {
			return &FieldError{"URI", "rubbish after the host"}
		}
		port = strings.TrimPrefix(port, ":")
	} else if h, p, ok := strings.Cut(s, ":"); ok {
		host, port = h, p
		if p == "" {
			return &FieldError{"URI", "no port after the colon"}
		}
	}
	if !isHost(host) && !strings.Contains(host, ":") {
		return &FieldError{"URI", "not a host name"}
	}
	u.Host = host
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return &FieldError{"URI", "not a port"}
		}
		u.Port = int(n)
	}
	return nil
}

func parseURIParams(s string, sep byte) Params {
	var out Params
	for part := range splitOutside(s, sep) {
		if part == "" {
			continue
		}
		name, value, has := strings.Cut(part, "=")
		if v, rest, ok := unquote(value); ok && rest == "" {
			value = v
		} else {
			value = unescape(value)
		}
		out = append(out, Param{Name: unescape(name), Value: value, Has: has})
	}
	return out
}

// String writes the URI, escaping whatever its parts may not hold literally; CR, LF and NUL come out escaped.
func (u URI) String() string {
	var b strings.Builder
	switch u.Scheme {
	case "":
		return ""
	case "*":
		return "*"
	case "sip", "sips":
		b.WriteString(u.Scheme)
		b.WriteByte(':')
		if u.User != "" {
			escape(&b, u.User, uriUser)
			if u.Password != "" {
				b.WriteByte(':')
				escape(&b, u.Password, uriPassword)
			}
			b.WriteByte('@')
		}
		b.WriteString(u.HostPort())
		writeURIParams(&b, u.Params, ";", ";")
		writeURIParams(&b, u.Headers, "?", "&")
	case "tel":
		b.WriteString("tel:")
		escape(&b, u.User, uriTel)
		writeURIParams(&b, u.Params, ";", ";")
	default:
		if !isScheme(u.Scheme) {
			return ""
		}
		b.WriteString(u.Scheme)
		b.WriteByte(':')
		escape(&b, u.Opaque, uriOpaque)
	}
	return b.String()
}

func writeURIParams(b *strings.Builder, p Params, first, next string) {
	sep, allowed := first, uriParam
	if first == "?" {
		allowed = uriHeader
	}
	for _, q := range p {
		if q.Name == "" {
			continue
		}
		b.WriteString(sep)
		sep = next
		escape(b, q.Name, allowed)
		if q.Has || q.Value != "" {
			b.WriteByte('=')
			escape(b, q.Value, allowed)
		}
	}
}

// HostPort is host or host:port with IPv6 in brackets.
func (u URI) HostPort() string {
	var b strings.Builder
	if strings.Contains(u.Host, ":") {
		b.WriteByte('[')
		escape(&b, u.Host, ":.%")
		b.WriteByte(']')
	} else {
		escape(&b, u.Host, "-._")
	}
	if u.Port > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(u.Port))
	}
	return b.String()
}

// IsZero reports whether there is no URI.
func (u URI) IsZero() bool { return u.Scheme == "" }

// Equal compares as RFC 3261 §19.1.4 says; tel numbers without visual separators (RFC 3966 §4).
func (u URI) Equal(v URI) bool {
	if u.Scheme != v.Scheme || !sameHost(u.Host, v.Host) || u.Port != v.Port ||
		u.Password != v.Password || u.Opaque != v.Opaque {
		return false
	}
	if u.Scheme == "tel" {
		if !strings.EqualFold(telDigits(u.User), telDigits(v.User)) {
			return false
		}
	} else if u.User != v.User {
		return false
	}
	for _, must := range []string{"user", "ttl", "method", "maddr", "transport"} {
		if u.Params.Has(must) != v.Params.Has(must) {
			return false
		}
	}
	for _, p := range u.Params {
		own, _ := u.Params.Get(p.Name) // a name may stand only once (§19.1.1); where it does not, the first counts on both sides
		if w, ok := v.Params.Get(p.Name); ok && !strings.EqualFold(own, w) {
			return false
		}
	}
	if len(u.Headers) != len(v.Headers) {
		return false
	}
	for _, h := range u.Headers {
		if !slices.ContainsFunc(v.Headers, func(w Param) bool {
			return strings.EqualFold(h.Name, w.Name) && h.Value == w.Value
		}) {
			return false
		}
	}
	return true
}

// sameHost compares names without case, and IPv6 addresses however they are written (RFC 5118 §4.5).
func sameHost(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	if !strings.Contains(a, ":") || !strings.Contains(b, ":") {
		return false
	}
	x, err := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err == nil && err2 == nil && x == y
}

// writable reports that the URI has what its scheme cannot do without.
func (u URI) writable() bool {
	switch u.Scheme {
	case "", "*":
		return false
	case "sip", "sips":
		return u.Host != ""
	case "tel":
		return u.User != ""
	}
	return isScheme(u.Scheme) && u.Opaque != ""
}

func telDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-.() ", r) {
			return -1
		}
		return r
	}, s)
}

// Destination is where a request for uri with this route set goes (RFC 3261 §8.1.2): the first Route, else the Request-URI. port is 0
// when the URI names none (then DNS decides, or 5060; 5061 for TLS), transport is "UDP", "TCP", "TLS" or "" when the URI does not say.
// When the Request-URI is a sips URI the first hop is reached over TLS whatever its Route says.
func Destination(uri URI, route []Address) (host string, port int, transport string) {
	sips := uri.Scheme == "sips"
	if len(route) > 0 {
		uri = route[0].URI
	}
	host, port = uri.Host, uri.Port
	if maddr, ok := uri.Params.Get("maddr"); ok && maddr != "" {
		host = strings.Trim(maddr, "[]")
	}
	t, _ := uri.Params.Get("transport")
	transport = strings.ToUpper(t)
	if sips || uri.Scheme == "sips" {
		transport = "TLS" // RFC 3261 §26.2.2: sips never leaves over anything else
	}
	return host, port, transport
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && (i == 0 || strings.IndexByte("+-.", s[i]) < 0) {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

func isHost(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && s[i] != '-' && s[i] != '.' && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

func escape(b *strings.Builder, s, allowed string) {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; isAlnum(c) || strings.IndexByte(allowed, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}

// unescape resolves %XX once; what is no escape stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
