package crm

import (
	"strings"

	"offhook/crm/salesforce"
)

// standardPrefixes are the first three characters of ids of the objects that every org has. Custom objects get theirs from the org.
var standardPrefixes = map[string]string{
	"001": "Account", "003": "Contact", "00Q": "Lead", "500": "Case", "006": "Opportunity",
}

// RefOfID makes a reference of an id that came from outside, such as one that a dialler puts into a header. It must have 15
// characters, or 18 with the right checksum (the last three tell which of the others are capitals), and the prefix of a standard
// object that a call may be about.
func RefOfID(id string) (Ref, bool) {
	id = strings.TrimSpace(id)
	if !salesforce.ValidID(id) || len(id) == 18 && !strings.EqualFold(id, salesforce.LongID(id[:15])) {
		return Ref{}, false
	}
	object, ok := standardPrefixes[id[:3]]
	return Ref{Type: object, ID: id}, ok
}
