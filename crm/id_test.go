package crm

import "testing"

func TestAnIDFromOutsideIsTakenOnlyWhenItIsOne(t *testing.T) {
	for id, want := range map[string]string{
		"001D000000IqhSL":        "Account",
		"001D000000IqhSLIAZ":     "Account", // the example of Salesforce's own article about the two lengths
		"001d000000iqhsliaz":     "",        // case was lost: the checksum says so
		"001D000000IqhSLIAA":     "",
		"00Q3000000abcde":        "Lead",
		"a003000000abcde":        "", // a custom object of some org
		"003":                    "",
		"003D000000Iqh'OR":       "",
		"003D000000IqhS1 ":       "Contact",
		"003D000000IqhSLIAZmore": "",
	} {
		ref, ok := RefOfID(id)
		if ok != (want != "") || ok && ref.Type != want {
			t.Errorf("%q: %+v %v, want %q", id, ref, ok, want)
		}
	}
}
