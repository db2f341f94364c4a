package salesforce_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

// practice is a client of a practice org.
func practice(t *testing.T) (*salesforce.Client, *emulator.Server) {
	t.Helper()
	org, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	t.Cleanup(srv.Close)
	app := salesforce.App{LoginURL: srv.URL, ClientID: emulator.ClientID, Local: true}
	c, err := salesforce.New(salesforce.Options{App: app, Store: salesforce.NewMemoryStore(salesforce.Token{Access: org.Credentials().AccessToken, Instance: srv.URL})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, org
}

func TestManyRecordsGoInOneCallAndEachHasItsOwnAnswer(t *testing.T) {
	c, org := practice(t)
	ctx := t.Context()
	rows := []map[string]any{{"LastName": "One"}, {"FirstName": "nobody"}, {"LastName": "Three"}}
	made, err := c.CreateMany(ctx, "Contact", rows, false)
	if err != nil || len(made) != 3 || made[0].Err() != nil || made[2].Err() != nil {
		t.Fatalf("%v %v", made, err)
	}
	var refused *salesforce.APIError
	if !errors.As(made[1].Err(), &refused) || refused.Code != "REQUIRED_FIELD_MISSING" || salesforce.KindOf(made[1].Err()) != salesforce.KindValidation {
		t.Errorf("the second row: %v", made[1].Err())
	}
	if len(rows[0]) != 1 {
		t.Errorf("the caller's row was written into: %v", rows[0])
	}
	ids := []string{made[0].ID, made[2].ID}
	changed, err := c.UpdateMany(ctx, "Contact", []map[string]any{{"Id": ids[0], "Title": "x"}, {"Id": ids[1], "Title": "y"}}, true)
	if err != nil || len(changed) != 2 || changed[0].Err() != nil {
		t.Fatalf("%v %v", changed, err)
	}
	read, err := c.GetMany(ctx, "Contact", []string{ids[1], "003000000000000AAA", ids[0]}, "Id", "Title")
	if err != nil || len(read) != 3 || read[0].Str("Title") != "y" || read[1] != nil || read[2].Str("Title") != "x" {
		t.Errorf("%v %v", read, err)
	}
	keyed := []map[string]any{{emulator.CallKeyField: "k1", "Subject": "first"}, {emulator.CallKeyField: "k2", "Subject": "second"}}
	for _, created := range []bool{true, false} {
		up, err := c.UpsertMany(ctx, "Task", emulator.CallKeyField, keyed, false)
		if err != nil || len(up) != 2 || up[0].Created != created || up[1].Err() != nil {
			t.Errorf("%v %v", up, err)
		}
	}
	if n := len(org.Records("Task", true)); n != 2 {
		t.Errorf("%d Tasks, want 2", n)
	}
	if gone, err := c.DeleteMany(ctx, ids, true); err != nil || len(gone) != 2 || gone[1].Err() != nil {
		t.Errorf("%v %v", gone, err)
	}
	if n := len(org.Records("Contact", true)); n != 0 {
		t.Errorf("%d contacts are left", n)
	}
	whole, err := c.CreateMany(ctx, "Contact", rows, true)
	if err != nil || whole[0].Err() == nil || len(org.Records("Contact", true)) != 0 {
		t.Errorf("all or none: %v %v", whole, err)
	}
}

func TestACollectionThatSalesforceWouldRefuseIsNotSent(t *testing.T) {
	c, org := practice(t)
	ctx := t.Context()
	row := map[string]any{"LastName": "x"}
	for name, err := range map[string]error{
		"none":     second(c.CreateMany(ctx, "Contact", nil, false)),
		"too many": second(c.CreateMany(ctx, "Contact", make([]map[string]any, salesforce.MaxCollection+1), false)),
		"object":   second(c.CreateMany(ctx, "Contact/x", []map[string]any{row}, false)),
		"no id":    second(c.UpdateMany(ctx, "Contact", []map[string]any{row}, false)),
		"no key":   second(c.UpsertMany(ctx, "Task", emulator.CallKeyField, []map[string]any{row}, false)),
		"key":      second(c.UpsertMany(ctx, "Task", "a/b", []map[string]any{row}, false)),
		"path":     second(c.DeleteMany(ctx, []string{"../../x"}, false)),
	} {
		if err == nil {
			t.Errorf("%s: it was sent", name)
		}
	}
	if _, err := c.GetMany(ctx, "Contact", []string{"003000000000000AAA"}, "Id,Name"); err == nil {
		t.Error("two fields in one name were sent")
	}
	if _, err := c.Recent(ctx, 0); err == nil {
		t.Error("no recent records were asked for")
	}
	for _, r := range org.Requests() {
		t.Errorf("%s %s was sent", r.Method, r.Path)
	}
}

func second(_ []salesforce.SaveResult, err error) error { return err }

func TestTheOrgInOverview(t *testing.T) {
	c, _ := practice(t)
	objects, err := c.Objects(t.Context())
	byName := map[string]salesforce.Object{}
	for _, o := range objects {
		byName[o.Name] = o
	}
	if contact := byName["Contact"]; err != nil || contact.KeyPrefix != "003" || !contact.Createable || contact.LabelPlural != "Contacts" {
		t.Errorf("%+v %v", contact, err)
	}
	id, err := c.Create(t.Context(), "Contact", map[string]any{"LastName": "Seen"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	recent, err := c.Recent(t.Context(), 1)
	if err != nil || len(recent) != 1 || recent[0].ID() != id || recent[0].Type() != "Contact" || recent[0].Str("Name") != "Seen" {
		t.Errorf("%v %v", recent, err)
	}
	limits, err := c.Limits(t.Context())
	if daily := limits["DailyApiRequests"]; err != nil || daily.Max != c.Budget().Max || daily.Remaining != daily.Max-c.Budget().Used {
		t.Errorf("%+v, the header says %+v, %v", daily, c.Budget(), err)
	}
}
