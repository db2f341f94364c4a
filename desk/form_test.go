package desk

import (
	"encoding/json"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
)

// contactForm opens the New form of a Contact for the call.
func (b *bench) contactForm(key CallKey) *bench {
	return b.do(FormLoaded{For: key, Ask: crm.FormAsk{Object: "Contact"}, Form: &crm.Form{Object: "Contact", Label: text.Clean("Contact"),
		Fields: []crm.FormField{{Name: "LastName"}, {Name: "AccountId", Type: "reference", Refers: []string{"Account"}}}}})
}

func typed(values ...string) Commanded {
	c := Command{Verb: Typed, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		c.Values[values[i]] = values[i+1]
	}
	return Commanded{c}
}

func TestWhatIsTypedIntoAFormIsOnDiskAtOnceAndComesBackInTheSameCall(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461")
	key := b.call("a").Key
	b.cmd(New, "Contact").contactForm(key).do(typed("LastName", "Smi"))
	keep := effects[Keep](b.last)
	var d Draft
	if len(keep) != 1 || json.Unmarshal(keep[0].Things[0].Value, &d) != nil || d.Values["LastName"] != "Smi" || d.For != key || keep[0].Things[0].Kind != DraftKind {
		t.Fatalf("%+v", b.last)
	}
	b.cmd(SearchIn, "somebody") // leaves the form
	if b.m.Snapshot(b.at).Form != nil {
		t.Fatal("the form is still open")
	}
	b.cmd(New, "Contact")
	if got := effects[LoadForm](b.last); len(got) != 1 || got[0].Ask.Values["LastName"] != "Smi" {
		t.Errorf("%+v", got)
	}
	if got := effects[LoadForm](b.cmd(New, "Lead").last); len(got) != 1 || got[0].Ask.Values != nil {
		t.Errorf("a Lead has what was typed for a Contact: %+v", got)
	}
}

func TestADraftOfOneCallerNeverFillsTheFormOfAnother(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461")
	b.cmd(New, "Contact").contactForm(b.call("a").Key).do(typed("LastName", "Smith")).bye("a", false)
	b.cmd(SetAside).up("b", "07700900462")
	got := effects[LoadForm](b.do(Commanded{Command{Verb: New, Call: b.call("b").Key, Text: "Contact"}}).last)
	if len(got) != 1 || got[0].Ask.Values != nil {
		t.Errorf("%+v", got)
	}
	s := b.m.Snapshot(b.at)
	if len(s.Drafts) != 1 || s.Drafts[0].About.String() != "Smith" || s.Drafts[0].Values != nil {
		t.Fatalf("%+v", s.Drafts)
	}
	b.cmd(GoOn, s.Drafts[0].Key)
	if got := effects[LoadForm](b.last); len(got) != 1 || got[0].Ask.Values["LastName"] != "Smith" || got[0].For != "" {
		t.Errorf("its call is over: %+v", got)
	}
}

func TestADraftGoesWhenTheRecordExistsOrTheAgentDiscardsIt(t *testing.T) {
	for name, end := range map[string]func(*bench, CallKey){
		"saved": func(b *bench, key CallKey) {
			b.do(Commanded{Command{Verb: Create, Values: map[string]string{"LastName": "Smith"}}}).do(RecordCreated{For: key, Object: "Contact", Ref: crm.Ref{Type: "Contact", ID: "003000000000001"}})
		},
		"discarded": func(b *bench, _ CallKey) { b.cmd(Close) },
		"existing": func(b *bench, key CallKey) {
			twin := crm.Hit{Ref: crm.Ref{Type: "Contact", ID: "003000000000002"}}
			b.do(Commanded{Command{Verb: Create, Values: map[string]string{"LastName": "Smith"}}})
			b.do(RecordCreated{For: key, Object: "Contact", Form: &crm.Form{Object: "Contact", Duplicates: []crm.Hit{twin}}})
			b.do(Commanded{Command{Verb: Open, Call: key, Record: twin.Ref}})
			if got := b.call("a").Current; got.ID != twin.ID {
				b.t.Errorf("the call's record is %+v", got)
			}
		},
	} {
		b := newBench(t, Settings{}).up("a", "07700900461")
		key := b.call("a").Key
		b.cmd(New, "Contact").contactForm(key).do(typed("LastName", "Smith"))
		end(b, key)
		if s := b.m.Snapshot(b.at); len(s.Drafts) != 0 || s.Form != nil || len(effects[Unkeep](b.all)) != 1 {
			t.Errorf("%s: %+v %+v", name, s.Drafts, s.Form)
		}
	}
}

func TestDraftsOfTheLastRunAreThere(t *testing.T) {
	b := newBench(t, Settings{Drafts: []Draft{{Key: "gone/Lead", For: "gone", Object: "Lead", Label: text.Clean("Lead"), Values: map[string]string{"LastName": "Smith"}}}})
	got := effects[LoadForm](b.cmd(GoOn, "gone/Lead").last)
	if len(got) != 1 || got[0].Ask.Values["LastName"] != "Smith" || got[0].For != "" {
		t.Errorf("%+v", got)
	}
	b.do(FormLoaded{Ask: got[0].Ask, Form: &crm.Form{Object: "Lead"}})
	if f := b.m.Snapshot(b.at).Form; f == nil || f.Restored.Empty() {
		t.Errorf("nobody says where the values come from: %+v", f)
	}
	if d := newBench(t, Settings{}).cmd(GoOn, "nothing"); len(effects[LoadForm](d.last)) != 0 || len(d.m.Snapshot(d.at).Notices) == 0 {
		t.Error("a draft that is gone has no answer")
	}
}

func TestDraftsAreBounded(t *testing.T) {
	b := newBench(t, Settings{})
	for i := range MaxDrafts + 5 {
		object := "Object" + strings.Repeat("x", i)
		b.do(FormLoaded{Form: &crm.Form{Object: object}}).do(typed("Name", "x"))
	}
	if n := len(b.m.Snapshot(b.at).Drafts); n != MaxDrafts {
		t.Errorf("%d drafts", n)
	}
}

func TestAReferenceIsSearchedWhenTheAgentPauses(t *testing.T) {
	b := newBench(t, Settings{}).contactForm("")
	find := func(q string) {
		b.do(Commanded{Command{Verb: FindRecord, Text: q, Values: map[string]string{"field": "AccountId"}}})
	}
	find("a")
	if s := b.m.Snapshot(b.at); s.Found != nil {
		t.Errorf("one letter: %+v", s.Found)
	}
	find("ac")
	find("acm")
	b.do(TimerFired{findTimer})
	got := effects[FindReferences](b.all)
	if len(got) != 1 || got[0].Query.String() != "acm" || got[0].Objects[0] != "Account" {
		t.Fatalf("%+v", got)
	}
	b.do(ReferencesFound{Found{Field: "AccountId", Query: text.Clean("ac"), Hits: []crm.Hit{{}}}}) // an answer to an older question
	if s := b.m.Snapshot(b.at); len(s.Found.Hits) != 0 || !s.Found.Busy {
		t.Errorf("%+v", s.Found)
	}
	b.do(ReferencesFound{Found{Field: "AccountId", Query: text.Clean("acm"), Hits: []crm.Hit{{}}}})
	if s := b.m.Snapshot(b.at); len(s.Found.Hits) != 1 || s.Found.Busy {
		t.Errorf("%+v", s.Found)
	}
}

func TestAChangeOfACardThatSomebodyElseChangedShowsBoth(t *testing.T) {
	ref := crm.Ref{Type: "Contact", ID: "003000000000001", Name: text.Clean("Ann")}
	b := newBench(t, Settings{}).do(CardLoaded{Ref: ref, Card: &crm.Card{Ref: ref}}).cmd(Edit, "Title")
	if got := effects[LoadForm](b.last); len(got) != 1 || got[0].Ask.Record.ID != ref.ID || got[0].Ask.Focus != "Title" {
		t.Fatalf("%+v", got)
	}
	b.do(FormLoaded{Ask: crm.FormAsk{Record: ref}, Form: &crm.Form{Object: "Contact", Record: ref, Since: "then", Base: map[string]string{"Title": "Buyer"}}})
	b.do(Commanded{Command{Verb: Create, Values: map[string]string{"Title": "Boss"}}})
	if got := effects[UpdateRecord](b.last); len(got) != 1 || got[0].Update.Since != "then" || got[0].Update.Base["Title"] != "Buyer" {
		t.Fatalf("%+v", got)
	}
	b.do(RecordChanged{Record: ref, Form: &crm.Form{Object: "Contact", Record: ref, Since: "now", Base: map[string]string{"Title": "Director"}}, Err: text.Clean("x")})
	b.do(Commanded{Command{Verb: Create, Values: map[string]string{"Title": "Boss"}}})
	if got := effects[UpdateRecord](b.last); len(got) != 1 || got[0].Update.Since != "now" || got[0].Update.Base["Title"] != "Director" {
		t.Fatalf("saved again: %+v", got)
	}
	b.do(RecordChanged{Record: ref})
	if s := b.m.Snapshot(b.at); s.Form != nil || len(effects[LoadCard](b.last)) != 1 {
		t.Errorf("%+v %+v", s.Form, b.last)
	}
}
