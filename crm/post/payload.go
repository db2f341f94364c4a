package post

import (
	"encoding/json"
	"fmt"
	"offhook/crm"
	"slices"
)

// payload is what stands in the outbox: the call record, and what Salesforce's refusals took from it. A plain
// CallRecord, as the desk writes it, is one too.
type payload struct {
	crm.CallRecord
	Dropped  []string `json:"dropped,omitempty"`  // Task fields that are left out
	Unlinked []string `json:"unlinked,omitempty"` // why the association was changed after the call
	// Tried is what changes of the Task were about to write since it was last known: any of it may stand there.
	Tried []map[string]any `json:"tried,omitempty"`
	// AsTask is set when Salesforce refused the record as a VoiceCall.
	AsTask bool `json:"asTask,omitempty"`
	// Frozen is the association as the desk left it, once it was changed while the record was sent.
	Frozen *crm.Association `json:"frozen,omitempty"`
}

// maxDropped bounds how many fields a record may lose: Salesforce names one at a time.
const maxDropped = 5

func readPayload(b json.RawMessage) (payload, error) {
	var p payload
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("the record on disk cannot be read (%w)", err)
	}
	switch {
	case p.Version != 1:
		return p, fmt.Errorf("the record has version %d: a newer offhook wrote it", p.Version)
	case p.Key == "" || p.Start.IsZero():
		return p, fmt.Errorf("the record has no key or no start")
	}
	return p, nil
}

func (p payload) bytes() json.RawMessage {
	b, err := json.Marshal(p)
	if err != nil {
		return nil // impossible: every field marshals; the ledger refuses an empty payload
	}
	return b
}

// fields makes the Task of the record without what was dropped.
func (p payload) fields(s crm.TaskSettings) map[string]any {
	f := crm.TaskFields(p.CallRecord, s)
	for _, name := range p.Dropped {
		delete(f, name)
	}
	return f
}

// freeze keeps the desk's association before it is changed.
func (p *payload) freeze() {
	if p.Frozen == nil {
		was := p.Assoc
		p.Frozen = &was
	}
}

// drop notes fields to leave out; false when none of them can be or all of them already are. Subject, Status and
// ActivityDate are the record itself and are never dropped.
func (p *payload) drop(names []string) bool {
	changed := false
	for _, n := range names {
		switch n {
		case "Subject", "Status", "ActivityDate", "WhoId", "WhatId", "":
			continue
		}
		if !slices.Contains(p.Dropped, n) && len(p.Dropped) < maxDropped {
			p.Dropped = append(p.Dropped, n)
			changed = true
		}
	}
	return changed
}

// unlink takes who, what or both from the association; false when there was nothing to take.
func (p *payload) unlink(who, what bool, why string) bool {
	changed := false
	if who && !p.Assoc.Who.Zero() || what && !p.Assoc.What.Zero() {
		p.freeze()
	}
	if who && !p.Assoc.Who.Zero() {
		p.Assoc.Who, changed = crm.Ref{}, true
	}
	if what && !p.Assoc.What.Zero() {
		p.Assoc.What, changed = crm.Ref{}, true
	}
	if changed {
		p.Unlinked = append(p.Unlinked, why)
		p.Assoc.Why += "; " + why
	}
	return changed
}
