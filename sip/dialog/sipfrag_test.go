package dialog

import "testing"

func FuzzSipfrag(f *testing.F) {
	f.Add([]byte("SIP/2.0 180 Ringing\r\n"))
	f.Add([]byte("SIP/2.0 200"))
	f.Fuzz(func(t *testing.T, body []byte) {
		code, _, ok := fragStatus(body)
		if ok && (code < 100 || code > 699) {
			t.Fatalf("code %d", code)
		}
	})
}
