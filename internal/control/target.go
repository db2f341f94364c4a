package control

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"offhook/internal/text"
)

// Target is who another program wants to have called.
type Target struct {
	Number  text.Text // digits, perhaps with a plus before them, or a sip: or sips: address
	Ext     text.Text // digits of the extension behind it (RFC 3966 ;ext=)
	Context text.Text // where a local number is one (RFC 3966 ;phone-context=): +44 or example.com
}

// Limits of a target.
const (
	maxRaw     = 512
	maxDigits  = 32
	maxExt     = 12
	maxAddress = 120
)

var (
	errLong    = errors.New("that is too long for a number: nobody was called")
	errNumber  = errors.New("that is neither a telephone number nor a SIP address: nobody was called")
	errCode    = errors.New("the link holds a service code (* or #), which is dialled by hand only: nobody was called")
	errUnknown = errors.New("the link asks for something that offhook does not know: nobody was called")
)

var (
	extension = regexp.MustCompile(`(?i)[ ,;]*(?:x|ext\.?|extension)[ .:]*([0-9]{1,12})$`)
	sipUser   = regexp.MustCompile(`^[A-Za-z0-9._~+=-]{1,64}$`)
	sipHost   = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)
	context66 = regexp.MustCompile(`^(?:\+[0-9().-]{1,32}|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,100}[A-Za-z0-9])?)$`)
)

// written are characters of numbers in texts that were set by a typesetter.
var written = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u2010", "-", "\u2011", "-", "\u2013", "-", "\u2212", "-")

// Parse reads a number as people write it, a tel: link (RFC 3966) or a sip: address (RFC 3261 §19.1). Whatever holds something else is
// refused. Links that break the rules in ways that web pages do (spaces, slashes, no phone-context) are read as they are meant.
func Parse(raw string) (Target, error) {
	if len(raw) > maxRaw {
		return Target{}, errLong
	}
	s := strings.TrimSpace(written.Replace(raw))
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return Target{}, errNumber
		}
	}
	scheme, rest, linked := strings.Cut(s, ":")
	if !linked {
		if strings.Contains(s, "@") {
			return parseSIP("sip", s)
		}
		return parsePlain(s)
	}
	rest = strings.TrimPrefix(rest, "//")
	switch scheme = strings.ToLower(scheme); scheme {
	case "tel":
		return parseTel(rest)
	case "sip", "sips":
		return parseSIP(scheme, rest)
	}
	if strings.Contains(s, "@") && sipHost.MatchString(s[strings.LastIndex(s, "@")+1:]) { // alice@example.com:5070
		return parseSIP("sip", s)
	}
	return Target{}, errNumber
}

// parsePlain reads what a person typed or a shell script has: codes with * and # are theirs to dial.
func parsePlain(s string) (Target, error) {
	var t Target
	if m := extension.FindStringSubmatchIndex(s); m != nil && m[0] > 0 {
		t.Ext = text.Clean(s[m[2]:m[3]])
		s = s[:m[0]]
	}
	n, err := digits(s, true)
	t.Number = text.Clean(n)
	return t, err
}

// digits takes the separators out of a number.
func digits(s string, codes bool) (string, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "+") {
		s = strings.Replace(s, "(0)", "", 1) // +44 (0)20 …: the zero is for those who dial within the country
	}
	var b strings.Builder
	some := false
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			some = true
			b.WriteRune(r)
		case r == '*' || r == '#':
			if !codes {
				return "", errCode
			}
			b.WriteRune(r)
		case r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()", r):
		default:
			return "", errNumber
		}
	}
	switch n := b.String(); {
	case !some:
		return "", errNumber
	case len(n) > maxDigits:
		return "", errLong
	default:
		return n, nil
	}
}

// parseTel reads what stands behind tel:. A local number stays as it is: its context says where it is one, and is no prefix of it
// (RFC 3966 §5.1.5).
func parseTel(s string) (Target, error) {
	number, params, _ := strings.Cut(s, ";")
	number, err := url.PathUnescape(number)
	if err != nil {
		return Target{}, errNumber
	}
	n, err := digits(number, false)
	if err != nil {
		return Target{}, err
	}
	t := Target{Number: text.Clean(n)}
	seen := map[string]bool{}
	for p := range strings.SplitSeq(params, ";") {
		if p == "" {
			continue
		}
		name, value, _ := strings.Cut(p, "=")
		name = strings.ToLower(name)
		value, err := url.PathUnescape(value)
		if err != nil || seen[name] { // none may stand twice
			return Target{}, errUnknown
		}
		seen[name] = true
		switch {
		case name == "ext":
			e, err := digits(value, false)
			if err != nil || len(e) > maxExt || e[0] == '+' {
				return Target{}, errUnknown
			}
			t.Ext = text.Clean(e)
		case name == "phone-context":
			if !context66.MatchString(value) {
				return Target{}, errUnknown
			}
			if n[0] != '+' {
				t.Context = text.Clean(value)
			}
		case strings.HasPrefix(name, "m-"): // mandatory: who does not know it must not use the link
			return Target{}, errUnknown
		}
	}
	return t, nil
}

// parseSIP reads what stands behind sip:. Passwords, parameters and headers are left out: a link has no say in how a call is made. A
// user who is a number of the world is that number; everybody else stays an address, because 2104 elsewhere is not our 2104.
func parseSIP(scheme, s string) (Target, error) {
	s, _, _ = strings.Cut(s, "?")
	at := strings.LastIndex(s, "@")
	if at < 0 {
		s, _, _ = strings.Cut(s, ";")
		return parseTel(s) // sip:2104, which is no SIP address, but is written
	}
	user, host := s[:at], s[at+1:]
	host, _, _ = strings.Cut(host, ";")
	user, params, _ := strings.Cut(user, ";")
	user, _, _ = strings.Cut(user, ":")
	user, err := url.PathUnescape(user)
	if err != nil || !sipHost.MatchString(host) {
		return Target{}, errNumber
	}
	if strings.HasPrefix(user, "+") {
		return parseTel(url.PathEscape(user) + ";" + params)
	}
	if strings.ContainsAny(user, "*#") {
		return Target{}, errCode
	}
	if !sipUser.MatchString(user) {
		return Target{}, errNumber
	}
	address := scheme + ":" + user + "@" + host
	if len(address) > maxAddress {
		return Target{}, errLong
	}
	return Target{Number: text.Clean(address)}, nil
}
