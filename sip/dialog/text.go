package dialog

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

func isAny(s string, of ...string) bool {
	for _, o := range of {
		if strings.EqualFold(s, o) {
			return true
		}
	}
	return false
}

// reason is a Reason header value that concerns us (RFC 3326).
type reason struct {
	protocol string // "SIP", "Q.850"
	cause    int
	text     string
}

// reasonOf reads the most telling Reason of a message: SIP before Q.850.
func reasonOf(h transaction.Headers) reason {
	var best reason
	for _, v := range h.Values("Reason") {
		proto, rest, _ := strings.Cut(v, ";")
		r := reason{protocol: strings.ToUpper(strings.TrimSpace(proto))}
		if p, err := transaction.ParseParams(rest); err == nil {
			cause, _ := p.Get("cause")
			r.cause, _ = strconv.Atoi(strings.TrimSpace(cause))
			r.text, _ = p.Get("text")
		}
		if best.protocol == "" || best.protocol != "SIP" && r.protocol == "SIP" {
			best = r
		}
	}
	return best
}

// elsewhere: another phone of this user took the call. Q.850 26 is "non-selected user clearing".
func (r reason) elsewhere() bool {
	return r.protocol == "SIP" && r.cause == 200 || r.protocol == "Q.850" && r.cause == 26
}

func (r reason) code() int {
	if r.protocol == "SIP" {
		return r.cause
	}
	return 0
}

// errMediaType: there is a body, and we must understand it, but cannot (415).
var errMediaType = errors.New("the body is not a session description")

// sdpOf finds the session description in a body: nil when there is none.
func sdpOf(contentType string, h transaction.Headers, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if enc := h.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, errMediaType
	}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && kind == "application/sdp":
		return body, nil
	case err == nil && kind == "multipart/mixed" && params["boundary"] != "":
		mr := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		strange := false // a part that must be understood is not (RFC 5621 §8)
		for range 8 {
			part, err := mr.NextPart()
			if err != nil {
				break
			}
			if t, _, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil && t == "application/sdp" {
				b, err := io.ReadAll(io.LimitReader(part, offer.MaxSize))
				if err != nil {
					break
				}
				return b, nil
			}
			strange = strange || !optional(part.Header.Get("Content-Disposition"))
		}
		if strange {
			return nil, errMediaType
		}
		return nil, nil
	case optional(h.Get("Content-Disposition")):
		return nil, nil
	}
	return nil, errMediaType
}

// optional: a body that need not be understood (RFC 3261 §20.11).
func optional(disposition string) bool {
	return strings.Contains(strings.ToLower(disposition), "handling=optional")
}

// longestDigit bounds what a far end says about the length of a key press.
const longestDigit = 10000

// digitOf reads the digit of an INFO: "Signal=5\r\nDuration=160" or just "5"; some send the first form under the name of the second.
func digitOf(contentType string, body []byte) (Digit, bool) {
	kind, _, _ := mime.ParseMediaType(contentType)
	signal, ms := "", 0
	switch kind {
	case "application/dtmf", "application/dtmf-relay", "application/vnd.nortelnetworks.digits":
		if kind == "application/dtmf" && !bytes.ContainsRune(body, '=') {
			signal = strings.TrimSpace(string(body))
			break
		}
		for line := range strings.Lines(string(body)) {
			k, v, _ := strings.Cut(line, "=")
			switch strings.ToLower(strings.TrimSpace(k)) {
			case "signal", "d":
				signal = strings.TrimSpace(v)
			case "duration":
				ms, _ = strconv.Atoi(strings.TrimSpace(v))
			}
		}
	default:
		return Digit{}, false
	}
	if n, err := strconv.Atoi(signal); err == nil && n >= 10 && n <= 15 { // RFC 4733 §3.2 counts on
		signal = "*#ABCD"[n-10 : n-9]
	}
	if len(signal) != 1 || !strings.ContainsAny(signal, "0123456789*#ABCDabcd") {
		return Digit{}, true
	}
	return Digit{Digit: rune(strings.ToUpper(signal)[0]), Duration: millis(min(max(ms, 0), longestDigit))}, true
}

// fragStatus reads the status line of a message/sipfrag body (RFC 3420).
func fragStatus(body []byte) (code int, phrase string, ok bool) {
	line, _, _ := strings.Cut(string(body[:min(len(body), 1024)]), "\n")
	f := strings.SplitN(strings.TrimSpace(line), " ", 3)
	if len(f) < 2 || !strings.EqualFold(f[0], "SIP/2.0") || len(f[1]) != 3 {
		return 0, "", false
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || n < 100 || n > 699 {
		return 0, "", false
	}
	if len(f) == 3 {
		phrase = strings.TrimSpace(f[2])
	}
	return n, phrase, true
}
