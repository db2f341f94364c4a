package number

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
	// Variants are the digit strings under which the number may be stored, the most significant first; at most eight.
	Variants []string

	parsed *phonenumbers.PhoneNumber // without extension; nil when it could not be read
	also   *phonenumbers.PhoneNumber // what it is if its plus was left out; nil when that cannot be
	region string
	plus   bool // it was signalled with one
}

// maxVariants bounds the OR in a search.
const maxVariants = 8

// Parse reads a number. It never fails: what cannot be read has no variants but its own digits.
func (n *Plan) Parse(raw string) Number {
	out := Number{Raw: text.Clean(raw), region: n.region}
	user, _ := splitParty(raw)
	out.plus = strings.HasPrefix(user, "+")
	if i := indexFold(raw, ";ext="); i >= 0 {
		ext, _, _ := strings.Cut(raw[i+5:], ";")
		user += ";ext=" + Digits(ext)
	}
	p := n.read(inContext(raw, user))
	if p != nil {
		out.Extension = p.GetExtension()
		p.Extension = nil
		out.Valid = phonenumbers.IsValidNumber(p)
		out.parsed = p
	}
	out.Digits = Digits(WithoutExtension(user))
	if q := abroad(user, out.Digits); q != nil && n.writesPrefix(out.Digits) && !same(p, q) {
		out.also = q
	}
	out.Variants = n.variants(p, out.also, out.Digits)
	return out
}

// inContext puts the country before a local number (RFC 3966 §5.1.5).
func inContext(raw, user string) string {
	i := indexFold(raw, ";phone-context=+")
	if i < 0 || strings.HasPrefix(user, "+") {
		return user
	}
	context := raw[i+len(";phone-context=+"):]
	return "+" + context[:len(context)-len(strings.TrimLeft(context, "0123456789"))] + user
}

// read parses in the desk's region; when that gives no valid number it tries the ways in which carriers leave out the
// plus of a foreign number.
func (n *Plan) read(user string) *phonenumbers.PhoneNumber {
	if len(user) > 64 {
		return nil
	}
	digits := Digits(WithoutExtension(user))
	p, err := phonenumbers.Parse(user, n.region)
	if p = modern(p); err == nil && phonenumbers.IsValidNumber(p) {
		// Plans of variable length take nearly everything, also a number of their own country without its plus.
		if q := abroad(user, digits); q != nil && q.GetCountryCode() == p.GetCountryCode() && n.writesPrefix(digits) {
			return q
		}
		return p
	}
	for _, d := range []string{digits, strings.TrimPrefix(digits, "00"), strings.TrimPrefix(digits, "011")} {
		if q := abroad(user, d); q != nil {
			return q
		}
	}
	if err != nil {
		return nil
	}
	return p
}

// abroad reads the digits of a number that was signalled without its plus as an international one; nil when they are none.
func abroad(user, digits string) *phonenumbers.PhoneNumber {
	if len(digits) < 10 || len(user) > 64 || strings.HasPrefix(strings.TrimSpace(user), "+") {
		return nil
	}
	p, err := phonenumbers.Parse("+"+digits, "")
	if p = modern(p); err != nil || !phonenumbers.IsValidNumber(p) {
		return nil
	}
	return p
}

// writesPrefix reports whether numbers of the desk's country begin with a trunk prefix, and these digits do not: then they may well be
// an international number without its plus. In North America, where people leave out the 1, nothing can be told from it.
func (n *Plan) writesPrefix(digits string) bool {
	prefix := phonenumbers.GetNddPrefixForRegion(n.region, true)
	return prefix != "" && prefix != "1" && !strings.HasPrefix(digits, prefix)
}

func same(p, q *phonenumbers.PhoneNumber) bool {
	return p != nil && q != nil && phonenumbers.IsNumberMatchWithNumbers(p, q) == phonenumbers.EXACT_MATCH
}

// variants includes the forms of numbers that no plan assigns (yet): they stand in address books all the same.
func (n *Plan) variants(p, also *phonenumbers.PhoneNumber, raw string) []string {
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
			trunk := Digits(phonenumbers.Format(p, phonenumbers.NATIONAL))
			if area, rest := argentine(p); area != "" {
				trunk = "0" + area + "15" + rest
				add(area + "15" + rest)
				add(cc + area + "15" + rest)
			}
			add(trunk)
			add(worldPrefix(n.region) + cc + nsn)
			for _, old := range formerly(cc, nsn, trunk) {
				add(old)
			}
			if strings.HasSuffix(trunk, nsn) && trunk != nsn {
				add(cc + trunk) // +44 (0)7814 256404, to an index that ignores the punctuation
			}
			add("00" + cc + nsn)
			if strings.HasPrefix(trunk, "0") && trunk != nsn {
				add("00" + cc + trunk)
			}
		}
	}
	add(raw)
	if also != nil {
		add(phonenumbers.GetNationalSignificantNumber(also))
	}
	return out
}

// WithoutExtension cuts the extension that people write after a number.
func WithoutExtension(s string) string {
	for _, mark := range []string{";ext=", "ext", "x", "#", ";"} {
		if i := indexFold(s, mark); i > 0 && len(Digits(s[:i])) >= 6 && Digits(s[i:]) != "" {
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
// and without extension, are the same number, or when its digits are one of the variants and cannot be another number.
func (num Number) Agrees(stored string) Agreement {
	best := Differs
	for _, s := range storedForms(stored) {
		if a := num.agrees(s); a > best {
			best = a
		}
	}
	return best
}

func (num Number) agrees(stored string) Agreement {
	digits := Digits(WithoutExtension(stored))
	alike := slices.Contains(num.Variants, digits)
	q, err := phonenumbers.ParseAndKeepRawInput(stored, num.region)
	best := Differs
	if err == nil {
		q = modern(q)
		q.Extension = nil
		for _, p := range []*phonenumbers.PhoneNumber{num.parsed, num.also} {
			if p == nil {
				continue
			}
			switch phonenumbers.IsNumberMatchWithNumbers(p, q) {
			case phonenumbers.EXACT_MATCH, phonenumbers.NSN_MATCH:
				return Agrees
			case phonenumbers.SHORT_NSN_MATCH:
				best = Possible
			}
		}
		alike = alike && num.mayBe(q, digits)
	}
	if alike {
		return Agrees
	}
	return best
}

// mayBe reports whether a stored number whose digits are one of the variants can be the caller's: it says no country, or the caller's.
// +20 79460018 is in Egypt, and not 20 7946 0018 in London.
func (num Number) mayBe(q *phonenumbers.PhoneNumber, digits string) bool {
	switch q.GetCountryCodeSource() {
	case phonenumbers.PhoneNumber_FROM_NUMBER_WITH_PLUS_SIGN, phonenumbers.PhoneNumber_FROM_NUMBER_WITH_IDD:
	default:
		return true
	}
	if num.parsed == nil || digits == num.Digits && !num.plus && (len(digits) > 10 || !num.Valid) {
		return true // the caller's has lost its plus
	}
	country := strconv.Itoa(int(num.parsed.GetCountryCode()))
	return q.GetCountryCode() == num.parsed.GetCountryCode() && len(digits) >= len(country)+len(num.Variants[0])
}

// storedForms cleans a stored value and takes apart what people squeeze into one field: two numbers, or a number and a
// remark.
func storedForms(stored string) []string {
	s := text.Clean(stored).String()
	if s == "" || len(s) > 120 {
		return nil
	}
	out := []string{s}
	take := func(parts []string, least int) {
		if len(parts) < 2 {
			return
		}
		for _, p := range parts {
			if p = strings.TrimRight(strings.TrimSpace(p), " ([-"); len(out) < 9 && len(Digits(p)) >= least && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	take(strings.FieldsFunc(strings.ReplaceAll(s, " or ", ";"), func(r rune) bool { return r == ';' || r == ',' || r == '|' }), 6)
	if i := strings.IndexFunc(s, unicode.IsLetter); i > 0 {
		take([]string{s[:i], ""}, 6) // "020 7946 0000 (reception)": the letters are no digits
	}
	// "030/23125123 oder 0171/39200123": what stands on both sides is long enough to be a number.
	take(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || strings.ContainsRune(";,|&", r) }), 7)
	take(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || strings.ContainsRune(";,|&/", r) }), 7)
	if strings.Count(s, "+") > 1 {
		take(strings.Split(strings.ReplaceAll(s, "+", "\n+"), "\n"), 7)
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

// Style is how a number is printed.
type Style string

// Number styles.
const (
	AsSignalled Style = "signalled"
	National    Style = "national"
	E164        Style = "e164"
)

// Format prints the number; one that is not valid is printed as it was signalled.
func (num Number) Format(style Style) text.Text {
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

// Key identifies the number in caches.
func (num Number) Key() string {
	if e := num.E164(); e != "" {
		return e
	}
	return num.Digits
}

// KnownRegion reports whether numbers can be understood as those of a country, by its two letters.
func KnownRegion(region string) bool {
	return phonenumbers.GetCountryCodeForRegion(strings.ToUpper(region)) != 0
}
