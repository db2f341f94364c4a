package number

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"offhook/crm/layout"
)

// Dialer makes the digits that are dialled of the number that somebody typed or clicked: the line outside, and what stands before
// numbers of the country and numbers abroad (the call centre's dialing options). It is immutable and may be shared.
type Dialer struct {
	o layout.DialingOptions
	n *Plan
}

// NewDialer makes a Dialer for a desk that reads numbers in n's way. Without options every number is dialled as it is.
func NewDialer(o layout.DialingOptions, n *Plan) *Dialer { return &Dialer{o, n} }

// Dial returns what the telephone dials. Emergency numbers, colleagues, SIP addresses and names are dialled as they are, and so is
// what begins with the line outside already. What no numbering plan knows gets the line outside and nothing else.
func (p *Dialer) Dial(number string) string {
	if p.o.Zero() {
		return number
	}
	user, host := splitParty(number)
	digits := squeeze(WithoutExtension(user))
	plain := strings.TrimPrefix(digits, "+")
	switch {
	case host != "" || plain == "" || strings.Trim(plain, "0123456789") != "":
		return number // an address, a name, 1-800-FLOWERS, a code with * or #
	case p.n.Classify(number, false, "") != External:
		return number
	}
	parsed := p.n.valid(digits)
	if rest, ok := strings.CutPrefix(digits, p.o.Outside); ok && p.o.Outside != "" && parsed == nil && len(rest) > 2 {
		if p.n.valid(rest) != nil || p.o.International != "" && strings.HasPrefix(rest, p.o.International) || p.o.LongDistance != "" && strings.HasPrefix(rest, p.o.LongDistance) {
			return digits // it was typed as it is dialled
		}
		if p.n.Classify(rest, false, "") == Emergency {
			return digits
		}
	}
	if parsed == nil {
		if strings.HasPrefix(digits, "+") {
			return p.o.Outside + p.world() + plain // abroad, in a plan that is newer than ours
		}
		return p.o.Outside + digits
	}
	country := int(parsed.GetCountryCode())
	nsn := phonenumbers.GetNationalSignificantNumber(parsed)
	if country != phonenumbers.GetCountryCodeForRegion(p.n.region) {
		return p.o.Outside + p.world() + strconv.Itoa(country) + nsn
	}
	if p.o.LongDistance != "" {
		return p.o.Outside + p.o.LongDistance + nsn
	}
	return p.o.Outside + Digits(phonenumbers.Format(parsed, phonenumbers.NATIONAL))
}

// world is what stands for the plus: the option, else the country's own prefix.
func (p *Dialer) world() string {
	if p.o.International != "" {
		return p.o.International
	}
	return worldPrefix(p.n.region)
}

// worldPrefix is what is dialled for the plus in a country (ITU-T operational bulletin: those that are not 00).
func worldPrefix(region string) string {
	switch cc := phonenumbers.GetCountryCodeForRegion(region); {
	case cc == 1:
		return "011"
	case region == "AU":
		return "0011"
	case region == "JP":
		return "010"
	case region == "HK", region == "SG", region == "TH", region == "KH":
		return "001"
	case cc == 7:
		return "810"
	}
	return "00"
}

// valid reads a number as it is dialled here; nil when no plan has it.
func (n *Plan) valid(digits string) *phonenumbers.PhoneNumber {
	p, err := phonenumbers.Parse(digits, n.region)
	if err != nil || !phonenumbers.IsValidNumber(p) {
		return nil
	}
	return p
}
