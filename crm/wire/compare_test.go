package wire

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

// intended are the differences that are meant, by operation. A difference that is not listed fails the test, and so does one that is
// listed and is not there any more.
var intended = map[string]map[string]string{
	"login": {
		"form client_id":    "jsforce adds the client id; RFC 7523 §3 takes it from the assertion's iss, which both send",
		"form redirect_uri": "jsforce adds its redirect address, which has no meaning in this grant",
	},
	"code": {
		"query code_challenge_method": "jsforce leaves the method out though it is S256; RFC 7636 §4.3 takes that for plain, so offhook says it",
	},
	"credentials": {"form redirect_uri": "as above: it has no meaning in this grant"},
	"versions":    {"authorization": "the list of versions is public, and offhook gives its token to nobody who does not need it"},
	"who": {
		"requests":          "offhook asks userinfo, the OpenID endpoint, once; jsforce asks the resource map for the identity URL and then that",
		"path":              "as above",
		"query format":      "the identity URL answers in several formats, userinfo in one",
		"query oauth_token": "jsforce puts the token into the address; offhook never does: addresses are logged on the way",
	},
	"compact layout":    {"path": "offhook asks for the user's own layout (/primary), jsforce for all of them"},
	"query built":       {"query q": "offhook writes no space after a comma and also escapes the double quote, as SOQL allows; the test below reads both the same"},
	"collection delete": {"query allOrNone": "offhook says allOrNone=false too; it is the default that jsforce leaves out"},
}

// operations, in the order in which both sides do them.
var operations = []string{"login", "code", "refresh", "credentials", "who", "versions", "query", "query built", "query more", "search", "describe global", "describe",
	"compact layout", "create", "create anyway", "retrieve", "retrieve some", "update", "update unchanged", "upsert", "upsert again", "composite", "file", "delete", "collection create", "collection retrieve", "collection update", "collection upsert",
	"collection delete", "limits", "recent", "sign out"}

// plan is what both sides are told to do.
type plan struct {
	URL       string           `json:"url"`
	ClientID  string           `json:"clientId"`
	Secret    string           `json:"secret"`
	Refresh   string           `json:"refresh"`
	Scope     string           `json:"scope"`
	Username  string           `json:"username"`
	KeyFile   string           `json:"keyFile"`
	Version   string           `json:"version"`
	SOQL      string           `json:"soql"`
	Where     map[string]any   `json:"where"`
	Fields    string           `json:"fields"`
	Next      string           `json:"next"`
	SOSL      string           `json:"sosl"`
	Task      map[string]any   `json:"task"`
	Change    map[string]any   `json:"change"`
	Person    map[string]any   `json:"person"`
	Rule      string           `json:"rule"`  // header that saves a duplicate
	Since     string           `json:"since"` // HTTP date
	KeyField  string           `json:"keyField"`
	Key       string           `json:"key"`
	Composite any              `json:"composite"`
	Rows      []map[string]any `json:"rows"`  // of a collection
	Keyed     []map[string]any `json:"keyed"` // with their external id
}

func (p plan) since() time.Time {
	at, _ := http.ParseTime(p.Since) // made above
	return at
}

// A name with everything that has a meaning in SOQL, in a URL or in a form.
const hardName = `O'Brien \ "Söhne" & Co +100% #1?`

func TestOffhookSendsWhatJSForceSends(t *testing.T) {
	node, dir := peer(t)
	org, err := emulator.New(emulator.Options{})
	check(t, err)
	t.Cleanup(func() { _ = org.Close() })
	rec := record(t, org.Handler())
	key := filepath.Join(t.TempDir(), "key.pem")
	check(t, os.WriteFile(key, org.KeyPEM(), 0o600))

	query := salesforce.Select("Id", "Name", "Account.Name").From("Contact").Where(salesforce.Eq("LastName", salesforce.String(hardName))).Limit(5)
	// jsforce's builder leaves a backslash as it is, which makes a query that Salesforce refuses; there the name goes without.
	plain := strings.ReplaceAll(hardName, `\ `, "")
	built := salesforce.Select("Id", "Name", "Account.Name").From("Contact").Where(salesforce.Eq("LastName", salesforce.String(plain))).Limit(5)
	soql, err := query.Build()
	check(t, err)
	digits, _ := salesforce.Digits("7814256404")
	search := salesforce.Find(digits).In("PHONE").Returning("Contact", []salesforce.Ident{"Id", "Name"}, salesforce.Cond{}, 10)
	sosl, err := search.Build()
	check(t, err)
	p := plan{
		URL: rec.url, ClientID: emulator.ClientID, Username: emulator.AgentUsername, KeyFile: key, Version: "66.0",
		SOQL: soql, Where: map[string]any{"LastName": plain}, Fields: "Id, Name, Account.Name", SOSL: sosl,
		Task: map[string]any{"Subject": "Inbound Call at 16:11:36 from 07814256404 (" + hardName + ")", "Status": "Completed", "Priority": "Normal", "TaskSubtype": "Call",
			"CallType": "Inbound", "CallDurationInSeconds": 42, "ActivityDate": "2026-11-20", "Description": "line one\nline two <b>&amp;</b>\u2028"},
		Secret: emulator.ClientSecret, Scope: salesforce.DefaultScopes,
		Rows:   []map[string]any{{"Subject": "one", "Status": "Completed"}, {"Subject": "two", "Status": "Completed"}},
		Keyed:  []map[string]any{{emulator.CallKeyField: "a", "Subject": "one"}, {emulator.CallKeyField: "b", "Subject": "two"}},
		Person: map[string]any{"LastName": hardName}, Rule: "allowSave=true; includeRecordDetails=true; runAsCurrentUser=true",
		Since:  time.Now().Add(time.Hour).UTC().Format(http.TimeFormat),
		Change: map[string]any{"Description": "amended"}, KeyField: emulator.CallKeyField, Key: "5f2a91c0-0000-5000-8000-000000000001",
	}
	rec.made = []string{p.Key, "5f2a91c0-0000-5000-8000-000000000002"}
	p.Next = rec.firstPage(t, org.Credentials().AccessToken)
	p.Refresh = rec.refreshToken(t)
	statement := salesforce.SubQuery("card", query)
	created := salesforce.SubCreate("call", "Task", map[string]any{"Subject": "x", "Status": "Completed"})

	rec.who = "offhook"
	ours(t, rec, p, query, built, search, statement, created)
	p.Composite = rec.body("offhook", "composite")                     // jsforce has no builder of its own: what is compared is how it is sent
	rec.who, p.Key = "jsforce", "5f2a91c0-0000-5000-8000-000000000002" // one call, one key: TaskSubtype can only be created
	planFile := filepath.Join(t.TempDir(), "plan.json")
	body, err := json.Marshal(p)
	check(t, err)
	check(t, os.WriteFile(planFile, body, 0o600))
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "compare.mjs"), planFile)
	cmd.Env = append(os.Environ(), "OFFHOOK_SALESFORCE_CLIENTS="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("jsforce: %v\n%s", err, out)
	}

	for _, op := range operations {
		a, b := rec.of("offhook", op), rec.of("jsforce", op)
		if len(a) == 0 || len(b) == 0 {
			t.Errorf("%s: offhook sent %d requests, jsforce %d", op, len(a), len(b))
			continue
		}
		found := map[string]string{}
		if len(a) != len(b) {
			found["requests"] = fmt.Sprintf("offhook sends %d, jsforce %d", len(a), len(b))
		}
		for i := range min(len(a), len(b)) { // the last ones of each
			x, y := a[max(0, len(a)-len(b))+i], b[max(0, len(b)-len(a))+i]
			maps.Copy(found, differences(x, y))
			if x, y := x.query.Get("q"), y.query.Get("q"); sameQuery(x) != sameQuery(y) {
				t.Errorf("%s: the queries mean different things:\n%s\n%s", op, x, y)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if _, meant := intended[op][name]; !meant {
				t.Errorf("%s: %s differs: %s", op, name, found[name])
			}
		}
		for name, why := range intended[op] {
			if _, there := found[name]; !there {
				t.Errorf("%s: %s does not differ any more (%s): take it off the list", op, name, why)
			}
		}
		for _, r := range slices.Concat(a, b) {
			if r.status >= 400 {
				t.Errorf("%s: %s got %d", op, r.who, r.status)
			}
		}
	}
}

// peer finds node and jsforce.
func peer(t *testing.T) (node, dir string) {
	t.Helper()
	absent := func(what string) {
		t.Helper()
		if os.Getenv("OFFHOOK_PEERS_REQUIRED") == "1" {
			t.Fatalf("peer %s is not installed", what)
		}
		t.Skipf("peer %s is not installed", what)
	}
	dir = os.Getenv("OFFHOOK_SALESFORCE_CLIENTS")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "jsforce", "package.json")); dir == "" || err != nil {
		absent("jsforce")
	}
	node = filepath.Join(dir, "node_modules", ".bin", "node") // where the system's is too old
	if _, err := os.Stat(node); err != nil {
		if node, err = exec.LookPath("node"); err != nil {
			absent("node")
		}
	}
	return node, dir
}

// ours does every operation with offhook's own client.
func ours(t *testing.T, rec *recorder, p plan, query, built salesforce.SOQL, search salesforce.SOSL, statement, created salesforce.Sub) {
	t.Helper()
	ctx := t.Context()
	pem, err := os.ReadFile(p.KeyFile)
	check(t, err)
	key, err := salesforce.ParseKey(pem)
	check(t, err)
	app := salesforce.App{LoginURL: p.URL, ClientID: p.ClientID, Local: true, Ports: []int{0}}
	rec.step("login")
	token, err := app.SignInJWT(ctx, salesforce.JWT{Username: p.Username, Key: key})
	check(t, err)
	rec.step("code")
	login, err := app.StartLogin(ctx)
	check(t, err)
	defer login.Close()
	page, err := http.Get(login.URL()) // the page approves, and redirects to the login's own listener
	check(t, err)
	check(t, page.Body.Close())
	_, err = login.Wait(ctx)
	check(t, err)
	rec.step("refresh")
	_, err = app.Refresh(ctx, salesforce.Token{Refresh: p.Refresh, Instance: p.URL})
	check(t, err)
	rec.step("credentials")
	secretive := app
	secretive.Secret = func(context.Context) (string, error) { return p.Secret, nil }
	_, err = secretive.SignInClient(ctx)
	check(t, err)
	client, err := salesforce.New(salesforce.Options{App: app, Store: salesforce.NewMemoryStore(token)})
	check(t, err)
	defer client.Close()
	id, ids := "", []string{}
	keep := func(results []salesforce.SaveResult, err error) error {
		for _, r := range results {
			err = errors.Join(err, r.Err())
			if r.ID != "" && r.ID != id {
				ids = append(ids, r.ID)
			}
		}
		return err
	}
	changed := func() (out []map[string]any) {
		for _, id := range ids {
			out = append(out, map[string]any{"Id": id, "Description": "amended"})
		}
		return out
	}
	for _, s := range []struct {
		op string
		do func() error
	}{
		{"who", func() error { _, err := client.User(ctx); return err }},
		{"versions", func() error { _, err := client.Version(ctx); return err }},
		{"query", func() error { _, err := client.Query(ctx, query); return err }},
		{"query built", func() error { _, err := client.Query(ctx, built); return err }},
		{"query more", func() error { _, err := client.QueryMore(ctx, salesforce.QueryResult{Next: p.Next}); return err }},
		{"search", func() error { _, err := client.Search(ctx, search); return err }},
		{"describe global", func() error { _, err := client.Objects(ctx); return err }},
		{"describe", func() error { _, err := client.Describe(ctx, "Task"); return err }},
		{"compact layout", func() error { _, err := client.CompactLayout(ctx, "Contact"); return err }},
		{"create anyway", func() error {
			_, err := client.Create(ctx, "Contact", p.Person, &salesforce.DuplicateRule{AllowSave: true})
			return err
		}},
		{"create", func() error { id, err = client.Create(ctx, "Task", p.Task, nil); return err }},
		{"retrieve", func() error { _, err := client.Get(ctx, "Task", id); return err }},
		{"retrieve some", func() error { _, err := client.Get(ctx, "Task", id, "Id", "Subject"); return err }},
		{"update unchanged", func() error { return client.Update(ctx, "Task", id, p.Change, p.since()) }},
		{"update", func() error { return client.Update(ctx, "Task", id, p.Change, noTime) }},
		{"upsert", func() error {
			_, err := client.Upsert(ctx, "Task", salesforce.Ident(p.KeyField), p.Key, p.Task, false)
			return err
		}},
		{"upsert again", func() error {
			_, err := client.Upsert(ctx, "Task", salesforce.Ident(p.KeyField), p.Key, p.Change, false)
			return err
		}},
		{"composite", func() error { _, err := client.Composite(ctx, true, statement, created); return err }},
		{"file", func() error {
			_, err := client.CreateFile(ctx, salesforce.Upload{Title: "A call", FileName: "call.wav", Record: id, Data: []byte("RIFF")})
			return err
		}},
		{"delete", func() error { return client.Delete(ctx, "Task", id) }},
		{"collection create", func() error { return keep(client.CreateMany(ctx, "Task", p.Rows, false)) }},
		{"collection retrieve", func() error { _, err := client.GetMany(ctx, "Task", ids, "Id", "Subject"); return err }},
		{"collection update", func() error { return only(client.UpdateMany(ctx, "Task", changed(), false)) }},
		{"collection upsert", func() error {
			return only(client.UpsertMany(ctx, "Task", salesforce.Ident(p.KeyField), p.Keyed, false))
		}},
		{"collection delete", func() error { return only(client.DeleteMany(ctx, ids, false)) }},
		{"limits", func() error { _, err := client.Limits(ctx); return err }},
		{"recent", func() error { _, err := client.Recent(ctx, 5); return err }},
		{"sign out", func() error { return client.SignOut(ctx) }},
	} {
		rec.step(s.op)
		if err := s.do(); err != nil {
			t.Fatalf("offhook: %s: %v", s.op, err)
		}
	}
}

// only is the first refusal in a collection's results.
func only(results []salesforce.SaveResult, err error) error {
	for _, r := range results {
		err = errors.Join(err, r.Err())
	}
	return err
}

// differences compares two requests by what they mean.
func differences(a, b request) map[string]string {
	out := map[string]string{}
	differ := func(name string, x, y any) {
		if !reflect.DeepEqual(x, y) {
			out[name] = "offhook " + show(x) + ", jsforce " + show(y)
		}
	}
	differ("method", a.method, b.method)
	differ("path", a.path, b.path)
	differ("body", a.json, b.json)
	differ("content type", a.kind, b.kind)
	differ("authorization", a.auth, b.auth)
	differ("headers", a.header, b.header)
	for _, set := range []struct {
		name string
		x, y map[string][]string
	}{{"query ", a.query, b.query}, {"form ", a.form, b.form}} {
		for k := range set.x {
			differ(set.name+k, set.x[k], set.y[k])
		}
		for k := range set.y {
			differ(set.name+k, set.x[k], set.y[k])
		}
	}
	return out
}

// sameQuery writes a query in one way: no space after a comma, no needless escape.
func sameQuery(q string) string { return strings.NewReplacer(", ", ",", `\"`, `"`).Replace(q) }

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// claims are an assertion's claims without its time.
func claims(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return assertion
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c map[string]any
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return assertion
	}
	delete(c, "exp")
	return show(c)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
