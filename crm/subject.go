package crm

import (
	"strings"
	"time"
	_ "time/tzdata" // the subject's time must be right on machines without a zone database

	"offhook/crm/number"
	"offhook/internal/text"
)

// ZoneStyle is how the subject names the time zone.
type ZoneStyle string

// Zone styles.
const (
	ZoneOff  ZoneStyle = "off" // also the zero value
	ZoneID   ZoneStyle = "id"  // Europe/London, Asia/Hong Kong
	ZoneName ZoneStyle = "name"
)

// SubjectStyle is how a Task's subject is written.
type SubjectStyle struct {
	Zone       *time.Location // the user's; nil for local time
	ZoneStyle  ZoneStyle
	TwelveHour bool
	Number     number.Style
	Region     string // for National and E164
}

// Location is the zone in which subjects name moments: Zone, else this computer's.
func (s SubjectStyle) Location() *time.Location {
	if s.Zone == nil {
		return time.Local
	}
	return s.Zone
}

// MaxSubject is the length of Task.Subject.
const MaxSubject = 255

// Subject writes the subject line of a call's Task, at most 255 characters; the name in brackets is shortened first:
//
//	Inbound Call at 16:11:36 Europe/London from 07814256404 (Fred Bloggs)
func Subject(rec CallRecord, s SubjectStyle) string {
	var b strings.Builder
	b.WriteString(string(rec.Way()) + " Call at ")
	at := rec.Start.In(s.Location())
	if s.TwelveHour {
		b.WriteString(at.Format("3:04:05 PM"))
	} else {
		b.WriteString(at.Format(time.TimeOnly))
	}
	if z := zoneText(at, s.ZoneStyle); z != "" {
		b.WriteString(" " + z)
	}
	if rec.WentOut() {
		b.WriteString(" to ")
	} else {
		b.WriteString(" from ")
	}
	head := b.String()
	if rec.Withheld {
		return head + "Withheld"
	}
	number := subjectNumber(rec, s)
	head = text.Clean(head + number.String()).Runes(MaxSubject).String()
	name := rec.Assoc.Who.Name.Or(rec.Assoc.What.Name).Or(rec.Place)
	room := MaxSubject - len([]rune(head)) - 3 // a space and two brackets
	if name.Empty() || room < 3 {
		return head
	}
	return head + " (" + shorten(name, room) + ")"
}

// shorten cuts to n characters, the last of which then is an ellipsis.
func shorten(t text.Text, n int) string {
	if len([]rune(t.String())) <= n {
		return t.String()
	}
	return t.Runes(n-1).String() + "…"
}

func subjectNumber(rec CallRecord, s SubjectStyle) text.Text {
	shown := rec.Number
	if s.Number == number.National || s.Number == number.E164 {
		shown = number.NewPlan(number.Settings{Region: s.Region}).Parse(shown.String()).Format(s.Number)
	}
	return shown.Or(text.Clean("an unknown number"))
}

// Way is the call's direction as Task.CallType has it, also of a record that does not say.
func (rec CallRecord) Way() Direction {
	switch rec.Type {
	case Inbound, Outbound, Internal:
		return rec.Type
	}
	if rec.Outgoing {
		return Outbound
	}
	return Inbound
}

// WentOut reports whether the agent's side called.
func (rec CallRecord) WentOut() bool {
	return rec.Type == Outbound || rec.Type == Internal && rec.Outgoing
}

// zoneText names the zone of t, or "" when it is switched off or has no name.
func zoneText(t time.Time, style ZoneStyle) string {
	id := t.Location().String()
	switch style {
	case ZoneID:
		if id == "" || id == "Local" {
			return ""
		}
		return text.Clean(strings.ReplaceAll(id, "_", " ")).String()
	case ZoneName:
		return zoneName(id, t.IsDST())
	}
	return ""
}
