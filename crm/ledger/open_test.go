package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"offhook/internal/text"
)

// oneLine checks that an error can be shown to a person as it is.
func oneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	msg := err.Error()
	if strings.ContainsAny(msg, "\n\x1b") || len(msg) > 400 {
		t.Errorf("not one line: %q", msg)
	}
	for _, w := range words {
		if !strings.Contains(msg, w) {
			t.Errorf("%q does not say %q", msg, w)
		}
	}
}

func TestTheSecondDeskIsToldWhoHoldsTheLedger(t *testing.T) {
	t.Parallel()
	path := file(t)
	l := open(t, path, newClock())
	_, err := Open(t.Context(), path, options(newClock()))
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatal(err)
	}
	h := held.Holder
	if h.PID != os.Getpid() || h.TTY != "pts/3" || h.Host != "desk-7" || h.Program != "offhook" || h.Version != "test" || !h.Started.Equal(t0) {
		t.Errorf("%+v", h)
	}
	oneLine(t, err, "offhook test", "pts/3", "desk-7", "--profile")
	if h, ok := HeldBy(path); !ok || h.PID != os.Getpid() {
		t.Errorf("HeldBy: %+v, %v", h, ok)
	}
	must(t, l.Close())
	if _, ok := HeldBy(path); ok {
		t.Error("held after Close")
	}
	open(t, path, newClock())
}

func TestALockFileFromAStrangerCannotReachTheTerminal(t *testing.T) {
	h := Holder{Program: "off\x1b]0;pwned\x07hook", TTY: "a\nb", Host: "\x1b[31mred", PID: 4}
	oneLine(t, &HeldError{Holder: h}, "process 4")
	oneLine(t, &HeldError{Path: "/x/default.lock"}, "another program", "/x/default.lock")
}

func TestAnotherProcessHoldsTheLockUntilItDies(t *testing.T) {
	t.Parallel()
	path := file(t)
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "OFFHOOK_LEDGER_CHILD="+path, "OFFHOOK_LEDGER_ROUND=1")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if _, err := fmt.Fscanln(out, new(string), new(string)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, options(newClock()))
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.PID != cmd.Process.Pid {
		t.Errorf("%v", err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	open(t, path, newClock())
}

func TestToolsWorkBesideTheDeskThatSeesWhatTheyDid(t *testing.T) {
	t.Parallel()
	path := file(t)
	l := open(t, path, newClock())
	for _, key := range []string{"dead", "drop", "sending"} {
		finished(t, l, key, t0)
	}
	claimed(t, l, "dead")
	must(t, l.MarkDead(t.Context(), "dead", Failure{}))
	claimed(t, l, "sending")
	tool, err := OpenShared(t.Context(), path, options(newClock()))
	must(t, err)
	defer tool.Close()
	must(t, tool.Retry(t.Context(), "dead"))
	must(t, tool.Drop(t.Context(), "drop", text.Clean("test call")))
	var state *StateError
	if err := tool.Drop(t.Context(), "sending", text.Text{}); !errors.As(err, &state) || state.State != Sending {
		t.Errorf("dropped what the desk was sending: %v", err)
	}
	due, err := l.Due(t.Context(), t0.Add(time.Hour), 10)
	must(t, err)
	if len(due) != 1 || due[0].Key != "dead" {
		t.Errorf("the desk sees %+v", due)
	}
	must(t, l.MarkSent(t.Context(), "sending", "00T1"))
}

func TestToolsSettleWhatADeadDeskWasSending(t *testing.T) {
	t.Parallel()
	path := file(t)
	l := open(t, path, newClock())
	finished(t, l, "k1", t0)
	claimed(t, l, "k1")
	must(t, l.Close())
	tool, err := OpenShared(t.Context(), path, options(newClock()))
	must(t, err)
	defer tool.Close()
	if it := item(t, tool, "k1"); it.State != Pending || !it.Ambiguous {
		t.Errorf("%+v", it)
	}
	if _, held := HeldBy(path); held {
		t.Error("the tool kept the desk's lock")
	}
}

func TestReadersSeeTheDesksWorkAndCannotChangeIt(t *testing.T) {
	t.Parallel()
	path := file(t)
	_, err := OpenReadOnly(t.Context(), path)
	if !errors.Is(err, ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no ledger: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("looking made a file")
	}
	if _, err := OpenShared(t.Context(), path, Options{}); !errors.Is(err, ErrNone) {
		t.Errorf("no ledger: %v", err)
	}
	l := open(t, path, newClock())
	r, err := OpenReadOnly(t.Context(), path)
	must(t, err)
	defer r.Close()
	finished(t, l, "k1", t0)
	if it := item(t, r, "k1"); it.State != Pending {
		t.Errorf("%+v", it)
	}
	err = r.Retry(t.Context(), "k1")
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, "cannot be written")
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	path := filepath.Join(t.TempDir(), "state", "offhook", "default.db")
	l := open(t, path, newClock())
	finished(t, l, "k1", t0)
	files, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(files) < 4 { // database, log, shared memory, lock
		t.Errorf("files: %v", files)
	}
	for _, f := range files {
		st, err := f.Info()
		must(t, err)
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", f.Name(), st.Mode())
		}
	}
	st, err := os.Stat(filepath.Dir(path))
	must(t, err)
	if st.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v", st.Mode())
	}
	must(t, l.Close())
	must(t, os.Chmod(path, 0o644))
	open(t, path, newClock())
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("a readable ledger stayed readable: %v, %v", st.Mode(), err)
	}
}

func TestAPathMayContainAnything(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "50% off? #1 & söns", "a?mode=ro&x#y%41.db")
	if runtime.GOOS == "windows" {
		path = filepath.Join(t.TempDir(), "50% off #1 & söns", "a&x#y%41.db")
	}
	l := open(t, path, newClock())
	finished(t, l, "k1", t0)
	must(t, l.Close())
	r, err := OpenReadOnly(t.Context(), path)
	must(t, err)
	defer r.Close()
	item(t, r, "k1")
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) > 4 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestAFullDiskIsSaidAndLosesNothingThatWasStored(t *testing.T) {
	t.Parallel()
	l := open(t, file(t), newClock())
	finished(t, l, "k0", t0)
	must(t, l.Journal(t.Context(), ringing("open", t0), "INVITE", t0))
	var pages int
	must(t, l.w.QueryRow("PRAGMA page_count").Scan(&pages))
	_, err := l.w.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+8))
	must(t, err)
	stored := 0
	for err = nil; err == nil; stored++ {
		c := ended(fmt.Sprintf("full-%d", stored), t0)
		c.Detail = payload(strings.Repeat("x", 3000))
		err = l.Finish(t.Context(), c, &Item{Payload: c.Detail})
	}
	if !errors.Is(err, ErrDiskFull) || stored < 2 || stored > 100 {
		t.Fatalf("after %d calls: %v", stored, err)
	}
	oneLine(t, err, "the disk is full", "no record is safe", "free some", l.Path())
	large := talking("open", t0)
	large.Detail = payload(strings.Repeat("y", 100_000))
	if err := l.Journal(t.Context(), large, "answered", t0); !errors.Is(err, ErrDiskFull) {
		t.Errorf("journal: %v", err)
	}
	n, err := l.Counts(t.Context())
	must(t, err)
	if n.Pending != stored || n.OpenCalls != 1 { // k0 and stored-1 others
		t.Errorf("%+v after %d", n, stored)
	}
	_, err = l.w.Exec("PRAGMA max_page_count = 1000000")
	must(t, err)
	must(t, l.Journal(t.Context(), large, "answered", t0)) // space was freed: everything goes on
	must(t, l.Finish(t.Context(), ended(fmt.Sprintf("full-%d", stored-1), t0), &Item{Payload: payload("x")}))
	must(t, l.Check(t.Context()))
}

func TestAFolderThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	must(t, os.WriteFile(blocked, nil, 0o600))
	_, err := Open(t.Context(), filepath.Join(blocked, "default.db"), Options{}) // works for root too: a file is no folder
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, "permissions")
	if _, err := Open(t.Context(), dir, Options{}); err == nil {
		t.Error("a folder was opened as a ledger")
	}
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		return // root ignores permissions
	}
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { must(t, os.Chmod(dir, 0o700)) })
	_, err = Open(t.Context(), filepath.Join(dir, "default.db"), Options{})
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	oneLine(t, err)
}

func TestADamagedLedgerIsNeverReplacedByItself(t *testing.T) {
	t.Parallel()
	path := file(t)
	junk := []byte(strings.Repeat("this was a ledger once ", 500))
	must(t, os.WriteFile(path, junk, 0o600))
	for range 2 {
		_, err := Open(t.Context(), path, options(newClock()))
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v", err)
		}
		oneLine(t, err, "damaged", "set it aside", path)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(junk) {
		t.Error("the damaged file was changed")
	}
	if _, held := HeldBy(path); held {
		t.Error("the lock was kept after a failed start")
	}
	aside, err := SetAside(path, t0)
	must(t, err)
	if got, err := os.ReadFile(aside); err != nil || string(got) != string(junk) || filepath.Base(aside) != "default.db.damaged-20261121T090000Z" {
		t.Errorf("%s: %v", aside, err)
	}
	l := open(t, path, newClock())
	finished(t, l, "k1", t0)
	if _, err := SetAside(path, t0); !as[*HeldError](err) {
		t.Errorf("a ledger in use was set aside: %v", err)
	}
}

func TestDamageInsideIsFoundByTheCheck(t *testing.T) {
	t.Parallel()
	path := file(t)
	l := open(t, path, newClock())
	for i := range 50 {
		finished(t, l, fmt.Sprintf("k%d", i), t0)
	}
	must(t, l.Check(t.Context()))
	must(t, l.Close())
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	st, err := f.Stat()
	must(t, err)
	for at := int64(8192); at < st.Size(); at += 4096 {
		_, err = f.WriteAt(make([]byte, 512), at)
		must(t, err)
	}
	must(t, f.Close())
	r, err := OpenReadOnly(t.Context(), path)
	if err == nil {
		defer r.Close()
		err = r.Check(t.Context())
	}
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, "damaged")
}

func TestForeignAndNewerFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, pragma := range map[string]string{
		"newer":   "PRAGMA user_version = 99",
		"foreign": "PRAGMA application_id = 7",
	} {
		path := file(t)
		l := open(t, path, newClock())
		finished(t, l, "k1", t0)
		_, err := l.w.Exec(pragma)
		must(t, err)
		must(t, l.Close())
		_, err = Open(t.Context(), path, options(newClock()))
		if !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v", name, err)
		}
		oneLine(t, err)
		if _, err := OpenReadOnly(t.Context(), path); !errors.Is(err, ErrSchema) {
			t.Errorf("%s, reading: %v", name, err)
		}
	}
}

func TestAClosedLedgerSaysSo(t *testing.T) {
	t.Parallel()
	l := open(t, file(t), newClock())
	must(t, l.Close())
	for _, err := range []error{
		l.Journal(t.Context(), ringing("k", t0), "INVITE", t0),
		func() error { _, err := l.Counts(t.Context()); return err }(),
		func() error { _, err := l.History(t.Context(), Filter{}); return err }(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		oneLine(t, err, "closed")
	}
}

func TestADeskWaitsForAnotherProgramNoLongerThanACallerWould(t *testing.T) {
	path := file(t)
	l := open(t, path, newClock())
	tool, err := OpenShared(t.Context(), path, options(newClock()))
	must(t, err)
	defer tool.Close()
	for of, want := range map[*Ledger]int{l: 2000, tool: 5000} {
		var ms int
		must(t, of.w.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&ms))
		if ms != want {
			t.Errorf("%d ms, not %d", ms, want)
		}
	}
	tx, err := tool.w.BeginTx(t.Context(), nil)
	must(t, err)
	if err := l.Journal(t.Context(), ringing("k1", t0), "INVITE", t0); !errors.Is(err, ErrBusy) {
		t.Errorf("locked: %v", err)
	}
	must(t, tx.Rollback())
	must(t, l.Journal(t.Context(), ringing("k1", t0), "INVITE", t0))
}
