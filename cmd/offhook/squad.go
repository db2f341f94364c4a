package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"

	"offhook/desk"
	"offhook/hub"
	"offhook/internal/text"
	"offhook/ui"
	boardpage "offhook/ui/page/board"
)

// boardKey changes between desk and board in demo --team.
const boardKey = "ctrl+t"

// squad is the team behind demo --team: a hub in this process, five made-up colleagues, and the board beside the desk.
type squad struct {
	dir    string
	hub    *hub.Server
	agents string // file with the agents' token
	token  string // the supervisors'
	wait   func() // for the colleagues
	stop   context.CancelFunc
}

// startSquad starts hub and colleagues. The demo's own desk joins by its settings, as any desk would.
func startSquad(ctx context.Context) (s *squad, err error) {
	s = &squad{}
	ctx, s.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "offhook-team-*"); err != nil {
		return s, err
	}
	if s.hub, err = hub.Serve(context.WithoutCancel(ctx), hub.Options{Listen: "127.0.0.1:0", Dir: s.dir}); err != nil {
		return s, err
	}
	agent, supervisor, err := s.hub.Tokens()
	if err != nil {
		return s, err
	}
	s.agents, s.token = s.hub.AgentTokenFile(), supervisor
	s.wait, err = simulateTeam(ctx, s.hub.URL(), agent)
	return s, err
}

// settings are what the demo's desk needs to join the team.
func (s *squad) settings() string {
	return fmt.Sprintf("[hub]\nurl = %q\ntoken_file = %q\nteam = \"sales\"\nagent = \"You\"\n", s.hub.URL(), s.agents)
}

// show shows the board first and the desk beside it; a ringing call brings the desk to the front.
func (s *squad) show(ctx context.Context, opt ui.Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	source, err := openBoard(ctx, hub.Config{URL: s.hub.URL(), Token: s.token, Team: "sales", Agent: "You"})
	if err != nil {
		return err
	}
	defer source.Close()
	opt.Beside = ui.Beside{Key: boardKey, First: true, Page: boardpage.New(ctx, boardpage.Options{
		Source: source, Keys: opt.Keys, Theme: opt.Theme, Who: text.Clean("You"),
		What: "sales", Hub: strings.TrimPrefix(s.hub.URL(), "nats://"), Desk: "^T",
	})}
	return ui.Run(ctx, opt, snapshots, more...)
}

func (s *squad) close() {
	s.stop()
	if s.wait != nil {
		s.wait()
	}
	if s.hub != nil {
		s.hub.Close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
