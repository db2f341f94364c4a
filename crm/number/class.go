package number

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"offhook/internal/text"
)

// Class is what kind of party a number is, decided before any lookup.
type Class string

// Classes.
const (
	Emergency Class = "emergency" // always dialled, never looked up, never associated
	Withheld  Class = "withheld"  // no number: associated only by what the agent does
	Internal  Class = "internal"  // a colleague: never looked up, never associated
	External  Class = "external"
)

// Rule classifies numbers that begin with Prefix and have MinLen to MaxLen characters (0 for no limit).
type Rule struct {
	Prefix string `json:"prefix"`
	MinLen int    `json:"min_len,omitempty"`
	MaxLen int    `json:"max_len,omitempty"`
	Class  Class  `json:"class,omitempty"` // Internal when empty; External makes an exception
}

// Settings are how this desk reads numbers.
type Settings struct {
	Region            string   // ISO 3166 code of numbers without country code: "GB"
	InternalMaxDigits int      // up to so many digits, * and # are an extension; 0 for 5, negative for none
	InternalRules     []Rule   // the first that fits wins
	Emergency         []string // nil for 112, 911, 999
	Domain            string   // our SIP domain: alphabetic users at it are colleagues
}

// DefaultInternalMaxDigits is the longest number that is taken for an extension.
const DefaultInternalMaxDigits = 5

// Plan classifies and compares telephone numbers. It is immutable and may be shared.
type Plan struct {
	region    string
	maxDigits int
	rules     []Rule
	emergency []string
	domain    string
}

// NewPlan makes a Plan of settings.
func NewPlan(s Settings) *Plan {
	n := &Plan{
		region: strings.ToUpper(strings.TrimSpace(s.Region)), maxDigits: s.InternalMaxDigits,
		rules: slices.Clone(s.InternalRules), emergency: s.Emergency, domain: strings.ToLower(strings.TrimSuffix(s.Domain, ".")),
	}
	if n.maxDigits == 0 {
		n.maxDigits = DefaultInternalMaxDigits
	}
	if s.Emergency == nil {
		n.emergency = []string{"112", "911", "999"}
	}
	return n
}

// Classify decides the class of a party. number is the user part, a number as typed, or a whole SIP or tel URI; host is
// the domain it was signalled with, when number does not carry it; withheld is what the telephone knows from Privacy.
//
// The order is the rule: emergency, withheld, the desk's own rules, short numbers, colleagues by name, the rest. It
// comes before number parsing, for which 100 is a number like any other.
func (n *Plan) Classify(number string, withheld bool, host string) Class {
	user, own := splitParty(number)
	if own != "" {
		host = own
	}
	host = hostName(host)
	short := squeeze(user)
	switch {
	case short != "" && slices.Contains(n.emergency, short):
		return Emergency
	case withheld || isWithheld(user, host):
		return Withheld
	}
	for _, r := range n.rules {
		if strings.HasPrefix(short, r.Prefix) && len(short) >= r.MinLen && (r.MaxLen == 0 || len(short) <= r.MaxLen) {
			if r.Class == "" {
				return Internal
			}
			return r.Class
		}
	}
	switch {
	case dialCode(short) && len(short) <= n.maxDigits:
		return Internal
	case n.domain != "" && host == n.domain && startsWithLetter(user):
		return Internal
	}
	return External
}

// isWithheld recognises the words that stand where a number should be (RFC 3323 and what gateways send).
func isWithheld(user, host string) bool {
	switch strings.ToLower(user) {
	case "", "anonymous", "restricted", "unavailable", "unknown", "private", "withheld":
		return true
	}
	return host == "anonymous.invalid"
}

// splitParty takes the user part out of a number, a name-addr, or a SIP or tel URI: scheme, parameters, headers and
// escapes go. The host is "" when there was none.
func splitParty(raw string) (user, host string) {
	s := text.Clean(raw).String()
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s, _, _ = strings.Cut(s[i+1:], ">")
	}
	lower := strings.ToLower(s)
	uri := false
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if strings.HasPrefix(lower, scheme) {
			s, uri = s[len(scheme):], true
			break
		}
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s, host = s[:i], s[i+1:]
		uri = true
	}
	if uri {
		s, _, _ = strings.Cut(s, "?")
		if u, err := url.PathUnescape(s); err == nil {
			s = text.Clean(u).String()
		}
	}
	s, _, _ = strings.Cut(s, ";")
	return strings.TrimSpace(s), hostName(host)
}

// hostName takes port, parameters and brackets off a host and lowers it.
func hostName(h string) string {
	h, _, _ = strings.Cut(h, ";")
	h, _, _ = strings.Cut(h, "?")
	h = strings.ToLower(strings.TrimSpace(h))
	if strings.HasPrefix(h, "[") {
		h, _, _ = strings.Cut(h[1:], "]")
		return h
	}
	if strings.Count(h, ":") == 1 {
		h, _, _ = strings.Cut(h, ":")
	}
	return strings.TrimSuffix(h, ".")
}

// squeeze removes what people put between digits for the eye, and turns digits of other scripts into ASCII.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), strings.ContainsRune("./()[]", r):
			return -1
		case r > 0x7f && unicode.Is(unicode.Nd, r):
			return asciiDigit(r)
		}
		return r
	}, s)
}

// asciiDigit maps a decimal digit of any script: every block of them is ten long and begins with zero.
func asciiDigit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

// Digits returns the ASCII digits of s, with digits of other scripts turned into them.
func Digits(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > 0x7f && unicode.Is(unicode.Nd, r) {
			r = asciiDigit(r)
		}
		if r >= '0' && r <= '9' {
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

// dialCode reports a string of digits, * and #.
func dialCode(s string) bool {
	return s != "" && strings.Trim(s, "0123456789*#") == ""
}

func startsWithLetter(s string) bool {
	for _, r := range s {
		return unicode.IsLetter(r)
	}
	return false
}
