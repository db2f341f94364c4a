package emulator

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestALoadIsAllOrNothingInEveryForm(t *testing.T) {
	for where, path := range map[string]string{"memory": "", "file": filepath.Join(t.TempDir(), "org.db")} {
		t.Run(where, func(t *testing.T) {
			o := newOrg(t, func(opt *Options) { opt.Data = &Data{}; opt.File = path })
			for _, tc := range []struct {
				name, text string
				n          int
				complaint  string
			}{
				{"Contact.csv", "\ufeffFirstName,LastName,Phone,Email\nEmma,Woodhouse,01632 960101,\n\"Jane, too\",Fairfax,,jane@highbury.example\n", 2, ""},
				{"accounts.json", `{"records":[{"attributes":{"type":"Account","referenceId":"a"},"Name":"Highbury"},{"attributes":{"type":"Contact"},"LastName":"Bates","AccountId":"@a"}]}`, 2, ""},
				{"array.json", ` [ {"attributes":{"type":"Account"},"Name":"One"}, {"attributes":{"type":"Account"},"Name":"Two"} ]`, 2, ""},
				{"lines.ndjson", "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"Three\"}\n{\"attributes\":{\"type\":\"Account\"},\"Name\":\"Four\"}\n", 2, ""},
				{"Contact.csv", "FirstName,LastName\nA,B\nC,\n", 0, "record 2 of Contact.csv: REQUIRED_FIELD_MISSING"},
				{"Contact.csv", "FirstName,LastName\nA,B\nC\n", 0, "record 2 of Contact.csv"},
				{"Contact.csv", "FirstName,Nope\nA,B\n", 0, "No such column 'Nope'"},
				{"Contact.csv", "Account.Name\nA\n", 0, "a column is a field"},
				{"Contact.csv", "", 0, "no header"},
				{"Contact.csv", "LastName\n", 0, "holds no records"},
				{"Nope.csv", "Name\nA\n", 0, `no object "Nope"`},
				{"x.json", `[{"attributes":{"type":"Account"},"Name":"Five"}, 7]`, 0, "record 2 of x.json: it is not an object"},
				{"x.json", `[{"attributes":{"type":"Account"},"Name":"Five"}`, 0, "record 2 of x.json: it is not JSON"},
				{"x.json", `[{"attributes":{"type":"Contact"},"LastName":"x","AccountId":"@later"}]`, 0, "does not come before"},
				{"x.json", ``, 0, "holds no records"},
			} {
				before := len(o.Records("Account", false)) + len(o.Records("Contact", false))
				n, err := o.Load(t.Context(), tc.name, strings.NewReader(tc.text), nil)
				if n != tc.n || (err == nil) != (tc.complaint == "") || err != nil && !strings.Contains(err.Error(), tc.complaint) {
					t.Errorf("%s %q: %d records, %v; want %d, %q", tc.name, tc.text, n, err, tc.n, tc.complaint)
				}
				if after := len(o.Records("Account", false)) + len(o.Records("Contact", false)); after != before+tc.n {
					t.Errorf("%s %q: %d records became %d", tc.name, tc.text, before, after)
				}
			}
			if got := found(o.sosl("FIND {01632960101} IN PHONE FIELDS RETURNING Contact(LastName)")); got != "Contact Woodhouse" {
				t.Errorf("search for what was loaded: %q", got)
			}
			q := o.soql("SELECT Account.Name FROM Contact WHERE LastName = 'bates'").object()["records"].([]any)
			if len(q) != 1 || q[0].(map[string]any)["Account"].(map[string]any)["Name"] != "Highbury" {
				t.Errorf("the reference of a loaded record: %v", q)
			}
			o.create("Contact", map[string]any{"LastName": "After"})
		})
	}
}

func FuzzSeeds(f *testing.F) {
	f.Add("Contact.csv", []byte("FirstName,LastName\nA,B\n"))
	f.Add("x.json", []byte(`{"records":[{"attributes":{"type":"Account","referenceId":"a"},"Name":"Highbury"}]}`))
	f.Add("x.json", []byte(`[{"attributes":{"type":"Task"},"CallDurationInSeconds":1e300}]`))
	f.Add("x.json", []byte("\xef\xbb\xbf{\"attributes\":{\"type\":\"User\"},\"Username\":\"alex.agent@offhook.example\",\"IsActive\":null}"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		s, err := New(Options{Data: &Data{}, Clock: newClock().Now})
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.Records("Account", false))
		if n, err := s.Load(t.Context(), name, strings.NewReader(string(text)), nil); err != nil && (n != 0 || len(s.Records("Account", false)) != before) {
			t.Fatalf("%v, but %d records", err, n)
		}
		if s.Credentials().AccessToken == "" {
			t.Fatal("nobody can sign in any more")
		}
	})
}
