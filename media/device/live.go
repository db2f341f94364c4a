package device

import "errors"

// Live is what a device may tell: whether hardware serves it at the moment, or the null clock stands in. Any goroutine.
type Live interface{ Live() bool }

// ErrSilent is returned when a device that was opened neither gives nor takes any sound.
var ErrSilent = errors.New("the sound device does not work: it neither gives nor takes sound; unplug it and plug it in again")

// Live reports whether a microphone of the sound server serves.
func (m *mic) Live() bool { return m.in.Load() != nil && m.heard.Load() }

// Live reports whether a loudspeaker of the sound server serves.
func (s *speaker) Live() bool { return s.out.Load() != nil }

// Live is false: there is no microphone behind it.
func (s *source) Live() bool { return !s.null }

// Live is false: there is nobody to hear it.
func (d *drain) Live() bool { return false }
