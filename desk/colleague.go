package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/internal/text"
	"offhook/sip"
)

// Lamp is a colleague's telephone and whether it is in use (RFC 4235).
type Lamp struct {
	Number text.Text `json:"number"`
	Name   text.Text `json:"name,omitzero"`
	State  LampState `json:"state"`
	With   text.Text `json:"with,omitzero"` // who is on the line there, when it is told
	Since  time.Time `json:"since,omitzero"`
	Via    text.Text `json:"via,omitzero"` // with several accounts: whose exchange the number is at, as user@host
}

// Dials is what to dial for a colleague: the number, over the account that it is watched over.
func (l Lamp) Dials() string {
	if l.Via.Empty() {
		return l.Number.String()
	}
	return l.Number.String() + " via " + l.Via.String()
}

// From is the colleague as a call of an account is sent there: at another exchange the bare number is somebody else's.
func (l Lamp) From(account text.Text) string {
	number, via := l.Number.String(), l.Via.String()
	_, host, _ := strings.Cut(via, "@")
	if own := strings.TrimPrefix(strings.TrimPrefix(account.String(), "sip:"), "sips:"); host == "" || strings.EqualFold(own, via) || strings.ContainsAny(number, "@:") {
		return number
	}
	return "sip:" + number + "@" + host
}

// LampState is what a lamp shows.
type LampState string

// Lamp states.
const (
	LampUnknown LampState = "unknown"
	LampFree    LampState = "free"
	LampRinging LampState = "ringing"
	LampBusy    LampState = "busy"
)

// lamps are the lamps before anything is told of them.
func (s Settings) lamps() (out []Lamp) {
	for _, l := range s.Lamps {
		out = append(out, Lamp{Number: l.Number, Name: l.Name, Via: l.Via, State: LampUnknown})
	}
	return out
}

// lampChanged takes over what a colleague's telephone does. Numbers that nobody configured have no lamp.
func (t *turn) lampChanged(ev sip.LampChanged) {
	i := slices.IndexFunc(t.lamps, func(l Lamp) bool { return l.Number == ev.Who })
	if i < 0 {
		return
	}
	state := map[string]LampState{sip.LampIdle: LampFree, sip.LampRinging: LampRinging, sip.LampBusy: LampBusy}[ev.State]
	if state == "" {
		state = LampUnknown
	}
	l := t.lamps[i]
	if l.State != state {
		l.Since = t.at
	}
	l.State, l.With = state, ev.Peer
	t.lamps = slices.Clone(t.lamps) // earlier snapshots have it
	t.lamps[i] = l
}

// fromSettings says that a name is the one that the settings give a colleague.
const fromSettings = "the settings"

// colleague is the lamp of a number; nil: it has none.
func (t *turn) colleague(number text.Text) *Lamp {
	if i := slices.IndexFunc(t.lamps, func(l Lamp) bool { return l.Number == number }); i >= 0 && !number.Empty() {
		return &t.lamps[i]
	}
	return nil
}

// Bounds of messages: more in a minute than anybody reads are counted, not shown.
const (
	messagesAtOnce = 5
	messagesWithin = time.Minute
)

// textMessage shows a message that came over the telephone's own servers (RFC 3428), in one line. It stays until it is hidden: a person
// wrote it.
func (t *turn) textMessage(ev sip.TextMessage) {
	if t.at.Sub(t.messagesFrom) >= messagesWithin {
		t.messagesFrom, t.messages = t.at, 0
	}
	if t.messages++; t.messages > messagesAtOnce {
		if t.messages == messagesAtOnce+1 {
			t.say(Warning, "", "More messages come than anybody can read; further ones of this minute are not shown.")
		}
		return
	}
	t.notify(Info, "", text.Clean(t.whoWrote(ev.From)+": "+text.Clean(ev.Text.String()).Runes(maxMessage).String()))
}

// maxMessage is how many characters of a message are shown.
const maxMessage = 500

func (t *turn) whoWrote(p sip.Party) string {
	name, number := p.Name, p.Number
	if l := t.colleague(number); l != nil {
		name = l.Name.Or(name)
	}
	switch {
	case p.Withheld, name.Empty() && number.Empty():
		return "Message"
	case name.Empty() || number.Empty() || name == number:
		return name.Or(number).Truncate(40).String()
	}
	return fmt.Sprintf("%s (%s)", name.Truncate(40), number.Truncate(24))
}
