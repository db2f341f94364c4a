package crm

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// maxFound is how many rows of one object a search by hand shows.
const maxFound = 20

// Search finds records by number, e-mail address or name, whichever the text looks like. Unlike Lookup it does not
// verify: a person reads the list. Fewer than two characters are refused without asking.
func (d *Directory) Search(ctx context.Context, query text.Text) ([]Hit, error) {
	q := strings.TrimSpace(query.String())
	terms, group := d.terms(q)
	if len(terms) == 0 {
		return nil, &LineError{Line: "type at least two letters or digits to search for"}
	}
	hits := d.searchRecent(q, group)
	found, err := d.searchAll(ctx, terms, group)
	for i := 0; i < maxUnlearn && err != nil && d.unlearn(err); i++ {
		found, err = d.searchAll(ctx, terms, group)
	}
	d.noteLimit(err)
	if err != nil {
		return hits, lineError(err)
	}
	return unique(append(hits, found...)), nil
}

// terms decides what is searched where.
func (d *Directory) terms(q string) ([]salesforce.Term, salesforce.SearchGroup) {
	var terms []salesforce.Term
	add := func(t salesforce.Term, ok bool) {
		if ok {
			terms = append(terms, t)
		}
	}
	switch digits := digitsOf(q); {
	case strings.Contains(q, "@"):
		add(salesforce.Phrase(q))
		return terms, salesforce.EmailFields
	case len(digits) >= 3 && !strings.ContainsFunc(withoutExtension(q), unicode.IsLetter):
		num := d.numbers.Parse(q)
		for _, v := range num.Variants {
			add(salesforce.Digits(v))
		}
		if !num.Valid {
			add(salesforce.DigitsPrefix(digits)) // the beginning of a number
		}
		return terms, salesforce.PhoneFields
	}
	add(salesforce.Words(q))
	return terms, salesforce.NameFields
}

func (d *Directory) searchAll(ctx context.Context, terms []salesforce.Term, group salesforce.SearchGroup) ([]Hit, error) {
	q := salesforce.Find(terms...).In(group)
	s := d.scopeByHand()
	d.learnMissing(ctx, s)
	plans := d.searchPlans(s)
	for _, p := range plans {
		q = q.Returning(salesforce.Ident(p.object), p.idents(), p.where(), maxFound)
	}
	rows, err := d.sf.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, p := range plans { // grouped in the layout's order
		for _, r := range rows {
			if r.Type() != p.object {
				continue
			}
			h := p.hit(r)
			for _, f := range p.phones {
				if v := r.Str(f); v != "" {
					h.Phone = text.Clean(v)
					break
				}
			}
			if !h.Zero() {
				hits = append(hits, h)
			}
		}
	}
	return unique(hits), nil
}

// searchRecent finds what was opened or made here and may not be in the index yet.
func (d *Directory) searchRecent(q string, group salesforce.SearchGroup) []Hit {
	if group == salesforce.PhoneFields {
		return d.recentFor(d.numbers.Parse(q), d.objects())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	words := strings.Fields(strings.ToLower(q))
	var out []Hit
	for _, r := range d.recent {
		name := strings.ToLower(r.hit.Name.String())
		all := !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
		if all && group == salesforce.NameFields && d.set.Now().Sub(r.at) <= recentFor {
			out = append(out, r.hit)
		}
	}
	return out
}
