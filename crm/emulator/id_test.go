package emulator

import "testing"

func TestIdsCarryTheChecksumOfTheirCase(t *testing.T) {
	for in, want := range map[string]string{
		"001D000000IRFma": "001D000000IRFmaIAH",
		"000000000000000": "000000000000000AAA",
		"ABCDEFGHIJKLMNO": "ABCDEFGHIJKLMNO555",
	} {
		if got := id18(in); got != want {
			t.Errorf("id18(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestAnIdWithAWrongChecksumIsNoId(t *testing.T) {
	for id, want := range map[string]bool{
		"001D000000IRFma": true, "001D000000IRFmaIAH": true, "001D000000IRFmaIAI": false, "001D000000IRFmaiah": false,
		"001D000000IRFm": false, "001D000000IRFmaI": false, "": false, "001D000000IRF-a": false,
	} {
		if _, ok := canonicalID(id); ok != want {
			t.Errorf("canonicalID(%q) is %v", id, ok)
		}
	}
}

func TestIdsSortByAge(t *testing.T) {
	last := ""
	for n := uint64(1); n < 5000; n += 7 {
		id := makeID("00T", n)
		if _, ok := canonicalID(id); !ok || id <= last {
			t.Fatalf("id %d is %s after %s", n, id, last)
		}
		last = id
	}
}
