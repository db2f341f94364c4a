package desk

import (
	"context"
	"slices"

	"offhook/internal/text"
	"offhook/sip"
)

// SoundRole is what a sound device is for.
type SoundRole string

// Roles.
const (
	Microphone  SoundRole = "microphone"
	Loudspeaker SoundRole = "loudspeaker"
	RingDevice  SoundRole = "ring"
)

// SoundRoles are the roles in the order in which they are shown.
func SoundRoles() []SoundRole { return []SoundRole{Microphone, Loudspeaker, RingDevice} }

// SoundDevice is one device that may be chosen for a role.
type SoundDevice struct {
	Role    SoundRole `json:"role"`
	Value   string    `json:"value"` // for SoundChoose
	Name    text.Text `json:"name"`
	Chosen  bool      `json:"chosen,omitempty"`  // what the settings or the agent say
	Default bool      `json:"default,omitempty"` // the system's own choice
	InUse   bool      `json:"inUse,omitempty"`
	Missing bool      `json:"missing,omitempty"` // chosen, but not there
}

// SoundCheck is the page of the sound devices while it is open.
type SoundCheck struct {
	Devices []SoundDevice `json:"devices,omitempty"` // by role
	In      float64       `json:"in"`                // level of the microphone in dBFS, SoundSilence when nothing is heard
	Out     float64       `json:"out"`               // of the loudspeaker
	Busy    SoundTask     `json:"busy,omitempty"`    // what is under way
	OK      bool          `json:"ok,omitempty"`      // of Words
	Words   text.Text     `json:"words,omitzero"`    // what the last choice or check came to
}

// SoundSilence is the level of nothing, in dBFS.
const SoundSilence = -96

// SoundTask is what is done with the sound devices.
type SoundTask string

// Tasks.
const (
	SoundOpen   SoundTask = "open"   // the microphone is opened for its level meter
	SoundClose  SoundTask = "close"  // and closed
	SoundChoose SoundTask = "choose" // another device, in the middle of a call too
	SoundLook   SoundTask = "look"   // what there is now
	SoundTest   SoundTask = "test"   // records for three seconds, plays it back, and judges it
)

// SoundDevices are the agent's sound devices. Its methods may take as long as the devices do; the desk calls all but Levels on
// goroutines of their own.
type SoundDevices interface {
	List() []SoundDevice
	// Bell reports whether the front end's own bell must ring for calls: it was chosen, or the ring device cannot be heard.
	Bell() bool
	// NoMicrophone reports that there is none by choice.
	NoMicrophone() bool
	// Monitor keeps the microphone open for Levels; nothing is sent or kept.
	Monitor(on bool) error
	Choose(role SoundRole, value string) error
	// Test says in one line how the microphone is.
	Test(ctx context.Context) (words text.Text, ok bool, err error)
	// Levels of microphone and loudspeaker in dBFS; must not block.
	Levels() (in, out float64)
}

// SoundDo asks for work with the sound devices. Answered by SoundDone.
type SoundDo struct {
	Do    SoundTask
	Role  SoundRole
	Value string
}

func (SoundDo) deskEffect() {}

// SoundDone is what it came to: the devices as they are now, and words where there is something to say.
type SoundDone struct {
	Do      SoundTask
	Devices []SoundDevice
	Bell    bool // the front end rings
	NoMic   bool // by choice
	Words   text.Text
	OK      bool
}

// SoundLevels are the levels now.
type SoundLevels struct{ In, Out float64 }

func (SoundDone) deskEvent()   {}
func (SoundLevels) deskEvent() {}

// soundCommand carries out the commands of the sound page; it reports whether cmd was one of them.
func (t *turn) soundCommand(cmd Command) bool {
	switch cmd.Verb {
	case SoundShow:
		if t.check == nil {
			t.check = &SoundCheck{In: SoundSilence, Out: SoundSilence, Busy: SoundOpen}
			t.do(SoundDo{Do: SoundOpen})
		}
	case SoundHide:
		if t.check != nil {
			t.check = nil
			t.do(SoundDo{Do: SoundClose})
		}
	case SoundPick:
		t.onCheck(func(c *SoundCheck) {
			c.Busy, c.Words = SoundChoose, text.Text{}
			t.do(SoundDo{Do: SoundChoose, Role: SoundRole(cmd.Values["role"]), Value: cmd.Text})
		})
	case SoundTry:
		if slices.ContainsFunc(t.calls, func(c call) bool { return c.State != Ended }) {
			t.onCheck(func(c *SoundCheck) {
				c.OK, c.Words = false, text.Clean("The check waits until no call is up: it takes the microphone.")
			})
			return true
		}
		t.onCheck(func(c *SoundCheck) {
			c.Busy, c.Words = SoundTest, text.Text{}
			t.do(SoundDo{Do: SoundTest})
		})
	default:
		return false
	}
	return true
}

// onCheck changes the sound page, if it is open and nothing else is under way on it.
func (t *turn) onCheck(f func(*SoundCheck)) {
	switch {
	case t.check == nil:
		t.say(Info, "", "Open the sound devices first.")
	case t.check.Busy != "":
		t.say(Info, "", "Wait a moment: the sound devices are busy.")
	default:
		c := *t.check
		f(&c)
		t.check = &c
	}
}

// soundDone takes over what came of it. A page that was closed meanwhile wants to know nothing.
func (t *turn) soundDone(ev SoundDone) {
	t.bell, t.noMic = ev.Bell, ev.NoMic
	if t.check == nil {
		return
	}
	c := *t.check
	if c.Devices = ev.Devices; ev.Do == c.Busy {
		c.Busy = ""
	}
	if !ev.Words.Empty() {
		c.OK, c.Words = ev.OK, ev.Words
	}
	t.check = &c
}

func (t *turn) soundLevels(ev SoundLevels) {
	if t.check != nil {
		c := *t.check
		c.In, c.Out = ev.In, ev.Out
		t.check = &c
	}
}

// soundDo works with the devices; the answer comes back as SoundDone. One thing at a time, in the order in which they were asked for:
// what opens the microphone must not overtake what closes it.
func (d *Desk) soundDo(ctx context.Context, fx SoundDo) {
	s := d.ports.Sound
	before, now := d.sounding, make(chan struct{})
	d.sounding = now
	d.ask(ctx, func(ctx context.Context) Event {
		defer close(now)
		if before != nil {
			<-before
		}
		done := SoundDone{Do: fx.Do}
		if s == nil {
			if fx.Do == SoundLook {
				return nil
			}
			done.Words = text.Clean("There are no sound devices here.")
			return done
		}
		var err error
		switch fx.Do {
		case SoundOpen:
			err = s.Monitor(true)
		case SoundClose:
			err = s.Monitor(false)
		case SoundChoose:
			if err = s.Choose(fx.Role, fx.Value); err == nil {
				done.OK, done.Words = true, text.Clean("The "+string(fx.Role)+" has changed. It lasts until offhook ends; audio in the settings keeps it.")
			}
		case SoundTest:
			done.Words, done.OK, err = s.Test(ctx)
		}
		if err != nil {
			done.OK, done.Words = false, errText(err)
		}
		done.Devices, done.Bell, done.NoMic = s.List(), s.Bell(), s.NoMicrophone()
		return done
	})
}

// readLevels moves the meter of the sound page. Nothing is published while it stands still.
func (d *Desk) readLevels() (SoundLevels, bool) {
	if d.machine.check == nil || d.ports.Sound == nil {
		return SoundLevels{}, false
	}
	in, out := d.ports.Sound.Levels()
	l := SoundLevels{In: max(in, SoundSilence), Out: max(out, SoundSilence)}
	return l, l.In != d.machine.check.In || l.Out != d.machine.check.Out
}

// sound applies what became of microphone or loudspeaker. While a call is up, losing one is more than a word at the screen's edge:
// the people on the line do not hear each other any more.
func (t *turn) sound(ev sip.SoundChanged) {
	if t.do(SoundDo{Do: SoundLook}); t.check != nil { // something was plugged or unplugged: the microphone that is metered may be another
		t.do(SoundDo{Do: SoundOpen})
	}
	if ev.OK {
		t.unsay(noSound)
		t.linkChanged(LinkChanged{Name: LinkSound, Health: HealthOK, Text: ev.Device})
		return
	}
	had := t.links.Sound.Health == HealthOK
	t.linkChanged(LinkChanged{Name: LinkSound, Health: HealthWarn, Text: ev.Detail})
	if had && t.live() {
		t.say(Warning, "", "%s; the call stays up, its record is safe. (%s)", noSound, ev.Detail)
	}
}

// noSound begins the notice of sound that was lost in a call.
const noSound = "Your sound is gone until the device or its server is back"
