package selftest

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/lacks"
	"offhook/crm/layout"
	"offhook/crm/salesforce"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

// everything is what settings that use all of offhook want.
func everything() Wants {
	l := layout.Default()
	return Wants{Task: crm.TaskSettings{Status: "Completed", Statuses: map[string]string{"missed": "Deferred"}, Map: []crm.FieldMap{{Value: "Notes", Field: "Call_Id__c"}}},
		Mapped: []string{"Call_Id__c"}, Layout: &l, NoMatch: "Lead", Campaigns: true, LeadObject: "Lead", LeadKey: "Remote_Id__c", Voice: true, Attach: true, Person: true, Settled: "68.0"}
}

func ids(s checkup.Section) (out []string) {
	for _, f := range s.Findings {
		out = append(out, f.ID)
	}
	slices.Sort(out)
	return out
}

// breakage is one way to break an org, and exactly what doctor says of it.
type breakage struct {
	name  string
	org   func(w *world)
	wants func(x *Wants)
	want  []string // ids of findings; none: nothing
	say   string   // stands in the first finding
}

func without(names ...string) func(w *world) {
	return func(w *world) {
		set := w.Settings()
		set.Without = names
		must(w.t, w.SetSettings(set))
	}
}

func fault(f emulator.Fault) func(w *world) {
	return func(w *world) { must(w.t, w.SetFault(f)) }
}

func says(change func(string, map[string]any)) func(w *world) {
	return func(w *world) { w.says(change) }
}

func breakages() []breakage {
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	user := func(key string, v any) func(string, map[string]any) {
		return func(path string, m map[string]any) {
			if strings.HasSuffix(path, "/userinfo") {
				m[key] = v
			}
		}
	}
	rows := func(object string, change func(r map[string]any)) func(string, map[string]any) {
		return func(path string, m map[string]any) {
			list, _ := m["records"].([]any)
			for _, r := range list {
				if r := r.(map[string]any); r["attributes"].(map[string]any)["type"] == object {
					change(r)
				}
			}
		}
	}
	return []breakage{
		{"a healthy org", nil, nil, nil, ""},
		{"an org that was never settled", nil, func(x *Wants) { x.Settled = "" }, []string{"answers.none"}, "not settled"},
		{"an org that was settled long ago", nil, func(x *Wants) { x.Settled = "66.0" }, []string{"answers.old"}, "v66.0"},
		{"a settings file that wants nothing special", nil, func(x *Wants) { *x = Wants{Settled: "68.0"} }, nil, ""},

		{"a search that keeps numbers as they are typed", nil, func(x *Wants) { x.Strict = true }, []string{"search.strict"}, "as they are typed"},
		{"the same with a scan", nil, func(x *Wants) { x.Strict, x.Scan = true, []string{"Contact"} }, nil, ""},

		{"no network", func(w *world) { w.fail = errors.New("no route to host") }, nil, []string{"net.unreachable"}, "no route to host"},
		{"a proxy that opens TLS", func(w *world) { w.fail = x509.UnknownAuthorityError{} }, nil, []string{"net.tls"}, "certificate"},
		{"an org that is down", fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/"}), nil, []string{"net.unreachable"}, "503"},
		{"nobody signed in", func(w *world) { w.sf = w.client(salesforce.Token{}) }, nil, []string{"signin.none"}, "Nobody"},
		{"a sign-in that has ended", func(w *world) {
			must(w.t, w.SetFault(emulator.Fault{Kind: emulator.FaultSession}))
			tok := w.token("api")
			tok.Access, tok.Refresh = "00Dgone", "gone"
			w.sf = w.client(tok)
		}, nil, []string{"signin.refused"}, "expired or was revoked"},
		{"a sign-in of another org", func(w *world) { w.sf = w.client(foreign(w)) }, nil, []string{"signin.refused"}, "another login_url"},
		{"a token for a foreign host", func(w *world) {
			tok := w.token("api")
			tok.Instance = "https://evil.example.com"
			w.sf = w.client(tok)
		}, nil, []string{"net.host"}, "evil.example.com"},
		{"a sign-in without api", func(w *world) { w.sf = w.client(w.token("refresh_token id")) }, nil, []string{"signin.scope"}, "scope api"},
		{"a sign-in without refresh", func(w *world) { w.sf = w.client(w.token("api id")) }, nil, []string{"signin.scope"}, "refresh_token"},
		{"a user who was deactivated", says(user("active", false)), nil, []string{"user.inactive"}, "alex.agent@offhook.example"},
		{"an API that is off", fault(emulator.Fault{Kind: emulator.FaultAPIError, Status: 403, Code: "API_DISABLED_FOR_ORG", Message: "API is not enabled for this Organization or Partner"}),
			nil, []string{"api.disabled"}, "switched off"},
		{"a session that may not use REST", fault(emulator.Fault{Kind: emulator.FaultSession, Times: 99, Message: "This session is not valid for use with the REST API"}),
			nil, []string{"api.disabled"}, "switched off"},
		{"API calls used up", fault(emulator.Fault{Kind: emulator.FaultLimit}), nil, []string{"api.limit"}, "used up"},
		{"API calls nearly used up", func(w *world) {
			w.header = func(h http.Header) { h.Set("Sforce-Limit-Info", "api-usage=850/1000") }
		}, nil, []string{"api.budget"}, "85 %"},
		{"an org that fails in the middle", fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/sobjects/Task/describe"}), nil, []string{"net.unreachable"}, "503"},
		{"API calls that end in the middle", fault(emulator.Fault{Kind: emulator.FaultLimit, Path: "/sobjects/Lead/describe"}), nil, []string{"api.limit"}, "used up"},
		{"statuses that cannot be asked for", fault(emulator.Fault{Kind: emulator.FaultError, Path: "/query", Object: "TaskStatus"}), nil, []string{"net.unreachable"}, "500"},
		{"a clock that is late", nil, func(x *Wants) { x.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) } }, []string{"clock.skew"}, "behind"},
		{"a clock that is early, with a key", nil, func(x *Wants) { x.Now, x.ByKey = func() time.Time { return time.Now().Add(10 * time.Minute) }, true },
			[]string{"clock.key"}, "ahead of"},
		{"a user in no call centre", says(rows("User", set("CallCenterId", nil))), nil, []string{"centre.none"}, "no call centre"},
		{"an org without call centres", without("User.CallCenterId"), nil, []string{"centre.unknown"}, "cannot be read"},

		{"Tasks hidden", without("Task"), nil, []string{"task.hidden"}, "may not see Tasks"},
		{"Tasks that may be read only", says(describing("Task", set("createable", false))), nil, []string{"task.create"}, "may not create"},
		{"CallType hidden", without("Task.CallType"), nil, []string{"task.call_field"}, "CallType"},
		{"CallDurationInSeconds read-only", says(fieldOf("Task", "CallDurationInSeconds", set("createable", false))), nil, []string{"task.call_field"}, "CallDurationInSeconds"},
		{"CallObject hidden", without("Task.CallObject"), nil, []string{"task.call_field"}, "CallObject"},
		{"CallDisposition hidden", without("Task.CallDisposition"), nil, []string{"task.call_field"}, "CallDisposition"},
		{"no licence for call centres", without("Task.CallType", "Task.CallObject", "Task.CallDurationInSeconds", "Task.CallDisposition"), nil,
			[]string{"task.call_field", "task.call_field", "task.call_field", "task.call_field"}, "CallType"},
		{"Type hidden", without("Task.Type"), nil, []string{"task.field"}, "Type"},
		{"TaskSubtype hidden", without("Task.TaskSubtype"), nil, []string{"task.field"}, "TaskSubtype"},
		{"Priority hidden", without("Task.Priority"), nil, []string{"task.field"}, "Priority"},
		{"the key field hidden", without("Task.Offhook_Call_Key__c"), nil, []string{"key.missing"}, "Offhook_Call_Key__c"},
		{"no field of the package installed", func(w *world) {
			set := w.Settings()
			set.CallKey = false
			must(w.t, w.SetSettings(set))
		}, nil, []string{"fields.package", "key.missing"}, "Offhook_Call_Key__c"},
		{"the key not unique", says(fieldOf("Task", crm.KeyField, set("unique", false))), nil, []string{"key.unique"}, "not unique"},
		{"the key no external id", says(fieldOf("Task", crm.KeyField, set("externalId", false))), nil, []string{"key.external"}, "no external id"},
		{"the key too short", says(fieldOf("Task", crm.KeyField, set("length", 30))), nil, []string{"key.short"}, "holds 30"},
		{"one field of the package hidden", without("Task.Offhook_Reason__c"), nil, []string{"fields.package"}, "1 of the 19 fields"},
		{"a mapped field that is not there", nil, func(x *Wants) { x.Task.Map[0].Field = "Nope__c" }, []string{"map.field"}, "Nope__c"},
		{"a field of sip.data that is not there", nil, func(x *Wants) { x.Mapped = []string{"Gone__c"} }, []string{"data.field"}, "Gone__c"},
		{"a status that does not close", nil, func(x *Wants) { x.Task.Status = "In Progress" }, []string{"status.setting"}, "In Progress"},
		{"a status that is not there", nil, func(x *Wants) { x.Task.Statuses["missed"] = "Later" }, []string{"status.action"}, "Later for missed"},
		{"no closed status", says(rows("TaskStatus", set("IsClosed", false))), nil, []string{"status.closed"}, "No status closes"},
		{"statuses hidden", without("TaskStatus"), nil, []string{"status.unknown"}, "cannot be read"},

		{"Contacts hidden", without("Contact"), nil, []string{"object.hidden"}, "Contact"},
		{"Leads hidden", without("Lead"), func(x *Wants) { x.LeadKey = "" }, []string{"object.hidden"}, "Lead"},
		{"all customers hidden", without("Contact", "Lead", "Account"), func(x *Wants) { x.LeadKey = "" }, []string{"lookup.none"}, "Contact, Lead, Account"},
		{"no phone on accounts", says(describing("Account", func(d map[string]any) {
			for _, f := range d["fields"].([]any) {
				if f := f.(map[string]any); f["type"] == "phone" {
					f["type"] = "string"
				}
			}
		})), nil, []string{"object.phone"}, "Account"},
		{"Leads that may not be created", says(describing("Lead", set("createable", false))), nil, []string{"object.create"}, "may not create Lead"},
		{"another object for unknown callers", says(describing("Case", set("createable", false))), func(x *Wants) { x.NoMatch, x.Layout = "Case", nil }, []string{"object.create"}, "Case"},
		{"a compact layout that cannot be read", fault(emulator.Fault{Kind: emulator.FaultAPIError, Status: 404, Code: "NOT_FOUND", Path: "Contact/describe/compactLayouts"}), nil,
			[]string{"object.compact"}, "Contact"},
		{"a field of the layout that is not there", nil, func(x *Wants) {
			x.Layout.Inbound.Objects[0].Fields = append(x.Layout.Inbound.Objects[0].Fields, layout.Field{Name: "Shoe_Size__c", Label: text.Clean("Shoes")})
		}, []string{"layout.field"}, "Contact.Shoe_Size__c"},
		{"Cases hidden", without("Case"), nil, []string{"case.hidden"}, "Cases"},
		{"records of calls that may not be made", says(describing("Case", set("createable", false))), func(x *Wants) { x.Creates = []string{"Lead", "Case"} }, []string{"create.object"}, "Case"},
		{"no marketing licence", without("CampaignMember"), nil, []string{"campaign.hidden"}, "Campaign Members"},
		{"campaigns hidden", without("Campaign"), nil, []string{"campaign.hidden"}, "Campaigns"},
		{"members that may not be changed", says(fieldOf("CampaignMember", "Status", set("updateable", false))), nil, []string{"campaign.update"}, "change campaign members"},
		{"statuses that may not be added", nil, func(x *Wants) { x.NewStatuses = true }, []string{"campaign.status"}, "add a status"},
		{"campaigns hidden where nobody wants them", without("Campaign", "CampaignMember"), func(x *Wants) { x.Campaigns = false }, nil, ""},
		{"a lead key that is no external id", nil, func(x *Wants) { x.LeadKey = "Company" }, []string{"lead.key"}, "Company"},
		{"no voice calls", without("VoiceCall"), nil, []string{"voice.off"}, "may not see them"},
		{"voice calls without the permission", says(describing("VoiceCall", set("createable", false))), nil, []string{"voice.off"}, "permission set"},
		{"no uploads", says(describing("ContentVersion", set("createable", false))), nil, []string{"attach.off"}, "upload"},
	}
}

func (w *world) client(t salesforce.Token) *salesforce.Client {
	sf, err := salesforce.New(salesforce.Options{App: w.app(), Store: salesforce.NewMemoryStore(t), Tries: 1})
	must(w.t, err)
	w.t.Cleanup(sf.Close)
	return sf
}

func foreign(w *world) salesforce.Token {
	t := w.token("api")
	t.LoginURL, t.ClientID = "https://test.salesforce.com", "another"
	return t
}

func TestEveryWayToBreakAnOrgIsToldInItsOwnLineAndNothingElseIs(t *testing.T) {
	met := map[string]bool{}
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			wants := everything()
			if b.org != nil {
				b.org(w)
			}
			if b.wants != nil {
				b.wants(&wants)
			}
			out := Examine(t.Context(), w.sf, wants)
			if !slices.Equal(ids(out), b.want) {
				for _, f := range out.Findings {
					t.Log(f.ID, f.What, f.Means)
				}
				t.Fatalf("found %q, not %q", ids(out), b.want)
			}
			for _, f := range out.Findings {
				met[f.ID] = true
				if strings.ContainsAny(f.What.String()+f.Means.String(), "{}") || f.Means.Empty() || len(f.Steps) == 0 {
					t.Errorf("%s is not whole: %+v", f.ID, f)
				}
			}
			if b.say != "" && !strings.Contains(out.Findings[0].What.String(), b.say) {
				t.Errorf("%q does not say %q", out.Findings[0].What, b.say)
			}
			var page bytes.Buffer
			must(t, checkup.Print(&page, []checkup.Section{out}))
			for line := range strings.SplitSeq(page.String(), "\n") {
				if n := text.Clean(line).Width(); n > checkup.Width {
					t.Errorf("a line has %d columns: %s", n, line)
				}
			}
		})
	}
	for _, r := range lacks.Rules() { // those that a practice org cannot be broken into are tried elsewhere
		if !met[r.ID] && !slices.Contains([]string{"api.version", "user.agent", "api.refused", "duplicate.rule"}, r.ID) {
			t.Errorf("nothing breaks an org in a way that %s is said", r.ID)
		}
	}
}

func TestDoctorWritesNothing(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	Examine(t.Context(), w.sf, everything())
	calls := 0
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("doctor sent %s %s", r.Method, r.Path)
		}
		calls++
	}
	if calls > 30 {
		t.Errorf("one look cost %d requests", calls)
	}
}

func TestAnAppWithoutItsAgentAndARetiredVersionAreTold(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	for want, o := range map[string]salesforce.Options{"user.agent": {AsApp: true, Agent: "nobody@example.com"}, "api.version": {Version: "99.0"}} {
		o.App, o.Store, o.Tries = w.app(), salesforce.NewMemoryStore(w.token("api refresh_token")), 1
		sf, err := salesforce.New(o)
		must(t, err)
		if out := Examine(t.Context(), sf, everything()); !slices.Equal(ids(out), []string{want}) {
			t.Errorf("%q, not %s: %+v", ids(out), want, out.Findings)
		}
		sf.Close()
	}
}
