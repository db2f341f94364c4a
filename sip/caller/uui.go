package caller

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"offhook/sip/transaction"
)

// userToUser is the readable content of a User-to-User value (RFC 7433 §4.1): decoded when it is text in hexadecimal digits, as
// it stands when it is not.
func userToUser(raw string) string {
	data, params := uuiParts(raw)
	encoding, said := params.Get("encoding")
	if said && !strings.EqualFold(encoding, "hex") {
		return data
	}
	octets, err := hex.DecodeString(data)
	if err != nil || !said && !hexByDefault(data, params) {
		return data
	}
	if s, ok := readable(octets); ok {
		return s
	}
	if len(octets) > 1 && octets[0] < 0x20 { // of ISDN the first octet tells the kind of what follows (RFC 7434 §5)
		if s, ok := readable(octets[1:]); ok {
			return s
		}
		if s, ok := readable(tagged(octets[1:])); ok {
			return s
		}
	}
	return data
}

// hexByDefault: nothing tells the encoding. ISDN's is always hexadecimal, and a number in plain digits must stay one.
func hexByDefault(data string, params transaction.Params) bool {
	purpose, _ := params.Get("purpose")
	content, _ := params.Get("content")
	pd := params.Has("pd")
	return strings.EqualFold(purpose, "isdn-uui") || strings.EqualFold(purpose, "isdn-interwork") || strings.EqualFold(content, "isdn-uui") || pd ||
		strings.HasPrefix(data, "04") && len(data) > 8 || strings.HasPrefix(data, "00") && len(data) > 8
}

// uuiParts takes the data, which may be quoted, from the parameters.
func uuiParts(raw string) (string, transaction.Params) {
	raw = strings.TrimSpace(raw)
	if strings.HasPrefix(raw, `"`) { // as a display name, whose quoting is the same
		if a, err := transaction.ParseAddress(quotedPart(raw) + "<sip:x>"); err == nil {
			params, _ := transaction.ParseParams(raw[len(quotedPart(raw)):])
			return a.Display, params
		}
	}
	data, rest, _ := strings.Cut(raw, ";")
	params, _ := transaction.ParseParams(rest)
	return strings.TrimSpace(data), params
}

// quotedPart is the quoted string that s begins with.
func quotedPart(s string) string {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1]
		}
	}
	return s
}

// tagged finds the caller's own data among what a call centre's exchange adds: an octet that names it, its length, itself.
// 0xC8 is the data, 0xFA the call's id.
func tagged(b []byte) []byte {
	for len(b) >= 2 {
		n := int(b[1])
		if n > len(b)-2 {
			return nil
		}
		if b[0] == 0xC8 {
			return b[2 : 2+n]
		}
		b = b[2+n:]
	}
	return nil
}

// readable reports whether octets are text.
func readable(b []byte) (string, bool) {
	s := strings.TrimRight(string(b), "\x00")
	if s == "" || !utf8.ValidString(s) {
		return "", false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && r != '\t' && r != '\n' && r != '\r' {
			return "", false
		}
	}
	return s, true
}

// recordID reads the id of a Salesforce record with 15 characters, whose case matters, or 18, of which the last three tell the
// case of the others. It returns the form with 18.
func recordID(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) != 15 && len(s) != 18 {
		return "", false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", false
		}
	}
	sum := make([]byte, 0, 3)
	for block := range 3 {
		n := 0
		for i := range 5 {
			if c := s[block*5+i]; c >= 'A' && c <= 'Z' {
				n |= 1 << i
			}
		}
		sum = append(sum, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[n])
	}
	id := s[:15] + string(sum)
	if len(s) == 18 && !strings.EqualFold(s[15:], string(sum)) {
		return "", false
	}
	if strings.Trim(s[:3], "0") == "" { // no kind of record has the prefix 000
		return "", false
	}
	return id, true
}
