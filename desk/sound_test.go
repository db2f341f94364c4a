package desk

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
)

// soundStub is a sound system of two microphones.
type soundStub struct {
	mu      sync.Mutex
	did     []string
	chosen  string
	monitor bool
	level   float64
	fails   error
	wait    chan struct{} // the test of the microphone waits for it
}

func (s *soundStub) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, what)
}
func (s *soundStub) List() []SoundDevice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []SoundDevice{{Role: Microphone, Value: "default", Name: text.Clean("Default"), Chosen: s.chosen == ""}, {Role: Microphone, Value: "usb", Name: text.Clean("USB"), Chosen: s.chosen == "usb"}}
}
func (s *soundStub) Monitor(on bool) error {
	s.note(map[bool]string{true: "monitor", false: "quiet"}[on])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.monitor = on
	return nil
}
func (s *soundStub) Choose(role SoundRole, value string) error {
	s.note("choose " + string(role) + " " + value)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.chosen = value
	return nil
}
func (s *soundStub) Test(ctx context.Context) (text.Text, bool, error) {
	<-s.wait
	return text.Clean("USB is heard well"), true, nil
}
func (s *soundStub) Bell() bool { return false }
func (s *soundStub) NoMicrophone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chosen == "null"
}
func (s *soundStub) Levels() (float64, float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.level, math.Inf(-1)
}

func (o *office) pick(value string) *Snapshot {
	o.d.Send(Command{Verb: SoundPick, Text: value, Values: map[string]string{"role": string(Microphone)}})
	return o.rest()
}

func TestTheSoundPageListsMetersChoosesAndChecks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &soundStub{level: -30, wait: make(chan struct{})}
		o := open(t, Settings{}, func(p *Ports) { p.Sound = s })
		defer o.close()
		c := o.send(SoundShow, "").SoundCheck
		if c == nil || len(c.Devices) != 2 || c.Busy != "" || !s.monitor {
			t.Fatalf("%+v", c)
		}
		if c = o.pass(time.Second).SoundCheck; c.In != -30 || c.Out != SoundSilence {
			t.Errorf("the meter shows %v, %v", c.In, c.Out)
		}
		if c = o.pick("usb").SoundCheck; !c.OK || !c.Devices[1].Chosen || c.Devices[0].Chosen {
			t.Errorf("%+v", c)
		}
		s.fails = errors.New("the device is gone")
		if c = o.pick("usb").SoundCheck; c.OK || c.Words.String() != "the device is gone" {
			t.Errorf("%+v", c)
		}
		if c = o.send(SoundTry, "").SoundCheck; c.Busy != SoundTest {
			t.Errorf("%+v", c)
		}
		if snap := o.pick("default"); !said(snap, "Wait a moment") {
			t.Error("a choice in the middle of the check is lost without a word")
		}
		close(s.wait)
		if c = o.rest().SoundCheck; c.Busy != "" || !c.OK || c.Words.String() != "USB is heard well" {
			t.Errorf("%+v", c)
		}
		if snap := o.send(SoundHide, ""); snap.SoundCheck != nil || s.monitor {
			t.Error("the page is closed and the microphone open")
		}
	})
}

func TestTheCheckWaitsWhileACallIsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &soundStub{}
		o := open(t, Settings{}, func(p *Ports) { p.Sound = s })
		defer o.close()
		o.incoming("a")
		o.send(SoundShow, "")
		if c := o.send(SoundTry, "").SoundCheck; c.OK || c.Busy != "" || c.Words.Empty() {
			t.Errorf("%+v", c)
		}
		if c := o.pick("usb").SoundCheck; !c.OK {
			t.Errorf("another microphone in mid-call: %+v", c)
		}
		o.bye("a")
	})
}

func TestAPageThatIsClosedAndOpenedAtOnceKeepsTheMicrophoneOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &soundStub{}
		o := open(t, Settings{}, func(p *Ports) { p.Sound = s })
		defer o.close()
		for range 20 {
			o.d.Send(Command{Verb: SoundShow})
			o.d.Send(Command{Verb: SoundHide})
		}
		o.d.Send(Command{Verb: SoundShow})
		if o.rest(); !s.monitor {
			t.Error("what closes has overtaken what opens")
		}
	})
}

func TestTheBellRingsAsTheRingDeviceIsChosen(t *testing.T) {
	b := newBench(t, Settings{Bell: true})
	if !b.snap().Bell {
		t.Error("the settings want the bell")
	}
	ring := func(value string) {
		b.do(SoundDone{Do: SoundChoose, Bell: value == "bell"})
	}
	if ring("x"); b.snap().Bell {
		t.Error("a device was chosen and the bell still rings")
	}
	if ring("bell"); !b.snap().Bell {
		t.Error("the bell was chosen")
	}
}

func TestWithoutSoundDevicesThePageSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		if c := o.send(SoundShow, "").SoundCheck; c == nil || c.Words.Empty() || c.Busy != "" {
			t.Errorf("%+v", c)
		}
	})
}
