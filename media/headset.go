package media

import "offhook/media/device"

// Headset joins microphone and loudspeaker with the session that is talked on.
type Headset struct{}

// NewHeadset makes a headset; the functions open new streams of the devices.
func NewHeadset(capture func() device.Capture, playback func() device.Playback) *Headset {
	return &Headset{}
}

// Connect makes s the session that is talked on, in place of any other; it opens the devices if they are closed.
func (h *Headset) Connect(s *Session) error { return nil }

// Disconnect takes s off the headset, if it is on it; the devices close when nothing needs them.
func (h *Headset) Disconnect(s *Session) {}

// PlayTone plays a tone to the agent until StopTone or the end of its repetitions.
func (h *Headset) PlayTone(t Tone) error { return nil }

// StopTone ends the tone.
func (h *Headset) StopTone() {}

// Levels are microphone and loudspeaker in dBFS.
func (h *Headset) Levels() (in, out float64) { return 0, 0 }

// Close closes the devices.
func (h *Headset) Close() error { return nil }
