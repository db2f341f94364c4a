package post

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
)

func (o Org) warned(part string) bool {
	for _, w := range o.Warnings {
		if strings.Contains(w.String(), part) {
			return true
		}
	}
	return false
}

func TestPreflightReadsTheUserAndTheTaskFields(t *testing.T) {
	w := newWorld(t, emulator.Options{Rotate: true, Without: []string{"Task.Type"}})
	org, err := Preflight(t.Context(), w.SF)
	if err != nil {
		t.Fatal(err)
	}
	if org.UserName.String() != emulator.AgentName || org.Zone == nil || org.Zone.String() != emulator.AgentZone || org.Status != "Completed" || !org.TaskWrite {
		t.Errorf("%+v", org)
	}
	if !org.TaskHas[crm.KeyField] || org.TaskHas["Type"] || !org.TaskHas["CallObject"] {
		t.Errorf("%v", org.TaskHas)
	}
	for status, want := range map[string]string{"": "Completed", "In Progress": "Completed", "Nonsense": "Completed", "Completed": "Completed"} {
		if got := org.Settings(crm.TaskSettings{Status: status}).Status; got != want {
			t.Errorf("status %q becomes %q", status, got)
		}
	}
	if !crm.SameID(org.UserID, w.SF.UserID()) {
		t.Errorf("user %s, token's %s", org.UserID, w.SF.UserID())
	}
}

func TestTheCallCentreOfTheUserIsReadAndAUserWithoutOneIsWarnedOf(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	o, err := Preflight(t.Context(), w.SF)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Member.Centre
	if !o.Member.InCentre || c.InternalName.String() != "OffhookDesk" || c.AdapterURL.String() != "https://localhost" || o.Member.ProfileName.String() != "Contact Centre Agent" || o.warned("call centre") {
		t.Errorf("%+v %v", o.Member, o.Warnings)
	}
	none := newWorld(t, emulator.Options{Data: &emulator.Data{Records: []emulator.Seed{{Type: "User", Fields: map[string]any{"Username": emulator.AgentUsername, "CallCenterId": nil}}}}})
	if o, err = Preflight(t.Context(), none.SF); err != nil || o.Member.InCentre || !o.warned("belongs to no call centre") {
		t.Errorf("%+v %v %v", o.Member, o.Warnings, err)
	}
	hidden := newWorld(t, emulator.Options{Without: []string{"User.CallCenterId"}})
	if o, err = Preflight(t.Context(), hidden.SF); err != nil || o.warned("call centre") || o.Member.ProfileName.Empty() {
		t.Errorf("what cannot be read is not known to be wrong: %v %v", o.Warnings, err)
	}
}
