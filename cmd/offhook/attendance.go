package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/desk"
	"offhook/internal/text"
)

// attendance notes when the agent was here, and in which state. It writes to the ledger only, so neither start nor exit waits for anybody.
type attendance struct {
	log  *report.Log
	slog *slog.Logger
}

// signOfLife is how exactly the end of a session is known that was cut off.
const signOfLife = 30 * time.Second

func newAttendance(l *config.Loaded, led *ledger.Ledger, withOrg bool, log *slog.Logger) *attendance {
	mode := l.Activity.Log
	if !withOrg {
		mode = report.Off
	}
	return &attendance{report.NewLog(led, mode, text.Clean(l.SIP.Account), rand.Text()), log}
}

// said logs what the disk refused: calls meet the same disk, and tell the agent.
func (a *attendance) said(what string, err error) {
	if err != nil {
		a.slog.Warn("attendance", "event", what, "error", err)
	}
}

// login begins the session; what an earlier run left open ends first.
func (a *attendance) login(ctx context.Context) {
	a.said("login", a.log.Login(ctx, time.Now()))
}

// run follows the desk until ctx ends, then the session is over.
func (a *attendance) run(ctx context.Context, d *desk.Desk) {
	snapshots, cancel := d.Subscribe()
	defer cancel()
	alive := time.NewTicker(signOfLife)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
			a.said("alive", a.log.Alive(ctx, time.Now()))
		case s, running := <-snapshots:
			if !running {
				snapshots = nil
				continue
			}
			switch s.State {
			case desk.Available, desk.Away, desk.NotResponding, desk.Offline: // calls have Tasks of their own
				a.said("state", a.log.State(ctx, string(s.State), s.Reason, s.Since))
			}
		}
	}
}

func (a *attendance) logout(ctx context.Context) {
	a.said("logout", a.log.Logout(context.WithoutCancel(ctx), time.Now()))
}
