package ledger

import (
	"context"
	"database/sql"
	"time"

	"offhook/internal/text"
)

// Resend puts a record that was sent back into the queue: its Task is gone. It is Ambiguous, so that the sender looks by key before it
// writes. A record in another state is a *StateError.
func (l *Ledger) Resend(ctx context.Context, key string, reason text.Text) error {
	err := l.mark(ctx, "send the record again", key, func(tx *sql.Tx, id int64, it Item, now time.Time) error {
		if it.State != Sent {
			return &StateError{Key: key, State: it.State, Op: "be sent again"}
		}
		if _, err := tx.Exec(`UPDATE outbox SET state = 'pending', task_id = '', attempts = 0, due = ?, updated = ?, last_error = '', error_class = '', ambiguous = 1
			WHERE call = ?`, nanos(now), nanos(now), id); err != nil {
			return err
		}
		return attempt(tx, id, now, "retried", "", reason, "")
	})
	if err == nil {
		l.signal()
	}
	return err
}
