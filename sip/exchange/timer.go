package exchange

import "time"

// timer is a function to be run on the loop later. Owned by the loop, so that stop is certain: a time.Timer's function may
// already wait in the loop's queue.
type timer struct {
	s *Server
	t *time.Timer
}

// after runs f on the loop when d is over, unless the timer is stopped or the exchange closed before. Only on the loop.
func (s *Server) after(d time.Duration, f func()) *timer {
	tm := &timer{s: s}
	s.timers[tm] = struct{}{}
	tm.t = time.AfterFunc(d, func() {
		s.ua.Post(func() {
			if tm.stop() {
				f()
			}
		})
	})
	return tm
}

// stop reports whether the timer was still to run. It may be called on nil.
func (tm *timer) stop() bool {
	if tm == nil {
		return false
	}
	if _, ok := tm.s.timers[tm]; !ok {
		return false
	}
	delete(tm.s.timers, tm)
	tm.t.Stop()
	return true
}
