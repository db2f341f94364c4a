package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// Kept is one small thing that must outlive the program and is no call: when a job last ran, a callback of the agent's list,
// what a check of the org found out.
type Kept struct {
	Kind  string // whose it is: "job", "callback", "member", "answer" …
	Key   string // unique within the kind
	Value json.RawMessage
	At    time.Time // when it is due, or belongs to; zero for none
}

// Keep stores things, replacing those of the same kind and key, all in one commit.
func (l *Ledger) Keep(ctx context.Context, things ...Kept) error {
	for _, k := range things {
		if err := validJSON("what is to be kept", k.Value, true); err != nil {
			return l.fail("keep it", err)
		}
	}
	return l.write(ctx, "keep it", func(tx *sql.Tx) error {
		for _, k := range things {
			if _, err := tx.Exec(`INSERT INTO kept(kind, key, value, at) VALUES (?, ?, ?, ?)
				ON CONFLICT(kind, key) DO UPDATE SET value = excluded.value, at = excluded.at`, k.Kind, k.Key, string(k.Value), nanos(k.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Kept returns everything of a kind, what is due first in front, things without a time in the order of their keys.
func (l *Ledger) Kept(ctx context.Context, kind string) ([]Kept, error) {
	rows, err := l.r.QueryContext(ctx, "SELECT kind, key, value, at FROM kept WHERE kind = ? ORDER BY at, key", kind)
	if err != nil {
		return nil, l.fail("read what was kept", closed(err))
	}
	out, err := collect(rows, func(r *sql.Rows) (k Kept, err error) {
		var at int64
		var value string
		err = r.Scan(&k.Kind, &k.Key, &value, &at)
		k.Value, k.At = json.RawMessage(value), fromNanos(at)
		return k, err
	})
	return out, l.fail("read what was kept", err)
}

// Unkeep forgets things of a kind: those with the keys, or all when none is given.
func (l *Ledger) Unkeep(ctx context.Context, kind string, keys ...string) error {
	return l.write(ctx, "forget it", func(tx *sql.Tx) error {
		if len(keys) == 0 {
			_, err := tx.Exec("DELETE FROM kept WHERE kind = ?", kind)
			return err
		}
		for _, key := range keys {
			if _, err := tx.Exec("DELETE FROM kept WHERE kind = ? AND key = ?", kind, key); err != nil {
				return err
			}
		}
		return nil
	})
}
