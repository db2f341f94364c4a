package crm

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"offhook/internal/text"
)

// Number is one party's number, read once and compared often.
type Number struct {
	Raw       text.Text // as signalled or typed
	Digits    string    // ASCII digits of the user part, without extension
	Extension string
	Valid     bool // a number that exists in some numbering plan
	// Variants are the digit strings under which the number may be stored, the most significant first; at most six.
	Variants []string

	parsed *phonenumbers.PhoneNumber // without extension; nil when it could not be read
	region string
}

// maxVariants bounds the OR in a search.
const maxVariants = 6

// Parse reads a number. It never fails: what cannot be read has no variants but its own digits.
func (n *Numbers) Parse(raw string) Number {
	out := Number{Raw: text.Clean(raw), region: n.region}
	user, _ := splitParty(raw)
	if i := indexFold(raw, ";ext="); i >= 0 {
		ext, _, _ := strings.Cut(raw[i+5:], ";")
		user += ";ext=" + digitsOf(ext)
	}
	p := n.read(user)
	if p != nil {
		out.Extension = p.GetExtension()
		p.Extension = nil
		out.Valid = phonenumbers.IsValidNumber(p)
		out.parsed = p
	}
	out.Digits = digitsOf(withoutExtension(user))
	out.Variants = variants(p, out.Digits)
	return out
}

// read parses in the desk's region; when that gives no valid number it tries the ways in which carriers leave out the
// plus of a foreign number.
func (n *Numbers) read(user string) *phonenumbers.PhoneNumber {
	if len(user) > 64 {
		return nil
	}
	p, err := phonenumbers.Parse(user, n.region)
	if err == nil && phonenumbers.IsValidNumber(p) {
		return p
	}
	digits := digitsOf(withoutExtension(user))
	if len(digits) >= 10 && !strings.HasPrefix(strings.TrimSpace(user), "+") {
		for _, d := range []string{digits, strings.TrimPrefix(digits, "00"), strings.TrimPrefix(digits, "011")} {
			if q, err := phonenumbers.Parse("+"+d, ""); err == nil && phonenumbers.IsValidNumber(q) {
				return q
			}
		}
	}
	if err != nil {
		return nil
	}
	return p
}

// variants includes the forms of numbers that no plan assigns (yet): they stand in address books all the same.
func variants(p *phonenumbers.PhoneNumber, raw string) []string {
	var out []string
	add := func(d string) {
		if len(d) >= 2 && len(d) <= 20 && len(out) < maxVariants && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	if p != nil {
		nsn := phonenumbers.GetNationalSignificantNumber(p)
		add(nsn)
		if phonenumbers.IsPossibleNumber(p) {
			cc := strconv.Itoa(int(p.GetCountryCode()))
			add(cc + nsn)
			trunk := digitsOf(phonenumbers.Format(p, phonenumbers.NATIONAL))
			add(trunk)
			add("00" + cc + nsn)
			if strings.HasSuffix(trunk, nsn) && trunk != nsn {
				add(cc + trunk) // +44 (0)7814 256404, to an index that ignores the punctuation
			}
		}
	}
	add(raw)
	return out
}

// withoutExtension cuts the extension that people write after a number.
func withoutExtension(s string) string {
	for _, mark := range []string{";ext=", "ext", "x", "#", ";"} {
		if i := indexFold(s, mark); i > 0 && len(digitsOf(s[:i])) >= 6 && digitsOf(s[i:]) != "" {
			return s[:i]
		}
	}
	return s
}

// indexFold finds an ASCII mark whatever its case. (strings.ToLower may change the length of what strangers send.)
func indexFold(s, mark string) int {
	for i := 0; i+len(mark) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(mark)], mark) {
			return i
		}
	}
	return -1
}

// Agreement is how surely a stored number is the caller's.
type Agreement int

// Agreements.
const (
	Differs  Agreement = iota
	Possible           // only the last digits agree: shown as a count, never used
	Agrees
)

// Agrees compares a stored value, as somebody typed it, with the number. It agrees when both, read in the desk's region
// and without extension, are the same number, or when its digits are one of the variants.
func (num Number) Agrees(stored string) Agreement {
	best := Differs
	for _, s := range storedForms(stored) {
		if slices.Contains(num.Variants, digitsOf(withoutExtension(s))) {
			return Agrees
		}
		if num.parsed == nil {
			continue
		}
		q, err := phonenumbers.Parse(s, num.region)
		if err != nil {
			continue
		}
		q.Extension = nil
		switch phonenumbers.IsNumberMatchWithNumbers(num.parsed, q) {
		case phonenumbers.EXACT_MATCH, phonenumbers.NSN_MATCH:
			return Agrees
		case phonenumbers.SHORT_NSN_MATCH:
			best = Possible
		}
	}
	return best
}

// storedForms cleans a stored value and takes apart what people squeeze into one field: two numbers, or a number and a
// remark.
func storedForms(stored string) []string {
	s := text.Clean(stored).String()
	if s == "" || len(s) > 120 {
		return nil
	}
	out := []string{s}
	parts := strings.FieldsFunc(strings.ReplaceAll(s, " or ", ";"), func(r rune) bool { return r == ';' || r == ',' || r == '|' })
	if len(parts) > 1 {
		for _, p := range parts[:min(len(parts), 4)] {
			if len(digitsOf(p)) >= 6 {
				out = append(out, strings.TrimSpace(p))
			}
		}
	}
	if i := strings.IndexFunc(s, unicode.IsLetter); i > 0 && len(digitsOf(s[:i])) >= 6 {
		out = append(out, strings.TrimRight(s[:i], " ([-")) // "020 7946 0000 (reception)": the letters are no digits
	}
	return out
}

// storedExactly are the spellings under which the number is worth asking for literally.
func (num Number) storedExactly() []string {
	var out []string
	add := func(s string) {
		if s != "" && len(out) < 12 && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if num.parsed != nil && phonenumbers.IsPossibleNumber(num.parsed) {
		add(phonenumbers.Format(num.parsed, phonenumbers.E164))
		national := phonenumbers.Format(num.parsed, phonenumbers.NATIONAL)
		add(national)
		intl := phonenumbers.Format(num.parsed, phonenumbers.INTERNATIONAL)
		add(intl)
		if cc, rest, ok := strings.Cut(intl, " "); ok && strings.HasPrefix(digitsOf(national), "0") {
			add(cc + " (0)" + rest)
		}
		if a, b, ok := strings.Cut(national, ") "); ok {
			add(strings.TrimPrefix(a, "(") + "-" + b) // (415) 555-1234 is often typed 415-555-1234
		}
	}
	for _, v := range num.Variants {
		add(v)
	}
	if raw := num.Raw.String(); len(raw) <= 40 {
		add(raw)
	}
	return out
}

// E164 returns +447814256404, or "" when the number is not a valid one.
func (num Number) E164() string {
	if !num.Valid {
		return ""
	}
	return phonenumbers.Format(num.parsed, phonenumbers.E164)
}

// NumberStyle is how a number is printed.
type NumberStyle string

// Number styles.
const (
	AsSignalled NumberStyle = "signalled"
	National    NumberStyle = "national"
	E164        NumberStyle = "e164"
)

// Format prints the number; one that is not valid is printed as it was signalled.
func (num Number) Format(style NumberStyle) text.Text {
	if num.Valid {
		switch style {
		case National:
			return text.Clean(phonenumbers.Format(num.parsed, phonenumbers.NATIONAL))
		case E164:
			return text.Clean(num.E164())
		}
	}
	return num.Raw
}

// Place returns where a fixed-line number belongs ("Bournemouth"), or the empty text: for mobiles, for numbers that do
// not exist, and when nothing better than the country is known.
func (num Number) Place() text.Text {
	if !num.Valid {
		return text.Text{}
	}
	switch phonenumbers.GetNumberType(num.parsed) {
	case phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return text.Text{}
	}
	place, err := phonenumbers.GetGeocodingForNumber(num.parsed, "en")
	if err != nil {
		return text.Text{}
	}
	if reg, err := language.ParseRegion(phonenumbers.GetRegionCodeForNumber(num.parsed)); err == nil &&
		strings.EqualFold(place, display.Regions(language.English).Name(reg)) {
		return text.Text{}
	}
	return text.Clean(place)
}

// key identifies the number in caches.
func (num Number) key() string {
	if e := num.E164(); e != "" {
		return e
	}
	return num.Digits
}

// KnownRegion reports whether numbers can be understood as those of a country, by its two letters.
func KnownRegion(region string) bool {
	return phonenumbers.GetCountryCodeForRegion(strings.ToUpper(region)) != 0
}
