package sip

import (
	"strings"
	"testing"

	"offhook/sip/transaction"
)

func TestTheReasonOfAnEndIsSaidInPlainWords(t *testing.T) {
	for _, tc := range []struct {
		headers []string
		end     EndCause
		words   string
	}{
		{[]string{`Reason: SIP;cause=200;text="Call completed elsewhere"`}, EndAnsweredElsewhere, "Somebody else answered the call"},
		{[]string{`Reason: Q.850;cause=26`}, EndAnsweredElsewhere, "Somebody else answered the call"},
		{[]string{`Reason: SIP ;cause=487 ;text="Call completed elsewhere"`}, EndAnsweredElsewhere, "Somebody else answered the call"},
		{[]string{`Reason: Q.850;cause=16;text="Normal call clearing", SIP;cause=200;text="Answered elsewhere"`}, EndAnsweredElsewhere, "Somebody else answered the call"},
		{[]string{`Reason: Q.850;cause=16;text="Terminated"`}, EndNormal, "The far end hung up"},
		{[]string{`Reason: q.850 ; cause=17`}, EndBusy, "The line is busy"},
		{[]string{`Reason: Q.850;cause=1;text="Unallocated (unassigned) number"`}, EndUnknownNumber, "The number is not in use"},
		{[]string{`Reason: Q.850;cause=34;text="Circuit/channel congestion"`}, EndNetwork, "All lines are busy; try again in a moment"},
		{[]string{`Reason: Q.850;cause=88`}, EndNoMedia, "The far end is no telephone that can take this call"},
		{[]string{`Reason: SIP;cause=486;text="Busy Here"`}, EndBusy, "Busy Here"},
		{[]string{`Reason: SIP;cause=603`}, EndDeclined, "Decline"},
		{[]string{`Reason: SIP;cause=503;text="rtp timeout"`, `Reason: Q.850;cause=16`}, EndNetwork, "rtp timeout"},
		{[]string{`Reason: Q.850;cause=99`}, "", ""},
		{[]string{`Reason: Q.850;cause=99;text="Vendor words"`}, "", "Vendor words"},
		{[]string{`Reason: X.int;reasoncode=0x00000000;add-info=05CC.0001.0001`}, "", ""},
		{[]string{`Reason: preemption;cause=1;text="UA Preemption"`}, "", "UA Preemption"},
		{[]string{"Reason: SIP;cause=banana;text=\"\x1b[2J\""}, "", ""},
		{[]string{`Reason: ;cause=200`}, "", ""},
		{[]string{`Reason: SIP;cause=-200`}, "", ""},
		{nil, "", ""},
	} {
		end, words := endReason(fields(tc.headers...))
		if end != tc.end || words != clean(tc.words) {
			t.Errorf("%v: %q %q, want %q %q", tc.headers, end, words, tc.end, tc.words)
		}
	}
}

func TestEveryKnownCauseHasAMeaningAndASentence(t *testing.T) {
	for cause, m := range q850 {
		if m.end == "" || m.sentence == "" || m.sentence[len(m.sentence)-1] == '.' {
			t.Errorf("%d: %+v", cause, m)
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add(`SIP;cause=200;text="Call completed elsewhere", Q.850;cause=16`)
	f.Fuzz(func(t *testing.T, v string) {
		end, words := endReason(transaction.Headers{{Name: "Reason", Value: v}})
		if len([]rune(words.String())) > 256 {
			t.Fatal("too many words")
		}
		_ = end
	})
}

func fields(lines ...string) (h transaction.Headers) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}
