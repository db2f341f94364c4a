package crm

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"unicode"

	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// How many rows of one object a search by hand shows, and how many when the agent wants more: SOSL gives at most 250 of one object.
const (
	maxFound     = 20
	maxFoundMore = 200
)

// Found is what a search by hand brought.
type Found struct {
	Hits  []Hit       // grouped by object, in the layout's order
	Tried []text.Text // what Salesforce was asked, in that order; for a person who wonders why nothing came
	More  []string    // objects of which there may be more than these
	Card  *Card       // a record's id or address was given: that record
}

// Search finds records by what the text looks like: a record's id or address opens that record; a number is looked for in
// telephone fields, and each hit on which it really stands is marked; an e-mail address in e-mail fields; "case 1026" by case number;
// anything else in names, and in all fields when no name has it. Unlike Lookup it leaves nothing out: a person reads the list. Fewer
// than two characters are refused without asking. more asks for as many rows as Salesforce gives.
//
// It costs one API call, two when the first finds nothing or when digits may be a case number too.
func (d *Directory) Search(ctx context.Context, query text.Text, more bool) (Found, error) {
	q := strings.TrimSpace(query.String())
	if ref, ok, err := d.pasted(ctx, q); ok || err != nil {
		return d.openPasted(ctx, ref, err)
	}
	s := &byHand{d: d, limit: maxFound}
	if more {
		s.limit = maxFoundMore
	}
	if err := s.plan(q); err != nil {
		return Found{}, err
	}
	err := s.run(ctx)
	d.noteLimit(err)
	s.out.Hits = unique(append(d.searchRecent(q, s.steps[0].group), s.out.Hits...))
	s.order()
	return s.out, lineError(err)
}

func (d *Directory) openPasted(ctx context.Context, ref Ref, err error) (Found, error) {
	if err != nil {
		return Found{}, lineError(err)
	}
	card, err := d.Card(ctx, ref)
	if err != nil {
		return Found{Tried: []text.Text{text.Clean("the " + ref.Type + " with the id " + ref.ID)}}, err
	}
	return Found{Card: &card}, nil
}

// byHand is one search by hand.
type byHand struct {
	d     *Directory
	limit int
	num   *number.Number // the text is a number: hits on which it stands are marked
	steps []step
	out   Found
}

// step is one question. The next one is asked when nothing was found; one that goes beside is asked together with the first.
type step struct {
	group salesforce.SearchGroup
	terms []salesforce.Term
	cases []string // case numbers, by query and not by the index
	says  string
	text  bool // also objects without telephone numbers
}

// plan decides what is asked.
func (s *byHand) plan(q string) error {
	digits := number.Digits(q)
	bare := !strings.ContainsFunc(number.WithoutExtension(q), unicode.IsLetter)
	lower := strings.ToLower(q)
	address := strings.HasPrefix(lower, "tel:") || strings.HasPrefix(lower, "sip:") || strings.HasPrefix(lower, "sips:")
	number, named := caseNumber(q)
	words := func() {
		if t, ok := salesforce.Words(q); ok {
			s.steps = append(s.steps, step{group: salesforce.AllFields, terms: []salesforce.Term{t}, text: true, says: "all fields for words that begin like " + q})
		}
	}
	switch {
	case named:
		s.cases(number)
	case address && len(digits) >= 3, bare && len(digits) >= 3:
		s.phones(q, digits)
		if number != "" && !s.num.Valid && !(s.d.frugal() && !strings.HasPrefix(number, "00")) {
			s.cases(number)
		}
		if !s.num.Valid {
			words()
		}
	case strings.Contains(q, "@"):
		if t, ok := salesforce.Phrase(strings.TrimPrefix(lower, "mailto:")); ok {
			s.steps = append(s.steps, step{group: salesforce.EmailFields, terms: []salesforce.Term{t}, says: "e-mail fields for " + q})
		}
	default:
		if t, ok := salesforce.Words(q); ok {
			s.steps = append(s.steps, step{group: salesforce.NameFields, terms: []salesforce.Term{t}, text: true, says: "names with words that begin like " + q})
			words()
		}
	}
	if len(s.steps) == 0 {
		return &LineError{Line: "type at least two letters or digits to search for"}
	}
	return nil
}

func (s *byHand) phones(q, digits string) {
	num := s.d.numbers.Parse(q)
	s.num = &num
	st := step{group: salesforce.PhoneFields, says: "telephone fields for " + strings.Join(num.Variants, ", ")}
	for _, v := range num.Variants {
		if t, ok := salesforce.Digits(v); ok {
			st.terms = append(st.terms, t)
		}
	}
	if !num.Valid {
		if t, ok := salesforce.DigitsPrefix(digits); ok { // the beginning of a number
			st.terms, st.says = append(st.terms, t), "telephone fields for numbers that begin with "+digits
		}
	}
	s.steps = append(s.steps, st)
}

func (s *byHand) cases(number string) {
	list := []string{number}
	if n := strings.TrimLeft(number, "0"); len(n) < caseDigits {
		list = append(list, strings.Repeat("0", caseDigits-len(n))+n) // as Salesforce numbers them unless told otherwise
	}
	slices.Sort(list)
	s.steps = append(s.steps, step{cases: slices.Compact(list), says: "cases with the number " + number})
}

// caseDigits is the length of a case number in Salesforce's own format.
const caseDigits = 8

// caseNumber reads "case 1026", "#1026" and plain digits that may be a case number; named tells that the agent said so.
func caseNumber(q string) (number string, named bool) {
	rest := strings.ToLower(strings.TrimSpace(q))
	for _, word := range []string{"case", "#", "no.", "nr."} {
		if r, ok := strings.CutPrefix(rest, word); ok {
			rest, named = strings.TrimLeft(r, " :.#"), true
		}
	}
	if rest == "" || len(rest) > 12 || strings.Trim(rest, "0123456789") != "" || !named && len(rest) > caseDigits {
		return "", false
	}
	return rest, named
}

// run asks until something was found. A number that may be a case's too asks for both at once.
func (s *byHand) run(ctx context.Context) error {
	first := 1
	if len(s.steps) > 1 && s.steps[1].cases != nil {
		first = 2
	}
	for _, now := range [][]step{s.steps[:first], s.steps[first:]} {
		type answer struct {
			hits []Hit
			more []string
			err  error
		}
		answers := make([]answer, len(now))
		var asked sync.WaitGroup
		for i, st := range now {
			s.out.Tried = append(s.out.Tried, text.Clean(st.says))
			asked.Go(func() { answers[i].hits, answers[i].more, answers[i].err = s.ask(ctx, st) })
		}
		asked.Wait()
		var failed error
		for _, a := range answers { // in the order of the questions: which one is answered first must not show
			s.out.Hits, s.out.More = append(s.out.Hits, a.hits...), append(s.out.More, a.more...)
			failed = cmp.Or(failed, a.err)
		}
		if failed != nil || len(s.out.Hits) > 0 {
			return failed
		}
	}
	return nil
}

// ask carries out one step, and once more without what Salesforce refuses.
func (s *byHand) ask(ctx context.Context, st step) (hits []Hit, more []string, err error) {
	try := func() error {
		if st.cases != nil {
			hits, err = s.askCases(ctx, st.cases)
		} else {
			hits, more, err = s.sosl(ctx, st)
		}
		return err
	}
	for i := 0; try() != nil && i < maxUnlearn && (s.d.unlearn(err) || s.d.unlearnExtra(err)); i++ {
	}
	return hits, more, err
}

func (s *byHand) sosl(ctx context.Context, st step) (hits []Hit, more []string, err error) {
	q := salesforce.Find(st.terms...).In(st.group)
	sc := s.d.scopeByHand()
	s.d.learnMissing(ctx, sc)
	plans := s.d.searchPlans(sc)
	if st.text {
		plans = s.d.textPlans(sc)
	}
	for _, p := range plans {
		q = q.Returning(salesforce.Ident(p.object), p.idents(), p.where(), s.limit)
	}
	rows, err := s.d.sf.Search(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		n := 0
		for _, r := range rows {
			if r.Type() != p.object {
				continue
			}
			n++
			if h := s.hit(p, r); !h.Zero() {
				hits = append(hits, h)
			}
		}
		if n >= s.limit {
			more = append(more, p.object)
		}
	}
	return unique(hits), more, nil
}

// hit makes a row of the list: with the number that was looked for, when it stands on the record, else with the first.
func (s *byHand) hit(p plan, r salesforce.Record) Hit {
	h := p.hit(r)
	best := number.Differs
	for _, f := range p.phones {
		v := r.Str(f)
		if v == "" {
			continue
		}
		if h.Phone.Empty() {
			h.Phone = text.Clean(v)
		}
		if s.num != nil {
			if a := s.num.Agrees(v); a > best {
				best, h.Phone = a, text.Clean(v)
			}
		}
	}
	h.Verified = best == number.Agrees
	return h
}

// askCases finds cases by their numbers.
func (s *byHand) askCases(ctx context.Context, list []string) ([]Hit, error) {
	p := s.d.textPlan("Case")
	if p.object == "" {
		return nil, nil // this user has no cases
	}
	page, err := s.d.sf.Query(ctx, salesforce.Select(p.idents()...).From("Case").Where(salesforce.In("CaseNumber", salesforce.Strings(list...)...)).Limit(s.limit))
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, r := range page.Records {
		if h := p.hit(r); !h.Zero() {
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// order groups the hits by object in the order in which objects are searched; within a group, those on which the number stands come
// first, and Salesforce's order stays.
func (s *byHand) order() {
	var objects []string
	for _, p := range s.d.textPlans(s.d.scopeByHand()) {
		objects = append(objects, p.object)
	}
	rank := func(o string) int {
		if i := slices.Index(objects, o); i >= 0 {
			return i
		}
		return len(objects)
	}
	slices.SortStableFunc(s.out.Hits, func(a, b Hit) int {
		switch n := cmp.Compare(rank(a.Type), rank(b.Type)); {
		case n != 0:
			return n
		case a.Verified && !b.Verified:
			return -1
		case b.Verified && !a.Verified:
			return 1
		}
		return 0
	})
	slices.Sort(s.out.More)
	s.out.More = slices.Compact(s.out.More)
}

// searchRecent finds what was opened or made here and may not be in the index yet.
func (d *Directory) searchRecent(q string, group salesforce.SearchGroup) []Hit {
	if group == salesforce.PhoneFields {
		hits := d.recentFor(d.numbers.Parse(q), d.objects())
		for i := range hits {
			hits[i].Verified = true
		}
		return hits
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	words := strings.Fields(strings.ToLower(q))
	var out []Hit
	for _, r := range d.recent {
		name := strings.ToLower(r.hit.Name.String())
		all := !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
		if all && group == salesforce.NameFields && d.set.Now().Sub(r.at) <= d.rememberFor() {
			out = append(out, r.hit)
		}
	}
	return out
}
