package number

import (
	"testing"

	"offhook/crm/layout"
)

func TestWhatIsTypedIsDialledByTheCallCentresOptions(t *testing.T) {
	us := layout.DialingOptions{Outside: "9", LongDistance: "1", International: "011"}
	gb := layout.DialingOptions{Outside: "9"}
	de := layout.DialingOptions{Outside: "0"}
	for _, c := range []struct {
		region      string
		options     layout.DialingOptions
		typed, want string
	}{
		{"GB", layout.DialingOptions{}, "+44 7814 256404", "+44 7814 256404"}, // no options: as it is
		{"US", us, "(415) 555-2671", "914155552671"},
		{"US", us, "+1 415 555 2671", "914155552671"},
		{"US", us, "+44 20 7946 0018", "9011442079460018"},
		{"US", us, "011 44 20 7946 0018", "9011442079460018"},
		{"US", us, "9 1 415 555 2671", "914155552671"},     // typed with the line outside
		{"US", us, "9011442079460018", "9011442079460018"}, // typed with everything
		{"US", us, "415 555 2671 x22", "914155552671"},     // the extension is for after the answer
		{"GB", gb, "07814 256404", "907814256404"},
		{"GB", gb, "+447814256404", "907814256404"},
		{"GB", gb, "+1 415 555 2671", "90014155552671"},
		{"GB", gb, "0044 7814 256404", "907814256404"},
		{"GB", gb, "907814256404", "907814256404"},
		{"GB", gb, "118500", "9118500"},                                                                          // short, in no plan: the line outside alone
		{"GB", layout.DialingOptions{Outside: "9", LongDistance: "1899 0"}, "07814 256404", "91899 07814256404"}, // options are cleaned where they are read
		{"GB", layout.DialingOptions{International: "1830"}, "+1 415 555 2671", "183014155552671"},
		{"GB", layout.DialingOptions{International: "1830"}, "07814 256404", "07814256404"},
		{"DE", de, "030 901820", "0030901820"},
		{"DE", de, "+49 30 901820", "0030901820"},
		{"DE", de, "+43 1 4000", "000" + "4314000"},
		{"IT", layout.DialingOptions{Outside: "0"}, "+39 06 69812345", "00669812345"}, // an Italian zero is a part of the number
		{"GB", gb, "2104", "2104"},                                                    // a colleague
		{"GB", gb, "*98", "*98"},
		{"GB", gb, "999", "999"}, // emergency: nothing goes in front, ever
		{"GB", gb, "112", "112"},
		{"US", us, "911", "911"},
		{"US", us, "9911", "9911"},
		{"GB", gb, "sip:bob@example.com", "sip:bob@example.com"},
		{"GB", gb, "07814256404@other.example", "07814256404@other.example"},
		{"GB", gb, "bob", "bob"},
		{"US", us, "1-800-FLOWERS", "1-800-FLOWERS"},
		{"GB", gb, "*3107814256404", "*3107814256404"},
		{"GB", gb, "tel:+447814256404", "907814256404"},
		{"GB", gb, "", ""},
	} {
		plan := NewDialer(c.options, NewPlan(Settings{Region: c.region}))
		if got := plan.Dial(c.typed); got != c.want {
			t.Errorf("%s %+v: %q is dialled %q, want %q", c.region, c.options, c.typed, got, c.want)
		}
	}
}

func TestWhatIsDialledIsDialledTheSameWhenItIsTypedAgain(t *testing.T) {
	for region, o := range map[string]layout.DialingOptions{"US": {Outside: "9", LongDistance: "1", International: "011"}, "GB": {Outside: "9"}, "FR": {Outside: "0"}} {
		plan := NewDialer(o, NewPlan(Settings{Region: region}))
		for _, typed := range []string{"+442079460018", "+14155552671", "+33142685300", "+4930901820", "+85221234567"} {
			if once := plan.Dial(typed); plan.Dial(once) != once {
				t.Errorf("%s: %s is dialled %s, and that %s", region, typed, once, plan.Dial(once))
			}
		}
	}
}

func FuzzDialPlan(f *testing.F) {
	f.Add("+44 7814 256404")
	f.Add("9 011 44")
	f.Add("999")
	numbers := NewPlan(Settings{Region: "GB"})
	plan := NewDialer(layout.DialingOptions{Outside: "9", LongDistance: "1", International: "011"}, numbers)
	f.Fuzz(func(t *testing.T, s string) {
		got := plan.Dial(s)
		if c := numbers.Classify(s, false, ""); c != External && got != s {
			t.Fatalf("%q is %s and is dialled %q", s, c, got)
		}
	})
}
