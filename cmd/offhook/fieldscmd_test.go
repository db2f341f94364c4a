package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"offhook/crm/emulator"
)

func TestTheFieldMapIsChangedFromTheShellAndCheckedAgainstTheOrg(t *testing.T) {
	r, org := practiceRoom(t)
	const mine = "[record] # mine\n#map = [] # what goes where\nzone = \"id\" # as it is\n"
	base := r.read("config.toml")
	r.write("config.toml", base+mine)
	r.says("CallDisposition", "fields", "targets", "call result")
	r.says("  Reason                Offhook_Reason__c                text 255", "fields", "list")
	r.says("Agent ID goes into CallDisposition.", "fields", "set", "agent_id", "calldisposition")
	want := base + strings.Replace(mine, "where\n", "where\nmap = [\n  { value = \"Agent ID\", field = \"CallDisposition\" },\n]\n", 1)
	if got := r.read("config.toml"); got != want {
		t.Errorf("%s", got)
	}
	r.says("says so already", "fields", "set", "Agent ID", "CallDisposition")
	r.says("* Agent ID", "fields", "list")
	for _, tt := range [][3]string{
		{"Duration", "ReminderDateTime", "cannot hold Duration"}, {"Reason", "Offhook_Resaon__c", "did you mean Offhook_Reason__c?"}, {"Reason", "IsClosed", "may not fill"},
		{"Reason", "Subject", "filled by offhook itself"}, {"Raeson", "Type", "did you mean Reason?"}, {"Notes", "CallDisposition", "takes Agent ID already"}, {"Notes", "a b", "not the API name"},
	} {
		r.fails(tt[2], "fields", "set", tt[0], tt[1])
	}
	r.fails("do not go together", "fields", "set", "Reason", "", "--also")
	r.fails("goes into Offhook_Reason__c by itself", "fields", "remove", "Reason")
	r.fails("goes nowhere", "fields", "remove", "Notes")
	if got := r.read("config.toml"); got != want {
		t.Errorf("something refused was written:\n%s", got)
	}
	r.says("goes into Offhook_Agent_ID__c, where that is installed", "fields", "remove", "Agent ID")
	if got := r.read("config.toml"); got != strings.Replace(want, "  { value = \"Agent ID\", field = \"CallDisposition\" },\n", "", 1) {
		t.Errorf("%s", got)
	}
	r.says("Reason goes nowhere", "fields", "set", "Reason", "")
	out := r.says("", "fields", "set", "Reason", "CallDisposition", "--json")
	var c fieldChange
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Version != 1 || !c.Checked || !c.Changed || len(c.Values) != 1 || c.Values[0].Field != "CallDisposition" || c.Values[0].State != "ok" {
		t.Errorf("%v\n%s", err, out)
	}
	r.says("every setting is understood", "config", "check")

	if err := org.SetFault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/services/"}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.path("state")); err != nil {
		t.Fatal(err)
	}
	r.says("checked at the next sign-in", "fields", "set", "Notes", "Nowhere__c")
	r.says("your org was not asked", "fields", "list")
	if _, err := r.run("fields", "targets"); err == nil {
		t.Error("targets were listed without an org")
	}
}

func TestAValueMayGoIntoTwoFieldsAndKeepsItsOwn(t *testing.T) {
	r := newRoom(t, baseSettings)
	r.says("checked at the next sign-in", "fields", "set", "Reason", "Why__c", "--also")
	out := r.says("Reason goes into Offhook_Reason__c.", "fields", "set", "reason", "Cause__c", "--also")
	for _, want := range []string{"into Why__c.", "into Cause__c."} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing about %q in\n%s", want, out)
		}
	}
	r.says("Reason goes into Cause__c.", "fields", "set", "Reason", "Cause__c") // instead of all of them
	if got := r.read("config.toml"); strings.Count(got, "Reason") != 1 {
		t.Errorf("%s", got)
	}
	r.says("took Call Type until now", "fields", "set", "var:Queue", "Offhook_Call_Type__c")
	r.says("* var:Queue", "fields", "list")
	r.says("Call Type", "fields", "list", "--json")
	r.says("var:queue goes nowhere", "fields", "remove", "var:queue")
	r.write("config.toml", baseSettings+"[record]\nmap = [{value = \"Raeson\", field = \"Why__c\"}]\n")
	r.says("record.map: a call has no value \"Raeson\"; did you mean Reason?", "fields", "list")
	r.says("Raeson goes nowhere", "fields", "remove", "Raeson") // also what config check refuses
	r.says("every setting is understood", "config", "check")
	r.fails("config init", "--config", r.path("none.toml"), "fields", "set", "Reason", "Why__c")
	r.says("Reason", "--config", r.path("none.toml"), "fields", "list")
	r.write("config.toml", baseSettings+"[profile.default.record]\nmap = []\n")
	r.fails("[profile.default.record]", "fields", "set", "Reason", "Why__c")
}
