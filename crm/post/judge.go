package post

import (
	"errors"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

// stage is what an attempt was doing when it failed.
type stage int

const (
	preparing stage = iota // reading the org, resolving the caller: says nothing about the record
	looking                // for a Task of an earlier attempt: nothing new can have been written
	writing
)

// reaction is what a queue does about an error.
type reaction int

const (
	pause   reaction = iota // the whole queue waits; the attempt does not count
	wait                    // it waits for work of our own, of which nobody is told; the attempt does not count
	later                   // tried again by itself
	refused                 // Salesforce judged what was asked: see the kind
)

// verdict is what an error means for a queue and for what it carries.
type verdict struct {
	reaction  reaction
	kind      salesforce.Kind
	class     string // ledger.Failure.Class
	line      string // for a person
	ambiguous bool   // it may have been written
	awaits    string // the errand that has to end first
}

// judge decides about an error, the same for call records and for errands.
func judge(err error, at stage) verdict {
	v := verdict{reaction: later, kind: salesforce.KindOf(err), class: "network", line: salesforce.Line(err)}
	var lookup *crm.LookupError
	if errors.As(err, &lookup) {
		v.kind, v.line = salesforce.KindTransient, err.Error()
	}
	var other *crm.WaitError
	if errors.As(err, &other) {
		return verdict{reaction: wait, kind: salesforce.KindTransient, class: ledger.WaitClass, line: err.Error(), awaits: other.Errand}
	}
	api := salesforce.Refusal(err)
	switch v.kind {
	case salesforce.KindAuth, salesforce.KindAddress:
		v.reaction, v.kind, v.class = pause, salesforce.KindAuth, "auth"
	case salesforce.KindLimit:
		v.reaction, v.class = pause, "limit"
	case salesforce.KindAmbiguous:
		v.class, v.ambiguous = "ambiguous", true
	case salesforce.KindTransient, salesforce.KindGone, salesforce.KindConflict, salesforce.KindCanceled:
		v.ambiguous = at == writing && api.Status >= 500 // a 5xx may come after the work was done
	case salesforce.KindUnknown:
		if api.Status == 0 { // no refusal at all: a version list or a reply that nobody understands
			v.ambiguous = at == writing
			break
		}
		v.reaction = refused
	default:
		v.reaction = refused
	}
	if v.reaction != refused {
		return v
	}
	v.class = className(v.kind)
	if at != writing {
		// What was refused is a question about the org, or about an earlier Task: the record itself was not judged, and must
		// not be posted blindly.
		v.class, v.ambiguous = "lookup", at == looking
	}
	return v
}

// className is the ledger's word for a kind of refusal.
func className(k salesforce.Kind) string {
	switch k {
	case salesforce.KindField:
		return "field"
	case salesforce.KindValidation:
		return "validation"
	case salesforce.KindReference, salesforce.KindStale:
		return "link"
	case salesforce.KindForbidden:
		return "permission"
	case salesforce.KindDuplicates:
		return "duplicate"
	case salesforce.KindUnlicensed:
		return "unlicensed"
	case salesforce.KindProgramming:
		return "defect"
	}
	return "refused"
}
