package salesforce

// ValidID reports whether s is shaped like a record id: 15 or 18 letters and digits. It guards paths and queries; whether
// the record exists is Salesforce's to say.
func ValidID(s string) bool {
	if len(s) != 15 && len(s) != 18 {
		return false
	}
	for i := range len(s) {
		if !alnum(s[i]) {
			return false
		}
	}
	return true
}

func alnum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// LongID makes the 18-character form of a 15-character id: in each group of five, bit i is set when character i is an
// upper-case letter, and the three numbers index A–Z0–5. Anything else is returned as it is.
func LongID(id string) string {
	if len(id) != 15 {
		return id
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	out := []byte(id)
	for g := range 3 {
		n := 0
		for i := range 5 {
			if c := id[g*5+i]; c >= 'A' && c <= 'Z' {
				n |= 1 << i
			}
		}
		out = append(out, digits[n])
	}
	return string(out)
}
