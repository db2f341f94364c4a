package lacks

import (
	"strings"
	"testing"
)

func TestTheDeskSaysWhatDoctorSaysAndWhoKnowsTheSteps(t *testing.T) {
	got := Line("data.field", "field", "Evil\x1b[31m__c")
	if want := "sip.data: Task has no field Evil__c that the user may fill: what calls tell for it stands in the description (offhook doctor)"; got != want {
		t.Errorf("%q", got)
	}
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.What == "" || r.Means == "" || strings.HasSuffix(r.What, ".") || strings.HasSuffix(r.Means, ".") || len(r.Steps) == 0 {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
	}
}
