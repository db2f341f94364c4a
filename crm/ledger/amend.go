package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"offhook/internal/text"
)

// AmendErrand is the Kind of the errands that Amend leaves; their payload is the record as it should be.
const AmendErrand = "amend"

// Amend stores a later change of an ended call, such as notes: the call is replaced by c (times and state of its end stay). A record
// that is not in Salesforce yet takes item's payload, and its Due unless that is zero: amended is true. One that is sent, is being
// sent, or may have arrived (Ambiguous), keeps what was sent, and an errand to change the Task is left in the same commit, due at item.Due or at once; while it waits,
// later changes replace its payload.
func (l *Ledger) Amend(ctx context.Context, c Call, item Item) (amended bool, err error) {
	const op = "change the call's record"
	if err := errors.Join(valid(c), validJSON("the record", item.Payload, true)); err != nil {
		return false, l.fail(op, err)
	}
	err = l.write(ctx, op, func(tx *sql.Tx) error {
		id, err := callID(tx, c.Key)
		if err != nil {
			return err
		}
		res, err := tx.Exec(`UPDATE calls SET name = ?, match = ?, record_type = ?, record_id = ?, record_name = ?, notes = ?, detail = ?
			WHERE id = ? AND ended <> 0`,
			c.Name.String(), c.Match, c.RecordType, c.RecordID, c.RecordName.String(), c.Notes.String(), string(c.Detail), id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, fmt.Errorf("call %s has not ended", c.Key))
		}
		res, err = tx.Exec(`UPDATE outbox SET payload = ?1, due = CASE WHEN ?2 = 0 THEN due ELSE ?2 END, updated = ?3
			WHERE call = ?4 AND (state = 'pending' AND NOT ambiguous OR state IN ('dead','fix','filtered','dropped'))`,
			string(item.Payload), nanos(item.Due), nanos(l.now()), id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if amended = n > 0; amended || err != nil {
			return err
		}
		return amendLater(tx, c.Key, item, l.now())
	})
	if err != nil {
		return false, err
	}
	l.signal()
	l.signalErrands()
	return amended, nil
}

// amendLater leaves the errand, or gives the one that waits the newer payload.
func amendLater(tx *sql.Tx, key string, item Item, now time.Time) error {
	var last string
	var n int
	err := tx.QueryRow("SELECT key FROM errands WHERE after = ? AND kind = ? AND state IN ('waiting','refused') ORDER BY id DESC LIMIT 1", key, AmendErrand).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRow("SELECT count(*) FROM errands WHERE after = ? AND kind = ?", key, AmendErrand).Scan(&n)
		last = fmt.Sprintf("%s/%s/%d", AmendErrand, key, n+1)
	}
	if err != nil {
		return err
	}
	due := item.Due
	if due.IsZero() {
		due = now
	}
	_, err = addErrand(tx, Errand{Key: last, Kind: AmendErrand, Call: key, Payload: item.Payload, Due: due}, now)
	return err
}

// Amended stores that the Task of a sent record was changed: payload is what it is made of now.
func (l *Ledger) Amended(ctx context.Context, key string, payload json.RawMessage, what text.Text) error {
	if err := validJSON("the record", payload, true); err != nil {
		return l.fail("store the change", err)
	}
	return l.mark(ctx, "store the change", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sent {
			return &StateError{Key: key, State: it.State, Op: "be amended"}
		}
		if _, err := tx.Exec("UPDATE outbox SET payload = ?, updated = ? WHERE call = ?", string(payload), nanos(now), id); err != nil {
			return err
		}
		return attempt(tx, id, now, "amended", "", what, it.TaskID)
	})
}

// Attempting stores, before the Task of a sent record is changed, what is about to be written: payload is what was sent, with that noted.
func (l *Ledger) Attempting(ctx context.Context, key string, payload json.RawMessage) error {
	if err := validJSON("the attempt", payload, true); err != nil {
		return l.fail("store the attempt", err)
	}
	return l.mark(ctx, "store the attempt", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sent {
			return &StateError{Key: key, State: it.State, Op: "be amended"}
		}
		_, err := tx.Exec("UPDATE outbox SET payload = ?, updated = ? WHERE call = ?", string(payload), nanos(now), id)
		return err
	})
}

// CallErrands returns the errands of one call, the oldest first.
func (l *Ledger) CallErrands(ctx context.Context, call string) ([]Errand, error) {
	return l.errands(ctx, "list the errands", "WHERE e.after <> '' AND e.after = ? ORDER BY e.id", call)
}

// DropErrand decides that an errand is not carried out; it stays in the ledger, done, with the reason as its result.
func (l *Ledger) DropErrand(ctx context.Context, key string, reason text.Text) error {
	return l.turnErrand(ctx, "drop the errand", key, "", "state = 'done', result = ?", "dropped: "+reason.String())
}
