package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Ledger is one open ledger file. All methods may be called from any goroutine. Writes are serialised, are on the disk
// (fsync) when the method returns nil, and are not given up when their context ends: a call record is not lost because
// somebody is leaving. Reads obey their context and never wait for a write.
type Ledger struct {
	path    string
	now     func() time.Time
	session string
	lock    *flock.Flock // nil unless this is the desk
	w, r    *sql.DB      // one writer connection (nil when read-only), a few readers
	changed chan struct{}
	errand  chan struct{}
}

// Options of Open.
type Options struct {
	Now    func() time.Time // the clock for Created, Updated and attempts; nil means time.Now
	Holder Holder           // who we are, for the lock file
}

// Open opens the ledger at path (…/<profile>.db) as its desk, and makes it when there is none. The lock beside it
// (<profile>.lock) is held until Close; when another process holds it, Open returns a *HeldError. Records that were being
// sent when the last desk died become pending and Ambiguous. Call Recover before the first call.
func Open(ctx context.Context, path string, o Options) (*Ledger, error) {
	h := o.Holder
	h.PID = os.Getpid()
	if h.Program == "" {
		h.Program = filepath.Base(os.Args[0])
	}
	if h.Host == "" {
		h.Host, _ = os.Hostname()
	}
	l := newLedger(path, o)
	if h.Started.IsZero() {
		h.Started = l.now().UTC()
	}
	if err := makeFiles(path); err != nil {
		return nil, err
	}
	var err error
	if l.lock, err = takeLock(ctx, path, h); err != nil {
		return nil, err
	}
	if err := l.openWriter(ctx, true); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// OpenShared opens an existing ledger beside its desk, if it has one, for single decisions of a person: Retry, Replace,
// Drop. The desk notices them when it next looks at what is due. It never journals and never sends.
func OpenShared(ctx context.Context, path string, o Options) (*Ledger, error) {
	l := newLedger(path, o)
	if err := exists(path); err != nil {
		return nil, err
	}
	// With nobody at the desk, records that it was sending when it died are settled first, under the lock.
	f := flock.New(lockPath(path))
	alone, err := f.TryLock()
	if err != nil {
		return nil, failAt(f.Path(), "look at the profile's lock", err)
	}
	if alone {
		defer f.Unlock()
	}
	if err := l.openWriter(ctx, alone); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// OpenReadOnly opens an existing ledger for looking only, beside its desk, if it has one. Writes fail with ErrReadOnly; a
// missing file is ErrNone.
func OpenReadOnly(ctx context.Context, path string) (*Ledger, error) {
	l := newLedger(path, Options{})
	if err := exists(path); err != nil {
		return nil, err
	}
	if err := l.openReader(); err != nil {
		return nil, err
	}
	v, err := l.schemaVersion(ctx, l.r)
	if err == nil && v < SchemaVersion {
		err = &Error{Op: "open the ledger", Path: path, Kind: ErrSchema,
			Err: fmt.Errorf("it has format %d, this program reads %d: start the desk once", v, SchemaVersion)}
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func newLedger(path string, o Options) *Ledger {
	l := &Ledger{path: path, now: o.Now, changed: make(chan struct{}, 1), errand: make(chan struct{}, 1)}
	if l.now == nil {
		l.now = time.Now
	}
	l.session = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	return l
}

// makeFiles makes folder and file with modes that SQLite then keeps for its own files (-wal, -shm).
func makeFiles(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &Error{Op: "make the ledger's folder", Path: dir, Kind: ErrReadOnly, Err: err}
	}
	if name := networkFS(dir); name != "" {
		return &Error{Op: "open the ledger", Path: path, Kind: ErrNetwork, Err: errors.New(name)}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return failAt(path, "open the ledger", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		if err := f.Chmod(0o600); err != nil {
			return failAt(path, "close the ledger to others", err)
		}
	}
	return nil
}

func exists(path string) error {
	switch st, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist), err == nil && st.Size() == 0:
		return &Error{Op: "open the ledger", Path: path, Kind: ErrNone, Err: fs.ErrNotExist}
	default:
		return failAt(path, "open the ledger", err)
	}
}

func (l *Ledger) openWriter(ctx context.Context, alone bool) error {
	pragmas := []string{
		"busy_timeout(5000)", // first, so that the others wait too
		"journal_mode(wal)",
		"synchronous(full)", // WAL fsynced at every commit: an acknowledged write survives power loss
		"foreign_keys(1)",
		"secure_delete(1)", // what is purged is gone
	}
	if runtime.GOOS == "darwin" {
		pragmas = append(pragmas, "fullfsync(1)", "checkpoint_fullfsync(1)") // fsync alone stops at the drive's cache
	}
	var err error
	if l.w, err = sql.Open("sqlite", dsn(l.path, "rwc", pragmas)); err != nil {
		return l.fail("open the ledger", err)
	}
	l.w.SetMaxOpenConns(1)
	if err := l.migrate(ctx); err != nil {
		return err
	}
	var mode string
	if err := l.w.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return l.fail("open the ledger", err)
	}
	if mode != "wal" {
		return &Error{Op: "open the ledger", Path: l.path, Kind: ErrDisk, Err: fmt.Errorf("this file system cannot keep a write-ahead log (%s)", mode)}
	}
	if alone {
		if err := l.settle(ctx); err != nil {
			return err
		}
		// From here on calls wait for these writes: a program that keeps the ledger locked is told to the agent, who can still answer.
		if _, err := l.w.ExecContext(ctx, "PRAGMA busy_timeout = 2000"); err != nil {
			return l.fail("open the ledger", err)
		}
	}
	return l.openReader()
}

func (l *Ledger) openReader() error {
	var err error
	l.r, err = sql.Open("sqlite", dsn(l.path, "ro", []string{"busy_timeout(5000)", "query_only(1)"}))
	if err != nil {
		return l.fail("open the ledger", err)
	}
	l.r.SetMaxOpenConns(4)
	return nil
}

// dsn makes the driver's name for path. Writers begin immediately: a transaction that reads first and writes later would
// fail with SQLITE_BUSY at once when another process has written in between.
func dsn(path, mode string, pragmas []string) string {
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": pragmas}
	if mode == "ro" {
		q.Del("_txlock")
	}
	p := filepath.ToSlash(path)
	if filepath.IsAbs(path) && !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… becomes file:/C:/…
	}
	return "file:" + (&url.URL{Path: p}).EscapedPath() + "?" + q.Encode()
}

// Path is the ledger's file.
func (l *Ledger) Path() string { return l.path }

// Changed is signalled after every commit through this Ledger that gives the sender something to look at: a record was
// enqueued, amended, retried, or given up. Signals that nobody has taken yet are merged. It has one reader.
func (l *Ledger) Changed() <-chan struct{} { return l.changed }

// ErrandsChanged is the same for errands: one was added or retried, or the call that it waited for has its Task or never will. It has
// one reader.
func (l *Ledger) ErrandsChanged() <-chan struct{} { return l.errand }

func (l *Ledger) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Ledger) signalErrands() {
	select {
	case l.errand <- struct{}{}:
	default:
	}
}

// Close closes the file and lets go of the lock. Nothing is lost by not calling it.
func (l *Ledger) Close() error {
	var errs []error
	if l.r != nil {
		errs = append(errs, l.r.Close())
	}
	if l.w != nil {
		errs = append(errs, l.w.Close())
	}
	if l.lock != nil {
		errs = append(errs, dropLock(l.lock))
		l.lock = nil
	}
	return l.fail("close the ledger", errors.Join(errs...))
}

// Check reads the whole file and verifies its structure (PRAGMA quick_check); seconds for a large ledger.
func (l *Ledger) Check(ctx context.Context) error {
	var result string
	if err := l.r.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return l.fail("check the ledger", err)
	}
	if result != "ok" {
		return &Error{Op: "check the ledger", Path: l.path, Kind: ErrCorrupt, Err: errors.New(result)}
	}
	return nil
}

// SetAside renames a damaged ledger and its companions to <name>.damaged-<time> and returns the new path; the next Open
// makes an empty one. Only a person's explicit wish may lead here. A ledger whose desk is running is left alone (*HeldError).
func SetAside(path string, at time.Time) (string, error) {
	f := flock.New(lockPath(path))
	ok, err := f.TryLock()
	if err != nil {
		return "", failAt(f.Path(), "set the ledger aside", err)
	}
	if !ok {
		return "", &HeldError{Path: f.Path(), Holder: readHolder(path)}
	}
	defer f.Unlock()
	aside := path + ".damaged-" + at.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"-wal", "-shm", ""} { // the database last: while it is there, the ledger counts as damaged
		if err := os.Rename(path+suffix, aside+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return "", failAt(path, "set the ledger aside", err)
		}
	}
	return aside, nil
}
