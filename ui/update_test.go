package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// bench is a model on a table: its clock is ours, and what it sends is kept.
type bench struct {
	*Model
	now  time.Time
	sent []desk.Command
}

func onBench(s *desk.Snapshot, change func(*Options)) *bench {
	b := &bench{now: noon}
	opt := Options{Now: func() time.Time { return b.now }, Send: func(c desk.Command) { b.sent = append(b.sent, c) }, Grace: Grace{Quiet: -1}}
	if change != nil {
		change(&opt)
	}
	b.Model = New(opt)
	b.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	b.show(s)
	return b
}

func (b *bench) show(s *desk.Snapshot) tea.Cmd {
	_, cmd := b.Update(bridge.Snapshot{Snapshot: s})
	return cmd
}

func (b *bench) text() string { return ansi.Strip(b.View().Content) }

func TestEachKeySendsItsCommand(t *testing.T) {
	acme := crm.Ref{Type: "Account", ID: "001000000000001", Name: c("Acme Ltd")}
	muted := with(fred(desk.Talking), func(k *desk.Call) { k.Muted = true })
	away := idle()
	away.State = desk.Away
	quiet := demo(idle(), "")
	unsent := dead()
	over := with(fred(desk.Ended), func(k *desk.Call) {
		k.EndedAt, k.Can, k.Notes = noon, []desk.Verb{desk.Dismiss, desk.Note}, text.CleanBlock("old", 10)
	})
	for _, tc := range []struct {
		name string
		snap *desk.Snapshot
		keys []string
		want []desk.Command
	}{
		{"a answers", ringing(fred(desk.Incoming)), []string{"a"}, []desk.Command{{Verb: desk.Answer, Call: "k1"}}},
		{"F2 answers", ringing(fred(desk.Incoming)), []string{"f2"}, []desk.Command{{Verb: desk.Answer, Call: "k1"}}},
		{"a answers the second call while the focus is on the first", talking(fred(desk.Talking), second()), []string{"a"}, []desk.Command{{Verb: desk.Answer, Call: "k2"}}},
		{"a does nothing without a ringing call", talking(fred(desk.Talking)), []string{"a"}, nil},
		{"d then d declines", ringing(fred(desk.Incoming)), []string{"d", "d"}, []desk.Command{{Verb: desk.Reject, Call: "k1", Text: "decline"}}},
		{"d then Enter declines", ringing(fred(desk.Incoming)), []string{"d", "enter"}, []desk.Command{{Verb: desk.Reject, Call: "k1", Text: "decline"}}},
		{"d then b says busy", ringing(fred(desk.Incoming)), []string{"d", "b"}, []desk.Command{{Verb: desk.Reject, Call: "k1", Text: "busy"}}},
		{"d then Escape lets it ring", ringing(fred(desk.Incoming)), []string{"d", "esc"}, nil},
		{"h holds", talking(fred(desk.Talking)), []string{"h"}, []desk.Command{{Verb: desk.Hold, Call: "k1"}}},
		{"h resumes a held call", talking(fred(desk.Held)), []string{"h"}, []desk.Command{{Verb: desk.Resume, Call: "k1"}}},
		{"F5 holds", talking(fred(desk.Talking)), []string{"f5"}, []desk.Command{{Verb: desk.Hold, Call: "k1"}}},
		{"m mutes", talking(muted), []string{"m"}, []desk.Command{{Verb: desk.Mute, Call: "k1"}}},
		{"x hangs up", talking(fred(desk.Talking)), []string{"x"}, []desk.Command{{Verb: desk.Hangup, Call: "k1"}}},
		{"x does nothing to a call that still rings", ringing(fred(desk.Incoming)), []string{"x"}, nil},
		{"t, number, Enter transfers", talking(fred(desk.Talking)), []string{"t", "2104", "enter"}, []desk.Command{{Verb: desk.Xfer, Call: "k1", Text: "2104"}}},
		{"an empty transfer waits for a number", talking(fred(desk.Talking)), []string{"t", "enter"}, nil},
		{"the keypad sends each digit", talking(fred(desk.Talking)), []string{"k", "1", "#", "z"}, []desk.Command{{Verb: desk.DTMF, Call: "k1", Text: "1"}, {Verb: desk.DTMF, Call: "k1", Text: "#"}}},
		{"o, number, Enter dials", idle(), []string{"o", "07700 900123", "enter"}, []desk.Command{{Verb: desk.Dial, Text: "07700 900123"}}},
		{"/ dials too", idle(), []string{"/", "2104", "enter"}, []desk.Command{{Verb: desk.Dial, Text: "2104"}}},
		{"the number entry takes no other characters", idle(), []string{"o", "21\"<>04", "enter"}, []desk.Command{{Verb: desk.Dial, Text: "2104"}}},
		{"p pops", ringing(fred(desk.Incoming)), []string{"p"}, []desk.Command{{Verb: desk.Pop, Call: "k1"}}},
		{"p does nothing when many match", ringing(many()), []string{"p"}, nil},
		{"s searches for the call", ringing(many()), []string{"s"}, []desk.Command{{Verb: desk.SearchIn, Call: "k1"}}},
		{"s searches without a call", idle(), []string{"s"}, []desk.Command{{Verb: desk.SearchIn}}},
		{"n makes a new record for the call", ringing(nobody()), []string{"n"}, []desk.Command{{Verb: desk.New, Call: "k1"}}},
		{"P pins", popped(), []string{"P"}, []desk.Command{{Verb: desk.Pin, Call: "k1"}}},
		{"C clears", popped(), []string{"C"}, []desk.Command{{Verb: desk.Clear, Call: "k1"}}},
		{"Escape closes the card", popped(), []string{"esc"}, []desk.Command{{Verb: desk.Close}}},
		{"Enter on a phone field dials it from the record", popped(), []string{"down", "down", "down", "down", "enter"}, []desk.Command{{Verb: desk.Dial, Text: "01202 528735", Record: fredRef()}}},
		{"Enter on a reference opens it", popped(), []string{"down", "down", "down", "enter"}, []desk.Command{{Verb: desk.Open, Call: "k1", Record: acme}}},
		{"Enter on a related case opens it", popped(), []string{"J", "J", "J", "J", "J", "J", "J", "enter"}, []desk.Command{{Verb: desk.Open, Call: "k1", Record: crm.Ref{Type: "Case", ID: "500000000000001", Name: c("00001027 Wrong invoice")}}}},
		{"each keystroke of the notes is sent", popped(), []string{"e", "Hi", "enter", "x", "backspace"}, []desk.Command{
			{Verb: desk.Note, Call: "k1", Text: "H"}, {Verb: desk.Note, Call: "k1", Text: "Hi"}, {Verb: desk.Note, Call: "k1", Text: "Hi\n"},
			{Verb: desk.Note, Call: "k1", Text: "Hi\nx"}, {Verb: desk.Note, Call: "k1", Text: "Hi\n"}}},
		{"notes of a call that is over say what they were typed over", talking(over), []string{"e", "H", "i"}, []desk.Command{
			{Verb: desk.Note, Call: "k1", Text: "oldH", Values: map[string]string{"was": "old"}}, {Verb: desk.Note, Call: "k1", Text: "oldHi", Values: map[string]string{"was": "oldH"}}}},
		{"letters in the notes are text, function keys are actions", popped(), []string{"e", "h", "f5"}, []desk.Command{{Verb: desk.Note, Call: "k1", Text: "h"}, {Verb: desk.Hold, Call: "k1"}}},
		{"Escape leaves the notes", popped(), []string{"e", "esc", "h"}, []desk.Command{{Verb: desk.Hold, Call: "k1"}}},
		{"w then l goes away for lunch", idle(), []string{"w", "l"}, []desk.Command{{Verb: desk.GoAway, Text: "Lunch"}}},
		{"v becomes available", away, []string{"v"}, []desk.Command{{Verb: desk.GoAvailable}}},
		{"z hides the newest notice", unsent, []string{"z"}, []desk.Command{{Verb: desk.HideNotice, Number: 7}}},
		{"R sends records now", unsent, []string{"R"}, []desk.Command{{Verb: desk.RetryOutbox}}},
		{"D clears the ended call", unsent, []string{"D"}, []desk.Command{{Verb: desk.Dismiss, Call: "k1"}}},
		{"r reconnects", trouble(), []string{"r"}, []desk.Command{{Verb: desk.Reconnect}}},
		{"q asks the desk to quit", popped(), []string{"q"}, []desk.Command{{Verb: desk.Quit}}},
		{"Ctrl+C asks the desk to quit, even in the notes", popped(), []string{"e", "ctrl+c"}, []desk.Command{{Verb: desk.Quit}}},
		{"Ctrl+N brings the next practice customer", quiet, []string{"ctrl+n"}, []desk.Command{{Verb: desk.DemoNext}}},
		{"Ctrl+N does nothing at a real desk", idle(), []string{"ctrl+n"}, nil},
		{"Ctrl+F switches the practice Salesforce", quiet, []string{"ctrl+f"}, []desk.Command{{Verb: desk.DemoFault, Text: "down"}}},
		{"picking in the search list opens the record for the call", withSearch(), []string{"j", "enter"}, []desk.Command{{Verb: desk.Open, Call: "k1", Record: many().Match.Hits[1].Ref}}},
		{"a new query searches", withSearch(), []string{"/", "ctrl+u", "Carter", "enter"}, []desk.Command{{Verb: desk.SearchIn, Call: "k1", Text: "Carter"}}},
		{"letters in the query are text", withSearch(), []string{"/", "nax"}, nil},
		{"n in the search list makes a new record", withSearch(), []string{"n"}, []desk.Command{{Verb: desk.New, Call: "k1"}}},
		{"Escape closes the search", withSearch(), []string{"esc"}, []desk.Command{{Verb: desk.Close}}},
		{"Ctrl+S saves the form", withForm(), []string{"Porter", "tab", "Acme", "ctrl+s"}, []desk.Command{{Verb: desk.Create, Call: "k1",
			Values: map[string]string{"LastName": "Porter", "Company": "Acme", "Phone": "02079460123", "LeadSource": "Phone Inquiry", "Status": "Open - Not Contacted"}}}},
		{"a form without its required fields is not sent", withForm(), []string{"ctrl+s"}, nil},
		{"an untouched form closes at once", withForm(), []string{"esc"}, []desk.Command{{Verb: desk.Close}}},
		{"a form with typed text asks; n keeps it", withForm(), []string{"Sam", "esc", "n"}, nil},
		{"a form with typed text asks; y discards", withForm(), []string{"Sam", "esc", "y"}, []desk.Command{{Verb: desk.Close}}},
		{"a form with typed text asks; s sets it aside", withForm(), []string{"Sam", "esc", "s"}, []desk.Command{{Verb: desk.SetAside}}},
		{"E changes the card that is open", popped(), []string{"E"}, []desk.Command{{Verb: desk.Edit}}},
		{"the palette finds and does", popped(), []string{"ctrl+p", "hang", "enter"}, []desk.Command{{Verb: desk.Hangup, Call: "k1"}}},
		{"2 moves the focus", talking(fred(desk.Held), with(fred(desk.Talking), func(k *desk.Call) { k.Key = "k9" })), []string{"1", "h", "2", "h"}, []desk.Command{{Verb: desk.Resume, Call: "k1"}, {Verb: desk.Hold, Call: "k9"}}},
		{"Tab moves the focus", talking(fred(desk.Held), with(fred(desk.Talking), func(k *desk.Call) { k.Key = "k9" })), []string{"tab", "h"}, []desk.Command{{Verb: desk.Resume, Call: "k1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := onBench(tc.snap, nil)
			press(b.Model, tc.keys...)
			sent := b.said()
			if !reflect.DeepEqual(sent, tc.want) {
				t.Errorf("sent %+v\nwant %+v\n%s", sent, tc.want, b.text())
			}
		})
	}
}

func TestLeavingAsksAndTheAnswerIsSent(t *testing.T) {
	for key, want := range map[string]desk.Verb{"y": desk.QuitNow, "n": desk.QuitCancel, "esc": desk.QuitCancel, "enter": desk.QuitCancel} {
		s := popped()
		s.Leaving = true
		b := onBench(s, nil)
		if !strings.Contains(b.text(), "A call with Fred Bloggs is up.") {
			t.Fatalf("nothing is asked:\n%s", b.text())
		}
		press(b.Model, key)
		if len(b.sent) != 1 || b.sent[0].Verb != want {
			t.Errorf("%s sends %v, want %s", key, b.sent, want)
		}
	}
}

func TestTheProgramEndsWhenTheDeskHasFinished(t *testing.T) {
	b := onBench(idle(), nil)
	s := idle()
	s.Quit = true
	if !yields(b.show(s), func(m tea.Msg) bool { _, ok := m.(tea.QuitMsg); return ok }) {
		t.Error("no tea.Quit follows")
	}
}

// yields runs a command and those inside it, except clocks, and reports whether a message is as wanted.
func yields(cmd tea.Cmd, want func(tea.Msg) bool) bool {
	if cmd == nil {
		return false
	}
	found := make(chan tea.Msg, 1)
	go func() { found <- cmd() }()
	msg := <-found
	if batch, ok := msg.(tea.BatchMsg); ok {
		return len(batch) > 0 && yields(batch[0], want) // the second is the clock
	}
	return want(msg)
}

func TestASignalDuringACallAsksInsteadOfEnding(t *testing.T) {
	b := onBench(popped(), nil)
	if msg := guard(b.Model, tea.QuitMsg{}); msg != nil || len(b.sent) != 1 || b.sent[0].Verb != desk.Quit {
		t.Errorf("got %v, sent %v", msg, b.sent)
	}
	s := popped()
	s.Leaving = true
	b.show(s)
	if guard(b.Model, tea.QuitMsg{}) == nil {
		t.Error("the second signal is swallowed too")
	}
	b.show(idle())
	if _, ok := guard(b.Model, tea.InterruptMsg{}).(tea.QuitMsg); !ok {
		t.Error("without a call an interrupt does not end the program")
	}
}

func TestKeysTypedAsACallComesInDoNotAnswerIt(t *testing.T) {
	b := onBench(idle(), func(o *Options) { o.Grace = DefaultGrace })
	b.show(ringing(fred(desk.Incoming)))
	step := func(d time.Duration, key string) {
		b.now = b.now.Add(d)
		press(b.Model, key)
	}
	step(100*time.Millisecond, "a")
	if len(b.sent) != 0 || !strings.Contains(b.text(), "press it again to answer") {
		t.Fatalf("sent %v\n%s", b.sent, b.text())
	}
	step(400*time.Millisecond, "a") // 400 ms after the last key: still typing
	step(400*time.Millisecond, "d")
	if len(b.sent) != 0 || b.over != nil {
		t.Fatalf("sent %v", b.sent)
	}
	step(430*time.Millisecond, "a") // 425 ms of quiet have passed
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Answer {
		t.Fatalf("sent %v", b.sent)
	}
}

func TestTheGraceEndsAfterItsMaximumEvenWhileKeysArePressed(t *testing.T) {
	b := onBench(idle(), func(o *Options) { o.Grace = DefaultGrace })
	b.show(ringing(fred(desk.Incoming)))
	for range 7 { // 1.4 s
		b.now = b.now.Add(200 * time.Millisecond)
		press(b.Model, "a")
	}
	if len(b.sent) != 0 {
		t.Fatalf("sent %v", b.sent)
	}
	b.now = b.now.Add(110 * time.Millisecond)
	press(b.Model, "a")
	if len(b.sent) != 1 {
		t.Errorf("after 1.5 s the key still does nothing")
	}
}

func TestTheGraceHoldsNothingElseBack(t *testing.T) {
	b := onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
	b.show(talking(fred(desk.Talking), second()))
	press(b.Model, "h")
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Hold || b.sent[0].Call != "k1" {
		t.Errorf("sent %v", b.sent)
	}
}

// said is what was sent, without the text of a form, which is kept at each keystroke.
func (b *bench) said() (out []desk.Command) {
	for _, c := range b.sent {
		if c.Verb != desk.Typed {
			out = append(out, c)
		}
	}
	return out
}

func TestTextIsNotLostWhenACallComesIn(t *testing.T) {
	b := onBench(withForm(), nil)
	press(b.Model, "Por")
	s := withForm()
	s.Calls = append(s.Calls, second())
	b.show(s)
	press(b.Model, "ada") // a and d are text here
	if !strings.Contains(b.text(), "Porada") || len(b.said()) != 0 {
		t.Errorf("sent %v\n%s", b.said(), b.text())
	}
	press(b.Model, "f2")
	if len(b.said()) != 1 || b.said()[0].Verb != desk.Answer || b.said()[0].Call != "k2" {
		t.Errorf("F2 sends %v", b.said())
	}
}

func TestNumberEntryKeepsItsTextWhenACallComesIn(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "o", "0770")
	b.show(ringing(fred(desk.Incoming)))
	press(b.Model, "0900123", "enter")
	if len(b.sent) != 1 || b.sent[0].Text != "07700900123" {
		t.Errorf("sent %v", b.sent)
	}
}

func TestABoxClosesWhenItsCallHasGone(t *testing.T) {
	for _, keys := range [][]string{{"t", "21"}, {"k"}} {
		b := onBench(popped(), nil)
		press(b.Model, keys...)
		if b.over == nil {
			t.Fatalf("%v opens no box", keys)
		}
		b.show(idle())
		if b.over != nil {
			t.Errorf("the box of %v stays open", keys)
		}
	}
}

func TestPasteGoesIntoTheFieldThatHasTheFocus(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "o")
	b.Update(tea.PasteMsg{Content: "tel:+44 7700 900123\n"})
	press(b.Model, "enter")
	b.show(popped())
	press(b.Model, "e")
	b.Update(tea.PasteMsg{Content: "one\r\ntwo\x1b[31m\x07"})
	want := []desk.Command{{Verb: desk.Dial, Text: "+44 7700 900123"}, {Verb: desk.Note, Call: "k1", Text: "one\ntwo"}}
	if !reflect.DeepEqual(b.sent, want) {
		t.Errorf("sent %+v", b.sent)
	}
}

func TestCopyPutsTheSelectedValueOnTheClipboard(t *testing.T) {
	b := onBench(popped(), nil)
	press(b.Model, "down", "down")
	_, cmd := b.Update(tea.KeyPressMsg{Code: 'y', Text: "y"})
	if !yields(cmd, func(m tea.Msg) bool {
		return reflect.TypeOf(m) == reflect.TypeOf(tea.SetClipboard("")()) && reflect.ValueOf(m).String() == "Purchasing Manager"
	}) {
		t.Error("the value is not copied")
	}
}

func TestFocusStaysWithTheAgent(t *testing.T) {
	first := fred(desk.Talking)
	b := onBench(talking(first), nil)
	b.show(talking(first, second()))
	if b.page.Focused().Key != "k1" {
		t.Error("a second call takes the focus from the one that is talking")
	}
	ended := with(first, func(k *desk.Call) { k.State, k.Can = desk.Ended, []desk.Verb{desk.Dismiss} })
	b.show(talking(ended, second()))
	if b.page.Focused().Key != "k2" {
		t.Error("the focus stays on a call that has ended while another rings")
	}
	out := with(fred(desk.Dialling), func(k *desk.Call) { k.Key, k.Outgoing = "k3", true })
	b.show(talking(ended, second(), out))
	if b.page.Focused().Key != "k3" {
		t.Error("a call that the agent dialled has no focus")
	}
}

func TestTheClockStopsWhenNothingMoves(t *testing.T) {
	b := onBench(idle(), nil)
	for _, tc := range []struct {
		snap *desk.Snapshot
		want time.Duration
	}{
		{&desk.Snapshot{State: desk.Starting}, 0},
		{idle(), 48*time.Second + time.Millisecond},
		{ringing(fred(desk.Incoming)), 500 * time.Millisecond},
		{talking(fred(desk.Talking)), time.Second + time.Millisecond},
	} {
		b.show(tc.snap)
		if got := b.moves(noon); got != tc.want {
			t.Errorf("%s: the screen moves after %v, want %v", tc.snap.State, got, tc.want)
		}
	}
}

func TestOnlyOneClockRuns(t *testing.T) {
	b := onBench(idle(), nil)
	if b.schedule() != nil {
		t.Error("a second clock is started beside the first")
	}
	b.show(ringing(fred(desk.Incoming)))
	gen := b.tick.gen
	if _, cmd := b.Update(tickMsg{gen - 1}); cmd != nil {
		t.Error("a clock that was replaced starts another")
	}
	b.now = b.now.Add(500 * time.Millisecond)
	if _, cmd := b.Update(tickMsg{gen}); cmd == nil {
		t.Error("the clock stops while a call rings")
	}
}

func TestReboundKeysWorkAndAreShown(t *testing.T) {
	m, err := keymap.New(map[string][]string{"call.answer": {"space"}})
	if err != nil {
		t.Fatal(err)
	}
	b := onBench(ringing(fred(desk.Incoming)), func(o *Options) { o.Keys = m })
	if !strings.Contains(b.text(), "Space Answer") {
		t.Error("the action bar does not show the new key")
	}
	press(b.Model, "a")
	press(b.Model, "space")
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Answer {
		t.Errorf("sent %v", b.sent)
	}
}

func TestClicksWorkWhereTheScreenShowsActions(t *testing.T) {
	b := onBench(talking(fred(desk.Talking), second()), func(o *Options) { o.Mouse = true })
	for y, line := range strings.Split(b.text(), "\n") {
		if x := strings.Index(line, "x Hang up"); x >= 0 {
			b.Update(tea.MouseClickMsg{X: x + 2, Y: y, Button: tea.MouseLeft})
		}
	}
	for y, line := range strings.Split(b.text(), "\n") {
		if strings.Contains(line, "2 ◉ 02079460123") {
			b.Update(tea.MouseClickMsg{X: 10, Y: y, Button: tea.MouseLeft})
		}
	}
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Hangup || b.page.Focused().Key != "k2" {
		t.Errorf("sent %v, focus on %s", b.sent, b.page.Focused().Key)
	}
	if b.View().MouseMode == tea.MouseModeNone {
		t.Error("the mouse is not asked for")
	}
}

func TestWhatIsStillTypedWhenTheNotesCloseBecomesNoCommand(t *testing.T) {
	b := onBench(popped(), func(o *Options) { o.Grace = DefaultGrace })
	press(b.Model, "e", "He said ")
	b.sent = nil
	s := popped()
	s.Calls[0].State, s.Calls[0].Can = desk.Ended, []desk.Verb{desk.Dismiss}
	s.Calls = append(s.Calls, second())
	b.show(s) // the customer hangs up in the middle of the sentence, and the next one rings
	for _, k := range []string{"w", "a", "i", "t", "q", "D"} {
		b.now = b.now.Add(150 * time.Millisecond)
		press(b.Model, k)
	}
	if len(b.sent) != 0 || b.over != nil || !strings.Contains(b.text(), "has closed") {
		t.Fatalf("sent %v\n%s", b.sent, b.text())
	}
	b.now = b.now.Add(700 * time.Millisecond)
	press(b.Model, "a")
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Answer {
		t.Errorf("the page stays deaf: %v", b.sent)
	}
}

func TestKeysWorkAtOnceWhenTheAgentClosesTheField(t *testing.T) {
	b := onBench(withForm(), func(o *Options) { o.Grace = DefaultGrace })
	press(b.Model, "Porter", "tab", "Acme", "ctrl+s")
	s := withForm()
	s.Form = nil
	b.show(s)
	press(b.Model, "h")
	if sent := b.said(); len(sent) != 2 || sent[1].Verb != desk.Hold {
		t.Errorf("sent %v", sent)
	}
}

func TestANumberEntrySurvivesAMomentInWhichItsVerbIsImpossible(t *testing.T) {
	b := onBench(popped(), nil)
	press(b.Model, "t", "21")
	s := popped()
	s.Calls[0].State, s.Calls[0].Can = desk.Holding, []desk.Verb{desk.Hangup}
	b.show(s)
	b.show(popped())
	press(b.Model, "04", "enter")
	if len(b.sent) != 1 || b.sent[0].Text != "2104" {
		t.Errorf("sent %v", b.sent)
	}
}

func TestLeavingIsAskedEvenWhileAnotherQuestionStands(t *testing.T) {
	b := onBench(ringing(fred(desk.Incoming)), nil)
	press(b.Model, "d", "ctrl+c")
	s := ringing(fred(desk.Incoming))
	s.Leaving = true
	b.show(s)
	press(b.Model, "y")
	if len(b.sent) != 2 || b.sent[0].Verb != desk.Quit || b.sent[1].Verb != desk.QuitNow {
		t.Errorf("sent %v", b.sent)
	}
}

func TestAKeyThatCanDoNothingSaysSoUntilSomethingHappens(t *testing.T) {
	for _, tc := range []struct {
		key, says string
		snap      *desk.Snapshot
	}{
		{"R", "there is nothing to send", idle()},
		{"r", "there is nothing to mend", idle()},
		{"a", "No call is ringing.", idle()},
		{"h", "Hold: there is no call.", idle()},
		{"k", "Keypad is not possible with this call now.", ringing(fred(desk.Incoming))},
		{"i", "No results are set up (dispositions.codes): ask your administrator.", talking(fred(desk.Talking))},
		{"i", "An internal call gets no result.", withResults(talking(internal(fred(desk.Talking))))},
		{"i", "No results are set up for calls of this queue", withResults(talking(fred(desk.Talking)), "sales")},
		{"i", "A call gets its result once it is answered.", withResults(ringing(fred(desk.Incoming)))},
		{"ctrl+r", "Calls are not recorded here: recording.dir is not set in the settings.", talking(fred(desk.Talking))},
		{"j", "There is no second call: put this one on hold and dial the other.", talking(fred(desk.Talking))},
		{"esc", "", idle()},
	} {
		b := onBench(tc.snap, nil)
		before := b.text()
		press(b.Model, tc.key)
		if tc.says == "" && b.text() != before || !strings.Contains(b.text(), tc.says) {
			t.Errorf("%s:\n%s", tc.key, b.text())
		}
		b.show(talking(fred(desk.Held)))
		if tc.says != "" && strings.Contains(b.text(), tc.says) {
			t.Errorf("%s: the answer outlives the moment", tc.key)
		}
	}
}

// withResults has one result to choose, for calls of one queue or of all.
func withResults(s *desk.Snapshot, queue ...string) *desk.Snapshot {
	s.Dispositions = []desk.Disposition{{Code: "sale", Label: c("Sale"), Queue: c(strings.Join(queue, " "))}}
	return s
}

// internal is the same call from a colleague.
func internal(call desk.Call) desk.Call {
	call.Dir = crm.Internal
	return call
}

func TestCopyingSaysWhatWasCopied(t *testing.T) {
	b := onBench(popped(), nil)
	press(b.Model, "y")
	if !strings.Contains(b.text(), "Copied: ") {
		t.Errorf("%s", b.text())
	}
}

func TestTheSearchPageOffersOnlyKeysThatWorkWhereTheFocusIs(t *testing.T) {
	empty := withSearch()
	empty.Search = &desk.Search{For: empty.Search.For, Query: c("Nobody")}
	if s := onBench(empty, nil).text(); strings.Contains(s, "n New") || strings.Contains(s, "choose") || strings.Contains(s, "Tab") {
		t.Errorf("in the query a letter is text, and there is no list:\n%s", s)
	}
	if s := onBench(withSearch(), nil).text(); !strings.Contains(s, "n New") || !strings.Contains(s, "choose") || !strings.Contains(s, "Tab Query") {
		t.Errorf("in the list:\n%s", s)
	}
}

func TestAtEightyCellsTheHeaderSaysWhatComesAfterTheCall(t *testing.T) {
	s := talking(fred(desk.Talking))
	s.Pending = desk.Away
	if line, _, _ := strings.Cut(onBench(s, nil).text(), "\n"); !strings.Contains(line, "→ Away after this call") {
		t.Error(line)
	}
}
