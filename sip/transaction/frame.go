package transaction

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Limits of a message that comes in. A SIP message of a telephone is a few kilobytes.
const (
	maxHead    = 32 << 10
	maxMessage = 65535
	maxFields  = 512
	maxCallID  = 1024
)

// refusal says why a message cannot be accepted, and the status with which RFC 3261 has us answer a request.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

func refused(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// startLine is a Request-Line or a Status-Line.
type startLine struct {
	method string // "" for a response
	uri    URI
	status int
	reason string
}

// parseStart reads the first line (RFC 3261 §7.1, §7.2): single spaces, nothing after the version.
func parseStart(line string) (startLine, *refusal) {
	a, rest, ok := strings.Cut(line, " ")
	b, c, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return startLine{}, refused(400, "the start line does not have three parts")
	}
	if len(a) > 4 && strings.EqualFold(a[:4], "SIP/") {
		status, err := strconv.Atoi(b)
		if !isVersion(a) || err != nil || len(b) != 3 || status < 100 || status > 699 {
			return startLine{}, refused(400, "not a status line")
		}
		return startLine{status: status, reason: c}, nil
	}
	if !isToken(a) {
		return startLine{}, refused(400, "not a SIP message")
	}
	s := startLine{method: a}
	if !isVersion(c) {
		if len(c) > 4 && strings.EqualFold(c[:4], "SIP/") && !strings.ContainsAny(c, lws) {
			return s, refused(505, "SIP version not supported")
		}
		return s, refused(400, "the Request-Line does not end with SIP/2.0")
	}
	var err error
	if s.uri, err = ParseURI(b); err != nil || s.uri.Scheme == "*" {
		return s, refused(400, "Request-URI cannot be read")
	}
	switch s.uri.Scheme {
	case "sip", "sips", "tel":
	default:
		return s, refused(416, "")
	}
	if sip.ParseUri(b, new(sip.Uri)) != nil { // the parser behind us must agree, or a stream would be closed for it
		return s, refused(400, "Request-URI cannot be read")
	}
	return s, nil
}

// isVersion reports whether a string is the version of SIP. Its case does not matter (RFC 3261 §7.1), but the parser behind us knows these two
// ways of writing it and no mixture, and it must agree with us.
func isVersion(s string) bool { return s == "SIP/2.0" || s == "sip/2.0" }

// scanFields checks the header lines after the start line for what would make the parser give up or would let a line break
// into a value, and finds the body length: -1 when no Content-Length says, -2 when they cannot be understood.
func scanFields(head []byte) (length int, problem *refusal) {
	length = -1
	count := 0
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, '\n') >= 0 {
			problem = refused(400, "a line break within a header field")
		}
		if len(line) == 0 {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if count == 0 {
				problem = refused(400, "white space before the first header field")
			}
			continue
		}
		if count++; count > maxFields {
			problem = refused(400, "too many header fields")
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, lws)
		if !ok || len(name) == 0 || bytes.ContainsAny(name, "\" <>;,") {
			problem = refused(400, "a header field without a name")
			continue
		}
		if !(len(name) == 1 && name[0]|0x20 == 'l') && !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		if len(head) > 0 && (head[0] == ' ' || head[0] == '\t') { // it goes on, and where the message ends is no place for two opinions
			value = bytes.Clone(value)
			for rest := head; len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t'); {
				var more []byte
				more, rest, _ = bytes.Cut(rest, []byte("\r\n"))
				value = append(value, more...)
			}
		}
		n, err := strconv.ParseUint(string(bytes.Trim(value, lws)), 10, 31)
		switch {
		case err != nil, length >= 0 && length != int(n):
			length, problem = -2, refused(400, "Content-Length cannot be understood")
		case length != -2:
			length = int(n)
		}
	}
	return length, problem
}

// splitFields cuts header lines into fields and unfolds them, for messages that the parser is not given.
func splitFields(head []byte) []Header {
	var out []Header
	for l := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(l) == 0 || len(out) >= maxFields {
			continue
		}
		if (l[0] == ' ' || l[0] == '\t') && len(out) > 0 {
			out[len(out)-1].Value += " " + string(bytes.Trim(l, lws))
			continue
		}
		if name, value, ok := bytes.Cut(l, []byte(":")); ok {
			out = append(out, Header{longName(string(bytes.Trim(name, lws))), string(bytes.Trim(value, lws))})
		}
	}
	return out
}

// checked is one message that the parser can be given, or the reason why not.
type checked struct {
	start   startLine
	fields  []byte // header lines, without the start line
	length  int    // of the body; see scanFields
	problem *refusal
}

// check looks at the head of a message, which ends with the empty line.
func check(head []byte) checked {
	first, rest, _ := bytes.Cut(head, []byte("\r\n"))
	var c checked
	c.fields = rest
	c.length, c.problem = scanFields(rest)
	start, bad := parseStart(string(first))
	c.start = start
	if bytes.ContainsAny(first, "\r\n\x00") {
		bad = refused(400, "a line break within the start line")
	}
	if bad != nil {
		c.problem = bad
	}
	return c
}
