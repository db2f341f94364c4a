package device

import "testing"

// Server is a PulseAudio of a test's own, for tests that also use what is above this package.
type Server struct{ s *soundServer }

// StartServer starts one, or skips the test.
func StartServer(t testing.TB) Server { return Server{startServer(t)} }

// Open opens a set on it.
func (s Server) Open(spec Spec) *Set { return s.s.open(spec) }

// Must runs pactl.
func (s Server) Must(args ...string) string { return s.s.must(args...) }
