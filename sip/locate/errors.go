package locate

import "errors"

// Errors that a caller decides on; *Error wraps one of them.
var (
	ErrNotFound    = errors.New("no such host")
	ErrNoService   = errors.New("no SIP service")
	ErrNameService = errors.New("the name service does not work")
)

// Error says in one line why a host has no server.
type Error struct {
	Host string
	Why  string
	Err  error // ErrNotFound, ErrNoService, ErrNameService
}

func (e *Error) Error() string {
	if e.Host == "" {
		return e.Why
	}
	return e.Host + " " + e.Why
}

func (e *Error) Unwrap() error { return e.Err }
