package desk

import "testing"

func TestWhatNobodyCanBeCalledByIsToldBeforeThereIsACall(t *testing.T) {
	for typed, want := range map[string]bool{
		"0781 425 6404": true, "+44 (0)20 7946": true, "*21#": true, "priya": true, "sip:priya@pbx.example.com": true, "SIP:2102": true,
		"tel:+442079460000": true, "sips:a@[2001:db8::1]:5061": true, "600 via 6004": true, "sip:600@127.0.0.1 via 31": true,
		"": false, "((": false, "sip:": false, "tel: ": false, "sips:": false, "sip:@pbx.example.com": false, "sip:priya@": false, "@": false,
		"foo bar": false, " via 31": false,
	} {
		if got := dialable(typed); got != want {
			t.Errorf("%q: %v, want %v", typed, got, want)
		}
		b := newBench(t, Settings{}).cmd(Dial, typed)
		if calls := len(b.snap().Calls); (calls == 1) != want {
			t.Errorf("%q: %d calls", typed, calls)
		}
	}
}
