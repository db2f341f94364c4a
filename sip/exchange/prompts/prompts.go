// Package prompts is what the practice exchange says and plays: the five customers of the demo's story, the voices
// that answer an agent's calls, and the music on hold. The sounds are embedded as G.711; every one has its words as
// text, for people who read the demo instead of hearing it. The package plays nothing and knows nothing of calls.
package prompts

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"offhook/media/codec"
	"offhook/media/resample"
)

// Sample rates in Hz: of the embedded sound, and of what Load returns.
const (
	ULawRate = 8000
	Rate     = 16000
)

// Hold is the name of the music on hold: 9.6 s that can be repeated without a seam.
const Hold = "hold"

// The prompts that answer when an agent calls.
const (
	Colleague = "colleague" // a person answers
	Voicemail = "voicemail" // greeting and beep
	Echo      = "echo"      // announcement of the echo test
)

// Caller is somebody in the demo's story who calls the agent.
type Caller string

// The callers, in the order of the story.
const (
	Fred     Caller = "fred"     // his number stands on one contact (pop)
	Jane     Caller = "jane"     // a switchboard that stands on three records (search)
	Harriet  Caller = "harriet"  // nobody knows her (new)
	Priya    Caller = "priya"    // the colleague at 2104 (no lookup)
	Withheld Caller = "withheld" // does not give the number
)

// Callers returns the callers in the order of the story.
func Callers() []Caller { return []Caller{Fred, Jane, Harriet, Priya, Withheld} }

// Moment is when a caller says something.
type Moment string

// The moments of a call.
const (
	Greeting Moment = "greeting" // the agent has answered
	Waiting  Moment = "waiting"  // nobody has said anything for a while
	Resumed  Moment = "resumed"  // taken off hold
	Goodbye  Moment = "goodbye"  // before hanging up
)

// Moments returns the moments in their order.
func Moments() []Moment { return []Moment{Greeting, Waiting, Resumed, Goodbye} }

// Says is the name of what a caller says at a moment.
func (c Caller) Says(m Moment) string { return string(c) + "-" + string(m) }

// Prompt is one sound.
type Prompt struct {
	Name   string
	Text   string        // the words; empty for music
	Length time.Duration // how long it takes
}

// ErrUnknown is wrapped by the error about a name that is not in List.
var ErrUnknown = errors.New("no such prompt")

//go:embed *.ulaw
var sounds embed.FS

//go:embed prompts.txt
var script string

// List returns all prompts in the order of prompts.txt, the music last.
func List() []Prompt {
	var out []Prompt
	for line := range strings.Lines(script) {
		if f := strings.Split(line, "|"); len(f) == 5 && !strings.HasPrefix(line, "#") {
			out = append(out, prompt(strings.TrimSpace(f[0]), strings.TrimSpace(f[4])))
		}
	}
	return append(out, prompt(Hold, ""))
}

func prompt(name, text string) Prompt {
	b, _ := ULaw(name)
	return Prompt{Name: name, Text: text, Length: time.Duration(len(b)) * time.Second / ULawRate}
}

// Text returns the words of a prompt; music and unknown names have none.
func Text(name string) string {
	for _, p := range List() {
		if p.Name == name {
			return p.Text
		}
	}
	return ""
}

// ULaw returns a prompt as it is stored: G.711 µ-law, 8 kHz, mono, one octet per sample, ready for RTP. The slice is
// the caller's.
func ULaw(name string) ([]byte, error) {
	if strings.ContainsAny(name, `/\.`) {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	b, err := sounds.ReadFile(name + ".ulaw")
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return b, nil
}

// Load returns a prompt as the media sessions take it: signed 16 bit, mono, 16 kHz. It decodes anew on each call
// (some milliseconds), so keep what is played often. The slice is the caller's.
func Load(name string) ([]int16, error) {
	b, err := ULaw(name)
	if err != nil {
		return nil, err
	}
	pcm := make([]int16, len(b))
	codec.ULaw.Decode(pcm, b)
	return resample.Convert(pcm, ULawRate, Rate), nil
}
