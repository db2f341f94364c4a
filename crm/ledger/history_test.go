package ledger

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/internal/text"
)

// story fills a ledger with calls that differ in everything one can look for.
func story(t *testing.T) *Ledger {
	l := open(t, file(t), newClock())
	calls := []struct{ key, dir, number, name, notes, state string }{
		{"a-fred", "Inbound", "07814 256404", "Fred Bloggs", "wants the invoice again", EndedNormal},
		{"b-zoe", "Outbound", "+447814256405", "Zoë Ångström", "rückruf am Montag", "ended:cancelled"},
		{"b-acme", "Inbound", "0033142685300", "Acme", "", EndedCrash},
		{"c-desk", "Internal", "2104", "Front Desk", "invoice lunch", EndedNormal},
	}
	for i, c := range calls {
		at := t0.Add(time.Duration(i) * time.Hour)
		e := ended(c.key, at)
		e.Direction, e.Number, e.Name, e.Notes, e.State = c.dir, text.Clean(c.number), text.Clean(c.name), text.CleanBlock(c.notes, 100), c.state
		e.RecordName, e.Cause = text.Text{}, text.Text{}
		must(t, l.Finish(t.Context(), e, &Item{Payload: payload(c.key)}))
	}
	must(t, l.Journal(t.Context(), ringing("d-open", t0.Add(4*time.Hour)), "INVITE", t0.Add(4*time.Hour)))
	must(t, l.MarkSent(t.Context(), "a-fred", "00T1"))
	return l
}

func TestTheHistoryFindsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	l := story(t)
	tests := map[string]struct {
		f    Filter
		want []string
	}{
		"everything, latest first":         {Filter{}, []string{"d-open", "c-desk", "b-acme", "b-zoe", "a-fred"}},
		"the latest two":                   {Filter{Limit: 2}, []string{"d-open", "c-desk"}},
		"since":                            {Filter{Since: t0.Add(3 * time.Hour)}, []string{"d-open", "c-desk"}},
		"until":                            {Filter{Until: t0.Add(time.Hour)}, []string{"a-fred"}},
		"inbound":                          {Filter{Direction: "inbound"}, []string{"d-open", "b-acme", "a-fred"}},
		"a number as dialled at home":      {Filter{Number: "07814256405"}, []string{"b-zoe"}},
		"a number with its country":        {Filter{Number: "+44 7814 256404"}, []string{"d-open", "a-fred"}},
		"the end of a number":              {Filter{Number: "5300"}, []string{"b-acme"}},
		"an extension":                     {Filter{Number: "2104"}, []string{"c-desk"}},
		"no number at all":                 {Filter{Number: "anonymous"}, nil},
		"a word of the notes":              {Filter{Text: "invoice"}, []string{"c-desk", "a-fred"}},
		"the beginning of a word":          {Filter{Text: "inv"}, []string{"c-desk", "a-fred"}},
		"two words in different places":    {Filter{Text: "invoice bloggs"}, []string{"a-fred"}},
		"without accents":                  {Filter{Text: "angstrom"}, []string{"b-zoe"}},
		"what is not there":                {Filter{Text: "nothing"}, nil},
		"only signs":                       {Filter{Text: `"*`}, nil},
		"ended in any way":                 {Filter{State: "ended"}, []string{"c-desk", "b-acme", "b-zoe", "a-fred"}},
		"ended by a crash":                 {Filter{State: EndedCrash}, []string{"b-acme"}},
		"a state that begins like another": {Filter{State: "end"}, nil},
		"sent":                             {Filter{Records: []ItemState{Sent}}, []string{"a-fred"}},
		"unsent, about an invoice":         {Filter{Records: []ItemState{Pending, Dead}, Text: "invoice"}, []string{"c-desk"}},
	}
	for name, test := range tests {
		es, err := l.History(t.Context(), test.f)
		if err != nil || !slices.Equal(ids(es), test.want) {
			t.Errorf("%s: %v, %v; want %v", name, ids(es), err, test.want)
		}
	}
}

func TestTheFullTextFollowsChanges(t *testing.T) {
	t.Parallel()
	l := story(t)
	find := func(word string) []string {
		es, err := l.History(t.Context(), Filter{Text: word})
		must(t, err)
		return ids(es)
	}
	c := ended("a-fred", t0)
	c.Notes = text.CleanBlock("complaint about delivery", 100)
	if _, err := l.Amend(t.Context(), "a-fred", time.Time{}, whole(c, payload("x"))); err != nil {
		t.Fatal(err)
	}
	if got := find("complaint"); !slices.Equal(got, []string{"a-fred"}) {
		t.Errorf("new notes: %v", got)
	}
	if got := find("again"); got != nil {
		t.Errorf("old notes: %v", got)
	}
}

func TestACallIsFoundByTheBeginningOfItsKey(t *testing.T) {
	t.Parallel()
	l := story(t)
	s, err := l.Call(t.Context(), "a")
	if err != nil || s.Call.Key != "a-fred" {
		t.Errorf("%v, %v", s.Call.Key, err)
	}
	_, err = l.Call(t.Context(), "b-")
	var amb *AmbiguousError
	if !errors.As(err, &amb) || !slices.Equal(amb.Keys, []string{"b-acme", "b-zoe"}) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, "b-acme")
	for _, key := range []string{"", "x", "%", "_", "a-fred "[:6] + "x", "\x1b[31m"} {
		_, err := l.Call(t.Context(), key)
		if !as[*NotFoundError](err) {
			t.Errorf("%q: %v", key, err)
		}
		oneLine(t, err)
	}
	must(t, l.Journal(t.Context(), ringing("b", t0), "INVITE", t0))
	if s, err := l.Call(t.Context(), "b"); err != nil || s.Call.Key != "b" {
		t.Errorf("a whole key is no prefix: %v, %v", s.Call.Key, err)
	}
	if _, err := l.Item(t.Context(), "d-open"); err == nil {
		t.Error("an open call has a record")
	}
}

func TestPurgeTakesEverythingOfOldCallsButNeverAnUnsentRecord(t *testing.T) {
	t.Parallel()
	l := story(t)
	must(t, l.Drop(t.Context(), "c-desk", text.Text{}))
	n, err := l.Purge(t.Context(), t0.Add(3*time.Hour)) // a-fred is sent, b-zoe and b-acme are not, c-desk is not old
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	es, err := l.History(t.Context(), Filter{})
	must(t, err)
	if want := []string{"d-open", "c-desk", "b-acme", "b-zoe"}; !slices.Equal(ids(es), want) {
		t.Errorf("left: %v", ids(es))
	}
	for _, table := range []string{"transitions", "attempts", "outbox"} {
		var n int
		must(t, l.r.QueryRow("SELECT count(*) FROM "+table+" WHERE call NOT IN (SELECT id FROM calls)").Scan(&n))
		if n != 0 {
			t.Errorf("%d rows left in %s", n, table)
		}
	}
	if es, err := l.History(t.Context(), Filter{Text: "bloggs"}); err != nil || slices.Contains(ids(es), "a-fred") {
		t.Errorf("full text: %v, %v", ids(es), err)
	}
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(l.Path() + suffix)
		must(t, err)
		if strings.Contains(string(raw), "wants the invoice again") {
			t.Errorf("the purged notes are still in %q", suffix)
		}
	}
}

func TestItemsListWhatNeedsAPersonsEye(t *testing.T) {
	t.Parallel()
	l := open(t, file(t), newClock())
	for _, s := range ItemStates() {
		inState(t, l, string(s), s)
	}
	es, err := l.Items(t.Context())
	must(t, err)
	if want := []string{"dead", "fix", "sending", "pending"}; !slices.Equal(ids(es), want) {
		t.Errorf("unsent: %v, want %v", ids(es), want)
	}
	es, err = l.Items(t.Context(), Sent, Dropped)
	must(t, err)
	if want := []string{"sent", "dropped"}; !slices.Equal(ids(es), want) {
		t.Errorf("chosen: %v, want %v", ids(es), want)
	}
}

func FuzzWhatAPersonTypesIsNeverQuerySyntax(f *testing.F) {
	for _, s := range []string{`"`, `a" OR "b`, "NEAR(a b)", "number:1", "^x", "*", "a AND", "(", "x\x00y", "é́́", "-a", "{a b}:c", "ﬁ", "१२"} {
		f.Add(s, s)
	}
	l, err := Open(f.Context(), file(f), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	if err := l.Finish(f.Context(), ended("k", t0), nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, words, number string) {
		if _, err := l.History(t.Context(), Filter{Text: words, Number: number, State: words, Direction: number}); err != nil {
			t.Errorf("%q: %v", words, err)
		}
		if _, err := l.Call(t.Context(), words); err != nil && !as[*NotFoundError](err) && !as[*AmbiguousError](err) {
			t.Errorf("%q: %v", words, err)
		}
	})
}

func BenchmarkJournal(b *testing.B) {
	l, err := Open(b.Context(), file(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c := ended("", t0)
	c.State = "talking"
	var took []time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Key = fmt.Sprint("key-", i)
		begun := time.Now()
		if err := l.Journal(b.Context(), c, "answered", t0); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	report(b, took)
}

func BenchmarkFinish(b *testing.B) {
	l, err := Open(b.Context(), file(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var took []time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := ended(fmt.Sprint("key-", i), t0)
		begun := time.Now()
		if err := l.Finish(b.Context(), c, &Item{Payload: c.Detail}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	report(b, took)
}

func BenchmarkHistory(b *testing.B) {
	l, err := Open(b.Context(), file(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if _, err := l.w.Exec("PRAGMA synchronous = off"); err != nil { // only to fill it
		b.Fatal(err)
	}
	for i := range 5000 {
		c := ended(fmt.Sprint("key-", i), t0.Add(time.Duration(i)*time.Minute))
		c.Number, c.Notes = text.Clean(fmt.Sprintf("0781%07d", i*7919)), text.CleanBlock(fmt.Sprintf("about order %d", i), 100)
		if err := l.Finish(b.Context(), c, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, f := range map[string]Filter{"last 50": {}, "number": {Number: "07810007919"}, "text": {Text: "order 4711"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if es, err := l.History(b.Context(), f); err != nil || len(es) == 0 {
					b.Fatal(len(es), err)
				}
			}
		})
	}
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
