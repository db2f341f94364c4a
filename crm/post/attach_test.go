package post

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
)

// withRecording makes records leave what follows a recording in dir.
func (p *post) withRecording(a Attachments) {
	p.sender.o.Follow = a.Follow
}

func (p *post) attachNow(a Attachments) {
	p.T.Helper()
	p.runErrands(map[string]crm.ErrandFunc{AttachErrand: a.Attach(p.SF, p.led)})
}

func recordingIn(t *testing.T, dir, name, state string, size int) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, bytes.Repeat([]byte("RIFF"), size/4), 0o600); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(dir, strings.TrimSuffix(strings.TrimSuffix(name, ".age"), filepath.Ext(strings.TrimSuffix(name, ".age")))+".json")
	if err := os.WriteFile(note, []byte(`{"state":"`+state+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestARecordingBecomesAFileOfTheTaskOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  int
		fault *emulator.Fault
	}{
		{"small, in JSON", 4000, nil},
		{"large, in parts", 5 << 20, nil},
		{"the reply was lost", 4000, &emulator.Fault{Kind: emulator.FaultDropReply, Times: 1, Object: "ContentVersion"}},
		{"Salesforce was away", 4000, &emulator.Fault{Kind: emulator.FaultBusy, Times: 2, Object: "ContentVersion"}},
	} {
		p, dir := newPost(t, emulator.Options{}), t.TempDir()
		a := Attachments{Dir: dir, Max: 25 << 20}
		p.withRecording(a)
		path := recordingIn(t, dir, "20261120-1.wav", "complete", tt.size)
		key, _ := p.sentRecord(1, func(r *crm.CallRecord) { r.Recording = path })
		if tt.fault != nil {
			p.Fault(*tt.fault)
		}
		for range 5 {
			p.attachNow(a)
			p.Sleep(6 * time.Minute)
		}
		files, links := p.Records("ContentVersion", true), 0
		for _, l := range p.Records("ContentDocumentLink", false) {
			if l["LinkedEntityId"] == p.item(key).TaskID {
				links++
			}
		}
		if len(files) != 1 || links != 1 || files[0]["Title"] != "Recording "+key || !crm.SameField("ContentSize", files[0]["ContentSize"], tt.size) {
			t.Errorf("%s: %d files, %d links: %v", tt.name, len(files), links, p.errand("attach/"+key).LastError)
		}
		if e := p.errand("attach/" + key); e.State != ledger.ErrandOver || e.Result == "" {
			t.Errorf("%s: %s %s", tt.name, e.State, e.LastError)
		}
	}
}

func TestWhatMayNotLeaveTheMachineStaysThere(t *testing.T) {
	dir := t.TempDir()
	outside := recordingIn(t, t.TempDir(), "x.wav", "complete", 40)
	if err := os.Symlink(outside, filepath.Join(dir, "link.wav")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path, say string
	}{
		"too large":           {recordingIn(t, dir, "big.wav", "complete", 3<<20), "larger than 2 MB"},
		"encrypted":           {recordingIn(t, dir, "sealed.wav.age", "complete", 40), "encrypted and stays here"},
		"of another folder":   {outside, "not in the folder"},
		"by way of a link":    {filepath.Join(dir, "link.wav"), "cannot be read"},
		"deleted":             {filepath.Join(dir, "gone.wav"), "cannot be read"},
		"above the folder":    {filepath.Join(dir, "..", "x.wav"), "not in the folder"},
		"the folder's parent": {"relative.wav", "not in the folder"},
	} {
		p := newPost(t, emulator.Options{})
		a := Attachments{Dir: dir, Max: 2 << 20}
		p.withRecording(a)
		key, _ := p.sentRecord(1, func(r *crm.CallRecord) { r.Recording = tt.path })
		p.attachNow(a)
		if e := p.errand("attach/" + key); e.State != ledger.ErrandRefused || !strings.Contains(e.LastError.String(), tt.say) || len(p.Records("ContentVersion", true)) != 0 {
			t.Errorf("%s: %s: %s", name, e.State, e.LastError)
		}
	}
}

func TestARecordingThatGoesOnIsWaitedForAndAnEncryptedOneIsAttachedWhenAsked(t *testing.T) {
	p, dir := newPost(t, emulator.Options{}), t.TempDir()
	a := Attachments{Dir: dir, Max: 2 << 20, Sealed: true}
	p.withRecording(a)
	path := recordingIn(t, dir, "r.opus.age", "recording", 40)
	key, _ := p.sentRecord(1, func(r *crm.CallRecord) { r.Recording = path })
	p.attachNow(a)
	if e := p.errand("attach/" + key); e.State != ledger.ErrandWaiting {
		t.Fatalf("%s: %s", e.State, e.LastError)
	}
	recordingIn(t, dir, "r.opus.age", "complete", 40)
	p.Sleep(6 * time.Minute)
	p.attachNow(a)
	if e := p.errand("attach/" + key); e.State != ledger.ErrandOver || len(p.Records("ContentVersion", true)) != 1 {
		t.Errorf("%s: %s", e.State, e.LastError)
	}
}
