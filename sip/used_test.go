package sip

import (
	"fmt"
	"testing"
)

func TestAPhoneRemembersItsLastCallsAndNoMore(t *testing.T) {
	var u used
	for i := range 3 * remembered {
		id := LegID(fmt.Sprint(i))
		if u.has(id) {
			t.Fatalf("%s was never used", id)
		}
		u.add(id)
		if !u.has(id) || i > 1000 && !u.has(LegID(fmt.Sprint(i-1000))) {
			t.Fatalf("%s is forgotten", id)
		}
	}
	if len(u.known) != remembered || len(u.order) != remembered {
		t.Errorf("%d and %d ids are kept", len(u.known), len(u.order))
	}
}
