package tape

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// echo is a program that shows what is typed; q after "bye" makes it end by itself, ! makes it fail.
type echo struct {
	typed string
	w, h  int
}

func (e echo) Init() tea.Cmd { return nil }

func (e echo) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		e.w, e.h = msg.Width, msg.Height
	case tea.PasteMsg:
		e.typed += "{" + msg.Content + "}"
	case tea.KeyPressMsg:
		switch msg.String() {
		case "ctrl+c":
			return e, tea.Quit
		case "!":
			panic("asked to")
		}
		if k := msg.Key(); k.Text != "" {
			e.typed += k.Text
		} else {
			e.typed += "<" + msg.String() + ">"
		}
	}
	return e, nil
}

func (e echo) View() tea.View {
	v := tea.NewView("typed: " + e.typed + "\nsize: " + itoa(e.w) + "x" + itoa(e.h))
	v.AltScreen = true
	return v
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func startEcho(ctx context.Context, t Terminal) (Program, error) {
	return StartTea(ctx, echo{}, t, nil), nil
}

func play(t *testing.T, source string) error {
	t.Helper()
	s, err := Read("test.tape", source)
	if err != nil {
		return err
	}
	return Play(t.Context(), s, startEcho)
}

func TestKeysArriveAsTheyAreWritten(t *testing.T) {
	err := play(t, `
# a comment
Type "hello"
Enter
Down 2
Ctrl+a
Alt+x
Shift+Tab
Escape
#: key F2
#: key home
Wait+Screen /hello<enter><down><down><ctrl\+a><alt\+x><shift\+tab><esc><f2><home>/
Copy "two words"
Paste
Wait+Screen /\{two wor/
#: resize 100x30
Wait+Screen /size: 100x30/
#: idle
#: expect /typed: hello/
#: absent /goodbye/
`)
	if err != nil {
		t.Fatal(err)
	}
}

// slow is a program that shows what was typed only when many looks at its screen are over, as on a busy machine.
type slow struct {
	echo
	looks chan struct{} // closed: it is shown
}

type shown struct{}

func (s slow) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(shown); ok {
		s.typed = strings.ReplaceAll(s.typed, "later", "now")
		return s, nil
	}
	next, cmd := s.echo.Update(msg)
	s.echo = next.(echo)
	if s.typed == "later" {
		cmd = func() tea.Msg { <-s.looks; return shown{} }
	}
	return s, cmd
}

func TestWhatIsNotThereAtTheFirstRestIsLookedForAgain(t *testing.T) {
	for _, directive := range []string{"#: expect /typed: now/", "#: absent /later/"} {
		s, err := Read("test.tape", "Type \"later\"\nWait+Screen /later/\n#: world rest\n"+directive)
		if err != nil {
			t.Fatal(err)
		}
		looks := make(chan struct{})
		if err := Play(t.Context(), s, func(ctx context.Context, term Terminal) (Program, error) {
			return &resting{Program: StartTea(ctx, slow{looks: looks}, term, nil), looks: looks}, nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// resting lets a slow program go on when it has been found at rest, and asked some more.
type resting struct {
	Program
	asked atomic.Int64
	from  atomic.Bool
	looks chan struct{}
}

func (r *resting) Happen(string) error { r.from.Store(true); return nil }

func (r *resting) Busy() int {
	if r.from.Load() && r.asked.Add(1) == 4 { // the fourth look: the player takes it for rest
		time.AfterFunc(50*time.Millisecond, func() { close(r.looks) })
	}
	return r.Program.Busy()
}

func TestAnEscapeIsOverBeforeTheNextKey(t *testing.T) {
	if err := play(t, "Escape\nType \"x\"\nEscape\n#: key F2\nEscape\nDown\nEscape\nEscape\nWait+Screen /typed: <esc>x<esc><f2><esc><down><esc><esc>/"); err != nil {
		t.Fatal(err)
	}
}

func TestAFailedExpectationShowsTheScreenAndTheNearestLine(t *testing.T) {
	for _, source := range []string{
		"Type \"hello\"\nWait+Screen /hello/\n#: expect /typed: goodbye/",
		"Type \"hello\"\nWait+Screen /hello/\nWait+Screen@50ms /typed: goodbye/",
		"Type \"hello\"\nWait+Screen /hello/\n#: absent /hello/",
	} {
		err := play(t, source)
		var f *Failure
		if !errors.As(err, &f) {
			t.Fatalf("%s\ngave %v", source, err)
		}
		if f.Line != 3 || !strings.Contains(f.Error(), "│typed: hello") {
			t.Errorf("line %d\n%s", f.Line, f.Error())
		}
	}
}

func TestAProgramThatEndsOrFailsInTheMiddleIsToldApart(t *testing.T) {
	for _, source := range []string{"Type \"!\"\nWait+Screen /never/", "Ctrl+c\nType \"x\"\n#: expect /never/"} {
		var died *DiedError
		if err := play(t, source); !errors.As(err, &died) {
			t.Errorf("%q gave %v", source, err)
		}
	}
	if err := play(t, "Type \"x\"\nCtrl+c"); err != nil {
		t.Errorf("a tape that ends with leaving gave %v", err)
	}
}

func TestTapesThatCannotBeUnderstoodNameTheirLine(t *testing.T) {
	for source, want := range map[string]string{
		"Type \"x\"\nHome":             "test.tape:2: Invalid command: Home",
		"Type \"x":                     "test.tape:1: the string does not end",
		"#: expct /x/":                 "test.tape:1: there is no directive \"expct\"",
		"#: expect x":                  "not a pattern between slashes",
		"#: expect /(/":                "missing closing )",
		"#: key F13":                   "there is no key \"F13\"",
		"#: size big":                  "is not a size",
		"Type \"x\" #: idle":           "a directive stands on a line of its own",
		"Wait+Screen /(/":              "test.tape:1:",
		"Source \"no-such-file.tape\"": "no such file",
		"#: shot x.bmp":                "that ends in .svg",
		"Screenshot x.png":             "#: shot FILE.svg",
		"Wait+screen /x/":              "test.tape:1:",
	} {
		_, err := Read("test.tape", source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %s", source, err, want)
		}
	}
}

func TestASourcedTapeIsPlayedInPlaceAndKeepsItsDirectives(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sub.tape"), []byte("Type \"sub\"\n#: expect /sub/\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "main.tape")
	if err := os.WriteFile(main, []byte("Type \"a\"\nSource sub.tape\nType \"b\"\nWait+Screen /asubb/\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	if err := Play(t.Context(), s, startEcho); err != nil {
		t.Fatal(err)
	}
}

func TestShotsAreTextAnsiAndSVG(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range []string{"txt", "ansi", "svg"} {
		path := filepath.Join(dir, "shot."+ext)
		if err := play(t, "Type \"<hi>\"\nWait+Screen /<hi>/\n#: shot "+path); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), map[string]string{"txt": "typed: <hi>", "ansi": "typed: <hi>", "svg": "&lt;hi&gt;"}[ext]) {
			t.Errorf("%s: %v\n%s", ext, err, b)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Type \"x\"\n#: expect /x/\nCtrl+Alt+x\nWait+Screen@2s /y/\nSet WaitTimeout 3s")
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "Source") {
			return // reads files
		}
		if s, err := Read("fuzz.tape", source); err == nil && s == nil {
			t.Fatal("neither a tape nor an error")
		}
	})
}

// worldly is a program with a world behind it.
type worldly struct {
	Program
	happened []string
}

func (w *worldly) Happen(what string) error {
	if what == "nonsense" {
		return errors.New("that cannot happen")
	}
	w.happened = append(w.happened, what)
	return nil
}

func TestThingsHappenBehindAProgramThatHasAWorld(t *testing.T) {
	play := func(source string, world bool) (*worldly, error) {
		s, err := Read("t.tape", source)
		if err != nil {
			t.Fatal(err)
		}
		var w *worldly
		return w, Play(t.Context(), s, func(ctx context.Context, term Terminal) (Program, error) {
			p, err := startEcho(ctx, term)
			if !world {
				return p, err
			}
			w = &worldly{Program: p}
			return w, err
		})
	}
	if _, err := play("Type \"x\"\n#: world call {\"to\": \"2101\"}", true); err != nil {
		t.Error(err)
	}
	var f *Failure
	if _, err := play("#: world nonsense", true); !errors.As(err, &f) || !strings.Contains(f.Why, "cannot happen") {
		t.Errorf("%v", err)
	}
	if _, err := play("#: world call", false); !errors.As(err, &f) {
		t.Errorf("%v", err)
	}
	var bad *ParseError
	if _, err := Read("t.tape", "#: world"); !errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
}
