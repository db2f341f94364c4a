package crm

import (
	"strings"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/layout"
	"offhook/internal/text"
)

func (o Org) warned(part string) bool {
	for _, w := range o.Warnings {
		if strings.Contains(w.String(), part) {
			return true
		}
	}
	return false
}

func TestTheCallCentreOfTheUserIsReadAndAUserWithoutOneIsWarnedOf(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	o, err := Preflight(t.Context(), w.SF)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Member.Centre
	if !o.Member.InCentre || c.InternalName.String() != "OffhookDesk" || c.AdapterURL.String() != "https://localhost" || o.Member.ProfileName.String() != "Contact Centre Agent" || o.warned("call centre") {
		t.Errorf("%+v %v", o.Member, o.Warnings)
	}
	none := newWorld(t, emulator.Options{Data: &emulator.Data{Records: []emulator.Seed{{Type: "User", Fields: map[string]any{"Username": emulator.AgentUsername, "CallCenterId": nil}}}}}, DirectorySettings{})
	if o, err = Preflight(t.Context(), none.SF); err != nil || o.Member.InCentre || !o.warned("belongs to no call centre") {
		t.Errorf("%+v %v %v", o.Member, o.Warnings, err)
	}
	hidden := newWorld(t, emulator.Options{Without: []string{"User.CallCenterId"}}, DirectorySettings{})
	if o, err = Preflight(t.Context(), hidden.SF); err != nil || o.warned("call centre") || o.Member.ProfileName.Empty() {
		t.Errorf("what cannot be read is not known to be wrong: %v %v", o.Warnings, err)
	}
}

func TestAPageOfTheLayoutIsAnAddressInTheOrgAndNowhereElse(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	if _, err := w.SF.User(t.Context()); err != nil {
		t.Fatal(err)
	}
	values := []Var{{Name: text.Clean("ANI"), Value: text.Clean("+44 7700 900461")}, {Name: text.Clean("QUEUE"), Value: text.Clean("a&b=c")}}
	for name, c := range map[string]struct {
		pop  layout.Pop
		want string
	}{
		"a page":          {layout.Pop{Type: layout.PopToVisualforce, Data: "Caller"}, w.Base + "/apex/Caller?ANI=%2B44%207700%20900461&QUEUE=a%26b%3Dc&id=003000000000001AAA"},
		"with its folder": {layout.Pop{Type: layout.PopToVisualforce, Data: "apex/Caller"}, w.Base + "/apex/Caller?ANI=%2B44%207700%20900461&QUEUE=a%26b%3Dc&id=003000000000001AAA"},
		"a flow":          {layout.Pop{Type: layout.PopToFlow, Data: "New_Caller"}, w.Base + "/flow/New_Caller?ANI=%2B44%207700%20900461&QUEUE=a%26b%3Dc&id=003000000000001AAA"},
		"a way out":       {layout.Pop{Type: layout.PopToVisualforce, Data: "../../x?y#z"}, w.Base + "/apex/..%2F..%2Fx%3Fy%23z?ANI=%2B44%207700%20900461&QUEUE=a%26b%3Dc&id=003000000000001AAA"},
		"upwards":         {layout.Pop{Type: layout.PopToFlow, Data: ".."}, ""},
		"another host":    {layout.Pop{Type: layout.PopToVisualforce, Data: "//evil.example/"}, w.Base + "/apex/%2F%2Fevil.example%2F?ANI=%2B44%207700%20900461&QUEUE=a%26b%3Dc&id=003000000000001AAA"},
		"no page":         {layout.Pop{Type: layout.PopToSearch}, ""},
	} {
		if got := w.dir.Address(c.pop, Ref{ID: "003000000000001AAA"}, values); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
}
