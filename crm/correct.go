package crm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

// RecordPart is a part of a call record that a person may change when the call is over.
type RecordPart string

// The parts of a record that can be corrected.
const (
	PartNotes    RecordPart = "notes"
	PartResult   RecordPart = "result"   // the disposition
	PartCallback RecordPart = "callback" // when the customer is called again
	PartCampaign RecordPart = "campaign"
	PartAbout    RecordPart = "about" // which records the call belongs to
)

// fields are the names under which the part stands in the stored record.
func (p RecordPart) fields() []string {
	switch p {
	case PartResult:
		return []string{"disposition"}
	case PartCallback:
		return []string{"callbackAt"}
	case PartCampaign:
		return []string{"campaign"}
	case PartAbout:
		return []string{"assoc", "also", "unresolved"}
	}
	return nil
}

// Correction is what a person changes of a call that is over. Only Parts of Record count: several people, and several programs of one
// person, may change one call, and of each part the newest word stands.
type Correction struct {
	Parts  []RecordPart
	Record CallRecord
	// Since is set by who types notes: the notes as they were before. What others wrote meanwhile is kept below. Without it the notes
	// take the place of whatever there was.
	Since *text.Block
}

// Apply is a ledger.Change: it puts the correction into the record as it is on disk now, whatever else stands there. A record that cannot
// be read is a *RefusedError.
func (c Correction) Apply(call ledger.Call, stored json.RawMessage) (ledger.Call, json.RawMessage, error) {
	var rec CallRecord
	var all, mine map[string]json.RawMessage
	body, err := json.Marshal(c.Record)
	if err != nil {
		return call, nil, err
	}
	if json.Unmarshal(stored, &rec) != nil || json.Unmarshal(stored, &all) != nil || json.Unmarshal(body, &mine) != nil || rec.Version != 1 || all == nil {
		return call, nil, &RefusedError{"payload", fmt.Sprintf("the record of call %.8s cannot be read: nothing was changed", call.Key)}
	}
	for _, part := range c.Parts {
		for _, name := range part.fields() {
			delete(all, name)
			if v, ok := mine[name]; ok {
				all[name] = v
			}
		}
	}
	if slices.Contains(c.Parts, PartAbout) {
		delete(all, "frozen") // a person has decided since
		about := c.Record.Assoc.Record()
		call.RecordType, call.RecordID, call.RecordName = about.Type, about.ID, about.Name
	}
	if slices.Contains(c.Parts, PartNotes) {
		call.Notes = c.Record.Notes
		if c.Since != nil {
			call.Notes = MergeNotes(*c.Since, c.Record.Notes, rec.Notes)
		}
		if all["notes"], err = json.Marshal(call.Notes); err != nil {
			return call, nil, err
		}
	}
	out, err := json.Marshal(all)
	call.Detail = out
	return call, out, err
}

// After is this correction and the one before it as one.
func (c Correction) After(before Correction) Correction {
	for _, part := range before.Parts {
		if !slices.Contains(c.Parts, part) {
			c.Parts = append(slices.Clone(c.Parts), part)
		}
	}
	c.Since = before.Since
	return c
}

// notesApart stands between notes of two people.
const notesApart = "\n\n"

// maxKept bounds merged notes on disk; what is sent is cut to Salesforce's own limit.
const maxKept = 8 * maxDescription

// MergeNotes is what stands when somebody has typed mine over was, and theirs stands there by now: no word of either is lost.
func MergeNotes(was, mine, theirs text.Block) text.Block {
	w, m, t := was.String(), mine.String(), theirs.String()
	if t == w || t == m || t == "" {
		return mine
	}
	rest := t
	if below, ok := strings.CutPrefix(t, w+notesApart); ok && w != "" {
		rest = below
	}
	if m == "" {
		return text.CleanBlock(rest, maxKept)
	}
	return text.CleanBlock(m+notesApart+rest, maxKept)
}
