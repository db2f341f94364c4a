package post

import (
	"context"
	"encoding/json"
	"offhook/crm"
	"offhook/crm/number"
	"strings"
	"time"
)

// Expected is the Task that a stored record makes.
type Expected struct {
	Record crm.CallRecord
	Fields map[string]any // as TaskFields makes them, without what Salesforce has refused

	subject crm.SubjectStyle
}

// Expect makes the Task of a stored record by the present settings, to be compared with what stands in Salesforce. It asks for the org's
// fields and for owners as sending does, and looks nobody up. A record that cannot be read is a *RefusedError.
func (s *Sender) Expect(ctx context.Context, stored json.RawMessage) (Expected, error) {
	p, err := readPayload(stored)
	if err != nil {
		return Expected{}, &crm.RefusedError{Class: "payload", Line: err.Error()}
	}
	org, err := s.orgFor(ctx)
	if err != nil {
		return Expected{}, err
	}
	set := org.Settings(s.o.Settings())
	if set.OwnerID, err = s.owner(ctx, p.CallRecord, set); err != nil {
		return Expected{}, err
	}
	return Expected{Record: p.CallRecord, Fields: p.fields(set), subject: set.Subject}, nil
}

// Subject reports whether a subject may be this record's: in any style that the settings may have had when it was written, with
// any name in brackets, because a subject is written once and names change.
func (e Expected) Subject(got string) bool {
	head := func(s string) string {
		s, _, _ = strings.Cut(s, " (")
		return strings.TrimSpace(s)
	}
	got = head(got)
	for _, zone := range []*time.Location{e.subject.Location(), time.Local, time.UTC} {
		for _, style := range []crm.ZoneStyle{crm.ZoneOff, crm.ZoneID, crm.ZoneName} {
			for _, number := range []number.Style{e.subject.Number, "", number.National, number.E164} {
				for _, twelve := range []bool{false, true} {
					if head(crm.Subject(e.Record, crm.SubjectStyle{Zone: zone, ZoneStyle: style, TwelveHour: twelve, Number: number, Region: e.subject.Region})) == got {
						return true
					}
				}
			}
		}
	}
	return false
}
