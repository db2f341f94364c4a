package exactlyonce

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/report"
)

// OFFHOOK_EXACTLY_ONCE is how many calls are made with the key field and as many without; OFFHOOK_EXACTLY_ONCE_SEED another story.
func TestWhateverFailsEachCallIsOneTaskAndWhatFollowsItIsDoneOnce(t *testing.T) {
	calls, seed := 150, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("OFFHOOK_EXACTLY_ONCE")); err == nil {
		calls = n
	} else if testing.Short() {
		calls = 40
	}
	if n, err := strconv.ParseUint(os.Getenv("OFFHOOK_EXACTLY_ONCE_SEED"), 10, 64); err == nil {
		seed = n
	}
	for name, noKey := range map[string]bool{"with the key field": false, "by the call id": true} {
		t.Run(name, func(t *testing.T) {
			newStory(t, plan{Calls: calls, NoKey: noKey, Seed: seed}).tell()
		})
	}
}

// BenchmarkRecordsToSalesforce tells what a record costs when nothing fails, from the end of the call to the Task in Salesforce's file: the
// journal, the record, and what follows a part of the calls.
func BenchmarkRecordsToSalesforce(b *testing.B) {
	for b.Loop() {
		s := newStory(b, plan{Calls: 1000, Seed: 1})
		s.calm = true
		s.tell()
		b.ReportMetric(float64(s.plan.Calls)/time.Since(s.began).Seconds(), "records/s")
	}
}

// story is one run: an org, a desk, and what happens to them.
type story struct {
	t    testing.TB
	plan plan
	file string
	rng  *rand.Rand
	org  *process
	calm bool // nothing fails

	began                        time.Time
	faults, deskKills, orgKills  int
	lines, untilFault, untilDesk int
	untilOrg                     int
}

func newStory(t testing.TB, p plan) *story {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that stays the same when the org starts again
	must(t, err)
	dir := t.TempDir()
	p.Addr, p.Org, p.Ledger, p.Begin = l.Addr().String(), filepath.Join(dir, "org.db"), filepath.Join(dir, "desk.db"), time.Now().Truncate(time.Second)
	must(t, l.Close())
	s := &story{t: t, plan: p, file: filepath.Join(dir, "plan.json"), rng: rand.New(rand.NewPCG(p.Seed, 7)), began: time.Now()}
	s.people()
	body, err := json.Marshal(s.plan)
	must(t, err)
	must(t, os.WriteFile(s.file, body, 0o600))
	return s
}

// people reads whom the calls are about, before anything happens.
func (s *story) people() {
	e, err := emulator.New(s.plan.options())
	must(s.t, err)
	defer e.Close()
	ids := func(object string) (out []string) {
		for _, r := range e.Records(object, false) {
			if r["IsConverted"] != true {
				out = append(out, fmt.Sprint(r["Id"]))
			}
		}
		if len(out) == 0 {
			s.t.Fatalf("the practice org has no %s", object)
		}
		return out
	}
	s.plan.Contacts, s.plan.Leads, s.plan.Accounts, s.plan.Campaign = ids("Contact"), ids("Lead"), ids("Account"), ids("Campaign")[0]
}

// process is the org or the desk.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	err   bytes.Buffer
}

func (s *story) start(role string) *process {
	s.t.Helper()
	p := &process{cmd: exec.CommandContext(s.t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), planVar+"="+role+" "+s.file)
	out, err := p.cmd.StdoutPipe()
	must(s.t, err)
	p.cmd.Stderr = &p.err
	must(s.t, p.cmd.Start())
	p.lines = bufio.NewScanner(out)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // SIGKILL: it has no time to tidy up
	for p.lines.Scan() {
	}
	_ = p.cmd.Wait()
}

func (s *story) startOrg() {
	s.t.Helper()
	s.org = s.start("org")
	if !s.org.lines.Scan() || s.org.lines.Text() != "serves" {
		s.t.Fatalf("the practice Salesforce does not start: %s %s", s.org.lines.Text(), s.org.err.String())
	}
}

// tell lets everything happen, and counts.
func (s *story) tell() {
	s.startOrg()
	s.untilFault, s.untilDesk, s.untilOrg = 5, 40, 80
	for !s.live() {
	}
	s.org.kill()
	took := time.Since(s.began)
	s.count()
	s.t.Logf("%d calls in %.0f s, %.0f a second: %d faults, the desk killed %d times, Salesforce %d times", s.plan.Calls, took.Seconds(),
		float64(s.plan.Calls)/took.Seconds(), s.faults, s.deskKills, s.orgKills)
	if s.calm {
		return
	}
	if s.deskKills == 0 || s.orgKills == 0 || s.faults < 10 {
		s.t.Error("too little has happened for a proof")
	}
}

// live is one life of the desk; true when it has delivered everything.
func (s *story) live() bool {
	s.t.Helper()
	d := s.start("desk")
	for d.lines.Scan() {
		line := d.lines.Text()
		switch {
		case line == "done":
			d.kill()
			return true
		case line == "failed restart":
			d.kill()
			return false
		case strings.HasPrefix(line, "failed"):
			d.kill()
			s.t.Fatalf("the desk: %s", line)
		}
		if s.calm {
			continue
		}
		s.untilFault--
		s.untilDesk--
		s.untilOrg--
		if s.untilOrg <= 0 {
			s.orgKills++
			s.untilOrg = 300 + s.rng.IntN(2000)
			s.org.kill()
			s.startOrg()
		}
		if s.untilFault <= 0 {
			s.untilFault = 5 + s.rng.IntN(60)
			s.fault()
		}
		if s.untilDesk <= 0 {
			s.deskKills++
			s.untilDesk = 20 + s.rng.IntN(700)
			d.kill()
			return false
		}
	}
	err := d.cmd.Wait()
	s.t.Fatalf("the desk ended: %v\n%s", err, d.err.String())
	return false
}

// fault lets some of the next requests fail.
func (s *story) fault() {
	s.t.Helper()
	s.faults++
	objects := []string{"", "Task", "CampaignMember"}
	f := emulator.Fault{Times: 1 + s.rng.IntN(3), Object: objects[s.rng.IntN(len(objects))]}
	switch n := s.rng.IntN(20); {
	case n < 7:
		f.Kind = emulator.FaultDropReply // after the commit
	case n < 9:
		f.Kind = emulator.FaultBusy
	case n < 11:
		f.Kind = emulator.FaultError
	case n < 14:
		f.Kind = emulator.FaultRowLock
	case n < 15:
		f.Kind = emulator.FaultHTML
	case n < 16:
		f.Kind, f.Times = emulator.FaultSession, 0 // every token ends now
	case n < 17:
		f.Kind, f.Times = emulator.FaultLimit, 1
	case n < 19:
		f.Kind, f.Milliseconds = emulator.FaultLatency, 20+s.rng.IntN(100)
	default:
		f.Kind, f.Milliseconds, f.Times, f.Object = emulator.FaultLatency, 2500, 1, "Task" // the desk does not wait so long, and it is written all the same
	}
	body, err := json.Marshal(f)
	must(s.t, err)
	// A connection of its own: one that was kept would be to a Salesforce that has been killed since.
	own := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := own.Post("http://"+s.plan.Addr+"/_emulator/faults", "application/json", bytes.NewReader(body))
	must(s.t, err)
	must(s.t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("fault %+v: %s", f, resp.Status)
	}
}

// count looks into Salesforce's file, and then into the ledger.
func (s *story) count() {
	s.t.Helper()
	e, err := emulator.New(s.plan.options())
	must(s.t, err)
	defer e.Close()
	tasks, callbacks := map[string][]map[string]any{}, map[string][]map[string]any{}
	all := 0
	events := map[string]int{}
	for _, r := range e.Records("Task", false) {
		key := fmt.Sprint(r["CallObject"])
		events[key]++
		if !strings.HasPrefix(key, callKey(0)[:24]) {
			continue // of the practice org
		}
		if call, isCallback := strings.CutSuffix(key, "/cb"); isCallback {
			callbacks[call] = append(callbacks[call], r)
			continue
		}
		all++
		tasks[key] = append(tasks[key], r)
	}
	members := map[string][]string{}
	for _, r := range e.Records("CampaignMember", false) {
		if r["CampaignId"] == s.plan.Campaign {
			members[fmt.Sprint(r["ContactId"])] = append(members[fmt.Sprint(r["ContactId"])], fmt.Sprint(r["Status"]))
		}
	}
	led, err := ledger.Open(s.t.Context(), s.plan.Ledger, ledger.Options{Now: s.plan.clock})
	must(s.t, err)
	defer led.Close()
	must(s.t, led.Check(s.t.Context()))
	told, err := led.Errands(s.t.Context(), report.EventErrand)
	must(s.t, err)
	for _, ev := range told {
		if events[ev.Key] != 1 {
			s.t.Errorf("event %s has %d Tasks", ev.Key, events[ev.Key])
		}
	}
	if len(told) < 2*s.deskKills { // a login or a logout of each life, and more
		s.t.Errorf("only %d events in %d lives", len(told), s.deskKills+1)
	}
	missing, doubled := 0, 0
	for i := range s.plan.Calls {
		key := callKey(i)
		switch len(tasks[key]) {
		case 0:
			missing++
			continue
		case 1:
		default:
			doubled++
		}
		task := tasks[key][0]
		item, err := led.Item(s.t.Context(), key)
		must(s.t, err)
		if item.State != ledger.Sent || item.TaskID != task["Id"] {
			s.t.Errorf("call %d: the ledger says %s %s, Salesforce %v", i, item.State, item.TaskID, task["Id"])
		}
		note := fmt.Sprintf("note %d", i)
		if amended(i) {
			note = "later " + note
		}
		if d := fmt.Sprint(task["Description"]); !strings.HasPrefix(d, note+"\n") {
			s.t.Errorf("call %d has the notes %q, not %q", i, d, note)
		}
		if want := promised(i); want != (len(callbacks[key]) == 1) || len(callbacks[key]) > 1 {
			s.t.Errorf("call %d has %d callbacks", i, len(callbacks[key]))
		} else if want && callbacks[key][0]["IsClosed"] != kept(i) {
			s.t.Errorf("call %d: its callback is closed: %v", i, callbacks[key][0]["IsClosed"])
		}
		if member(i) {
			who := s.plan.Contacts[i%len(s.plan.Contacts)]
			if m := members[who]; len(m) != 1 || m[0] != "Responded" {
				s.t.Errorf("call %d: member %v", i, m)
			}
		}
	}
	if all != s.plan.Calls || missing+doubled > 0 {
		s.t.Errorf("%d Tasks for %d calls: %d calls have none, %d have several", all, s.plan.Calls, missing, doubled)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
