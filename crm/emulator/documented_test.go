package emulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// differ names what of the documented shape an answer lacks: a key that is missing, a value of another type. null in the shape stands
// for anything, a list for lists whose elements have the shape of its first. More keys than documented are fine.
func differ(at string, want, got any) (out []string) {
	switch w := want.(type) {
	case nil:
	case map[string]any:
		g, is := got.(map[string]any)
		if !is {
			return []string{fmt.Sprintf("%s is %T, not an object", at, got)}
		}
		for k, v := range w {
			value, there := g[k]
			if !there {
				out = append(out, at+"."+k+" is missing")
				continue
			}
			out = append(out, differ(at+"."+k, v, value)...)
		}
	case []any:
		g, is := got.([]any)
		if !is {
			return []string{fmt.Sprintf("%s is %T, not an array", at, got)}
		}
		if len(w) > 0 && len(g) == 0 {
			return []string{at + " is empty"}
		}
		for i, v := range g {
			if len(w) > 0 {
				out = append(out, differ(fmt.Sprintf("%s[%d]", at, i), w[0], v)...)
			}
		}
	default:
		if a, b := fmt.Sprintf("%T", want), fmt.Sprintf("%T", got); a != b {
			out = append(out, fmt.Sprintf("%s is %s, not %s", at, b, a))
		}
	}
	return out
}

// The shapes are those of the REST API's documentation (v67.0): names and types of the keys.
func TestAnswersHaveTheDocumentedShapes(t *testing.T) {
	const (
		attributes = `"attributes":{"type":"","url":""}`
		saved      = `{"id":"","success":true,"errors":[]}`
		summary    = `"activateable":true,"createable":true,"custom":true,"customSetting":true,"deletable":true,"deprecatedAndHidden":true,"feedEnabled":true,` +
			`"keyPrefix":"","label":"","labelPlural":"","layoutable":true,"mergeable":true,"mruEnabled":true,"name":"","queryable":true,"replicateable":true,` +
			`"retrieveable":true,"searchable":true,"triggerable":true,"undeletable":true,"updateable":true,"urls":{"sobject":"","describe":"","rowTemplate":""}`
		field = `{"aggregatable":true,"autoNumber":true,"byteLength":1,"calculated":true,"calculatedFormula":null,"cascadeDelete":true,"caseSensitive":true,` +
			`"controllerName":null,"createable":true,"custom":true,"defaultValue":null,"defaultValueFormula":null,"defaultedOnCreate":true,"dependentPicklist":true,` +
			`"deprecatedAndHidden":true,"digits":1,"displayLocationInDecimal":true,"encrypted":true,"externalId":true,"extraTypeInfo":null,"filterable":true,` +
			`"filteredLookupInfo":null,"groupable":true,"highScaleNumber":true,"htmlFormatted":true,"idLookup":true,"inlineHelpText":null,"label":"","length":1,` +
			`"mask":null,"maskType":null,"name":"","nameField":true,"namePointing":true,"nillable":true,"permissionable":true,"picklistValues":[],` +
			`"polymorphicForeignKey":true,"precision":1,"queryByDistance":true,"referenceTargetField":null,"referenceTo":[],"relationshipName":null,` +
			`"relationshipOrder":null,"restrictedDelete":true,"restrictedPicklist":true,"scale":1,"searchPrefilterable":true,"soapType":"","sortable":true,` +
			`"type":"","unique":true,"updateable":true,"writeRequiresMasterRead":true}`
		item = `{"editableForNew":true,"editableForUpdate":true,"label":"","layoutComponents":[{"details":{"label":"","name":"","type":""},"displayLines":1,` +
			`"tabOrder":1,"type":"","value":""}],"placeholder":true,"required":true}`
		compact = `{"actions":[],"fieldItems":[` + item + `],"id":"","imageItems":[],"label":"","name":"","objectType":""}`
	)
	o := newOrg(t)
	fred := o.storyID("Contact", "Fred Bloggs")
	q := func(s string) string { return url.QueryEscape(s) }
	create := map[string]any{"LastName": "x"}
	bad := map[string]any{"FirstName": "x"}
	sub := func(ref string, body any) map[string]any {
		return map[string]any{"method": "POST", "url": v + "/sobjects/Contact", "referenceId": ref, "body": body}
	}
	typed := func(body map[string]any) map[string]any {
		m := map[string]any{"attributes": map[string]any{"type": "Contact"}}
		for k, val := range body {
			m[k] = val
		}
		return m
	}
	for name, tc := range map[string]struct {
		method, path string
		body         any
		status       int
		shape        string
	}{
		"versions":           {"GET", "/services/data", nil, 200, `[{"label":"","url":"","version":""}]`},
		"resources":          {"GET", v, nil, 200, `{"identity":"","sobjects":"","query":"","queryAll":"","search":"","parameterizedSearch":"","composite":"","limits":"","recent":"","compactLayouts":""}`},
		"query":              {"GET", v + "/query?q=" + q("SELECT Name, Account.Name FROM Contact WHERE AccountId != null LIMIT 2"), nil, 200, `{"totalSize":1,"done":true,"records":[{` + attributes + `,"Name":"","Account":{` + attributes + `,"Name":""}}]}`},
		"count":              {"GET", v + "/query?q=" + q("SELECT COUNT() FROM Contact"), nil, 200, `{"totalSize":1,"done":true,"records":[]}`},
		"search":             {"GET", v + "/search?q=" + q("FIND {Bloggs} IN NAME FIELDS RETURNING Contact(Id, Name)"), nil, 200, `{"searchRecords":[{` + attributes + `,"Id":"","Name":""}]}`},
		"parameterized":      {"GET", v + "/parameterizedSearch?q=Bloggs&sobject=Contact&Contact.fields=Id,Name&metadata=LABELS", nil, 200, `{"searchRecords":[{` + attributes + `,"Id":""}],"metadata":{"entityMetadata":[{"entityName":"","fieldMetadata":[{"label":"","name":""}]}]}}`},
		"row":                {"GET", v + "/sobjects/Contact/" + fred, nil, 200, `{` + attributes + `,"Id":"","LastName":"","CreatedDate":""}`},
		"create":             {"POST", v + "/sobjects/Contact", create, 201, saved},
		"create refused":     {"POST", v + "/sobjects/Contact", bad, 400, `[{"message":"","errorCode":"","fields":[""]}]`},
		"upsert":             {"PATCH", v + "/sobjects/Task/" + CallKeyField + "/k1", map[string]any{"Subject": "x"}, 201, `{"id":"","success":true,"errors":[],"created":true}`},
		"object":             {"GET", v + "/sobjects/Contact", nil, 200, `{"objectDescribe":{` + summary + `},"recentItems":[]}`},
		"describe global":    {"GET", v + "/sobjects", nil, 200, `{"encoding":"","maxBatchSize":1,"sobjects":[{"name":"","label":"","queryable":true,"urls":{"sobject":"","describe":"","rowTemplate":""}}]}`},
		"describe":           {"GET", v + "/sobjects/Contact/describe", nil, 200, `{` + summary + `,"fields":[` + field + `],"childRelationships":[{"cascadeDelete":true,"childSObject":"","deprecatedAndHidden":true,"field":"","relationshipName":null}],"recordTypeInfos":[{"available":true,"defaultRecordTypeMapping":true,"name":"","recordTypeId":"","urls":{}}],"supportedScopes":[],"namedLayoutInfos":[],"actionOverrides":[]}`},
		"layouts":            {"GET", v + "/sobjects/Contact/describe/layouts", nil, 200, `{"layouts":[{"id":"","detailLayoutSections":[{"columns":1,"heading":"","layoutRows":[{"layoutItems":[` + item + `],"numItems":1}],"rows":1,"useCollapsibleSection":true,"useHeading":true}],"editLayoutSections":[{"heading":""}],"relatedLists":[]}],"recordTypeMappings":[{"available":true,"defaultRecordTypeMapping":true,"layoutId":"","name":"","recordTypeId":"","urls":{"layout":""}}],"recordTypeSelectorRequired":[true]}`},
		"compact layouts":    {"GET", v + "/sobjects/Contact/describe/compactLayouts", nil, 200, `{"compactLayouts":[` + compact + `],"defaultCompactLayoutId":"","recordTypeCompactLayoutMappings":[{"available":true,"compactLayoutId":"","recordTypeId":""}],"urls":{"primary":""}}`},
		"compact, primary":   {"GET", v + "/sobjects/Contact/describe/compactLayouts/primary", nil, 200, compact},
		"compact, many":      {"GET", v + "/compactLayouts?q=Account,Contact", nil, 200, `{"Account":` + compact + `,"Contact":` + compact + `}`},
		"limits":             {"GET", v + "/limits", nil, 200, `{"DailyApiRequests":{"Max":1,"Remaining":1},"DataStorageMB":{"Max":1,"Remaining":1}}`},
		"composite":          {"POST", v + "/composite", map[string]any{"compositeRequest": []any{sub("a", create)}}, 200, `{"compositeResponse":[{"body":` + saved + `,"httpHeaders":{"Location":""},"httpStatusCode":1,"referenceId":""}]}`},
		"composite refused":  {"POST", v + "/composite", map[string]any{"allOrNone": true, "compositeRequest": []any{sub("a", create), sub("b", bad)}}, 200, `{"compositeResponse":[{"body":[{"errorCode":"","message":""}],"httpHeaders":{},"httpStatusCode":1,"referenceId":""}]}`},
		"graph":              {"POST", v + "/composite/graph", map[string]any{"graphs": []any{map[string]any{"graphId": "1", "compositeRequest": []any{sub("a", create)}}}}, 200, `{"graphs":[{"graphId":"","graphResponse":{"compositeResponse":[{"body":` + saved + `,"httpHeaders":{},"httpStatusCode":1,"referenceId":""}]},"isSuccessful":true}]}`},
		"batch":              {"POST", v + "/composite/batch", map[string]any{"batchRequests": []any{map[string]any{"method": "GET", "url": "v66.0/limits"}}}, 200, `{"hasErrors":true,"results":[{"statusCode":1,"result":{}}]}`},
		"tree":               {"POST", v + "/composite/tree/Contact", map[string]any{"records": []any{map[string]any{"attributes": map[string]any{"type": "Contact", "referenceId": "r"}, "LastName": "x"}}}, 201, `{"hasErrors":true,"results":[{"referenceId":"","id":""}]}`},
		"tree refused":       {"POST", v + "/composite/tree/Contact", map[string]any{"records": []any{map[string]any{"attributes": map[string]any{"type": "Contact", "referenceId": "r"}}}}, 400, `{"hasErrors":true,"results":[{"referenceId":"","errors":[{"statusCode":"","message":"","fields":[""]}]}]}`},
		"collection":         {"POST", v + "/composite/sobjects", map[string]any{"records": []any{typed(create)}}, 200, `[` + saved + `]`},
		"collection refused": {"POST", v + "/composite/sobjects", map[string]any{"records": []any{typed(bad)}}, 200, `[{"success":true,"errors":[{"statusCode":"","message":"","fields":[""]}]}]`},
		"retrieve many":      {"POST", v + "/composite/sobjects/Contact", map[string]any{"ids": []string{fred}, "fields": []string{"Id", "Name"}}, 200, `[{` + attributes + `,"Id":"","Name":""}]`},
		"userinfo":           {"GET", "/services/oauth2/userinfo", nil, 200, `{"sub":"","user_id":"","organization_id":"","preferred_username":"","nickname":"","name":"","email":"","email_verified":true,"given_name":"","family_name":"","zoneinfo":"","photos":{"picture":"","thumbnail":""},"profile":"","picture":"","is_salesforce_integration_user":true,"active":true,"user_type":"","language":"","locale":"","utcOffset":1,"updated_at":"","urls":{"rest":"","sobjects":"","query":"","search":"","recent":"","profile":""}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var want, got any
			if err := json.Unmarshal([]byte(tc.shape), &want); err != nil {
				t.Fatal(err)
			}
			a := o.in(t).do(tc.method, tc.path, tc.body).want(tc.status)
			if err := json.Unmarshal(a.raw, &got); err != nil {
				t.Fatal(err)
			}
			if lacks := differ("reply", want, got); len(lacks) > 0 {
				slices.Sort(lacks)
				t.Errorf("%s\n%.400s", strings.Join(lacks[:min(len(lacks), 8)], "\n"), a.raw)
			}
			if strings.HasPrefix(tc.path, v) && !strings.HasPrefix(a.header.Get("Sforce-Limit-Info"), "api-usage=") {
				t.Errorf("Sforce-Limit-Info: %q", a.header.Get("Sforce-Limit-Info"))
			}
		})
	}
}
