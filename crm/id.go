package crm

import "strings"

// standardPrefixes are the first three characters of ids of the objects that every org has. Custom objects get theirs from the org.
var standardPrefixes = map[string]string{
	"001": "Account", "003": "Contact", "00Q": "Lead", "500": "Case", "006": "Opportunity",
}

// RefOfID makes a reference of an id that came from outside, such as one that a dialler puts into a header. It must have 15
// characters, or 18 with the right checksum (the last three tell which of the others are capitals), and the prefix of a standard
// object that a call may be about.
func RefOfID(id string) (Ref, bool) {
	id = strings.TrimSpace(id)
	if len(id) != 15 && len(id) != 18 {
		return Ref{}, false
	}
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return Ref{}, false
		}
	}
	if len(id) == 18 && !strings.EqualFold(id[15:], idChecksum(id[:15])) {
		return Ref{}, false
	}
	object, ok := standardPrefixes[id[:3]]
	return Ref{Type: object, ID: id}, ok
}

// idChecksum is what makes an id of 15 characters safe where case is lost: for each five characters one that says which of them are
// capitals.
func idChecksum(id string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var out [3]byte
	for i := range out {
		n := 0
		for k := range 5 {
			if c := id[5*i+k]; c >= 'A' && c <= 'Z' {
				n |= 1 << k
			}
		}
		out[i] = letters[n]
	}
	return string(out[:])
}
