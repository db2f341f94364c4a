//go:build unix

package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Fred is the person of the practice data whose mobile calls in these stories.
const (
	fredNumber = "07814256404"
	fredName   = "Fred Bloggs"
)

// org is a running "offhook emulator".
type org struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	ClientID string `json:"client_id"`
	KeyFile  string `json:"key_file"`
	Token    string `json:"access_token"`
	fred     string // record id
}

// task is one Task as the emulator lists it.
type task struct {
	ID          string `json:"Id"`
	Subject     string
	WhoID       string `json:"WhoId"`
	WhatID      string `json:"WhatId"`
	CallType    string
	Duration    *int   `json:"CallDurationInSeconds"`
	Status      string `json:"Status"`
	TaskSubtype string
	CallObject  string
	Description string
}

// newOrg starts a practice Salesforce in a process of its own.
func newOrg(t testing.TB) *org {
	t.Helper()
	cmd := exec.Command(program, "emulator", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the emulator said nothing: %v %s", err, errOut.String())
	}
	o := &org{}
	if err := json.Unmarshal(line, o); err != nil || o.URL == "" || o.KeyFile == "" {
		t.Fatalf("the first line is not the sign-in: %s (%v)", line, err)
	}
	var contacts struct {
		Records []struct {
			ID   string `json:"Id"`
			Name string
		}
	}
	o.get(t, "/_emulator/records/Contact?all=true", &contacts)
	for _, c := range contacts.Records {
		if c.Name == fredName {
			o.fred = c.ID
		}
	}
	if o.fred == "" {
		t.Fatal("Fred Bloggs is not in the practice data")
	}
	return o
}

func (o *org) get(t testing.TB, path string, into any) {
	t.Helper()
	res, err := http.Get(o.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", path, res.Status, err)
	}
}

// fault switches a fault on.
func (o *org) fault(t testing.TB, json string) {
	t.Helper()
	res, err := http.Post(o.URL+"/_emulator/faults", "application/json", strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("fault %s: %s", json, b)
	}
}

// mend switches all faults off.
func (o *org) mend(t testing.TB) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodDelete, o.URL+"/_emulator/faults", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

// requests are the paths that were served, for waiting until the desk has tried something.
func (o *org) requests(t testing.TB, method, path string) (n int) {
	t.Helper()
	var all struct {
		Requests []struct{ Method, Path string }
	}
	o.get(t, "/_emulator/requests", &all)
	for _, r := range all.Requests {
		if (method == "" || r.Method == method) && strings.Contains(r.Path, path) {
			n++
		}
	}
	return n
}

func (o *org) tasks(t testing.TB) []task {
	t.Helper()
	var all struct{ Records []task }
	o.get(t, "/_emulator/records/Task", &all)
	return all.Records
}

// await waits for n Tasks.
func (o *org) await(t testing.TB, n int) []task {
	t.Helper()
	var got []task
	eventually(t, "the Tasks in Salesforce", func() bool {
		got = o.tasks(t)
		return len(got) >= n
	})
	if len(got) != n {
		t.Fatalf("%d Tasks, want %d: %+v", len(got), n, got)
	}
	return got
}

// want is what a Task must say.
type want struct {
	subject  string // pattern of the whole line
	who      string
	callType string
	min, max int      // seconds
	says     []string // in the description
}

var subjectTime = `\d\d:\d\d:\d\d(?: [A-Z][A-Za-z/ _]+)?`

// inbound and outbound are Fred's calls.
func (o *org) inbound(min, max int, says ...string) want {
	return want{`Inbound Call at ` + subjectTime + ` from 07814256404 \(Fred Bloggs\)`, o.fred, "Inbound", min, max, says}
}

func (o *org) outbound(min, max int, says ...string) want {
	return want{`Outbound Call at ` + subjectTime + ` to 07814256404 \(Fred Bloggs\)`, o.fred, "Outbound", min, max, says}
}

func (w want) check(t testing.TB, got task) {
	t.Helper()
	if !regexp.MustCompile(`^(?:` + w.subject + `)$`).MatchString(got.Subject) {
		t.Errorf("subject %q, want %s", got.Subject, w.subject)
	}
	if got.WhoID != w.who {
		t.Errorf("the Task is about %q, want %q", got.WhoID, w.who)
	}
	if got.CallType != w.callType || got.TaskSubtype != "Call" || got.Status != "Completed" || got.CallObject == "" {
		t.Errorf("not the completed call that it was (%s): %+v", w.callType, got)
	}
	most := w.max
	if most > 0 { // a machine that stands still makes an answered call longer
		most += 15
	}
	if got.Duration == nil || *got.Duration < w.min || *got.Duration > most {
		n := -1
		if got.Duration != nil {
			n = *got.Duration
		}
		t.Errorf("duration %d s, want %d to %d", n, w.min, most)
	}
	for _, s := range w.says {
		if !regexp.MustCompile(`(?m)` + s).MatchString(got.Description) {
			t.Errorf("the description does not say %q:\n%s", s, got.Description)
		}
	}
}

// one waits for the only Task and checks it.
func (o *org) one(t testing.TB, w want) task {
	t.Helper()
	got := o.await(t, 1)[0]
	w.check(t, got)
	return got
}
