package crm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

func block(s string) text.Block { return text.CleanBlock(s, 1000) }

func TestNotesOfTwoLoseNoWord(t *testing.T) {
	for name, c := range map[string]struct{ was, mine, theirs, want string }{
		"nobody else":                    {"a", "ab", "a", "ab"},
		"nobody else, taken away":        {"ab", "", "ab", ""},
		"the other wrote first":          {"", "mine", "theirs", "mine\n\ntheirs"},
		"the next key":                   {"mine", "mine!", "mine\n\ntheirs", "mine!\n\ntheirs"},
		"mine taken away again":          {"mine", "", "mine\n\ntheirs", "theirs"},
		"theirs only begins like mine":   {"w", "wa", "will pay", "wa\n\nwill pay"},
		"they rewrote what I began from": {"abc", "abcd", "xyz", "abcd\n\nxyz"},
		"they added to mine":             {"abc", "abcd", "abc\n\nmore", "abcd\n\nmore"},
		"they took all away":             {"abc", "abcd", "", "abcd"},
		"the same, stored twice":         {"a", "ab", "ab", "ab"},
	} {
		if got := mergeNotes(block(c.was), block(c.mine), block(c.theirs)); got != block(c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestOfEachPartOfARecordTheNewestWordStands(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	fred := Ref{Type: "Contact", ID: "003000000000001AAA", Name: text.Clean("Fred Bloggs")}
	acme := Ref{Type: "Account", ID: "001000000000001AAA", Name: text.Clean("Acme")}
	stored := payload{CallRecord: CallRecord{Version: 1, Key: "k", Type: Inbound, Start: at, Notes: block("theirs"), Disposition: text.Clean("Their result"),
		CallbackAt: at.Add(time.Hour), Assoc: Association{Who: fred}, Also: []Ref{acme}, Unresolved: true}, Dropped: []string{"CallType"}, AsTask: true, Frozen: &Association{What: acme}}
	mine := CallRecord{Version: 1, Key: "k", Type: Inbound, Start: at, Notes: block("mine"), Disposition: text.Clean("My result"), Assoc: Association{Rule: RulePinned, What: acme}}
	before := block("")
	for name, c := range map[string]struct {
		change Correction
		expect func(*payload, *ledger.Call)
	}{
		"notes": {Correction{Parts: []RecordPart{PartNotes}, Record: mine}, func(p *payload, c *ledger.Call) { p.Notes, c.Notes = block("mine"), block("mine") }},
		"notes that are typed": {Correction{Parts: []RecordPart{PartNotes}, Record: mine, Since: &before}, func(p *payload, c *ledger.Call) {
			p.Notes, c.Notes = block("mine\n\ntheirs"), block("mine\n\ntheirs")
		}},
		"result":               {Correction{Parts: []RecordPart{PartResult}, Record: mine}, func(p *payload, _ *ledger.Call) { p.Disposition = mine.Disposition }},
		"result, and callback": {Correction{Parts: []RecordPart{PartResult, PartCallback}, Record: mine}, func(p *payload, _ *ledger.Call) { p.Disposition, p.CallbackAt = mine.Disposition, time.Time{} }},
		"campaign":             {Correction{Parts: []RecordPart{PartCampaign}, Record: CallRecord{Campaign: acme}}, func(p *payload, _ *ledger.Call) { p.Campaign = acme }},
		"record": {Correction{Parts: []RecordPart{PartAbout}, Record: mine}, func(p *payload, c *ledger.Call) {
			p.Assoc, p.Also, p.Unresolved, p.Frozen = mine.Assoc, nil, false, nil
			c.RecordType, c.RecordID, c.RecordName = acme.Type, acme.ID, acme.Name
		}},
		"two at once": {Correction{Parts: []RecordPart{PartNotes}, Record: mine, Since: &before}.After(Correction{Parts: []RecordPart{PartResult}, Since: &before}), func(p *payload, c *ledger.Call) {
			p.Notes, c.Notes, p.Disposition = block("mine\n\ntheirs"), block("mine\n\ntheirs"), mine.Disposition
		}},
	} {
		t.Run(name, func(t *testing.T) {
			wantP, wantC := stored, ledger.Call{Key: "k", RecordType: "Contact", Notes: block("theirs")}
			call := wantC
			c.expect(&wantP, &wantC)
			got, body, err := c.change.Apply(call, stored.bytes())
			if err != nil {
				t.Fatal(err)
			}
			p, err := readPayload(body)
			if err != nil || string(p.bytes()) != string(wantP.bytes()) {
				t.Errorf("%s\n, not %s (%v)", p.bytes(), wantP.bytes(), err)
			}
			wantC.Detail = got.Detail
			if a, b := asJSON(t, got), asJSON(t, wantC); a != b || string(got.Detail) != string(body) {
				t.Errorf("%s\n, not %s", a, b)
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestARecordThatCannotBeReadIsNotCorrected(t *testing.T) {
	for _, stored := range []string{``, `null`, `[]`, `{"version":2,"key":"k"}`, `{"version":1,"notes":7}`, `{`} {
		var refused *RefusedError
		if _, _, err := (Correction{Parts: []RecordPart{PartNotes}}).Apply(ledger.Call{Key: "k"}, json.RawMessage(stored)); !errors.As(err, &refused) || !strings.Contains(refused.Line, "nothing was changed") {
			t.Errorf("%s: %v", stored, err)
		}
	}
}
