package main

import (
	"context"
	"errors"
	"fmt"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/media"
	"offhook/media/device"
)

// soundDevices are the agent's devices, in the words of the desk.
type soundDevices struct {
	set     *device.Set
	headset *media.Headset
}

var deviceRoles = map[desk.SoundRole]device.Role{desk.Microphone: device.Input, desk.Loudspeaker: device.Output, desk.RingDevice: device.Ring}

func (s soundDevices) List() (out []desk.SoundDevice) {
	for _, role := range desk.SoundRoles() {
		for _, o := range s.set.Options(deviceRoles[role]) {
			out = append(out, desk.SoundDevice{Role: role, Value: o.Value, Name: o.Name, Chosen: o.Chosen, Default: o.Default, InUse: o.InUse, Missing: o.Missing})
		}
	}
	return out
}

func (s soundDevices) Bell() bool { return s.set.RingBell() }

func (s soundDevices) NoMicrophone() bool { return s.set.NoMicrophone() }

func (s soundDevices) Monitor(on bool) error { return s.headset.MonitorMic(on) }

// Choose takes another device and moves the sound of a call to it at once.
func (s soundDevices) Choose(role desk.SoundRole, value string) error {
	r, ok := deviceRoles[role]
	if !ok {
		return fmt.Errorf("there is no sound device for %q", role)
	}
	if err := s.set.Choose(r, value); err != nil {
		return err
	}
	return s.headset.Switch(r == device.Input, r == device.Output)
}

// nothing is a level, in dBFS, below which figures say no more than the words.
const nothing = -90

// Test says how the microphone is.
func (s soundDevices) Test(ctx context.Context) (text.Text, bool, error) {
	if s.set.NoMicrophone() {
		return text.Clean("No microphone is chosen, so calls go out silent; choose one to check it."), false, nil
	}
	t, err := s.headset.Test(ctx, 0)
	switch {
	case errors.Is(err, media.ErrBusy):
		return text.Clean("A call came and took the microphone; check again when it is over."), false, nil
	case err != nil:
		return text.Text{}, false, err
	}
	if t.Level <= nothing {
		return t.Words, t.OK, nil
	}
	return text.Clean(fmt.Sprintf("%s (loudest %.0f dB, quietest %.0f dB).", t.Words, t.Level, t.Noise)), t.OK, nil
}

func (s soundDevices) Levels() (in, out float64) { return s.headset.Levels() }
