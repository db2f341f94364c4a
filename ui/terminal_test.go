package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/bridge"
	"offhook/ui/widget/bar"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a virtual terminal that keeps every byte it was sent.
type terminal struct {
	mu      sync.Mutex
	em      *vt.Emulator
	raw     bytes.Buffer
	changed chan struct{}
}

func newTerminal(t testing.TB, w, h int) *terminal {
	v := &terminal{em: vt.NewEmulator(w, h), changed: make(chan struct{}, 1)}
	v.em.Write([]byte(ansi.SetModeLineFeedNewLine)) // no tty translates newlines here
	var drained sync.WaitGroup
	drained.Go(func() { io.Copy(io.Discard, readerFunc(v.em.Read)) }) // the emulator blocks while its answers are not read
	t.Cleanup(func() {
		v.em.InputPipe().(io.Closer).Close()
		drained.Wait()
	})
	return v
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func (v *terminal) Write(b []byte) (int, error) {
	v.mu.Lock()
	v.raw.Write(b)
	v.em.Write(b)
	v.mu.Unlock()
	select {
	case v.changed <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (v *terminal) screen() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.em.String()
}

func (v *terminal) bytes() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return bytes.Clone(v.raw.Bytes())
}

// await waits until the screen is as wanted.
func (v *terminal) await(t testing.TB, what string, ok func(screen string) bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok(v.screen()) {
		select {
		case <-v.changed:
		case <-limit:
			t.Fatalf("%s never came:\n%s", what, v.screen())
		}
	}
}

// start runs a model on the terminal and returns its program; it ends with the test.
func start(t testing.TB, m *Model, v *terminal, w, h int, profile colorprofile.Profile) *tea.Program {
	in, out := io.Pipe()
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(v), tea.WithWindowSize(w, h), tea.WithFPS(120), tea.WithColorProfile(profile),
		tea.WithoutSignalHandler(), tea.WithEnvironment([]string{"TERM=xterm-256color", "COLORTERM=truecolor"}))
	done := make(chan error, 1)
	go func() { _, err := p.Run(); done <- err }()
	t.Cleanup(func() {
		p.Kill()
		out.Close()
		if err := <-done; err != nil && !errors.Is(err, tea.ErrProgramKilled) {
			t.Error(err)
		}
	})
	return p
}

// hostile are caller names that try to do something to the terminal.
var hostile = [...]string{
	"\x1b[31mred", "\x1b[2J\x1b[Hcleared", "\x1b]0;owned\atitle", "\x1b]52;c;b3duZWQ=\aclip", "\x1b]52;c;AA", "\x1b]9;owned\anote", "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
	"\x1bPq#0;2;0;0;0\x1b\\sixel", "\x1b_Gi=1\x1b\\apc", "\x1bcreset", "\x1b^pm\x1b\\", "\x1b[?1049l", "\x1b[6n", "\x1b[>c", "\x1b]11;?\a", "\x9b31mraw", "\x9d52;c;AA\x9c",
	"\u009b31mutf", "\u009d52;c;AA\u009c", "\u0085next", "bell\a", "back\b\b\bspace", "vert\vtab", "form\ffeed", "nul\x00", "del\x7f", "shift\x0e\x0fin", "a\rb<<", "line\nbreak", "tab\there",
	"\u202egnp.exe", "\u2066iso\u2069", "\u200emark\u200f", "\u061calm", "zero\u200bwidth\u200c\u200d", "\u2060\ufeffbom", "soft\u00adhyphen", "\U000e0041tag", "inv\xff\xfealid",
	"z\u0300\u0301\u0302\u0303\u0304\u0305algo\u0336", "\u3164\uffa0\u115ffiller", "line\u2028sep\u2029par",
}

func TestNothingHostileReachesTheTerminal(t *testing.T) {
	if len(hostile) < 40 {
		t.Fatalf("only %d cases", len(hostile))
	}
	const w, h = 120, 40
	v := newTerminal(t, w, h)
	m := New(Options{Now: func() time.Time { return noon }, Bell: true, Notify: NotifyOSC9})
	p := start(t, m, v, w, h, colorprofile.TrueColor)
	p.Send(tea.BlurMsg{})
	for i, raw := range hostile {
		bad := text.Clean(raw)
		s := ringing(with(many(), func(k *desk.Call) {
			k.Key, k.Name, k.Remote.Number, k.Called, k.Place = desk.CallKey("h"+string(rune('A'+i))), bad, bad, bad, bad
			k.Match.Hits[0].Name, k.Match.Hits[0].Detail = bad, bad
			k.Assoc.Who, k.Notes = crm.Ref{Type: "Contact", ID: "003000000000099", Name: bad}, text.CleanBlock(raw, 100)
			k.Transfer = &desk.Transfer{Target: bad, Text: bad, Failed: true}
		}))
		card := *fredCard()
		card.Name, card.URL = bad, text.Clean("https://x.example/"+raw)
		card.Fields = append(card.Fields, crm.CardField{Label: bad, Value: bad}, crm.CardField{Label: bad, Kind: crm.KindURL, Value: text.Clean("https://x.example/" + raw)})
		s.Open, s.Agent.Account, s.Links.SIP.Text = &card, bad, bad
		s.Caption = text.Clean("case " + string(rune('A'+i%26)) + string(rune('A'+i/26)) + " " + raw)
		s.Notices = []desk.Notice{{ID: 1, Severity: desk.Problem, Text: bad}}
		s.Landed[2].Subject, s.Landed[2].About.Name = bad, bad
		p.Send(bridge.Snapshot{Snapshot: s})
		v.await(t, fmt.Sprintf("a whole screen with %q", raw), func(screen string) bool { // the first frame may be drawn before the size is known
			lines := strings.Split(screen, "\n")
			return strings.Contains(screen, "case "+string(rune('A'+i%26))+string(rune('A'+i/26))) &&
				strings.Contains(lines[0], "offhook") && strings.Contains(lines[len(lines)-1], "Unsent") && strings.Contains(screen, "Answer")
		})
	}
	for _, problem := range dangerous(v.bytes()) {
		t.Error(problem)
	}
}

// dangerous looks through what a terminal was sent for anything that our own drawing never sends.
func dangerous(out []byte) (problems []string) {
	say := func(what string, b []byte) {
		problems = append(problems, what+": "+strings.ToValidUTF8(string(b), "?"))
	}
	for i := 0; i < len(out); {
		if out[i] != 0x1b {
			r := []rune(string(out[i:min(i+4, len(out))]))[0]
			switch {
			case r == '\n', r == '\r', r == '\b', r == '\t', r == '\a':
			case text.Clean("x"+string(r)+"x").String() != "x"+string(r)+"x" && r != ' ' && r != 0xfffd:
				say("a character that is not text", out[i:min(i+8, len(out))])
			}
			i += max(len(string(r)), 1)
			continue
		}
		j := i + 2
		switch out[i+1] {
		case '[':
			for out[j] < 0x40 || out[j] > 0x7e {
				j++
			}
			if f := out[j]; f == 'n' || bytes.Contains(out[i:j], []byte("?1049l")) {
				say("CSI", out[i:j+1])
			}
			j++
		case ']':
			for out[j] != 7 && out[j] != 0x1b {
				j++
			}
			body := string(out[i+2 : j])
			switch num, rest, _ := strings.Cut(body, ";"); {
			case num == "0" || num == "2":
				if rest == "owned" {
					say("OSC", out[i:j])
				}
			case num == "8":
				if strings.Contains(rest, "evil") && !strings.Contains(rest, "https://x.example/") {
					say("OSC", out[i:j])
				}
			case num == "9" && strings.HasPrefix(rest, "Incoming call: "):
			case (num == "10" || num == "11" || num == "12") && rest == "?":
			case num == "110" || num == "111" || num == "112" || num == "22":
			default:
				say("OSC", out[i:j])
			}
			if out[j] == 0x1b {
				j++
			}
			j++
		case 'P', '_', '^', 'X', 'c':
			say("control string", out[i:min(i+20, len(out))])
		}
		i = j
	}
	return problems
}

func TestTheHostileCheckWouldFindThem(t *testing.T) {
	for _, raw := range []string{"\x1b]52;c;AA\a", "\x1b]9;owned\a", "\x1bcx", "\x1bPq\x1b\\", "\u202ex", "\u009bx", "\x1b[6n", "\x00x", "\u200bx"} {
		if len(dangerous([]byte("fine"+raw+"fine"))) == 0 {
			t.Errorf("%q is not seen", raw)
		}
	}
}

func TestWithoutColourEverythingIsStillSaid(t *testing.T) {
	for _, profile := range []colorprofile.Profile{colorprofile.Env([]string{"TERM=xterm-256color", "COLORTERM=truecolor", "NO_COLOR=1"}), colorprofile.ASCII} {
		v := newTerminal(t, 80, 24)
		m := New(Options{Now: func() time.Time { return noon }})
		p := start(t, m, v, 80, 24, profile)
		p.Send(bridge.Snapshot{Snapshot: talking(with(fred(desk.Talking), func(k *desk.Call) { k.Muted = true }), second())})
		v.await(t, "the call", func(s string) bool { return strings.Contains(s, "⊘ muted") })
		want := strings.Split(ansi.Strip(screen(talking(with(fred(desk.Talking), func(k *desk.Call) { k.Muted = true }), second()), 80, 24).View().Content), "\n")
		v.await(t, "the whole screen", func(s string) bool { return strings.Contains(s, strings.TrimRight(want[23], " ")) })
		for i, l := range strings.Split(v.screen(), "\n") {
			if strings.TrimRight(l, " ") != strings.TrimRight(want[i], " ") {
				t.Errorf("line %d: %q, want %q", i+1, l, want[i])
			}
		}
		for _, part := range strings.Split(string(v.bytes()), "\x1b[")[1:] {
			if sgr, _, ok := strings.Cut(part, "m"); ok && len(sgr) < 20 && (strings.HasPrefix(sgr, "3") || strings.Contains(sgr, "38;") || strings.Contains(sgr, "48;") || strings.HasPrefix(sgr, "4") && len(sgr) == 2) {
				t.Errorf("colour %q without being asked for", sgr)
			}
		}
	}
}

func TestEachStateHasItsOwnWordAndGlyph(t *testing.T) {
	m := New(Options{})
	seen := map[string]desk.State{}
	for _, s := range []desk.State{desk.Starting, desk.Offline, desk.Available, desk.Ringing, desk.OnCall, desk.Away, desk.NotResponding} {
		_, word, _ := bar.Badge(m.th, s)
		if other, twice := seen[word]; twice {
			t.Errorf("%s and %s are both %q", s, other, word)
		}
		seen[word] = s
	}
}

func TestTheThemeFollowsTheBackground(t *testing.T) {
	m := screen(popped(), 80, 24)
	before := m.View().Content
	m.Update(tea.BackgroundColorMsg{Color: color.White})
	after := m.View().Content
	if before == after || m.th.Dark {
		t.Error("a light background changes nothing")
	}
	if ansi.Strip(before) != ansi.Strip(after) {
		t.Error("the words depend on the theme")
	}
	fixed := New(Options{Theme: "dark"})
	fixed.Update(tea.BackgroundColorMsg{Color: color.White})
	if !fixed.th.Dark {
		t.Error("a theme that was chosen follows the background")
	}
}

func TestARingingCallRingsTheBellAndNotifiesOnlyWhenNobodyLooks(t *testing.T) {
	raws := func(cmd tea.Cmd) (out []string) {
		var walk func(tea.Cmd)
		walk = func(cmd tea.Cmd) {
			if cmd == nil {
				return
			}
			switch msg := cmd().(type) {
			case tea.BatchMsg:
				for _, c := range msg {
					walk(c)
				}
			case tea.RawMsg:
				out = append(out, msg.Msg.(string))
			}
		}
		walk(cmd)
		return out
	}
	b := onBench(idle(), func(o *Options) { o.Bell, o.Notify = true, NotifyOSC777 })
	b.snap = ringing(fred(desk.Incoming))
	if got := raws(b.announce()); len(got) != 1 || got[0] != "\a" {
		t.Errorf("in focus: %q", got)
	}
	if got := raws(b.announce()); len(got) != 0 {
		t.Errorf("the same call again: %q", got)
	}
	b.Update(tea.BlurMsg{})
	b.snap = ringing(with(second(), func(k *desk.Call) { k.Name = c("9;4;3 evil; name") }))
	if got := raws(b.announce()); len(got) != 2 || got[1] != "\x1b]777;notify;Incoming call;9,4,3 evil, name 02079460123\a" {
		t.Errorf("not in focus: %q", got)
	}
}

func TestRunWithoutATerminalSaysSoInOneLine(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stdout.Fd()) {
		in := os.Stdin
		os.Stdin = null
		defer func() { os.Stdin = in }()
	}
	var none *NoTerminalError
	if err := Run(t.Context(), Options{}, nil); !errors.As(err, &none) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestTheTerminalIsCleanAfterwards(t *testing.T) {
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	pty.Setsize(ptmx, &pty.Winsize{Rows: 24, Cols: 80})
	before, err := term.GetState(tty.Fd())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		asked, chunk := false, make([]byte, 4096)
		for {
			n, err := ptmx.Read(chunk)
			out.Write(chunk[:n])
			if !asked && bytes.Contains(out.Bytes(), []byte("Available")) { // the desk is on the screen
				asked = true
				ptmx.Write([]byte("\x1b[Iwlq"))
			}
			if err != nil || bytes.HasSuffix(out.Bytes(), []byte("the end")) {
				return
			}
		}
	})
	snapshots := make(chan *desk.Snapshot, 2)
	var mu sync.Mutex
	var got []desk.Verb
	opt := Options{Mouse: true, Send: func(c desk.Command) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, c.Verb)
		if c.Verb == desk.Quit {
			snapshots <- &desk.Snapshot{State: desk.Available, Quit: true}
		}
	}}
	snapshots <- idle()
	r := Open(context.Background(), opt, snapshots, tea.WithInput(tty), tea.WithOutput(tty), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
	<-r.Done()
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	after, err := term.GetState(tty.Fd())
	if err != nil {
		t.Fatal(err)
	}
	if *before != *after {
		t.Error("the terminal's settings are not as before")
	}
	tty.WriteString("the end") // everything before it has been read when this has
	reading.Wait()
	ptmx.Close()
	screen := out.String()
	for _, mode := range []string{"1049", "1004", "2004", "1006"} {
		if on, off := strings.LastIndex(screen, "\x1b[?"+mode+"h"), strings.LastIndex(screen, "\x1b[?"+mode+"l"); on > off {
			t.Errorf("mode %s stays on", mode)
		}
	}
	if strings.LastIndex(screen, "\x1b[?25l") > strings.LastIndex(screen, "\x1b[?25h") {
		t.Error("the cursor stays hidden")
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, []desk.Verb{desk.GoAway, desk.Quit}) {
		t.Errorf("sent %v", got)
	}
}

func TestCancellingEndsTheScreenQuietly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	v := newTerminal(t, 80, 24)
	in, out := io.Pipe()
	defer out.Close()
	snapshots := make(chan *desk.Snapshot, 1)
	snapshots <- popped()
	r := Open(ctx, Options{}, snapshots, tea.WithInput(in), tea.WithOutput(v), tea.WithWindowSize(80, 24), tea.WithoutSignalHandler())
	v.await(t, "the call", func(s string) bool { return strings.Contains(s, "Fred Bloggs") })
	cancel()
	<-r.Done()
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestASignalThatEndsTheProgramEndsTheScreen(t *testing.T) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	v := newTerminal(t, 80, 24)
	in, out := io.Pipe()
	defer out.Close()
	snapshots := make(chan *desk.Snapshot, 1)
	snapshots <- popped()
	r := Open(ctx, Options{}, snapshots, tea.WithInput(in), tea.WithOutput(v), tea.WithWindowSize(80, 24))
	v.await(t, "the call", func(s string) bool { return strings.Contains(s, "Fred Bloggs") })
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGTERM)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done() // with two who listen to signals it never came
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestAPlayerSeesWhenTheScreenIsAtRestAndStopsItDuringACall(t *testing.T) {
	v := newTerminal(t, 80, 24)
	in, out := io.Pipe()
	defer out.Close()
	snapshots := make(chan *desk.Snapshot, 1)
	behind := make(chan struct{})
	r := Open(context.Background(), Options{Send: func(desk.Command) { <-behind }}, snapshots, tea.WithInput(in), tea.WithOutput(v), tea.WithWindowSize(80, 24),
		tea.WithoutSignalHandler(), tea.WithFPS(120))
	snapshots <- popped()
	v.await(t, "the call", func(s string) bool { return strings.Contains(s, "Fred Bloggs") })
	out.Write([]byte("e")) // opens the notes; nothing is sent
	v.await(t, "the notes", func(s string) bool { return strings.Contains(s, "kept as you type") })
	for limit := time.After(20 * time.Second); r.Busy() != 0; { // the screen shows it a moment before the bridge knows
		select {
		case <-time.After(time.Millisecond):
		case <-limit:
			t.Fatalf("%d things are under way at rest", r.Busy())
		}
	}
	out.Write([]byte("x"))
	v.await(t, "the letter", func(s string) bool { return strings.Contains(s, "▎ x") })
	if r.Busy() == 0 {
		t.Error("a command that the desk has not taken does not count")
	}
	close(behind)
	r.Resize(120, 40)
	v.await(t, "the new size", func(s string) bool { return strings.Contains(s, "In Salesforce") })
	r.Stop() // a call is up, and still it ends
	if r.Err() != nil {
		t.Error(r.Err())
	}
}
