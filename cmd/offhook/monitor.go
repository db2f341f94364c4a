package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/desk"
	"offhook/hub"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui"
	boardpage "offhook/ui/page/board"
)

func newMonitorCmd(e *env) *cobra.Command {
	var f monitorFlags
	cmd := &cobra.Command{
		Use: "monitor", Short: "Show the team's live board", Args: cobra.NoArgs,
		Long: "Shows one row per agent: state, call, hold, sound, unsent records. Orders ask before they go out.\n" +
			"It needs the supervisors' token of the hub; on the hub's own machine it finds it.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.runMonitor(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.url, "url", "", "address of the hub (default: [hub] url of the settings, else nats://127.0.0.1:4222)")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "file with the supervisors' token; offhook hub says where it is")
	cmd.Flags().StringVar(&f.site, "site", "", "only this site")
	cmd.Flags().StringVar(&f.team, "team", "", "only this team")
	cmd.Flags().StringVar(&f.name, "name", os.Getenv("USER"), "your name, as agents read it")
	return cmd
}

type monitorFlags struct{ url, tokenFile, site, team, name string }

const localHub = "nats://127.0.0.1:4222"

func (e *env) runMonitor(ctx context.Context, f monitorFlags) error {
	if err := ui.CheckTerminal(); err != nil {
		return err
	}
	l, err := e.load()
	if errors.Is(err, config.ErrNoFile) && e.configFile == "" {
		l, err = &config.Loaded{}, nil
	}
	if err != nil {
		return err
	}
	keys, err := keymap.New(l.Keys)
	if err != nil {
		return fmt.Errorf("%s: keys: %w", l.Path, err)
	}
	if f.url == "" {
		if f.url = l.Hub.URL; f.url == "" {
			f.url = localHub
		}
	}
	token, err := f.token()
	if err != nil {
		return err
	}
	source, err := openBoard(ctx, hub.Config{URL: f.url, Token: token, Site: f.site, Team: f.team, Agent: f.name})
	if err != nil {
		return err
	}
	defer source.Close()
	return boardpage.Run(ctx, boardpage.Options{
		Source: source, Keys: keys, Theme: l.UI.Theme, Who: text.Clean(f.name), What: f.what(), Hub: strings.TrimPrefix(f.url, "nats://"),
	})
}

// what says what is watched.
func (f monitorFlags) what() string {
	switch {
	case f.team != "" && f.site != "":
		return text.Clean(f.team + " at " + f.site).String()
	case f.team != "":
		return text.Clean(f.team).String()
	case f.site != "":
		return text.Clean("all of " + f.site).String()
	}
	return "all teams"
}

// token is the supervisors' token: from the file that was named, the environment, or the hub of this machine.
func (f monitorFlags) token() (string, error) {
	path := f.tokenFile
	if path == "" {
		if t := os.Getenv("OFFHOOK_HUB_SUPERVISOR_TOKEN"); t != "" {
			return t, nil
		}
		dir, err := hubDir()
		if err != nil {
			return "", err
		}
		path = hub.SupervisorTokenFile(dir)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && f.tokenFile == "" {
		return "", errors.New("the board needs the supervisors' token of the hub: give --token-file FILE (the first line of offhook hub says where it is)")
	}
	if err != nil {
		return "", fmt.Errorf("the supervisors' token cannot be read: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// boardSource gives the hub's rows to the board's screen, in the screen's words.
type boardSource struct{ *hub.Board }

// openBoard watches a team.
func openBoard(ctx context.Context, cfg hub.Config) (boardSource, error) {
	b, err := hub.Watch(ctx, cfg)
	return boardSource{b}, err
}

// Rows implements boardpage.Source.
func (b boardSource) Rows(now time.Time) []boardpage.Agent {
	rows := b.Board.Rows(now)
	out := make([]boardpage.Agent, len(rows))
	for i := range rows {
		r := &rows[i]
		v := &r.Value
		out[i] = boardpage.Agent{
			ID: r.Bus, Site: text.Clean(r.Key.Site), Team: text.Clean(r.Key.Team), Name: text.Clean(r.Key.Agent), State: v.State, Presence: boardpage.Presence(r.Presence),
			Reason: v.Reason, Since: r.Since, Heard: r.Heard, Next: v.Next, Calls: v.Calls, Unsent: v.Outbox.Pending, Refused: v.Outbox.Dead,
			Oldest: time.Duration(v.Outbox.Oldest) * time.Second, SIP: desk.Health(v.SIP), SF: desk.Health(v.SF), Version: v.Version,
		}
		if c := v.Call; c != nil {
			out[i].Call = &boardpage.Call{Dir: c.Dir, State: c.State, Peer: c.Peer, Name: c.Name, Queue: c.Queue, Since: r.CallFrom, Match: c.Match, Hold: c.Hold, Muted: c.Muted, MOS: c.MOS}
		}
	}
	return out
}

// Link implements boardpage.Source.
func (b boardSource) Link() boardpage.Link {
	l := b.Board.Link()
	return boardpage.Link{Up: l.Up, Since: l.Since, Text: l.Text}
}

// Do implements boardpage.Source.
func (b boardSource) Do(ctx context.Context, o boardpage.Order) (string, error) {
	verbs := map[boardpage.Verb]hub.Verb{
		boardpage.Away: hub.ForceAway, boardpage.Available: hub.ForceAvailable, boardpage.Logout: hub.Logout, boardpage.Message: hub.Message,
	}
	return b.Board.Do(ctx, hub.Order{Agent: o.Agent, Verb: verbs[o.Verb], Text: o.Text})
}
