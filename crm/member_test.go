package crm

import (
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/layout"
	"offhook/internal/text"
)

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
