package salesforce

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

// The replies have the shapes of the REST API's documentation (v67.0), keys that nobody here reads included.
func TestDocumentedRepliesAreReadAsTheyAreMeant(t *testing.T) {
	const (
		contact = "003D000000IRFmaIAH"
		account = "001D000000IRFmaIAH"
		task    = "00TD000000IRFmaIAH"
	)
	for name, tc := range map[string]struct {
		status int
		reply  string
		read   func(t *testing.T, c *Client) []any // pairs: got, want
	}{
		"query": {200, `{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v68.0/query/01gD0000002HU6KIAW-2000","records":[
			{"attributes":{"type":"Contact","url":"/services/data/v68.0/sobjects/Contact/` + contact + `"},"Name":"Ann","Account":{"attributes":{"type":"Account","url":"/services/data/v68.0/sobjects/Account/` + account + `"},"Name":"Acme"},"Tasks":null}]}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Query(t.Context(), Select("Name", "Account.Name").From("Contact"))
				if err != nil {
					t.Fatal(err)
				}
				return []any{r.TotalSize, 3, r.Done, false, r.Next, "/services/data/v68.0/query/01gD0000002HU6KIAW-2000", r.Records[0].ID(), contact,
					r.Records[0].Str("Account.Name"), "Acme", r.Records[0].Value("Tasks"), nil, r.Records[0].Str("Account.Owner.Name"), ""}
			}},
		"search": {200, `{"searchRecords":[{"attributes":{"type":"Account","url":"/services/data/v68.0/sobjects/Account/` + account + `"},"Id":"` + account + `"},{"attributes":{"type":"Contact","url":"/services/data/v68.0/sobjects/Contact/` + contact + `"},"Id":"` + contact + `"}]}`,
			func(t *testing.T, c *Client) []any {
				digits, _ := Digits("4155551212")
				r, err := c.Search(t.Context(), Find(digits).In("PHONE").Returning("Contact", []Ident{"Id"}, Cond{}, 5))
				if err != nil {
					t.Fatal(err)
				}
				return []any{len(r), 2, r[0].Type(), "Account", r[1].ID(), contact}
			}},
		"composite, one refused": {200, `{"compositeResponse":[{"body":{"id":"` + account + `","success":true,"errors":[]},"httpHeaders":{"Location":"/services/data/v68.0/sobjects/Account/` + account + `"},"httpStatusCode":201,"referenceId":"a"},
			{"body":[{"message":"Email: invalid email address: Not a real email address","errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"b"}]}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Composite(t.Context(), false, SubCreate("a", "Account", nil), SubCreate("b", "Contact", nil))
				if err != nil {
					t.Fatal(err)
				}
				var made SaveResult
				var refused *APIError
				return []any{r[0].Into(&made), nil, made.ID, account, errors.As(r[1].Err(), &refused), true, refused.Fields[0], "Email", KindOf(r[1].Err()), KindValidation}
			}},
		"composite, taken back": {200, `{"compositeResponse":[{"body":[{"errorCode":"PROCESSING_HALTED","message":"The transaction was rolled back since another operation in the same transaction failed."}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"a"},
			{"body":[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"b"}]}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Composite(t.Context(), true, SubCreate("a", "Account", nil), SubCreate("b", "Contact", nil))
				if err != nil {
					t.Fatal(err)
				}
				return []any{r[0].Err() != nil, true, KindOf(r[1].Err()), KindValidation}
			}},
		"collection, one refused": {200, `[{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[]}]},{"id":"` + contact + `","success":true,"errors":[]}]`,
			func(t *testing.T, c *Client) []any {
				r, err := c.CreateMany(t.Context(), "Contact", []map[string]any{{"LastName": "a"}, {"LastName": "b"}}, false)
				if err != nil {
					t.Fatal(err)
				}
				return []any{KindOf(r[0].Err()), KindDuplicates, r[1].Err(), nil, r[1].ID, contact}
			}},
		"collection, taken back": {200, `[{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back because not all records were valid and the request was using AllOrNone header","fields":[]}]}]`,
			func(t *testing.T, c *Client) []any {
				r, err := c.CreateMany(t.Context(), "Contact", []map[string]any{{"LastName": "a"}}, true)
				if err != nil {
					t.Fatal(err)
				}
				return []any{r[0].Err() != nil, true, r[0].ID, ""}
			}},
		"many records, one gone": {200, `[{"attributes":{"type":"Contact","url":"/services/data/v68.0/sobjects/Contact/` + contact + `"},"Id":"` + contact + `"},null]`,
			func(t *testing.T, c *Client) []any {
				r, err := c.GetMany(t.Context(), "Contact", []string{contact, account}, "Id")
				if err != nil {
					t.Fatal(err)
				}
				return []any{r[0].ID(), contact, r[1] == nil, true}
			}},
		"upsert, created": {201, `{"id":"` + task + `","success":true,"errors":[],"created":true}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Upsert(t.Context(), "Task", "Key__c", "k", nil, false)
				return []any{err, nil, r.Created, true, r.ID, task}
			}},
		"create": {201, `{"id":"` + task + `","success":true,"errors":[]}`,
			func(t *testing.T, c *Client) []any {
				id, err := c.Create(t.Context(), "Task", map[string]any{"Subject": "x"}, nil)
				return []any{err, nil, id, task}
			}},
		"create, refused": {400, `[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]`,
			func(t *testing.T, c *Client) []any {
				_, err := c.Create(t.Context(), "Account", map[string]any{"Phone": "x"}, nil)
				var refused *APIError
				return []any{errors.As(err, &refused), true, refused.Fields[0], "Name", KindOf(err), KindValidation}
			}},
		"read": {200, `{"attributes":{"type":"Task","url":"/services/data/v68.0/sobjects/Task/` + task + `"},"Id":"` + task + `","Subject":"x","CallDurationInSeconds":187,"WhoId":null}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Get(t.Context(), "Task", task, "Subject")
				return []any{err, nil, r.Type(), "Task", r.ID(), task, r.Str("Subject"), "x", r.Value("WhoId"), nil}
			}},
		"update, delete": {204, ``,
			func(t *testing.T, c *Client) []any {
				return []any{c.Update(t.Context(), "Task", task, map[string]any{"Subject": "y"}, time.Time{}), nil, c.Delete(t.Context(), "Task", task), nil}
			}},
		"upsert, there already": {200, `{"id":"` + task + `","success":true,"errors":[],"created":false}`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Upsert(t.Context(), "Task", "Key__c", "k", nil, true)
				return []any{err, nil, r.Created, false, r.ID, task}
			}},
		"collection upsert": {200, `[{"id":"` + task + `","success":true,"errors":[],"created":true},{"success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"Contact ID: id value of incorrect type: 001xx0000038DRtAAM","fields":["Id"]}]}]`,
			func(t *testing.T, c *Client) []any {
				r, err := c.UpsertMany(t.Context(), "Task", "Key__c", []map[string]any{{"Key__c": "a"}, {"Key__c": "b"}}, false)
				if err != nil {
					t.Fatal(err)
				}
				return []any{r[0].ID, task, r[0].Created, true, KindOf(r[1].Err()), KindReference}
			}},
		"collection update and delete": {200, `[{"id":"` + contact + `","success":true,"errors":[]},{"id":"` + task + `","success":true,"errors":[]}]`,
			func(t *testing.T, c *Client) []any {
				u, err := c.UpdateMany(t.Context(), "Task", []map[string]any{{"Id": contact}, {"Id": task}}, false)
				if err != nil {
					t.Fatal(err)
				}
				d, err := c.DeleteMany(t.Context(), []string{contact, task}, false)
				return []any{err, nil, u[1].ID, task, d[0].Err(), nil}
			}},
		"describe": {200, `{"activateable":false,"createable":true,"custom":false,"fields":[{"aggregatable":true,"createable":true,"defaultValue":null,"externalId":true,"filterable":true,"idLookup":true,"label":"Call key","length":255,"name":"Key__c","nillable":true,"picklistValues":[],"restrictedPicklist":false,"type":"string","unique":true,"updateable":true},
			{"createable":true,"label":"Status","length":255,"name":"Status","picklistValues":[{"active":true,"defaultValue":false,"label":"Completed","validFor":null,"value":"Completed"}],"restrictedPicklist":false,"type":"picklist","unique":false,"updateable":true}],"keyPrefix":"00T","label":"Task","name":"Task","updateable":true}`,
			func(t *testing.T, c *Client) []any {
				d, err := c.Describe(t.Context(), "Task")
				if err != nil {
					t.Fatal(err)
				}
				k, ok := d.Field("Key__c")
				s, _ := d.Field("Status")
				return []any{ok, true, k.Unique, true, k.ExternalID, true, k.Length, 255, d.Createable, true, len(s.Picklist), 1}
			}},
		"upsert, several": {300, `["/services/data/v68.0/sobjects/Task/00TD000000IRFmaIAH","/services/data/v68.0/sobjects/Task/00TD000000IRFmbIAH"]`,
			func(t *testing.T, c *Client) []any {
				_, err := c.Upsert(t.Context(), "Task", "Key__c", "k", nil, false)
				var several *APIError
				return []any{errors.As(err, &several), true, several.Status, 300}
			}},
		"conditional update": {412, `[{"message":"The record has been modified since the client retrieved it.","errorCode":"PRECONDITION_FAILED"}]`,
			func(t *testing.T, c *Client) []any {
				return []any{KindOf(c.Update(t.Context(), "Contact", contact, nil, time.Unix(1, 0))), KindConflict}
			}},
		"compact layout": {200, `{"actions":[{"behavior":null,"colors":null,"content":null,"encoding":null,"height":null,"icons":null,"label":"Call","menu":false,"name":"CallHighlightAction","overridden":false,"url":null,"width":null,"windowPosition":null}],
			"fieldItems":[{"editableForNew":true,"editableForUpdate":true,"label":"Account Name","layoutComponents":[{"components":[],"details":{"autoNumber":false,"label":"Account Name"},"displayLines":1,"tabOrder":2,"type":"Field","value":"Name"}],"placeholder":false,"required":false},
			{"editableForNew":true,"editableForUpdate":true,"label":"Phone","layoutComponents":[{"details":{"label":"Account Phone"},"displayLines":1,"tabOrder":3,"type":"Field","value":"Phone"},{"details":null,"displayLines":1,"tabOrder":4,"type":"Separator","value":", "}],"placeholder":false,"required":false}],
			"id":"0AHD000000000AbOAI","imageItems":null,"label":"Custom Account Compact Layout","name":"Custom_Account_Compact_Layout","objectType":"Account"}`,
			func(t *testing.T, c *Client) []any {
				l, err := c.CompactLayout(t.Context(), "Account")
				if err != nil {
					t.Fatal(err)
				}
				return []any{len(l.Items), 2, l.Items[1].Label, "Phone", l.Items[1].Fields[0], "Phone", len(l.Items[1].Fields), 1}
			}},
		"limits": {200, `{"DailyApiRequests":{"Max":15000,"Remaining":14998,"Dataloader Bulk":{"Max":0,"Remaining":0}},"PermissionSets":{"Max":1500,"Remaining":1499,"CreateCustom":{"Max":1000,"Remaining":999}}}`,
			func(t *testing.T, c *Client) []any {
				l, err := c.Limits(t.Context())
				return []any{err, nil, l["DailyApiRequests"], Limit{15000, 14998}, l["PermissionSets"].Max, 1500}
			}},
		"recent": {200, `[{"attributes":{"type":"Account","url":"/services/data/v68.0/sobjects/Account/` + account + `"},"Name":"Acme","Id":"` + account + `"}]`,
			func(t *testing.T, c *Client) []any {
				r, err := c.Recent(t.Context(), 2)
				if err != nil {
					t.Fatal(err)
				}
				return []any{r[0].Type(), "Account", r[0].Str("Name"), "Acme", r[0].ID(), account}
			}},
		"objects": {200, `{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"activateable":false,"createable":true,"custom":false,"keyPrefix":null,"label":"Account","labelPlural":"Accounts","layoutable":true,"name":"Account","queryable":true,"searchable":true,"updateable":true,"urls":{"describe":"/services/data/v68.0/sobjects/Account/describe"}}]}`,
			func(t *testing.T, c *Client) []any {
				o, err := c.Objects(t.Context())
				return []any{err, nil, o[0].Name, "Account", o[0].KeyPrefix, "", o[0].Layoutable, true}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Content-Type", "application/json;charset=UTF-8")
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.reply)
			})
			pairs := tc.read(t, s.client(t, nil))
			for i := 0; i+1 < len(pairs); i += 2 {
				if pairs[i] != pairs[i+1] {
					t.Errorf("%d: got %v, want %v", i/2+1, pairs[i], pairs[i+1])
				}
			}
		})
	}
}
