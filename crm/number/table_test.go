package number_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/number"
	"offhook/crm/practice"
	"offhook/internal/text"
)

// numberPair is a row of testdata/numbers.tsv.
type numberPair struct {
	line            int
	country, region string
	caller, stored  string
	want            number.Agreement
	kind            string
}

func (p numberPair) String() string {
	return fmt.Sprintf("line %d, %s desk, %s: caller %q, stored %q", p.line, p.region, p.kind, p.caller, p.stored)
}

// numberPairs reads the table.
func numberPairs(t *testing.T) (out []numberPair) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "numbers.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		col := strings.Split(in.Text(), "\t")
		want, ok := map[string]number.Agreement{"match": number.Agrees, "possible": number.Possible, "none": number.Differs}[col[min(4, len(col)-1)]]
		if len(col) != 6 || !ok {
			t.Fatalf("line %d: %q", n, in.Text())
		}
		stored, err := strconv.Unquote(`"` + strings.ReplaceAll(col[3], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		out = append(out, numberPair{n, col[0], col[1], col[2], stored, want, col[5]})
	}
	return out
}

// score counts one kind of pairs.
type score struct{ right, missed, wrong, possible, pairs int }

// scores are counts by kind.
type scores map[string]*score

func (s scores) add(p numberPair, got number.Agreement) {
	k := s[p.kind]
	if k == nil {
		k = &score{}
		s[p.kind] = k
	}
	k.pairs++
	switch {
	case got == number.Agrees && p.want == number.Agrees:
		k.right++
	case got == number.Agrees:
		k.wrong++
	case p.want == number.Agrees:
		k.missed++
	}
	if got == number.Possible {
		k.possible++
	}
}

// recall is how many of those that should match did; precision how many of those that did should.
func (s scores) log(t *testing.T, title string) (missed, wrong int) {
	t.Helper()
	t.Logf("%s:", title)
	t.Logf("%-14s %6s %9s %11s %9s", "kind", "pairs", "recall", "precision", "possible")
	total := &score{}
	row := func(name string, k *score) {
		share := func(part, of int) string {
			if of == 0 {
				return "-"
			}
			return fmt.Sprintf("%.2f %%", 100*float64(part)/float64(of))
		}
		t.Logf("%-14s %6d %9s %11s %9d", name, k.pairs, share(k.right, k.right+k.missed), share(k.right, k.right+k.wrong), k.possible)
	}
	var kinds []string
	for name, k := range s {
		kinds = append(kinds, name)
		total.pairs, total.right, total.missed, total.wrong, total.possible = total.pairs+k.pairs, total.right+k.right, total.missed+k.missed, total.wrong+k.wrong, total.possible+k.possible
	}
	slices.Sort(kinds)
	for _, name := range kinds {
		row(name, s[name])
	}
	row("all", total)
	return total.missed, total.wrong
}

func TestNumbersOfAllCountriesMatchHoweverTheyAreStoredAndNoOthersDo(t *testing.T) {
	pairs := numberPairs(t)
	countries := map[string]bool{}
	result := scores{}
	for _, p := range pairs {
		countries[p.country] = true
		num := number.NewPlan(number.Settings{Region: p.region}).Parse(p.caller)
		got := num.Agrees(p.stored)
		result.add(p, got)
		if got != p.want {
			t.Errorf("%s: %d, want %d (variants %v)", p, got, p.want, num.Variants)
		}
	}
	if len(pairs) < 300 || len(countries) < 25 {
		t.Errorf("only %d pairs of %d countries", len(pairs), len(countries))
	}
	result.log(t, fmt.Sprintf("%d pairs of numbers of %d countries, compared", len(pairs), len(countries)))
}

// Nobody is taken for somebody else: every caller of the table against everything that is stored under other numbers in it.
func TestNoCallerOfTheTableIsTakenForAnotherOne(t *testing.T) {
	type side struct{ value, who string }
	national := func(who string) string { return who[max(0, len(who)-8):] }
	callers, stored := map[string][]side{}, map[string][]side{}
	for _, p := range numberPairs(t) {
		if p.want != number.Agrees || p.kind == "foreign" || p.kind == "short" || !strings.HasPrefix(p.caller, "+") {
			continue
		}
		who := number.Digits(number.WithoutExtension(p.caller))
		if s := (side{p.caller, who}); !slices.Contains(callers[p.region], s) {
			callers[p.region] = append(callers[p.region], s)
		}
		if strings.Count(p.stored, "0") < 40 && p.kind != "decorated" { // some of those hold two numbers
			stored[p.region] = append(stored[p.region], side{p.stored, who})
		}
	}
	pairs := 0
	for region, list := range callers {
		n := number.NewPlan(number.Settings{Region: region})
		for _, c := range list {
			num := n.Parse(c.value)
			for _, s := range stored[region] {
				if national(s.who) == national(c.who) {
					continue // made up alike, in two countries
				}
				pairs++
				if num.Agrees(s.value) == number.Agrees {
					t.Errorf("%s desk: %s is taken for %q, which is %s", region, c.value, s.value, s.who)
				}
			}
		}
	}
	t.Logf("%d pairs", pairs)
}

// Every stored value is a contact of a practice org, and every caller is looked up as the desk does. OFFHOOK_NUMBERS=all takes the whole
// table, else each seventh row is taken.
func TestEveryPairOfTheTableIsFoundInAnOrg(t *testing.T) {
	pairs := numberPairs(t)
	if os.Getenv("OFFHOOK_NUMBERS") != "all" {
		pairs = slices.DeleteFunc(pairs, func(p numberPair) bool { return p.line%7 != 0 })
	}
	pairs = slices.DeleteFunc(pairs, func(p numberPair) bool { return len([]rune(p.stored)) > 40 }) // no phone field takes them
	for _, mode := range []string{emulator.Normalise, emulator.Strict} {
		t.Run(mode, func(t *testing.T) {
			w := practice.New(t, emulator.Options{PhoneSearch: mode, APILimit: 1_000_000, Data: &emulator.Data{}})
			contacts := storeAll(w, pairs)
			found := map[string]crm.Match{}
			searched, scanned := scores{}, scores{}
			for _, p := range pairs {
				key := p.region + " " + p.caller
				m, known := found[key]
				if !known {
					m = lookUp(w, p, crm.DirectorySettings{})
					found[key] = m
				}
				got := holds(m, contacts[p.stored])
				searched.add(p, got)
				if got != number.Agrees { // once more, alone: a scan is made only where nobody else was found
					got = scanAlone(w, p)
				}
				scanned.add(p, got)
				sure := p.kind == "exact" || p.kind == "national" || p.kind == "international"
				if got == number.Agrees && p.want != number.Agrees || got != number.Agrees && p.want == number.Agrees && sure {
					t.Errorf("%s: %d, want %d", p, got, p.want)
				}
			}
			searched.log(t, "found by search and by spellings, "+mode)
			scanned.log(t, "with the scan, "+mode)
		})
	}
}

// storeAll makes one contact of every stored value and returns their ids.
func storeAll(w *practice.World, pairs []numberPair) map[string]string {
	w.T.Helper()
	contacts := map[string]string{}
	var rows []map[string]any
	var values []string
	for _, p := range pairs {
		if _, there := contacts[p.stored]; !there {
			contacts[p.stored] = ""
			values = append(values, p.stored)
			rows = append(rows, map[string]any{"LastName": fmt.Sprintf("Line %d", p.line), "Phone": p.stored})
		}
	}
	for part := range slices.Chunk(rows, 200) {
		results, err := w.SF.CreateMany(w.T.Context(), "Contact", part, true)
		if err != nil {
			w.T.Fatal(err)
		}
		for _, r := range results {
			contacts[values[0]], values = r.ID, values[1:]
		}
	}
	return contacts
}

func lookUp(w *practice.World, p numberPair, set crm.DirectorySettings) crm.Match {
	w.T.Helper()
	set.Numbers = number.Settings{Region: p.region, InternalMaxDigits: -1}
	set.Limit, set.Now, set.Deadline, set.Grace = 200, w.Time, time.Minute, time.Minute
	d := crm.NewDirectory(w.SF, set)
	defer d.Close()
	m := d.Lookup(w.T.Context(), text.Clean(p.caller), crm.Inbound)
	if m.State == crm.MatchFailed {
		w.T.Fatalf("%s: %s", p, m.Detail)
	}
	return m
}

// scanAlone looks for a lead, of which there is no other, with LIKE allowed.
func scanAlone(w *practice.World, p numberPair) number.Agreement {
	w.T.Helper()
	id, err := w.SF.Create(w.T.Context(), "Lead", map[string]any{"LastName": "Alone", "Company": "Alone", "Phone": p.stored}, nil)
	if err != nil {
		w.T.Fatal(err)
	}
	got := holds(lookUp(w, p, crm.DirectorySettings{Objects: []string{"Lead"}, LikeObjects: []string{"Lead"}}), id)
	if err := w.SF.Delete(w.T.Context(), "Lead", id); err != nil {
		w.T.Fatal(err)
	}
	return got
}

func holds(m crm.Match, id string) number.Agreement {
	if slices.ContainsFunc(m.Hits, func(h crm.Hit) bool { return crm.SameID(h.ID, id) }) {
		return number.Agrees
	}
	return number.Differs
}
