package post

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// VoiceCallErrand is the Kind of errands that write a VoiceCall beside a call's Task.
const VoiceCallErrand = "voicecall"

// voiceNeeds are the fields without which Salesforce takes no VoiceCall.
func voiceNeeds() []string {
	return []string{"CallStartDateTime", "CallEndDateTime", "CallType", "FromPhoneNumber"}
}

// vendorKey is the field that names the call's key in a VoiceCall: it keeps one call from leaving two.
const vendorKey = "VendorCallKey"

// voiceCalls tells whether this user may write VoiceCalls, and how they look. What is missing is warned of once: calls are written as
// Tasks then.
func (s *Sender) voiceCalls(ctx context.Context) (*salesforce.Describe, bool, error) {
	d, err := s.o.Client.Describe(ctx, "VoiceCall")
	why := ""
	switch {
	case err != nil && judge(err, writing).reaction != refused:
		return nil, false, err
	case err != nil:
		why = "this org has no voice calls, or this user may not see them"
	case !d.Createable:
		why = "this user may not create voice calls: a permission set of Salesforce's telephony is missing"
	default:
		for _, name := range append(voiceNeeds(), vendorKey) {
			if f, ok := d.Field(name); !ok || !f.Createable {
				why = "this user may not fill " + name + " of voice calls"
			}
		}
	}
	if why != "" {
		s.lacking("voice calls", "record.target: "+why+"; calls are written as Tasks")
		return nil, false, nil
	}
	s.lacking("voice calls")
	return d, true, nil
}

// voiceFields makes the VoiceCall of a call, with the fields that the org has. task is the id of its Task, or "".
func voiceFields(rec crm.CallRecord, d *salesforce.Describe, owner, task string) map[string]any {
	from, to := rec.Number, rec.Called
	if rec.WentOut() {
		from, to = ownNumber(rec), rec.Number
	}
	if rec.Withheld {
		from = text.Clean("withheld")
	}
	all := map[string]any{
		"CallStartDateTime": rec.Start.UTC().Format(salesforce.TimeLayout), "CallEndDateTime": rec.End.UTC().Format(salesforce.TimeLayout),
		"CallType": string(rec.Way()), "FromPhoneNumber": from.Or(text.Clean("unknown")).Runes(40).String(), "CallDurationInSeconds": crm.DurationSeconds(rec),
		vendorKey: rec.Key,
	}
	put := func(field, v string) {
		if v != "" {
			all[field] = v
		}
	}
	put("ToPhoneNumber", to.Runes(40).String())
	put("CallDisposition", rec.Disposition.Runes(255).String())
	put("ActivityId", task)
	if salesforce.ValidID(owner) && strings.HasPrefix(owner, "005") {
		put("UserId", owner)
	}
	if rec.Way() != crm.Internal {
		put("RelatedRecordId", rec.Assoc.Record().ID)
	}
	for name := range all {
		if f, ok := d.Field(name); !ok || !f.Createable {
			delete(all, name)
		}
	}
	return all
}

func ownNumber(rec crm.CallRecord) text.Text {
	user, _ := sipUser(rec.Agent.String())
	return text.Clean(user)
}

// findVoice looks for a VoiceCall of an earlier attempt.
func (s *Sender) findVoice(ctx context.Context, key string) (string, error) {
	page, err := s.o.Client.Query(ctx, salesforce.Select("Id").From("VoiceCall").Where(salesforce.Eq(vendorKey, salesforce.String(key))).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return "", err
	}
	return page.Records[0].ID(), nil
}

// FollowVoice is the errand that a call record leaves when its call becomes a Task and a VoiceCall.
func FollowVoice(rec crm.CallRecord) []ledger.Errand {
	return []ledger.Errand{{Key: VoiceCallErrand + "/" + rec.Key, Kind: VoiceCallErrand, Call: rec.Key, Payload: json.RawMessage(`{}`)}}
}

// VoiceCall carries out errands of kind "voicecall": the VoiceCall that stands beside the Task, written once, found by its key.
func (s *Sender) VoiceCall(store AmendStore) crm.ErrandFunc {
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		item, err := store.Item(ctx, e.Call)
		if err != nil {
			return "", err
		}
		if item.State != ledger.Sent || item.TaskID == "" {
			return "the call has no Task: no voice call either", nil
		}
		p, err := readPayload(item.Payload)
		if err != nil {
			return "", &crm.RefusedError{Class: "payload", Line: err.Error()}
		}
		d, ok, err := s.voiceCalls(ctx)
		if err != nil || !ok {
			return "the org takes no voice calls from this user", err
		}
		org, err := s.orgFor(ctx)
		if err != nil {
			return "", err
		}
		owner, err := s.owner(ctx, p.CallRecord, org.Settings(s.o.Settings()))
		if err != nil {
			return "", err
		}
		if e.Ambiguous || e.Attempts > 1 {
			if id, err := s.findVoice(ctx, p.Key); id != "" || err != nil {
				return id, err
			}
		}
		return s.o.Client.Create(ctx, "VoiceCall", voiceFields(p.CallRecord, d, owner, item.TaskID), nil)
	}
}

// speak writes a record as a VoiceCall alone; done is false when it must become a Task after all. A refusal costs the VoiceCall, not
// the record.
func (s *Sender) speak(ctx context.Context, j *job, set crm.TaskSettings) (again, done bool) {
	if set.Target != crm.TargetVoiceCall || j.p.AsTask {
		return false, false
	}
	d, ok, err := s.voiceCalls(ctx)
	if err != nil {
		return s.react(ctx, *j, err, preparing), true
	}
	if !ok {
		return false, false
	}
	if j.item.Ambiguous || j.item.Attempts > 1 {
		id, err := s.findVoice(ctx, j.p.Key)
		if err != nil {
			return s.react(ctx, *j, err, looking), true
		}
		if id != "" {
			s.sent(ctx, *j, id, ReportFound)
			return false, true
		}
	}
	id, err := s.o.Client.Create(ctx, "VoiceCall", voiceFields(j.p.CallRecord, d, set.OwnerID, ""), nil)
	if err == nil {
		s.sent(ctx, *j, id, ReportSent)
		return false, true
	}
	if v := judge(err, writing); v.reaction == refused {
		j.p.AsTask = true
		return s.degrade(ctx, *j, v.class, "written as a Task, because Salesforce refused the voice call: "+salesforce.Refusal(err).Message), true
	}
	return s.react(ctx, *j, err, writing), true
}

// uploadLimit is how long one attempt to upload a file may take.
const uploadLimit = 10 * time.Minute
