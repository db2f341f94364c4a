package ui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/ui/bridge"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

// screen makes a model that shows a snapshot and has received some keys.
func screen(s *desk.Snapshot, w, h int, keys ...string) *Model {
	m := New(Options{Now: func() time.Time { return noon }, Grace: Grace{Quiet: -1}})
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	if s != nil {
		m.Update(bridge.Snapshot{Snapshot: s})
	}
	press(m, keys...)
	return m
}

// press types keys by their names; what is no name is typed letter by letter.
func press(m *Model, keys ...string) {
	for _, k := range keys {
		if msg, ok := named(k); ok {
			m.Update(msg)
			continue
		}
		for _, r := range k {
			m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func named(k string) (tea.KeyPressMsg, bool) {
	codes := map[string]rune{"enter": tea.KeyEnter, "tab": tea.KeyTab, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "home": tea.KeyHome, "end": tea.KeyEnd, "f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f5": tea.KeyF5, "f8": tea.KeyF8, "pgdown": tea.KeyPgDown}
	if code, ok := codes[k]; ok {
		return tea.KeyPressMsg{Code: code}, true
	}
	if rest, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}, true
	}
	switch k {
	case "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}, true
	case "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}, true
	}
	return tea.KeyPressMsg{}, false
}

// scene is one golden: a state of the desk and what the agent pressed in it.
type scene struct {
	name string
	snap *desk.Snapshot
	keys []string
}

func scenes() []scene {
	leaving := popped()
	leaving.Leaving = true
	held := fred(desk.Held)
	failed := with(fred(desk.Talking), func(k *desk.Call) {
		k.Transfer = &desk.Transfer{Target: c("2104"), Text: c("busy here – the call is back"), Failed: true}
		k.Muted = true
	})
	refused := withForm()
	refused.Form.Error = c("Salesforce did not save the Lead: one field is wrong.")
	refused.Form.Fields[4].Error = c("invalid email address")
	return []scene{
		{"no desk yet", nil, nil},
		{"starting", func() *desk.Snapshot { s := idle(); s.State = desk.Starting; return s }(), nil},
		{"idle", landed(idle()), nil},
		{"demo idle", demo(idle(), "Welcome. This is a practice desk: exchange, customers and Salesforce run inside this program. The first customer rings in a moment."), nil},
		{"ringing one", ringing(fred(desk.Incoming)), nil},
		{"demo ringing", demo(ringing(fred(desk.Incoming)), "Fred Bloggs calls. Salesforce knows the number: press p to see the card while it rings, then a to answer."), nil},
		{"ringing many", ringing(many()), nil},
		{"ringing none", ringing(nobody()), nil},
		{"ringing internal", ringing(internalCall()), nil},
		{"ringing withheld", ringing(withheld()), nil},
		{"ringing searching", ringing(searching()), nil},
		{"talking", popped(), nil},
		{"card selected", popped(), []string{"down", "down", "down", "down"}},
		{"notes", popped(), []string{"e", "Wants a credit note for invoice 1027.", "enter", "Call back on Tuesday."}},
		{"held and second ringing", func() *desk.Snapshot { s := talking(held, second()); s.Open = fredCard(); return s }(), nil},
		{"transfer entry", popped(), []string{"t", "2104"}},
		{"transferring", talking(fred(desk.Transferring)), nil},
		{"transfer failed", talking(failed), nil},
		{"keypad", func() *desk.Snapshot { s := popped(); s.Calls[0].DTMFOut = c("1 2 #"); return s }(), []string{"k", "1", "2", "#"}},
		{"dial", landed(idle()), []string{"o", "07700 900123"}},
		{"form", withForm(), []string{"Sam", "tab", "Porter"}},
		{"form refused", refused, nil},
		{"form discard", withForm(), []string{"Sam", "esc"}},
		{"search", withSearch(), []string{"j"}},
		{"decline", ringing(fred(desk.Incoming)), []string{"d"}},
		{"away", landed(idle()), []string{"w"}},
		{"help", popped(), []string{"?"}},
		{"palette", popped(), []string{"ctrl+p", "tr"}},
		{"leaving", leaving, nil},
		{"long texts", everywhere(strings.Repeat("Wolfeschlegelsteinhausenbergerdorff ", 6)), []string{"down"}},
		{"wide texts", everywhere("株式会社日本橋電話交換機 山田太郎 – 東京都中央区"), []string{"down"}},
		{"wide texts under a box", everywhere("株式会社日本橋電話交換機 山田太郎 – 東京都中央区"), []string{"t", "2104"}},
		{"consulting", consulting(), nil},
		{"conference", conference(), nil},
		{"recording paused", recorded(), nil},
		{"transfer with lamps", lamps(popped()), []string{"t"}},
		{"transfer to a name", lamps(popped()), []string{"t", "pri"}},
		{"transfer to nobody", lamps(popped()), []string{"t", "some body", "enter"}},
		{"dial with lamps", lamps(landed(idle())), []string{"o", "down", "down"}},
		{"send on", lamps(ringing(fred(desk.Incoming))), []string{"f"}},
		{"forwarded", standing(), nil},
		{"forward", lamps(landed(idle())), []string{"F", "2104", "down"}},
		{"told by headers", told(), nil},
		{"sound", sounds(), []string{"S"}},
		{"dead record", dead(), nil},
		{"problems", trouble(), nil},
	}
}

func TestScreensLookAsDrawn(t *testing.T) {
	sizes := [][2]int{{80, 24}, {120, 40}, {200, 60}, {60, 16}, {20, 5}}
	for _, size := range sizes {
		for _, sc := range scenes() {
			name := fmt.Sprintf("%dx%d/%s", size[0], size[1], sc.name)
			t.Run(name, func(t *testing.T) {
				m := screen(sc.snap, size[0], size[1], sc.keys...)
				v := m.View()
				got := frameText(v)
				for i, l := range strings.Split(ansi.Strip(v.Content), "\n") {
					if n := ansi.StringWidth(l); n != size[0] {
						t.Errorf("line %d is %d cells wide: %q", i+1, n, l)
					}
				}
				if n := strings.Count(v.Content, "\n") + 1; n != size[1] {
					t.Errorf("the screen has %d lines", n)
				}
				golden(t, filepath.Join("testdata", fmt.Sprintf("%dx%d", size[0], size[1]), strings.ReplaceAll(sc.name, " ", "-")+".txt"), got)
			})
		}
	}
}

// frameText is a screen as plain text, with the title above and the cursor below.
func frameText(v tea.View) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "title: %s\n", v.WindowTitle)
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
		t.Fatalf("%v: run go test ./ui -run Screens -update and look at the result", err)
	}
	if string(want) != got {
		t.Errorf("the screen differs from %s\n--- got\n%s--- want\n%s", file, got, want)
	}
}
