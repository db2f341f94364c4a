package desk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

func TestCallsThatAreNotWantedAreRefusedOrSentOnAndLeaveTheirRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		set  Settings
		cmd  Command
		did  PhoneVerb
		why  string
		busy bool
	}{
		"do not disturb":       {cmd: Command{Verb: DND}, did: PhoneReject, why: "do not disturb"},
		"forwarded always":     {cmd: Command{Verb: Forward, Text: "2102"}, did: PhoneRedirect, why: "forwarded to 2102"},
		"forwarded from start": {set: Settings{Forward: &Forwards{When: ForwardAlways, To: text.Clean("2102")}}, did: PhoneRedirect, why: "forwarded to 2102"},
		"forwarded when busy":  {cmd: Command{Verb: Forward, Text: "2102", Values: map[string]string{"when": "busy"}}, did: PhoneRedirect, why: "forwarded to 2102", busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.set)
			if tc.cmd.Verb != "" {
				b.do(Commanded{tc.cmd})
			}
			if tc.busy {
				b.up("first", "02079460000")
			}
			b.in("a", "07814256404")
			b.phoneDid(tc.did)
			b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndDeclined, ByUs: true, Code: 486})
			if r := finished(b, "a"); r.Action != "missed" || r.Duration != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestOneLineSaysWhatBecomesOfCallsAndItIsTrue(t *testing.T) {
	b := newBench(t, Settings{Linger: time.Minute})
	for _, step := range []struct {
		cmd  Command
		line string
	}{
		{Command{Verb: DND}, "Do not disturb: calls are refused as busy; each leaves its record."},
		{Command{Verb: DND}, "Calls ring here again."},
		{Command{Verb: Forward, Text: "2102"}, "Every call goes to 2102; each leaves its record."},
		{Command{Verb: DND}, "Do not disturb is on; calls are still forwarded to 2102."},
		{Command{Verb: DND}, "Do not disturb is off; calls are still forwarded to 2102."},
		{Command{Verb: DND}, "Do not disturb is on; calls are still forwarded to 2102."},
		{Command{Verb: Forward}, "Calls are not forwarded; do not disturb refuses them."},
		{Command{Verb: DND}, "Calls ring here again."},
		{Command{Verb: Forward}, "Calls are not forwarded: they ring here."},
	} {
		b.do(Commanded{step.cmd})
		if n := b.snap().Notices; len(n) != 1 || n[0].Text.String() != step.line {
			t.Errorf("%+v, want one line: %s", n, step.line)
		}
	}
}

func TestForwardingOnBusyLeavesTheFirstCallAlone(t *testing.T) {
	b := newBench(t, Settings{}).do(Commanded{Command{Verb: Forward, Text: "2102", Values: map[string]string{"when": "busy"}}})
	b.in("a", "07814256404").phoneDid()
	b.state("a", Incoming)
}

func TestARingThatNobodyAnswersIsSentOnUnlessItWasTakenMeanwhile(t *testing.T) {
	set := Settings{Forward: &Forwards{When: ForwardNoAnswer, To: text.Clean("2102")}, ForwardAfter: 15 * time.Second}
	b := newBench(t, set).in("a", "07814256404")
	wait := timerOf(b, "forward")
	if wait.In != 15*time.Second {
		t.Fatalf("%+v", wait)
	}
	b.do(TimerFired{wait.ID}).phoneDid(PhoneRedirect)

	b = newBench(t, set).in("a", "07814256404")
	wait = timerOf(b, "forward")
	b.cmd(Answer).do(TimerFired{wait.ID}).phoneDid()
}

func timerOf(b *bench, begins string) After {
	b.t.Helper()
	for _, a := range effects[After](b.last) {
		if len(a.ID) > len(begins) && string(a.ID[:len(begins)]) == begins {
			return a
		}
	}
	b.t.Fatalf("no timer %q in %v", begins, b.last)
	return After{}
}

func TestATrustedSourceMayHaveACallAnsweredButNeverOverAnotherOne(t *testing.T) {
	ring := func(b *bench, leg string) *bench {
		return b.phone(sip.IncomingCall{At: b.at, Leg: sip.LegID(leg), CallID: "id-" + leg, LocalTag: "t", Remote: party("07814256404"), Auto: &sip.AutoAnswer{After: 2 * time.Second}})
	}
	b := ring(newBench(t, Settings{}), "a")
	b.state("a", Incoming)
	if !b.call("a").AutoAnswer {
		t.Error("the agent is not told")
	}
	b.do(TimerFired{timerOf(b, "auto").ID}).phoneDid(PhoneAnswer)

	b = ring(newBench(t, Settings{}).up("first", "02079460000"), "a")
	if len(effects[After](b.last)) != 0 {
		t.Error("a conversation would be interrupted")
	}
	b = ring(newBench(t, Settings{}).cmd(GoAway, "lunch"), "a")
	if len(effects[After](b.last)) != 0 {
		t.Error("an agent who is away is put on a call")
	}
}

func TestTheExchangeMayAnswerAndHoldOnlyWhatTheAgentCould(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404")
	b.phone(sip.Asked{Leg: "a", Do: "hold"}).phoneDid()
	b.phone(sip.Asked{Leg: "a", Do: "answer"}).phoneDid(PhoneAnswer)
	b.phone(sip.CallAnswered{At: b.at, Leg: "a"}).phone(sip.Asked{Leg: "a", Do: "hold"}).phoneDid(PhoneHold)
	b.phone(sip.Asked{Leg: "none", Do: "answer"}).phoneDid()
	b.phone(sip.Asked{Leg: "a", Do: "format the disk"}).phoneDid()
}

func TestARecordThatCameWithTheCallIsPoppedWithoutALookup(t *testing.T) {
	in := sip.IncomingCall{Leg: "a", CallID: "x", LocalTag: "t", Remote: party("07814256404"), Record: fred().ID,
		Vars: []sip.Var{{Name: text.Clean("Campaign"), Value: text.Clean("Spring"), Show: true}}}
	b := newBench(t, Settings{})
	in.At = b.at
	b.phone(in)
	if n := len(effects[Lookup](b.last)); n != 0 {
		t.Errorf("%d lookups", n)
	}
	load := effects[LoadCard](b.last)
	if len(load) != 1 || load[0].Ref.ID != fred().ID || load[0].Ref.Type != "Contact" {
		t.Fatalf("%+v", load)
	}
	b.do(CardLoaded{For: b.call("a").Key, Ref: load[0].Ref, Auto: true, Card: &crm.Card{Ref: fred().Ref}})
	if c := b.call("a"); c.Match.State != crm.MatchOne || c.Name.String() != "Fred Bloggs" || b.snap().Open == nil {
		t.Errorf("%+v", c)
	}
	b.bye("a", false)
	r := finished(b, "a")
	if r.Assoc.Record().ID != fred().ID || len(r.Vars) != 1 || r.Vars[0].Name.String() != "Campaign" {
		t.Errorf("%+v", r)
	}

	b = newBench(t, Settings{})
	in.At = b.at
	b.phone(in)
	b.do(CardLoaded{For: b.call("a").Key, Ref: crm.Ref{Type: "Contact", ID: fred().ID}, Auto: true, Err: text.Clean("it was deleted")})
	if n := len(effects[Lookup](b.last)); n != 1 {
		t.Errorf("a record that is gone: %d lookups by number", n)
	}
}

func TestANewVoiceMessageIsSaidOnceAndTheMailboxIsCalled(t *testing.T) {
	b := newBench(t, Settings{})
	b.phone(sip.VoiceMail{Waiting: true, New: 2, Number: text.Clean("*97")})
	b.noticed("2 new voice messages")
	before := len(b.snap().Notices)
	b.phone(sip.VoiceMail{Waiting: true, New: 1, Number: text.Clean("*97")})
	if n := len(b.snap().Notices); n != before {
		t.Error("a message that was heard is no news")
	}
	b.cmd(Voicemail)
	if did := effects[PhoneDo](b.last); len(did) != 1 || did[0].Text != "*97" {
		t.Errorf("%+v", did)
	}
}

func TestSoundThatCannotBeTrustedIsSaid(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	b.phone(sip.CallSecured{Leg: "a", Signaling: "TLS 1.3", Sound: "DTLS-SRTP"})
	if c := b.call("a"); c.Sound != "DTLS-SRTP" || c.Signaling != "TLS 1.3" {
		t.Errorf("%+v", c)
	}
	b.phone(sip.CallSecured{Leg: "a", Broken: text.Clean("the fingerprint is another one")})
	b.noticed("cut off")
}

func TestARecordingIsOfferedOnlyWherePolicyAllowsIt(t *testing.T) {
	if b := newBench(t, Settings{}).up("a", "07814256404"); slices.Contains(b.call("a").Can, Rec) {
		t.Error("recording is offered although it is off")
	}
	b := newBench(t, Settings{Recording: true}).up("a", "07814256404").cmd(Rec)
	if did := effects[PhoneDo](b.last); len(did) != 1 || did[0].Do != PhoneRecord || !did[0].On {
		t.Fatalf("%+v", did)
	}
	b.phone(sip.RecordingChanged{Leg: "a", State: sip.RecordingOn, Path: "/calls/a.wav"}).cmd(RecPause)
	if did := effects[PhoneDo](b.last); len(did) != 1 || did[0].Do != PhonePause || !did[0].On {
		t.Fatalf("%+v", did)
	}
	b.phone(sip.RecordingChanged{Leg: "a", State: sip.RecordingPaused, Path: "/calls/a.wav"}).cmd(RecPause)
	if did := effects[PhoneDo](b.last); did[0].On {
		t.Error("a second press does not go on")
	}
	b.phone(sip.RecordingChanged{Leg: "a", State: sip.RecordingFailed, Reason: text.Clean("the disk is full")})
	b.noticed("not being recorded: the disk is full")
	b.bye("a", false)
	if r := finished(b, "a"); r.Recording != "/calls/a.wav" || r.Recorded != "failed" {
		t.Errorf("%+v", r)
	}
}

func TestAValueThatCameWithTheCallFindsTheCustomerWhenTheNumberDoesNot(t *testing.T) {
	vars := []sip.Var{
		{Name: text.Clean("Campaign"), Value: text.Clean("Spring"), Show: true},
		{Name: text.Clean("First caller"), Value: text.Clean("07814256404"), Lookup: true, Secret: true},
	}
	for _, number := range []string{"02079460000", ""} {
		b := newBench(t, Settings{})
		b.phone(sip.IncomingCall{At: b.at, Leg: "a", CallID: "x", LocalTag: "t", Remote: party(number), Vars: vars})
		if number != "" {
			b.do(LookupDone{Call: b.call("a").Key, Number: text.Clean(number), Match: crm.Match{State: crm.MatchNone}})
		}
		if got := effects[Lookup](b.last); len(got) != 1 || got[0].Number.String() != "07814256404" {
			t.Fatalf("from %q: %v", number, got)
		}
		b.do(LookupDone{Call: b.call("a").Key, Number: text.Clean("07814256404"), Match: one(fred())})
		if c := b.call("a"); c.Match.State != crm.MatchOne {
			t.Errorf("%+v", c.Match)
		}
		b.bye("a", false)
		if r := finished(b, "a"); len(r.Vars) != 1 {
			t.Errorf("the record tells %+v: what is secret is written nowhere", r.Vars)
		}
	}
}

func TestWhatIsWrongWithTheSoundIsSaidOnceAndTakenBack(t *testing.T) {
	fine := media.Stats{LastPacket: epoch.Add(time.Hour)}
	for part, st := range map[string]media.Stats{
		"You are not being heard":        {LastPacket: fine.LastPacket, Unheard: 6 * time.Second},
		"Your microphone gives no sound": {LastPacket: fine.LastPacket, HeardSilent: true},
		"No sound has come":              {LastPacket: epoch},
	} {
		b := newBench(t, Settings{}).up("a", "07814256404")
		b.at = b.at.Add(10 * time.Second)
		b.do(QualityRead{map[sip.LegID]media.Stats{"a": st}})
		b.noticed(part)
		n := len(b.snap().Notices)
		b.do(QualityRead{map[sip.LegID]media.Stats{"a": st}})
		if len(b.snap().Notices) != n {
			t.Errorf("%s: said again", part)
		}
		b.do(QualityRead{map[sip.LegID]media.Stats{"a": fine}})
		for _, notice := range b.snap().Notices {
			if strings.Contains(notice.Text.String(), part) {
				t.Errorf("%s: still said", part)
			}
		}
	}
}

func TestWhoWorksWithoutAMicrophoneIsToldThatAndNotToLookAtItsSwitch(t *testing.T) {
	b := newBench(t, Settings{NoMicrophone: true}).up("a", "07814256404")
	silent := func() *bench {
		b.at = b.at.Add(10 * time.Second)
		return b.do(QualityRead{map[sip.LegID]media.Stats{"a": {LastPacket: epoch.Add(time.Hour), HeardSilent: true}}})
	}
	said := func(part string) bool {
		return slices.ContainsFunc(b.snap().Notices, func(n Notice) bool { return strings.Contains(n.Text.String(), part) })
	}
	if silent(); !said("no microphone is in use, as it was chosen") || said("switch") {
		t.Fatalf("%+v", b.snap().Notices)
	}
	b.do(SoundDone{Do: SoundChoose, NoMic: false}) // now there is one, and it is silent
	if silent(); said("as it was chosen") || !said("look at its switch") {
		t.Fatalf("%+v", b.snap().Notices)
	}
	b.do(SoundDone{Do: SoundChoose, NoMic: true})
	if silent(); !said("as it was chosen") || said("switch") {
		t.Fatalf("%+v", b.snap().Notices)
	}
}

func TestWithoutASoundServerNobodyIsSentToTheSwitchOfAMicrophone(t *testing.T) {
	b := newBench(t, Settings{})
	b.phone(sip.SoundChanged{At: b.at, Detail: text.Clean("no sound server answers")})
	b.up("a", "07814256404")
	b.at = b.at.Add(10 * time.Second)
	b.do(QualityRead{map[sip.LegID]media.Stats{"a": {LastPacket: epoch.Add(time.Hour), HeardSilent: true}}})
	for _, n := range b.snap().Notices {
		if strings.Contains(n.Text.String(), "microphone") {
			t.Errorf("said: %v", n.Text)
		}
	}
	if h := b.snap().Links.Sound.Health; h != HealthWarn {
		t.Errorf("the status line says that the sound is %s", h)
	}
}

func TestACallWithoutAWayForItsSoundIsToldOnceAndTakenBack(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	b.phone(sip.SoundPath{Leg: "a"})
	b.noticed("No way for the sound was found")
	b.phone(sip.SoundPath{Leg: "a", OK: true})
	for _, n := range b.snap().Notices {
		if strings.Contains(n.Text.String(), "No way for the sound") {
			t.Errorf("still there: %v", n.Text)
		}
	}
	b.phone(sip.SoundPath{Leg: "a", Lost: true})
	b.noticed("The far end takes no sound any more")
	b.phone(sip.CommandFailed{Leg: "a", Command: "refresh", Reason: text.Clean("488 Not Acceptable Here")})
	b.noticed("did not agree to go on over another way (488 Not Acceptable Here)")
	b.phone(sip.SoundPath{Leg: "a", OK: true})
	for _, n := range b.snap().Notices {
		if strings.Contains(n.Text.String(), "no sound any more") {
			t.Errorf("still there: %v", n.Text)
		}
	}
	b.phone(sip.SoundPath{Leg: "gone"})
}
