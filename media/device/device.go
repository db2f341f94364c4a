// Package device is microphones and speakers: PulseAudio-protocol devices (PipeWire speaks it too), and null, file
// and tone devices that need no hardware. It moves samples and tells what happened to the hardware; it knows nothing
// of calls, codecs or RTP.
package device

import "offhook/internal/text"

// The one sample format between this package and its users: signed 16 bit, mono, 16 kHz, frames of 10 ms.
const (
	Rate  = 16000
	Frame = Rate / 100
)

// Capture is a microphone. It is the clock of a call: it calls sink with one frame of Frame samples every 10 ms, on
// its own goroutine, until Close. The frame is valid only during the call; sink must not block.
type Capture interface {
	Start(sink func(frame []int16)) error
	Close() error
	Name() text.Text
}

// Playback is a loudspeaker. It calls fill for each frame that it needs, on its own goroutine, until Close. fill must
// not block and must write all of frame (zeros for silence).
type Playback interface {
	Start(fill func(frame []int16)) error
	Close() error
	Name() text.Text
}

// EventKind is what happened to a device.
type EventKind string

// Device events.
const (
	Added          EventKind = "added"
	Removed        EventKind = "removed"
	DefaultChanged EventKind = "default changed"
	Moved          EventKind = "moved"     // the server moved our stream to Name
	Suspended      EventKind = "suspended" // the server suspended the device
	Underflow      EventKind = "underflow" // playback ran dry; the buffer target was raised
	Lost           EventKind = "lost"      // device or server is gone; a null device keeps the call going
	Restored       EventKind = "restored"  // the real device is back
	EchoFailed     EventKind = "echo not cancelled"
)

// Event tells what happened to the sound hardware.
type Event struct {
	Kind   EventKind
	Output bool      // loudspeaker, else microphone
	Name   text.Text // the device's description
	Cause  text.Text // for Lost and EchoFailed: one line a person understands
}

// Ringer sounds the ring tone on its own device, so that the speaker rings while the headset talks.
type Ringer interface {
	Start()
	Stop()
	Close() error
}
