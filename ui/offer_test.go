package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"offhook/desk"

	tea "charm.land/bubbletea/v2"
)

func offered(s *desk.Snapshot, id uint64, number string) *desk.Snapshot {
	next := *s
	next.Offer = &desk.Offer{ID: id, Number: c(number)}
	return &next
}

func dials(b *bench) (out []string) {
	for _, c := range b.sent {
		if c.Verb == desk.Dial {
			out = append(out, c.Text)
		}
	}
	return out
}

func TestANumberFromOutsideStandsInTheDialBox(t *testing.T) {
	b := onBench(idle(), nil)
	s := offered(idle(), 1, "+442079460000")
	s.Offer.Ext, s.Offer.Context = c("22"), c("example.com")
	b.show(s)
	for _, want := range []string{"Calls +442079460000.", "Another program asks for it.", "within", "example.com", "extension 22"} {
		if !strings.Contains(strings.Join(strings.Fields(b.text()), " "), want) {
			t.Errorf("the screen does not say %q:\n%s", want, b.text())
		}
	}
	if want := []desk.Command{{Verb: desk.TakeOffer, Number: 1}}; !reflect.DeepEqual(b.sent, want) {
		t.Errorf("sent %+v", b.sent)
	}
	b.show(idle())
	press(b.Model, "enter")
	if got := dials(b); !reflect.DeepEqual(got, []string{"+442079460000"}) {
		t.Errorf("Enter calls %q", got)
	}
}

func TestKeysOnTheirWayDoNothingToANumberFromOutside(t *testing.T) {
	b := onBench(idle(), func(o *Options) { o.Grace = DefaultGrace })
	b.show(offered(idle(), 1, "+442079460000"))
	press(b.Model, "enter", "7")
	b.Update(tea.PasteMsg{Content: "999"})
	if got := dials(b); got != nil || b.over == nil {
		t.Fatalf("an Enter that was meant for something else calls %q", got)
	}
	b.now = b.now.Add(2 * time.Second)
	press(b.Model, "enter")
	if got := dials(b); !reflect.DeepEqual(got, []string{"+442079460000"}) {
		t.Errorf("Enter calls %q", got)
	}
}

func TestANumberFromOutsideTakesNothingFromTheAgent(t *testing.T) {
	for name, tc := range map[string]struct {
		snap *desk.Snapshot
		keys []string
	}{
		"the dial box":  {idle(), []string{"o", "21"}},
		"the help":      {idle(), []string{"?"}},
		"notes":         {talking(fred(desk.Talking)), []string{"e", "abc"}},
		"a call rings":  {ringing(fred(desk.Incoming)), nil},
		"a second call": {talking(fred(desk.Talking), second()), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := onBench(tc.snap, nil)
			press(b.Model, tc.keys...)
			before := b.over
			b.show(offered(tc.snap, 1, "+442079460000"))
			if b.over != before {
				t.Errorf("a box opens:\n%s", b.text())
			}
			if before == nil && !strings.Contains(b.text(), "asks to call +442079460000") {
				t.Errorf("no line tells of it:\n%s", b.text())
			}
			press(b.Model, "esc")
			b.show(offered(idle(), 1, "+442079460000"))
			if b.over != nil {
				t.Errorf("it opens by itself when the agent has finished:\n%s", b.text())
			}
			press(b.Model, "l", "enter")
			if got := dials(b); !reflect.DeepEqual(got, []string{"+442079460000"}) {
				t.Errorf("l and Enter call %q", got)
			}
		})
	}
}

func TestANumberFromOutsideWaitsForADeskThatStarts(t *testing.T) {
	starting := idle()
	starting.State = desk.Starting
	b := onBench(starting, nil)
	b.show(offered(starting, 1, "2104"))
	press(b.Model, "l")
	if b.over != nil || !strings.Contains(b.text(), "The number waits") {
		t.Errorf("the screen is\n%s", b.text())
	}
	b.show(offered(idle(), 1, "2104"))
	press(b.Model, "l", "enter")
	if got := dials(b); !reflect.DeepEqual(got, []string{"2104"}) {
		t.Errorf("l and Enter call %q", got)
	}
}

func TestAnAddressFromOutsideStandsInTheBoxAsItIs(t *testing.T) {
	for _, n := range []string{"sip:bob@[::1]:5070", "sips:a.b_c~d+e=f-1@h.example:5061", "*97"} {
		b := onBench(idle(), nil)
		b.show(offered(idle(), 1, n))
		press(b.Model, "enter")
		if got := dials(b); !reflect.DeepEqual(got, []string{n}) {
			t.Errorf("%q is called as %q", n, got)
		}
	}
}

func TestALaterNumberNeverReplacesTheOneInTheBox(t *testing.T) {
	b := onBench(idle(), nil)
	b.show(offered(idle(), 1, "2104"))
	b.show(offered(idle(), 2, "0900123"))
	press(b.Model, "enter")
	if got := dials(b); !reflect.DeepEqual(got, []string{"2104"}) {
		t.Errorf("Enter calls %q", got)
	}
}

func TestOneOfManyInARowOpensNothing(t *testing.T) {
	b := onBench(idle(), nil)
	s := offered(idle(), 2, "2104")
	s.Offer.Quiet = true
	b.show(s)
	if b.over != nil || !strings.Contains(b.text(), "l opens the dial box") {
		t.Errorf("the screen is\n%s", b.text())
	}
}
