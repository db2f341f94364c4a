package tape

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/vhs/lexer"
	"github.com/charmbracelet/vhs/parser"
	"github.com/charmbracelet/vhs/token"
)

// Script is a tape that was read.
type Script struct {
	Name          string
	Width, Height int      // cells; from "#: size", else 80×24
	Settings      []string // lines of settings for the program, from "#: settings"
	steps         []step
}

// step is one command of a tape.
type step struct {
	file string
	line int
	text string // as it stands in the tape
	kind kind
	keys []string // for keys: one write each
	wait time.Duration
	re   *regexp.Regexp
	arg  string
	w, h int
	last bool // waits: on the cursor's line only
}

type kind int

const (
	doKeys kind = iota
	doPause
	doWait
	doExpect
	doAbsent
	doIdle
	doResize
	doShot
	doCopy
	doPaste
	doWorld
	doNothing
)

// waitLimit is VHS's default for Wait.
const waitLimit = 15 * time.Second

// ParseError says where a tape cannot be understood.
type ParseError struct {
	File string
	Line int
	Why  string
}

func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// ReadFile reads a tape; tapes that it sources are found beside it.
func ReadFile(path string) (*Script, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return read(path, string(raw), 0)
}

// Read reads a tape from a string.
func Read(name, source string) (*Script, error) { return read(name, source, 0) }

func read(name, source string, depth int) (*Script, error) {
	s := &Script{Name: name, Width: 80, Height: 24}
	limit := waitLimit
	for i, line := range strings.Split(source, "\n") {
		line = strings.TrimSpace(line)
		at := step{file: name, line: i + 1, text: line}
		switch directive, ok := strings.CutPrefix(line, "#:"); {
		case line == "" || strings.HasPrefix(line, "#") && !ok:
			continue
		case ok:
			if err := s.directive(at, strings.TrimSpace(directive)); err != nil {
				return nil, err
			}
			continue
		}
		if file, ok := strings.CutPrefix(line, "Source "); ok {
			if depth > 4 {
				return nil, &ParseError{name, i + 1, "tapes source each other without end"}
			}
			path := strings.Trim(strings.TrimSpace(file), "\"'`")
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(name), path)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return nil, &ParseError{name, i + 1, err.Error()}
			}
			sub, err := read(path, string(raw), depth+1)
			if err != nil {
				return nil, err
			}
			s.steps = append(s.steps, sub.steps...)
			continue
		}
		if err := s.command(at, &limit); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// command reads one line of VHS.
func (s *Script) command(at step, limit *time.Duration) error {
	fail := func(format string, args ...any) error {
		return &ParseError{at.file, at.line, fmt.Sprintf(format, args...)}
	}
	if i := strings.Index(at.text, "#:"); i > 0 {
		return fail("a directive stands on a line of its own; VHS takes this one for a comment")
	}
	if unterminated(at.text) {
		return fail("the string does not end on its line")
	}
	commands, why := parse(at.text)
	if why != "" {
		return fail("%s", why)
	}
	for _, c := range commands {
		st := at
		if err := st.take(c, limit, fail); err != nil {
			return err
		}
		s.steps = append(s.steps, st)
	}
	return nil
}

// parse is VHS's parser on one line. Its lexer runs past the end of a line whose pattern is not closed; that is a tape which cannot be
// understood, and no reason to stop.
func parse(line string) (commands []parser.Command, why string) {
	defer func() {
		if recover() != nil {
			commands, why = nil, "cannot be understood: a pattern or a string is not closed"
		}
	}()
	p := parser.New(lexer.New(line))
	commands = p.Parse()
	if errs := p.Errors(); len(errs) > 0 {
		return nil, errs[0].Msg
	}
	return commands, ""
}

// take translates one VHS command.
func (st *step) take(c parser.Command, limit *time.Duration, fail func(string, ...any) error) error {
	switch c.Type {
	case token.TYPE:
		for _, r := range c.Args {
			st.keys = append(st.keys, string(r))
		}
	case token.SLEEP:
		d, err := duration(c.Args)
		if err != nil {
			return fail("%v", err)
		}
		st.kind, st.wait = doPause, d
	case token.WAIT:
		scope, re, _ := strings.Cut(c.Args, " ")
		if re == "" {
			re = ">$"
		}
		compiled, err := regexp.Compile(re)
		if err != nil {
			return fail("%v", err)
		}
		st.kind, st.re, st.wait, st.last = doWait, compiled, *limit, scope == "Line"
		if c.Options != "" {
			if st.wait, err = duration(c.Options); err != nil {
				return fail("%v", err)
			}
		}
	case token.SET:
		if c.Options == "WaitTimeout" {
			d, err := duration(c.Args)
			if err != nil {
				return fail("%v", err)
			}
			*limit = d
		}
		st.kind = doNothing // sizes, fonts and themes are VHS's own
	case token.SCREENSHOT:
		return fail("Screenshot makes PNG files, which only VHS draws: write #: shot FILE.svg, .txt or .ansi")
	case token.COPY:
		st.kind, st.arg = doCopy, c.Args
	case token.PASTE:
		st.kind = doPaste
	case token.OUTPUT, token.HIDE, token.SHOW, token.REQUIRE, token.ENV, token.SCROLL_UP, token.SCROLL_DOWN:
		st.kind = doNothing
	case token.ILLEGAL:
		return fail("cannot be understood")
	default:
		key, err := vhsKey(c)
		if err != nil {
			return fail("%v", err)
		}
		n := 1
		if !isChord(c.Type) && c.Args != "" {
			if n, err = strconv.Atoi(c.Args); err != nil || n < 1 {
				return fail("%q is not a number of times", c.Args)
			}
		}
		for range n {
			st.keys = append(st.keys, key)
		}
	}
	return nil
}

// directive reads what stands behind "#:".
func (s *Script) directive(at step, text string) error {
	fail := func(format string, args ...any) error {
		return &ParseError{at.file, at.line, fmt.Sprintf(format, args...)}
	}
	verb, arg, _ := strings.Cut(text, " ")
	arg = strings.TrimSpace(arg)
	switch verb {
	case "key":
		key, ok := directKey(arg)
		if !ok {
			return fail("there is no key %q; keys are %s, and ctrl+LETTER", arg, keyNames())
		}
		at.keys = []string{key}
	case "expect", "absent":
		re, err := slashed(arg)
		if err != nil {
			return fail("%s: %v", verb, err)
		}
		at.re, at.kind = re, doExpect
		if verb == "absent" {
			at.kind = doAbsent
		}
	case "idle":
		at.kind = doIdle
	case "settings":
		if arg == "" {
			return fail("settings: write a line of settings")
		}
		s.Settings = append(s.Settings, arg)
		return nil
	case "size", "resize":
		w, h, ok := strings.Cut(arg, "x")
		var errW, errH error
		at.w, errW = strconv.Atoi(w)
		at.h, errH = strconv.Atoi(h)
		if !ok || errW != nil || errH != nil || at.w < 1 || at.h < 1 || at.w > 500 || at.h > 200 {
			return fail("%s: %q is not a size, as 100x30", verb, arg)
		}
		if verb == "size" {
			s.Width, s.Height = at.w, at.h
			return nil
		}
		at.kind = doResize
	case "shot":
		if !slices.Contains(shotKinds, strings.ToLower(filepath.Ext(arg))) {
			return fail("shot: name a file that ends in .svg, .txt or .ansi, not %q", arg)
		}
		at.kind, at.arg = doShot, arg
	case "world":
		if arg == "" {
			return fail("world: say what is to happen")
		}
		at.kind, at.arg = doWorld, arg
	default:
		return fail("there is no directive %q; directives are key, expect, absent, idle, size, resize, shot, world", verb)
	}
	s.steps = append(s.steps, at)
	return nil
}

// slashed reads /regexp/ with \/ for a slash.
func slashed(s string) (*regexp.Regexp, error) {
	if len(s) < 2 || s[0] != '/' || s[len(s)-1] != '/' {
		return nil, fmt.Errorf("%q is not a pattern between slashes", s)
	}
	return regexp.Compile(strings.ReplaceAll(s[1:len(s)-1], `\/`, "/"))
}

// unterminated reports a string that VHS would accept silently up to the end of the line.
func unterminated(line string) bool {
	var open rune
	pattern := false
	for i, r := range line {
		switch {
		case pattern:
			pattern = r != '/' || line[i-1] == '\\'
		case open != 0:
			if r == open {
				open = 0
			}
		case r == '#':
			return false
		case r == '/' && strings.HasPrefix(line, "Wait"):
			pattern = true
		case r == '"' || r == '\'' || r == '`':
			open = r
		}
	}
	return open != 0 || pattern
}

// duration reads VHS's times: 500ms, 2s, 1m, and a bare number of seconds.
func duration(s string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time", s)
	}
	return d, nil
}
