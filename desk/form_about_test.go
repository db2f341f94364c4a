package desk

import (
	"testing"

	"offhook/crm"
	"offhook/internal/text"
)

func TestANewRecordIsAboutWhatTheCallBelongsTo(t *testing.T) {
	known := fred()
	known.Account = acme()
	person := crm.Hit{Ref: crm.Ref{Type: "Account", ID: "001000000000008AAA", Name: text.Clean("Ida Person")}, PersonContactID: "003000000000008AAA"}
	for name, row := range map[string]struct {
		play func(b *bench)
		want string
	}{
		"the only match, and his account": {func(b *bench) { b.up("a", "07814256404").found("a", one(known)) }, "Contact Fred Bloggs, Account Acme"},
		"a person account":                {func(b *bench) { b.up("a", "07814256404").found("a", one(person)) }, "Contact Ida Person, Account Ida Person"},
		"what was opened":                 {func(b *bench) { b.up("a", "07814256404").found("a", one(known)).opens(acme(), "") }, "Account Acme"},
		"a case and its own contact":      {func(b *bench) { b.up("a", "07814256404").found("a", one(known)).opens(router(), known.ID) }, "Contact Fred Bloggs, Case 00001 Router, Account Acme"},
		"several matches: nobody is guessed": {func(b *bench) {
			b.up("a", "07814256404").found("a", crm.Match{State: crm.MatchMany, Hits: []crm.Hit{known, person}})
		}, ""},
		"cleared":                   {func(b *bench) { b.up("a", "07814256404").found("a", one(known)).cmd(Clear) }, ""},
		"a card of before the call": {func(b *bench) { b.opens(acme(), "").up("a", "07814256404").found("a", crm.Match{State: crm.MatchNone}) }, ""},
		"no call, the card":         {func(b *bench) { b.opens(router(), known.ID) }, "Case 00001 Router, Contact "},
		"no call, nothing open":     {func(*bench) {}, ""},
		"the card was closed":       {func(b *bench) { b.opens(acme(), "").cmd(Close) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Settings{})
			row.play(b)
			load := effects[LoadForm](b.cmd(New, "Case").last)
			if len(load) != 1 {
				t.Fatalf("%+v", b.last)
			}
			got := ""
			for i, r := range load[0].Ask.About {
				if i > 0 {
					got += ", "
				}
				got += r.Type + " " + r.Name.String()
			}
			if got != row.want {
				t.Errorf("it is about %q, want %q", got, row.want)
			}
		})
	}
}
