package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"offhook/internal/text"
)

// Break is a pause, in milliseconds of the recording. To is −1 while it lasts.
type Break struct {
	From int64 `json:"from_ms"`
	To   int64 `json:"to_ms"`
}

// sidecar is the JSON file beside the sound.
type sidecar struct {
	File     string    `json:"file"`
	State    string    `json:"state"` // recording, complete, failed, interrupted
	Reason   text.Text `json:"reason"`
	Call     text.Text `json:"call"`
	CallID   text.Text `json:"call_id"`
	FarEnd   text.Text `json:"far_end"` // masked
	Inbound  bool      `json:"inbound"`
	Consent  bool      `json:"consent"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`
	Length   int64     `json:"length_ms"`
	Dropped  int64     `json:"dropped_ms"` // the most that one side lost
	Format   Format    `json:"format"`
	Sealed   bool      `json:"encrypted"`
	Channels [2]string `json:"channels"`
	Pauses   []Break   `json:"pauses"`
}

func newSidecar(c Config, start time.Time, name string) sidecar {
	return sidecar{File: name, State: "recording", Call: c.Call.Key.Truncate(200), CallID: c.Call.ID.Truncate(200), FarEnd: Mask(c.Call.FarEnd),
		Inbound: c.Call.Inbound, Consent: c.Call.Consent, Start: start.UTC(), Format: c.Format, Sealed: len(c.Recipients) > 0,
		Channels: [2]string{"agent", "customer"}, Pauses: []Break{}}
}

// at is a copy with the length of now.
func (s sidecar) at(written int64, dropped ...uint64) sidecar {
	s.Length = samples(written).Milliseconds()
	for _, n := range dropped {
		s.Dropped = max(s.Dropped, int64(n)*10)
	}
	s.Pauses = append([]Break{}, s.Pauses...)
	if !s.End.IsZero() {
		s.End = s.End.UTC()
	}
	return s
}

// save replaces the file as a whole, so that a crash leaves the old one or the new one.
func (s sidecar) save(root *os.Root) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	name := sidecarOf(s.File)
	f, err := root.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("write what belongs to a recording: %w", err)
	}
	return nil
}

// sidecarOf is the name of the JSON file of a recording.
func sidecarOf(name string) string { return strings.TrimSuffix(name, ".age") + ".json" }

// Mask hides a number but for its last three digits: "+49 30 901820" becomes "•••820". Names and addresses lose
// everything but their last three characters, too; what is shorter is hidden whole.
func Mask(number text.Text) text.Text {
	s := []rune(number.String())
	if len(s) == 0 {
		return number
	}
	if at := strings.IndexRune(number.String(), '@'); at >= 0 { // the user part says who it is
		s = []rune(number.String()[:at])
	}
	if len(s) < 7 {
		return text.Clean("•••")
	}
	return text.Clean("•••" + string(s[len(s)-3:]))
}
