package main

import (
	"context"
	"errors"

	"offhook/crm"
	"offhook/internal/text"
)

// errNoOrg is what a desk without Salesforce says when it is asked for a customer.
var errNoOrg = errors.New("Salesforce is not set up: set salesforce.client_id and run offhook login")

// offline stands in for Salesforce on a desk that has none: it takes calls, and their records wait on disk.
type offline struct{}

func (offline) Lookup(context.Context, text.Text) crm.Match {
	return crm.Match{State: crm.MatchFailed, Detail: text.Clean("it is not set up")}
}
func (offline) Card(context.Context, crm.Ref) (crm.Card, error)      { return crm.Card{}, errNoOrg }
func (offline) Search(context.Context, text.Text) ([]crm.Hit, error) { return nil, errNoOrg }
func (offline) Form(context.Context, string, text.Text) (crm.Form, error) {
	return crm.Form{}, errNoOrg
}
func (offline) Create(context.Context, string, map[string]string) (crm.Ref, *crm.Form, error) {
	return crm.Ref{}, nil, errNoOrg
}
