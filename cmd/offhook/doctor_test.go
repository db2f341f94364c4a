package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/lacks"
	"offhook/crm/ledger"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

// doctors runs doctor and returns what it found: the ids, sorted.
func (r room) doctors(args ...string) (ids []string, said string, code int) {
	r.t.Helper()
	out, err := r.run(append([]string{"doctor", "--json"}, args...)...)
	var exit exitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	var got doctorJSON
	check(r.t, json.Unmarshal([]byte(out), &got))
	for _, s := range got.Sections {
		for _, f := range s.Findings {
			ids = append(ids, f.ID)
		}
	}
	slices.Sort(ids)
	return ids, out, int(exit)
}

// replaceIn changes the room's settings.
func (r room) replaceIn(old, new string) {
	r.t.Helper()
	was := r.read("config.toml")
	if !strings.Contains(was, old) {
		r.t.Fatalf("the settings have no %q:\n%s", old, was)
	}
	r.write("config.toml", strings.Replace(was, old, new, 1))
}

// registrar answers OPTIONS, and says where it listens.
func registrar(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, rest, _ := strings.Cut(string(buf[:n]), "\r\n")
			_, _ = c.WriteTo([]byte("SIP/2.0 200 OK\r\n"+rest), from)
		}
	}()
	return c.LocalAddr().String()
}

// nobodyAt is an address at which nobody listens, and nobody can begin to while the test runs: a connection goes out from its port.
func nobodyAt(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// healthyRoom is a desk at which nothing is missing.
func healthyRoom(t *testing.T) (room, *emulator.Server) {
	t.Helper()
	r, org := practiceRoom(t)
	r.replaceIn(baseSettings, fmt.Sprintf("[sip]\naccount = \"sip:2101@127.0.0.1\"\nregistrar = %q\npassword = \"x\"\nallow_plaintext = true\n[audio]\ninput = \"null\"\noutput = \"null\"\nring = \"off\"\n", registrar(t)))
	if out, err := r.run("selftest", "--org", "--yes"); err != nil {
		t.Fatal(out, err)
	}
	return r, org
}

func TestDoctorFindsNothingAtAHealthyDesk(t *testing.T) {
	r, _ := healthyRoom(t)
	if ids, said, code := r.doctors(); len(ids) != 0 || code != 0 {
		t.Errorf("%q, status %d:\n%s", ids, code, said)
	}
	out := r.says("Nothing is missing.", "doctor", "--admin")
	for line := range strings.SplitSeq(out, "\n") {
		if text.Clean(line).Width() > checkup.Width {
			t.Errorf("too wide: %s", line)
		}
	}
	for _, want := range []string{"answers after", "signed in as alex.agent@offhook.example", "Lightning Web Security"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
}

func TestEveryWayToBreakADeskIsToldInItsOwnLineAndNothingElseIs(t *testing.T) {
	nobody := nobodyAt(t)
	met := map[string]bool{}
	for _, tt := range []struct {
		name string
		do   func(r room, org *emulator.Server)
		want string
		say  string
		code int
	}{
		{"no settings", func(r room, _ *emulator.Server) { check(t, os.Remove(r.path("config.toml"))) }, "settings.none", "config init", 2},
		{"an unknown setting", func(r room, _ *emulator.Server) { r.replaceIn("[audio]", "[audio]\nloudness = 11") }, "settings.wrong", "audio.loudness", 2},
		{"a setting that only a part understands", func(r room, _ *emulator.Server) {
			r.replaceIn("[audio]", "[record]\nmap = [{value = \"Shoes\", field = \"Call_Id__c\"}]\n[audio]")
		}, "settings.wrong", "Shoes", 2},
		{"a folder that is a file", func(r room, _ *emulator.Server) {
			r.write("plain", "")
			r.replaceIn(r.path("state"), r.path("plain"))
		}, "disk.ledger", "plain", 2},
		{"records that need a person", func(r room, _ *emulator.Server) { r.queue(func(i *ledger.Item) {}, true) }, "disk.stuck", "1 record of calls", 1},
		{"records that wait", func(r room, _ *emulator.Server) { r.queue(func(i *ledger.Item) {}, false) }, "disk.waiting", "1 record of calls", 1},
		{"a sign-in that others can read", func(r room, _ *emulator.Server) { check(t, os.Chmod(r.path("key.pem"), 0o644)) }, "tokens.kept", "chmod 600", 2},
		{"no password", func(r room, _ *emulator.Server) { r.replaceIn("password = \"x\"", "password_command = \"false\"") }, "sip.password", "password_command", 2},
		{"a registrar without a name", func(r room, _ *emulator.Server) {
			r.replaceIn("registrar = \"127", "outbound_proxy = \"nobody.invalid\"\nregistrar = \"127")
		}, "sip.name", "nobody.invalid", 2},
		{"a registrar that is not there", func(r room, _ *emulator.Server) {
			r.replaceIn("registrar = \"127", "outbound_proxy = \""+nobody+"\"\ntransport = \"tcp\"\nregistrar = \"127")
		}, "sip.server", nobody, 2},
		{"any certificate", func(r room, _ *emulator.Server) { r.replaceIn("[audio]", "allow_insecure = true\n[audio]") }, "sip.insecure", "listen", 1},
		{"no registrar", func(r room, _ *emulator.Server) { r.noRegistrar() }, "sip.open", "tests", 0},
		{"a hub that is not there", func(r room, _ *emulator.Server) {
			r.replaceIn("[audio]", "[hub]\nurl = \"nats://"+nobody+"\"\n[audio]")
		}, "hub.server", nobody, 1},
		{"no Salesforce", func(r room, _ *emulator.Server) { r.replaceIn("client_id", "api_version = \"66.0\"\n#") }, "org.off", "client_id", 0},
		{"an org where the user may not see Tasks", func(_ room, org *emulator.Server) {
			set := org.Settings()
			set.Without = []string{"Task"}
			check(t, org.SetSettings(set))
		}, "task.hidden", "Edit Tasks", 2},
		{"a field that was taken away just now", func(r room, org *emulator.Server) {
			if ids, said, _ := r.doctors(); len(ids) != 0 { // the org's description is on disk now
				r.t.Error(said)
			}
			set := org.Settings()
			set.Without = []string{"Task.CallDisposition"}
			check(t, org.SetSettings(set))
		}, "task.call_field", "CallDisposition", 1},
		{"a layout that cannot be read", func(r room, _ *emulator.Server) { r.replaceIn("[audio]", "[layout]\nfile = \"none.json\"\n[audio]") }, "settings.wrong", "none.json", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, org := healthyRoom(t)
			tt.do(r, org)
			ids, said, code := r.doctors()
			if tt.want == "settings.wrong" { // the parts of the program stand on the settings
				ids = slices.Compact(ids)
			}
			if !slices.Equal(ids, []string{tt.want}) || !strings.Contains(said, tt.say) || code != tt.code {
				t.Errorf("%q, not %q with %q; status %d, not %d:\n%s", ids, tt.want, tt.say, code, tt.code, said)
			}
			met[tt.want] = true
		})
	}
	for _, rule := range localRules() { // what this machine's disk, sound and certificates would have to be broken for is tried elsewhere
		if !met[rule.ID] && !slices.Contains([]string{"disk.full", "disk.low", "sip.one", "sip.certificate", "sip.files", "sip.own", "sip.authority", "sip.expires", "sound.device", "sound.none"}, rule.ID) {
			t.Errorf("nothing breaks a desk in a way that %s is said", rule.ID)
		}
	}
}

func (r room) noRegistrar() {
	r.t.Helper()
	was := r.read("config.toml")
	_, rest, _ := strings.Cut(was, "[audio]")
	r.write("config.toml", "[sip]\nregistrar = \"\"\n[audio]"+rest)
}

// queue leaves a call record in the outbox since yesterday; dead ones need a person.
func (r room) queue(change func(*ledger.Item), dead bool) {
	r.t.Helper()
	ctx := r.t.Context()
	path := filepath.Join(r.path("state"), "default", "ledger.db")
	led, err := ledger.Open(ctx, path, ledger.Options{Now: func() time.Time { return time.Now().Add(-24 * time.Hour) }})
	check(r.t, err)
	defer led.Close()
	call, rec := sampleCall("5f2a91c0-0000-5000-8000-000000000001", "07814256404", "Fred Bloggs", time.Now().Add(-25*time.Hour))
	payload, err := json.Marshal(rec)
	check(r.t, err)
	item := ledger.Item{Key: call.Key, Payload: payload}
	change(&item)
	check(r.t, led.Finish(ctx, call, &item))
	if dead {
		_, claimed, err := led.Claim(ctx, call.Key, time.Now())
		if err != nil || !claimed {
			r.t.Fatal(err)
		}
		check(r.t, led.MarkDead(ctx, call.Key, ledger.Failure{Class: "validation"}))
	}
}

const (
	doctorPage  = "../../docs/troubleshooting.md"
	doctorBegin = "<!-- Generated from the rules of doctor: go test ./cmd/offhook -run DoctorsTable -update -->\n"
	doctorEnd   = "<!-- end of doctor's table -->\n"
)

func TestDoctorsTableStandsInTheDocumentation(t *testing.T) {
	raw, err := os.ReadFile(doctorPage)
	check(t, err)
	page := string(raw)
	begin, end := strings.Index(page, doctorBegin), strings.Index(page, doctorEnd)
	if begin < 0 || end < begin {
		t.Fatal("the page has lost the marks of doctor's table")
	}
	want := page[:begin+len(doctorBegin)] + checkup.Table(append(localRules(), lacks.Rules()...)) + page[end:]
	if *updateCLI {
		check(t, os.WriteFile(doctorPage, []byte(want), 0o644))
		return
	}
	if page != want {
		t.Error("docs/troubleshooting.md is not what the rules say: go test ./cmd/offhook -run DoctorsTable -update")
	}
}
