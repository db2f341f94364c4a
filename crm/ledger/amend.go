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

// AmendErrand is the Kind of the errands that Amend leaves; their payload is the record as it should be.
const AmendErrand = "amend"

// Change is a later change of an ended call, such as notes: it gets the call and its record as they are on disk at this moment, with the changes
// that wait, and returns them as they should be. It runs inside a transaction and may run again: it must not do anything else.
type Change func(c Call, record json.RawMessage) (Call, json.RawMessage, error)

// Amend carries out a change of an ended call; times and state of its end stay. A record that is not in Salesforce yet takes what the
// change returned, and due unless that is zero: amended is true. One that is sent, is being sent, or may have arrived (Ambiguous), keeps
// what was sent, and an errand to change the Task is left in the same commit, due then or at once; while it waits, later
// changes replace its payload. Several programs may amend one call: each change builds on the one before.
func (l *Ledger) Amend(ctx context.Context, key string, due time.Time, change Change) (amended bool, err error) {
	const op = "change the call's record"
	err = l.write(ctx, op, func(tx *sql.Tx) error {
		id, err := callID(tx, key)
		if err != nil {
			return err
		}
		c, body, err := changed(context.WithoutCancel(ctx), tx, key, change)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE calls SET name = ?, match = ?, record_type = ?, record_id = ?, record_name = ?, notes = ?, detail = ? WHERE id = ?`,
			c.Name.String(), c.Match, c.RecordType, c.RecordID, c.RecordName.String(), c.Notes.String(), string(c.Detail), id)
		if err != nil {
			return err
		}
		res, err := tx.Exec(`UPDATE outbox SET payload = ?1, due = CASE WHEN ?2 = 0 THEN due ELSE ?2 END, updated = ?3
			WHERE call = ?4 AND (state = 'pending' AND NOT ambiguous OR state IN ('dead','fix','filtered','dropped'))`,
			string(body), nanos(due), nanos(l.now()), id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if amended = n > 0; amended {
			// A change that was left while the record was under way, which then came back, must not undo this one.
			_, err = tx.Exec("UPDATE errands SET payload = ?, updated = ? WHERE after = ? AND kind = ? AND state IN ('waiting','refused')",
				string(body), nanos(l.now()), key, AmendErrand)
			return err
		}
		return amendLater(tx, key, Item{Payload: body, Due: due}, l.now())
	})
	if err != nil {
		return false, err
	}
	l.signal()
	l.signalErrands()
	return amended, nil
}

// Latest returns a call that has ended and its record as it should be now: with the newest change that is not carried out yet. It is
// what the next Amend builds on, whichever program made it.
func (l *Ledger) Latest(ctx context.Context, key string) (Call, json.RawMessage, error) {
	c, record, err := latest(ctx, l.r, key)
	return c, record, l.fail("read the call's record", closed(err))
}

func latest(ctx context.Context, db querier, key string) (Call, json.RawMessage, error) {
	es, err := entries(ctx, db, "SELECT "+entryColumns+entryTables+"WHERE c.key = ?", key)
	if err != nil {
		return Call{}, nil, err
	}
	if len(es) != 1 || es[0].Item == nil {
		return Call{}, nil, fmt.Errorf("call %s has not ended", key)
	}
	now := es[0].Item.Payload
	var later string
	err = db.QueryRowContext(ctx, "SELECT payload FROM errands WHERE after = ? AND kind = ? AND state <> 'done' ORDER BY id DESC LIMIT 1", key, AmendErrand).Scan(&later)
	switch {
	case err == nil:
		now = json.RawMessage(later)
	case !errors.Is(err, sql.ErrNoRows):
		return Call{}, nil, err
	}
	return es[0].Call, now, nil
}

// changed applies a change to a call as it is on disk.
func changed(ctx context.Context, tx *sql.Tx, key string, change Change) (Call, json.RawMessage, error) {
	c, now, err := latest(ctx, tx, key)
	if err != nil {
		return Call{}, nil, err
	}
	c, body, err := change(c, now)
	if err == nil {
		err = errors.Join(valid(c), validJSON("the record", body, true))
	}
	return c, body, err
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
