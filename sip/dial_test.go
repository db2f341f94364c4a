package sip

import "testing"

func TestTargetsAreReadAsPeopleWriteThem(t *testing.T) {
	p := &Phone{acc: account{aor: address(t, "<sip:2101@example.com>").URI, ways: []way{{registrar: hop{host: "example.com"}}}}}
	for in, want := range map[string]string{
		"2104":                    "sip:2104@example.com",
		" +44 (0)20 7946-0000 ":   "sip:+4402079460000@example.com",
		"*98":                     "sip:*98@example.com",
		"bob":                     "sip:bob@example.com",
		"bob@example.org":         "sip:bob@example.org",
		"sip:bob@10.0.0.1:5080":   "sip:bob@10.0.0.1:5080",
		"tel:+1-201-555-0123":     "sip:+12015550123@example.com",
		"sip:x@y?Replaces=secret": "sip:x@y",
	} {
		u, err := p.target(in, p.home())
		if err != nil || u.String() != want {
			t.Errorf("%q: %v %v, want %s", in, u, err, want)
		}
	}
}
