package transaction

import (
	"bytes"
	"strconv"
	"strings"
)

// render.go writes messages. Nothing that sipgo prints reaches a socket: it escapes neither display names nor header
// values. What cannot be escaped (method, Call-ID, field names and values) is refused with a *FieldError.

// wire writes the request with this Via line.
func (r *Request) wire(viaLine, userAgent string) ([]byte, error) {
	switch {
	case !isToken(r.Method):
		return nil, &FieldError{"method", "not a token"}
	case !r.URI.writable():
		return nil, &FieldError{"Request-URI", "empty"}
	case !r.From.URI.writable():
		return nil, &FieldError{"From", "empty"}
	case !r.To.URI.writable():
		return nil, &FieldError{"To", "empty"}
	case r.CallID == "" || !clean(r.CallID) || strings.ContainsAny(r.CallID, lws):
		return nil, &FieldError{"Call-ID", "empty, or with white space or a line break"}
	case r.CSeq > 1<<31-1:
		return nil, &FieldError{"CSeq", "too large"}
	}
	b := bytes.NewBuffer(make([]byte, 0, 768+len(r.Body)))
	line(b, r.Method, " ", r.URI.String(), " SIP/2.0")
	line(b, "Via: ", viaLine)
	if err := addresses(b, "Route", r.Route); err != nil {
		return nil, err
	}
	if err := addresses(b, "Record-Route", r.RecordRoute); err != nil {
		return nil, err
	}
	forwards := r.MaxForwards
	if forwards <= 0 {
		forwards = 70
	}
	line(b, "Max-Forwards: ", strconv.Itoa(forwards))
	line(b, "From: ", r.From.String())
	line(b, "To: ", r.To.String())
	line(b, "Call-ID: ", r.CallID)
	line(b, "CSeq: ", strconv.FormatUint(uint64(r.CSeq), 10), " ", r.Method)
	if err := addresses(b, "Contact", r.Contact); err != nil {
		return nil, err
	}
	if err := fields(b, r.Headers, "User-Agent", userAgent); err != nil {
		return nil, err
	}
	if err := content(b, r.ContentType, r.Body); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// wire writes the response; what RFC 3261 §8.2.6.2 takes from the request comes from raw, unchanged. tag goes into To when the
// request had none.
func (r *Response) wire(raw *rawFields, topVia, tag, server string) ([]byte, error) {
	if r.Status < 100 || r.Status > 699 {
		return nil, &FieldError{"status", "not 100 to 699"}
	}
	if !clean(r.Reason) {
		return nil, &FieldError{"reason phrase", "a line break"}
	}
	b := bytes.NewBuffer(make([]byte, 0, 768+len(r.Body)))
	raw.head(b, r.Status, r.Reason, topVia, tag)
	if r.Status > 100 && r.Status < 300 {
		for _, v := range raw.recordRoute {
			line(b, "Record-Route: ", v)
		}
	}
	if err := addresses(b, "Contact", r.Contact); err != nil {
		return nil, err
	}
	if raw.stamp != nil {
		if h := raw.stamp.Load(); h != nil && !r.Headers.Has(h.Name) {
			line(b, h.Name, ": ", h.Value)
		}
	}
	if err := fields(b, r.Headers, "Server", server); err != nil {
		return nil, err
	}
	if err := content(b, r.ContentType, r.Body); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// head writes status line, Via, From, To, Call-ID and CSeq of a response.
func (raw *rawFields) head(b *bytes.Buffer, status int, reason, topVia, tag string) {
	line(b, "SIP/2.0 ", strconv.Itoa(status), " ", reason)
	for i, v := range raw.via {
		if i == 0 {
			v = topVia
		}
		line(b, "Via: ", v)
	}
	for _, f := range [...][2]string{{"From: ", raw.from}, {"To: ", raw.to}, {"Call-ID: ", raw.callID}, {"CSeq: ", raw.cseq}} {
		if f[1] == "" {
			continue
		}
		if f[0] == "To: " && tag != "" && status > 100 {
			line(b, f[0], f[1], ";tag=", tag)
		} else {
			line(b, f[0], f[1])
		}
	}
	if status == 100 {
		for _, v := range raw.timestamps {
			line(b, "Timestamp: ", v)
		}
	}
}

func line(b *bytes.Buffer, parts ...string) {
	for _, p := range parts {
		b.WriteString(p)
	}
	b.WriteString("\r\n")
}

func addresses(b *bytes.Buffer, name string, list []Address) error {
	for _, a := range list {
		if !a.URI.writable() && (a.URI.Scheme != "*" || name != "Contact") {
			return &FieldError{name, "without a URI"}
		}
		line(b, name, ": ", a.String())
	}
	return nil
}

// fields writes the other fields, and product under its name unless there is one.
func fields(b *bytes.Buffer, h Headers, product, value string) error {
	for _, f := range h {
		if !isToken(f.Name) {
			return &FieldError{"header field", "the name is not a token"}
		}
		switch longName(f.Name) {
		case "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route", "Record-Route", "Content-Type", "Content-Length":
			return &FieldError{f.Name, "has a place of its own"}
		}
		if !clean(f.Value) {
			return &FieldError{f.Name, "a line break or NUL"}
		}
		line(b, f.Name, ": ", f.Value)
	}
	if value != "" && !h.Has(product) {
		if !clean(value) {
			return &FieldError{product, "a line break or NUL"}
		}
		line(b, product, ": ", value)
	}
	return nil
}

// content writes Content-Type, Content-Length and the body.
func content(b *bytes.Buffer, contentType string, body []byte) error {
	if contentType != "" && len(body) > 0 {
		if !clean(contentType) {
			return &FieldError{"Content-Type", "a line break or NUL"}
		}
		line(b, "Content-Type: ", strings.TrimSpace(contentType))
	}
	line(b, "Content-Length: ", strconv.Itoa(len(body)))
	line(b)
	b.Write(body)
	return nil
}
