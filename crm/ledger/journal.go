package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"offhook/internal/text"
)

// Journal stores the call as it is now and adds a line to its journal: what happened, and when. It is called at the INVITE
// and at every transition, before the effect is visible. When what is empty it only stores the call and that it was up at this
// time, without a line (notes as they are typed). An ended call is not opened again: ErrFinished, nothing changed.
func (l *Ledger) Journal(ctx context.Context, c Call, what string, at time.Time) error {
	const op = "journal the call"
	if err := valid(c); err != nil {
		return l.fail(op, err)
	}
	if hasEnded(c.State) {
		return l.fail(op, fmt.Errorf("state %q ends a call: that is Finish's", c.State))
	}
	c.Ended = time.Time{}
	return l.write(ctx, op, func(tx *sql.Tx) error {
		id, err := l.upsert(tx, c, at)
		if err != nil {
			return err
		}
		if what == "" {
			return nil
		}
		return transition(tx, id, at, c.State, text.Clean(what))
	})
}

// Alive notes that the open calls were still up at this time, so that after a crash their end is known to within the
// interval of these notes (the desk makes them every few seconds while calls are up).
func (l *Ledger) Alive(ctx context.Context, at time.Time) error {
	return l.write(ctx, "journal the calls", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE calls SET seen = max(seen, ?) WHERE ended = 0 AND session = ?", nanos(at), l.session)
		return err
	})
}

// Finish ends the call and puts its record into the outbox, in one transaction. c.State is Ended with a reason; a zero
// c.Ended means now. A nil item means that the call is kept but not sent: state Filtered, with c.Detail as the payload, so that a
// person can still decide otherwise. Of several calls for one key the first counts: the others change nothing and succeed, so
// that a caller that did not hear the answer may repeat it. FinishOnce tells which it was.
func (l *Ledger) Finish(ctx context.Context, c Call, item *Item) error {
	_, err := l.FinishOnce(ctx, c, item)
	return err
}

// FinishOnce is Finish, and reports whether this was the first, the one that counts.
func (l *Ledger) FinishOnce(ctx context.Context, c Call, item *Item) (first bool, err error) {
	const op = "store the call's record"
	if c.Ended.IsZero() {
		c.Ended = l.now()
	}
	if err := valid(c); err != nil {
		return false, l.fail(op, err)
	}
	if !hasEnded(c.State) {
		return false, l.fail(op, fmt.Errorf("state %q does not end a call", c.State))
	}
	it, err := l.queued(c, item)
	if err != nil {
		return false, l.fail(op, err)
	}
	err = l.write(ctx, op, func(tx *sql.Tx) error { return l.finish(tx, c, it) })
	if errors.Is(err, ErrFinished) {
		return false, nil
	}
	if err == nil {
		l.signal()
	}
	return err == nil, err
}

// queued is the outbox row that Finish stores for item.
func (l *Ledger) queued(c Call, item *Item) (Item, error) {
	if item == nil {
		item = &Item{State: Filtered, Payload: c.Detail}
	}
	it := *item
	it.State = cmp.Or(it.State, Pending)
	if it.State != Pending && it.State != Filtered && it.State != Fix {
		return it, fmt.Errorf("a new record cannot be %s", it.State)
	}
	if it.Due.IsZero() {
		it.Due = c.Ended
	}
	return it, validJSON("the record", it.Payload, it.State != Filtered)
}

func (l *Ledger) finish(tx *sql.Tx, c Call, it Item) error {
	id, err := l.upsert(tx, c, c.Ended)
	if err != nil {
		return err
	}
	if err := transition(tx, id, c.Ended, c.State, c.Cause); err != nil {
		return err
	}
	now := l.now()
	_, err = tx.Exec(`INSERT INTO outbox (call, state, payload, attempts, due, created, updated, last_error, error_class, task_id, degraded, ambiguous)
		VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, '', ?, ?)`,
		id, string(it.State), string(it.Payload), nanos(it.Due), nanos(now), nanos(now), it.LastError.String(), it.ErrorClass, it.Degraded, it.Ambiguous)
	if err != nil {
		return err
	}
	result := "queued"
	if it.State != Pending {
		result = string(it.State)
	}
	return attempt(tx, id, now, result, it.ErrorClass, it.LastError, "")
}

// Recover ends the calls that an earlier desk left open, each in one transaction with its record: state EndedCrash, ended at
// the last sign of life on disk (never after at). build makes the record of such a call; nil means Filtered. It returns the calls it
// has ended, also when it fails on a later one; calls of this desk are left alone, so it may be called again.
func (l *Ledger) Recover(ctx context.Context, at time.Time, build func(Call) *Item) ([]Call, error) {
	const op = "finish the calls that were cut off"
	open, seen, err := l.openCalls(ctx)
	if err != nil {
		return nil, l.fail(op, err)
	}
	var done []Call
	for i, c := range open {
		c.State = EndedCrash
		c.Ended = seen[i]
		if c.Ended.After(at) { // the clock was set back in between
			c.Ended = at
		}
		if !c.Answered.IsZero() {
			c.Seconds = int(max(0, c.Ended.Sub(c.Answered)).Round(time.Second) / time.Second)
		}
		if c.Cause.Empty() {
			c.Cause = text.Clean("offhook stopped during the call")
		}
		first, err := l.FinishOnce(ctx, c, build(c))
		if err != nil {
			return done, err
		}
		if first {
			done = append(done, c)
		}
	}
	return done, nil
}

func (l *Ledger) openCalls(ctx context.Context) (open []Call, seen []time.Time, err error) {
	es, err := entries(ctx, l.r, "SELECT "+entryColumns+entryTables+"WHERE c.ended = 0 AND c.session <> ? ORDER BY c.id", l.session)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range es {
		var n int64
		if err := l.r.QueryRowContext(ctx, "SELECT seen FROM calls WHERE key = ?", e.Call.Key).Scan(&n); err != nil {
			return nil, nil, err
		}
		open, seen = append(open, e.Call), append(seen, fromNanos(n))
	}
	return open, seen, nil
}

func valid(c Call) error {
	if len(c.Key) == 0 || len(c.Key) > 64 {
		return fmt.Errorf("a call key has 1 to 64 characters, not %d", len(c.Key))
	}
	if c.State == "" || c.Started.IsZero() {
		return fmt.Errorf("call %s has no state or no start", c.Key)
	}
	return validJSON("the detail of call "+c.Key, c.Detail, false)
}

// upsert stores the call unless it has ended.
func (l *Ledger) upsert(tx *sql.Tx, c Call, seen time.Time) (int64, error) {
	var id int64
	err := tx.QueryRow(`INSERT INTO calls (key, session, state, direction, outgoing, number, rdigits, name, match,
			record_type, record_id, record_name, started, answered, ended, seen, seconds, cause, notes, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET session = excluded.session, state = excluded.state, direction = excluded.direction,
			outgoing = excluded.outgoing, number = excluded.number, rdigits = excluded.rdigits, name = excluded.name, match = excluded.match,
			record_type = excluded.record_type, record_id = excluded.record_id, record_name = excluded.record_name, started = excluded.started,
			answered = excluded.answered, ended = excluded.ended, seen = max(seen, excluded.seen), seconds = excluded.seconds,
			cause = excluded.cause, notes = excluded.notes, detail = excluded.detail
			WHERE ended = 0
		RETURNING id`,
		c.Key, l.session, c.State, c.Direction, c.Outgoing, c.Number.String(), reversedDigits(c.Number.String()), c.Name.String(), c.Match,
		c.RecordType, c.RecordID, c.RecordName.String(), nanos(c.Started), nanos(c.Answered), nanos(c.Ended), nanos(seen), c.Seconds,
		c.Cause.String(), c.Notes.String(), string(c.Detail)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrFinished
	}
	return id, err
}

func transition(tx *sql.Tx, id int64, at time.Time, state string, what text.Text) error {
	_, err := tx.Exec(`INSERT INTO transitions (call, seq, at, state, what)
		VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM transitions WHERE call = ?1), ?2, ?3, ?4)`,
		id, nanos(at), state, what.String())
	return err
}
