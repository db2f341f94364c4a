package salesforce

import (
	"strings"
	"testing"
	"time"
)

func TestQueriesAreBuiltOfTypes(t *testing.T) {
	at := time.Date(2026, 11, 20, 16, 11, 36, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		q    SOQL
		want string
	}{
		{Select("Id").From("Task"), "SELECT Id FROM Task"},
		{Select("Id", "Account.Name").From("Contact").Where(Eq("Phone", String("x"))).OrderBy("CreatedDate", true).OrderBy("Id", false).Limit(5),
			"SELECT Id,Account.Name FROM Contact WHERE Phone = 'x' ORDER BY CreatedDate DESC,Id LIMIT 5"},
		{Select("Id").From("Task").Where(And(Eq("CallObject", String("k")), Eq("CreatedDate", LastNDays(2)), Eq("OwnerId", ID("005000000000001")))),
			"SELECT Id FROM Task WHERE (CallObject = 'k' AND CreatedDate = LAST_N_DAYS:2 AND OwnerId = '005000000000001')"},
		{Select("Id").From("Lead").Where(And(Or(In("Phone", Strings("a", "b")...), In("MobilePhone", String("a"))), Eq("IsConverted", Bool(false)))),
			"SELECT Id FROM Lead WHERE ((Phone IN ('a','b') OR MobilePhone IN ('a')) AND IsConverted = FALSE)"},
		{Select("Id").From("X__c").Where(And(Cond{}, Not(Ne("A__c", Null())), Cond{})), "SELECT Id FROM X__c WHERE NOT (A__c != NULL)"},
		{Select("Id").From("Task").Where(And(Gt("CreatedDate", DateTime(at)), Lt("ActivityDate", Date(at)), Gt("N", Int(3)))),
			"SELECT Id FROM Task WHERE (CreatedDate > 2026-11-20T15:11:36Z AND ActivityDate < 2026-11-20 AND N > 3)"},
		{Select("Id").From("Contact").Where(Like("Phone", Contains("415", "555", "1234"))), "SELECT Id FROM Contact WHERE Phone LIKE '%415%555%1234%'"},
		{Select("Id").From("Contact").Where(Like("Name", StartsWith(`50%_off\'`))), `SELECT Id FROM Contact WHERE Name LIKE '50\%\_off\\\'%'`},
		{Select("Id").From("Contact").Where(Eq("Id", ID("x' OR Id != '"))), "SELECT Id FROM Contact WHERE Id = '000000000000000'"},
		{Select("Id").From("Contact").Where(Eq("Name", String("O'Brien \\ \"x\"\n\x00\u202e"))), "SELECT Id FROM Contact WHERE Name = 'O\\'Brien \\\\ \\\"x\\\"\\n\u202e'"},
	} {
		got, err := tt.q.Build()
		if err != nil || got != tt.want {
			t.Errorf("\n got %s %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestNothingThatIsNoNameStandsInAQuery(t *testing.T) {
	for _, name := range []Ident{"", "Id FROM User", "Id,Name", "1Id", ".Id", "Id.", "A..B", "Id'", "Ïd", "Id--", "a(b)", "Id ", Ident(strings.Repeat("a", 256))} {
		for _, q := range []SOQL{
			Select(name).From("Task"), Select("Id").From(name), Select("Id").From("Task").Where(Eq(name, Int(1))),
			Select("Id").From("Task").Where(And(Eq("Id", Int(1)), Or(In(name, Int(1)), Eq("Id", Int(2))))), Select("Id").From("Task").OrderBy(name, true),
		} {
			if s, err := q.Build(); err == nil {
				t.Errorf("%q made %s", name, s)
			}
		}
		if s, err := Find(Term{"12"}).Returning(name, []Ident{"Id"}, Cond{}, 0).Build(); err == nil {
			t.Errorf("%q made %s", name, s)
		}
		if s, err := Find(Term{"12"}).Returning("Task", []Ident{name}, Cond{}, 0).Build(); err == nil {
			t.Errorf("%q made %s", name, s)
		}
	}
	if _, err := Find(Term{"12"}).In("PHONE FIELDS RETURNING User(Id)").Build(); err == nil {
		t.Error("a made-up group was taken")
	}
}

func TestSearchesCarryOnlyDigitsAndEscapedWords(t *testing.T) {
	must := func(term Term, ok bool) Term {
		if !ok {
			t.Error("refused")
		}
		return term
	}
	for _, tt := range []struct {
		q    SOSL
		want string
	}{
		{Find(must(Digits("7814256404")), must(Digits("+44 7814 256404"))).In(PhoneFields).
			Returning("Contact", []Ident{"Id", "Name", "Account.Name"}, Cond{}, 6).Returning("Lead", []Ident{"Id"}, Eq("IsConverted", Bool(false)), 6),
			"FIND {7814256404 OR 447814256404} IN PHONE FIELDS RETURNING Contact(Id,Name,Account.Name LIMIT 6), Lead(Id WHERE IsConverted = FALSE LIMIT 6)"},
		{Find(must(Digits(`07814*} OR {"x`)), must(DigitsPrefix("0781?"))), "FIND {07814 OR 0781*} IN ALL FIELDS"},
		{Find(must(Words("fred  blo x"))).In(NameFields).Limit(20), "FIND {fred* AND blo*} IN NAME FIELDS LIMIT 20"},
		{Find(must(Words(`a{b} OR not`))).In(NameFields), `FIND {a\{b\}* AND "OR" AND "not"} IN NAME FIELDS`},
		{Find(must(Phrase(`fred-b+x@acme.com" OR *`))).In(EmailFields), `FIND {"fred\-b\+x@acme.com\" OR \*"} IN EMAIL FIELDS`},
		{Find(must(Words(`ab?&|!{}[]()^~*:\"'+- ?*`))), `FIND {ab\?\&\|\!\{\}\[\]\(\)\^\~\*\:\\\"\'\+\-*} IN ALL FIELDS`},
	} {
		got, err := tt.q.Build()
		if err != nil || got != tt.want {
			t.Errorf("\n got %s %v\nwant %s", got, err, tt.want)
		}
	}
	for _, s := range []string{"", "7", "anonymous", "+", "' OR '"} {
		if _, ok := Digits(s); ok {
			t.Errorf("%q is searched for", s)
		}
	}
	if _, ok := Words("x y"); ok {
		t.Error("single letters are searched for")
	}
}

func TestLongIdsHaveTheirChecksum(t *testing.T) {
	if got := LongID("001D000000IRFma"); got != "001D000000IRFmaIAH" {
		t.Error(got)
	}
	for id, ok := range map[string]bool{"001D000000IRFma": true, "001D000000IRFmaIAH": true, "": false, "001": false, "001D000000IRFm'": false, "001D000000IRFmaI": false, "001D000000IRFmaIÄ": false} {
		if ValidID(id) != ok {
			t.Errorf("%q", id)
		}
	}
}

func FuzzBuilders(f *testing.F) {
	for _, s := range []string{"", "O'Brien", `\`, `\'`, `x" OR *`, "}", "\xff'", "%_", "AND", "a\x00'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Select("Id").From("Lead").Where(Or(Eq("Name", String(s)), Like("Name", Contains(s)))).Build()
		if err != nil {
			t.Fatal(err)
		}
		if got := outside(q, '\''); got != "SELECT Id FROM Lead WHERE (Name =  OR Name LIKE )" {
			t.Fatalf("%q leaves its quotes: %s", s, q)
		}
		if term, ok := Phrase(s); ok {
			q, err := Find(term).In(NameFields).Build()
			if err != nil || outside(q, '"') != "FIND {} IN NAME FIELDS" {
				t.Fatalf("%q: %v %s", s, err, q)
			}
		}
		if term, ok := Words(s); ok {
			q, err := Find(term).In(NameFields).Build()
			if err != nil || strings.Count(strings.NewReplacer(`\\`, "", `\{`, "", `\}`, "").Replace(q), "{") != 1 {
				t.Fatalf("%q: %v %s", s, err, q)
			}
		}
	})
}

// outside returns what stands outside quotes.
func outside(s string, quote byte) string {
	var b strings.Builder
	in := false
	for i := 0; i < len(s); i++ {
		switch {
		case in && s[i] == '\\':
			i++
		case s[i] == quote:
			in = !in
		case !in:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func BenchmarkBuildSearch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		x, _ := Digits("7814256404")
		y, _ := Digits("447814256404")
		if _, err := Find(x, y).In(PhoneFields).Returning("Contact", []Ident{"Id", "Name"}, Cond{}, 6).Build(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestGroupsAreCounted(t *testing.T) {
	q := Select("OwnerId", "CallType").Aggregate(Count, "Id", "calls").Aggregate(Sum, "CallDurationInSeconds", "seconds").From("Task").
		Where(Gt("CallDurationInSeconds", Int(0))).GroupBy("OwnerId", "CallType")
	got, err := q.Build()
	if want := "SELECT OwnerId,CallType,COUNT(Id) calls,SUM(CallDurationInSeconds) seconds FROM Task WHERE CallDurationInSeconds > 0 GROUP BY OwnerId,CallType"; err != nil || got != want {
		t.Errorf("%s, not %s (%v)", got, want, err)
	}
	for _, bad := range []SOQL{Select().Aggregate("DROP", "Id", "n").From("Task"), Select().Aggregate(Count, "Id)", "n").From("Task"),
		Select().Aggregate(Count, "Id", "n,x").From("Task"), Select("Id").From("Task").GroupBy("a b")} {
		if s, err := bad.Build(); err == nil {
			t.Errorf("%s was built", s)
		}
	}
}
