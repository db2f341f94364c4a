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

// Due returns the pending records whose time has come, the longest due first, at most limit of them.
func (l *Ledger) Due(ctx context.Context, now time.Time, limit int) ([]Item, error) {
	es, err := entries(ctx, l.r, "SELECT "+entryColumns+" FROM outbox o JOIN calls c ON c.id = o.call WHERE o.state = 'pending' AND o.due <= ? ORDER BY o.due, o.call LIMIT ?",
		nanos(now), limit)
	if err != nil {
		return nil, l.fail("look for records to send", err)
	}
	out := make([]Item, len(es))
	for i, e := range es {
		out[i] = *e.Item
	}
	return out, nil
}

// NextDue tells when the next pending record is due; false when none is pending.
func (l *Ledger) NextDue(ctx context.Context) (time.Time, bool, error) {
	var n sql.NullInt64
	err := l.r.QueryRowContext(ctx, "SELECT min(due) FROM outbox WHERE state = 'pending'").Scan(&n)
	return fromNanos(n.Int64), n.Valid, l.fail("look for records to send", closed(err))
}

// Claim takes one record for sending: from pending to sending, one attempt more. False means that there is nothing to send
// under this key at this time (sent, dropped, claimed, not due yet). The item is as it is on disk now. An item whose earlier attempt may have
// reached Salesforce is Ambiguous: the sender looks it up by key first.
func (l *Ledger) Claim(ctx context.Context, key string, now time.Time) (Item, bool, error) {
	var item Item
	var ok bool
	err := l.write(ctx, "take the record for sending", func(tx *sql.Tx) error {
		res, err := tx.Exec(`UPDATE outbox SET state = 'sending', attempts = attempts + 1, updated = ?
			WHERE call = (SELECT id FROM calls WHERE key = ?) AND state = 'pending' AND due <= ?`, nanos(l.now()), key, nanos(now))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		es, err := entries(context.WithoutCancel(ctx), tx, "SELECT "+entryColumns+entryTables+"WHERE c.key = ?", key)
		if err == nil && len(es) == 1 {
			item, ok = *es[0].Item, true
		}
		return err
	})
	return item, ok && err == nil, err
}

// MarkSent stores that Salesforce has the record as this Task. It is accepted in every state, because it is the truth; a second Task for
// a record already sent is kept in its story and returned as a *DuplicateError.
func (l *Ledger) MarkSent(ctx context.Context, key, taskID string) error {
	var dup *DuplicateError
	err := l.mark(ctx, "store that the record was sent", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State == Sent {
			if it.TaskID == taskID {
				return nil
			}
			dup = &DuplicateError{Key: key, First: it.TaskID, Second: taskID}
			return attempt(tx, id, now, "duplicate", "", text.Text{}, taskID)
		}
		_, err := tx.Exec(`UPDATE outbox SET state = 'sent', task_id = ?, last_error = '', error_class = '', ambiguous = 0, updated = ? WHERE call = ?`,
			taskID, nanos(now), id)
		if err != nil {
			return err
		}
		return attempt(tx, id, now, "sent", "", text.Text{}, taskID)
	})
	if err == nil {
		l.signalErrands()
	}
	if err == nil && dup != nil {
		return dup
	}
	return err
}

// MarkRetry gives a claimed record back for a later attempt at f.Due.
func (l *Ledger) MarkRetry(ctx context.Context, key string, f Failure) error {
	return l.mark(ctx, "store when the record is sent again", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sending {
			return &StateError{Key: key, State: it.State, Op: "be tried again"}
		}
		_, err := tx.Exec(`UPDATE outbox SET state = 'pending', due = ?, last_error = ?, error_class = ?, updated = ?,
			ambiguous = ambiguous OR ?, attempts = max(0, attempts - ?) WHERE call = ?`,
			nanos(f.Due), f.Reason.String(), f.Class, nanos(now), f.Ambiguous, f.Free, id)
		if err != nil {
			return err
		}
		if over, err := errandOver(tx, f.Awaits); err != nil {
			return err
		} else if over {
			if _, err := tx.Exec("UPDATE outbox SET due = min(due, ?) WHERE call = ?", nanos(now), id); err != nil {
				return err
			}
		}
		return attempt(tx, id, now, "retry", f.Class, f.Reason, "")
	})
}

// Refine replaces the payload of a claimed record by what was found out while it is sent; it stays claimed.
func (l *Ledger) Refine(ctx context.Context, key string, payload json.RawMessage) error {
	if err := validJSON("the record", payload, true); err != nil {
		return l.fail("store what was found out", err)
	}
	return l.mark(ctx, "store what was found out", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sending {
			return &StateError{Key: key, State: it.State, Op: "be completed"}
		}
		_, err := tx.Exec(`UPDATE outbox SET payload = ?, updated = ? WHERE call = ?`, string(payload), nanos(now), id)
		return err
	})
}

// Degrade gives a claimed record back with a smaller payload, to be sent at once: Salesforce refused an optional part.
func (l *Ledger) Degrade(ctx context.Context, key string, payload json.RawMessage, f Failure) error {
	if err := validJSON("the record", payload, true); err != nil {
		return l.fail("store the smaller record", err)
	}
	return l.mark(ctx, "store the smaller record", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sending {
			return &StateError{Key: key, State: it.State, Op: "be degraded"}
		}
		_, err := tx.Exec(`UPDATE outbox SET state = 'pending', payload = ?, degraded = 1, due = ?, last_error = ?, error_class = ?, updated = ?,
			ambiguous = ambiguous OR ? WHERE call = ?`,
			string(payload), nanos(f.Due), f.Reason.String(), f.Class, nanos(now), f.Ambiguous, id)
		if err != nil {
			return err
		}
		return attempt(tx, id, now, "degraded", f.Class, f.Reason, "")
	})
}

// MarkDead ends the attempts: Salesforce refused the record for good and a person must look.
func (l *Ledger) MarkDead(ctx context.Context, key string, f Failure) error {
	return l.refuse(ctx, key, Dead, f)
}

// MarkFix ends the attempts until a person has completed the record (a required value, a choice among many).
func (l *Ledger) MarkFix(ctx context.Context, key string, f Failure) error {
	return l.refuse(ctx, key, Fix, f)
}

func (l *Ledger) refuse(ctx context.Context, key string, to ItemState, f Failure) error {
	return l.mark(ctx, "store that the record was refused", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sending && it.State != Pending {
			return &StateError{Key: key, State: it.State, Op: "be given up"}
		}
		_, err := tx.Exec(`UPDATE outbox SET state = ?, last_error = ?, error_class = ?, updated = ?, ambiguous = ambiguous OR ? WHERE call = ?`,
			string(to), f.Reason.String(), f.Class, nanos(now), f.Ambiguous, id)
		if err != nil {
			return err
		}
		return attempt(tx, id, now, string(to), f.Class, f.Reason, "")
	})
}

// Retry makes a record due now, with its attempts counted anew. Sent records and those being sent are a *StateError.
func (l *Ledger) Retry(ctx context.Context, key string) error {
	return l.decide(ctx, key, "retry", "retried", text.Text{}, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if len(it.Payload) == 0 {
			return fmt.Errorf("record %s was never written down: there is nothing to send", key)
		}
		return requeue(tx, id, now)
	})
}

// RetryAll makes every pending record due now, and with dead also those that were refused. It returns how many there were.
func (l *Ledger) RetryAll(ctx context.Context, dead bool) (int, error) {
	n := 0
	err := l.write(ctx, "retry the records", func(tx *sql.Tx) error {
		rows, err := tx.Query(`SELECT call FROM outbox WHERE payload <> '' AND (state = 'pending' OR ? AND state IN ('dead','fix'))`, dead)
		if err != nil {
			return err
		}
		var ids []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return errors.Join(err, rows.Close())
			}
			ids = append(ids, id)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		now := l.now()
		for _, id := range ids {
			if err := errors.Join(requeue(tx, id, now), attempt(tx, id, now, "retried", "", text.Text{}, "")); err != nil {
				return err
			}
		}
		n = len(ids)
		return nil
	})
	if err != nil {
		return 0, err
	}
	l.signal()
	return n, nil
}

func requeue(tx *sql.Tx, id int64, now time.Time) error {
	_, err := tx.Exec(`UPDATE outbox SET state = 'pending', attempts = 0, due = min(due, ?1), updated = ?1 WHERE call = ?2`, nanos(now), id)
	return err
}

// Replace puts another payload in a record's place and makes it due now: a person has edited it.
func (l *Ledger) Replace(ctx context.Context, key string, payload json.RawMessage) error {
	if err := validJSON("the record", payload, true); err != nil {
		return l.fail("replace the record", err)
	}
	return l.decide(ctx, key, "replace", "edited", text.Text{}, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if _, err := tx.Exec(`UPDATE outbox SET payload = ?, degraded = 0 WHERE call = ?`, string(payload), id); err != nil {
			return err
		}
		return requeue(tx, id, now)
	})
}

// Drop decides that a record is not sent. It stays in the ledger and can be retried.
func (l *Ledger) Drop(ctx context.Context, key string, reason text.Text) error {
	return l.decide(ctx, key, "drop", "dropped", reason, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		_, err := tx.Exec(`UPDATE outbox SET state = 'dropped', updated = ? WHERE call = ?`, nanos(now), id)
		return err
	})
}

// decide carries out a person's decision about a record that is neither sent nor being sent.
func (l *Ledger) decide(ctx context.Context, key, verb, result string, reason text.Text, do func(*sql.Tx, int64, Item, time.Time) error) error {
	err := l.mark(ctx, verb+" the record", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State == Sent || it.State == Sending {
			return &StateError{Key: key, State: it.State, Op: verb}
		}
		if err := do(tx, id, it, now); err != nil {
			return err
		}
		return attempt(tx, id, now, result, "", reason, "")
	})
	if err == nil {
		l.signal()
		l.signalErrands()
	}
	return err
}

// mark runs a change of one record in one transaction, with the record as it is on disk.
func (l *Ledger) mark(ctx context.Context, op, key string, do func(*sql.Tx, int64, Item, time.Time) error) error {
	return l.write(ctx, op, func(tx *sql.Tx) error {
		id, err := callID(tx, key)
		if err != nil {
			return err
		}
		es, err := entries(context.WithoutCancel(ctx), tx, "SELECT "+entryColumns+entryTables+"WHERE c.id = ?", id)
		if err != nil {
			return err
		}
		if len(es) != 1 || es[0].Item == nil {
			return fmt.Errorf("call %s has no record yet: it has not ended", key)
		}
		return do(tx, id, *es[0].Item, l.now())
	})
}

// settle makes the records that a dead sender left behind pending and ambiguous. Only the holder of the lock may.
func (l *Ledger) settle(ctx context.Context) error {
	var n int
	if err := l.w.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM outbox WHERE state = 'sending') + (SELECT count(*) FROM errands WHERE state = 'doing')").Scan(&n); err != nil || n == 0 {
		return l.fail("open the ledger", err) // nothing to write: a full disk does not keep anybody from looking
	}
	return l.write(ctx, "settle interrupted records", func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE errands SET state = 'waiting', ambiguous = 1, updated = ? WHERE state = 'doing'", nanos(l.now())); err != nil {
			return err
		}
		now := nanos(l.now())
		_, err := tx.Exec(`INSERT INTO attempts (call, seq, at, result, class, reason, task_id)
			SELECT call, (SELECT coalesce(max(seq), 0) + 1 FROM attempts a WHERE a.call = o.call), ?, 'interrupted', '', 'offhook stopped while sending', ''
			FROM outbox o WHERE state = 'sending'`, now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE outbox SET state = 'pending', ambiguous = 1, updated = ? WHERE state = 'sending'`, now)
		return err
	})
}

func attempt(tx *sql.Tx, id int64, at time.Time, result, class string, reason text.Text, task string) error {
	_, err := tx.Exec(`INSERT INTO attempts (call, seq, at, result, class, reason, task_id)
		VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM attempts WHERE call = ?1), ?2, ?3, ?4, ?5, ?6)`,
		id, nanos(at), result, class, reason.String(), task)
	return err
}
