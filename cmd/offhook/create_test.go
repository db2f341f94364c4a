package main

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/desk"
	"offhook/sip/exchange"
)

// Nobody is told of a record that is made when the call is over but the call's Task: it waits for it, also when Salesforce is slow.
func TestTheTaskBelongsToWhatWasMadeWhenTheCallWasOver(t *testing.T) {
	p := &place{TB: t, e: placeEnv()}
	var err error
	p.b, err = startBackend(t.Context(), p.e, true, quietSettings+"[create]\nobjects = [{object = \"Lead\", trigger = \"end\", per = \"unknown\", fields = \"LastName = {number}; Company = unknown\"}]\n")
	check(t, err)
	t.Cleanup(p.b.close)
	p.open(p.b.settings)
	check(t, p.b.exchange.Place(exchange.Call{From: emulator.StoryUnknownNumber, To: agentExtension}))
	p.until("nobody has the number", func(s *desk.Snapshot) bool { return len(s.Calls) > 0 && s.Calls[0].Match.State == crm.MatchNone })
	p.talk()
	p.bye()
	p.sent()
	leads := p.b.org.Records("Lead", true)
	if len(leads) != 1 {
		t.Fatalf("%d leads were made: %v", len(leads), leads)
	}
	if task := p.oneTask(); field(task, "WhoId") != field(leads[0], "Id") || strings.TrimSpace(field(task, "WhoId")) == "" {
		t.Errorf("the Task belongs to %s, the Lead is %s", field(task, "WhoId"), field(leads[0], "Id"))
	}
}
