// Command go-salesforce drives an agent's session through k-capehart/go-salesforce: go-salesforce LOGIN.json. It prints
// "go-salesforce step ok|FAIL detail" for every step; the exit status is 1 after any FAIL. It is a module of its own, so that nothing
// of it comes near the program.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	salesforce "github.com/k-capehart/go-salesforce/v3"
)

// login is what the practice org gave.
type login struct {
	URL           string `json:"instanceUrl"`
	AccessToken   string `json:"accessToken"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	SecurityToken string `json:"securityToken"`
	ClientID      string `json:"clientId"`
	ClientSecret  string `json:"clientSecret"`
	KeyFile       string `json:"keyFile"`
	KeyField      string `json:"keyField"` // an external id of Task
	Stamp         string `json:"stamp"`    // what this run's records are called
	Many          string `json:"many"`     // a Subject that more than 2,000 Tasks have
}

type contact struct {
	Id, LastName string
	Account      struct{ Name string }
}

var failed bool

func step(name string, do func() error) {
	err := do()
	switch {
	case err != nil:
		failed = true
		fmt.Printf("go-salesforce %s FAIL %.300s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	default:
		fmt.Printf("go-salesforce %s ok\n", name)
	}
}

func want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var l login
	if err := json.Unmarshal(raw, &l); err != nil {
		panic(err)
	}
	key, err := os.ReadFile(l.KeyFile)
	if err != nil {
		panic(err)
	}
	var sf *salesforce.Salesforce
	sign := func(name string, creds salesforce.Creds, options ...salesforce.Option) {
		step(name, func() error {
			s, err := salesforce.Init(creds, options...)
			if err != nil {
				return err
			}
			sf = s
			_, err = get(sf, "/limits")
			return err
		})
	}
	sign("login.token", salesforce.Creds{Domain: l.URL, AccessToken: l.AccessToken})
	sign("login.password", salesforce.Creds{Domain: l.URL, Username: l.Username, Password: l.Password, SecurityToken: l.SecurityToken, ConsumerKey: l.ClientID, ConsumerSecret: l.ClientSecret})
	sign("login.client_credentials", salesforce.Creds{Domain: l.URL, ConsumerKey: l.ClientID, ConsumerSecret: l.ClientSecret})
	sign("login.jwt", salesforce.Creds{Domain: l.URL, Username: l.Username, ConsumerKey: l.ClientID, ConsumerRSAPem: string(key)})
	if sf == nil {
		fmt.Println("go-salesforce session FAIL nobody is signed in")
		os.Exit(1)
	}
	session(sf, l)
	// Everything in gzip, and v63.0 inside of v66.0: the library writes its own version into the addresses of a composite.
	sign("login.gzip", salesforce.Creds{Domain: l.URL, AccessToken: l.AccessToken}, salesforce.WithCompressionHeaders(true), salesforce.WithAPIVersion("v66.0"))
	step("composite", func() error { return composite(sf, l) })
	step("composite.rollback", func() error { return rollback(sf, l) })
	if failed {
		os.Exit(1)
	}
}

func get(sf *salesforce.Salesforce, uri string) (map[string]any, error) {
	resp, err := sf.DoRequest("GET", uri, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var m map[string]any
	return m, json.NewDecoder(resp.Body).Decode(&m)
}

func session(sf *salesforce.Salesforce, l login) {
	var account, who string
	step("describe", func() error {
		d, err := get(sf, "/sobjects/Task/describe")
		fields, _ := d["fields"].([]any)
		return errors.Join(err, want(d["name"] == "Task" && len(fields) > 10, "%v has %d fields", d["name"], len(fields)))
	})
	step("describeGlobal", func() error {
		d, err := get(sf, "/sobjects")
		list, _ := d["sobjects"].([]any)
		return errors.Join(err, want(len(list) > 5, "%d objects", len(list)))
	})
	step("create", func() error {
		r, err := sf.InsertOne("Account", map[string]any{"Name": l.Stamp})
		if err != nil {
			return err
		}
		account = r.Id
		r, err = sf.InsertOne("Contact", map[string]any{"LastName": l.Stamp, "Phone": "+14155550188", "AccountId": account})
		who = r.Id
		return errors.Join(err, want(r.Success && len(who) == 18 && strings.HasPrefix(who, "003"), "%+v", r))
	})
	step("create.invalid", func() error {
		_, err := sf.InsertOne("Contact", map[string]any{"FirstName": "x"})
		return want(err != nil && strings.Contains(err.Error(), "REQUIRED_FIELD_MISSING"), "a Contact without LastName: %v", err)
	})
	step("query", func() error {
		var found []contact
		err := sf.Query("SELECT Id, LastName, Account.Name FROM Contact WHERE LastName = '"+l.Stamp+"'", &found)
		return errors.Join(err, want(len(found) == 1 && found[0].Id == who && found[0].Account.Name == l.Stamp, "%+v", found))
	})
	step("paging", func() error {
		var found []contact
		err := sf.Query("SELECT Id FROM Task WHERE Subject = '"+l.Many+"'", &found)
		seen := map[string]bool{}
		for _, f := range found {
			seen[f.Id] = true
		}
		return errors.Join(err, want(len(found) == 2010 && len(seen) == 2010, "%d rows, %d different", len(found), len(seen)))
	})
	step("search", func() error {
		d, err := get(sf, "/search/?q=FIND+%7B4155550188%7D+IN+PHONE+FIELDS+RETURNING+Contact(Id,+Name)")
		rows, _ := d["searchRecords"].([]any)
		return errors.Join(err, want(len(rows) == 1, "%v", d))
	})
	step("parameterizedSearch", func() error {
		d, err := get(sf, "/parameterizedSearch?q=4155550188&in=PHONE&sobject=Contact&Contact.fields=Id")
		rows, _ := d["searchRecords"].([]any)
		return errors.Join(err, want(len(rows) == 1, "%v", d))
	})
	step("update", func() error {
		err := sf.UpdateOne("Contact", map[string]any{"Id": who, "Title": "Director"})
		d, err2 := get(sf, "/sobjects/Contact/"+who)
		return errors.Join(err, err2, want(d["Title"] == "Director", "read back %v", d["Title"]))
	})
	step("upsert", func() error {
		task := map[string]any{l.KeyField: "k-" + l.Stamp, "Subject": "first", "Status": "Completed", "Priority": "Normal"}
		first, err := sf.UpsertOne("Task", l.KeyField, task)
		task = map[string]any{l.KeyField: "k-" + l.Stamp, "Subject": "second"}
		second, err2 := sf.UpsertOne("Task", l.KeyField, task)
		return errors.Join(err, err2, want(first.Id != "" && first.Id == second.Id, "%v, then %v", first, second))
	})
	step("collections", func() error { return collections(sf, l) })
	step("file", func() error {
		r, err := sf.InsertOne("ContentVersion", map[string]any{"Title": l.Stamp, "PathOnClient": "call.wav", "VersionData": "UklGRg==", "FirstPublishLocationId": who})
		if err != nil {
			return err
		}
		d, err := get(sf, "/sobjects/ContentVersion/"+r.Id)
		return errors.Join(err, want(d["ContentSize"] == 4.0 && d["FileExtension"] == "wav", "%v", d))
	})
	step("limits", func() error {
		d, err := get(sf, "/limits")
		one, _ := d["DailyApiRequests"].(map[string]any)
		return errors.Join(err, want(one["Max"] != nil && one["Remaining"] != nil, "%v", one))
	})
	step("recent", func() error {
		resp, err := sf.DoRequest("GET", "/recent?limit=5", nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		return errors.Join(err, want(strings.Contains(string(raw), who), "the contact is not among the recent records: %.200s", raw))
	})
	step("delete", func() error {
		err := errors.Join(sf.DeleteOne("Contact", contact{Id: who}), sf.DeleteOne("Account", contact{Id: account}))
		_, gone := get(sf, "/sobjects/Contact/"+who)
		return errors.Join(err, want(gone != nil, "the contact is still there"))
	})
}

// collections makes, changes, upserts and deletes several records at a time.
func collections(sf *salesforce.Salesforce, l login) error {
	made, err := sf.InsertCollection("Contact", []map[string]any{{"LastName": l.Stamp + "-1"}, {"LastName": l.Stamp + "-2"}, {"LastName": l.Stamp + "-3"}}, 2)
	if err != nil || made.HasSalesforceErrors || len(made.Results) != 3 {
		return fmt.Errorf("create: %v %+v", err, made)
	}
	var changed, ids []map[string]any
	for _, r := range made.Results {
		changed = append(changed, map[string]any{"Id": r.Id, "Title": "x"})
		ids = append(ids, map[string]any{"Id": r.Id})
	}
	if r, err := sf.UpdateCollection("Contact", changed, 200); err != nil || r.HasSalesforceErrors {
		return fmt.Errorf("update: %v %+v", err, r)
	}
	keyed := []map[string]any{{l.KeyField: l.Stamp + "-a", "Subject": "a"}, {l.KeyField: l.Stamp + "-b", "Subject": "b"}}
	if r, err := sf.UpsertCollection("Task", l.KeyField, keyed, 200); err != nil || r.HasSalesforceErrors || len(r.Results) != 2 {
		return fmt.Errorf("upsert: %v %+v", err, r)
	}
	r, err := sf.DeleteCollection("Contact", ids, 200)
	if err != nil || r.HasSalesforceErrors {
		return fmt.Errorf("delete: %v %+v", err, r)
	}
	if r, err = sf.DeleteCollection("Contact", ids[:1], 200); err != nil || !r.HasSalesforceErrors {
		return fmt.Errorf("what is gone was deleted again: %v %+v", err, r)
	}
	return nil
}

func composite(sf *salesforce.Salesforce, l login) error {
	records := []map[string]any{{"LastName": l.Stamp + "-4"}, {"LastName": l.Stamp + "-5"}, {"LastName": l.Stamp + "-6"}}
	made, err := sf.InsertComposite("Contact", records, 2, true)
	if err != nil || made.HasSalesforceErrors || len(made.Results) != 3 {
		return fmt.Errorf("create: %v %+v", err, made)
	}
	for i, r := range made.Results {
		records[i] = map[string]any{"Id": r.Id, "Title": "x"}
	}
	if r, err := sf.UpdateComposite("Contact", records, 200, true); err != nil || r.HasSalesforceErrors {
		return fmt.Errorf("update: %v %+v", err, r)
	}
	if r, err := sf.DeleteComposite("Contact", records, 200, true); err != nil || r.HasSalesforceErrors {
		return fmt.Errorf("delete: %v %+v", err, r)
	}
	return nil
}

// rollback sends a composite by hand, for the library has no call that takes references.
func rollback(sf *salesforce.Salesforce, l login) error {
	body, err := json.Marshal(map[string]any{"allOrNone": true, "compositeRequest": []any{
		map[string]any{"method": "POST", "url": "/services/data/v66.0/sobjects/Contact", "referenceId": "a", "body": map[string]any{"LastName": l.Stamp + "-gone"}},
		map[string]any{"method": "POST", "url": "/services/data/v66.0/sobjects/Task", "referenceId": "b", "body": map[string]any{"WhoId": "@{a.id}", "CallType": "none such"}}}})
	if err != nil {
		return err
	}
	resp, err := sf.DoRequest("POST", "/composite", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var left []contact
	err = sf.Query("SELECT Id FROM Contact WHERE LastName = '"+l.Stamp+"-gone'", &left)
	return errors.Join(err, want(strings.Contains(string(raw), "PROCESSING_HALTED") && len(left) == 0, "%d contacts stayed: %.200s", len(left), raw))
}
