package control

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"offhook/internal/text"
)

func plain(number, ext, context string) Target {
	return Target{text.Clean(number), text.Clean(ext), text.Clean(context)}
}

func TestNumbersAndLinksAreReadAsTheyAreMeant(t *testing.T) {
	for raw, want := range map[string]Target{
		"2104":                                        plain("2104", "", ""),
		"+44 (0)20 7946 0000":                         plain("+442079460000", "", ""),
		" (415) 555-1234 x22":                         plain("4155551234", "22", ""),
		"415.555.1234 ext. 7":                         plain("4155551234", "7", ""),
		"+44\u00a020\u20117946":                       plain("+44207946", "", ""),
		"*97":                                         plain("*97", "", ""),
		"tel:+44-20-7946-0000":                        plain("+442079460000", "", ""),
		"TEL:+1(201)555.0123;ext=2-2;isub=1":          plain("+12015550123", "22", ""),
		"tel:7042;phone-context=example.com":          plain("7042", "", "example.com"),
		"tel:863-1234;phone-context=+1-914-555":       plain("8631234", "", "+1-914-555"),
		"tel:+4420;phone-context=+44":                 plain("+4420", "", ""), // has a context of its own
		"tel:%2B44%2020%207946":                       plain("+44207946", "", ""),
		"tel://0117/4960123":                          plain("01174960123", "", ""),
		"sip:+442079460000@gw.example.com;user=phone": plain("+442079460000", "", ""),
		"sip:+1201;ext=9@gw.example.com":              plain("+1201", "9", ""),
		"sip:2104":                                    plain("2104", "", ""),
		"sip:2104@pbx.example.com":                    plain("sip:2104@pbx.example.com", "", ""),
		"sips:alice:secret@example.com:5061;transport=tls?Replaces=x": plain("sips:alice@example.com:5061", "", ""),
		"alice@example.com":  plain("sip:alice@example.com", "", ""),
		"sip:bob@[::1]:5070": plain("sip:bob@[::1]:5070", "", ""),
	} {
		if got, err := Parse(raw); err != nil || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", raw, got, err, want)
		}
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	for raw, want := range map[string]error{
		"": errNumber, "tel:": errNumber, "sip:": errNumber, "sip:@": errNumber, "Priya": errNumber, "+": errNumber, "()": errNumber, "1+2": errNumber,
		"http://example.com/1": errNumber, "javascript:alert(1)": errNumber, "tel:1800FLOWERS": errNumber, "tel:12%0d%0a34": errNumber, "tel:1\x1b[31m": errNumber,
		"2104 via other": errNumber, "sip:1%20via%20x@h": errNumber, "sip:example.com": errNumber, "sip:a@h h": errNumber, "sip:a@-x": errNumber, "sip:a@b@": errNumber,
		"tel:%zz": errNumber, "12\u202e34": errNumber, "tel:１２": errNumber,
		"tel:*21*0900123%23": errCode, "tel:#31#1": errCode, "sip:*21*1@h": errCode, "sip:*97": errCode,
		"tel:1;m-order=now": errUnknown, "tel:1;ext=1;EXT=2": errUnknown, "tel:1;ext=evil": errUnknown, "tel:1;ext=": errUnknown, "tel:1;phone-context=a b": errUnknown,
		strings.Repeat("1", 33): errLong, "tel:" + strings.Repeat(" ", 600) + "1": errLong, "sip:" + strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60): errLong,
	} {
		if got, err := Parse(raw); !errors.Is(err, want) {
			t.Errorf("%q is read as %+v, %v; want %v", raw, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"+44 (0)20 7946", "tel:+1;ext=2;phone-context=a.b", "sips:a:b@h:1;x?y", "1 x2", "sip:+1;ext=2@h", "tel:%2a1", "sip:%2b1%3bm-x@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := Parse(raw)
		if err != nil {
			if !slices.Contains([]error{errLong, errNumber, errCode, errUnknown}, err) {
				t.Errorf("%q is refused with the words %v", raw, err) // none of ours: they may be a stranger's
			}
			return
		}
		n := got.Number.String()
		address := strings.HasPrefix(n, "sip:") || strings.HasPrefix(n, "sips:")
		switch {
		case n == "" || len(n) > maxAddress || strings.ContainsAny(n, " \t\"<>;?%,"):
			t.Errorf("%q becomes %q", raw, n)
		case !address && strings.Trim(n, "+0123456789*#") != "":
			t.Errorf("%q becomes the number %q", raw, n)
		case !address && strings.Contains(raw, ":") && strings.ContainsAny(n, "*#"):
			t.Errorf("a link dials the code %q", n)
		case strings.Trim(got.Ext.String(), "0123456789") != "":
			t.Errorf("the extension %q", got.Ext)
		}
		if again, err := Parse(n); err != nil || again.Number != got.Number {
			t.Errorf("%q becomes %q, which becomes %q, %v", raw, n, again.Number, err)
		}
	})
}
