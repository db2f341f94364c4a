package desk

import (
	"fmt"
	"slices"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
)

func person(n int) crm.Card {
	return crm.Card{Ref: crm.Ref{Type: "Contact", ID: fmt.Sprintf("003000000000%03dAAA", n), Name: text.Clean(fmt.Sprintf("Person %d", n))}, Fetched: epoch}
}

// opensCard opens a card and lets Salesforce answer.
func (b *bench) opensCard(c crm.Card) *bench {
	b.t.Helper()
	b.do(Commanded{Command{Verb: Open, Record: c.Ref}})
	load := effects[LoadCard](b.last)
	if len(load) != 1 {
		b.t.Fatalf("%+v", b.last)
	}
	return b.do(CardLoaded{For: load[0].For, Ref: c.Ref, Card: &c})
}

func (b *bench) openIs(c crm.Card) *bench {
	b.t.Helper()
	if o := b.snap().Open; o == nil || o.ID != c.ID {
		b.t.Fatalf("open is %+v, not %s", o, c.Name)
	}
	return b
}

func TestACardThatWasReadBeforeIsThereAtOnceAndThenReadAgain(t *testing.T) {
	b := newBench(t, Settings{})
	one, two := person(1), person(2)
	b.opensCard(one).opensCard(two)
	b.do(Commanded{Command{Verb: Open, Record: one.Ref}}).openIs(one)
	if !b.snap().Reading || len(effects[LoadCard](b.last)) != 1 {
		t.Fatalf("it is not read again: %+v", b.last)
	}
	newer := one
	newer.Label = text.Clean("newer")
	b.do(CardLoaded{Ref: one.Ref, Card: &newer})
	if s := b.snap(); s.Open.Label.String() != "newer" || s.Reading {
		t.Fatalf("%+v", s.Open)
	}
}

func TestACardThatCannotBeReadAgainStaysAndSaysSo(t *testing.T) {
	b := newBench(t, Settings{})
	one := person(1)
	b.opensCard(one).cmd(Refresh)
	if load := effects[LoadCard](b.last); len(load) != 1 || load[0].Ref.ID != one.ID || !b.snap().Reading {
		t.Fatalf("%+v", b.last)
	}
	b.do(CardLoaded{Ref: one.Ref, Err: text.Clean("Salesforce does not answer")}).openIs(one)
	if !said(b.snap(), "as it was read before") || b.snap().Reading {
		t.Fatalf("%+v", b.snap().Notices)
	}
}

func TestAnAnswerForACardThatWasLeftDoesNotBringItBack(t *testing.T) {
	b := newBench(t, Settings{})
	one, two := person(1), person(2)
	b.opensCard(one).cmd(Refresh)
	b.opensCard(two)
	b.do(Commanded{Command{Verb: Open, Record: one.Ref}}).do(Commanded{Command{Verb: Open, Record: two.Ref}})
	b.do(CardLoaded{Ref: two.Ref, Card: &two}).openIs(two)
	// Nor does the answer to a card that was asked for before another one.
	three, four := person(3), person(4)
	b.do(Commanded{Command{Verb: Open, Record: three.Ref}}).do(Commanded{Command{Verb: Open, Record: four.Ref}})
	b.do(CardLoaded{Ref: four.Ref, Card: &four}).openIs(four)
	b.do(CardLoaded{Ref: three.Ref, Card: &three}).openIs(four)
	// Nor one that was being read again when another was opened.
	b.cmd(Refresh).do(Commanded{Command{Verb: Open, Record: three.Ref}}).do(CardLoaded{Ref: three.Ref, Card: &three})
	b.do(CardLoaded{Ref: four.Ref, Card: &four}).openIs(three)
}

func TestTheWayBackStaysWhenItCannotBeGoneNow(t *testing.T) {
	b := newBench(t, Settings{})
	for i := range maxCards + 2 {
		b.opensCard(person(i))
	}
	for range maxCards - 1 {
		b.cmd(Back)
	}
	first := b.snap().Open.Ref
	if b.cmd(Back); b.snap().Open.ID != first.ID { // too long ago to be there at once
		t.Fatalf("%+v", b.snap().Open)
	}
	left := b.snap().Earlier
	b.do(CardLoaded{Ref: person(1).Ref, Err: text.Clean("Salesforce does not answer")})
	if got := b.snap().Earlier; got != left+1 {
		t.Fatalf("%d earlier cards, %d before", got, left)
	}
}

func TestWithFewAPICallsLeftACardThatIsThereIsReadOnlyWhenAsked(t *testing.T) {
	b := newBench(t, Settings{})
	one, two := person(1), person(2)
	b.opensCard(one).opensCard(two).do(APIUsed{Percent: 80})
	if b.do(Commanded{Command{Verb: Open, Record: one.Ref}}).openIs(one); len(effects[LoadCard](b.last)) != 0 {
		t.Fatal("it was read again by itself")
	}
	if b.cmd(Refresh); len(effects[LoadCard](b.last)) != 1 {
		t.Fatal("it cannot be read again")
	}
}

func TestBackOpensTheCardsThatWereOpenBefore(t *testing.T) {
	b := newBench(t, Settings{})
	one, two, three := person(1), person(2), person(3)
	b.opensCard(one).opensCard(two).opensCard(three)
	if b.snap().Earlier != 2 {
		t.Fatalf("%d earlier cards", b.snap().Earlier)
	}
	b.cmd(Back).openIs(two).do(CardLoaded{Ref: two.Ref, Card: &two}).openIs(two)
	b.cmd(Back).openIs(one)
	if b.snap().Earlier != 0 {
		t.Fatalf("%d earlier cards", b.snap().Earlier)
	}
	if b.cmd(Back).openIs(one); !said(b.snap(), "no earlier card") {
		t.Fatal("nothing was said")
	}
	b.cmd(Close)
	if s := b.snap(); s.Open != nil || s.Earlier != 0 {
		t.Fatal("a closed card leaves its way behind")
	}
}

func TestGoingBackDuringACallIsNavigationAndMakesTheRecordCurrent(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	one, two := person(1), person(2)
	b.opensCard(one).opensCard(two)
	if c := b.call("a"); c.Current.ID != two.ID {
		t.Fatalf("current is %+v", c.Current)
	}
	b.cmd(Back)
	if c := b.call("a"); c.Current.ID != one.ID || c.Assoc.Rule != crm.RuleCurrent {
		t.Fatalf("current is %+v by rule %d", c.Current, c.Assoc.Rule)
	}
}

func TestWhatWasOpenedIsKeptAndShownBeforeAnythingIsTyped(t *testing.T) {
	b := newBench(t, Settings{Recents: []Recent{{Hit: crm.CardHit(person(9)), At: epoch.Add(-60)}}})
	one, two := person(1), person(2)
	b.opensCard(one)
	if k := effects[Keep](b.last); len(k) != 1 || k[0].Things[0].Kind != RecentKind || k[0].Things[0].Key != one.ID[:15] {
		t.Fatalf("%+v", b.last)
	}
	b.opensCard(two).opensCard(one)
	b.cmd(SearchIn)
	if len(effects[LoadRecents](b.last)) != 1 {
		t.Fatalf("Salesforce is not asked: %+v", b.last)
	}
	ids := func() (out []string) {
		for _, r := range b.snap().Search.Recent {
			out = append(out, r.Name.String())
		}
		return out
	}
	if got := ids(); !slices.Equal(got, []string{"Person 1", "Person 2", "Person 9"}) {
		t.Fatalf("shown at once: %q", got)
	}
	b.do(RecentsLoaded{[]crm.Hit{crm.CardHit(two), crm.CardHit(person(5))}})
	if got := ids(); !slices.Equal(got, []string{"Person 1", "Person 2", "Person 9", "Person 5"}) {
		t.Fatalf("with Salesforce's: %q", got)
	}
}

func TestOnlySoManyRecentRecordsAreKept(t *testing.T) {
	b := newBench(t, Settings{})
	for i := range MaxRecents + 1 {
		b.opensCard(person(i))
	}
	if u := effects[Unkeep](b.last); len(u) != 1 || !slices.Equal(u[0].Keys, []string{person(0).ID[:15]}) {
		t.Fatalf("%+v", b.last)
	}
	if b.cmd(SearchIn); len(b.snap().Search.Recent) != MaxRecents {
		t.Fatalf("%d", len(b.snap().Search.Recent))
	}
}

func TestAnAddressInTheSearchBoxOpensTheRecordAndTheCallBelongsToIt(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	one := person(1)
	b.cmd(SearchIn, one.ID)
	ask := effects[RunSearch](b.last)
	if len(ask) != 1 {
		t.Fatalf("%+v", b.last)
	}
	b.do(SearchDone{For: ask[0].For, Query: ask[0].Query, Found: crm.Found{Card: &one}}).openIs(one)
	if c := b.call("a"); b.snap().Search != nil || c.Current.ID != one.ID || c.Assoc.Rule != crm.RuleCurrent {
		t.Fatalf("%+v", c.Assoc)
	}
}

func TestAnAnswerToAnOlderSearchIsDropped(t *testing.T) {
	b := newBench(t, Settings{})
	one := person(1)
	b.cmd(SearchIn, "carter").cmd(SearchIn, "vance")
	b.do(SearchDone{Query: text.Clean("carter"), Found: crm.Found{Card: &one}})
	if s := b.snap(); s.Open != nil || s.Search == nil || !s.Search.Busy {
		t.Fatalf("%+v", s.Search)
	}
	if got := b.snap().Search.Before; len(got) != 2 || got[0].String() != "vance" {
		t.Fatalf("earlier searches: %v", got)
	}
	b.do(SearchDone{Query: text.Clean("vance"), Found: crm.Found{Tried: []text.Text{text.Clean("names")}}})
	if s := b.snap().Search; s.Busy || len(s.Tried) != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestSearchingWhileTypingWaitsForAPauseAndForThreeCharacters(t *testing.T) {
	b := newBench(t, Settings{SearchTyped: true}).cmd(SearchIn)
	type_ := func(s string) { b.do(Commanded{Command{Verb: SearchTyped, Text: s}}) }
	type_("ca")
	if len(effects[RunSearch](b.last)) != 0 {
		t.Fatal("two characters are searched")
	}
	for _, s := range []string{"car", "cart", "carter"} {
		type_(s)
		if a := effects[After](b.last); len(a) != 1 || a[0].ID != typedTimer || a[0].In != typedPause || len(effects[RunSearch](b.last)) != 0 {
			t.Fatalf("%q: %+v", s, b.last)
		}
	}
	b.do(TimerFired{typedTimer})
	if r := effects[RunSearch](b.last); len(r) != 1 || r[0].Query.String() != "carter" {
		t.Fatalf("%+v", b.last)
	}
	b.do(SearchDone{Query: text.Clean("carter"), Found: crm.Found{Hits: []crm.Hit{fred()}}})
	if s := b.snap().Search; !s.Typed || len(s.Hits) != 1 || len(s.Before) != 0 {
		t.Fatalf("%+v", s)
	}
	if b.cmd(SearchIn, "carter"); len(effects[RunSearch](b.last)) != 0 || b.snap().Search.Typed || len(b.snap().Search.Hits) != 1 {
		t.Fatalf("Enter asks for the same once more: %+v", b.last)
	}
	type_("carter b")
	if b.cmd(SearchIn, "carter b").do(TimerFired{typedTimer}); len(effects[RunSearch](b.last)) != 0 {
		t.Fatal("what Enter searched is searched again")
	}
	type_("other")
	if b.cmd(Close).do(TimerFired{typedTimer}); len(effects[RunSearch](b.last)) != 0 || b.snap().Search != nil {
		t.Fatal("a closed page searches")
	}
}

func TestNothingIsSearchedWhileTypingUnlessItIsWantedAndCallsAreLeft(t *testing.T) {
	for name, b := range map[string]*bench{"not wanted": newBench(t, Settings{}), "80 % are used": newBench(t, Settings{SearchTyped: true}).do(APIUsed{Percent: 80})} {
		b.cmd(SearchIn).do(Commanded{Command{Verb: SearchTyped, Text: "carter"}}).do(TimerFired{typedTimer})
		if len(effects[RunSearch](b.all)) != 0 || b.snap().Search.Live {
			t.Errorf("%s: %+v", name, b.all)
		}
	}
}

func TestANewSearchEndsTheOneUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.send(SearchIn, "first") // the stub answers when its context ends
		o.send(SearchIn, "second")
		o.send(SearchIn, "third")
		if n := o.d.Busy(); n != 1 {
			t.Fatalf("%d searches are under way", n)
		}
	})
}

func TestWhatWasTypedBeginsTheNewForm(t *testing.T) {
	field := func(name, kind string) crm.FormField { return crm.FormField{Name: name, Type: kind} }
	form := crm.Form{Object: "Lead", Fields: []crm.FormField{field("FirstName", "string"), field("LastName", "string"), field("Email", "email"), field("Phone", "phone")}}
	for typed, want := range map[string][]string{
		"mary ann smith": {"mary ann", "smith", "", ""},
		"smith":          {"", "smith", "", ""},
		"a@b.example":    {"", "", "a@b.example", ""},
		"020 7946 0123":  {"", "", "", "020 7946 0123"},
		"":               {"", "", "", ""},
	} {
		b := newBench(t, Settings{}).cmd(SearchIn, typed)
		b.do(Commanded{Command{Verb: New, Values: map[string]string{"typed": typed}}}).do(FormLoaded{Form: &form})
		var got []string
		for _, f := range b.snap().Form.Fields {
			got = append(got, f.Value.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q", typed, got)
		}
		b.cmd(Close).cmd(New).do(FormLoaded{Form: &form})
		if f := b.snap().Form; slices.ContainsFunc(f.Fields, func(f crm.FormField) bool { return !f.Value.Empty() }) {
			t.Errorf("%q: the next form begins with it too", typed)
		}
	}
	if form.Fields[0].Value.String()+form.Fields[1].Value.String() != "" {
		t.Error("the form that came was changed")
	}
}
