package post

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func TestWhoseACallIs(t *testing.T) {
	p := newPost(t, emulator.Options{})
	user, err := p.SF.User(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	me := user
	var other, gone map[string]any
	for _, u := range p.Records("User", false) {
		switch {
		case u["Username"] == me.Username:
		case u["IsActive"] == false:
			gone = u
		case other == nil:
			other = u
		}
	}
	if other == nil {
		t.Fatal("the practice org has no second user")
	}
	if gone == nil {
		for _, u := range p.Records("User", false) {
			if u["Id"] != other["Id"] && u["Username"] != me.Username {
				if err := p.SF.Update(t.Context(), "User", u["Id"].(string), map[string]any{"IsActive": false}, time.Time{}); err != nil {
					t.Fatal(err)
				}
				gone = u
				break
			}
		}
	}
	name, id, mail := other["Username"].(string), other["Id"].(string), other["Email"].(string)
	for i, tt := range []struct {
		name   string
		agent  string
		owners []crm.OwnerRule
		shared bool
		want   string
		warn   string
	}{
		{"the signed-in user", "sip:2101@pbx", nil, false, user.UserID, ""},
		{"the map, by user name", "sip:2101@pbx.example.com", []crm.OwnerRule{{SIP: "2101", User: name}}, false, id, ""},
		{"the map, by id", "SIP:2101@PBX.example.com:5060;transport=tls", []crm.OwnerRule{{SIP: "sip:2101@pbx.example.com", User: id}}, false, id, ""},
		{"another host's 2101", "sip:2101@pbx.example.com", []crm.OwnerRule{{SIP: "2101@elsewhere", User: name}}, false, user.UserID, ""},
		{"the same e-mail address", "sip:" + mail, nil, false, id, ""},
		{"the map before the e-mail address", "sip:" + mail, []crm.OwnerRule{{SIP: mail, User: me.Username}}, false, user.UserID, ""},
		{"an inactive user", "sip:2101@pbx", []crm.OwnerRule{{SIP: "2101", User: gone["Username"].(string)}}, false, user.UserID, "no active user " + gone["Username"].(string)},
		{"nobody", "sip:2101@pbx", []crm.OwnerRule{{SIP: "2101", User: "nobody@nowhere"}}, false, user.UserID, "no active user nobody@nowhere"},
		{"an integration user", "sip:2199@pbx", nil, true, user.UserID, "name the user of sip:2199@pbx"},
	} {
		p.reports = nil
		p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{Owners: tt.owners, Shared: tt.shared} }
		key := p.end(i, func(r *crm.CallRecord) { r.Agent = text.Clean(tt.agent) })
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, i+1)
		if got := p.task(key)["OwnerId"]; got != tt.want {
			t.Errorf("%s: %v, not %s", tt.name, got, tt.want)
		}
		warned := ""
		for _, r := range p.said(ReportLacking) {
			warned += lines(r)
		}
		if (tt.warn != "") != (warned != "") || !strings.Contains(warned, tt.warn) {
			t.Errorf("%s: %v", tt.name, warned)
		}
	}
	asked := p.DataRequests("/query")
	p.sender.o.Settings = func() crm.TaskSettings { return crm.TaskSettings{Owners: []crm.OwnerRule{{SIP: "2101", User: name}}} }
	for i := range 3 {
		p.end(100+i, func(r *crm.CallRecord) { r.Agent = text.Clean("sip:2101@pbx") })
	}
	p.sender.Flush(t.Context())
	if n := p.DataRequests("/query") - asked; n != 0 {
		t.Errorf("%d questions about a user who is known", n)
	}
}

func TestAQueueThatTakesNoTasksCostsTheOwnerNotTheRecord(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.sender.o.Settings = func() crm.TaskSettings {
		return crm.TaskSettings{Owners: []crm.OwnerRule{{SIP: "2101", User: "00G000000000001EAA"}}}
	}
	n := 0
	p.TaskReply = func() (int, string, bool) {
		n++
		return 400, apiBody("INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: invalid cross reference id", `"OwnerId"`), n == 1
	}
	key := p.end(1, func(r *crm.CallRecord) { r.Agent = text.Clean("2101") })
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
}
