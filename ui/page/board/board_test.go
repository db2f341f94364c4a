package boardpage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/internal/text"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func c(s string) text.Text { return text.Clean(s) }

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// fake is a source with fixed rows; it remembers the orders.
type fake struct {
	rows   []Agent
	link   Link
	orders []Order
	answer error
}

func (f *fake) Rows(time.Time) []Agent   { return slices.Clone(f.rows) }
func (f *fake) Link() Link               { return f.link }
func (f *fake) Changes() <-chan struct{} { return nil }
func (f *fake) Do(_ context.Context, o Order) (string, error) {
	f.orders = append(f.orders, o)
	return "The desk has it.", f.answer
}

func agent(name string, state desk.State, since time.Duration) Agent {
	return Agent{ID: "main.sales." + name, Site: c("main"), Team: c("sales"), Name: c(name), State: state, Presence: Live, Since: ago(since), Heard: ago(3 * time.Second),
		SIP: desk.HealthOK, SF: desk.HealthOK, Version: c("0.1.0")}
}

// team is a team in the middle of its day.
func team() []Agent {
	amy := agent("Amy Weber", desk.OnCall, 134*time.Second)
	amy.Call = &Call{Dir: "in", State: desk.Talking, Peer: c("0781…404"), Name: c("Fred Bloggs"), Since: ago(128 * time.Second), Match: "one", MOS: 4.4}
	ben := agent("Ben Okafor", desk.OnCall, 17*time.Minute+8*time.Second)
	ben.Call = &Call{Dir: "out", State: desk.Held, Peer: c("+442…123"), Name: c("Harbour Marine Ltd"), Since: ago(17 * time.Minute), Match: "many", Hold: "us", Muted: true, MOS: 3.2}
	ben.Next, ben.Unsent, ben.Oldest, ben.Calls = desk.Away, 2, 12*time.Minute, 2
	chloe := agent("Chloé Martin", desk.Ringing, 6*time.Second)
	chloe.Call = &Call{Dir: "in", State: desk.Incoming, Peer: c("0207…123"), Since: ago(6 * time.Second), Match: "none"}
	dev := agent("Dev Patel", WrapUp, 41*time.Second)
	dev.Refused, dev.SF = 1, desk.HealthWarn
	ella := agent("Ella Novak", desk.Away, 25*time.Minute)
	ella.Reason = c("Lunch")
	finn := agent("Finn Byrne", desk.OnCall, 95*time.Second)
	finn.Presence, finn.Heard = Stale, ago(19*time.Second)
	finn.Call = &Call{Dir: "internal", State: desk.Talking, Peer: c("2104"), Name: c("Maya (Dispatch)"), Since: ago(90 * time.Second), Match: "internal"}
	gus := agent("Gus Lindqvist", desk.Offline, 65*time.Minute)
	gus.Presence, gus.Reason, gus.Unsent, gus.Oldest, gus.Heard = Gone, c("connection lost"), 1, 70*time.Minute, ago(65*time.Minute)
	hana := agent("Hana Sato", desk.Available, 3*time.Minute+12*time.Second)
	ivo := agent("Ivo", desk.NotResponding, 4*time.Minute)
	ivo.Version = c("0.0.9")
	return []Agent{amy, ben, chloe, dev, ella, finn, gus, hana, ivo}
}

func crowd(n int) []Agent {
	var out []Agent
	for i := range n {
		a := team()[i%9]
		a.Name = c(fmt.Sprintf("%s %d", a.Name, i))
		a.ID += fmt.Sprint(i)
		out = append(out, a)
	}
	return out
}

func model(f *fake, w, h int, keys ...string) *Model {
	m := New(context.Background(), Options{Source: f, Theme: "dark", Now: func() time.Time { return noon }, Who: c("Maya"), What: "sales", Hub: "127.0.0.1:4222"})
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	press(m, keys...)
	return m
}

// press types keys by their names and carries out what they lead to; what is no name is typed letter by letter.
func press(m *Model, keys ...string) {
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown}
	do := func(k tea.KeyPressMsg) {
		if _, cmd := m.Update(k); cmd != nil {
			if msg, ok := cmd().(doneMsg); ok {
				m.Update(msg)
			}
		}
	}
	for _, k := range keys {
		if code, ok := codes[k]; ok {
			do(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range k {
			do(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func up() Link { return Link{Up: true, Since: ago(time.Hour)} }

func TestBoardsLookAsDrawn(t *testing.T) {
	down := Link{Since: ago(12 * time.Second), Text: c("is not reachable; the desks go on without it")}
	old := team()
	for i := range old {
		old[i].Presence = Unknown
	}
	scenes := []struct {
		name string
		f    fake
		keys []string
	}{
		{"team", fake{rows: team(), link: up()}, nil},
		{"selected", fake{rows: team(), link: up()}, []string{"home", "down", "down", "down"}},
		{"by name", fake{rows: team(), link: up()}, []string{"s", "end"}},
		{"stale selected", fake{rows: team(), link: up()}, []string{"home", "down"}},
		{"filter", fake{rows: team(), link: up()}, []string{"/", "on call"}},
		{"filtered", fake{rows: team(), link: up()}, []string{"/", "fred", "enter"}},
		{"filter without result", fake{rows: team(), link: up()}, []string{"/", "zzz"}},
		{"set away", fake{rows: team(), link: up()}, []string{"/", "amy", "enter", "w"}},
		{"was set away", fake{rows: team(), link: up()}, []string{"/", "amy", "enter", "esc", "w", "t"}},
		{"refused", fake{rows: team(), link: up(), answer: errors.New("That desk is not connected: nothing was asked of it.")}, []string{"L", "y"}},
		{"message", fake{rows: team(), link: up()}, []string{"m", "Please take line two"}},
		{"help", fake{rows: team(), link: up()}, []string{"?"}},
		{"hub down", fake{rows: old, link: down}, nil},
		{"connecting", fake{link: Link{Text: c("connecting")}}, nil},
		{"nobody", fake{link: up()}, nil},
		{"crowd", fake{rows: crowd(60), link: up()}, []string{"pgdown", "pgdown", "pgdown"}},
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}, {60, 12}, {40, 10}} {
		for _, sc := range scenes {
			t.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], sc.name), func(t *testing.T) {
				f := sc.f
				m := model(&f, size[0], size[1], sc.keys...)
				v := m.View()
				lines := strings.Split(ansi.Strip(v.Content), "\n")
				if len(lines) != size[1] {
					t.Errorf("the screen has %d lines", len(lines))
				}
				for i, l := range lines {
					if n := ansi.StringWidth(l); n != size[0] {
						t.Errorf("line %d is %d cells wide: %q", i+1, n, l)
					}
				}
				golden(t, filepath.Join("testdata", fmt.Sprintf("%dx%d", size[0], size[1]), strings.ReplaceAll(sc.name, " ", "-")+".txt"), frameText(v))
			})
		}
	}
}

// frameText is a screen as plain text, with the cursor below.
func frameText(v tea.View) string {
	var sb strings.Builder
	for l := range strings.SplitSeq(ansi.Strip(v.Content), "\n") {
		sb.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	if v.Cursor != nil {
		fmt.Fprintf(&sb, "cursor: column %d, line %d\n", v.Cursor.X+1, v.Cursor.Y+1)
	}
	return sb.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go test ./ui/page/board -run Boards -update and look at the result", err)
	}
	if string(want) != got {
		t.Errorf("the board differs from %s\n--- got\n%s--- want\n%s", file, got, want)
	}
}
