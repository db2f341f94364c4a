//go:build unix

package control

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// place is a state folder with a path that is short enough for a socket.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// desk is a listening desk: its clock is ours, and what it was asked is kept.
type desk struct {
	*Server
	folder string
	mu     sync.Mutex
	now    time.Time
	asked  []string
}

func open(t *testing.T, folder string) *desk {
	t.Helper()
	d := &desk{folder: folder, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	server, err := Listen(Options{Folder: folder, Now: func() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }, Do: map[string]Handler{
		Dial: func(r Request) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if r.Number == "no" {
				return errors.New("no \x1b[31mred")
			}
			d.asked = append(d.asked, r.Number)
			return nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = server
	t.Cleanup(func() { _ = server.Close() })
	return d
}

func (d *desk) ask(t *testing.T, number string) error {
	return Ask(t.Context(), d.folder, Request{Do: Dial, Number: number})
}

// raw sends bytes and returns the line that comes back.
func (d *desk) raw(t *testing.T, send string) string {
	t.Helper()
	c, err := net.Dial("unix", Path(d.folder))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte(send))
	_ = c.(*net.UnixConn).CloseWrite()
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line
}

func TestAskingADeskThatListens(t *testing.T) {
	d := open(t, place(t))
	if err := d.ask(t, "+4420"); err != nil || len(d.asked) != 1 || d.asked[0] != "+4420" {
		t.Errorf("%v, asked for %q", err, d.asked)
	}
	var no *RefusedError
	if err := d.ask(t, "no"); !errors.As(err, &no) || strings.Contains(no.Error(), "\x1b") {
		t.Errorf("a refusal is told as %v", err)
	}
	if err := Ask(t.Context(), d.folder, Request{Do: "answer"}); !errors.As(err, &no) {
		t.Errorf("an unknown request is told as %v", err)
	}
}

func TestNobodyElseReachesTheSocket(t *testing.T) {
	folder := place(t)
	if err := os.MkdirAll(filepath.Dir(Path(folder)), 0o777); err != nil {
		t.Fatal(err)
	}
	d := open(t, folder)
	for path, want := range map[string]fs.FileMode{filepath.Dir(Path(folder)): 0o700, Path(folder): 0o600} {
		if st, err := os.Lstat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, st.Mode(), err, want)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(Path(folder)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket stays when the desk has gone")
	}
	if err := d.ask(t, "1"); !errors.Is(err, ErrNobody) {
		t.Errorf("a desk that has gone: %v", err)
	}
}

func TestASocketThatACrashLeftIsReplacedAndNothingElse(t *testing.T) {
	folder := place(t)
	open(t, folder).l.(*net.UnixListener).SetUnlinkOnClose(false)
	d := open(t, folder) // takes the place of the one before
	if err := d.ask(t, "1"); err != nil {
		t.Error(err)
	}
	_ = d.Close()
	if err := os.WriteFile(Path(folder), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Listen(Options{Folder: folder}); err == nil {
		_ = s.Close()
		t.Error("a file of somebody's was replaced")
	}
	if _, err := Listen(Options{Folder: "/tmp/" + strings.Repeat("x", 100)}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a path that is too long: %v", err)
	}
	link := place(t)
	if err := os.Symlink(folder, filepath.Join(link, "control")); err != nil {
		t.Fatal(err)
	}
	if s, err := Listen(Options{Folder: link}); err == nil {
		_ = s.Close()
		t.Error("a link in the place of the folder is followed")
	}
}

func TestHostileRequestsGetOneLineAndDoNothing(t *testing.T) {
	for name, send := range map[string]string{
		"no JSON":          "hello\n",
		"half a line":      `{"version":1,"do":"dial"`,
		"too long":         `{"version":1,"do":"dial","number":"` + strings.Repeat("1", 8000) + "\"}\n",
		"endless":          strings.Repeat("x", 100_000),
		"two values":       `{"version":1,"do":"dial"}{"version":1}` + "\n",
		"a list":           "[1,2]\n",
		"another version":  `{"version":2,"do":"dial","number":"1"}` + "\n",
		"no version":       `{"do":"dial","number":"1"}` + "\n",
		"a number as such": `{"version":1,"do":"dial","number":1}` + "\n",
		"deep":             strings.Repeat("[", 4000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, place(t))
			if got := d.raw(t, send); name != "endless" && name != "too long" && !strings.HasPrefix(got, `{"error":"`) {
				t.Errorf("answered %q", got)
			}
			if len(d.asked) > 0 {
				t.Errorf("it asked for %q", d.asked)
			}
			if err := d.ask(t, "7"); err != nil {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

func TestAProgramInALoopIsSlowedDown(t *testing.T) {
	d := open(t, place(t))
	for i := range 10 {
		if err := d.ask(t, "1"); (err == nil) != (i < burst) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	d.mu.Lock()
	d.now = d.now.Add(every)
	d.mu.Unlock()
	if err := d.ask(t, "1"); err != nil {
		t.Errorf("after a pause: %v", err)
	}
	if err := d.ask(t, "1"); err == nil {
		t.Error("the pause was worth more than one request")
	}
	d.mu.Lock()
	d.now = d.now.Add(-time.Hour)
	d.mu.Unlock()
	if err := d.ask(t, "1"); err != nil {
		t.Errorf("after the clock was set back: %v", err)
	}
}

func FuzzServe(f *testing.F) {
	for _, s := range []string{`{"version":1,"do":"dial","number":"1"}`, `{"version":1,"do":"","number":null}`, `{"VERSION":1,"Do":"dial"}`, "\x00", `{"version":1e0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		asked := 0
		a := serve(line, map[string]Handler{Dial: func(r Request) error {
			asked++
			_, err := Parse(r.Number)
			return err
		}})
		if a.OK != a.Error.Empty() || a.OK && asked != 1 {
			t.Errorf("%q: %+v", line, a)
		}
	})
}
