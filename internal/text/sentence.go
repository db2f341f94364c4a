package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Capital begins a sentence of our own with a capital letter. A first word that is a name stays as it is written: a host, a setting,
// an address, a file, the program itself.
func Capital(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if first == "offhook" || strings.ContainsAny(strings.TrimRight(first, ".,:;!?"), "._:/@") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
