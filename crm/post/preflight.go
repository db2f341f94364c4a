package post

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/lacks"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Org is what the desk must know of the org and its user before it writes Tasks.
type Org struct {
	UserID    string
	UserName  text.Text
	Username  text.Text
	OrgID     string
	Instance  text.Text
	Version   string
	Zone      *time.Location // the user's; nil when Salesforce names one that is not known
	Status    string         // the closed status of Tasks
	Closed    []string       // all closed statuses; nil when they could not be read
	Statuses  []string       // all statuses; nil when they could not be read
	TaskHas   map[string]bool
	TaskWrite bool        // this user may create Tasks
	Member    crm.Member  // profile and call centre; zero when they could not be read
	Warnings  []text.Text // one line each, for the administrator

	task    *salesforce.Describe
	taskErr error // why there is none
	gaps    bool  // something could not be asked just now: what is not warned of is not known to be well
}

// Preflight reads who is signed in, which Task fields exist and which status is closed. Only the first is needed: what
// else cannot be read is a warning, and the record is written with the fields every org has. mapped are further Task fields that the
// settings fill with what calls tell; one that is not there is warned of once, and its values stand in the Description.
func Preflight(ctx context.Context, sf *salesforce.Client, mapped ...string) (Org, error) {
	u, err := sf.Agent(ctx) // not always who is signed in: the app itself may be
	if err != nil {
		return Org{}, &crm.LineError{Line: salesforce.Line(err), Err: err}
	}
	o := Org{
		UserID: u.UserID, UserName: text.Clean(u.Name), Username: text.Clean(u.Username), OrgID: u.OrgID,
		Instance: text.Clean(sf.InstanceURL()), Status: "Completed", TaskWrite: true,
	}
	o.Version, _ = sf.Version(ctx)
	if u.Zone != "" {
		if loc, err := time.LoadLocation(u.Zone); err == nil {
			o.Zone = loc
		} else {
			o.warn("Salesforce's time zone " + u.Zone + " is not known here: subjects use this computer's; record.time_zone names another")
		}
	}
	o.Member, err = crm.ReadMember(ctx, sf, u.UserID)
	if o.gap(err); err == nil && o.Member.CentreKnown && !o.Member.InCentre {
		o.warn(lacks.Line("centre.none"))
	}
	desc, err := sf.Describe(ctx, "Task")
	if o.gap(err); err != nil {
		o.taskErr = err
		o.warn("the fields of Task could not be read (" + salesforce.Line(err) + "): it is tried again, and until then records wait, or carry what every org has where Salesforce refuses it")
		return o, nil
	}
	o.TaskWrite = desc.Createable
	if !desc.Createable {
		o.warn(lacks.Line("task.create"))
	}
	o.TaskHas = map[string]bool{}
	for _, f := range crm.OptionalFields() {
		fd, ok := desc.Field(f)
		o.TaskHas[f] = ok && fd.Createable
		if f == crm.KeyField && ok && !fd.Unique {
			o.TaskHas[f] = false
			o.warn(lacks.Line("key.unique"))
		}
	}
	var hidden []string
	for _, f := range []string{"CallType", "CallDurationInSeconds", "CallObject", "CallDisposition"} {
		if !o.TaskHas[f] && desc.Createable {
			hidden = append(hidden, f)
		}
	}
	if hidden != nil {
		o.warn(lacks.Line("task.call_field", "field", strings.Join(hidden, ", ")))
	}
	for _, f := range mapped {
		if fd, ok := desc.Field(f); !ok || !fd.Createable || !crm.CanFill(fd) {
			o.warn(lacks.Line("data.field", "field", f))
		}
	}
	o.task = desc
	o.chooseStatus(ctx, sf)
	return o, nil
}

func (o *Org) warn(s string) { o.Warnings = append(o.Warnings, text.Clean(s)) }

// gap notes that an answer is missing that may come another time; a refusal is an answer.
func (o *Org) gap(err error) {
	o.gaps = o.gaps || err != nil && judge(err, writing).reaction != refused
}

// chooseStatus takes Completed when it is a closed status, else the org's first closed one.
func (o *Org) chooseStatus(ctx context.Context, sf *salesforce.Client) {
	page, err := sf.Query(ctx, salesforce.Select("ApiName", "MasterLabel", "IsClosed", "SortOrder").From("TaskStatus").OrderBy("SortOrder", false))
	if o.gap(err); err != nil || len(page.Records) == 0 {
		return
	}
	for _, r := range page.Records {
		if name := cmp.Or(r.Str("ApiName"), r.Str("MasterLabel")); name != "" {
			o.Statuses = append(o.Statuses, name)
			if r.Bool("IsClosed") {
				o.Closed = append(o.Closed, name)
			}
		}
	}
	if len(o.Closed) > 0 && !slices.Contains(o.Closed, o.Status) {
		o.Status = o.Closed[0]
	}
}

// Check finds what the settings ask for and the org has not, one line each.
func (o Org) Check(s crm.TaskSettings) (lines []string) {
	if o.task != nil {
		var gone []string
		for _, m := range s.Map {
			if fd, ok := o.task.Field(m.Field); m.Field != "" && (!ok || !fd.Createable || !crm.CanFill(fd)) && !slices.Contains(gone, m.Field) {
				gone = append(gone, m.Field)
			}
		}
		if len(gone) > 0 {
			lines = append(lines, lacks.Line("map.field", "field", strings.Join(gone, ", ")))
		}
	}
	if s.Status != "" && o.Closed != nil && !slices.Contains(o.Closed, s.Status) {
		lines = append(lines, lacks.Line("status.setting", "status", s.Status, "used", o.Status, "closed", strings.Join(o.Closed, ", ")))
	}
	for _, action := range slices.Sorted(maps.Keys(s.Statuses)) {
		if st := s.Statuses[action]; o.Statuses != nil && !slices.Contains(o.Statuses, st) {
			lines = append(lines, lacks.Line("status.action", "status", st, "action", action, "statuses", strings.Join(o.Statuses, ", ")))
		}
	}
	return lines
}

// Settings merges what the org says into a user's settings: the owner and the zone only where they are open, the status
// also where it is not one that closes a Task: an open Task would stand in somebody's to-do list.
func (o Org) Settings(s crm.TaskSettings) crm.TaskSettings {
	if s.Status == "" || o.Closed != nil && !slices.Contains(o.Closed, s.Status) {
		s.Status = o.Status
	}
	s.OwnerID = cmp.Or(s.OwnerID, o.UserID)
	if s.Subject.Zone == nil {
		s.Subject.Zone = o.Zone
	}
	if o.TaskHas != nil {
		s.Has = o.TaskHas
	}
	if o.Statuses != nil {
		s.Statuses = maps.Clone(s.Statuses)
		maps.DeleteFunc(s.Statuses, func(_, status string) bool { return !slices.Contains(o.Statuses, status) })
	}
	if o.task == nil {
		return s
	}
	s.Targets = map[string]salesforce.Field{}
	for _, fd := range o.task.Fields {
		if fd.Createable && crm.CanFill(fd) && !slices.ContainsFunc(crm.OwnFields(), func(f string) bool { return strings.EqualFold(f, fd.Name) }) {
			s.Targets[strings.ToLower(fd.Name)] = fd
		}
	}
	if what, ok := o.task.Field("WhatId"); ok {
		s.WhatTypes = what.ReferenceTo
	}
	return s
}
