package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"offhook/desk"
	"offhook/internal/text"
)

// MaxValue is the most bytes that an agent's value takes on the bus.
const MaxValue = 512

// valueVersion is the version of Value. Readers ignore fields they do not know and refuse newer versions.
const valueVersion = 1

// Value is one agent's live state as it stands in the bucket. Times are milliseconds since 1970 on the hub's clock.
type Value struct {
	V       int        `json:"v"`
	State   desk.State `json:"state"`
	Reason  text.Text  `json:"reason,omitzero"` // why away; for offline: how it came
	Since   int64      `json:"since"`
	Next    desk.State `json:"next,omitempty"` // the state after the call
	Call    *Call      `json:"call,omitempty"`
	Calls   int        `json:"calls,omitempty"` // when there is more than one
	Outbox  Outbox     `json:"outbox"`
	SIP     string     `json:"sip,omitempty"` // desk.Health of the telephone
	SF      string     `json:"sf,omitempty"`  // desk.Health of Salesforce
	Version text.Text  `json:"version,omitzero"`
	Seq     uint64     `json:"seq"`
}

// Call is the call that matters most at the desk: the one that talks, else the one that rings.
type Call struct {
	ID    desk.CallKey   `json:"id,omitempty"`
	Dir   string         `json:"dir"` // in, out, internal
	State desk.CallState `json:"state"`
	Peer  text.Text      `json:"peer,omitzero"` // masked number
	Name  text.Text      `json:"name,omitzero"`
	Since int64          `json:"since"` // answered, else began to ring
	Queue text.Text      `json:"queue,omitzero"`
	Match string         `json:"match,omitempty"`
	Hold  string         `json:"hold,omitempty"` // us, them, both
	Muted bool           `json:"muted,omitempty"`
	MOS   float64        `json:"mos,omitempty"` // one decimal
}

// Outbox counts call records that are not in Salesforce yet.
type Outbox struct {
	Pending int   `json:"pending"`
	Oldest  int64 `json:"oldest_s,omitempty"` // seconds
	Dead    int   `json:"dead,omitempty"`
}

// Reasons of an offline value.
const (
	leftReason = "left"            // the desk said goodbye
	lostReason = "connection lost" // it did not
)

// errNewer says that a value or a grant is of a version we do not know.
var errNewer = errors.New("made by a newer offhook")

// encode writes the value on at most MaxValue bytes. What explains gives way to what counts: the queue first, then the
// caller's name, the reason, the version, and last the call's id.
func (v Value) encode() ([]byte, error) {
	v.V = valueVersion
	if v.Call != nil {
		c := *v.Call // the caller's stays as it is
		v.Call = &c
	}
	for step := 0; ; step++ {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if len(b) <= MaxValue {
			return b, nil
		}
		switch step {
		case 0:
			v.Reason, v.Version = v.Reason.Runes(24), v.Version.Runes(16)
			if v.Call != nil {
				v.Call.Queue, v.Call.Name, v.Call.Peer = v.Call.Queue.Runes(12), v.Call.Name.Runes(16), v.Call.Peer.Runes(16)
			}
		case 1:
			if v.Call != nil {
				v.Call.Queue = text.Text{}
			}
		case 2:
			if v.Call != nil {
				v.Call.Name = text.Text{}
			}
		case 3:
			v.Reason = text.Text{}
		case 4:
			v.Version = text.Text{}
		case 5:
			if v.Call != nil {
				v.Call.ID, v.Call.Peer = "", text.Text{}
			}
		default:
			return nil, fmt.Errorf("an agent's state takes %d bytes, more than %d", len(b), MaxValue)
		}
	}
}

// decodeValue reads a value that came over the bus. Nothing in it is trusted: texts are cleaned, words that we do not know
// are shortened, numbers are brought into their range.
func decodeValue(b []byte) (Value, error) {
	var v Value
	if len(b) > 4*MaxValue {
		return v, fmt.Errorf("a value of %d bytes", len(b))
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return Value{}, err
	}
	if v.V < 1 {
		return Value{}, errors.New("a value without a version")
	}
	if v.V > valueVersion {
		return Value{}, errNewer
	}
	v.State, v.Next = desk.State(clip(string(v.State), 16)), desk.State(clip(string(v.Next), 16))
	v.SIP, v.SF = clip(v.SIP, 8), clip(v.SF, 8)
	v.Reason, v.Version = v.Reason.Runes(40), v.Version.Runes(24)
	v.Since, v.Calls = clampTime(v.Since), min(max(v.Calls, 0), 99)
	v.Outbox.Pending, v.Outbox.Dead = min(max(v.Outbox.Pending, 0), 1e6), min(max(v.Outbox.Dead, 0), 1e6)
	v.Outbox.Oldest = min(max(v.Outbox.Oldest, 0), 1e9)
	if c := v.Call; c != nil {
		c.ID, c.Dir = desk.CallKey(clip(string(c.ID), 40)), clip(c.Dir, 8)
		c.State, c.Match, c.Hold = desk.CallState(clip(string(c.State), 16)), clip(c.Match, 12), clip(c.Hold, 4)
		c.Peer, c.Name, c.Queue = masked(c.Peer).Runes(20), maskName(c.Name, 40), c.Queue.Runes(24)
		c.Since = clampTime(c.Since)
		if c.MOS = math.Round(c.MOS*10) / 10; c.MOS < 1 || c.MOS > 5 {
			c.MOS = 0
		}
	}
	return v, nil
}

// clampTime keeps a time within what a timer can show.
func clampTime(ms int64) int64 { return min(max(ms, 0), 1<<43) } // until the year 2248

func fromMS(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
