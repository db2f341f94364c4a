//go:build unix

package peers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// settings are what the stories change in the file of settings.
type settings struct {
	addr   netip.AddrPort // the telephone's own socket; zero: a free one
	sip    string         // more lines of [sip]
	noReg  bool           // leave out registrar = ""
	input  string         // default null
	output string         // default null
	more   string         // more sections
	dir    string         // storage; empty: a new folder
	cols   uint16         // default 80
	rows   uint16         // default 24
}

// workplace is one agent's place: settings on disk, and the desk that runs on a terminal.
type workplace struct {
	org    *org
	config string
	sip    netip.AddrPort
	set    settings
}

// newWorkplace writes the settings of a desk that uses the practice Salesforce.
func newWorkplace(t testing.TB, o *org, s settings) *workplace {
	t.Helper()
	dir := t.TempDir()
	if s.dir == "" {
		s.dir = filepath.Join(dir, "state")
	}
	if !s.addr.IsValid() {
		s.addr = freePort(t, ownHost(4))
	}
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	reg := "account = \"sip:alex@" + s.addr.Addr().String() + "\"\nregistrar = \"\"\n"
	if s.noReg {
		reg = ""
	}
	file := fmt.Sprintf(`[sip]
listen = %q
%s%s
[audio]
input = %q
output = %q
ring = "off"
[salesforce]
login_url = %q
client_id = %q
flow = "jwt"
username = %q
key_file = %q
tokens = "file"
allow_localhost = true
[storage]
dir = %q
log_level = "debug"
%s`, s.addr, reg, s.sip, or(s.input, "null"), or(s.output, "null"), o.URL, o.ClientID, o.Username, o.KeyFile, s.dir, s.more)
	w := &workplace{org: o, config: filepath.Join(dir, "config.toml"), sip: s.addr, set: s}
	if err := os.WriteFile(w.config, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// command is offhook with these settings and arguments, in an environment where nothing of the machine's own is found.
func (w *workplace) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"--config", w.config}, args...)...)
	home := filepath.Dir(w.config)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_STATE_HOME=" + home, "XDG_RUNTIME_DIR=" + home,
		"TERM=xterm-256color", "LANG=C.UTF-8", "GORACE=" + os.Getenv("GORACE")}
	return cmd
}

// desk is a running offhook on a terminal.
type desk struct {
	t    testing.TB
	w    *workplace
	cmd  *exec.Cmd
	tty  *os.File
	work sync.WaitGroup
	gone chan struct{} // closed when the process has ended
	err  error         // of the process, once gone

	mu      sync.Mutex
	em      *vt.Emulator
	raw     bytes.Buffer
	changed chan struct{}
}

// start runs offhook on a new terminal. It ends with the test.
func (w *workplace) start(t testing.TB) *desk {
	t.Helper()
	cols, rows := w.set.cols, w.set.rows
	if cols == 0 {
		cols, rows = 80, 24
	}
	d := &desk{t: t, w: w, cmd: w.command(), gone: make(chan struct{}), changed: make(chan struct{}, 1), em: vt.NewEmulator(int(cols), int(rows))}
	var err error
	if d.tty, err = pty.StartWithSize(d.cmd, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	d.work.Go(func() { // what the terminal answers to the program's questions
		buf := make([]byte, 1024)
		for {
			n, err := d.em.Read(buf)
			if n > 0 {
				_, _ = d.tty.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	})
	d.work.Go(func() {
		defer close(d.gone)
		buf := make([]byte, 32<<10)
		for {
			n, err := d.tty.Read(buf)
			d.mu.Lock()
			d.raw.Write(buf[:n])
			_, _ = d.em.Write(buf[:n])
			d.mu.Unlock()
			select {
			case d.changed <- struct{}{}:
			default:
			}
			if err != nil {
				break
			}
		}
		d.err = d.cmd.Wait()
	})
	t.Cleanup(d.end)
	return d
}

// ready starts a desk and waits until it takes calls and Salesforce is signed in.
func (w *workplace) ready(t testing.TB) *desk {
	t.Helper()
	d := w.start(t)
	d.sees(`Available`)
	d.sees(`● Salesforce .*Unsent`)
	return d
}

// end makes sure that the process is gone, and shows the last screen of a test that failed.
func (d *desk) end() {
	select {
	case <-d.gone:
	default:
		if d.t.Failed() {
			d.t.Logf("the screen at the end:\n%s\nthe log's end:\n%s", d.screen(), d.log())
		}
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.gone:
		case <-time.After(2 * time.Second): // a call is still up and it asks first
			_ = d.cmd.Process.Kill()
			<-d.gone
		}
	}
	_ = d.em.InputPipe().(io.Closer).Close()
	_ = d.tty.Close()
	d.work.Wait()
}

// log is the end of offhook's log.
func (d *desk) log() string {
	b, _ := os.ReadFile(filepath.Join(d.w.set.dir, "offhook.log"))
	if len(b) > 4000 {
		b = b[len(b)-4000:]
	}
	return string(b)
}

func (d *desk) screen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.em.String()
}

// bytes is everything the program has written to the terminal.
func (d *desk) bytes() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.raw.String()
}

// seesWithin waits until the pattern stands on the screen and reports whether it came.
func (d *desk) seesWithin(pattern string, limit time.Duration) bool {
	re := regexp.MustCompile(pattern)
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for !re.MatchString(d.screen()) {
		select {
		case <-d.changed:
		case <-timeout.C:
			return false
		case <-d.gone:
			return re.MatchString(d.screen())
		}
	}
	return true
}

// sees waits for a pattern on the screen.
func (d *desk) sees(pattern string) {
	d.t.Helper()
	if !d.seesWithin(pattern, patience) {
		d.t.Fatalf("the screen never showed %q:\n%s", pattern, d.screen())
	}
}

// clock is the time beside a call in this state, in seconds; -1: there is none.
func (d *desk) clock(state string) int {
	m := regexp.MustCompile(state + ` +(\d+):(\d\d)`).FindStringSubmatch(d.screen())
	if m == nil {
		return -1
	}
	minutes, _ := strconv.Atoi(m[1])
	seconds, _ := strconv.Atoi(m[2])
	return 60*minutes + seconds
}

// never fails if the pattern stands on the screen now.
func (d *desk) never(pattern string) {
	d.t.Helper()
	if s := d.screen(); regexp.MustCompile(pattern).MatchString(s) {
		d.t.Fatalf("the screen shows %q:\n%s", pattern, s)
	}
}

// press types keys.
func (d *desk) press(keys string) {
	d.t.Helper()
	if _, err := io.WriteString(d.tty, keys); err != nil {
		d.t.Fatal(err)
	}
}

// pressUntil presses a key again until the pattern stands there: a popup ignores keys that come too early, and a person
// presses again.
func (d *desk) pressUntil(key, pattern string) {
	d.t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		d.press(key)
		if d.seesWithin(pattern, 700*time.Millisecond) {
			return
		}
	}
	d.t.Fatalf("after %q the screen never showed %q:\n%s", key, pattern, d.screen())
}

// answer takes the ringing call.
func (d *desk) answer() {
	d.t.Helper()
	d.sees(`[Rr]inging`)
	d.pressUntil("a", `talking`)
}

// quit leaves with q and waits until the process has ended well.
func (d *desk) quit() {
	d.t.Helper()
	d.press("q")
	d.ended(nil)
}

// ended waits for the end of the process, with this exit.
func (d *desk) ended(want error) {
	d.t.Helper()
	select {
	case <-d.gone:
		var exit *exec.ExitError
		if want == nil && d.err != nil && errors.As(d.err, &exit) {
			d.t.Fatalf("offhook ended with %v:\n%s", d.err, d.screen())
		}
	case <-time.After(patience):
		d.t.Fatalf("offhook did not end:\n%s", d.screen())
	}
}

// settled leaves and then counts once more: exactly n Tasks, also after the last word.
func (d *desk) settled(n int) {
	d.t.Helper()
	d.sees(`Unsent 0`)
	d.quit()
	if got := d.w.org.tasks(d.t); len(got) != n {
		d.t.Fatalf("%d Tasks when the desk had left, want %d: %+v", len(got), n, got)
	}
}

// kill ends the process as a crash would.
func (d *desk) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	<-d.gone
}

// lines is text without the empty lines, for messages that were printed.
func lines(s string) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}
