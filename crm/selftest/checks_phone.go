package selftest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// person is one contact of the test with a number stored in one of the ways in which people write numbers.
type person struct {
	form   string // how the number is written, in words
	stored string // as it stands in the record
	e164   string // what a caller's number would be
	id     string
	made   time.Time
}

// people are contacts with numbers that no subscriber has: ranges that regulators keep for drama. n is 0 to 99.
func people(region string, n int) []person {
	uk := func(i int) string { return fmt.Sprintf("%03d", (n*4+i)%1000) }
	us := func(i int) string { return fmt.Sprintf("%02d", (n*4+i)%100) }
	switch region {
	case "US", "CA":
		return []person{
			{form: "+14155550100", stored: "+141555501" + us(0), e164: "+141555501" + us(0)},
			{form: "4155550100", stored: "41555501" + us(1), e164: "+141555501" + us(1)},
			{form: "(415) 555-0100", stored: "(415) 555-01" + us(2), e164: "+141555501" + us(2)},
			{form: "415.555.0100", stored: "415.555.01" + us(3), e164: "+141555501" + us(3)},
		}
	case "GB":
		return []person{
			{form: "+447700900123", stored: "+447700900" + uk(0), e164: "+447700900" + uk(0)},
			{form: "07700900123", stored: "07700900" + uk(1), e164: "+447700900" + uk(1)},
			{form: "07700 900123", stored: "07700 900" + uk(2), e164: "+447700900" + uk(2)},
			{form: "(07700) 900-123", stored: "(07700) 900-" + uk(3), e164: "+447700900" + uk(3)},
		}
	}
	return []person{
		{form: "+447700900123", stored: "+447700900" + uk(0), e164: "+447700900" + uk(0)},
		{form: "00447700900123", stored: "00447700900" + uk(1), e164: "+447700900" + uk(1)},
		{form: "+44 7700 900123", stored: "+44 7700 900" + uk(2), e164: "+447700900" + uk(2)},
		{form: "+44.7700.900-123", stored: "+44.7700.900-" + uk(3), e164: "+447700900" + uk(3)},
	}
}

// The places of people: the two that are runs of digits, and the two with something between.
const (
	withCountry, asDigits, withSpaces, withDots = 0, 1, 2, 3
)

// choosePeople takes numbers that nobody in the org has.
func (t *test) choosePeople(ctx context.Context) error {
	start, err := strconv.ParseUint(t.o.Token[:min(4, len(t.o.Token))], 36, 32)
	if err != nil {
		start = 0
	}
	for try := range uint64(25) {
		t.people = people(t.o.Numbers.Region, int((start+try*7)%100))
		taken, err := t.indexed(ctx)
		if err != nil {
			return err
		}
		for _, p := range t.people { // the index may not know everybody
			if taken {
				break
			}
			m := t.dir.Lookup(ctx, text.Clean(p.e164), crm.Inbound)
			if m.State == crm.MatchFailed {
				return &crm.LineError{Line: m.Detail.String()}
			}
			taken = m.State != crm.MatchNone
		}
		if !taken {
			return nil
		}
	}
	return &crm.LineError{Line: "every number of the test's range stands in this org already: an earlier test was not cleaned up"}
}

// indexed reports whether the search index has one of the numbers, in one request.
func (t *test) indexed(ctx context.Context) (bool, error) {
	var terms []salesforce.Term
	for _, p := range t.people {
		for _, v := range t.dir.Numbers().Parse(p.e164).Variants {
			if term, ok := salesforce.Digits(v); ok {
				terms = append(terms, term)
			}
		}
	}
	q := salesforce.Find(terms...).In(salesforce.PhoneFields)
	for _, o := range []string{"Contact", "Lead", "Account"} {
		if t.desc[o] != nil {
			q = q.Returning(salesforce.Ident(o), []salesforce.Ident{"Id"}, salesforce.Cond{}, 1)
		}
	}
	rows, err := t.sf.Search(ctx, q)
	if err != nil {
		return false, &crm.LineError{Line: line(err), Err: err}
	}
	return len(rows) > 0, nil
}

func createPeople(ctx context.Context, t *test) Result {
	if d := t.desc["Contact"]; d == nil || !d.Createable {
		return failedAs("this user may not create Contacts: nobody can be looked up")
	}
	if err := t.choosePeople(ctx); err != nil {
		return failedAs("%s", err)
	}
	for i := range t.people {
		p := &t.people[i]
		var err error
		if p.id, err = t.create(ctx, "Contact", map[string]any{"FirstName": fmt.Sprintf("Test %d", i+1), "LastName": t.marker, "Phone": p.stored}); err != nil {
			return failed(err)
		}
		p.made = t.o.Now()
	}
	if d := t.desc["Account"]; d != nil && d.Createable {
		id, err := t.create(ctx, "Account", map[string]any{"Name": t.marker})
		if err != nil {
			return failed(err)
		}
		t.account = id
	}
	return ok("%d contacts with a number written in %d ways, and an account", len(t.people), len(t.people))
}

// spellings proves the way that needs no index.
func spellings(ctx context.Context, t *test) Result {
	p := t.people[withCountry]
	page, err := t.sf.Query(ctx, salesforce.Select("Id").From("Contact").Where(salesforce.In("Phone", salesforce.String(p.stored))).Limit(2))
	switch {
	case err != nil:
		return failed(err)
	case len(page.Records) != 1 || !crm.SameID(page.Records[0].ID(), p.id):
		return failedAs("a query for the exact spelling finds %s, not the one that was made", plural(len(page.Records), "contact"))
	}
	return ok("a query for the exact spelling finds the contact at once")
}

// index waits until the search index has the contacts, and measures how long that takes.
func index(ctx context.Context, t *test) Result {
	term, _ := salesforce.Words(t.marker)
	until, wait, told := t.o.Now().Add(t.o.Wait), time.Second, false
	for {
		rows, err := t.sf.Search(ctx, salesforce.Find(term).In(salesforce.NameFields).Returning("Contact", []salesforce.Ident{"Id"}, salesforce.Cond{}, 20))
		if err != nil && salesforce.KindOf(err) != salesforce.KindTransient {
			return failed(err)
		}
		have := 0
		for _, p := range t.people {
			if slices.ContainsFunc(rows, func(r salesforce.Record) bool { return crm.SameID(r.ID(), p.id) }) {
				have++
			}
		}
		lag := t.o.Now().Sub(t.people[0].made)
		if have == len(t.people) {
			return settled(crm.AskIndexLag, strconv.FormatFloat(lag.Seconds(), 'f', 1, 64), "", "the search index has new records after %s", lag.Round(100*time.Millisecond))
		}
		if !t.o.Now().Add(wait).Before(until) {
			r := settled(crm.AskIndexLag, strconv.FormatFloat(lag.Seconds(), 'f', 1, 64), "not even then", "the search index has %d of %d new records after %s: longer than this test waits (--wait)", have, len(t.people), lag.Round(time.Second))
			r.Outcome = Failed
			return r
		}
		if !told {
			told = true
			t.o.Progress(fmt.Sprintf("waiting for Salesforce's search index, at most %s", t.o.Wait.Round(time.Second)))
		}
		if err := t.o.Sleep(ctx, wait); err != nil {
			return skipped("given up")
		}
		wait = min(wait*3/2, 15*time.Second)
	}
}

// finds reports whether a phone search for digits finds a person.
func (t *test) finds(ctx context.Context, digits string, p person) (bool, error) {
	term, _ := salesforce.Digits(digits)
	rows, err := t.sf.Search(ctx, salesforce.Find(term).In(salesforce.PhoneFields).Returning("Contact", []salesforce.Ident{"Id", "Phone"}, salesforce.Cond{}, 20))
	return slices.ContainsFunc(rows, func(r salesforce.Record) bool { return crm.SameID(r.ID(), p.id) }), err
}

// phoneSearch settles how IN PHONE FIELDS compares: does it ignore what stands between the digits, and does it know country codes?
func phoneSearch(ctx context.Context, t *test) Result {
	var found [4]bool
	for i, p := range t.people {
		var err error
		if found[i], err = t.finds(ctx, p.stored, p); err != nil {
			return failed(err)
		}
	}
	if !found[asDigits] {
		return failedAs("the index has the contact, but a search for its own digits does not find it")
	}
	national := t.people[asDigits]
	bridges, err := t.finds(ctx, national.e164, national)
	if err != nil {
		return failed(err)
	}
	mode, said := crm.SearchStrict, "keeps numbers as they are typed: spellings are asked for, too"
	switch {
	case found[withSpaces] && found[withDots]:
		mode, said = crm.SearchNormalise, "ignores what stands between the digits"
	case found[withSpaces] || found[withDots]:
		said = "ignores only some of what stands between the digits: spellings are asked for, too"
	}
	country := "does not know country codes"
	if bridges {
		country = "knows country codes"
	}
	var detail []string
	for i, p := range t.people {
		detail = append(detail, fmt.Sprintf("%s %s", p.form, yesNo(found[i])))
	}
	r := settled(crm.AskPhoneSearch, mode, strings.Join(detail, ", "), "the phone search %s; it %s", said, country)
	r.Answers = append(r.Answers, settled(crm.AskPhoneCountry, yesNo(bridges), "", "").Answers...)
	return r
}

// scan proves the last resort.
func scan(ctx context.Context, t *test) Result {
	p, began := t.people[withDots], t.o.Now()
	page, err := t.sf.Query(ctx, salesforce.Select("Id").From("Contact").
		Where(salesforce.Like("Phone", salesforce.Contains(strings.Split(p.e164[len(p.e164)-9:], "")...))).Limit(50))
	switch {
	case err != nil:
		return failed(err)
	case !slices.ContainsFunc(page.Records, func(r salesforce.Record) bool { return crm.SameID(r.ID(), p.id) }):
		return failedAs("a scan for the digits with anything between them (LIKE) does not find %s", p.form)
	}
	return ok("a scan for the digits with anything between them (LIKE) finds %s in %s", p.form, t.o.Now().Sub(began).Round(time.Millisecond))
}

// lookup asks as a call does, for each way of writing a number. The two that are runs of digits must be found in every org.
func lookup(ctx context.Context, t *test) Result {
	var found, missed []string
	var slowest time.Duration
	must := 0
	for i, p := range t.people {
		m := t.dir.Lookup(ctx, text.Clean(p.e164), crm.Inbound)
		slowest = max(slowest, m.Took)
		if hit, one := m.Only(); one && crm.SameID(hit.ID, p.id) {
			found = append(found, p.form)
			if i == withCountry || i == asDigits {
				must++
			}
			continue
		}
		if m.State == crm.MatchFailed {
			return failedAs("%s", m.Detail)
		}
		missed = append(missed, p.form)
	}
	said := fmt.Sprintf("callers are found, slowest %s", slowest.Round(time.Millisecond))
	if missed != nil {
		said = fmt.Sprintf("found: %s; not found: %s", strings.Join(found, ", "), strings.Join(missed, ", "))
		if must == 2 {
			said += "; salesforce.scan finds them, slowly, or store numbers as digits"
		}
	}
	if must < 2 {
		return failedAs("%s", said)
	}
	return ok("%s", said)
}
