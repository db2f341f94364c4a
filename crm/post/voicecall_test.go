package post

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
)

func voicePost(t *testing.T, target crm.Target, without ...string) *post {
	p := newPost(t, emulator.Options{Without: without})
	p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{Target: target} }
	if target == crm.TargetBoth {
		p.sender.o.Follow = FollowVoice
	}
	return p
}

func (p *post) voices() []map[string]any { return p.Records("VoiceCall", true) }

func TestACallBecomesATaskAndAVoiceCall(t *testing.T) {
	for _, fault := range []*emulator.Fault{nil, {Kind: emulator.FaultDropReply, Object: "VoiceCall", Times: 1}, {Kind: emulator.FaultError, Object: "VoiceCall", Times: 2}} {
		p := voicePost(t, crm.TargetBoth)
		key, rec := p.sentRecord(1, nil)
		if fault != nil {
			p.Fault(*fault)
		}
		for range 4 {
			p.runErrands(map[string]crm.ErrandFunc{VoiceCallErrand: p.sender.VoiceCall(p.led)})
			p.Sleep(6 * time.Minute)
		}
		v := p.voices()
		if len(v) != 1 || len(p.tasks()) != 1 {
			t.Fatalf("%d voice calls, %d Tasks: %s", len(v), len(p.tasks()), p.errand("voicecall/"+key).LastError)
		}
		if v[0]["ActivityId"] != p.item(key).TaskID || v[0]["VendorCallKey"] != key || v[0]["FromPhoneNumber"] != rec.Number.String() || v[0]["CallType"] != "Inbound" ||
			v[0]["RelatedRecordId"] != rec.Assoc.Who.ID {
			t.Errorf("%v", v[0])
		}
	}
}

func TestACallThatBecomesAVoiceCallAloneIsWrittenOnce(t *testing.T) {
	for _, fault := range []*emulator.Fault{nil, {Kind: emulator.FaultDropReply, Object: "VoiceCall", Times: 1}, {Kind: emulator.FaultBusy, Object: "VoiceCall", Times: 2}} {
		p := voicePost(t, crm.TargetVoiceCall)
		key := p.end(1, nil)
		p.sender.Flush(t.Context()) // reads what it needs of the org
		if fault != nil {
			p.Fault(*fault)
			key = p.end(2, nil)
		}
		p.until(key, ledger.Sent, 6)
		p.expect(key, ledger.Sent, 0)
		n := 0
		for _, v := range p.voices() {
			if v["VendorCallKey"] == key {
				n++
				if p.item(key).TaskID != v["Id"] {
					t.Errorf("the ledger has %s", p.item(key).TaskID)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d voice calls", n)
		}
	}
}

func TestWhereVoiceCallsCannotBeWrittenTheTaskIsAndOneWarning(t *testing.T) {
	for _, without := range []string{"VoiceCall", "VoiceCall.VendorCallKey", "VoiceCall.FromPhoneNumber"} {
		for _, target := range []crm.Target{crm.TargetVoiceCall, crm.TargetBoth} {
			p := voicePost(t, target, without)
			p.sentRecord(1, nil)
			key, _ := p.sentRecord(2, nil)
			p.runErrands(map[string]crm.ErrandFunc{VoiceCallErrand: p.sender.VoiceCall(p.led)})
			p.expect(key, ledger.Sent, 2)
			if w := p.said(ReportLacking); len(w) != 1 || !strings.Contains(w[0].Line.String(), "written as Tasks") {
				t.Errorf("%s, %s: %v", without, target, w)
			}
		}
	}
	p := voicePost(t, crm.TargetVoiceCall)
	p.Fault(emulator.Fault{Kind: emulator.FaultValidation, Object: "VoiceCall", Message: "no calls on Sundays"})
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1) // refused as a voice call: a Task all the same
}
