package caller

import (
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestACallThatAsksToBeAnsweredIsAnsweredOnlyWhereThatIsAllowed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers []string
		from    string
		after   time.Duration
		private bool
		reject  int // when allowed
		refused int // when it is not
	}{
		{"Snom", []string{"Call-Info: <sip:10.0.0.1>;answer-after=0"}, "Call-Info", 0, false, 0, 0},
		{"with a blank", []string{"Call-Info: <sip:10.0.0.1>; answer-after=2"}, "Call-Info", 2 * time.Second, false, 0, 0},
		{"behind a picture", []string{"Call-Info: <http://x/photo.jpg>;purpose=icon, <sip:x>;answer-after=1"}, "Call-Info", time.Second, false, 0, 0},
		{"without brackets", []string{`Call-Info: sip:10.0.0.1\;answer-after=0`, "Call-Info: sip:10.0.0.1;answer-after=0"}, "Call-Info", 0, false, 0, 0},
		{"without a URI", []string{"Call-Info: answer-after=0"}, "Call-Info", 0, false, 0, 0},
		{"a fraction", []string{"Call-Info: <sip:x>;answer-after=0.5"}, "Call-Info", 500 * time.Millisecond, false, 0, 0},
		{"Grandstream, Yealink", []string{"Alert-Info: <http://www.notused.com>;info=alert-autoanswer;delay=0"}, "Alert-Info", 0, false, 0, 0},
		{"with a delay", []string{"Alert-Info: <http://127.0.0.1>; info=alert-autoanswer; delay=3"}, "Alert-Info", 3 * time.Second, false, 0, 0},
		{"Asterisk's usual", []string{`Alert-Info: info=alert-autoanswer`}, "Alert-Info", 0, false, 0, 0},
		{"in quotes", []string{`Alert-Info: <http://x>;info="alert-autoanswer"`}, "Alert-Info", 0, false, 0, 0},
		{"Polycom", []string{"Alert-Info: Auto Answer"}, "Alert-Info", 0, false, 0, 0},
		{"Polycom's ring", []string{"Alert-Info: <RingAnswer>"}, "Alert-Info", 0, false, 0, 0},
		{"Yealink intercom", []string{"Alert-Info: Intercom"}, "Alert-Info", 0, false, 0, 0},
		{"RFC 5373", []string{"Answer-Mode: Auto"}, "Answer-Mode", 0, false, 0, 0},
		{"RFC 5373, demanded", []string{"Answer-Mode: auto;require"}, "Answer-Mode", 0, false, 0, 403},
		{"RFC 5373, privileged", []string{"Answer-Mode: Manual", "Priv-Answer-Mode: Auto"}, "Priv-Answer-Mode", 0, true, 0, 0},
		{"RFC 5373, privileged and demanded", []string{"Priv-Answer-Mode: Auto;require"}, "Priv-Answer-Mode", 0, true, 0, 403},
		{"by hand, said", []string{"Answer-Mode: Manual;require", "Call-Info: <sip:x>;answer-after=0"}, "", 0, false, 0, 0},
		{"a mode that nobody knows", []string{"Answer-Mode: Telepathic;require"}, "", 0, false, 403, 403},
		{"a mode that nobody knows, not demanded", []string{"Answer-Mode: Telepathic", "Call-Info: <sip:x>;answer-after=0"}, "Call-Info", 0, false, 0, 0},
		{"a ring tone", []string{"Alert-Info: <http://127.0.0.1/Bellcore-dr2>"}, "", 0, false, 0, 0},
		{"RFC 7462", []string{"Alert-Info: <urn:alert:source:external>"}, "", 0, false, 0, 0},
		{"in an hour", []string{"Call-Info: <sip:x>;answer-after=3600"}, "", 0, false, 0, 0},
		{"no number", []string{"Call-Info: <sip:x>;answer-after=soon", "Alert-Info: <x:y>;info=alert-autoanswer;delay=-1"}, "", 0, false, 0, 0},
		{"not a number", []string{"Call-Info: <sip:x>;answer-after=1.2.3"}, "", 0, false, 0, 0},
		{"nothing", nil, "", 0, false, 0, 0},
	} {
		req := &transaction.Request{Headers: fields(tc.headers...)}
		got, reject := ReadAutoAnswer(req, true)
		if got != (AutoAnswer{After: tc.after, From: tc.from, Privileged: tc.private}) || reject != tc.reject {
			t.Errorf("%s: %+v, %d", tc.name, got, reject)
		}
		if got, reject := ReadAutoAnswer(req, false); got != (AutoAnswer{}) || reject != tc.refused {
			t.Errorf("%s, not allowed: %+v, %d", tc.name, got, reject)
		}
	}
}

func FuzzAutoAnswer(f *testing.F) {
	f.Add("<sip:x>;answer-after=1", "<x:y>;info=alert-autoanswer;delay=2", "Auto;require")
	f.Fuzz(func(t *testing.T, call, alert, mode string) {
		req := &transaction.Request{Headers: transaction.Headers{{Name: "Call-Info", Value: call}, {Name: "Alert-Info", Value: alert}, {Name: "Answer-Mode", Value: mode}}}
		if a, reject := ReadAutoAnswer(req, true); a.After < 0 || a.After > maxAnswerAfter || a.From == "" && a != (AutoAnswer{}) || a.From != "" && reject != 0 {
			t.Fatalf("%+v %d", a, reject)
		}
		if a, _ := ReadAutoAnswer(req, false); a.From != "" {
			t.Fatal("answered without leave")
		}
	})
}
