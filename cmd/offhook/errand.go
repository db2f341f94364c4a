package main

import (
	"log/slog"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/crm/report"
	"offhook/crm/sync"
	"offhook/desk"
)

// errandFuncs are the things that Salesforce is told beside the Tasks of calls, by the kind of ledger.Errand.
func (o *org) errandFuncs() map[string]crm.ErrandFunc {
	return map[string]crm.ErrandFunc{
		ledger.AmendErrand:   o.sender.Amend(o.ledger),
		crm.CreateErrand:     o.createAuto(),
		crm.UpdateErrand:     o.directory.UpdateAuto(),
		post.AttachErrand:    o.attach.Attach(o.client, o.ledger),
		post.VoiceCallErrand: o.sender.VoiceCall(o.ledger),
		sync.MemberErrand:    o.lists.members.Run,
		sync.CallbackErrand:  o.lists.callbacks.Run,
		report.EventErrand:   report.EventTasks{Client: o.client, Zone: o.location}.Run,
	}
}

// follow is what is to follow a call record, as the settings want it.
func (o *org) follow(rec crm.CallRecord) (out []ledger.Errand) {
	if o.attach.Dir != "" {
		out = append(out, o.attach.Follow(rec)...)
	}
	if crm.Target(o.record.Target) == crm.TargetBoth {
		out = append(out, post.FollowVoice(rec)...)
	}
	return out
}

// attachments are the settings for recordings in Salesforce; without a Dir none is attached.
func attachments(r config.Recording) post.Attachments {
	a := post.Attachments{Max: int64(r.AttachMax) << 20, Sealed: r.AttachAge}
	if r.Attach {
		a.Dir = r.Dir
	}
	return a
}

// openErrands makes the worker for them; it waits when the sender waits.
func (o *org) openErrands(led *ledger.Ledger, tell func(post.Report), log *slog.Logger) {
	o.errands = post.NewErrands(post.ErrandOptions{Store: led, Run: o.errandFuncs(), Beside: o.sender, Report: tell, Log: log})
}

// tellErrand passes a report about an errand on to the agent; what concerns the whole queue is told as the sender's. True: it was one.
func (o *org) tellErrand(d *desk.Desk, r post.Report) bool {
	if r.Errand == "" || r.Kind == post.ReportPaused || r.Kind == post.ReportResumed || r.Kind == post.ReportDisk || r.Kind == post.ReportLate {
		return false
	}
	if r.Kind == post.ReportDead {
		d.Post(desk.Told{Severity: desk.Warning, Text: r.Line})
	}
	return true
}
