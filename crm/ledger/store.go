package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"offhook/internal/text"
)

// write runs fn in one transaction and commits it. See Ledger for what contexts mean here.
func (l *Ledger) write(ctx context.Context, op string, fn func(*sql.Tx) error) error {
	if l.w == nil {
		return &Error{Op: op, Path: l.path, Kind: ErrReadOnly, Err: errors.New("it was opened for reading")}
	}
	tx, err := l.w.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return l.fail(op, closed(err))
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // SQLite has rolled back by itself after some errors; then this one says nothing new
		return l.fail(op, err)
	}
	return l.fail(op, tx.Commit())
}

// closed names database/sql's untyped error for a closed database.
func closed(err error) error {
	if err != nil && err.Error() == "sql: database is closed" {
		return ErrClosed
	}
	return err
}

// nanos is how times are stored.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// callID finds the row of a call.
func callID(tx *sql.Tx, key string) (int64, error) {
	var id int64
	err := tx.QueryRow("SELECT id FROM calls WHERE key = ?", key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &NotFoundError{Key: key}
	}
	return id, err
}

func validJSON(what string, raw json.RawMessage, needed bool) error {
	if len(raw) == 0 && !needed {
		return nil
	}
	if !json.Valid(raw) {
		return fmt.Errorf("%s is not JSON", what)
	}
	return nil
}

// block brings stored notes back; they were cleaned before they were stored, and are cleaned again because the file is
// outside of the program.
func block(s string) text.Block { return text.CleanBlock(s, len(s)) }

// The columns of a call and of its record, as scanEntry reads them.
const entryColumns = `c.key, c.state, c.direction, c.outgoing, c.number, c.name, c.match, c.record_type, c.record_id, c.record_name,
	c.started, c.answered, c.ended, c.seconds, c.cause, c.notes, c.detail,
	o.state, o.payload, o.attempts, o.due, o.created, o.updated, o.last_error, o.error_class, o.task_id, o.degraded, o.ambiguous`

const entryTables = ` FROM calls c LEFT JOIN outbox o ON o.call = c.id `

// scanEntry reads one row of entryColumns.
func scanEntry(row interface{ Scan(...any) error }) (Entry, error) {
	var e Entry
	c := &e.Call
	var number, name, recordName, cause, notes, detail string
	var started, answered, ended int64
	var state, payload, lastError, class, task sql.NullString
	var attempts, due, created, updated sql.NullInt64
	var degraded, ambiguous sql.NullBool
	err := row.Scan(&c.Key, &c.State, &c.Direction, &c.Outgoing, &number, &name, &c.Match, &c.RecordType, &c.RecordID, &recordName,
		&started, &answered, &ended, &c.Seconds, &cause, &notes, &detail,
		&state, &payload, &attempts, &due, &created, &updated, &lastError, &class, &task, &degraded, &ambiguous)
	if err != nil {
		return Entry{}, err
	}
	c.Number, c.Name, c.RecordName, c.Cause, c.Notes = text.Clean(number), text.Clean(name), text.Clean(recordName), text.Clean(cause), block(notes)
	c.Started, c.Answered, c.Ended = fromNanos(started), fromNanos(answered), fromNanos(ended)
	if detail != "" {
		c.Detail = json.RawMessage(detail)
	}
	if state.Valid {
		c.TaskID = task.String
		e.Item = &Item{
			Key: c.Key, State: ItemState(state.String), Attempts: int(attempts.Int64), Due: fromNanos(due.Int64),
			Created: fromNanos(created.Int64), Updated: fromNanos(updated.Int64), LastError: text.Clean(lastError.String),
			ErrorClass: class.String, TaskID: task.String, Degraded: degraded.Bool, Ambiguous: ambiguous.Bool,
		}
		if payload.String != "" {
			e.Item.Payload = json.RawMessage(payload.String)
		}
	}
	return e, nil
}

// entries runs a query for entryColumns.
func entries(ctx context.Context, db querier, query string, args ...any) ([]Entry, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, closed(err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

type querier interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}
