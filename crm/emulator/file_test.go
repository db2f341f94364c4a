package emulator

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// onFile begins the names of the tests whose orgs live in files: see newOrg.
const onFile = "TestWhatHoldsInMemoryHoldsInAFile/"

func TestWhatHoldsInMemoryHoldsInAFile(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"composite":             TestACompositeRunsInOrderAndFillsInReferences,
		"all or none":           TestAllOrNoneTakesEverythingBack,
		"without all or none":   TestWithoutAllOrNoneOnlyTheDependentPartFails,
		"collections":           TestCollectionsAnswerForEveryRecord,
		"graphs":                TestEveryGraphIsATransactionOfItsOwn,
		"row lock":              TestARowLockInATransactionTakesAllOfItBack,
		"dropped reply":         TestADroppedReplyLeavesACommittedRecord,
		"seed files":            TestADataFileMayChangeTheAgentAndKeepIds,
		"story":                 TestTheStoryNumbersStandOnAsManyRecordsAsTheStorySays,
		"practice data":         TestTheDataSetHasTheSizeAndTheVarietyThatTheDocumentationPromises,
		"history":               TestFredHasOneOpenCaseAndAHistory,
		"conditional requests":  TestConditionsOnTimeAndVersionAreKept,
		"recent records":        TestRecentRecordsComeLastUsedFirst,
		"queries":               TestQueriesFindWhatTheyAskFor,
		"time zones":            TestYesterdayIsTheUsersYesterday,
		"wrong queries":         TestWrongQueriesAreRefusedWithTheRightCode,
		"shape of results":      TestAResultHasTheShapeOfARealOne,
		"pages":                 TestLongResultsComeInPages,
		"recycle bin":           TestQueryAllSeesTheRecycleBin,
		"searches":              TestSearchesFindByScopeAndOperators,
		"wrong searches":        TestWrongSearchesAreRefusedWithTheRightCode,
		"number variants":       TestTheStorysNumbersAreFoundByTheirVariants,
		"index lag":             TestTheSearchIndexRunsBehindByTheLagThatIsSet,
		"parameterized search":  TestParameterizedSearchIsTheSameInBothForms,
		"rules of writes":       TestEveryRuleOfAWriteRefusesWithItsOwnCode,
		"completed task":        TestACallIsStoredAsACompletedTaskWithEverythingDerived,
		"open task":             TestAnOpenTaskHasTheDefaultsOfTheOrg,
		"one key":               TestOneKeyMakesOneTask,
		"upsert":                TestUpsertByKeyCreatesOnceAndThenUpdates,
		"300":                   TestAnExternalIdThatIsNotUniqueAnswers300,
		"without the package":   TestAnOrgWithoutThePackageOrTheLicenceSaysSo,
		"campaign members":      TestACampaignMemberTakesTheDefaultForAnUnknownStatus,
		"cases, opportunities":  TestCasesAndOpportunitiesDeriveTheirState,
		"many clients":          TestManyClientsWriteAtOnceWithoutLosingARecord,
		"settings":              TestSettingsCanBeChangedAndAreChecked,
		"described objects":     TestEveryObjectCanBeDescribedAndRead,
		"administrator's lists": TestTheAdministratorSeesWhatWasWrittenAndAsked,
	} {
		t.Run(name, test)
	}
}

// reopen ends an org and starts another one on the same file.
func reopen(t *testing.T, path string, o *org, opts ...func(*Options)) *org {
	t.Helper()
	if o != nil {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return newOrg(t, append(opts, func(opt *Options) { opt.File = path })...)
}

func TestARestartKeepsRecordsSettingsAndTheNumbersOfNewIds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "org.db")
	o := reopen(t, path, nil)
	id := o.create("Contact", map[string]any{"LastName": "Woodhouse", "Phone": "01632 960777"})
	gone := o.create("Contact", map[string]any{"LastName": "Gone", "Phone": "01632 960778"})
	o.do("DELETE", v+"/sobjects/Contact/"+gone, nil).want(204)
	o.do("PATCH", v+"/sobjects/Contact/"+id, `{"FirstName":"Emma"}`).want(204)
	o.do("POST", "/_emulator/settings", `{"phoneSearch":"strict","without":["Task.Type"]}`).want(200)
	people := o.soql("SELECT COUNT() FROM Contact").object()["totalSize"]

	o = reopen(t, path, o)
	if got := o.soql("SELECT COUNT() FROM Contact").object()["totalSize"]; got != people {
		t.Errorf("%v contacts after the restart, %v before", got, people)
	}
	row := o.do("GET", v+"/sobjects/Contact/"+id, nil).want(200).object()
	if row["Name"] != "Emma Woodhouse" || row["IsDeleted"] != false {
		t.Errorf("the contact came back as %v", row)
	}
	o.do("GET", v+"/sobjects/Contact/"+gone, nil).refused(404, "ENTITY_IS_DELETED")
	if set := o.Settings(); set.PhoneSearch != Strict || len(set.Without) != 1 {
		t.Errorf("settings after the restart: %+v", set)
	}
	o.soql("SELECT Type FROM Task").refused(400, "INVALID_FIELD")
	if got := found(o.sosl("FIND {960777} IN PHONE FIELDS RETURNING Contact(LastName)")); got != "Contact Woodhouse" {
		t.Errorf("search after the restart: %q", got)
	}
	if next := o.create("Contact", map[string]any{"LastName": "New"}); next <= gone {
		t.Errorf("the id %s of a new record is not behind %s", next, gone)
	}
	if written := o.Records("Contact", true); len(written) != 2 {
		t.Errorf("%d contacts count as written by clients, want 2", len(written))
	}
	if all := o.do("GET", v+"/queryAll?q=SELECT+Id+FROM+Contact+WHERE+IsDeleted=true", nil).object(); all["totalSize"] != 1.0 {
		t.Errorf("recycle bin: %v", all)
	}
}

func TestAnswersThatWereGivenAreOnTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "org.db")
	o := reopen(t, path, nil, func(opt *Options) { opt.Data = &Data{} })
	id := o.create("Task", map[string]any{CallKeyField: "k"})
	o.do("POST", v+"/composite", `{"allOrNone":true,"compositeRequest":[
		{"method":"POST","url":"`+v+`/sobjects/Task","referenceId":"a","body":{"Subject":"taken back"}},
		{"method":"POST","url":"`+v+`/sobjects/Task","referenceId":"b","body":{"CallType":"Sideways"}}]}`).want(200)
	// What a crash leaves: the file and its log as they are now, without the farewell of Close.
	copied := filepath.Join(t.TempDir(), "org.db")
	for _, end := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o = reopen(t, copied, nil)
	if rows := o.Records("Task", true); len(rows) != 1 || rows[0]["Id"] != id {
		t.Errorf("after the crash there are %v", rows)
	}
	o.do("POST", v+"/sobjects/Task", map[string]any{CallKeyField: "k"}).refused(400, "DUPLICATE_VALUE")
}

func TestAFileThatIsNoPracticeOrgIsRefusedInOneLine(t *testing.T) {
	dir := t.TempDir()
	seed := filepath.Join(dir, "seed.json")
	if err := os.WriteFile(seed, []byte(`[{"attributes":{"type":"Account"},"Name":"Acme"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{File: seed}); err == nil || !strings.Contains(err.Error(), "--load") {
		t.Errorf("a JSON file: %v", err)
	}
	if _, err := New(Options{File: dir}); err == nil {
		t.Error("a directory was taken")
	}
	path := filepath.Join(dir, "org.db")
	o := reopen(t, path, nil)
	if _, err := New(Options{File: path}); err == nil || !strings.Contains(err.Error(), "another practice Salesforce") {
		t.Errorf("a file that is open: %v", err)
	}
	o.Close()
}

func FuzzRowsComeBackAsTheyWere(f *testing.F) {
	o := newSchema(Settings{CallKey: true}).object("Task")
	f.Add("plain", int64(3), 2.5, true)
	f.Add("a \"quote\", a \\ and a }\n\u2028<&>é😀", int64(-1), -1e-300, false)
	f.Add("{\"a\":[", int64(1)<<31, 1e21, true)
	f.Fuzz(func(t *testing.T, s string, n int64, x float64, b bool) {
		if !utf8.ValidString(s) || x != x || x-x != 0 || n > math.MaxInt32 || n < math.MinInt32 {
			return
		}
		was := map[string]any{"Subject": s, "Description": s + s, "CallDurationInSeconds": n, "Percent__c": x, "IsClosed": b, "Type": nil}
		body, err := pack(was)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(o, body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		delete(was, "Type")
		if !maps.Equal(was, got) {
			t.Fatalf("%s came back as %v", body, got)
		}
		_, _ = unpack(o, s)
		_, _ = unpack(o, "{"+s)
	})
}

func TestAQueryEndsWhenItsClientHasGone(t *testing.T) {
	o := newOrg(t, func(opt *Options) { opt.File = filepath.Join(t.TempDir(), "org.db") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for path, q := range map[string]string{"/query": "SELECT Id FROM Contact WHERE Title LIKE '%x%'", "/search": "FIND {nobody OR emma} IN NAME FIELDS RETURNING Contact(Id)"} {
		req := httptest.NewRequestWithContext(ctx, "GET", v+path+"?q="+url.QueryEscape(q), nil)
		req.Header.Set("Authorization", "Bearer "+o.token)
		rep, _, _, _ := o.answer(req, v+path, nil, &plan{}, &Request{})
		if rep.status != 400 || !strings.Contains(fmt.Sprint(rep.body), "QUERY_TIMEOUT") {
			t.Errorf("%s answers %d %v", path, rep.status, rep.body)
		}
	}
	req := httptest.NewRequestWithContext(ctx, "POST", v+"/sobjects/Task", nil)
	req.Header.Set("Authorization", "Bearer "+o.token)
	if rep, _, _, _ := o.answer(req, v+"/sobjects/Task", []byte(`{}`), &plan{}, &Request{}); rep.status != 201 {
		t.Errorf("a write whose client has gone is %d %v", rep.status, rep.body)
	}
}

func TestAFullDiskRefusesAWriteAndLosesNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "org.db")
	o := newOrg(t, func(opt *Options) { opt.File, opt.Data = path, &Data{} })
	limit := func(pages string) {
		f := o.store.rows.(*file)
		if _, err := f.conn.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	id := o.create("Task", map[string]any{"Subject": "first"})
	limit("1") // not below what is there: the file cannot grow any more
	text, stored, refused := strings.Repeat("long ", 2000), 0, 0
	for range 40 {
		a := o.do("POST", v+"/sobjects/Task", map[string]any{"Subject": "more", "Description": text})
		switch a.status {
		case 201:
			stored++
		case 500:
			refused++
		default:
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	o.do("PATCH", v+"/sobjects/Task/"+id, map[string]any{"Description": strings.Repeat(text, 3)}).want(500)
	check := func(o *org) {
		t.Helper()
		if n := o.soql("SELECT COUNT() FROM Task").want(200).object()["totalSize"]; n != float64(stored+1) || len(o.Records("Task", true)) != stored+1 {
			t.Errorf("%v tasks are counted and %d are there; %d were accepted", n, len(o.Records("Task", true)), stored+1)
		}
		if row := o.do("GET", v+"/sobjects/Task/"+id, nil).want(200).object(); row["Description"] != nil || row["Subject"] != "first" {
			t.Errorf("the first task: %v", row)
		}
	}
	check(o)
	limit("1000000")
	o.create("Task", map[string]any{"Subject": "again"})
	stored++
	check(reopen(t, path, o))
}

func TestIndexesOfAnotherVersionAreMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "org.db")
	o := reopen(t, path, nil)
	id := o.create("Contact", map[string]any{"LastName": "Woodhouse", "Phone": "01632 960777"})
	gone := o.create("Contact", map[string]any{"LastName": "Gone", "Phone": "01632 960777"})
	o.do("DELETE", v+"/sobjects/Contact/"+gone, nil).want(204)
	f := o.store.rows.(*file)
	for _, q := range []string{"UPDATE meta SET value = 'older' WHERE key = 'indexes'", "DROP TABLE ix_Contact", "DROP TABLE fts_Contact", "CREATE TABLE ix_Lead_old (n INTEGER)"} {
		if _, err := f.conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	o = reopen(t, path, o)
	if got := found(o.sosl("FIND {01632960777} IN PHONE FIELDS RETURNING Contact(LastName)")); got != "Contact Woodhouse" {
		t.Errorf("search: %q", got)
	}
	if got := ids(o.soql("SELECT Id FROM Contact WHERE Phone = '01632 960777'").object()["records"]); len(got) != 1 || got[0] != id {
		t.Errorf("query: %v", got)
	}
}
