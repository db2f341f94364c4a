package config

import (
	"slices"
	"testing"
)

func TestAPrefixThatNoNumberBeginsWithIsAFault(t *testing.T) {
	for _, p := range []string{"0900", "+44 70", "*", "+", "00", "(0)900", "*21#", "+1-900.", "0900 "} {
		for key := range (Toll{Deny: []string{p}}).unfit() {
			t.Errorf("%s: %q is refused", key, p)
		}
	}
	for _, p := range []string{"", " ", `["0900"]`, "0900x", "sip:0900", "premium", "++44", "0900,0901", "44+70", "-", "0900\"]"} {
		var keys []string
		for key := range (Toll{Allow: []string{p}, Deny: []string{"0900", p}, TransferAllow: []string{p}, RedirectAllow: []string{p}}).unfit() {
			keys = append(keys, key)
		}
		if want := []string{"toll.allow", "toll.deny", "toll.transfer_allow", "toll.redirect_allow"}; !slices.Equal(keys, want) {
			t.Errorf("%q is found in %v, not in %v", p, keys, want)
		}
	}
}

func TestAListIsReadAsPeopleWriteIt(t *testing.T) {
	for value, want := range map[string][]string{
		"":                        nil,
		"[]":                      {},
		"0900":                    {"0900"},
		" 0900 , +44 70,":         {"0900", "+44 70"},
		`["0900", "+44 70"]`:      {"0900", "+44 70"},
		`["Sat,Sun 22:00-06:00"]`: {"Sat,Sun 22:00-06:00"},
	} {
		if got, ok := readList(value); !ok || !slices.Equal(got, want) {
			t.Errorf("%s is read as %q, %t", value, got, ok)
		}
	}
	for _, value := range []string{"[", `["0900"`, "[0900]", `["a"] x`} {
		if got, ok := readList(value); ok {
			t.Errorf("%s is read as %q", value, got)
		}
	}
}
