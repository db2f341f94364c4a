//go:build unix

package peers

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// refused runs offhook without a terminal's help and returns what it says; it must end with an error.
func refused(t *testing.T, w *workplace, args ...string) string {
	t.Helper()
	out, err := w.command(args...).CombinedOutput()
	if err == nil {
		t.Fatalf("offhook %v ended well:\n%s", args, out)
	}
	return string(out)
}

// onTerminal starts a desk that must end by itself, and returns what stands on the terminal.
func (w *workplace) onTerminal(t *testing.T) string {
	t.Helper()
	d := w.start(t)
	select {
	case <-d.gone:
	case <-time.After(patience):
		t.Fatalf("offhook started:\n%s", d.screen())
	}
	if d.err == nil {
		t.Fatalf("offhook ended well:\n%s", d.bytes())
	}
	return d.screen()
}

func TestASecondStartSaysWhoHoldsTheProfile(t *testing.T) {
	o, d := story(t, settings{})
	second := newWorkplace(t, o, settings{dir: d.w.set.dir})
	says := second.onTerminal(t)
	if !strings.Contains(says, strconv.Itoa(d.cmd.Process.Pid)) || !strings.Contains(strings.Join(strings.Fields(says), " "), "process") {
		t.Fatalf("the second start does not say that process %d has the profile:\n%s", d.cmd.Process.Pid, says)
	}
	if n := len(lines(says)); n > 3 {
		t.Errorf("%d lines:\n%s", n, says)
	}
	d.sees(`Available`)
	d.quit()
}

func TestAPortThatIsTakenIsSaid(t *testing.T) {
	o, d := story(t, settings{})
	says := newWorkplace(t, o, settings{addr: d.w.sip}).onTerminal(t)
	if !strings.Contains(says, strconv.Itoa(int(d.w.sip.Port()))) || len(lines(says)) > 3 {
		t.Fatalf("not one line about port %d:\n%s", d.w.sip.Port(), says)
	}
	d.quit()
}

func TestSettingsThatCannotBeReadAreSaidWithTheirLine(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for _, c := range []struct{ name, more, says string }{
		{"broken TOML", "[ui\ntheme = 1\n", `config\.toml:\d+`},
		{"a setting that does not exist", "[ui]\nthme = \"dark\"\n", `did you mean ui\.theme`},
		{"a wrong type", "[hub]\nurl = 5\n", `config\.toml:\d+: hub\.url`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorkplace(t, o, settings{more: c.more})
			if says := refused(t, w); !regexp.MustCompile(c.says).MatchString(says) || len(lines(says)) > 3 {
				t.Errorf("want %s:\n%s", c.says, says)
			}
		})
	}
}

func TestWithoutATerminalOneLineSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, newOrg(t), settings{})
	if says := refused(t, w); !strings.Contains(says, "terminal") || len(lines(says)) != 1 {
		t.Errorf("got:\n%s", says)
	}
	if _, err := os.Stat(w.set.dir); err == nil {
		t.Error("the ledger was made although nothing could be shown")
	}
}

func TestATinyTerminalStillTakesACall(t *testing.T) {
	peer(t, "sipp")
	o, d := func() (*org, *desk) {
		t.Parallel()
		o := newOrg(t)
		d := newWorkplace(t, o, settings{cols: 20, rows: 5}).start(t)
		return o, d
	}()
	d.sees(`Avail`)
	eventually(t, "the sign-in", func() bool { return o.requests(t, "POST", "/token") > 0 })
	call := play(t, script{name: "uac_bye", target: d.w.sip})
	d.sees(`Fred|0781`)
	d.pressUntil("a", `x Hang`)
	call.told()
	call.passed()
	o.one(t, o.inbound(0, 4))
	d.quit()
}

func TestTheTerminalIsCleanAfterwards(t *testing.T) {
	_, d := story(t, settings{})
	d.quit()
	all := d.bytes()
	for _, mode := range []struct{ name, on, off string }{
		{"alternate screen", "\x1b[?1049h", "\x1b[?1049l"}, {"hidden cursor", "\x1b[?25l", "\x1b[?25h"},
		{"bracketed paste", "\x1b[?2004h", "\x1b[?2004l"}, {"focus reports", "\x1b[?1004h", "\x1b[?1004l"},
	} {
		if strings.LastIndex(all, mode.on) > strings.LastIndex(all, mode.off) {
			t.Errorf("%s is still on", mode.name)
		}
	}
}

func count(s, sub string) int { return strings.Count(s, sub) }
