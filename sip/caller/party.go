package caller

import (
	"strings"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

func firstAddress(values []string) (transaction.Address, bool) {
	for _, v := range values {
		if a, err := transaction.ParseAddress(v); err == nil {
			return a, true
		}
	}
	return transaction.Address{}, false
}

func lastAddress(values []string) (transaction.Address, bool) {
	for i := len(values) - 1; i >= 0; i-- {
		if a, err := transaction.ParseAddress(values[i]); err == nil {
			return a, true
		}
	}
	return transaction.Address{}, false
}

// Anonymous: the address itself says that it hides somebody.
func Anonymous(a transaction.Address) bool {
	if strings.EqualFold(strings.TrimSuffix(a.URI.Host, "."), "anonymous.invalid") {
		return true
	}
	switch strings.ToLower(strings.TrimSpace(User(a.URI))) {
	case "", "anonymous", "restricted", "unavailable", "unknown", "private":
		return true
	}
	return false
}

// Of cleans an address. Of somebody who hides nothing is kept, not even for the journal (RFC 3325 §7).
func Of(a transaction.Address, source PartySource, hidden bool) Party {
	if hidden || Anonymous(a) {
		return Party{Source: source, Withheld: true}
	}
	u := a.URI
	u.Headers, u.Password = nil, ""
	return Party{
		Number: Number(u), Name: text.Clean(a.Display), URI: text.Clean(u.String()), Host: text.Clean(u.Host), Source: source,
	}
}

// User is the user part, without the parameters that numbers may carry in it (";phone-context=…").
func User(u transaction.URI) string {
	user := u.User
	if user == "" && u.Scheme != "sip" && u.Scheme != "sips" && u.Scheme != "tel" {
		user = u.Opaque
	}
	user, _, _ = strings.Cut(user, ";")
	return user
}

// Number is the user part, without visual separators when it is a number (RFC 3966 §5.1.1).
func Number(u transaction.URI) text.Text {
	user := text.Clean(User(u)).String()
	if n := strings.Map(Unseparated, user); Digits(n) {
		return text.Clean(n)
	}
	return text.Clean(user)
}

func Unseparated(r rune) rune {
	switch r {
	case ' ', '-', '.', '(', ')', '/', '\u00a0':
		return -1
	}
	return r
}

// Digits: a dialable number.
func Digits(s string) bool {
	if strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	return s != "" && strings.Trim(s, "0123456789*#") == ""
}
