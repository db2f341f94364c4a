package desk

import (
	"strings"
	"testing"

	"offhook/internal/text"
)

func (b *bench) shown() string {
	var out []string
	for _, n := range b.snap().Notices {
		out = append(out, n.Text.String())
	}
	return strings.Join(out, "|")
}

func lacks(lines ...string) Lacking {
	var l Lacking
	for _, s := range lines {
		l.Lines = append(l.Lines, text.Clean(s))
	}
	return l
}

func TestWhatIsLackingIsToldOnceStaysHiddenAndGoesWhenItIsMended(t *testing.T) {
	b := newBench(t, Settings{}).do(Told{Severity: Info, Text: text.Clean("Sam: lunch?")})
	for _, step := range []struct {
		say  Lacking
		want string
	}{
		{lacks("no centre"), "Sam: lunch?|no centre"},
		{lacks("no centre"), "Sam: lunch?|no centre"},
		{lacks("no centre", "no field"), "Sam: lunch?|no centre|no field"},
		{lacks("no field"), "Sam: lunch?|no field"},
	} {
		if b.do(step.say); b.shown() != step.want {
			t.Fatalf("%s, not %s", b.shown(), step.want)
		}
	}
	b.do(Commanded{Command{Verb: HideNotice, Number: b.snap().Notices[1].ID}})
	if b.do(lacks("no field")); b.shown() != "Sam: lunch?" {
		t.Fatalf("%s: what was hidden comes back", b.shown())
	}
	b.do(lacks())
	if b.do(lacks("no field")); b.shown() != "Sam: lunch?|no field" {
		t.Fatalf("%s: what is lacking again is not told", b.shown())
	}
}

func TestManyThingsThatAreLackingLeaveRoomForWhatIsAboutCalls(t *testing.T) {
	b := newBench(t, Settings{}).do(Told{Severity: Warning, Text: text.Clean("about a call")})
	b.do(lacks("1", "2", "3", "4", "5", "6"))
	if want := "about a call|1|2|3|" + moreLacking; b.shown() != want {
		t.Fatal(b.shown())
	}
	b.do(lacks("1", "2", "3", "4", "5", "6", "7"))
	if want := "about a call|1|2|3|" + moreLacking; b.shown() != want {
		t.Fatal(b.shown())
	}
	if b.do(lacks("2")); b.shown() != "about a call|2" {
		t.Fatal(b.shown())
	}
}

func TestTheLineThatToldThatALinkIsDownGoesWithIt(t *testing.T) {
	down := LinkChanged{Name: LinkSalesforce, Health: HealthDown, Text: text.Clean("nobody is signed in: offhook login")}
	for _, after := range []Health{HealthOK, HealthWarn} {
		b := newBench(t, Settings{}).do(Told{Severity: Warning, Text: text.Clean("something else")})
		b.do(down).do(Told{Severity: Problem, Text: text.Clean("Nobody is signed in: offhook login.")})
		if b.do(down); !strings.Contains(b.shown(), "Nobody") {
			t.Fatal(b.shown())
		}
		if b.do(LinkChanged{Name: LinkSalesforce, Health: after, Text: text.Clean("alex")}); b.shown() != "something else" {
			t.Errorf("%s: %s", after, b.shown())
		}
	}
}
