package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"offhook/config"
	"offhook/desk"
	"offhook/hub"
	"offhook/internal/text"
	"offhook/sip"
	boardpage "offhook/ui/page/board"
)

// serveHub starts a hub for a test and returns its address and the files of both tokens.
func serveHub(t *testing.T) *hub.Server {
	t.Helper()
	s, err := hub.Serve(t.Context(), hub.Options{Listen: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// watchHub opens a board on it.
func watchHub(t *testing.T, s *hub.Server) boardSource {
	t.Helper()
	_, token, err := s.Tokens()
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBoard(t.Context(), hub.Config{URL: s.URL(), Token: token, Agent: "Maya"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// showing waits until the board shows what ok wants.
func showing(t *testing.T, b boardSource, what string, ok func([]boardpage.Agent) bool) []boardpage.Agent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		rows := b.Rows(time.Now())
		if ok(rows) {
			return rows
		}
		select {
		case <-b.Changes():
		case <-ctx.Done():
			t.Fatalf("the board never showed %s: %+v", what, rows)
		}
	}
}

func TestTheSimulatedTeamStandsOnTheBoardAndFollowsOrders(t *testing.T) {
	s := serveHub(t)
	token, _, err := s.Tokens()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	wait, err := simulateTeam(ctx, s.URL(), token)
	if err != nil {
		t.Fatal(err)
	}
	b := watchHub(t, s)
	rows := showing(t, b, "five agents", func(r []boardpage.Agent) bool { return len(r) == 5 })
	unsent := 0
	for _, r := range rows {
		unsent += r.Unsent
	}
	if unsent == 0 || rows[0].Team.String() != "sales" {
		t.Errorf("%+v", rows)
	}
	if _, err := b.Do(t.Context(), boardpage.Order{Agent: rows[1].ID, Verb: boardpage.Away}); err != nil {
		t.Error(err)
	}
	showing(t, b, "the order's effect", func(r []boardpage.Agent) bool { return r[1].State == desk.Away || r[1].Next == desk.Away })
	stop()
	wait()
	showing(t, b, "that all have left", func(r []boardpage.Agent) bool {
		for i := range r {
			if r[i].Presence != boardpage.Gone {
				return false
			}
		}
		return true
	})
}

func TestAColleaguesDayIsBelievable(t *testing.T) {
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	allowed := map[desk.State]string{
		desk.Available: "ringing away on call", desk.Ringing: "on call not responding", desk.OnCall: "wrap-up", wrapUp: "available away",
		desk.Away: "available", desk.NotResponding: "available",
	}
	for _, c := range colleagues(start) {
		seen, old := map[desk.State]bool{}, c.state
		for i := range 3600 {
			now := start.Add(time.Duration(i) * time.Second)
			c.step(now)
			if c.state != old && !strings.Contains(allowed[old], string(c.state)) {
				t.Fatalf("%s goes from %s to %s", c.name, old, c.state)
			}
			seen[c.state], old = true, c.state
			up := c.call != nil && c.call.State != desk.Ended
			if busy := c.state == desk.OnCall || c.state == desk.Ringing; up != busy {
				t.Fatalf("%s is %s with a call that is %v", c.name, c.state, c.call)
			}
			if now.Before(c.since) {
				t.Fatalf("%s is %s since %s, which is to come", c.name, c.state, c.since)
			}
		}
		if len(seen) < 5 {
			t.Errorf("an hour of %s has only %v", c.name, seen)
		}
	}
}

// silentPhone is a telephone on which nothing happens.
type silentPhone struct{ desk.Phone }

func (silentPhone) Events() <-chan sip.Event { return nil }

func TestADeskIsOnTheBoardAndTakesOrdersOutlivingTheHub(t *testing.T) {
	s := serveHub(t)
	w := &workplace{desk: desk.NewDesk(desk.Settings{Agent: desk.Agent{Version: "0.1.0"}}, desk.Ports{Phone: silentPhone{}})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.desk.Run(ctx) }()
	l := &config.Loaded{}
	l.Hub = config.Hub{URL: s.URL(), TokenFile: s.AgentTokenFile(), Site: "main", Team: "sales", Agent: "Amy"}
	attachHub(ctx, w, l, &env{})
	b := watchHub(t, s)
	row := showing(t, b, "the desk", func(r []boardpage.Agent) bool { return len(r) == 1 })[0]
	if _, err := b.Do(t.Context(), boardpage.Order{Agent: row.ID, Verb: boardpage.Message, Text: text.Clean("Hello")}); err != nil {
		t.Fatal(err)
	}
	seen := func(what string, ok func(*desk.Snapshot) bool) {
		t.Helper()
		snaps, cancel := w.desk.Subscribe()
		defer cancel()
		limit, done := context.WithTimeout(t.Context(), 20*time.Second)
		defer done()
		for {
			select {
			case snap := <-snaps:
				if ok(snap) {
					return
				}
			case <-limit.Done():
				t.Fatalf("the desk never showed %s: %+v", what, w.desk.Snapshot())
			}
		}
	}
	seen("the message", func(s *desk.Snapshot) bool {
		return len(s.Notices) > 0 && s.Notices[len(s.Notices)-1].Text.String() == "Maya: Hello"
	})
	s.Close()
	seen("that the hub is gone", func(s *desk.Snapshot) bool { return s.Links.Hub.Health == desk.HealthWarn })
	stop()
	<-ended
	w.work.Wait() // everything that attachHub started ends with the desk
}

func TestADesksNameOnTheBoard(t *testing.T) {
	for account, want := range map[string]string{"sip:2101@pbx.example": "2101", "sips:amy@pbx.example": "amy", "": "agent"} {
		var c config.Config
		c.SIP.Account = account
		if got := hubAgent(c); got != want {
			t.Errorf("%q is %q, want %q", account, got, want)
		}
	}
	var c config.Config
	c.SIP.Account, c.Hub.Agent = "sip:2101@pbx.example", "Amy Weber"
	if got := hubAgent(c); got != "Amy Weber" {
		t.Errorf("%q", got)
	}
}
