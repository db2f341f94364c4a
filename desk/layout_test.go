package desk

import (
	"slices"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/internal/text"
	"offhook/sip"
)

// laidOut is a desk with a layout, written as an administrator writes it.
func laidOut(t *testing.T, set Settings, raw string) *bench {
	t.Helper()
	l, _, err := layout.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, set).do(LayoutChanged{Layout: &l})
}

const everything = `{"Inbound":{"callRelatedFields":["ANI","QUEUE","DNIS","Campaign"],"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact"},
 "SingleMatch":{"screenPopType":"PopToEntity"},"MultipleMatches":{"screenPopType":"PopToSearch"}}},"Outbound":{"screenPopSettings":{}}}`

var (
	none = crm.Match{State: crm.MatchNone}
	two  = crm.Match{State: crm.MatchMany, Hits: []crm.Hit{fred(), {Ref: acme()}}}
)

func (b *bench) answered(leg string) *bench {
	b.t.Helper()
	return b.cmd(Answer).phone(sip.CallAnswered{At: b.at, Leg: sip.LegID(leg), Codec: "PCMU"})
}

func TestTheNewFormIsOfTheObjectThatTheLayoutNamesElseALead(t *testing.T) {
	for name, c := range map[string]struct{ layout, want string }{
		"a contact":               {everything, "Contact"},
		"don't pop":               {`{"Inbound":{}}`, "Lead"},
		"pop to new without name": {`{"Inbound":{"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity"}}}}`, "Lead"},
	} {
		b := laidOut(t, Settings{Pop: PopManual}, c.layout).up("a", "07700900461").found("a", none).cmd(New)
		if got := effects[LoadForm](b.last); len(got) != 1 || got[0].Ask.Object != c.want || got[0].Auto {
			t.Errorf("%s: %+v", name, got)
		}
	}
	b := laidOut(t, Settings{Pop: PopManual}, everything).cmd(Dial, "07700900461")
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "o", LocalTag: "t", Remote: party("07700900461")}).found("out-1", none).cmd(New)
	if got := effects[LoadForm](b.last); len(got) != 1 || got[0].Ask.Object != "Contact" {
		t.Errorf("outbound: %+v", got)
	}
}

func TestWhatTakesTheKeyboardOpensOnlyOnceTheCallIsAnswered(t *testing.T) {
	form := laidOut(t, Settings{}, everything).in("a", "07700900461").found("a", none)
	if n := len(effects[LoadForm](form.all)); n != 0 {
		t.Error("a form came while it rang: the key that answers would be typed into it")
	}
	form.answered("a")
	if got := effects[LoadForm](form.last); len(got) != 1 || !got[0].Auto || got[0].Ask.Object != "Contact" || got[0].Ask.Number.String() != "07700900461" {
		t.Fatalf("%+v", got)
	}
	form.do(FormLoaded{For: form.call("a").Key, Form: &crm.Form{Object: "Contact"}, Auto: true})
	if s := form.snap(); s.Form == nil || !s.FormAuto {
		t.Errorf("%+v", s.Form)
	}
	list := laidOut(t, Settings{}, everything).in("a", "07700900461").found("a", two)
	if list.snap().Search != nil {
		t.Error("a list came while it rang")
	}
	if s := list.answered("a").snap().Search; s == nil || !s.Auto || len(s.Hits) != 2 {
		t.Errorf("%+v", s)
	}
}

func TestACardOpensWhenTheSettingsSayAndTheLayoutDoes(t *testing.T) {
	for name, c := range map[string]struct {
		pop            PopTiming
		layout         string
		ringing, after int // cards that were loaded
	}{
		"on ring":             {PopOnRing, everything, 1, 1},
		"on answer":           {PopOnAnswer, everything, 0, 1},
		"by hand":             {PopManual, everything, 0, 0},
		"the layout does not": {PopOnRing, `{"Inbound":{"screenPopSettings":{"MultipleMatches":{"screenPopType":"PopToSearch"}}}}`, 0, 0},
		"details, as it was":  {PopOnRing, `{"Inbound":{"screenPopSettings":{"SingleMatch":{"screenPopType":"PopToDetails"}}}}`, 1, 1},
	} {
		b := laidOut(t, Settings{Pop: c.pop}, c.layout).in("a", "07700900461").found("a", one(fred()))
		if n := len(effects[LoadCard](b.all)); n != c.ringing {
			t.Errorf("%s: %d cards while it rang", name, n)
		}
		b.answered("a")
		if n := len(effects[LoadCard](b.all)); n != c.after {
			t.Errorf("%s: %d cards after the answer", name, n)
		}
		if b.call("a").Assoc.Rule != crm.RuleOneMatch {
			t.Errorf("%s: rule %d: what opens by itself is not opened by the agent", name, b.call("a").Assoc.Rule)
		}
	}
}

func TestNothingThatOpensByItselfTakesThePageFromAnotherCallOrFromWork(t *testing.T) {
	busy := laidOut(t, Settings{}, everything).up("a", "07814256404").in("b", "07700900461")
	busy.found("b", none)
	if len(effects[LoadForm](busy.all)) != 0 {
		t.Error("a form came during another conversation")
	}
	open := laidOut(t, Settings{}, everything).in("a", "07700900461")
	open.do(FormLoaded{For: open.call("a").Key, Form: &crm.Form{Object: "Lead"}}).answered("a").found("a", two)
	if s := open.snap(); s.Search != nil || s.Form == nil || s.FormAuto {
		t.Error("the agent's form was taken away")
	}
	late := laidOut(t, Settings{}, everything).up("a", "07700900461").found("a", none)
	key := late.call("a").Key
	late.bye("a", false).do(FormLoaded{For: key, Form: &crm.Form{Object: "Contact"}, Auto: true})
	if late.snap().Form != nil {
		t.Error("a form came after the call")
	}
}

func TestAnOutboundCallShowsTheCardOfASoleMatchUnlessTheDeskIsHeldToTheLayout(t *testing.T) {
	for _, compat := range []bool{false, true} {
		b := laidOut(t, Settings{Compat: compat}, everything).cmd(Dial, "07814256404")
		b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "o", LocalTag: "t", Remote: party("07814256404")}).found("out-1", one(fred()))
		if got := len(effects[LoadCard](b.all)) == 1; got == compat {
			t.Errorf("compat %v: a card %v", compat, got)
		}
	}
}

func TestADeskThatIsHeldToItsLayoutCountsMatchesItMayNotList(t *testing.T) {
	silent := `{"Inbound":{"screenPopSettings":{}},"Outbound":{}}`
	b := laidOut(t, Settings{Compat: true}, silent).up("a", "07700900461").found("a", two)
	if c := b.call("a"); c.Counted != 2 || len(c.Match.Hits) != 0 || !c.Assoc.Pick {
		t.Errorf("counted %d, listed %d, %+v", c.Counted, len(c.Match.Hits), c.Assoc)
	}
	if s := b.cmd(SearchIn).snap().Search; s == nil || len(s.Hits) != 0 {
		t.Errorf("s searches by hand: %+v", s)
	}
	if c := laidOut(t, Settings{Compat: true}, everything).in("a", "07700900461").found("a", two).call("a"); c.Counted != 0 || len(c.Match.Hits) != 2 {
		t.Errorf("a layout that lists: %+v", c.Match)
	}
	if c := laidOut(t, Settings{}, silent).in("a", "07700900461").found("a", two).call("a"); c.Counted != 0 || len(c.Match.Hits) != 2 {
		t.Errorf("our own rule, on by default: %+v", c.Match)
	}
}

func TestAPageOrAFlowOfTheLayoutIsOpenedInTheBrowserOnce(t *testing.T) {
	raw := `{"Inbound":{"callRelatedFields":["ANI","QUEUE","SEGMENT"],"screenPopSettings":{"SingleMatch":{"screenPopType":"PopToVisualforce","screenPopData":"Caller"},"NoMatch":{"screenPopType":"PopToFlow","screenPopData":"New_Caller"}}}}`
	b := laidOut(t, Settings{}, raw)
	b.phone(sip.IncomingCall{At: b.at, Leg: "a", CallID: "x", LocalTag: "t", Remote: party("07700900461"),
		Vars: []sip.Var{{Name: text.Clean("X-Queue"), Value: text.Clean("Sales")}, {Name: text.Clean("segment"), Value: text.Clean("gold"), Secret: true}}})
	b.found("a", one(fred())).answered("a")
	got := effects[Browse](b.all)
	if len(got) != 1 || got[0].Pop != (layout.Pop{Type: layout.PopToVisualforce, Data: "Caller"}) || got[0].Record.ID != fred().ID || len(effects[LoadCard](b.all)) != 0 {
		t.Fatalf("%+v", got)
	}
	var values []string
	for _, v := range got[0].Values {
		values = append(values, v.Name.String()+"="+v.Value.String())
	}
	if !slices.Equal(values, []string{"ANI=07700900461", "QUEUE=Sales"}) {
		t.Errorf("%v", values)
	}
	if got := effects[Browse](laidOut(t, Settings{}, raw).in("a", "07700900461").found("a", none).all); len(got) != 1 || got[0].Pop.Type != layout.PopToFlow {
		t.Errorf("%+v", got)
	}
}

func TestWhatTheLayoutShowsOfACallStandsInItsOrder(t *testing.T) {
	b := laidOut(t, Settings{}, everything)
	b.phone(sip.IncomingCall{At: b.at, Leg: "a", CallID: "x", LocalTag: "t", Remote: party("07700900461"), Vars: []sip.Var{
		{Name: text.Clean("Other"), Value: text.Clean("o"), Show: true}, {Name: text.Clean("Campaign"), Value: text.Clean("Spring")},
		{Name: text.Clean("Hidden"), Value: text.Clean("h")}, {Name: text.Clean("Queue"), Value: text.Clean("Sales")}}})
	var got []string
	for _, v := range b.call("a").Vars {
		if v.Show {
			got = append(got, v.Name.String())
		}
	}
	if !slices.Equal(got, []string{"Queue", "Campaign", "Other"}) {
		t.Errorf("shown: %v", got)
	}
}

func planned() Settings {
	return Settings{DialPlan: func(s string) string { return "9" + strings.ReplaceAll(s, " ", "") }}
}

func TestTheTelephoneDialsByThePlanAndEverybodyElseReadsTheNumber(t *testing.T) {
	b := newBench(t, planned()).cmd(Dial, "07814 256404")
	if got := effects[PhoneDo](b.last); len(got) != 1 || got[0].Text != "907814256404" {
		t.Fatalf("%+v", got)
	}
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "o", LocalTag: "t", Remote: party("907814256404")})
	c := b.call("out-1")
	if c.Remote.Number.String() != "07814 256404" || c.Dialled.String() != "907814256404" {
		t.Errorf("%q dialled as %q", c.Remote.Number, c.Dialled)
	}
	if got := effects[Lookup](b.last); len(got) != 1 || got[0].Number.String() != "07814 256404" {
		t.Errorf("looked up: %+v", got)
	}
	before := len(b.all)
	b.phone(sip.PartyChanged{At: b.at, Leg: "out-1", Remote: party("907814256404")})
	if n := len(effects[Lookup](b.all[before:])); n != 0 || b.call("out-1").Remote.Number.String() != "07814 256404" {
		t.Error("the exchange's word for the same number was taken for somebody else")
	}
}

func TestColleaguesAndEmergencyNumbersAreDialledAsTheyAre(t *testing.T) {
	for _, number := range []string{"2104", "999999"} {
		b := newBench(t, planned()).cmd(Dial, number)
		if got := effects[PhoneDo](b.last); len(got) != 1 || got[0].Text != number {
			t.Errorf("%+v", got)
		}
	}
	b := newBench(t, planned()).cmd(Dial, "07814 256404 via second")
	if got := effects[PhoneDo](b.last); len(got) != 1 || got[0].Text != "907814256404 via second" {
		t.Errorf("%+v", got)
	}
}

func TestATransferAndASendingOnFollowThePlan(t *testing.T) {
	b := newBench(t, planned()).up("a", "07814256404").cmd(Xfer, "07700 900461")
	if got := effects[PhoneDo](b.last); len(got) != 1 || got[0].Text != "907700900461" || b.call("a").Transfer.Target.String() != "07700 900461" {
		t.Errorf("%+v", got)
	}
	b = newBench(t, planned()).in("a", "07814256404").cmd(Redirect, "07700 900461")
	if got := effects[PhoneDo](b.last); len(got) != 1 || got[0].Text != "907700900461" {
		t.Errorf("%+v", got)
	}
}

func TestWhatWillBeDialledIsToldWhileItIsTyped(t *testing.T) {
	b := newBench(t, planned()).cmd(Prepare, "07814 256404")
	if p := b.snap().Prepared; p == nil || p.Typed.String() != "07814 256404" || p.Dials.String() != "907814256404" {
		t.Errorf("%+v", p)
	}
	if newBench(t, Settings{}).cmd(Prepare, "07814").snap().Prepared != nil {
		t.Error("a desk without a plan dials what is typed, and says nothing")
	}
}
