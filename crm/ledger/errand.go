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

// ErrandState is the state of one errand.
type ErrandState string

// Errand states.
//
//	AddErrand ─▶ waiting ── ClaimErrand ─▶ doing ── ErrandDone ──▶ done
//	                ▲                        ├──── ErrandDead ──▶ refused ─┐
//	                └──── ErrandRetry, restart ──┴─────── RetryErrand ◀────┘
const (
	ErrandWaiting ErrandState = "waiting" // to be carried out at Due
	ErrandDoing   ErrandState = "doing"   // claimed
	ErrandOver    ErrandState = "done"
	ErrandRefused ErrandState = "refused" // Salesforce refused it for good: a person must look
)

// Errand is something else than a call's Task that Salesforce must be told once and for good: a later change of a Task, a campaign
// member's status, a callback, a login. It has the durability of a call record and stands in its own queue, so that it never
// delays one.
type Errand struct {
	Key       string // unique: the same errand is added once however often it is asked for
	Kind      string // who carries it out: "amend", "member", "callback", "event", "attach" …
	Call      string // key of the call whose Task must be in Salesforce first; "" for none
	State     ErrandState
	Payload   json.RawMessage // opaque here; valid JSON
	Attempts  int
	Due       time.Time // not before; zero in AddErrand means at once
	Created   time.Time // read only
	Updated   time.Time // read only
	LastError text.Text
	Class     string // Failure.Class
	Result    string // what came of it: an id
	Ambiguous bool   // an earlier attempt may have reached Salesforce: look before repeating
	TaskID    string // of Call, when it was sent; read only
}

const errandColumns = `e.key, e.kind, e.after, e.state, e.payload, e.attempts, e.due, e.created, e.updated, e.last_error, e.error_class, e.result, e.ambiguous,
	coalesce((SELECT o.task_id FROM outbox o JOIN calls c ON c.id = o.call WHERE c.key = e.after), '')`

// ready is true for errands whose call has its Task; of a call that is gone or that is never sent nobody can wait. Those of one call
// are carried out one after the other.
const ready = `(e.after = '' OR NOT EXISTS (SELECT 1 FROM outbox o JOIN calls c ON c.id = o.call WHERE c.key = e.after AND o.state IN ('pending','sending','dead','fix'))
	AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.key = e.after AND c.ended = 0)
	AND NOT EXISTS (SELECT 1 FROM errands x WHERE x.after = e.after AND x.state = 'doing'))`

func scanErrand(row interface{ Scan(...any) error }) (Errand, error) {
	var e Errand
	var state, payload, lastError string
	var due, created, updated int64
	err := row.Scan(&e.Key, &e.Kind, &e.Call, &state, &payload, &e.Attempts, &due, &created, &updated, &lastError, &e.Class, &e.Result, &e.Ambiguous, &e.TaskID)
	e.State, e.Payload, e.LastError = ErrandState(state), json.RawMessage(payload), text.Clean(lastError)
	e.Due, e.Created, e.Updated = fromNanos(due), fromNanos(created), fromNanos(updated)
	return e, err
}

func (l *Ledger) errands(ctx context.Context, op, where string, args ...any) ([]Errand, error) {
	rows, err := l.r.QueryContext(ctx, "SELECT "+errandColumns+" FROM errands e "+where, args...)
	if err != nil {
		return nil, l.fail(op, closed(err))
	}
	out, err := collect(rows, func(r *sql.Rows) (Errand, error) { return scanErrand(r) })
	return out, l.fail(op, err)
}

// AddErrand stores an errand. One with this key that still waits or was refused gets the new payload and due time; one that was
// done, or is being done, stays as it is and added is false.
func (l *Ledger) AddErrand(ctx context.Context, e Errand) (added bool, err error) {
	if e.Key == "" || e.Kind == "" {
		return false, l.fail("store the errand", errors.New("it has no key or no kind"))
	}
	if err := validJSON("the errand", e.Payload, true); err != nil {
		return false, l.fail("store the errand", err)
	}
	err = l.write(ctx, "store the errand", func(tx *sql.Tx) error {
		added, err = addErrand(tx, e, l.now())
		return err
	})
	if added && err == nil {
		l.signalErrands()
	}
	return added && err == nil, err
}

func addErrand(tx *sql.Tx, e Errand, now time.Time) (bool, error) {
	res, err := tx.Exec(`INSERT INTO errands(key, kind, after, state, payload, attempts, due, created, updated, last_error, error_class, result, ambiguous)
		VALUES (?, ?, ?, 'waiting', ?, 0, ?, ?, ?, '', '', '', 0)
		ON CONFLICT(key) DO UPDATE SET payload = excluded.payload, due = excluded.due, updated = excluded.updated, state = 'waiting'
		WHERE state IN ('waiting','refused')`,
		e.Key, e.Kind, e.Call, string(e.Payload), nanos(e.Due), nanos(now), nanos(now))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// DueErrands returns what can be carried out at this time, the longest due first: what follows a call only when that call's Task is
// there, or when it never will be.
func (l *Ledger) DueErrands(ctx context.Context, now time.Time, limit int) ([]Errand, error) {
	return l.errands(ctx, "look for errands", "WHERE e.state = 'waiting' AND e.due <= ? AND "+ready+" ORDER BY e.due, e.id LIMIT ?", nanos(now), limit)
}

// NextErrand tells when the next errand is due that does not wait for a call; false when there is none.
func (l *Ledger) NextErrand(ctx context.Context) (time.Time, bool, error) {
	var n sql.NullInt64
	err := l.r.QueryRowContext(ctx, "SELECT min(e.due) FROM errands e WHERE e.state = 'waiting' AND "+ready).Scan(&n)
	return fromNanos(n.Int64), n.Valid, l.fail("look for errands", closed(err))
}

// Errands returns errands in the given states (all when none is given), of one kind or of all (""), the oldest first.
func (l *Ledger) Errands(ctx context.Context, kind string, states ...ErrandState) ([]Errand, error) {
	where, args := "WHERE (? = '' OR e.kind = ?)", []any{kind, kind}
	if len(states) > 0 {
		where += " AND e.state IN (?" + marks(len(states)-1) + ")"
		args = append(args, anys(states)...)
	}
	return l.errands(ctx, "list the errands", where+" ORDER BY e.id", args...)
}

func marks(n int) string {
	out := make([]byte, 0, 2*n)
	for range n {
		out = append(out, ",?"...)
	}
	return string(out)
}

// ClaimErrand takes one errand for an attempt; false when there is nothing to do under this key now.
func (l *Ledger) ClaimErrand(ctx context.Context, key string, now time.Time) (Errand, bool, error) {
	var got Errand
	var ok bool
	err := l.write(ctx, "take the errand", func(tx *sql.Tx) error {
		res, err := tx.Exec("UPDATE errands AS e SET state = 'doing', attempts = attempts + 1, updated = ? WHERE key = ? AND state = 'waiting' AND due <= ? AND "+ready,
			nanos(l.now()), key, nanos(now))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		got, err = scanErrand(tx.QueryRow("SELECT "+errandColumns+" FROM errands e WHERE key = ?", key))
		ok = err == nil
		return err
	})
	return got, ok && err == nil, err
}

// ErrandDone stores that an errand was carried out, and what came of it. It is accepted in every state, because it is the truth.
func (l *Ledger) ErrandDone(ctx context.Context, key, result string) error {
	return l.turnErrand(ctx, "store that the errand is done", key, "",
		"state = 'done', result = ?, last_error = '', error_class = '', ambiguous = 0", result)
}

// ErrandRetry gives a claimed errand back for a later attempt at f.Due.
func (l *Ledger) ErrandRetry(ctx context.Context, key string, f Failure) error {
	return l.turnErrand(ctx, "store when the errand is tried again", key, ErrandDoing,
		`state = 'waiting', due = CASE WHEN ?1 <> '' AND NOT EXISTS (SELECT 1 FROM errands o WHERE o.key = ?1 AND o.state IN ('waiting','doing')) THEN min(?2, ?3) ELSE ?2 END,
		last_error = ?4, error_class = ?5, ambiguous = ambiguous OR ?6, attempts = max(0, attempts - ?7)`,
		f.Awaits, nanos(f.Due), nanos(l.now()), f.Reason.String(), f.Class, f.Ambiguous, f.Free)
}

// ErrandDead ends the attempts: a person must look.
func (l *Ledger) ErrandDead(ctx context.Context, key string, f Failure) error {
	return l.turnErrand(ctx, "store that the errand was refused", key, ErrandDoing,
		"state = 'refused', last_error = ?, error_class = ?, ambiguous = ambiguous OR ?", f.Reason.String(), f.Class, f.Ambiguous)
}

// RetryErrand makes a refused or waiting errand due now, with its attempts counted anew.
func (l *Ledger) RetryErrand(ctx context.Context, key string) error {
	err := l.turnErrand(ctx, "retry the errand", key, "", "state = CASE state WHEN 'refused' THEN 'waiting' ELSE state END, due = 0, attempts = 0")
	if err == nil {
		l.signalErrands()
	}
	return err
}

// turnErrand changes one errand, which must be in the given state unless that is "". What waits for one that is over now is due.
func (l *Ledger) turnErrand(ctx context.Context, op, key string, from ErrandState, set string, args ...any) error {
	woken := int64(0)
	err := l.write(ctx, op, func(tx *sql.Tx) error {
		var state string
		switch err := tx.QueryRow("SELECT state FROM errands WHERE key = ?", key).Scan(&state); {
		case errors.Is(err, sql.ErrNoRows):
			return &NotFoundError{Key: key}
		case err != nil:
			return err
		case from != "" && state != string(from):
			return fmt.Errorf("errand %s is %s, not %s", key, state, from)
		}
		_, err := tx.Exec("UPDATE errands SET "+set+", updated = ? WHERE key = ?", append(args, nanos(l.now()), key)...)
		if err == nil {
			woken, err = wakeWaiting(tx, key, l.now())
		}
		return err
	})
	if woken > 0 && err == nil {
		l.signal()
		l.signalErrands()
	}
	return err
}

// WaitClass is the Failure.Class of a record, or an errand, that waits for another errand: the one of Failure.Awaits, whose key stands in its
// payload.
const WaitClass = "wait"

// wakeWaiting makes due what waits for an errand, when that is over; it returns how many there were.
func wakeWaiting(tx *sql.Tx, key string, now time.Time) (n int64, err error) {
	if over, err := errandOver(tx, key); err != nil || !over {
		return 0, err
	}
	quoted, err := json.Marshal(key)
	if err != nil {
		return 0, err
	}
	for _, update := range []string{
		"UPDATE outbox SET due = ?1 WHERE state = 'pending' AND due > ?1 AND error_class = ?2 AND instr(payload, ?3)",
		"UPDATE errands SET due = ?1 WHERE state = 'waiting' AND due > ?1 AND error_class = ?2 AND instr(payload, ?3)",
	} {
		res, err := tx.Exec(update, nanos(now), WaitClass, string(quoted))
		if err != nil {
			return 0, err
		}
		rows, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		n += rows
	}
	return n, nil
}

// errandOver reports whether nothing more comes of an errand; false for none ("").
func errandOver(tx *sql.Tx, key string) (over bool, err error) {
	if key == "" {
		return false, nil
	}
	err = tx.QueryRow("SELECT NOT EXISTS (SELECT 1 FROM errands WHERE key = ? AND state IN ('waiting','doing'))", key).Scan(&over)
	return over, err
}
