package desk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/sip"
)

func watched(numbers ...string) Settings {
	var s Settings
	for _, n := range numbers {
		s.Lamps = append(s.Lamps, Lamp{Number: text.Clean(n), Name: text.Clean("Colleague " + n)})
	}
	return s
}

func (b *bench) lamp(number, state, with string) *bench {
	b.t.Helper()
	return b.phone(sip.LampChanged{At: b.at, Who: text.Clean(number), State: state, Peer: text.Clean(with)})
}

func TestLampsShowWhatTheTelephoneTells(t *testing.T) {
	b := newBench(t, watched("2102", "2103"))
	if l := b.snap().Lamps; len(l) != 2 || l[0].State != LampUnknown {
		t.Fatalf("%+v", l)
	}
	first := b.snap()
	b.lamp("2103", sip.LampBusy, "Fred").lamp("9999", sip.LampBusy, "nobody's lamp")
	l := b.snap().Lamps
	if len(l) != 2 || l[0].State != LampUnknown || l[1].State != LampBusy || l[1].With.String() != "Fred" || l[1].Since.IsZero() {
		t.Fatalf("%+v", l)
	}
	if first.Lamps[1].State != LampUnknown {
		t.Error("an earlier snapshot has changed")
	}
	since := l[1].Since
	if l = b.lamp("2103", sip.LampBusy, "Jane").snap().Lamps; l[1].Since != since {
		t.Error("busy began twice")
	}
	for told, want := range map[string]LampState{sip.LampIdle: LampFree, sip.LampRinging: LampRinging, sip.LampUnknown: LampUnknown, "rubbish": LampUnknown} {
		if l = b.lamp("2103", told, "").snap().Lamps; l[1].State != want {
			t.Errorf("%s is shown as %s", told, l[1].State)
		}
	}
}

func TestAMessageIsShownWithItsWriterUntilItIsHidden(t *testing.T) {
	b := newBench(t, watched("2102"))
	write := func(p sip.Party, words string) {
		b.phone(sip.TextMessage{At: b.at, From: p, Text: text.CleanBlock(words, 4000)})
	}
	write(sip.Party{Number: text.Clean("2102"), Name: text.Clean("billie")}, "Two lines\nof words")
	b.noticed("Colleague 2102 (2102): Two lines of words")
	write(sip.Party{Number: text.Clean("2199"), Name: text.Clean("Anna")}, strings.Repeat("x", 900))
	last := b.snap().Notices[len(b.snap().Notices)-1]
	if n := len(last.Text.String()); n != len("Anna (2199): ")+500 {
		t.Errorf("%d characters are shown", n)
	}
	write(sip.Party{Withheld: true}, "psst")
	b.noticed("Message: psst")
	if len(effects[After](b.all)) != 0 {
		t.Error("a message leaves by itself")
	}
}

func TestAFloodOfMessagesDoesNotTakeTheScreen(t *testing.T) {
	b := newBench(t, Settings{})
	for i := range 40 {
		b.phone(sip.TextMessage{At: b.at, Text: text.CleanBlock(fmt.Sprint("number ", i), 100)})
	}
	b.noticed("further ones of this minute are not shown")
	for _, n := range b.snap().Notices {
		if strings.Contains(n.Text.String(), "number 39") {
			t.Error("the fortieth message of a minute is shown")
		}
	}
	b.at = b.at.Add(time.Minute)
	b.phone(sip.TextMessage{At: b.at, Text: text.CleanBlock("a minute later", 100)})
	b.noticed("a minute later")
}

// registered tells how an account stands.
func (b *bench) account(name string, primary bool, state sip.RegistrationState, why string) *bench {
	b.t.Helper()
	return b.phone(sip.RegistrationChanged{At: b.at, Account: text.Clean("sip:" + name), Primary: primary, State: state, Server: text.Clean("pbx"), Reason: text.Clean(why)})
}

func TestOfSeveralAccountsEachIsShownAndOneIsEnoughToWork(t *testing.T) {
	b := newBench(t, Settings{})
	if b.snap().Accounts != nil {
		t.Error("a single account is a list")
	}
	b.account("31@other", false, sip.Registering, "")
	b.account("31@other", false, sip.Registered, "").account("2101@pbx", true, sip.Registered, "")
	s := b.snap()
	if len(s.Accounts) != 2 || !s.Accounts[0].Primary || s.Accounts[0].Name.String() != "2101@pbx" || s.Links.SIP.Health != HealthOK || s.Links.SIP.Text.String() != "2/2" {
		t.Fatalf("%+v %+v", s.Accounts, s.Links.SIP)
	}
	if s.Agent.Account.String() != "sip:2101@pbx" {
		t.Errorf("the agent is %s", s.Agent.Account)
	}
	s = b.account("31@other", false, sip.RegFailed, "The exchange does not answer").snap()
	if s.State != Available || s.Links.SIP.Health != HealthWarn || s.Links.SIP.Text.String() != "1/2, 31@other down" {
		t.Fatalf("%s %+v", s.State, s.Links.SIP)
	}
	b.noticed("31@other: The exchange does not answer")
	s = b.account("2101@pbx", true, sip.RegFailed, "The exchange does not answer").snap()
	if s.State != Offline || s.Links.SIP.Health != HealthDown {
		t.Fatalf("%s %+v", s.State, s.Links.SIP)
	}
	b.noticed("No account is registered")
	s = b.account("31@other", false, sip.Registered, "").snap()
	if s.State != Available {
		t.Errorf("one account is registered and the agent is %s", s.State)
	}
	for _, n := range s.Notices {
		if strings.Contains(n.Text.String(), "31@other") || strings.Contains(n.Text.String(), noCalls) && strings.Contains(n.Text.String(), "No account") {
			t.Errorf("still said: %s", n.Text)
		}
	}
}

func TestACallFromAnotherAccountIsDialledAsItStandsAndShownAsItsNumber(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "020 7946 0018 via 31")
	if did := effects[PhoneDo](b.last); len(did) != 1 || did[0].Text != "020 7946 0018 via 31" {
		t.Fatalf("%+v", did)
	}
	if c := b.call("out-1"); c.Remote.Number.String() != "020 7946 0018" {
		t.Errorf("%s", c.Remote.Number)
	}
}

// 2102 is one person at our exchange and another one at the second account's.
func TestAColleagueOfAnotherAccountIsCalledThereAndCallsAreSentThere(t *testing.T) {
	other := Lamp{Number: text.Clean("2102"), Via: text.Clean("31@other.example.com")}
	for _, tc := range []struct {
		lamp        Lamp
		account     string // of the call that is sent on
		dials, from string
	}{
		{Lamp{Number: text.Clean("2102")}, "sip:2101@pbx.example.com", "2102", "2102"},
		{other, "sip:2101@pbx.example.com", "2102 via 31@other.example.com", "sip:2102@other.example.com"},
		{other, "sip:31@OTHER.example.com", "2102 via 31@other.example.com", "2102"},
		{Lamp{Number: text.Clean("2102"), Via: text.Clean("2101@pbx.example.com:5070")}, "sip:31@other.example.com", "2102 via 2101@pbx.example.com:5070", "sip:2102@pbx.example.com:5070"},
		{Lamp{Number: text.Clean("billie@other.example.com"), Via: other.Via}, "sip:2101@pbx.example.com", "billie@other.example.com via 31@other.example.com", "billie@other.example.com"},
	} {
		if got := tc.lamp.Dials(); got != tc.dials || !dialable(got) {
			t.Errorf("%v: dials %q, want %q", tc.lamp, got, tc.dials)
		}
		if got := tc.lamp.From(text.Clean(tc.account)); got != tc.from {
			t.Errorf("%v from %s: %q, want %q", tc.lamp, tc.account, got, tc.from)
		}
	}
}
