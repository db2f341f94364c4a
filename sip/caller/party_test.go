package caller

import (
	"testing"

	"offhook/sip/transaction"
)

func TestTheRemotePartyIsTheMostTrustworthyThatIsNamed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		from    string
		headers transaction.Headers
		trusted bool
		want    Party
	}{
		{"From", `"Ada" <sip:+44(20)7946-0000@example.com;user=phone>;tag=1`, nil, true,
			Party{Number: clean("+442079460000"), Name: clean("Ada"), Host: clean("example.com"), Source: FromHeader}},
		{"asserted by a trusted peer", `<sip:1@x>`, transaction.Headers{{Name: "P-Asserted-Identity", Value: `"Bob" <sip:2104@y>`}}, true,
			Party{Number: clean("2104"), Name: clean("Bob"), Host: clean("y"), Source: FromAsserted}},
		{"asserted by a stranger", `<sip:1@x>`, transaction.Headers{{Name: "P-Asserted-Identity", Value: `"Bob" <sip:2104@y>`}}, false,
			Party{Number: clean("1"), Host: clean("x"), Source: FromHeader}},
		{"sip and tel asserted", `<sip:1@x>`, transaction.Headers{{Name: "P-Asserted-Identity", Value: `"Bob" <sip:bob@y>, <tel:+49-30-123>`}}, true,
			Party{Number: clean("+4930123"), Name: clean("Bob"), Source: FromAsserted}},
		{"Remote-Party-ID", `<sip:1@x>`, transaction.Headers{{Name: "Remote-Party-ID", Value: `"Eve" <sip:300@y>;party=calling;privacy=off`}}, true,
			Party{Number: clean("300"), Name: clean("Eve"), Host: clean("y"), Source: FromRemoteID}},
		{"Remote-Party-ID that hides", `<sip:1@x>`, transaction.Headers{{Name: "Remote-Party-ID", Value: `<sip:300@y>;privacy=full`}}, true,
			Party{Source: FromRemoteID, Withheld: true}},
		{"anonymous user", `"Anonymous" <sip:anonymous@example.com>`, nil, true, Party{Source: FromHeader, Withheld: true}},
		{"anonymous host", `<sip:x@anonymous.invalid>`, nil, true, Party{Source: FromHeader, Withheld: true}},
		{"Privacy id hides an asserted number too", `<sip:1@x>`, transaction.Headers{{Name: "P-Asserted-Identity", Value: `<sip:2104@y>`}, {Name: "Privacy", Value: "id;critical"}}, true,
			Party{Source: FromAsserted, Withheld: true}},
		{"Privacy none", `<sip:1@x>`, transaction.Headers{{Name: "Privacy", Value: "none"}}, true, Party{Number: clean("1"), Host: clean("x"), Source: FromHeader}},
		{"restricted", `<sip:Restricted@x>`, nil, true, Party{Source: FromHeader, Withheld: true}},
		{"no user", `<sip:example.com>`, nil, true, Party{Source: FromHeader, Withheld: true}},
		{"tel", `<tel:+1-201-555-0123;phone-context=x>`, nil, true, Party{Number: clean("+12015550123"), Source: FromHeader}},
		{"hostile name", "\"\x1b]0;owned\x07Ann\u202e\" <sip:1@x>", nil, true, Party{Number: clean("1"), Name: clean("Ann"), Host: clean("x"), Source: FromHeader}},
		{"garbage asserted", `<sip:1@x>`, transaction.Headers{{Name: "P-Asserted-Identity", Value: `<<>`}}, true, Party{Number: clean("1"), Host: clean("x"), Source: FromHeader}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			from := address(t, tc.from)
			got, ok := Identity(tc.headers, &from, tc.trusted)
			if got.Withheld && !got.URI.Empty() {
				t.Errorf("the URI of somebody who hides is kept: %v", got.URI)
			}
			got.URI = tc.want.URI
			if !ok || got != tc.want {
				t.Errorf("got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestTheCalledNumberIsWhatTheCallerWanted(t *testing.T) {
	req := &transaction.Request{URI: address(t, "<sip:2101@10.0.0.1>").URI, To: address(t, "<sip:2101@x>")}
	for _, step := range []struct {
		name, value, want string
	}{
		{"", "", "2101"},
		{"P-Called-Party-ID", "<sip:+441@x>", "+441"},
		{"Diversion", "<sip:5@x>;reason=busy, <sip:+442@x>", "+442"},
		{"History-Info", "<sip:+443@x>;index=1, <sip:6@x>;index=1.1", "+443"},
	} {
		if step.name != "" {
			req.Headers.Add(step.name, step.value)
		}
		if got := Called(req); got != clean(step.want) {
			t.Errorf("with %s: %s, want %s", step.name, got, step.want)
		}
	}
}
