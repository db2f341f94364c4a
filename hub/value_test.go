package hub

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func c(s string) text.Text { return text.Clean(s) }

// talking is a desk in a call.
func talking() *desk.Snapshot {
	return &desk.Snapshot{
		Seq: 7, At: noon, State: desk.OnCall, Since: noon.Add(-time.Minute), Agent: desk.Agent{Version: "0.1.0"},
		Links:  desk.Links{SIP: desk.Link{Health: desk.HealthOK}, Salesforce: desk.Link{Health: desk.HealthWarn}},
		Outbox: desk.Outbox{Pending: 2, Dead: 1, Oldest: noon.Add(-90 * time.Second)},
		Calls: []desk.Call{
			{Key: "k0", State: desk.Held, Remote: sip.Party{Number: c("2104")}, Started: noon.Add(-2 * time.Minute), Answered: noon.Add(-2 * time.Minute)},
			{Key: "7c1c2c4e-4a4c-5d6e-8f90-123456789abc", Dir: crm.Inbound, State: desk.Talking, Remote: sip.Party{Number: c("07814256404")}, Name: c("Fred Bloggs"),
				Started: noon.Add(-66 * time.Second), Answered: noon.Add(-time.Minute), Match: crm.Match{State: crm.MatchOne}, Muted: true, HeldByThem: true,
				Quality: &media.Stats{MOS: 4.36}},
		},
	}
}

func TestASnapshotBecomesWhatASupervisorMaySee(t *testing.T) {
	v := project(talking(), noon, time.Second)
	want := `{"v":1,"state":"on call","since":` + ms(noon.Add(-59*time.Second)) + `,"call":{"id":"7c1c2c4e-4a4c-5d6e-8f90-123456789abc","dir":"in","state":"talking","peer":"0781…404",` +
		`"name":"Fred Bloggs","since":` + ms(noon.Add(-59*time.Second)) + `,"match":"one","hold":"them","muted":true,"mos":4.4},"calls":2,` +
		`"outbox":{"pending":2,"oldest_s":90,"dead":1},"sip":"ok","sf":"warn","version":"0.1.0","seq":0}`
	if got, _ := v.encode(); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func ms(t time.Time) string { b, _ := json.Marshal(t.UnixMilli()); return string(b) }

func TestAWithheldNumberStaysWithheld(t *testing.T) {
	s := talking()
	s.Calls[1].Remote = sip.Party{Number: c("07814256404"), Withheld: true}
	if v := project(s, noon, 0); !v.Call.Peer.Empty() {
		t.Errorf("the board shows %s", v.Call.Peer)
	}
}

func TestAValueNeverTakesMoreThan512Bytes(t *testing.T) {
	long := map[string]string{"quotes": strings.Repeat(`"`, 4000), "angles": strings.Repeat("<", 4000), "wide": strings.Repeat("日", 1300),
		"emoji": strings.Repeat("🏴", 900), "plain": strings.Repeat("x", 4000), "backslash": strings.Repeat(`\`, 4000)}
	for name, l := range long {
		s := talking()
		s.Agent.Version = l
		for i := range s.Calls {
			s.Calls[i].Name, s.Calls[i].Remote.Number = c(l), c(l)
		}
		v := project(s, noon, 0)
		v.Reason, v.Call.Queue = c(l), c(l)
		v.Call.Name, v.Call.Peer, v.Version = c(l), c(l), c(l)
		b, err := v.encode()
		if err != nil || len(b) > MaxValue {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
			continue
		}
		back, err := decodeValue(b)
		if err != nil || back.State != desk.OnCall || back.Outbox.Pending != 2 || back.Call == nil || back.Call.State != desk.Talking {
			t.Errorf("%s: what counts was lost: %s, %v", name, b, err)
		}
	}
}

func TestOnlyWhatMattersIsTold(t *testing.T) {
	a := project(talking(), noon, 0)
	for name, change := range map[string]func(*desk.Snapshot){
		"mute":   func(s *desk.Snapshot) { s.Calls[1].Muted = false },
		"hold":   func(s *desk.Snapshot) { s.Calls[1].HeldByThem = false },
		"state":  func(s *desk.Snapshot) { s.State = desk.Away },
		"ended":  func(s *desk.Snapshot) { s.Calls = nil },
		"unsent": func(s *desk.Snapshot) { s.Outbox.Pending++ },
	} {
		s := talking()
		change(s)
		if same(a, project(s, noon, 0)) {
			t.Errorf("%s: nobody is told", name)
		}
	}
	s := talking()
	s.Calls[1].Quality = &media.Stats{MOS: 3.1}
	if !same(a, project(s, noon.Add(time.Minute), 0)) {
		t.Error("the sound's figure alone goes out at once")
	}
}

func TestAValueOfANewerVersionIsNotMisread(t *testing.T) {
	if _, err := decodeValue([]byte(`{"v":2,"state":"on call"}`)); err == nil {
		t.Error("read")
	}
	if v, err := decodeValue([]byte(`{"v":1,"state":"away","later":{"a":1}}`)); err != nil || v.State != desk.Away {
		t.Errorf("a field that was added: %v", err)
	}
}

func FuzzDecodeOfAgentValuesTrustsNothing(f *testing.F) {
	b, _ := project(talking(), noon, 0).encode()
	f.Add(b)
	f.Add([]byte(`{"v":1,"state":"\u001b[31m","since":-1,"call":{"mos":1e300,"peer":"07814256404","name":"\u202e"},"outbox":{"pending":-5}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeValue(b)
		if err != nil {
			return
		}
		for _, s := range []string{string(v.State), v.Reason.String(), v.SIP, v.Version.String()} {
			if s != text.Clean(s).String() || len([]rune(s)) > 40 {
				t.Fatalf("%q came through", s)
			}
		}
		if v.Call != nil {
			digits := 0
			for _, r := range v.Call.Peer.String() {
				if r >= '0' && r <= '9' {
					digits++
				}
			}
			if digits > 7 || v.Call.MOS < 0 || v.Call.MOS > 5 {
				t.Fatalf("%+v", v.Call)
			}
		}
		if out, err := v.encode(); err != nil || len(out) > MaxValue {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
	})
}
