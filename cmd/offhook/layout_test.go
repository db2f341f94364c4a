package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/layout"
	"offhook/internal/text"
)

// room is a folder with settings in which commands run.
type room struct {
	t   *testing.T
	dir string
}

func newRoom(t *testing.T, toml string) room {
	t.Helper()
	r := room{t, t.TempDir()}
	r.write("config.toml", toml)
	return r
}

func (r room) path(name string) string { return filepath.Join(r.dir, name) }

func (r room) write(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r room) read(name string) string {
	r.t.Helper()
	raw, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(raw)
}

// run runs a command and returns all it said.
func (r room) run(args ...string) (string, error) {
	r.t.Helper()
	var out bytes.Buffer
	e := &env{configFile: r.path("config.toml"), out: &out, errOut: &out, in: strings.NewReader(""), version: "test"}
	cmd := newRootCmd(e)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"--config", r.path("config.toml")}, args...))
	err := cmd.ExecuteContext(r.t.Context())
	return out.String(), err
}

// says runs a command that must work and say something.
func (r room) says(want string, args ...string) string {
	r.t.Helper()
	out, err := r.run(args...)
	if err != nil || !strings.Contains(out, want) {
		r.t.Fatalf("offhook %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
	}
	return out
}

// fails runs a command that must not work, and say why in a line.
func (r room) fails(want string, args ...string) {
	r.t.Helper()
	out, err := r.run(args...)
	if err == nil || !strings.Contains(out+err.Error(), want) {
		r.t.Fatalf("offhook %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
	}
}

const baseSettings = "[sip]\naccount = \"sip:2101@pbx.example.com\"\n"

func TestALayoutThatSomebodyWroteByHandIsImportedCleanAndPutInForce(t *testing.T) {
	r := newRoom(t, baseSettings)
	r.write("sales.json", `{"Inbound":{"objects":{"Contact":["Name"] "Machine__c":["Name"]}, // ours
	 "screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact"}}},"Outbound":{"objects":{"Contact":["Name"],}}}`)
	r.says("n makes a Lead", "layout", "show") // nothing is configured: offhook's own
	out := r.says("Written: "+r.path("layout.json"), "layout", "import", r.path("sales.json"))
	for _, want := range []string{"missing commas", "comments", "[layout]\nfile = "} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing about %q in\n%s", want, out)
		}
	}
	if !json.Valid([]byte(r.read("layout.json"))) {
		t.Error("what was written is no JSON")
	}
	r.fails("exists already", "layout", "import", r.path("sales.json"))
	r.says("Written", "layout", "import", "--force", r.path("sales.json"))
	r.write("config.toml", baseSettings+"[layout]\nfile = \"layout.json\"\n")
	r.says("opens a New form (Contact)", "layout", "show")
	r.says("Machine__c", "layout", "export")
	r.says("is right", "layout", "check")
	if out := r.says("", "config", "check"); strings.Contains(out, "layout:") {
		t.Error(out)
	}
}

func TestAnUnreadableLayoutIsOneLineAndNothingIsLost(t *testing.T) {
	r := newRoom(t, baseSettings)
	r.write("broken.json", "{\"Inbound\":\n{\"objects\"")
	r.fails("line 2", "layout", "import", r.path("broken.json"))
	r.fails("cannot be read", "layout", "import", r.path("missing.json"))
	r.fails("is no file", "layout", "import", r.dir)
	r.fails("give a FILE, or --from-org", "layout", "import")
	r.fails("give a FILE, or --from-org", "layout", "import", "--from-org", r.path("broken.json"))
	if _, err := os.Stat(r.path("layout.json")); err == nil {
		t.Error("a broken file left something behind")
	}
	r.write("config.toml", baseSettings+"[layout]\nfile = \"broken.json\"\n")
	r.fails("line 2", "config", "check")
	r.write("odd.json", `{"Inbound":{"objects":{"Contact":[]},"screenPopSettings":{"MultipleMatches":{"screenPopType":"PopToDetails"}}}}`)
	r.fails("cannot choose", "layout", "check", r.path("odd.json"))
}

// practiceRoom has settings that sign in to a practice org by key.
func practiceRoom(t *testing.T) (room, *emulator.Server) {
	t.Helper()
	org, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { org.Close() })
	url, err := org.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, "")
	r.write("key.pem", string(org.KeyPEM()))
	cred := org.Credentials()
	r.write("config.toml", baseSettings+"[salesforce]\nlogin_url = \""+url+"\"\nclient_id = \""+cred.ClientID+"\"\nflow = \"jwt\"\nusername = \""+cred.Username+
		"\"\nkey_file = \""+r.path("key.pem")+"\"\ntokens = \"file\"\n[storage]\ndir = \""+r.path("state")+"\"\n")
	return r, org
}

func TestTheOrgsOwnLayoutIsImportedAndARefusalSaysToUseAFile(t *testing.T) {
	r, org := practiceRoom(t)
	r.says("Written", "layout", "import", "--from-org")
	l, warnings, err := layout.Parse([]byte(r.read("layout.json")))
	if err != nil || len(warnings) > 0 || l.Name == "" || l.Inbound.New() != "Lead" || l.Inbound.Multiple.Type != layout.PopToSearch || len(l.Inbound.Objects) != 3 {
		t.Errorf("%+v %v %v", l, warnings, err)
	}
	r.says("is right", "layout", "check", "--org", r.path("layout.json"))
	r.write("ghost.json", `{"Inbound":{"objects":{"Ghost__c":["Name"],"Contact":["Name","Shoe_Size__c"],"Campaign":["Name"]}},"Outbound":{"objects":{"Contact":["Name"]}}}`)
	out, err := r.run("layout", "check", "--org", r.path("ghost.json"))
	for _, want := range []string{"Ghost__c: your org has no such object", "no field Shoe_Size__c", "Campaign: it has no telephone number"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("nothing about %q: %v\n%s", want, err, out)
		}
	}
	if err := org.SetFault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/services/Soap"}); err != nil {
		t.Fatal(err)
	}
	r.fails("offhook layout import FILE", "layout", "import", "--from-org", "--force")
}

func TestACallCentreIsReadInBothDialectsAndItsDialingOptionsAreUsed(t *testing.T) {
	r := newRoom(t, baseSettings+"[numbers]\nregion = \"US\"\n")
	own := r.says("<callCenter>", "callcenter", "export")
	r.write("own.xml", own)
	r.says("numbers are dialled as they are", "callcenter", "show", r.path("own.xml"))
	raw, err := os.ReadFile("../../crm/layout/testdata/metadata.xml")
	if err != nil {
		t.Fatal(err)
	}
	r.write("OffhookDesk.callCenter-meta.xml", string(raw))
	out := r.says("Written", "callcenter", "import", r.path("OffhookDesk.callCenter-meta.xml"))
	if !strings.Contains(out, "outside 0") || !strings.Contains(out, "[dialing]\ncall_center") || strings.Contains(out, "refuses") {
		t.Errorf("%s", out)
	}
	r.write("config.toml", baseSettings+"[dialing]\ncall_center = \"callcenter.xml\"\ninternational = \"011\"\n[numbers]\nregion = \"US\"\n")
	l, err := (&env{configFile: r.path("config.toml")}).load()
	if err != nil {
		t.Fatal(err)
	}
	if o, err := dialingOptions(l); err != nil || o != (layout.DialingOptions{Outside: "0", International: "011"}) {
		t.Errorf("%+v, %v", o, err)
	}
	r.says("<CallCenter xmlns", "callcenter", "export", "--dialect", "metadata")
	r.says("/reqDialingOptions/reqOutsidePrefix = 0", "callcenter", "show")
	r.fails("setup or metadata", "callcenter", "export", "--dialect", "cobol")
	r.write("bomb.xml", `<!DOCTYPE c [<!ENTITY a "a">]><callCenter/>`)
	r.fails("declaration", "callcenter", "import", r.path("bomb.xml"))
	r.write("config.toml", baseSettings+"[dialing]\noutside = \"nine\"\n")
	r.fails("must be digits", "config", "check")
	r.write("config.toml", baseSettings+"[dialing]\ncall_center = \"gone.xml\"\n")
	r.fails("cannot be read", "config", "check")
}

func TestTheCallCentreOfTheSignedInUserIsShown(t *testing.T) {
	r, _ := practiceRoom(t)
	out := r.says("Call centre  offhook desk (OffhookDesk)", "callcenter", "show", "--org")
	if !strings.Contains(out, "profile Contact Centre Agent") {
		t.Error(out)
	}
}

func TestALayoutIsChosenByUserAndProfileElseTheCommonOne(t *testing.T) {
	named := func(s string) layout.Layout { return layout.Layout{Name: s} }
	common := named("common")
	ls := layouts{file: &common, of: []layout.Layout{named("grace"), named("sales"), named("by id"), named("both")}, lines: []config.LayoutLine{
		{User: "grace@x.example", File: "a"}, {Profile: "Sales", File: "b"}, {Profile: "00e000000000001", File: "c"}, {User: "sam@x.example", Profile: "Support", File: "d"},
	}}
	for _, c := range []struct{ user, profile, id, want string }{
		{"Grace@X.example", "Sales", "", "grace"}, {"sam@x.example", "sales", "", "sales"}, {"sam@x.example", "Support", "", "both"},
		{"bob@x.example", "Support", "", "common"}, {"bob@x.example", "Other", "00e000000000001AAA", "by id"}, {"", "", "", "common"},
	} {
		if got := ls.choose(c.user, crm.Member{ProfileName: text.Clean(c.profile), ProfileID: c.id}); got == nil || got.Name != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	if (layouts{}).choose("a", crm.Member{}) != nil {
		t.Error("without any layout it is offhook's own")
	}
}
