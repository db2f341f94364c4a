package number

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxSpellings bounds the IN of a query.
const maxSpellings = 40

// Spellings are the spellings under which the number is worth asking for literally, the likeliest first. Salesforce keeps what people
// typed, and compares it letter by letter.
func (num Number) Spellings() []string {
	var out []string
	add := func(s string) {
		if s != "" && len(s) <= 40 && len(out) < maxSpellings && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	var written []string // with spaces and the like
	if num.parsed != nil && phonenumbers.IsPossibleNumber(num.parsed) {
		add(phonenumbers.Format(num.parsed, phonenumbers.E164))
		national := phonenumbers.Format(num.parsed, phonenumbers.NATIONAL)
		intl := phonenumbers.Format(num.parsed, phonenumbers.INTERNATIONAL)
		add(national)
		add(intl)
		if num.also != nil {
			add(phonenumbers.Format(num.also, phonenumbers.E164))
		}
		for _, v := range num.Variants[:min(4, len(num.Variants))] {
			add(v)
		}
		written = append(written, national, intl)
		if cc, rest, ok := strings.Cut(intl, " "); ok {
			written = append(written, rest, worldPrefix(num.region)+" "+cc[1:]+" "+rest)
			if strings.HasPrefix(Digits(national), "0") {
				add(cc + " (0)" + rest)
				add(cc + " (0) " + rest)
			}
			if cc == "+1" {
				written = append(written, "1 "+rest, "1 "+national)
			}
		}
		for _, s := range written {
			if area, rest, ok := strings.Cut(strings.TrimPrefix(s, "("), ") "); ok {
				add(area + "-" + rest) // (415) 555-1234 is often typed 415-555-1234
			}
		}
	}
	for _, v := range num.Variants {
		add(v)
	}
	add(num.Raw.String())
	for _, s := range written {
		plain := strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" -.()/", r) }), " ")
		add(plain)
		for _, sep := range []string{"-", "."} {
			add(strings.ReplaceAll(plain, " ", sep))
		}
		area, rest, ok := strings.Cut(plain, " ")
		if !ok || strings.HasPrefix(plain, "+") {
			continue
		}
		squeezed := strings.ReplaceAll(rest, " ", "")
		for _, s := range []string{"(" + area + ") " + rest, "(" + area + ") " + squeezed, area + "/" + squeezed, area + "-" + squeezed, area + " " + squeezed, "(" + area + ")" + squeezed} {
			add(s)
		}
		add(inTwos(squeezed, area))
	}
	return out
}

// inTwos writes what follows the area in twos, as people of many countries do: 06 12 34 56 78.
func inTwos(rest, area string) string {
	out := area
	for len(rest) > 0 {
		n := 2
		if len(rest)%2 == 1 {
			n = 3
		}
		n = min(n, len(rest))
		out, rest = out+" "+rest[:n], rest[n:]
	}
	return out
}
