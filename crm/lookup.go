package crm

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Lookup finds whose number this is. Internal, withheld and emergency numbers make no request. Every hit is verified
// here: Salesforce's search is only a net. The result is one of none, one, many, failed; "failed" is not "none". The
// direction chooses the part of the softphone layout that says which objects are searched.
func (d *Directory) Lookup(ctx context.Context, number text.Text, dir Direction) Match {
	began := d.set.Now()
	m, _ := d.lookup(ctx, number, dir, false)
	m.Took = max(d.set.Now().Sub(began), 0)
	return m
}

// LookupForRecord looks a caller up whom a record or a new customer depends on, also while lookups rest to save API calls. The error is
// what stands behind a failed match.
func (d *Directory) LookupForRecord(ctx context.Context, caller text.Text, dir Direction) (Match, error) {
	return d.lookup(ctx, caller, dir, true)
}

// lookup is Lookup, with the error behind a failed match. forRecord asks even while lookups rest to save API calls: they are saved
// for call records, and whom a record belongs to is a part of it.
func (d *Directory) lookup(ctx context.Context, caller text.Text, dir Direction, forRecord bool) (Match, error) {
	if dir == Internal {
		return Match{State: MatchInternal}, nil // whatever the caller looks like: a colleague is never searched for
	}
	switch d.numbers.Classify(caller.String(), false, "") {
	case number.Internal:
		return Match{State: MatchInternal}, nil
	case number.Withheld:
		return Match{State: MatchWithheld}, nil
	case number.Emergency:
		return Match{State: MatchNotSearched}, nil
	}
	num := d.numbers.Parse(caller.String())
	if len(num.Variants) == 0 {
		return Match{State: MatchNone}, nil // a name at a foreign domain: there is no caller to look for
	}
	s := d.scopeOf(dir)
	if l := d.layout(); l != nil && len(l.For(string(dir)).Objects) == 0 {
		return Match{State: MatchNone, Via: ViaLayout, Detail: text.Clean("the softphone layout searches nothing for " + strings.ToLower(string(dir)) + " calls")}, nil
	}
	recent := d.recentFor(num, s.objects)
	if c, ok := d.cached(s.key(num), forRecord); ok {
		return d.settle(num, found{hits: c.hits, possible: c.possible, via: "cache"}, recent), nil
	}
	if why, rest := d.resting(); rest && !forRecord {
		return Match{State: MatchFailed, Hits: recent, Detail: text.Clean(why)}, nil
	}
	d.learnMissing(ctx, s)
	f := d.ask(ctx, num, s)
	for i := 0; i < maxUnlearn && f.err != nil && d.unlearn(f.err); i++ {
		s = d.scopeOf(dir)
		f = d.ask(ctx, num, s)
	}
	d.noteLimit(f.err)
	d.warmLater()
	if f.err != nil {
		return Match{State: MatchFailed, Hits: recent, Possible: f.possible, Detail: text.Clean(failedLine(f.err))}, f.err
	}
	d.keep(s.key(num), cachedLookup{f.hits, f.possible, f.via, d.set.Now()})
	return d.settle(num, f, recent), nil
}

// maxUnlearn bounds how often a search is made smaller: Salesforce names one hidden field or object at a time.
const maxUnlearn = 5

// found is what one way of searching brought.
type found struct {
	via      string
	hits     []Hit
	possible int
	err      error
}

// ask searches both ways at once: SOSL, which looks through its index, and SOQL for literal spellings, which sees records
// that the index does not have yet. SOSL is the one that must succeed: spellings alone cannot say "nobody".
func (d *Directory) ask(ctx context.Context, num number.Number, s scope) found {
	plans := d.searchPlans(s)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run := func(via string, search func(context.Context, number.Number, []plan) ([]salesforce.Record, error)) <-chan found {
		out := make(chan found, 1)
		go func() {
			own, stop := context.WithTimeout(ctx, d.set.Deadline)
			defer stop()
			rows, err := search(own, num, plans)
			f := found{via: via, err: err}
			if err == nil {
				f.hits, f.possible = d.verify(rows, num, plans)
			}
			out <- f
		}()
		return out
	}
	if d.frugal() { // 80 % of the org's calls are used: the second way only when the first found nothing
		return d.askThriftily(ctx, num, plans, run)
	}
	sosl, soql := run("sosl", d.sosl), run("soql", d.soql)
	var a, b found
	select {
	case a = <-sosl:
		if a.err == nil && len(a.hits) > 0 && !d.answers().Strict() { // a strict index has only some of the spellings
			grace := time.NewTimer(d.set.Grace)
			defer grace.Stop()
			select {
			case b = <-soql:
				return merge(a, b)
			case <-grace.C:
				cancel()
				<-soql
				return a
			}
		}
		b = <-soql
	case b = <-soql:
		a = <-sosl
	}
	return d.like(ctx, num, plans, merge(a, b))
}

// searcher runs one way of searching.
type searcher func(via string, search func(context.Context, number.Number, []plan) ([]salesforce.Record, error)) <-chan found

// askThriftily asks the second way only when the first found nobody. First comes the one that knows more: the index, unless this org's
// index is known to keep numbers as they are written.
func (d *Directory) askThriftily(ctx context.Context, num number.Number, plans []plan, run searcher) found {
	if d.answers().Strict() {
		b := <-run("soql", d.soql)
		if b.err == nil && len(b.hits) > 0 {
			return b
		}
		return d.like(ctx, num, plans, merge(<-run("sosl", d.sosl), b))
	}
	a := <-run("sosl", d.sosl)
	if a.err != nil || len(a.hits) > 0 {
		return a
	}
	return d.like(ctx, num, plans, merge(a, <-run("soql", d.soql)))
}

// merge joins both ways. An error of SOSL stands unless SOQL found somebody; an error of SOQL alone is no failure.
func merge(a, b found) found {
	if a.err != nil {
		if b.err == nil && len(b.hits) > 0 {
			return b
		}
		return found{err: a.err, possible: b.possible}
	}
	if b.err != nil {
		return a
	}
	out := found{via: a.via, hits: slices.Clone(a.hits), possible: max(a.possible, b.possible)}
	if len(a.hits) == 0 && len(b.hits) > 0 {
		out.via = b.via
	}
	out.hits = unique(append(out.hits, b.hits...))
	return out
}

// sosl asks the search index for the number's variants, digits only: a caller's number is text that a stranger chose.
func (d *Directory) sosl(ctx context.Context, num number.Number, plans []plan) ([]salesforce.Record, error) {
	var terms []salesforce.Term
	for _, v := range num.Variants {
		if t, ok := salesforce.Digits(v); ok {
			terms = append(terms, t)
		}
	}
	q := salesforce.Find(terms...).In(salesforce.PhoneFields)
	if len(plans) == 0 {
		return nil, errors.New("no object to search: check the layout's objects and this user's permissions")
	}
	for _, p := range plans {
		q = q.Returning(salesforce.Ident(p.object), p.idents(), p.where(), d.set.Limit)
	}
	return d.sf.Search(ctx, q)
}

// soql asks for literal spellings, all objects in one composite: one API call.
func (d *Directory) soql(ctx context.Context, num number.Number, plans []plan) ([]salesforce.Record, error) {
	spellings := salesforce.Strings(num.Spellings()...)
	return d.scan(ctx, plans, func(p plan) salesforce.Cond {
		var any []salesforce.Cond
		for _, f := range p.exact {
			any = append(any, salesforce.In(salesforce.Ident(f), spellings...))
		}
		return salesforce.Or(any...)
	}, nil)
}

// like scans for the digits with anything between them, only in objects for which that was allowed, and only when nobody was found.
func (d *Directory) like(ctx context.Context, num number.Number, plans []plan, f found) found {
	if f.err != nil || len(f.hits) > 0 || len(d.set.LikeObjects) == 0 || d.frugal() || len(num.Kernel()) < 7 {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, d.set.Deadline)
	defer cancel()
	pattern := salesforce.Contains(apart(num.Kernel())...)
	rows, err := d.scan(ctx, plans, func(p plan) salesforce.Cond {
		var any []salesforce.Cond
		for _, ph := range p.exact {
			any = append(any, salesforce.Like(salesforce.Ident(ph), pattern))
		}
		return salesforce.Or(any...)
	}, d.set.LikeObjects)
	if err != nil {
		return f // a scan that timed out leaves what is known: nobody by index and spelling
	}
	f.hits, f.possible = d.verify(rows, num, plans)
	f.via = "soql"
	return f
}

// apart are the digits one by one: nobody knows where people put their spaces. What only looks alike is sorted out when it is verified.
func apart(digits string) []string {
	return strings.Split(digits, "")
}

// maxScans bounds the composites of one search: an object more costs no call until five are full.
const maxScans = 4

// scan runs one query per object, five of them in one composite, which is what fits. only limits the objects; nil for all.
func (d *Directory) scan(ctx context.Context, plans []plan, cond func(plan) salesforce.Cond, only []string) ([]salesforce.Record, error) {
	var subs []salesforce.Sub
	for _, p := range plans {
		if len(p.exact) == 0 || only != nil && !slices.Contains(only, p.object) || len(subs) == 5*maxScans {
			continue
		}
		q := salesforce.Select(p.idents()...).From(salesforce.Ident(p.object)).
			Where(salesforce.And(cond(p), p.where())).Limit(d.set.Limit)
		subs = append(subs, salesforce.SubQuery("q"+strconv.Itoa(len(subs)), q))
	}
	var rows []salesforce.Record
	var first error
	for five := range slices.Chunk(subs, 5) {
		results, err := d.sf.Composite(ctx, false, five...)
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			var page salesforce.QueryResult
			if err := r.Into(&page); err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			rows = append(rows, page.Records...)
		}
	}
	return rows, first
}

// verify keeps the rows on which the number really stands, and counts those that only look alike.
func (d *Directory) verify(rows []salesforce.Record, num number.Number, plans []plan) (hits []Hit, possible int) {
	for _, r := range rows {
		i := slices.IndexFunc(plans, func(p plan) bool { return p.object == r.Type() })
		if i < 0 {
			continue // nobody asked for it
		}
		p := plans[i]
		best := number.Differs
		h := p.hit(r)
		if h.Zero() {
			continue
		}
		for _, f := range p.phones {
			stored := r.Str(f)
			if stored == "" {
				continue
			}
			if a := num.Agrees(stored); a > best {
				best, h.Phone = a, text.Clean(stored)
			}
		}
		switch best {
		case number.Agrees:
			hits = append(hits, h)
		case number.Possible:
			possible++
		}
	}
	return unique(hits), possible
}

// unique drops hits that are the same record, and the contact half of a person account that is there as an account.
func unique(hits []Hit) []Hit {
	var out []Hit
	for _, h := range hits {
		same := slices.ContainsFunc(out, func(o Hit) bool { return SameID(o.ID, h.ID) })
		half := h.Type == "Contact" && slices.ContainsFunc(hits, func(o Hit) bool {
			return o.PersonContactID != "" && SameID(o.PersonContactID, h.ID)
		})
		if !same && !half {
			out = append(out, h)
		}
	}
	return out
}

// settle turns hits into a match, together with the records opened or made here.
func (d *Directory) settle(num number.Number, f found, recent []Hit) Match {
	hits := unique(append(slices.Clone(f.hits), recent...))
	m := Match{State: MatchNone, Hits: hits, Possible: f.possible, Via: f.via}
	switch len(hits) {
	case 0:
		m.Detail = num.Place()
	case 1:
		m.State = MatchOne
		if len(f.hits) == 0 {
			m.Via = "cache"
		}
	default:
		m.State = MatchMany
	}
	return m
}

func failedLine(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "Salesforce did not answer in time: search again with s"
	}
	return salesforce.Line(err)
}
