package emulator

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A random condition, and what it means for a row: written without the code under test.
type naive struct {
	text  string
	holds func(row map[string]any) bool
}

type generator struct {
	*rand.Rand
	accounts []map[string]any
}

var someNames = []string{"Ann", "bob", "BOB", "O'Hara", "50%", "a_b", "Zoë", "x\\y", "Bobby"}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

func soqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (g *generator) condition(depth int) naive {
	if depth > 0 && g.IntN(3) > 0 {
		word := g.pick([]string{"AND", "OR"})
		parts := []naive{g.condition(depth - 1), g.condition(depth - 1)}
		if g.IntN(3) == 0 {
			parts = append(parts, g.condition(depth-1))
		}
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = p.text
		}
		return naive{"(" + strings.Join(texts, " "+word+" ") + ")", func(row map[string]any) bool {
			for _, p := range parts {
				if p.holds(row) != (word == "AND") {
					return word != "AND"
				}
			}
			return word == "AND"
		}}
	}
	if g.IntN(6) == 0 {
		c := g.condition(0)
		return naive{"(NOT " + c.text + ")", func(row map[string]any) bool { return !c.holds(row) }}
	}
	return g.comparison()
}

// textOf reads a column of a row as lower-case text; "" is null.
func (g *generator) textOf(row map[string]any, column string) string {
	if column == "Account.Name" {
		for _, a := range g.accounts {
			if a["Id"] == row["AccountId"] {
				return strings.ToLower(a["Name"].(string))
			}
		}
		return ""
	}
	s, _ := row[column].(string)
	if column == "AccountId" {
		return s
	}
	return strings.ToLower(s)
}

func (g *generator) value(column string) string {
	switch column {
	case "Phone", "MobilePhone":
		return fmt.Sprintf("0%d", 100+g.IntN(6))
	case "Email":
		return strings.ToLower(g.pick([]string{"ann", "bob", "Zed"})) + "@x.example"
	case "AccountId":
		return g.accounts[g.IntN(len(g.accounts))]["Id"].(string)
	case "Account.Name":
		return g.accounts[g.IntN(len(g.accounts))]["Name"].(string)
	case "Birthdate":
		return fmt.Sprintf("19%02d-0%d-15", 80+g.IntN(5), 1+g.IntN(9))
	}
	return g.pick(someNames)
}

func (g *generator) comparison() naive {
	column := g.pick([]string{"LastName", "LastName", "Phone", "MobilePhone", "Email", "AccountId", "Account.Name", "Birthdate", "DoNotCall"})
	if column == "DoNotCall" {
		want := g.IntN(2) == 0
		return naive{fmt.Sprintf("DoNotCall = %v", want), func(row map[string]any) bool { return row["DoNotCall"] == want }}
	}
	literal := soqlText
	if column == "Birthdate" {
		literal = func(s string) string { return s }
	}
	lower := strings.ToLower
	if column == "AccountId" {
		lower = func(s string) string { return s }
	}
	switch g.IntN(5) {
	case 0:
		not := g.IntN(2) == 0
		return naive{column + map[bool]string{true: " != null", false: " = null"}[not], func(row map[string]any) bool { return (g.textOf(row, column) != "") == not }}
	case 1:
		var texts, wants []string
		for range 1 + g.IntN(4) {
			v := g.value(column)
			texts, wants = append(texts, literal(v)), append(wants, lower(v))
		}
		not := g.IntN(3) == 0
		return naive{column + map[bool]string{true: " NOT", false: ""}[not] + " IN (" + strings.Join(texts, ", ") + ")",
			func(row map[string]any) bool { return slices.Contains(wants, g.textOf(row, column)) != not }}
	case 2:
		if column == "LastName" || column == "Phone" || column == "Email" || column == "Account.Name" {
			return g.like(column)
		}
	}
	v := g.value(column)
	op := g.pick([]string{"=", "=", "!=", "<", "<=", ">", ">="})
	if column == "AccountId" {
		op = g.pick([]string{"=", "!="})
	}
	return naive{column + " " + op + " " + literal(v), func(row map[string]any) bool {
		have := g.textOf(row, column)
		n := cmp.Compare(have, lower(v))
		switch op {
		case "=":
			return n == 0
		case "!=":
			return n != 0
		case "<":
			return have != "" && n < 0
		case "<=":
			return have != "" && n <= 0
		case ">":
			return have != "" && n > 0
		}
		return have != "" && n >= 0
	}}
}

func (g *generator) like(column string) naive {
	var pattern, expr strings.Builder
	expr.WriteString("(?is)^")
	for i, r := range g.value(column) {
		switch {
		case g.IntN(4) == 0:
			pattern.WriteByte('%')
			expr.WriteString(".*")
		case g.IntN(5) == 0 && i > 0:
			pattern.WriteByte('_')
			expr.WriteString(".")
		default:
			if strings.ContainsRune(`%_'\`, r) {
				pattern.WriteByte('\\')
			}
			pattern.WriteRune(r)
			if r == '\\' {
				expr.WriteString(`\\`)
			} else {
				expr.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
	}
	expr.WriteString("$")
	re := regexp.MustCompile(expr.String())
	return naive{column + " LIKE '" + pattern.String() + "'", func(row map[string]any) bool {
		s := g.textOf(row, column)
		return s != "" && re.MatchString(s)
	}}
}

// randomOrg has 150 contacts whose values collide often.
func randomOrg(t *testing.T, g *generator, file bool) *org {
	o := newOrg(t, func(opt *Options) {
		opt.Data = &Data{}
		if file {
			opt.File = filepath.Join(t.TempDir(), "org.db")
		}
	})
	for i := range 5 {
		o.create("Account", map[string]any{"Name": g.pick(someNames) + fmt.Sprint(i)})
	}
	g.accounts = o.Records("Account", false)
	maybe := func(column string) any {
		if g.IntN(3) == 0 {
			return nil
		}
		return g.value(column)
	}
	var records []any
	for range 150 {
		records = append(records, map[string]any{"attributes": map[string]any{"type": "Contact"}, "LastName": g.value("LastName"), "Phone": maybe("Phone"), "MobilePhone": maybe("MobilePhone"),
			"Email": maybe("Email"), "AccountId": maybe("AccountId"), "Birthdate": maybe("Birthdate"), "DoNotCall": g.IntN(2) == 0})
	}
	o.do("POST", v+"/composite/sobjects", map[string]any{"allOrNone": true, "records": records}).want(200)
	return o
}

func ids(rows any) []string {
	out := []string{}
	for _, r := range rows.([]any) {
		out = append(out, r.(map[string]any)["Id"].(string))
	}
	return out
}

func TestAQueryFindsExactlyWhatItsWordsMean(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
			o := randomOrg(t, g, seed%2 == 1)
			rows := o.Records("Contact", false)
			for range 80 {
				c := g.condition(2)
				want := []map[string]any{}
				for _, r := range rows {
					if c.holds(r) {
						want = append(want, r)
					}
				}
				q := "SELECT Id FROM Contact WHERE " + c.text
				limit, offset, desc := g.IntN(20), g.IntN(5), g.IntN(2) == 0
				sorted := g.IntN(2) == 0
				if sorted {
					slices.SortStableFunc(want, func(a, b map[string]any) int {
						x, y := g.textOf(a, "Phone"), g.textOf(b, "Phone")
						n := cmp.Compare(x, y) // "" is null, and nulls come first
						if desc && x != "" && y != "" {
							n = -n
						}
						return n
					})
					q += " ORDER BY Phone" + map[bool]string{true: " DESC", false: ""}[desc] + fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
					want = want[min(offset, len(want)):]
					want = want[:min(limit, len(want))]
				}
				wanted := []string{}
				for _, r := range want {
					wanted = append(wanted, r["Id"].(string))
				}
				if got := ids(o.soql(q).want(200).object()["records"]); !slices.Equal(got, wanted) {
					t.Fatalf("%s\n  found %d: %v\n  want  %d: %v", q, len(got), got, len(wanted), wanted)
				}
			}
			groups := make(map[string]float64)
			for _, r := range rows {
				if g.textOf(r, "Email") != "" {
					groups[g.textOf(r, "LastName")]++
				}
			}
			list := o.soql("SELECT LastName, COUNT(Email) n FROM Contact WHERE Email != null GROUP BY LastName ORDER BY COUNT(Email) DESC").want(200).object()["records"].([]any)
			if len(list) != len(groups) {
				t.Errorf("%d groups, want %d", len(list), len(groups))
			}
			for _, r := range list {
				m := r.(map[string]any)
				if groups[strings.ToLower(m["LastName"].(string))] != m["n"] {
					t.Errorf("group %v, want %v", m, groups)
				}
			}
		})
	}
}

// In memory a search reads every row; in a file an index proposes the rows. Both have to find the same.
func TestTheIndexOfAFileFindsWhatReadingEverythingFinds(t *testing.T) {
	plain := newOrg(t)
	indexed := newOrg(t, func(opt *Options) { opt.File = filepath.Join(t.TempDir(), "org.db") })
	rng := rand.New(rand.NewPCG(3, 4))
	var texts []string
	for _, r := range plain.Records("Contact", false) {
		for _, f := range []string{"Name", "Phone", "MobilePhone", "Email", "MailingCity", "Title"} {
			if s, ok := r[f].(string); ok {
				texts = append(texts, s)
			}
		}
	}
	term := func() string {
		s := texts[rng.IntN(len(texts))]
		switch rng.IntN(5) {
		case 0: // as it stands, in quotation marks
			return `"` + escapeSearch(s) + `"`
		case 1: // digits only
			if d := strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return r
				}
				return -1
			}, s); len(d) > 3 {
				return d[rng.IntN(2):]
			}
		case 2: // the beginning of a word
			if w := strings.FieldsFunc(s, notInWord); len(w) > 0 && len([]rune(w[0])) > 2 {
				r := []rune(w[0])
				return string(r[:2+rng.IntN(len(r)-2)]) + "*"
			}
		case 3: // a word with a hole
			if w := strings.FieldsFunc(s, notInWord); len(w) > 0 && len([]rune(w[0])) > 3 {
				r := []rune(w[0])
				r[2] = '?'
				return string(r)
			}
		}
		w := strings.FieldsFunc(s, notInWord)
		if len(w) > 0 && len([]rune(w[len(w)-1])) > 1 {
			return w[len(w)-1]
		}
		return "nobody"
	}
	for _, mode := range []string{Normalise, Strict} {
		for _, o := range []*org{plain, indexed} {
			o.settings(`{"phoneSearch":"` + mode + `"}`).want(200)
		}
		for range 200 {
			find := term()
			for range rng.IntN(3) {
				find += []string{" OR ", " AND ", " AND NOT ", " "}[rng.IntN(4)] + term()
			}
			scope := []string{"ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"}[rng.IntN(5)]
			q := "FIND {" + find + "} IN " + scope + " FIELDS RETURNING Contact(Id), Lead(Id ORDER BY Name LIMIT 7), Account(Id), Case(Id), Task(Id LIMIT 20)"
			a, b := plain.sosl(q).want(200), indexed.sosl(q).want(200)
			if !slices.Equal(ids(a.object()["searchRecords"]), ids(b.object()["searchRecords"])) {
				t.Fatalf("%s, %s:\n  memory %s\n  file   %s", mode, q, a.raw, b.raw)
			}
		}
	}
}

func escapeSearch(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(reserved, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func TestGroupsCarryWhatReportsAskFor(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		for i, d := range []int{60, 120, 0, 30} {
			o.create("Task", map[string]any{"Subject": "c", "CallType": []string{"Inbound", "Outbound"}[i%2], "CallDurationInSeconds": d, "ActivityDate": fmt.Sprintf("2026-11-%d", 10+i/2)})
		}
		o.create("Task", map[string]any{"Subject": "none"})
		for q, want := range map[string]string{
			"SELECT CallType, COUNT(Id) n, SUM(CallDurationInSeconds) s, AVG(CallDurationInSeconds) a, MIN(ActivityDate) lo, MAX(ActivityDate) hi FROM Task WHERE CallType != null GROUP BY CallType": `[{"CallType":"Inbound","a":30,"attributes":{"type":"AggregateResult"},"hi":"2026-11-11","lo":"2026-11-10","n":2,"s":60},{"CallType":"Outbound","a":75,"attributes":{"type":"AggregateResult"},"hi":"2026-11-11","lo":"2026-11-10","n":2,"s":150}]`,
			"select count(calltype), count_distinct(CallType) from task":                                                                                       `[{"attributes":{"type":"AggregateResult"},"expr0":4,"expr1":2}]`,
			"SELECT COUNT(Id) c, SUM(CallDurationInSeconds) FROM Task WHERE Subject = 'nobody'":                                                                `[{"attributes":{"type":"AggregateResult"},"c":0,"expr0":null}]`,
			"SELECT CallType t FROM Task GROUP BY CallType HAVING COUNT(Id) > 1 ORDER BY CallType DESC":                                                        `[{"attributes":{"type":"AggregateResult"},"t":"Outbound"},{"attributes":{"type":"AggregateResult"},"t":"Inbound"}]`,
			"SELECT CALENDAR_MONTH(CreatedDate) m, DAY_ONLY(CreatedDate) d, COUNT(Id) c FROM Task GROUP BY CALENDAR_MONTH(CreatedDate), DAY_ONLY(CreatedDate)": `[{"attributes":{"type":"AggregateResult"},"c":5,"d":"2026-11-20","m":11}]`,
			"SELECT Owner.Name, COUNT(Id) c FROM Task GROUP BY Owner.Name":                                                                                     `[{"Name":"Alex Agent","attributes":{"type":"AggregateResult"},"c":5}]`,
			"SELECT Id FROM Task WHERE DAY_ONLY(CreatedDate) = TODAY AND CALENDAR_YEAR(CreatedDate) = 2025":                                                    `[]`,
			"SELECT CallType FROM Task WHERE CallType != null GROUP BY CallType ORDER BY SUM(CallDurationInSeconds) LIMIT 1":                                   `[{"CallType":"Inbound","attributes":{"type":"AggregateResult"}}]`,
		} {
			a := o.do("GET", v+"/query?q="+url.QueryEscape(q), nil).want(200)
			if i := strings.Index(string(a.raw), `"records":`); !strings.HasPrefix(string(a.raw)[i+10:], want) {
				t.Errorf("%s\n  got  %s\n  want %s", q, a.raw, want)
			}
		}
	})
}

func TestAScopeShowsWhatIsMine(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		o.create("Lead", map[string]any{"LastName": "Mine", "Company": "x"})
		other := o.soql("SELECT Id FROM User WHERE Alias = 'priya'").object()["records"].([]any)[0].(map[string]any)["Id"]
		o.create("Lead", map[string]any{"LastName": "Theirs", "Company": "x", "OwnerId": other})
		for q, want := range map[string]string{"USING SCOPE mine": "[Mine]", "USING SCOPE mine WHERE LastName != null": "[Mine]", "USING SCOPE Mine WHERE LastName = 'Theirs'": "[]",
			"USING SCOPE everything ORDER BY LastName DESC": "[Theirs Mine]"} {
			if got := fmt.Sprint(names(o.soql("SELECT Name FROM Lead " + q).want(200).object()["records"])); got != want {
				t.Errorf("%s finds %s, want %s", q, got, want)
			}
		}
	})
}

func TestAPolymorphicParentShowsTheFieldsOfItsType(t *testing.T) {
	o := newOrg(t)
	fred, acme := o.storyID("Contact", StoryKnownName), o.storyID("Account", StoryKnownAccount)
	id := o.create("Task", map[string]any{"WhoId": fred, "WhatId": acme})
	row := o.soql("SELECT TYPEOF What WHEN Account THEN Name, Owner.Name WHEN Case THEN Subject END, TYPEOF Who WHEN Lead THEN Company ELSE Name, Type END, toLabel(Status) FROM Task WHERE Id = '" + id + "'").
		want(200).object()["records"].([]any)[0].(map[string]any)
	what, who := row["What"].(map[string]any), row["Who"].(map[string]any)
	if what["Name"] != StoryKnownAccount || what["attributes"].(map[string]any)["type"] != "Account" || who["Name"] != StoryKnownName || who["Type"] != "Contact" || row["Status"] != "Not Started" {
		t.Errorf("%v", row)
	}
}
