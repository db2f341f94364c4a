package boardpage

import (
	"context"
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/keymap"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func TestTheSelectionStaysOnItsAgentWhileTheRowsMove(t *testing.T) {
	f := &fake{rows: team(), link: up()}
	m := model(f, 80, 24, "/", "hana", "enter", "esc")
	if m.page.sel != "main.sales.Hana Sato" {
		t.Fatalf("selected %q", m.page.sel)
	}
	for i := range f.rows {
		if f.rows[i].Name.String() == "Hana Sato" {
			f.rows[i].State = desk.Ringing
		}
	}
	m.Update(Dirty{})
	if m.page.sel != "main.sales.Hana Sato" || m.page.selected().State != desk.Ringing {
		t.Errorf("selected %q", m.page.sel)
	}
	f.rows = f.rows[:2]
	m.Update(Dirty{})
	if a := m.page.selected(); a == nil {
		t.Error("nobody is selected after the agent has gone")
	}
}

func TestEveryDangerousOrderAsksFirstAndNoIsTheDefault(t *testing.T) {
	for _, a := range keymap.Default().Actions() {
		if a.Context != keymap.Board || !a.Dangerous {
			continue
		}
		f := &fake{rows: team(), link: up()}
		pick := "amy"
		if a.Name == "board.available" {
			pick = "ella"
		}
		m := model(f, 80, 24, "/", pick, "enter", a.Keys[0])
		if m.over == nil {
			t.Errorf("%s asks nothing", a.Name)
			continue
		}
		press(m, "enter")
		if len(f.orders) != 0 || m.over != nil {
			t.Errorf("%s: Enter gave %v", a.Name, f.orders)
		}
	}
}

func TestAnOrderGoesToTheSelectedAgentAndItsAnswerIsSaid(t *testing.T) {
	for _, tc := range []struct {
		keys []string
		want Order
		says string
	}{
		{[]string{"/", "amy", "enter", "w", "l"}, Order{}, ""}, // no such reason
		{[]string{"/", "amy", "enter", "w", "b"}, Order{"main.sales.Amy Weber", Away, c("Break")}, "Amy Weber is set away (break)"},
		{[]string{"/", "ella", "enter", "v", "y"}, Order{"main.sales.Ella Novak", Available, c("")}, "Ella Novak is set available."},
		{[]string{"/", "amy", "enter", "L", "y"}, Order{"main.sales.Amy Weber", Logout, c("")}, "asked to log out"},
		{[]string{"/", "amy", "enter", "m", "Well: done", "enter"}, Order{"main.sales.Amy Weber", Message, c("Well: done")}, "on Amy Weber's screen"},
	} {
		f := &fake{rows: team(), link: up()}
		m := model(f, 80, 24, tc.keys...)
		if tc.says == "" {
			if len(f.orders) != 0 {
				t.Errorf("%v gave %v", tc.keys, f.orders)
			}
			continue
		}
		if len(f.orders) != 1 || f.orders[0] != tc.want || !strings.Contains(ansi.Strip(m.View().Content), tc.says) {
			t.Errorf("%v gave %+v and says %q", tc.keys, f.orders, m.page.news.text)
		}
	}
}

func TestNothingIsAskedOfWhoCannotHear(t *testing.T) {
	for _, tc := range []struct{ pick, key string }{{"gus", "w"}, {"gus", "m"}, {"ella", "w"}, {"amy", "v"}} {
		f := &fake{rows: team(), link: up()}
		if m := model(f, 80, 24, "/", tc.pick, "enter", tc.key); m.over != nil {
			t.Errorf("%s at %s opens a box", tc.key, tc.pick)
		}
	}
	f := &fake{rows: team(), link: Link{Text: c("is not reachable")}}
	if m := model(f, 80, 24, "m"); m.over != nil {
		t.Error("a message while the hub is down opens a box")
	}
}

func TestTheWordAboutAnOrderGoesAway(t *testing.T) {
	f := &fake{rows: team(), link: up()}
	now := noon
	m := New(context.Background(), Options{Source: f, Now: func() time.Time { return now }})
	m.say(false, "done")
	now = now.Add(newsFor + 1)
	m.Update(tickMsg{})
	if !m.page.news.text.Empty() {
		t.Error("it stays")
	}
}

func TestQLeavesButNotOutOfAFilter(t *testing.T) {
	quits := func(m *Model, k tea.Key) bool {
		_, cmd := m.Update(tea.KeyPressMsg(k))
		if cmd == nil {
			return false
		}
		_, quit := cmd().(tea.QuitMsg)
		return quit
	}
	q, interrupt := tea.Key{Code: 'q', Text: "q"}, tea.Key{Code: 'c', Mod: tea.ModCtrl}
	f := &fake{rows: team(), link: up()}
	if !quits(model(f, 80, 24), q) || quits(model(f, 80, 24, "/"), q) || quits(model(f, 80, 24, "m"), q) {
		t.Error("q does the wrong thing")
	}
	if !quits(model(f, 80, 24), interrupt) || !quits(model(f, 80, 24, "/"), interrupt) || !quits(model(f, 80, 24, "m"), interrupt) {
		t.Error("ctrl+c does not leave")
	}
}

func TestSortingGoesByWhatItSays(t *testing.T) {
	first := func(m *Model) string { return m.page.rows[0].Name.String() }
	last := func(m *Model) string { return m.page.rows[len(m.page.rows)-1].Name.String() }
	f := &fake{rows: team(), link: up()}
	m := model(f, 80, 24)
	if first(m) != "Ivo" || last(m) != "Gus Lindqvist" {
		t.Errorf("by state: %s … %s", first(m), last(m))
	}
	press(m, "s")
	if first(m) != "Amy Weber" || last(m) != "Ivo" {
		t.Errorf("by name: %s … %s", first(m), last(m))
	}
	press(m, "s")
	if first(m) != "Ella Novak" || last(m) != "Gus Lindqvist" {
		t.Errorf("by time: %s … %s", first(m), last(m))
	}
}

func TestHostileNamesKeepTheLinesStraight(t *testing.T) {
	rows := team()
	for i := range rows {
		rows[i].Name, rows[i].Reason = c("日本語\u202e🇩🇪👨‍👩‍👧"), c(strings.Repeat("한", 50))
		rows[i].State = desk.State(c(strings.Repeat("x", 16)).String())
		if k := rows[i].Call; k != nil {
			k.Name, k.Peer, k.Match = c(strings.Repeat("é", 300)), c("日本語日本語日本語日本語"), "what"
		}
	}
	for _, w := range []int{60, 80, 101, 117, 150, 200} {
		for i, l := range strings.Split(model(&fake{rows: rows, link: up()}, w, 30).View().Content, "\n") {
			if n := ansi.StringWidth(l); n != w {
				t.Errorf("%d: line %d is %d cells: %q", w, i, n, ansi.Strip(l))
			}
		}
	}
}

func BenchmarkABoardOfAThousand(b *testing.B) {
	f := &fake{rows: crowd(1000), link: up()}
	m := model(f, 160, 54)
	b.ReportAllocs()
	for b.Loop() {
		m.Update(Dirty{})
		if len(m.View().Content) == 0 {
			b.Fatal("nothing drawn")
		}
	}
}

func TestBesideADeskQLeavesToTheDesk(t *testing.T) {
	m := New(t.Context(), Options{Source: &fake{rows: team(), link: up()}, Now: func() time.Time { return noon }, Desk: "^B"})
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); cmd != nil {
		t.Error("q leaves the program")
	}
	if s := ansi.Strip(m.View().Content); !strings.Contains(s, "^B shows your desk") || !strings.Contains(s, "^B Your desk") || strings.Contains(s, "q Quit") {
		t.Errorf("the board does not say how to get back:\n%s", s)
	}
}
