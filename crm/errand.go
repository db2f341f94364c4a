package crm

import (
	"context"

	"offhook/crm/ledger"
)

// ErrandFunc carries out one errand and returns what came of it: the id of a record, or a few words. It may be called again for the
// same errand: when Ambiguous is set, an earlier attempt may have reached Salesforce, and it looks before it writes. An error is
// judged as post.Sender judges one: signed out and out of API calls stop the queue, what may pass is tried again, what Salesforce has
// refused ends the attempts, and a person must look. A *RefusedError ends them, too.
type ErrandFunc func(ctx context.Context, e ledger.Errand) (result string, err error)

// RefusedError is an errand that cannot be carried out however often it is tried.
type RefusedError struct {
	Class string // ledger.Failure.Class: "validation", "link" …
	Line  string // what happened, what it means, what to do
}

func (e *RefusedError) Error() string { return e.Line }

// LookupError is a lookup that failed while a record waits for it; it is tried again with the record.
type LookupError struct{ Why string }

func (e *LookupError) Error() string { return "the caller could not be looked up yet: " + e.Why }

// WaitError is a record, or an errand, that waits for what another errand makes; it is tried again.
type WaitError struct {
	For    string
	Errand string // its key
}

func (e *WaitError) Error() string { return "it waits for " + e.For }
