package control

import (
	"encoding/json"
	"errors"

	"offhook/internal/text"
)

// Version is the version of the requests. A desk refuses every other one in words.
const Version = 1

// MaxLine is how long a request or an answer may be, in bytes with its line feed.
const MaxLine = 4096

// Dial asks for the dial box with a number in it.
const Dial = "dial"

// Request is one line to the desk. Fields that a desk does not know are ignored; a Do that it does not know is refused.
type Request struct {
	Version int    `json:"version"`
	Do      string `json:"do"`
	Number  string `json:"number,omitempty"` // Dial: a number, tel: or sip:, as Parse reads it
}

// Answer is the line that comes back: OK, or why not.
type Answer struct {
	OK    bool      `json:"ok,omitempty"`
	Error text.Text `json:"error,omitzero"`
}

// Handler does what was asked. Its error is shown to whoever asked, so it names nothing private.
type Handler func(Request) error

// Errors of Ask and Listen.
var (
	ErrNobody      = errors.New("no desk listens here")
	ErrUnsupported = errors.New("a desk cannot be reached by other programs on this system yet")
)

// RefusedError is a desk's no, in its own words.
type RefusedError struct{ Why text.Text }

func (e *RefusedError) Error() string { return e.Why.String() }

// serve answers one line.
func serve(line []byte, handlers map[string]Handler) Answer {
	var r Request
	if json.Unmarshal(line, &r) != nil {
		return refusal("the request is not one line of JSON")
	}
	if r.Version != Version {
		return refusal("this desk speaks another version: start the desk again after an update")
	}
	do := handlers[r.Do]
	if do == nil {
		return refusal("this desk does not know what it was asked for")
	}
	if err := do(r); err != nil {
		return refusal(err.Error())
	}
	return Answer{OK: true}
}

func refusal(why string) Answer { return Answer{Error: text.Clean(why)} }
