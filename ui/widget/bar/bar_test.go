package bar

import (
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

func TestTheStatusLineSaysWhatIsWrongAtEveryWidth(t *testing.T) {
	th, _ := theme.Named("dark", true)
	well := desk.Link{Health: desk.HealthOK, Text: text.Clean("all is very well here indeed")}
	s := &desk.Snapshot{Links: desk.Links{SIP: well, Salesforce: desk.Link{Health: desk.HealthDown, Text: text.Clean("the password has expired")}, Sound: well, Hub: well},
		Outbox: desk.Outbox{Pending: 3, Dead: 2}}
	for w := 60; w <= 240; w += 5 {
		line := ansi.Strip(Status(th, w, s, time.Time{}))
		if ansi.StringWidth(line) != w || !strings.Contains(line, "✗ Salesforce") || !strings.Contains(line, "✗ Unsent 3, 2 refused") {
			t.Errorf("at %d: %q", w, line)
		}
		if w >= 100 && !strings.Contains(line, "the password has expired") {
			t.Errorf("at %d the reason is not said: %q", w, line)
		}
	}
}

func TestActionsThatDoNotFitAreLeftOutWhole(t *testing.T) {
	th, _ := theme.Named("dark", true)
	items := []Item{{Name: "a", Key: "a", Title: "Answer", Next: true}, {Name: "b", Key: "b", Title: "A title that is much too long"}, {Name: "c", Key: "c", Title: "Hold"}, {Name: "d", Title: "no key"}}
	lines, zones := Actions(th, 30, 1, items)
	if len(lines) != 1 || ansi.Strip(lines[0]) != "  ▶ a Answer    c Hold        " {
		t.Errorf("%q", ansi.Strip(lines[0]))
	}
	if len(zones) != 2 || zones[1].Action != "c" || ansi.Cut(ansi.Strip(lines[0]), zones[1].From, zones[1].To) != "c Hold" {
		t.Errorf("%+v", zones)
	}
}

func TestTheWayToAllKeysStaysInViewWhenOthersMustGo(t *testing.T) {
	th, _ := theme.Named("dark", true)
	items := []Item{{Name: "a", Key: "a", Title: "Answer"}, {Name: "b", Key: "b", Title: "Something"}, {Name: "c", Key: "c", Title: "Else"}, {Name: "help", Key: "?", Title: "Help", Stay: true}, {Name: "q", Key: "q", Title: "Quit"}}
	for w := 12; w < 70; w++ {
		lines, zones := Actions(th, w, 2, items[:1], items[1:])
		if all := ansi.Strip(strings.Join(lines, "\n")); !strings.Contains(all, " a Answer") || !strings.Contains(all, " ? Help") {
			t.Errorf("at %d:\n%s", w, all)
		}
		if w >= 60 && len(zones) != len(items) {
			t.Errorf("at %d only %d are shown, though there is room for all", w, len(zones))
		}
	}
}

func TestGroupsFlowTogetherBeforeAnythingIsLeftOut(t *testing.T) {
	th, _ := theme.Named("dark", true)
	one, many := []Item{{Name: "a", Key: "a", Title: "Answer"}}, []Item{}
	for _, k := range []string{"b", "c", "d", "e"} {
		many = append(many, Item{Name: k, Key: k, Title: "Something"})
	}
	lines, zones := Actions(th, 44, 2, one, many)
	if len(zones) != 5 {
		t.Errorf("%d of 5 are shown: %q", len(zones), ansi.Strip(strings.Join(lines, "\n")))
	}
	lines, _ = Actions(th, 80, 2, one, many)
	if !strings.HasPrefix(ansi.Strip(lines[1]), " b Something") {
		t.Errorf("with room the groups do not stand on their own lines: %q", ansi.Strip(lines[0]))
	}
}

func TestLongNoticesWrapAndTheNewestComesFirst(t *testing.T) {
	th, _ := theme.Named("dark", true)
	list := []desk.Notice{{Text: text.Clean("old")}, {Severity: desk.Problem, Text: text.Clean(strings.Repeat("word ", 30))}}
	out := ansi.Strip(strings.Join(Notices(th, 80, 2, list, "z"), "\n"))
	if lines := strings.Split(out, "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], " ✗ word") || !strings.Contains(lines[0], "z hide") || !strings.Contains(lines[1], "…") {
		t.Errorf("%s", out)
	}
	if out := ansi.Strip(strings.Join(Notices(th, 80, 4, list, "z"), "\n")); !strings.Contains(out, "old") {
		t.Errorf("%s", out)
	}
}

func TestDurationsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{59 * time.Second: "now", time.Minute: "1 min", 59 * time.Minute: "59 min", 65 * time.Minute: "1 h 05", 125 * time.Minute: "2 h 05"} {
		if got := Ago(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestNoSoundServerIsCalmInTheDemoAndSaidAtADesk(t *testing.T) {
	th, _ := theme.Named("dark", true)
	s := &desk.Snapshot{Links: desk.Links{Sound: desk.Link{Health: desk.HealthWarn, Text: text.Clean("none – no sound server")}}}
	for _, w := range []int{60, 80, 120, 200} {
		s.Agent.Demo = true
		if line := ansi.Strip(Status(th, w, s, time.Time{})); !strings.Contains(line, "○ Sound none") {
			t.Errorf("demo at %d: %q", w, line)
		}
		s.Agent.Demo = false
		if line := ansi.Strip(Status(th, w, s, time.Time{})); !strings.Contains(line, "! Sound none") {
			t.Errorf("desk at %d: %q", w, line)
		}
	}
}

func TestAFullLineNeverNamesASoundThatIsNotThere(t *testing.T) {
	th, _ := theme.Named("dark", true)
	ok := func(s string) desk.Link { return desk.Link{Health: desk.HealthOK, Text: text.Clean(s)} }
	s := &desk.Snapshot{
		Agent: desk.Agent{Demo: true, User: text.Clean("alex@acme.example"), Name: text.Clean("Alex Agent"), OrgName: text.Clean("Offhook Practice")},
		Links: desk.Links{SIP: ok("registered at 127.0.0.1:5060 over UDP"), Salesforce: ok("alex@acme.example"), Hub: ok("on the team's board"),
			Sound: desk.Link{Health: desk.HealthWarn, Text: text.Clean("none – no sound server")}},
	}
	for w := 40; w <= 200; w++ {
		if line := ansi.Strip(Status(th, w, s, time.Time{})); strings.Contains(line, "Sound") && !strings.Contains(line, "Sound none") || w == 60 && !strings.Contains(line, "○ Silent") {
			t.Errorf("at %d: %q", w, line)
		}
	}
}

func TestWhoIsSignedInAndWhereStaysInView(t *testing.T) {
	th, _ := theme.Named("dark", true)
	ok := func(s string) desk.Link { return desk.Link{Health: desk.HealthOK, Text: text.Clean(s)} }
	s := &desk.Snapshot{
		Agent: desk.Agent{User: text.Clean("alex@acme.example"), Name: text.Clean("Alex Agent"), OrgName: text.Clean("Acme International Ltd"), Org: text.Clean("acme.my.salesforce.com")},
		Links: desk.Links{SIP: ok("registered at pbx.example:5060 over UDP"), Salesforce: ok("alex@acme.example"), Sound: ok("Headset"), Hub: desk.Link{Health: desk.HealthOff}},
	}
	for _, tt := range []struct {
		width   int
		sandbox bool
		use     int
		want    []string
		not     string
	}{
		{160, false, 0, []string{"● Salesforce Alex Agent at Acme International Ltd"}, "API"},
		{160, true, 79, []string{"● Salesforce Alex Agent at Acme International Ltd (sandbox)"}, "API"},
		{180, true, 79, []string{"● Salesforce Alex Agent at Acme International Ltd (sandbox)", "● API 79 %"}, ""},
		{80, true, 79, []string{"● Salesforce sandbox: Alex Agent"}, "API"},
		{80, false, 0, []string{"Acme Inte…: Alex"}, "API"},
		{80, true, 0, []string{"● Salesforce sandbox: Alex Agent"}, "API"},
		{80, true, 80, []string{"sandbox: Al", "! API 80 %"}, ""},
		{60, true, 97, []string{"sandbox", "! API 97 %"}, ""},
	} {
		s.Agent.Sandbox, s.APIUse = tt.sandbox, tt.use
		line := ansi.Strip(Status(th, tt.width, s, time.Time{}))
		for _, want := range tt.want {
			if !strings.Contains(line, want) {
				t.Errorf("at %d, without %q: %q", tt.width, want, line)
			}
		}
		if ansi.StringWidth(line) != tt.width || tt.not != "" && strings.Contains(line, tt.not) {
			t.Errorf("at %d: %q", tt.width, line)
		}
	}
}
