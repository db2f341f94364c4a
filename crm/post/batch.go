package post

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

const (
	batchFrom  = 8                        // fewer records than this go one by one: nothing is gained
	batchLast  = salesforce.MaxCollection // what fits into one request
	batchLimit = 2 * time.Minute          // one batch, all its requests together
)

// batching is how many records go in one request: half as many after one that got no answer (an org whose triggers are slow), twice as
// many after one that did.
type batching struct {
	mu    sync.Mutex
	halts int // how often it was halved
}

func (b *batching) room() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(batchLast>>b.halts, batchFrom)
}

func (b *batching) learn(answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answered {
		b.halts = max(b.halts-1, 0)
	} else if batchLast>>b.halts > batchFrom {
		b.halts++
	}
}

// room is how many records the next batch takes.
func (s *Sender) room() int { return s.batching.room() }

// sendMany catches up: what needs nothing but to be written goes in one request of at most 200 records, each of which Salesforce takes or
// refuses by itself. A batch only settles what is plain (written, or there already). Everything else then goes alone, so that
// what one record needs, and what is done about a refusal, is decided in one place.
func (s *Sender) sendMany(ctx context.Context, keys []string) {
	own, cancel := context.WithTimeout(ctx, batchLimit)
	if _, err := s.orgFor(own); err != nil { // let one record find out what is wrong, and store it
		cancel()
		s.send(ctx, keys[0])
		return
	}
	plain, alone := s.gather(own, keys)
	plain, more := s.lookBack(own, plain)
	alone = append(alone, more...)
	alone = append(alone, s.writeMany(own, plain)...)
	cancel()
	s.each(len(alone), func(i int) {
		j := alone[i]
		if ctx.Err() != nil || s.Paused() != "" {
			s.giveBack(context.WithoutCancel(ctx), j)
			return
		}
		one, stop := context.WithTimeout(ctx, sendLimit)
		again := s.attempt(one, j.item)
		stop()
		if again {
			s.send(ctx, j.item.Key)
		}
	})
}

// each does something for many records, as many at a time as there are workers.
func (s *Sender) each(n int, do func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(n, s.o.Workers) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// gather claims the records and makes them ready. After an outage nobody has been looked up: that is done for several at a time. Leads
// that were converted, and what cannot be read, are returned to go alone.
func (s *Sender) gather(ctx context.Context, keys []string) (plain, alone []job) {
	var leads []salesforce.Literal
	asked := s.gate.asks()
	for _, key := range keys {
		item, ok, err := s.o.Outbox.Claim(ctx, key, s.o.Now())
		if err != nil {
			if ctx.Err() == nil {
				s.diskFailed(key, err)
			}
			break
		}
		if !ok {
			continue
		}
		j := job{item: item, asked: asked}
		j.p, err = readPayload(item.Payload)
		if err != nil {
			alone = append(alone, j)
			continue
		}
		if who := j.p.Assoc.Who; who.Type == "Lead" && salesforce.ValidID(who.ID) {
			leads = append(leads, salesforce.ID(who.ID))
		}
		plain = append(plain, j)
	}
	converted := s.convertedLeads(ctx, leads)
	var candidates []job
	for _, j := range plain {
		lead := j.p.Assoc.Who.Type == "Lead"
		if lead && (converted == nil || converted[idKey(j.p.Assoc.Who.ID)]) {
			alone = append(alone, j)
			continue
		}
		j.leadAsked = lead
		candidates = append(candidates, j)
	}
	const (
		over = iota
		together
		apart
	)
	fate := make([]int, len(candidates))
	s.each(len(candidates), func(i int) {
		set, err := s.ready(ctx, &candidates[i])
		switch {
		case err != nil:
			s.react(ctx, candidates[i], err, preparing)
		case set.Target == crm.TargetVoiceCall && !candidates[i].p.AsTask:
			fate[i] = apart
		default:
			fate[i] = together
		}
	})
	var ready []job
	for i, j := range candidates {
		switch fate[i] {
		case together:
			ready = append(ready, j)
		case apart:
			alone = append(alone, j)
		}
	}
	return ready, alone
}

// convertedLeads asks for many leads at once which of them were converted, by idKey; nil when that is not known.
func (s *Sender) convertedLeads(ctx context.Context, leads []salesforce.Literal) map[string]bool {
	out := map[string]bool{}
	if len(leads) == 0 {
		return out
	}
	page, err := s.o.Client.Query(ctx, salesforce.Select("Id").From("Lead").
		Where(salesforce.And(salesforce.In("Id", leads...), salesforce.Eq("IsConverted", salesforce.Bool(true)))).Limit(batchLast))
	if err != nil {
		return nil
	}
	for _, r := range page.Records {
		out[idKey(r.ID())] = true
	}
	return out
}

// idKey is what two spellings of one record's id have in common.
func idKey(id string) string { return id[:min(15, len(id))] }

// lookBack settles the records that an earlier attempt may have written, with one question for all of them (find says why two). It
// returns what is still to be written, and what must be looked for alone.
func (s *Sender) lookBack(ctx context.Context, plain []job) (left, alone []job) {
	var open []job
	for _, j := range plain {
		if s.mayExist(j) {
			open = append(open, j)
		} else {
			left = append(left, j)
		}
	}
	for _, field := range []salesforce.Ident{crm.KeyField, "CallObject"} {
		var asked, others []job
		for _, j := range open {
			if v, _ := j.fields[string(field)].(string); v != "" {
				asked = append(asked, j)
			} else {
				others = append(others, j)
			}
		}
		if len(asked) == 0 {
			continue
		}
		found, err := s.findMany(ctx, field, asked)
		if err != nil {
			s.reactMany(ctx, asked, err, looking)
			open = others
			continue
		}
		open = others
		for _, j := range asked {
			if id := found[strings.ToLower(j.fields[string(field)].(string))]; id != "" {
				s.sent(ctx, j, id, ReportFound)
			} else {
				open = append(open, j)
			}
		}
	}
	for _, j := range open {
		_, keyed := j.fields[crm.KeyField]
		if _, named := j.fields["CallObject"]; keyed || named {
			left = append(left, j)
		} else {
			alone = append(alone, j) // known by its subject alone
		}
	}
	return left, alone
}

// findMany looks for the Tasks of many records by the field that holds their key.
func (s *Sender) findMany(ctx context.Context, field salesforce.Ident, jobs []job) (map[string]string, error) {
	var values []salesforce.Literal
	days := 2
	for _, j := range jobs {
		values = append(values, salesforce.String(j.fields[string(field)].(string)))
		days = max(days, s.daysSince(j))
	}
	by := salesforce.In(field, values...)
	if field != crm.KeyField {
		by = salesforce.And(by, salesforce.Eq("CreatedDate", salesforce.LastNDays(days)))
	}
	out := map[string]string{}
	for r, err := range s.o.Client.All(ctx, salesforce.Select("Id", field).From("Task").Where(by)) {
		if err != nil {
			return nil, err
		}
		out[strings.ToLower(r.Str(string(field)))] = r.ID()
	}
	return out, nil
}

// writeMany writes the records in one request and settles those that were taken, or were there already. It returns the others.
func (s *Sender) writeMany(ctx context.Context, plain []job) (alone []job) {
	if len(plain) < 2 {
		return plain
	}
	rows := make([]map[string]any, len(plain))
	for i, j := range plain {
		rows[i] = j.fields
	}
	results, err := s.o.Client.CreateMany(ctx, "Task", rows, false)
	ctx = context.WithoutCancel(ctx) // what is known is stored, also when the program ends now
	if err != nil {
		if judge(err, writing).reaction == refused { // the request as a whole: no record was judged
			return plain
		}
		s.batching.learn(false)
		s.reactMany(ctx, plain, err, writing)
		return nil
	}
	s.batching.learn(true)
	for i, j := range plain {
		err := results[i].Err()
		api := salesforce.Refusal(err)
		switch {
		case err == nil && salesforce.ValidID(results[i].ID):
			s.sent(ctx, j, results[i].ID, ReportSent)
		case err == nil:
			s.reactMany(ctx, []job{j}, &salesforce.TransportError{Method: "POST", Path: "/composite/sobjects", MayHaveArrived: true,
				Err: errors.New("the reply names no record")}, writing)
		case s.keyTaken(j, api) && api.ExistingID() != "":
			s.sent(ctx, j, api.ExistingID(), ReportFound)
		default:
			alone = append(alone, j)
		}
	}
	return alone
}

// reactMany stores what became of records that have no answer of their own: the whole request failed, and they are due together again.
func (s *Sender) reactMany(ctx context.Context, jobs []job, err error, at stage) {
	v := judge(err, at)
	if len(jobs) == 0 {
		return
	}
	tries := 0
	for _, j := range jobs {
		tries = max(tries, j.item.Attempts)
	}
	f := ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Ambiguous: v.ambiguous, Due: s.backoff(tries, err, jobs[0].asked)}
	tell := func() {
		s.report(Report{Kind: ReportRetry, Key: jobs[0].item.Key, Subject: jobs[0].subject(), Line: f.Reason, NextTry: f.Due})
	}
	if v.reaction == pause {
		tell = s.pauseQueue(v.kind, v.line, jobs[0].asked)
		f.Due, f.Free = s.o.Now(), true
	}
	for _, j := range jobs {
		s.retry(context.WithoutCancel(ctx), j, f)
	}
	tell()
}

// giveBack returns a claimed record that nothing was done about.
func (s *Sender) giveBack(ctx context.Context, j job) {
	s.retry(ctx, j, ledger.Failure{Class: j.item.ErrorClass, Reason: j.item.LastError, Due: s.o.Now(), Free: true})
}
