package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/internal/checkup"
)

// How much room on a disk is enough.
const (
	diskLow  = 200 << 20
	diskFull = 20 << 20
)

// waitingLong is how long a record may wait before a person is told: retries are up to half an hour apart.
const waitingLong = time.Hour

// examineDisk looks at the folder of the ledger, and at what waits in it. It reports whether the folder can be used: the sign-in is
// kept there, too.
func (e *env) examineDisk(ctx context.Context, l *config.Loaded, s *checkup.Section) (usable bool) {
	rules := localRules()
	path, err := ledgerPath(l.Config, l.Profile)
	if err != nil {
		s.Find(rules.Get("disk.ledger").With("why", asFinding(err.Error())))
		return false
	}
	dir := filepath.Dir(path)
	took, err := tryDisk(dir)
	if err != nil {
		s.Find(rules.Get("disk.ledger").With("why", asFinding(fmt.Sprintf("%s cannot be written: %v", dir, err))))
		return false
	}
	if free, known := diskFree(dir); known && free < diskLow {
		id := "disk.low"
		if free < diskFull {
			id = "disk.full"
		}
		s.Find(rules.Get(id).With("dir", dir, "free", fmt.Sprintf("%d MB", free>>20)))
	}
	holder, held := ledger.HeldBy(path)
	var counts ledger.Counts
	err = withLedger(ctx, e, func(led *ledger.Ledger) (err error) {
		counts, err = led.Counts(ctx)
		return err
	})
	switch {
	case errors.Is(err, ledger.ErrNone):
		s.Fine(fmt.Sprintf("%s: no call yet; a write takes %s", dir, took.Round(time.Millisecond)))
		return true
	case err != nil:
		s.Find(rules.Get("disk.ledger").With("why", asFinding(err.Error())))
		return true
	}
	line := fmt.Sprintf("%s: a write takes %s", dir, took.Round(time.Millisecond))
	if held {
		line += "; at the desk is " + holder.String()
	}
	s.Fine(line)
	if n := counts.Dead + counts.Fix; n > 0 {
		s.Find(rules.Get("disk.stuck").With("count", plural(n, "record")))
	}
	if counts.Pending > 0 && time.Since(counts.Oldest) > waitingLong && counts.Dead+counts.Fix == 0 {
		s.Find(rules.Get("disk.waiting").With("count", plural(counts.Pending, "record"), "since", clockTime(counts.Oldest, time.Now())))
	}
	return true
}

// tryDisk writes a file as the ledger does: it is on the disk when this returns.
func tryDisk(dir string) (time.Duration, error) {
	at := dir
	for { // a profile that was never used has no folder: what counts is whether it can be made
		if st, err := os.Stat(at); err == nil {
			if !st.IsDir() {
				return 0, fmt.Errorf("%s is a file", at)
			}
			break
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	began := time.Now()
	f, err := os.CreateTemp(at, ".offhook-doctor-*")
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return 0, err
	}
	defer os.Remove(f.Name())
	_, werr := f.Write(make([]byte, 4096))
	err = errors.Join(werr, f.Sync(), f.Close())
	return time.Since(began), err
}
