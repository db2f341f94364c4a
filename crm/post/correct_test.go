package post

import (
	"encoding/json"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func block(s string) text.Block { return text.CleanBlock(s, 1000) }

func TestOfEachPartOfARecordTheNewestWordStands(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	fred := crm.Ref{Type: "Contact", ID: "003000000000001AAA", Name: text.Clean("Fred Bloggs")}
	acme := crm.Ref{Type: "Account", ID: "001000000000001AAA", Name: text.Clean("Acme")}
	stored := payload{CallRecord: crm.CallRecord{Version: 1, Key: "k", Type: crm.Inbound, Start: at, Notes: block("theirs"), Disposition: text.Clean("Their result"),
		CallbackAt: at.Add(time.Hour), Assoc: crm.Association{Who: fred}, Also: []crm.Ref{acme}, Unresolved: true}, Dropped: []string{"CallType"}, AsTask: true, Frozen: &crm.Association{What: acme}}
	mine := crm.CallRecord{Version: 1, Key: "k", Type: crm.Inbound, Start: at, Notes: block("mine"), Disposition: text.Clean("My result"), Assoc: crm.Association{Rule: crm.RulePinned, What: acme}}
	before := block("")
	for name, c := range map[string]struct {
		change crm.Correction
		expect func(*payload, *ledger.Call)
	}{
		"notes": {crm.Correction{Parts: []crm.RecordPart{crm.PartNotes}, Record: mine}, func(p *payload, c *ledger.Call) { p.Notes, c.Notes = block("mine"), block("mine") }},
		"notes that are typed": {crm.Correction{Parts: []crm.RecordPart{crm.PartNotes}, Record: mine, Since: &before}, func(p *payload, c *ledger.Call) {
			p.Notes, c.Notes = block("mine\n\ntheirs"), block("mine\n\ntheirs")
		}},
		"result":               {crm.Correction{Parts: []crm.RecordPart{crm.PartResult}, Record: mine}, func(p *payload, _ *ledger.Call) { p.Disposition = mine.Disposition }},
		"result, and callback": {crm.Correction{Parts: []crm.RecordPart{crm.PartResult, crm.PartCallback}, Record: mine}, func(p *payload, _ *ledger.Call) { p.Disposition, p.CallbackAt = mine.Disposition, time.Time{} }},
		"campaign":             {crm.Correction{Parts: []crm.RecordPart{crm.PartCampaign}, Record: crm.CallRecord{Campaign: acme}}, func(p *payload, _ *ledger.Call) { p.Campaign = acme }},
		"record": {crm.Correction{Parts: []crm.RecordPart{crm.PartAbout}, Record: mine}, func(p *payload, c *ledger.Call) {
			p.Assoc, p.Also, p.Unresolved, p.Frozen = mine.Assoc, nil, false, nil
			c.RecordType, c.RecordID, c.RecordName = acme.Type, acme.ID, acme.Name
		}},
		"two at once": {crm.Correction{Parts: []crm.RecordPart{crm.PartNotes}, Record: mine, Since: &before}.After(crm.Correction{Parts: []crm.RecordPart{crm.PartResult}, Since: &before}), func(p *payload, c *ledger.Call) {
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
