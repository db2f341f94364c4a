package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"offhook/internal/text"
)

// Holder is who has a ledger open as its desk. It stands as JSON in the lock file.
type Holder struct {
	Program string    `json:"program"`
	Version string    `json:"version,omitempty"`
	PID     int       `json:"pid"` // filled in by Open
	TTY     string    `json:"tty,omitempty"`
	Host    string    `json:"host,omitempty"` // filled in by Open when empty
	Started time.Time `json:"started"`        // filled in by Open when zero
}

// String describes the holder to a person: "offhook 1.2 (process 4711, pts/3 on desk-7, since 09:01)".
func (h Holder) String() string {
	var b strings.Builder
	b.WriteString(text.Clean(strings.TrimSpace(h.Program + " " + h.Version)).Or(text.Clean("another program")).String())
	fmt.Fprintf(&b, " (process %d", h.PID)
	if tty := text.Clean(h.TTY); !tty.Empty() {
		b.WriteString(", " + tty.String())
	}
	if host := text.Clean(h.Host); !host.Empty() {
		b.WriteString(" on " + host.String())
	}
	if !h.Started.IsZero() {
		b.WriteString(", since " + h.Started.Local().Format("2006-01-02 15:04"))
	}
	b.WriteString(")")
	return b.String()
}

// lockWait is how long Open waits for a lock: the tools (offhook outbox retry) hold it for a moment when no desk runs.
const lockWait = 400 * time.Millisecond

func lockPath(path string) string { return strings.TrimSuffix(path, ".db") + ".lock" }

// takeLock becomes the desk of the ledger at path, or returns a *HeldError.
func takeLock(ctx context.Context, path string, h Holder) (*flock.Flock, error) {
	f := flock.New(lockPath(path))
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockWait)
	defer cancel()
	ok, err := f.TryLockContext(wait, 20*time.Millisecond)
	if !ok && (err == nil || wait.Err() != nil) {
		return nil, &HeldError{Path: lockPath(path), Holder: readHolder(path)}
	}
	if err != nil {
		return nil, failAt(f.Path(), "take the profile's lock", err)
	}
	body, err := json.Marshal(h)
	if err == nil {
		err = os.WriteFile(f.Path()+holderSuffix, append(body, '\n'), 0o600)
	}
	if err != nil {
		_ = f.Unlock()
		return nil, failAt(f.Path(), "write the profile's lock", err)
	}
	return f, nil
}

// dropLock lets go. The file stays: removing it would let a third process lock another file of the same name.
func dropLock(f *flock.Flock) error {
	_ = os.Truncate(f.Path()+holderSuffix, 0) // only information; the lock itself is the kernel's
	return f.Unlock()
}

func readHolder(path string) Holder {
	var h Holder
	body, err := os.ReadFile(lockPath(path) + holderSuffix)
	if err != nil || json.Unmarshal(body, &h) != nil {
		return Holder{}
	}
	return h
}

// HeldBy tells who is the desk of the ledger at path, if anybody is. It takes the lock for an instant to find out.
func HeldBy(path string) (Holder, bool) {
	if _, err := os.Stat(lockPath(path)); err != nil {
		return Holder{}, false
	}
	f := flock.New(lockPath(path))
	ok, err := f.TryLock()
	if err != nil {
		return Holder{}, false
	}
	if ok {
		_ = f.Unlock()
		return Holder{}, false
	}
	return readHolder(path), true
}
