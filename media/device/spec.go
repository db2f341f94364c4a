package device

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"offhook/internal/text"
)

// Spec names the devices of one desk and where the sound server is. The zero value is the default devices.
type Spec struct {
	// Input and Output are "default" (or empty), a device's description or server name, "null", "tone:HZ" or
	// "file:PATH". As an input a file is played once and then silent ("file:PATH?loop" repeats it); as an output
	// it is written as WAV. A tone as output is the null device.
	Input, Output string

	// Ring is the device of the ring tone: everything an output may be, and "bell" (the terminal rings) or "off".
	Ring string

	// Wait takes a named device that is not there for one that is not plugged in yet: Open succeeds, an Event says so,
	// the default device serves, and the named one gets its streams when it comes. Without it Open fails with an
	// *UnknownError, which is better for a name that has just been typed.
	Wait bool

	// EchoCancel is "" or "off", or "server": while a call runs, the sound server's echo canceller is put around
	// microphone and loudspeaker, for people without a headset.
	EchoCancel string

	// Server is where the sound server is, as in $PULSE_SERVER; empty looks in the usual places.
	Server string

	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string

	// Logger gets what is of no interest to an agent; nil drops it.
	Logger *slog.Logger
}

// Role is what a device is for.
type Role string

// The three devices of a desk.
const (
	Input  Role = "input"
	Output Role = "output"
	Ring   Role = "ring"
)

// SpecError is a device setting that cannot be understood, or a file that cannot be used. Its text is one line.
type SpecError struct {
	Role  Role
	Value string
	Why   string // what is wrong, and what to write instead
	Err   error  // the cause, if there is one
}

func (e *SpecError) Error() string {
	return fmt.Sprintf("audio %s = %q: %s", e.Role, text.Clean(e.Value), e.Why)
}

// Unwrap returns the cause.
func (e *SpecError) Unwrap() error { return e.Err }

// UnknownError is a device name that the sound server does not know, or that fits several devices.
type UnknownError struct {
	Role      Role
	Name      text.Text
	Ambiguous bool
	Devices   []Info // the devices that exist, or, when ambiguous, those that fit
}

func (e *UnknownError) Error() string {
	var names []string
	for _, d := range e.Devices {
		if e.Ambiguous {
			names = append(names, d.Name)
		} else if !d.Monitor {
			names = append(names, strconv.Quote(d.Description.String()))
		}
	}
	list := strings.Join(names, ", ")
	switch {
	case e.Ambiguous:
		return fmt.Sprintf("audio %s = %q: several devices are called so; write one of %s", e.Role, e.Name, list)
	case list == "":
		return fmt.Sprintf("audio %s = %q: no such device, and the sound server has none; write \"null\" to work without sound", e.Role, e.Name)
	}
	return fmt.Sprintf("audio %s = %q: no such device; there are %s (or \"default\")", e.Role, e.Name, list)
}

// ErrBusy is returned by a second playback into a file that is being written.
var ErrBusy = errors.New("the sound file is being written by another stream")

// ErrStarted is returned when a device is started twice, or after Close.
var ErrStarted = errors.New("the device was started before")

// kind is the sort of device that a setting names.
type kind int

const (
	kindServer kind = iota // default or a name
	kindNull
	kindTone
	kindFile
	kindBell
	kindOff
)

// choice is one parsed setting.
type choice struct {
	kind kind
	name string  // kindServer: empty is the default device
	hz   float64 // kindTone
	path string  // kindFile
	loop bool    // kindFile
}

// Check reports the first setting that cannot be understood, without touching a device or a file.
func (s Spec) Check() error {
	_, err := s.parse()
	return err
}

func (s Spec) parse() (map[Role]choice, error) {
	if e := s.EchoCancel; e != "" && e != "off" && e != "server" {
		return nil, &SpecError{Role: "echo_cancel", Value: e, Why: `write "off" or "server"`}
	}
	out := make(map[Role]choice, 3)
	for role, value := range map[Role]string{Input: s.Input, Output: s.Output, Ring: s.Ring} {
		c, err := parse(role, value)
		if err != nil {
			return nil, err
		}
		out[role] = c
	}
	return out, nil
}

func parse(role Role, value string) (choice, error) {
	bad := func(why string) (choice, error) { return choice{}, &SpecError{Role: role, Value: value, Why: why} }
	v := strings.TrimSpace(value)
	scheme, rest, colon := strings.Cut(v, ":")
	switch strings.ToLower(scheme) {
	case "", "default":
		if !colon {
			return choice{}, nil
		}
	case "null":
		if !colon {
			return choice{kind: kindNull}, nil
		}
	case "bell", "off":
		if colon {
			break
		}
		if role != Ring {
			return bad(`only the ring can be "bell" or "off"; write "null" to work without sound`)
		}
		if strings.EqualFold(v, "bell") {
			return choice{kind: kindBell}, nil
		}
		return choice{kind: kindOff}, nil
	case "tone":
		hz, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		if err != nil || !(hz >= 20 && hz < Rate/2) { // not (…) also refuses NaN
			return bad(fmt.Sprintf(`a tone needs its frequency from 20 to %d Hz, as in "tone:440"`, Rate/2-1))
		}
		return choice{kind: kindTone, hz: hz}, nil
	case "file":
		return parseFile(role, rest, bad)
	}
	if len(v) > maxName {
		return bad("a device name has at most 200 characters")
	}
	return choice{name: v}, nil
}

func parseFile(role Role, path string, bad func(string) (choice, error)) (choice, error) {
	c := choice{kind: kindFile, path: path}
	if p, ok := strings.CutSuffix(path, "?loop"); ok {
		c.path, c.loop = p, true
	}
	// "file:///home/me/my%20call.wav" is what people paste from a file manager.
	if strings.HasPrefix(c.path, "///") {
		p, err := url.PathUnescape(c.path[2:])
		if err != nil {
			return bad("the address of the file has a broken % escape")
		}
		c.path = p
	}
	if c.path == "" {
		return bad(`a file needs its path, as in "file:greeting.wav"`)
	}
	if c.loop && role != Input {
		return bad("only an input file can be looped")
	}
	return c, nil
}

func (s Spec) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}
