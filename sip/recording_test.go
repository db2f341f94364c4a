package sip

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"offhook/media/wav"
)

func TestARecordingHoldsBothSidesAndNothingThatWasSaidInAPause(t *testing.T) {
	dir := t.TempDir()
	b1, b2 := &bench{hz: 440}, &bench{hz: 1000}
	one := open(t, "one", func(c *Config) { c.Headset, c.Recording = b1.headset(t), RecordingConfig{Dir: dir} })
	two := open(t, "two", func(c *Config) { c.Headset = b2.headset(t) })
	talking(t, one, two, "x")
	hearEachOther(t, b1, b2)
	one.Record("x", true)
	on := wait[RecordingChanged](t, one)
	if on.State != RecordingOn || filepath.Dir(on.Path) != dir {
		t.Fatalf("%+v", on)
	}
	becomes(t, "something is on disk", func() bool { fi, err := os.Stat(on.Path); return err == nil && fi.Size() > 40_000 })
	one.PauseRecording("x", true)
	if e := wait[RecordingChanged](t, one); e.State != RecordingPaused {
		t.Fatalf("%+v", e)
	}
	one.PauseRecording("x", false)
	if e := wait[RecordingChanged](t, one); e.State != RecordingOn {
		t.Fatalf("%+v", e)
	}
	one.Record("x", false)
	if e := wait[RecordingChanged](t, one); e.State != RecordingOff {
		t.Fatalf("%+v", e)
	}
	raw, err := os.ReadFile(on.Path)
	if err != nil {
		t.Fatal(err)
	}
	left, right := channels(t, raw)
	if a, b := share(left, 440), share(right, 1000); a < 0.5 || b < 0.5 {
		t.Errorf("left is the agent to %.2f, right the customer to %.2f", a, b)
	}
	if fi, err := os.Stat(on.Path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v: others can read it", fi.Mode(), err)
	}
}

func TestWhereRecordingIsOffNothingIsRecorded(t *testing.T) {
	one, two := open(t, "one"), open(t, "two")
	talking(t, one, two, "x")
	one.Record("x", true)
	for e := range one.Events() {
		if f, ok := e.(CommandFailed); ok {
			if f.Command != "record" {
				t.Errorf("%+v", f)
			}
			break
		}
	}
}

// channels are the two sides of a stereo WAV of 16 bit.
func channels(t *testing.T, raw []byte) (left, right []int16) {
	t.Helper()
	if len(raw) < 44 || string(raw[:4]) != "RIFF" {
		t.Fatal("that is no WAV file")
	}
	if _, err := wav.Decode(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	for i := 44; i+3 < len(raw); i += 4 {
		left = append(left, int16(uint16(raw[i])|uint16(raw[i+1])<<8))
		right = append(right, int16(uint16(raw[i+2])|uint16(raw[i+3])<<8))
	}
	return left, right
}
