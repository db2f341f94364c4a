package post

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// TestWhateverHappensEachCallHasOneTaskOneFileOneVoiceCallAndItsLastNotes lets Salesforce fail at random, in the middle of writes too, and stops
// the program at random between and during attempts.
func TestWhateverHappensEachCallHasOneTaskOneFileOneVoiceCallAndItsLastNotes(t *testing.T) {
	calls := 30
	if testing.Short() {
		calls = 8
	}
	p, dir := newPost(t, emulator.Options{}), t.TempDir()
	a := Attachments{Dir: dir, Max: 1 << 20}
	rnd := rand.New(rand.NewPCG(8, 11))
	begin := func() map[string]crm.ErrandFunc {
		p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{Target: crm.TargetBoth} }
		p.sender.o.Follow = func(r crm.CallRecord) []ledger.Errand { return append(a.Follow(r), FollowVoice(r)...) }
		return map[string]crm.ErrandFunc{"amend": p.sender.Amend(p.led), AttachErrand: a.Attach(p.SF, p.led), VoiceCallErrand: p.sender.VoiceCall(p.led)}
	}
	run := begin()
	faults := []string{emulator.FaultDropReply, emulator.FaultBusy, emulator.FaultError, emulator.FaultRowLock, emulator.FaultHTML, emulator.FaultLimit}
	recs := map[string]crm.CallRecord{}
	work := func(ctx context.Context) {
		p.sender.Flush(ctx)
		e := NewErrands(ErrandOptions{Store: p.led, Run: run, Beside: p.sender, Now: p.Time, Rand: rnd.Float64, Workers: 1})
		e.Flush(ctx)
	}
	for i := range calls {
		for range 2 {
			p.Fault(emulator.Fault{Kind: faults[rnd.IntN(len(faults))], Times: 1 + rnd.IntN(2), Object: []string{"Task", "ContentVersion", "VoiceCall"}[rnd.IntN(3)]})
		}
		p.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: []string{"Task", "ContentVersion", "VoiceCall"}[i%3]})
		path := filepath.Join(dir, "r"+strings.Repeat("x", i)+".wav")
		if err := os.WriteFile(path, []byte("RIFF"), 0o600); err != nil {
			t.Fatal(err)
		}
		var rec crm.CallRecord
		key := p.end(i, func(r *crm.CallRecord) { r.Recording = path; rec = *r })
		recs[key] = rec
		work(t.Context())
		for k, r := range recs {
			if rnd.IntN(6) == 0 {
				r.Notes = text.CleanBlock(r.Notes.String()+"+", 1000)
				recs[k] = r
				p.amend(r)
			}
		}
		if rnd.IntN(3) == 0 { // stopped while something is claimed, perhaps after it was carried out
			if due, err := p.led.DueErrands(t.Context(), p.Time(), 1); err == nil && len(due) == 1 {
				if e, ok, err := p.led.ClaimErrand(t.Context(), due[0].Key, p.Time()); ok && err == nil && rnd.IntN(2) == 0 {
					_, _ = run[e.Kind](t.Context(), e)
				}
			}
			p.led.Close()
			p.open()
			run = begin()
		}
		p.Sleep(time.Duration(rnd.IntN(90)) * time.Second)
	}
	p.ClearFaults()
	for range 40 {
		p.sender.Resume()
		work(t.Context())
		p.Sleep(6 * time.Minute)
	}
	for key, rec := range recs {
		tasks, files, voices, notes := 0, 0, 0, ""
		for _, r := range p.tasks() {
			if r[crm.KeyField] == key {
				tasks++
				d, _ := r["Description"].(string)
				notes, _, _ = strings.Cut(d, "\n\nStart")
				if rec.Notes.Empty() {
					notes = ""
				}
			}
		}
		for _, r := range p.Records("ContentVersion", true) {
			if r["Title"] == "Recording "+key {
				files++
			}
		}
		for _, r := range p.voices() {
			if r["VendorCallKey"] == key {
				voices++
			}
		}
		if tasks != 1 || files != 1 || voices != 1 || notes != rec.Notes.String() {
			t.Errorf("%s: %d Tasks, %d files, %d voice calls, notes %q, not %q", key, tasks, files, voices, notes, rec.Notes)
		}
	}
	if left, err := p.led.Errands(t.Context(), "", ledger.ErrandWaiting, ledger.ErrandDoing, ledger.ErrandRefused); len(left) != 0 || err != nil {
		t.Errorf("%d follow-ups are left: %+v %v", len(left), left[0], err)
	}
}
