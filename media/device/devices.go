package device

import (
	"cmp"
	"slices"
	"strings"

	"offhook/internal/text"
)

// devices is what the sound server had at one moment. It is never changed, only replaced.
type devices struct {
	server text.Text // program and version
	host   text.Text // the machine it runs on
	all    []Info
}

// dummy is the loudspeaker that PulseAudio and PipeWire invent when there is none.
func dummy(name string) bool { return strings.HasPrefix(name, "auto_null") }

// hidden is what a desk loaded for its own use, and the monitor of it.
func hidden(name string) bool { return strings.HasPrefix(name, echoName) }

// infos is a sorted copy for people: loudspeakers, microphones, monitors. The dummies are left out.
func (d devices) infos() []Info {
	out := slices.DeleteFunc(slices.Clone(d.all), func(i Info) bool { return dummy(i.Name) || hidden(i.Name) })
	slices.SortStableFunc(out, func(a, b Info) int {
		rank := func(i Info) int {
			switch {
			case i.Monitor:
				return 2
			case i.Output:
				return 0
			}
			return 1
		}
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.Description.String(), b.Description.String()))
	})
	return out
}

// byName finds a device by the server's name for it.
func (d devices) byName(output bool, name string) (Info, bool) {
	for _, i := range d.all {
		if i.Output == output && i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}

// standard is the default device; false when there is none that a person could hear or be heard with. A monitor is no
// microphone: the customer would hear herself.
func (d devices) standard(output bool) (Info, bool) {
	for _, i := range d.all {
		if i.Output == output && i.Default {
			return i, !dummy(i.Name) && !i.Monitor
		}
	}
	return Info{}, false
}

// find resolves a setting: the server's name, or the description in any case. The error is an *UnknownError.
func (d devices) find(role Role, name string) (Info, error) {
	output := role != Input
	if i, ok := d.byName(output, name); ok {
		return i, nil
	}
	var fit, same []Info
	want := text.Clean(name).Truncate(100).String()
	for _, i := range d.infos() {
		if i.Output != output {
			continue
		}
		same = append(same, i)
		if strings.EqualFold(i.Description.String(), want) {
			fit = append(fit, i)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return Info{}, &UnknownError{Role: role, Name: text.Clean(name), Devices: same}
	}
	return Info{}, &UnknownError{Role: role, Name: text.Clean(name), Ambiguous: true, Devices: fit}
}

// changes tells what a person should know about the way from d to now. Monitors come and go with their loudspeakers
// and are not told of; the dummy is the absence of a device.
func (d devices) changes(now devices) []Event {
	var out []Event
	told := func(i Info) bool { return !i.Monitor && !dummy(i.Name) && !hidden(i.Name) }
	for _, i := range d.all {
		if _, still := now.byName(i.Output, i.Name); !still && told(i) {
			out = append(out, Event{Kind: Removed, Output: i.Output, Name: i.Description})
		}
	}
	for _, i := range now.all {
		if _, before := d.byName(i.Output, i.Name); !before && told(i) {
			out = append(out, Event{Kind: Added, Output: i.Output, Name: i.Description})
		}
	}
	for _, output := range []bool{true, false} {
		a, _ := d.standard(output)
		if b, ok := now.standard(output); ok && a.Name != b.Name {
			out = append(out, Event{Kind: DefaultChanged, Output: output, Name: b.Description})
		}
	}
	return out
}
