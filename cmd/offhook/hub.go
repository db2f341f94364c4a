package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/desk"
	"offhook/hub"
	"offhook/internal/text"
)

func newHubCmd(e *env) *cobra.Command {
	var f hubFlags
	cmd := &cobra.Command{
		Use: "hub", Short: "Run the team's hub", Args: cobra.NoArgs,
		Long: "Runs the hub that carries every desk's live state to the supervisors' board. Desks take calls just as well without it.\n" +
			"The first line on stdout is one JSON object with url, agent_token_file and supervisor_token_file.\n\n" +
			"In a desk's settings:        [hub] url = \"nats://127.0.0.1:4222\" and token_file = the agents' token\nOn a supervisor's terminal:  offhook monitor",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.runHub(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:4222", "address and port; port 0 lets the system choose")
	cmd.Flags().StringVar(&f.dir, "dir", "", "folder of the tokens, the signing key, call events and audit (default: the state folder)")
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "certificate, for another address than this machine's own")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "key of the certificate")
	cmd.Flags().BoolVar(&f.insecure, "allow-insecure", false, "listen for other machines without a certificate")
	return cmd
}

type hubFlags struct {
	listen, dir, cert, key string
	insecure               bool
}

// hubLine is the first line of the hub's output; docs/hub.md has its shape.
type hubLine struct {
	Version             int    `json:"version"`
	URL                 string `json:"url"`
	AgentTokenFile      string `json:"agent_token_file"`
	SupervisorTokenFile string `json:"supervisor_token_file"`
}

// hubDir is where the hub of this machine keeps its secrets.
func hubDir() (string, error) { return config.Config{}.StateDir("hub") }

func (e *env) runHub(ctx context.Context, f hubFlags) (err error) {
	if f.dir == "" {
		if f.dir, err = hubDir(); err != nil {
			return err
		}
	}
	opt := hub.Options{Listen: f.listen, Dir: f.dir, Insecure: f.insecure, Logger: slog.New(slog.NewTextHandler(e.errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if f.cert != "" || f.key != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return fmt.Errorf("the certificate cannot be used: %w", err)
		}
		opt.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	srv, err := hub.Serve(ctx, opt)
	if err != nil {
		return err
	}
	defer srv.Close()
	line := hubLine{Version: 1, URL: srv.URL(), AgentTokenFile: srv.AgentTokenFile(), SupervisorTokenFile: srv.SupervisorTokenFile()}
	if err := json.NewEncoder(e.out).Encode(line); err != nil {
		return err
	}
	<-ctx.Done()
	_, _ = fmt.Fprintln(e.errOut, "offhook hub: ended; the desks go on without it")
	return nil
}

// attachHub connects a desk that has started with the team's hub when the settings name one: its snapshots go out, granted
// orders come in. It returns at once, and everything it starts ends with the desk.
func attachHub(ctx context.Context, w *workplace, l *config.Loaded, _ *env) {
	if l.Hub.URL == "" {
		return
	}
	post := func(c desk.LinkChanged) { w.desk.Post(c) }
	trouble := func(err error) {
		post(desk.LinkChanged{Name: desk.LinkHub, Health: desk.HealthDown, Text: text.Clean(err.Error())})
	}
	ctx, stop := context.WithCancel(ctx)
	snapshots, cancel := w.desk.Subscribe()
	tokens := make(chan string, 1)
	w.work.Go(func() { // a command may take its time
		token, err := secrets(l).HubToken(ctx, l.Hub)
		if err != nil {
			trouble(err)
			return
		}
		tokens <- token
	})
	w.work.Go(func() {
		defer stop()
		defer cancel()
		var agent *hub.Agent
		for {
			select {
			case token := <-tokens:
				a, err := hub.Connect(ctx, hub.Config{
					URL: l.Hub.URL, Token: token, Site: l.Hub.Site, Team: l.Hub.Team, Agent: hubAgent(l.Config), OnLink: post, Logger: w.log,
				})
				if err != nil {
					trouble(err)
					continue
				}
				agent = a
				defer agent.Close()
				w.work.Go(func() {
					for g := range a.Commands() {
						for _, ev := range g.Events {
							w.desk.Post(ev)
						}
					}
				})
				agent.Publish(w.desk.Snapshot())
			case s, open := <-snapshots:
				if !open { // the desk has ended
					return
				}
				if agent != nil {
					agent.Publish(s)
				}
			}
		}
	})
}

// hubAgent is the agent's name on the board.
func hubAgent(c config.Config) string {
	if c.Hub.Agent != "" {
		return c.Hub.Agent
	}
	user := strings.TrimPrefix(strings.TrimPrefix(c.SIP.Account, "sips:"), "sip:")
	user, _, _ = strings.Cut(user, "@")
	if user == "" {
		return "agent"
	}
	return user
}
