package dialog

import (
	"strings"
	"testing"
	"time"
)

// FuzzDigit: whatever stands in an INFO, what comes of it is one key of a keypad, held for no longer than is believed, or nothing.
func FuzzDigit(f *testing.F) {
	for _, s := range [][2]string{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160"}, {"application/dtmf", "#"}, {"application/dtmf", "Signal=11\nDuration=-4"},
		{"application/vnd.nortelnetworks.digits", "p=Digit-Collection\r\ny=Digits\r\nd=12\r\n"}, {"application/dtmf-relay; x=\"", "signal=a"},
		{"application/dtmf-relay", "Signal=5\r\nDuration=99999999999999999999"}, {"text/plain", "1"}, {"application/dtmf", "５"},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		d, known := digitOf(kind, body)
		switch {
		case d.Digit == 0:
			if d.Duration != 0 {
				t.Fatalf("no key, held for %v", d.Duration)
			}
		case !known:
			t.Fatalf("%q of a body that is not known", d.Digit)
		case !strings.ContainsRune("0123456789*#ABCD", d.Digit):
			t.Fatalf("%q is no key", d.Digit)
		case d.Duration < 0 || d.Duration > longestDigit*time.Millisecond:
			t.Fatalf("held for %v", d.Duration)
		}
	})
}
