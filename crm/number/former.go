package number

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// modern turns numbers that were written under an older plan into today's; nil for nil.
func modern(p *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	if p == nil || phonenumbers.IsValidNumber(p) {
		return p
	}
	nsn := phonenumbers.GetNationalSignificantNumber(p)
	now := ""
	switch p.GetCountryCode() {
	case 52: // Mexico, until 2019: 1 before mobiles from abroad, 044, 045 and 01 at home
		for _, old := range []string{"1", "044", "045", "01"} {
			if rest, ok := strings.CutPrefix(nsn, old); ok && len(rest) == 10 {
				now = rest
			}
		}
	case 56: // Chile, until 2013: a trunk zero
		if rest, ok := strings.CutPrefix(nsn, "0"); ok && len(rest) == 9 {
			now = rest
		}
	case 57: // Colombia, until 2021: fixed lines had one digit of area
		if len(nsn) == 8 {
			now = "60" + nsn
		}
	}
	if now == "" {
		return p
	}
	q, err := phonenumbers.Parse("+"+strconv.Itoa(int(p.GetCountryCode()))+now, "")
	if err != nil || !phonenumbers.IsValidNumber(q) {
		return p
	}
	q.Extension, q.CountryCodeSource = p.Extension, p.CountryCodeSource
	return q
}

// formerly are the digits under which a number may have been stored while an older plan, or another habit, was in force.
func formerly(cc, nsn, trunk string) []string {
	switch cc {
	case "52":
		return []string{"521" + nsn, "01" + nsn, "044" + nsn, "011521" + nsn}
	case "55", "56": // Brazil and Chile write their trunk zero here and there
		return []string{"0" + nsn}
	case "57":
		if old, ok := strings.CutPrefix(nsn, "60"); ok {
			return []string{"57" + old}
		}
	case "370": // Lithuania, until 2023
		return []string{"8" + nsn}
	case "7":
		return []string{"8" + nsn}
	}
	return nil
}

// argentine writes a mobile of Argentina as it is dialled at home, 011 15-2345-6789 for +54 9 11 2345 6789, with the area apart; "" for
// others. (The library's national form is another.)
func argentine(p *phonenumbers.PhoneNumber) (area, rest string) {
	parts := strings.FieldsFunc(phonenumbers.Format(p, phonenumbers.INTERNATIONAL), func(r rune) bool { return r == ' ' || r == '-' })
	if p.GetCountryCode() != 54 || len(parts) < 4 || parts[1] != "9" {
		return "", ""
	}
	return parts[2], strings.Join(parts[3:], "")
}

// Kernel are the digits that every way of writing the number has, for a scan.
func (num Number) Kernel() string {
	if num.parsed == nil {
		return num.Digits
	}
	nsn := phonenumbers.GetNationalSignificantNumber(num.parsed)
	switch num.parsed.GetCountryCode() {
	case 54:
		return strings.TrimPrefix(nsn, "9")
	case 57:
		return strings.TrimPrefix(nsn, "60")
	}
	return nsn
}
