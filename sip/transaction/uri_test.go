package transaction

import (
	"errors"
	"strings"
	"testing"
)

func TestURIsAreReadUnescapedAndWrittenEscaped(t *testing.T) {
	for _, c := range []struct {
		in   string
		want URI
		out  string // "" when it is as in
	}{
		{"sip:alice@example.com", URI{Scheme: "sip", User: "alice", Host: "example.com"}, ""},
		{"SIPS:Alice:p%3Aw@[2001:db8::1]:5061;transport=tcp;lr", URI{Scheme: "sips", User: "Alice", Password: "p:w", Host: "2001:db8::1", Port: 5061,
			Params: Params{{"transport", "tcp", true}, {"lr", "", false}}}, "sips:Alice:p%3Aw@[2001:db8::1]:5061;transport=tcp;lr"},
		{"sip:user;par=u%40example.net@example.com", URI{Scheme: "sip", User: "user;par=u@example.net", Host: "example.com"}, ""},
		{"sip:sips%3Auser%40example.com@example.net", URI{Scheme: "sip", User: "sips:user@example.com", Host: "example.net"}, ""},
		{"sip:null-%00-null@example.com", URI{Scheme: "sip", User: "null-\x00-null", Host: "example.com"}, ""},
		{"sip:a@h?Replaces=x%40y%3Bto-tag%3D1&Subject=", URI{Scheme: "sip", User: "a", Host: "h",
			Headers: Params{{"Replaces", "x@y;to-tag=1", true}, {"Subject", "", true}}}, ""},
		{"sip:h;foo=\"x y\";lr", URI{Scheme: "sip", Host: "h", Params: Params{{"foo", "x y", true}, {"lr", "", false}}}, "sip:h;foo=x%20y;lr"},
		{"tel:+1-201-555-0123;phone-context=example.com", URI{Scheme: "tel", User: "+1-201-555-0123",
			Params: Params{{"phone-context", "example.com", true}}}, ""},
		{"urn:service:sos", URI{Scheme: "urn", Opaque: "service:sos"}, ""},
		{"*", URI{Scheme: "*"}, ""},
	} {
		u, err := ParseURI(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if !u.Equal(c.want) || u.User != c.want.User || len(u.Params) != len(c.want.Params) {
			t.Errorf("%s: %+v", c.in, u)
		}
		for i, p := range c.want.Params {
			if u.Params[i] != p {
				t.Errorf("%s: parameter %+v", c.in, u.Params[i])
			}
		}
		if c.out == "" {
			c.out = c.in
		}
		if u.String() != c.out {
			t.Errorf("%s: written as %s", c.in, u)
		}
	}
}

func TestWhatIsNoURIIsRefused(t *testing.T) {
	for _, s := range []string{"", "sip:", "sip", "alice@example.com", "sip:a b@h", "sip:a@", "sip:@h", "sip:a@h:", "sip:a@h:0", "sip:a@h:65536", "sip:a@[::1",
		"sip:a@[zz]", "sip:a@h ;lr", "<sip:a@h>", "sip:a@h\r\nX: y", "sip:a@h;x=\"y", "tel:", "tel:1 2", "1sip:a@h", "sip:a@h\x00"} {
		var fe *FieldError
		if u, err := ParseURI(s); !errors.As(err, &fe) {
			t.Errorf("%q was read as %+v (%v)", s, u, err)
		}
	}
}

func TestURIsAreComparedByTheRulesOfRFC3261(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		{"sip:a@h", "sips:a@h", false},
		{"tel:+1-201-555-0123", "tel:+12015550123", true},
	} {
		a, err1 := ParseURI(c.a)
		b, err2 := ParseURI(c.b)
		if err1 != nil || err2 != nil || a.Equal(b) != c.equal || b.Equal(a) != c.equal {
			t.Errorf("%s, %s: %v, want %v (%v, %v)", c.a, c.b, a.Equal(b), c.equal, err1, err2)
		}
	}
}

func TestAddressesAreReadWhateverTheirForm(t *testing.T) {
	for _, c := range []struct{ in, display, uri, params string }{
		{`"A. G. \"Bell\"\\" <sip:a@h;lr>;tag=1;q=0.3`, `A. G. "Bell"\`, "sip:a@h;lr", ";tag=1;q=0.3"},
		{`Ann Lee <sip:a@h> ; TAG = x`, "Ann Lee", "sip:a@h", ";TAG=x"},
		{`sip:a@h;tag=1`, "", "sip:a@h", ";tag=1"},
		{`<sip:a@h>;+sip.instance="<urn:uuid:1>";x="a;b=c,\"d"`, "", "sip:a@h", `;+sip.instance="<urn:uuid:1>";x="a;b=c,\"d"`},
		{`<sip:a@h>;tok=abc==`, "", "sip:a@h", `;tok="abc=="`},
		{`"" <tel:+15550100>`, "", "tel:+15550100", ""},
		{`*`, "", "*", ""},
	} {
		a, err := ParseAddress(c.in)
		if err != nil || a.Display != c.display || a.URI.String() != c.uri || a.Params.String() != c.params {
			t.Errorf("%s: %q %s %s (%v)", c.in, a.Display, a.URI, a.Params, err)
		}
	}
	for _, s := range []string{"", `"a <sip:a@h>`, `"a" sip:a@h`, "<sip:a@h", "<>", "a <sip:a@h> b", "sip:a@h?X=y", "sip:a@h, sip:b@h", "<sip:a@h>;x=\"y", "<sip:a@h>;a b=c",
		"x\r\ny <sip:a@h>"} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("%q was read as %s", s, a)
		}
	}
	list, err := ParseAddresses(`"Lee, Ann" <sip:a@h>;x="1,2", <sip:b,c@h>,sip:d@h`)
	if err != nil || len(list) != 3 || list[0].Display != "Lee, Ann" || list[1].URI.User != "b,c" || list[2].URI.User != "d" {
		t.Errorf("list %v (%v)", list, err)
	}
}

func TestParameterNamesHaveNoCase(t *testing.T) {
	p, err := ParseParams(";LR;Tag=X; a=\"\"")
	if err != nil || !p.Has("lr") || len(p) != 3 {
		t.Fatal(p, err)
	}
	if tag, _ := p.Get("tag"); tag != "X" {
		t.Errorf("tag %q", tag)
	}
	if s := p.With("TAG", "y").Without("lr").With("z", "").String(); s != `;TAG=y;a="";z` {
		t.Errorf("written %s", s)
	}
	if p.String() != `;LR;Tag=X;a=""` {
		t.Errorf("the original changed: %s", p)
	}
}

func TestHeaderListsAreSplitOutsideOfQuotes(t *testing.T) {
	h := Headers{{"Supported", "100rel, timer"}, {"supported", "path"}, {"P-Asserted-Identity", `"A, B" <sip:a@h>, <tel:+1>`},
		{"WWW-Authenticate", `Digest realm="a", nonce="b"`}}
	if v := h.Values("Supported"); strings.Join(v, "|") != "100rel|timer|path" || !h.HasToken("supported", "TIMER") || h.HasToken("Supported", "tim") {
		t.Errorf("Supported %q", v)
	}
	if a := h.Addresses("P-Asserted-Identity"); len(a) != 2 || a[0].Display != "A, B" || a[1].URI.Scheme != "tel" {
		t.Errorf("identities %v", a)
	}
	if v := h.Values("www-authenticate"); len(v) != 1 {
		t.Errorf("challenges %q", v)
	}
	h.Set("Supported", "x")
	if h.Get("supported") != "x" || len(h) != 3 {
		t.Errorf("after Set: %v", h)
	}
}

func TestARequestGoesToItsFirstRouteAndSipsOnlyOverTLS(t *testing.T) {
	for _, c := range []struct {
		uri, route, host string
		port             int
		transport        string
	}{
		{"sip:bob@example.com", "", "example.com", 0, ""},
		{"sip:bob@example.com:5070;transport=tcp", "", "example.com", 5070, "TCP"},
		{"sips:bob@example.com;transport=tcp", "", "example.com", 0, "TLS"},
		{"sip:bob@example.com;maddr=192.0.2.7", "", "192.0.2.7", 0, ""},
		{"sip:bob@example.com", "<sip:[2001:db8::1]:5080;lr;transport=udp>", "2001:db8::1", 5080, "UDP"},
	} {
		u, _ := ParseURI(c.uri)
		route, err := ParseAddresses(c.route)
		if host, port, tr := Destination(u, route); err != nil || host != c.host || port != c.port || tr != c.transport {
			t.Errorf("%s via %s: %s %d %s", c.uri, c.route, host, port, tr)
		}
	}
}

// hostile are values that a stranger may get into any part of a message.
var hostile = []string{"x\r\nInjected: yes", "x\nInjected: yes", "x\rInjected: yes", "x\x00y", `x" <sip:evil@h>;tag="`, `x\`, "x>;Injected=<", "x;Injected=yes", "x, <sip:evil@h>",
	"x@evil?Injected=yes", "%0d%0aInjected: yes", "\u202ex", "\xff\xfe", " ", "", strings.Repeat("x", 5000)}

func TestHostileValuesCannotInjectAnything(t *testing.T) {
	for _, bad := range hostile {
		req := newRequest("INVITE", "injection")
		req.URI = URI{Scheme: "sip", User: bad, Password: bad, Host: "h" + bad, Params: Params{{bad, bad, true}}, Headers: Params{{"a", bad, true}}}
		req.From = Address{Display: bad, URI: req.URI, Params: Params{{"tag", bad, true}, {bad, "x", true}}}
		req.From.URI.Host = "h"
		req.Contact = []Address{{URI: req.URI}}
		req.Route = []Address{req.From}
		wire, err := req.wire("SIP/2.0/UDP h;branch=z9hG4bKx", "")
		if err != nil {
			t.Errorf("%q: %v", bad, err)
			continue
		}
		fields := 0
		for l := range strings.SplitSeq(string(wire), "\r\n") {
			if strings.ContainsAny(l, "\r\n\x00") || strings.HasPrefix(l, "Injected") {
				t.Errorf("%q made the line %q", bad, l)
			}
			if l != "" {
				fields++
			}
		}
		if fields != 10 {
			t.Errorf("%q: %d lines\n%s", bad, fields, wire)
		}
		from, err := ParseAddress(field(string(wire), "From"))
		if err != nil || from.URI.User != bad && bad != "" || from.URI.Host == "evil" {
			t.Errorf("%q came back as %+v (%v)", bad, from, err)
		}
	}
	for _, bad := range hostile[:4] {
		for what, change := range map[string]func(*Request){
			"Call-ID":      func(r *Request) { r.CallID = bad },
			"method":       func(r *Request) { r.Method = bad },
			"field":        func(r *Request) { r.Headers.Add("Subject", bad) },
			"field name":   func(r *Request) { r.Headers.Add(bad, "x") },
			"Content-Type": func(r *Request) { r.ContentType, r.Body = bad, []byte("x") },
			"second Via":   func(r *Request) { r.Headers.Add("v", "SIP/2.0/UDP evil") },
		} {
			req := newRequest("INVITE", "injection")
			change(req)
			var fe *FieldError
			if wire, err := req.wire("SIP/2.0/UDP h;branch=z9hG4bKx", ""); !errors.As(err, &fe) {
				t.Errorf("%s %q was written:\n%s", what, bad, wire)
			}
		}
		res := NewResponse(newRequest("INVITE", "x"), 200, bad)
		if _, err := res.wire(&rawFields{via: []string{"x"}}, "x", "", ""); err == nil {
			t.Errorf("reason phrase %q was written", bad)
		}
	}
}
