package post

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// react decides what an error means for the record and stores it. It returns true when the record was made smaller and is
// due at once.
func (s *Sender) react(ctx context.Context, j job, err error, at stage) bool {
	v := judge(err, at)
	switch v.reaction {
	case pause:
		tell := s.pauseQueue(v.kind, v.line, j.asked)
		s.retry(ctx, j, ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Due: s.o.Now(), Free: true})
		tell()
		return false
	case wait:
		s.retry(ctx, j, ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Due: s.afterWork(j.p.End), Free: true, Awaits: v.awaits})
		return false
	case later:
		s.later(ctx, j, v.class, v.line, err, v.ambiguous)
		return false
	}
	s.resume("Salesforce answers again")
	if at != writing {
		s.later(ctx, j, v.class, v.line, err, v.ambiguous)
		return false
	}
	api := salesforce.Refusal(err)
	if names := api.NamedFields(); len(names) > 0 && j.optional(names) && j.p.drop(names) {
		s.forgetOrg()
		return s.degrade(ctx, j, "field", "left out "+strings.Join(j.p.Dropped, ", ")+": "+api.Message)
	}
	switch v.kind {
	case salesforce.KindField:
		s.forgetOrg()
		if j.p.drop(droppable(api)) {
			return s.degrade(ctx, j, v.class, "left out "+strings.Join(j.p.Dropped, ", ")+": "+api.Message)
		}
		s.dead(ctx, j, v.class, v.line)
	case salesforce.KindReference, salesforce.KindStale, salesforce.KindForbidden:
		if s.relink(ctx, &j, api) {
			return s.degrade(ctx, j, "link", "the association was changed: "+api.Message)
		}
		s.dead(ctx, j, v.class, v.line)
	case salesforce.KindValidation:
		s.fix(ctx, j, v.class, v.line)
	default:
		s.dead(ctx, j, v.class, v.line)
	}
	return false
}

// droppable are the fields of a complaint that a Task can do without.
func droppable(api *salesforce.APIError) []string {
	names := api.NamedFields()
	if len(names) == 0 && api.Has("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST") {
		return []string{"Type", "CallType", "Priority"}
	}
	return names
}

// relink finds out what is wrong with the association: the owner, who, or what; a converted lead becomes its contact,
// anything else is taken out. It reports whether the record changed.
func (s *Sender) relink(ctx context.Context, j *job, api *salesforce.APIError) bool {
	names := api.NamedFields()
	said := strings.ToLower(api.Message)
	owner := slices.Contains(names, "OwnerId") || strings.Contains(said, "owner id") || strings.Contains(said, "ownerid")
	who := slices.Contains(names, "WhoId") || strings.Contains(said, "name id")
	what := slices.Contains(names, "WhatId") || strings.Contains(said, "related to id")
	if owner && !who && !what {
		_, set := j.fields["OwnerId"]
		return set && j.p.drop([]string{"OwnerId"})
	}
	if !who && !what {
		who, what = true, true
	}
	if lead := j.p.Assoc; who && salesforce.KindOf(api) == salesforce.KindStale && s.followLead(ctx, &lead) {
		j.p.freeze()
		j.p.Assoc = lead
		j.p.Unlinked = append(j.p.Unlinked, "the lead was converted")
		return true
	}
	return j.p.unlink(who, what, "Salesforce refused the record ("+cmp.Or(api.Code, "no reason")+")")
}

// later gives the record back for another attempt.
func (s *Sender) later(ctx context.Context, j job, class, line string, err error, ambiguous bool) {
	due := s.backoff(j.item.Attempts, err, j.asked)
	s.retry(ctx, j, ledger.Failure{Class: class, Reason: text.Clean(line), Due: due, Ambiguous: ambiguous})
	s.report(Report{Kind: ReportRetry, Key: j.item.Key, Subject: j.subject(), Line: text.Clean(line), NextTry: due})
}

func (s *Sender) retry(ctx context.Context, j job, f ledger.Failure) {
	s.note(ctx, j, func(ctx context.Context) error { return s.o.Outbox.MarkRetry(ctx, j.item.Key, f) })
}

func (s *Sender) degrade(ctx context.Context, j job, class, line string) bool {
	f := ledger.Failure{Class: class, Reason: text.Clean(line), Due: s.o.Now()}
	body := j.p.bytes()
	if !s.note(ctx, j, func(ctx context.Context) error { return s.o.Outbox.Degrade(ctx, j.item.Key, body, f) }) {
		return false
	}
	s.report(Report{Kind: ReportDegraded, Key: j.item.Key, Subject: j.subject(), Line: f.Reason})
	return true
}

func (s *Sender) dead(ctx context.Context, j job, class, line string) {
	f := ledger.Failure{Class: class, Reason: text.Clean(line)}
	if s.note(ctx, j, func(ctx context.Context) error { return s.o.Outbox.MarkDead(ctx, j.item.Key, f) }) {
		s.report(Report{Kind: ReportDead, Key: j.item.Key, Subject: j.subject(), Line: f.Reason})
	}
}

func (s *Sender) fix(ctx context.Context, j job, class, line string) {
	f := ledger.Failure{Class: class, Reason: text.Clean(line)}
	if s.note(ctx, j, func(ctx context.Context) error { return s.o.Outbox.MarkFix(ctx, j.item.Key, f) }) {
		s.report(Report{Kind: ReportFix, Key: j.item.Key, Subject: j.subject(), Line: f.Reason})
	}
}

// note stores what came of an attempt. A ledger that does not take it is told again later; the record stays claimed until
// then, so nothing is lost and nothing is written twice.
func (s *Sender) note(ctx context.Context, j job, f storeFunc) bool {
	return s.store(ctx, j.item.Key, "what came of sending the record could not be noted: ", f)
}
