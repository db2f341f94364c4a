package emulator

import (
	"slices"
	"strings"
	"testing"
)

func TestDescribeTellsWhatTheWritesEnforce(t *testing.T) {
	o := bareOrg(t)
	d := o.do("GET", v+"/sobjects/Task/describe", nil).want(200).object()
	if d["name"] != "Task" || d["keyPrefix"] != "00T" || d["createable"] != true || d["labelPlural"] != "Tasks" {
		t.Errorf("describe %v", d["name"])
	}
	fields := make(map[string]m)
	for _, f := range d["fields"].([]any) {
		fields[f.(m)["name"].(string)] = f.(m)
	}
	for name, want := range map[string]m{
		"TaskSubtype":           {"createable": true, "updateable": false, "restrictedPicklist": true, "type": "picklist"},
		"CallType":              {"createable": true, "updateable": true, "restrictedPicklist": true},
		"CallObject":            {"filterable": true, "length": 255.0, "type": "string"},
		"CallDurationInSeconds": {"type": "int", "soapType": "xsd:int", "createable": true},
		"Description":           {"filterable": false, "length": 32000.0, "type": "textarea"},
		"IsClosed":              {"createable": false, "updateable": false, "type": "boolean", "nillable": false},
		"CompletedDateTime":     {"createable": false, "type": "datetime"},
		"ActivityDate":          {"type": "date"},
		"WhoId":                 {"type": "reference", "relationshipName": "Who", "polymorphicForeignKey": true},
		"AccountId":             {"createable": false, "relationshipName": "Account"},
		"Status":                {"nillable": false, "defaultValue": "Not Started", "restrictedPicklist": false},
		CallKeyField:            {"externalId": true, "unique": true, "idLookup": true, "custom": true, "createable": true},
		"Id":                    {"type": "id", "soapType": "tns:ID", "createable": false, "idLookup": true},
	} {
		for k, x := range want {
			if fields[name][k] != x {
				t.Errorf("%s.%s is %v, want %v", name, k, fields[name][k], x)
			}
		}
	}
	var values []string
	for _, p := range fields["CallType"]["picklistValues"].([]any) {
		values = append(values, p.(m)["value"].(string))
	}
	if !slices.Equal(values, []string{"Internal", "Inbound", "Outbound"}) {
		t.Errorf("CallType offers %q", values)
	}
}

func TestEveryObjectCanBeDescribedAndRead(t *testing.T) {
	o := bareOrg(t)
	g := o.do("GET", v+"/sobjects", nil).want(200).object()
	if g["encoding"] != "UTF-8" || g["maxBatchSize"] != 200.0 {
		t.Errorf("global describe %v %v", g["encoding"], g["maxBatchSize"])
	}
	var all []string
	for _, s := range g["sobjects"].([]any) {
		s := s.(m)
		name := s["name"].(string)
		all = append(all, name)
		var fields []string
		for _, f := range o.do("GET", s["urls"].(m)["describe"].(string), nil).want(200).object()["fields"].([]any) {
			fields = append(fields, f.(m)["name"].(string))
		}
		o.soql("SELECT " + strings.Join(fields, ",") + " FROM " + name + " LIMIT 1").want(200)
		if u, has := s["urls"].(m)["layouts"].(string); has {
			o.do("GET", u, nil).want(200)
			o.do("GET", s["urls"].(m)["compactLayouts"].(string)+"/primary", nil).want(200)
		}
	}
	for _, want := range []string{"Account", "Contact", "Lead", "Case", "Opportunity", "Task", "User", "Campaign", "CampaignMember", "CampaignMemberStatus", "TaskStatus", "Organization", "ScratchOrgInfo", "CallCenter"} {
		if !slices.Contains(all, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// layoutFields are the API names of a compact layout.
func layoutFields(layout m) []string {
	var out []string
	for _, it := range layout["fieldItems"].([]any) {
		c := it.(m)["layoutComponents"].([]any)[0].(m)
		if c["type"] == "Field" && c["details"].(m)["name"] == c["value"] {
			out = append(out, c["value"].(string))
		}
	}
	return out
}

func TestCompactLayoutsNameTheFieldsOfACard(t *testing.T) {
	o := bareOrg(t)
	many := o.do("GET", v+"/compactLayouts?q=Account,Contact,Lead", nil).want(200).object()
	if len(many) != 3 {
		t.Fatalf("%d layouts", len(many))
	}
	want := []string{"Name", "Title", "AccountId", "Phone", "MobilePhone", "Email"}
	if got := layoutFields(many["Contact"].(m)); !slices.Equal(got, want) {
		t.Errorf("Contact shows %q", got)
	}
	list := o.do("GET", v+"/sobjects/Contact/describe/compactLayouts", nil).want(200).object()
	first := list["compactLayouts"].([]any)[0].(m)
	mapping := list["recordTypeCompactLayoutMappings"].([]any)[0].(m)
	if list["defaultCompactLayoutId"] != first["id"] || mapping["compactLayoutId"] != first["id"] || list["urls"].(m)["primary"] != v+"/sobjects/Contact/describe/compactLayouts/primary" {
		t.Errorf("compact layouts %v", list)
	}
}

func TestThePageLayoutMarksWhatIsRequired(t *testing.T) {
	o := newOrg(t, func(opt *Options) { opt.Data, opt.Without = &Data{}, []string{"Lead.Title"} })
	l := o.do("GET", v+"/sobjects/Lead/describe/layouts", nil).want(200).object()["layouts"].([]any)[0].(m)
	required := make(map[string]bool)
	for _, row := range l["editLayoutSections"].([]any)[0].(m)["layoutRows"].([]any) {
		it := row.(m)["layoutItems"].([]any)[0].(m)
		required[it["layoutComponents"].([]any)[0].(m)["value"].(string)] = it["required"].(bool)
	}
	if !required["LastName"] || !required["Company"] || required["Phone"] {
		t.Errorf("required: %v", required)
	}
	if _, has := required["Title"]; has {
		t.Error("a field that was taken away is still on the layout")
	}
}
