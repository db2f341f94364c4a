package ui

import (
	"reflect"
	"strings"
	"testing"

	"offhook/desk"
)

func TestAColleagueIsPickedByLettersByArrowsOrByNumber(t *testing.T) {
	talk := func() *desk.Snapshot { return lamps(talking(fred(desk.Talking))) }
	to := func(n string) []desk.Command { return []desk.Command{{Verb: desk.Xfer, Call: "k1", Text: n}} }
	for _, tc := range []struct {
		name string
		snap *desk.Snapshot
		keys []string
		want []desk.Command
	}{
		{"letters choose the best match", talk(), []string{"t", "pri", "enter"}, to("2104")},
		{"letters and an arrow choose the next match", talk(), []string{"t", "r", "down", "enter"}, to("2104")},
		{"digits are a number as it stands", talk(), []string{"t", "210", "enter"}, to("210")},
		{"an arrow picks without a letter", talk(), []string{"t", "down", "down", "enter"}, to("2105")},
		{"above the list the typed text counts again", talk(), []string{"t", "2", "down", "up", "enter"}, to("2")},
		{"an address is no name", talk(), []string{"t", "sip:priya@x", "enter"}, to("sip:priya@x")},
		{"a name that nobody has is an address of one word", talk(), []string{"t", "zzz", "enter"}, to("zzz")},
		{"words that are no address are refused", talk(), []string{"t", "no body", "enter"}, nil},
		{"no digit is refused", talk(), []string{"t", "+-", "enter"}, nil},
		{"Tab asks first", talk(), []string{"t", "pri", "tab"}, []desk.Command{{Verb: desk.Dial, Text: "2104"}}},
		{"Tab with nothing typed asks nobody", talk(), []string{"t", "tab"}, nil},
		{"the dial box has colleagues too", lamps(idle()), []string{"o", "noor", "enter"}, []desk.Command{{Verb: desk.Dial, Text: "2107"}}},
		{"Tab does nothing in the dial box", lamps(idle()), []string{"o", "noor", "tab"}, nil},
		{"a ringing call is sent on to one", lamps(ringing(fred(desk.Incoming))), []string{"f", "sam", "enter"}, []desk.Command{{Verb: desk.Redirect, Call: "k1", Text: "2105"}}},
		{"without colleagues everything is as it was", talking(fred(desk.Talking)), []string{"t", "down", "2104", "enter"}, to("2104")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := onBench(tc.snap, nil)
			press(b.Model, tc.keys...)
			if !reflect.DeepEqual(b.sent, tc.want) {
				t.Errorf("sent %+v, want %+v\n%s", b.sent, tc.want, b.text())
			}
		})
	}
}

func TestWhoIsPickedStaysPickedWhileLampsChange(t *testing.T) {
	b := onBench(lamps(talking(fred(desk.Talking))), nil)
	press(b.Model, "t", "down", "down", "down") // Robin, who is ringing
	s := lamps(talking(fred(desk.Talking)))
	s.Lamps = append([]desk.Lamp{{Number: c("2100"), Name: c("Somebody new"), State: desk.LampFree}}, s.Lamps...)
	for i := range s.Lamps {
		s.Lamps[i].State = desk.LampBusy
	}
	b.show(s)
	if !strings.Contains(b.text(), "› ● 2106    Robin Hale            busy") {
		t.Errorf("%s", b.text())
	}
	press(b.Model, "enter")
	if len(b.sent) != 1 || b.sent[0].Text != "2106" {
		t.Errorf("%+v", b.sent)
	}
}

func TestTheSendOnBoxClosesWhenTheCallNoLongerRings(t *testing.T) {
	b := onBench(lamps(ringing(fred(desk.Incoming))), nil)
	press(b.Model, "f", "pri")
	b.show(talking(fred(desk.Talking)))
	if strings.Contains(b.text(), "Send Fred") {
		t.Errorf("%s", b.text())
	}
}

func TestTheSoundPageSendsWhatIsChosenAndClosesWhatItOpened(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "S")
	b.show(sounds())
	press(b.Model, "up", "enter", "t", "esc")
	want := []desk.Command{
		{Verb: desk.SoundShow},
		{Verb: desk.SoundPick, Text: "a", Values: map[string]string{"role": "microphone"}},
		{Verb: desk.SoundTry}, {Verb: desk.SoundHide},
	}
	if !reflect.DeepEqual(b.sent, want) {
		t.Errorf("sent %+v", b.sent)
	}
	b = onBench(idle(), nil)
	press(b.Model, "S")
	b.show(sounds())
	b.show(idle()) // another screen has closed it
	if strings.Contains(b.text(), "Loudspeaker") {
		t.Errorf("%s", b.text())
	}
}

func TestTheSoundPageKeepsItsPlaceWhenDevicesComeAndGo(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "S")
	b.show(sounds())
	press(b.Model, "down", "down") // the loudspeaker
	s := sounds()
	s.SoundCheck.Devices = s.SoundCheck.Devices[2:]
	b.show(s)
	press(b.Model, "enter")
	if last := b.sent[len(b.sent)-1]; last.Text != "c" || last.Values["role"] != "loudspeaker" {
		t.Errorf("%+v", last)
	}
}
