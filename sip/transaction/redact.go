package transaction

import (
	"bytes"
	"slices"
	"strings"
)

// Redact copies a message, or a part of one that begins with a line, and writes stars over what would let its reader be the account, or
// hear the call: the response and rspauth of digest credentials (with the nonce they can be guessed from at leisure), other credentials as a
// whole, passwords in SIP URIs, keys in SDP (a=crypto, a=key-mgmt, k=, a=ice-pwd), and the values of these header fields. Everything else stays where it was,
// byte for byte. Whoever shows or stores messages shows or stores this; what Config.Trace gets has been through it.
func Redact(data []byte, headers ...string) []byte {
	out := slices.Clone(data)
	for rest := out; len(rest) > 0; {
		n := logicalLine(rest)
		redactLine(rest[:n], headers)
		rest = rest[n:]
	}
	return out
}

// logicalLine is the length of the first line and of the lines that continue it (RFC 3261 §7.3.1).
func logicalLine(b []byte) int {
	for n := 0; ; {
		i := bytes.IndexAny(b[n:], "\r\n")
		if i < 0 {
			return len(b)
		}
		if n += i + 1; b[n-1] == '\r' && n < len(b) && b[n] == '\n' {
			n++
		}
		if n == len(b) || b[n] != ' ' && b[n] != '\t' {
			return n
		}
	}
}

// redactLine works in place.
func redactLine(line []byte, headers []string) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) > 2 && line[1] == '=' {
		switch attribute, value, _ := bytes.Cut(line[2:], []byte(":")); {
		case line[0]|0x20 == 'k':
			stars(line[2:])
		case line[0]|0x20 != 'a':
		case bytes.EqualFold(attribute, []byte("key-mgmt")), bytes.EqualFold(attribute, []byte("ice-pwd")):
			stars(value)
		}
	}
	after(line, "inline:", func(b []byte) int { return bytes.IndexAny(b, "|; \t\r\n,\"") })
	after(line, "sip:", password)
	after(line, "sips:", password)
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return
	}
	field := strings.ToLower(string(bytes.Trim(name, lws)))
	switch {
	case field == "authorization", field == "proxy-authorization":
		credentials(value)
	case strings.HasSuffix(field, "authentication-info"):
		parameter(value, "rspauth")
	case slices.ContainsFunc(headers, func(h string) bool { return strings.EqualFold(longName(h), longName(string(bytes.Trim(name, lws)))) }):
		stars(value)
	}
}

// stars covers everything but white space.
func stars(b []byte) {
	for i, c := range b {
		if c > ' ' {
			b[i] = '*'
		}
	}
}

// after covers what follows each mark, written in any case; end says how much (negative: all).
func after(line []byte, mark string, end func([]byte) int) {
	for i := 0; i+len(mark) <= len(line); i++ {
		if line[i]|0x20 != mark[0] || !bytes.EqualFold(line[i:i+len(mark)], []byte(mark)) {
			continue
		}
		rest := line[i+len(mark):]
		n := end(rest)
		if n < 0 {
			n = len(rest)
		}
		stars(rest[:n])
	}
}

// password covers that of "user:password@host" by itself and returns 0: nothing of the rest.
func password(b []byte) int {
	end := bytes.IndexAny(b, "@<>, \t\r\n\"")
	if end < 0 || b[end] != '@' {
		return 0
	}
	if i := bytes.IndexByte(b[:end], ':'); i >= 0 {
		stars(b[i+1 : end])
	}
	return 0
}

// credentials covers the secret of an Authorization value: of Digest the response, of everything else all of it.
func credentials(value []byte) {
	trimmed := bytes.TrimLeft(value, " \t\r\n")
	i := bytes.IndexAny(trimmed, " \t\r\n")
	if i < 0 {
		stars(trimmed)
		return
	}
	if !bytes.EqualFold(trimmed[:i], []byte("Digest")) || !parameter(trimmed[i:], "response") {
		stars(trimmed[i:])
	}
}

// parameter covers the value of each parameter of this name in a comma list; false when there is none, or when the list cannot be read, so that
// nobody knows what stands where.
func parameter(list []byte, name string) bool {
	found := false
	for len(list) > 0 {
		n, quoted := 0, false
		for ; n < len(list) && (quoted || list[n] != ','); n++ {
			switch {
			case list[n] == '"':
				quoted = !quoted
			case list[n] == '\\' && quoted:
				n++
			}
		}
		if quoted || n > len(list) {
			stars(list)
			return found
		}
		key, value, ok := bytes.Cut(list[:n], []byte("="))
		if ok && bytes.EqualFold(bytes.Trim(key, " \t\r\n"), []byte(name)) {
			found = true
			for i, c := range value {
				if c > ' ' && c != '"' {
					value[i] = '*'
				}
			}
		}
		list = list[min(n+1, len(list)):]
	}
	return found
}
