package transaction

import "strings"

// Address is a name-addr: display name, URI and header parameters, each unquoted and unescaped. The display name is
// raw text from a stranger.
type Address struct {
	Display string
	URI     URI
	Params  Params
}

// ParseAddress reads one name-addr or addr-spec with its header parameters. Errors are *FieldError.
func ParseAddress(s string) (Address, error) {
	s = strings.Trim(s, lws)
	if strings.ContainsAny(s, "\r\n") {
		return Address{}, &FieldError{"address", "a line break"}
	}
	var a Address
	if strings.HasPrefix(s, `"`) {
		display, rest, ok := unquote(s)
		if !ok {
			return a, &FieldError{"address", "unbalanced quotes"}
		}
		a.Display, s = display, strings.TrimLeft(rest, lws)
		if !strings.HasPrefix(s, "<") {
			return a, &FieldError{"address", "no <URI> after the display name"}
		}
	}
	open := strings.IndexByte(s, '<')
	if open < 0 {
		return a.parseSpec(s)
	}
	if open > 0 {
		a.Display = strings.TrimRight(s[:open], lws)
		if strings.ContainsAny(a.Display, `";`) {
			return a, &FieldError{"address", "unbalanced quotes or rubbish before the URI"}
		}
	}
	end := strings.IndexByte(s, '>')
	if end < open {
		return a, &FieldError{"address", "no > after the URI"}
	}
	var err error
	if a.URI, err = ParseURI(strings.Trim(s[open+1:end], lws)); err != nil {
		return a, err
	}
	rest := strings.TrimLeft(s[end+1:], lws)
	if rest != "" && rest[0] != ';' {
		return a, &FieldError{"address", "rubbish after the URI"}
	}
	a.Params, err = ParseParams(rest)
	return a, err
}

// parseSpec reads the form without angle brackets, in which parameters belong to the header and "?" and "," may not stand
// (RFC 3261 §20.10).
func (a Address) parseSpec(s string) (Address, error) {
	spec, params, _ := strings.Cut(s, ";")
	spec = strings.TrimRight(spec, lws)
	if strings.ContainsAny(spec, "?, \t") {
		return a, &FieldError{"address", "a URI that needs angle brackets"}
	}
	var err error
	if a.URI, err = ParseURI(spec); err != nil {
		return a, err
	}
	a.Params, err = ParseParams(params)
	return a, err
}

// ParseAddresses reads a comma-separated list of them.
func ParseAddresses(s string) ([]Address, error) {
	var out []Address
	for _, part := range SplitList(s) {
		a, err := ParseAddress(part)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// String writes the address with the URI in angle brackets; control characters in the display name become spaces.
func (a Address) String() string {
	if a.URI.Scheme == "*" {
		return "*"
	}
	var b strings.Builder
	if a.Display != "" {
		b.WriteString(quote(a.Display))
		b.WriteByte(' ')
	}
	b.WriteByte('<')
	b.WriteString(a.URI.String())
	b.WriteByte('>')
	b.WriteString(a.Params.String())
	return b.String()
}

// Tag is the tag parameter.
func (a Address) Tag() string {
	tag, _ := a.Params.Get("tag")
	return tag
}

// WithTag returns a copy with this tag; an empty one removes it.
func (a Address) WithTag(tag string) Address {
	if tag == "" {
		a.Params = a.Params.Without("tag")
	} else {
		a.Params = a.Params.With("tag", tag)
	}
	return a
}

// clone returns a copy that shares nothing.
func (a Address) clone() Address {
	a.Params = append(Params(nil), a.Params...)
	a.URI.Params = append(Params(nil), a.URI.Params...)
	a.URI.Headers = append(Params(nil), a.URI.Headers...)
	return a
}
