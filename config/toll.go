package config

import (
	"iter"
	"regexp"
)

// dialledPrefix is what a dialled number may begin with, as people write it; "*" is every number, "+" every one abroad.
var dialledPrefix = regexp.MustCompile(`^[\s\x{a0}]*(\*|\+|\+?[\s\x{a0}./()-]*[0-9*#][0-9*#\s\x{a0}./()-]*)$`)

// unfit are the prefixes that no number begins with, with the setting that they stand in. They are faults: a rule that bars nothing looks
// like one that does.
func (t Toll) unfit() iter.Seq2[string, string] {
	return func(yield func(key, prefix string) bool) {
		for _, of := range []struct {
			key      string
			prefixes []string
		}{{"toll.allow", t.Allow}, {"toll.deny", t.Deny}, {"toll.transfer_allow", t.TransferAllow}, {"toll.redirect_allow", t.RedirectAllow}} {
			for _, p := range of.prefixes {
				if !dialledPrefix.MatchString(p) && !yield(of.key, p) {
					return
				}
			}
		}
	}
}
