package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"modernc.org/sqlite"
)

// Kinds of failure that a caller decides on, for errors.Is. Every error of this package that comes from the disk is an
// *Error of one of these kinds.
var (
	ErrDiskFull = errors.New("the disk is full")
	ErrReadOnly = errors.New("the ledger cannot be written")
	ErrCorrupt  = errors.New("the ledger file is damaged")
	ErrDisk     = errors.New("the disk failed")
	ErrBusy     = errors.New("another program keeps the ledger locked")
	ErrNetwork  = errors.New("the ledger is on a network file system")
	ErrSchema   = errors.New("the ledger belongs to another version of offhook")
	ErrNone     = errors.New("there is no ledger yet")
	ErrClosed   = errors.New("the ledger is closed")
)

// ErrFinished: the call has ended already; nothing was changed.
var ErrFinished = errors.New("the call has ended already")

// Error is a failure of the store. Its text is one line: what happened, what it means, what to do.
type Error struct {
	Op   string // what was attempted: "journal the call"
	Path string
	Kind error // one of the kinds above, nil when it is none of them
	Err  error // the cause
}

func (e *Error) Error() string {
	if e.Kind == nil {
		return fmt.Sprintf("cannot %s: %v", e.Op, e.Err)
	}
	if e.Kind == ErrNone { // nothing failed: there is nothing yet
		return "this profile has had no call yet; check --profile, or start offhook: " + e.Path
	}
	return fmt.Sprintf("cannot %s: %v – %s", e.Op, e.Kind, e.advice())
}

// Unwrap gives kind and cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

func (e *Error) advice() string {
	switch e.Kind {
	case ErrDiskFull:
		return "no call and no record is safe until it has space again; free some for " + e.Path
	case ErrReadOnly:
		return "check owner and permissions of " + e.Path
	case ErrCorrupt:
		return "nothing was changed; set it aside to start a new one: " + e.Path
	case ErrDisk:
		return fmt.Sprintf("no call and no record is safe until it works again; check the disk of %s (%v)", e.Path, e.Err)
	case ErrBusy:
		return "close the program that has it open: " + e.Path
	case ErrNetwork:
		return "SQLite can lose records there; choose a folder on a local disk instead of " + e.Path
	case ErrSchema:
		return fmt.Sprintf("%v: %s", e.Err, e.Path)
	}
	return e.Path
}

// HeldError: another process is this profile's desk. The lock is never taken from it.
type HeldError struct {
	Path   string
	Holder Holder // zero when it could not be read
}

func (e *HeldError) Error() string {
	if e.Holder.PID == 0 {
		return "this profile is in use by another program: end it first, or choose another --profile (" + e.Path + ")"
	}
	return "this profile is in use by " + e.Holder.String() + ": end it there first, or choose another --profile"
}

// NotFoundError: no call has this key, or a key that begins so.
type NotFoundError struct{ Key string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no call %q in the ledger: offhook history lists them", e.Key)
}

// AmbiguousError: several calls have a key that begins so.
type AmbiguousError struct {
	Prefix string
	Keys   []string // the newest ones, at most 8
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of several calls (%s): give more of the key", e.Prefix, strings.Join(e.Keys, ", "))
}

// StateError: the record's state does not allow what was asked; nothing was changed.
type StateError struct {
	Key   string
	State ItemState
	Op    string // retry, drop, replace, …
}

func (e *StateError) Error() string {
	switch e.State {
	case Sending:
		return fmt.Sprintf("record %s is being sent at this moment: try to %s it again in a few seconds", e.Key, e.Op)
	case Sent:
		return fmt.Sprintf("record %s is in Salesforce already: nothing to %s", e.Key, e.Op)
	}
	return fmt.Sprintf("record %s is %s: it cannot %s now", e.Key, e.State, e.Op)
}

// DuplicateError: the record was already marked sent with another Task. Both ids are kept in its story.
type DuplicateError struct{ Key, First, Second string }

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("call %s has two Tasks in Salesforce (%s, %s): delete the second", e.Key, e.First, e.Second)
}

// Primary result codes of SQLite (sqlite.org/rescode.html); extended codes carry them in the low byte.
const (
	sqlitePerm     = 3
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteAuth     = 23
	sqliteNotADB   = 26
)

// kindOf finds the kind of a failure of the store, nil when it is none.
func kindOf(err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqliteFull:
			return ErrDiskFull
		case sqliteReadOnly, sqlitePerm, sqliteCantOpen, sqliteAuth:
			return ErrReadOnly
		case sqliteCorrupt, sqliteNotADB:
			return ErrCorrupt
		case sqliteIOErr:
			return ErrDisk
		case sqliteBusy, sqliteLocked:
			return ErrBusy
		}
		return nil
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ErrDiskFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrReadOnly
	case errors.Is(err, fs.ErrNotExist):
		return ErrNone
	}
	return nil
}

// fail makes an *Error of a failure; errors that are meant for the caller pass unchanged.
func (l *Ledger) fail(op string, err error) error { return failAt(l.path, op, err) }

func failAt(path, op string, err error) error {
	if err == nil || passes(err) {
		return err
	}
	return &Error{Op: op, Path: path, Kind: kindOf(err), Err: err}
}

func passes(err error) bool {
	for _, is := range []func(error) bool{as[*Error], as[*HeldError], as[*NotFoundError], as[*AmbiguousError], as[*StateError], as[*DuplicateError]} {
		if is(err) {
			return true
		}
	}
	return errors.Is(err, ErrFinished)
}

func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}
