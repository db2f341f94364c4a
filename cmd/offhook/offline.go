package main

import (
	"context"
	"errors"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
	"offhook/internal/text"
)

// errNoOrg is what a desk without Salesforce says when it is asked for a customer.
var errNoOrg = errors.New("Salesforce is not set up: set salesforce.client_id and run offhook login")

// offline stands in for Salesforce on a desk that has none: it takes calls, and their records wait on disk.
type offline struct{}

func (offline) Lookup(context.Context, text.Text, crm.Direction) crm.Match {
	return crm.Match{State: crm.MatchNotSearched, Detail: text.Clean("Salesforce is not set up")}
}
func (offline) Card(context.Context, crm.Ref) (crm.Card, error) { return crm.Card{}, errNoOrg }
func (offline) Search(context.Context, text.Text, bool) (crm.Found, error) {
	return crm.Found{}, errNoOrg
}
func (offline) Recents(context.Context) ([]crm.Hit, error)          { return nil, errNoOrg }
func (offline) Form(context.Context, crm.FormAsk) (crm.Form, error) { return crm.Form{}, errNoOrg }
func (offline) Update(context.Context, crm.FormUpdate) (crm.Ref, *crm.Form, error) {
	return crm.Ref{}, nil, errNoOrg
}
func (offline) Objects(context.Context) ([]crm.ObjectName, error) { return nil, errNoOrg }
func (offline) References(context.Context, []string, text.Text) ([]crm.Hit, error) {
	return nil, errNoOrg
}
func (offline) Create(context.Context, string, map[string]string) (crm.Ref, *crm.Form, error) {
	return crm.Ref{}, nil, errNoOrg
}

// countWithoutOrg tells the desk how many records wait for a Salesforce to be set up, and what other programs change in them, until ctx
// ends.
func countWithoutOrg(ctx context.Context, led *ledger.Ledger, d *desk.Desk) {
	poll := time.NewTicker(2 * time.Second)
	defer poll.Stop()
	for {
		if c, err := led.Counts(ctx); err == nil && c.Unsent() > 0 {
			d.Post(desk.OutboxChanged{Outbox: desk.Outbox{Pending: c.Pending, Dead: c.Dead + c.Fix, Oldest: c.Oldest, Paused: text.Clean("Salesforce is not set up")}})
		}
		_ = tellAmended(ctx, led, d)
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}
