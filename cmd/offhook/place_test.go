package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/config"
	"offhook/desk"
	"offhook/sip/exchange"
)

// quietSettings make a desk without sound and without a clock of its own.
const quietSettings = "[audio]\ninput = \"null\"\noutput = \"null\"\nring = \"off\"\n"

// place is a desk with the wiring of the program, on the practice exchange and the practice Salesforce.
type place struct {
	testing.TB
	e     *env
	b     *backend
	w     *workplace
	done  <-chan struct{}
	snaps <-chan *desk.Snapshot
}

func testEnv() *env {
	return &env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"}
}

// placeEnv is for a desk that looks callers up: that may take its time, how fast this machine is, is no promise.
func placeEnv() *env {
	e := testEnv()
	e.set = []string{"salesforce.lookup_timeout=20s"}
	return e
}

// newPlace starts a practice world and a desk in it that has registered and signed in.
func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{TB: t, e: placeEnv()}
	var err error
	if p.b, err = startBackend(t.Context(), p.e, true, quietSettings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.b.close)
	p.open(p.b.settings)
	return p
}

func (p *place) open(l *config.Loaded) {
	p.Helper()
	var err error
	if p.w, err = openWorkplace(p.Context(), p.e, l, p.b.options(true)); err != nil {
		p.Fatal(err)
	}
	w := p.w
	p.Cleanup(func() { w.close(context.WithoutCancel(p.Context())) })
	p.snaps, _ = w.desk.Subscribe()
	p.done = w.start(p.Context())
	p.until("the desk is ready", func(s *desk.Snapshot) bool {
		return s.State == desk.Available && s.Links.Salesforce.Health == desk.HealthOK
	})
}

// until waits for a snapshot; the limit is only there so that a failure ends.
func (p *place) until(what string, ready func(*desk.Snapshot) bool) *desk.Snapshot {
	p.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	last := p.w.desk.Snapshot()
	for !ready(last) {
		select {
		case s, open := <-p.snaps:
			if !open {
				p.Fatalf("the desk ended before %s", what)
			}
			last = s
		case <-limit.C:
			p.Fatalf("never: %s; the desk is %s with calls %+v, outbox %+v, notices %v", what, last.State, last.Calls, last.Outbox, last.Notices)
		}
	}
	return last
}

func (p *place) send(v desk.Verb, arg string) { p.w.desk.Send(desk.Command{Verb: v, Text: arg}) }

// ring lets a customer call.
func (p *place) ring(number string) {
	p.Helper()
	if err := p.b.exchange.Place(exchange.Call{From: number, To: agentExtension}); err != nil {
		p.Fatal(err)
	}
	p.until("it rings", func(s *desk.Snapshot) bool { return s.State == desk.Ringing })
}

// talk answers, and waits until both can talk.
func (p *place) talk() *desk.Snapshot {
	p.Helper()
	p.send(desk.Answer, "")
	return p.until("they talk", func(s *desk.Snapshot) bool { return len(s.Calls) > 0 && s.Calls[len(s.Calls)-1].State == desk.Talking })
}

// bye lets the customer hang up.
func (p *place) bye() {
	p.Helper()
	p.b.exchange.HangUp(agentExtension)
	p.until("the call is over", func(s *desk.Snapshot) bool { return s.State != desk.OnCall })
}

// sent waits until nothing is left to send.
func (p *place) sent() *desk.Snapshot {
	p.Helper()
	return p.until("every record is in Salesforce", func(s *desk.Snapshot) bool { return s.Outbox.Pending == 0 && len(s.Landed) > 0 })
}

// tasks are the Tasks that were written.
func (p *place) tasks() []map[string]any { return p.b.org.Records("Task", true) }

// oneTask fails unless exactly one Task was written.
func (p *place) oneTask() map[string]any {
	p.Helper()
	tasks := p.tasks()
	if len(tasks) != 1 {
		p.Fatalf("%d Tasks: %v", len(tasks), tasks)
	}
	return tasks[0]
}

func field(task map[string]any, name string) string { return fmt.Sprint(task[name]) }

// crash opens a desk on a copy of the ledger as it is at this moment, as if the first had been killed. The first stays, silent.
func (p *place) crash() *place {
	p.Helper()
	dir := p.TempDir()
	files, err := filepath.Glob(filepath.Join(p.b.dir, "state", "ledger.db*"))
	if err != nil || len(files) == 0 {
		state := filepath.Dir(p.w.ledger.Path())
		files, err = filepath.Glob(filepath.Join(state, "ledger.db*"))
	}
	if err != nil || len(files) == 0 {
		p.Fatalf("no ledger: %v", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".lock") {
			continue
		}
		body, err := os.ReadFile(f)
		if err != nil {
			p.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), body, 0o600); err != nil {
			p.Fatal(err)
		}
	}
	after := &place{TB: p.TB, e: placeEnv(), b: p.b}
	opt := p.b.options(true)
	opt.ledger = filepath.Join(dir, "ledger.db")
	if after.w, err = openWorkplace(p.Context(), after.e, p.b.settings, opt); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { after.w.close(context.WithoutCancel(p.Context())) })
	after.snaps, _ = after.w.desk.Subscribe()
	return after
}

func said(s *desk.Snapshot, part string) bool {
	for _, n := range s.Notices {
		if strings.Contains(n.Text.String(), part) {
			return true
		}
	}
	return false
}

func available(s *desk.Snapshot) bool { return s.State == desk.Available }
func ringing(s *desk.Snapshot) bool   { return s.State == desk.Ringing }
