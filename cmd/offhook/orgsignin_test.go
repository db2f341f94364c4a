package main

import (
	"context"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
	"offhook/desk"
)

func TestTheDeskKnowsWhoIsSignedInWhereAndHowMuchOfTheAPIIsUsed(t *testing.T) {
	org, err := emulator.New(emulator.Options{APILimit: 400})
	check(t, err)
	_, err = org.Start(t.Context(), "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = org.Close() })
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"jwt\"\nusername = \""+emulator.AgentUsername+"\"\nkey_file = \"$DIR/key.pem\"\n")
	e.set = []string{"audio.input=null", "audio.output=null", "audio.ring=off", "sip.listen=127.0.0.1:0"}
	l, err := e.load()
	check(t, err)
	w, err := openWorkplace(t.Context(), e, l, options{still: true})
	check(t, err)
	t.Cleanup(func() { w.close(context.WithoutCancel(t.Context())) })
	p := &place{TB: t, e: e, w: w}
	p.snaps, _ = w.desk.Subscribe()
	p.done = w.start(t.Context())
	s := p.until("the sign-in stands", func(s *desk.Snapshot) bool { return s.Links.Salesforce.Health == desk.HealthOK })
	if a := s.Agent; a.Name.String() != emulator.AgentName || a.User.String() != emulator.AgentUsername || a.OrgName.String() != "Offhook Practice" || a.Sandbox || s.APIUse >= 80 {
		t.Errorf("%+v, %d %%", a, s.APIUse)
	}
	for w.org.client.Budget().Share() < 0.84 { // 44 calls below critical: the desk itself asks while it warms up
		if _, err := w.org.client.Query(t.Context(), salesforce.Select("Id").From("Task").Limit(1)); err != nil {
			t.Fatal(err)
		}
	}
	w.org.committed() // the outbox changed: what is told of Salesforce is told again
	p.until("the budget is told", func(s *desk.Snapshot) bool { return s.APIUse >= 80 && s.APIUse < 95 })
}

func TestASandboxIsKnownByItsAddress(t *testing.T) {
	for host, want := range map[string]bool{
		"acme.my.salesforce.com": false, "acme--uat.sandbox.my.salesforce.com": true, "acme--uat.my.salesforce.com": true, "acme-dev-ed.develop.my.salesforce.com": false, "127.0.0.1:8080": false,
	} {
		if got := sandboxHost(host); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}
