package transaction

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

// Two opinions about where a message ends would let one message hide in another.
func TestAContentLengthOnSeveralLinesIsReadAsTheParserReadsIt(t *testing.T) {
	l := New(Config{}, &recorder{})
	defer l.Close()
	for field, want := range map[string]int{
		"Content-Length: 3":             3,
		"Content-Length:\r\n 3":         3,
		"Content-Length: \r\n\t3":       3,
		"l:\r\n \r\n 3":                 3,
		"Content-Length: 3\r\n ":        3,
		"Content-Length: 0\r\n 3":       -2,
		"Content-Length: 1\r\n 3":       -2,
		"Content-Length: 3\r\n\t3":      -2,
		"Content-Length: 3\r\nl: 3":     3,
		"Content-Length: 3\r\nl:\r\n 4": -2,
		"Content-Length: 3, 3":          -2,
		"Content-Length: +3":            -2,
		"Content-Length: 0x3":           -2,
		"Content-Length: 3;x":           -2,
	} {
		head := "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\n" + field + "\r\nMax-Forwards: 70\r\n"
		c := check([]byte(head))
		if c.length != want || (c.problem == nil) != (want >= 0) {
			t.Errorf("%q: %d, %v", field, c.length, c.problem)
		}
		if c.problem != nil {
			continue
		}
		n := 0
		if err := l.parser.NewSIPStream().ParseSIPStream([]byte(head+"\r\nabc"), func(m sip.Message) {
			if n++; string(m.Body()) != "abc" {
				t.Errorf("%q: the parser's body is %q", field, m.Body())
			}
		}); err != nil || n != 1 {
			t.Errorf("%q: the parser takes %d: %v", field, n, err)
		}
	}
}
