package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"offhook/internal/text"
)

// Filter chooses calls of the history. Zero fields do not choose.
type Filter struct {
	Since, Until time.Time // of the start; Until is excluded
	Number       string    // any notation; numbers agree when their last nine digits do, shorter ones by their end
	Text         string    // words, or beginnings of words, in number, name, record, cause and notes; all must occur
	State        string    // call state; "ended" also finds "ended:crash"
	Direction    string    // Inbound, Outbound, Internal
	Records      []ItemState
	Limit        int // default 50; negative for all
}

// History returns calls, the latest first.
func (l *Ledger) History(ctx context.Context, f Filter) ([]Entry, error) {
	var where []string
	var args []any
	add := func(clause string, values ...any) {
		where, args = append(where, clause), append(args, values...)
	}
	if !f.Since.IsZero() {
		add("c.started >= ?", nanos(f.Since))
	}
	if !f.Until.IsZero() {
		add("c.started < ?", nanos(f.Until))
	}
	if f.Number != "" {
		d := reversedDigits(f.Number)
		if len(d) > 9 {
			d = d[:9]
		}
		if d == "" {
			return nil, nil
		}
		add("c.rdigits >= ? AND c.rdigits < ?", d, d+":") // ':' follows '9'
	}
	if f.State != "" {
		add("(c.state = ? OR substr(c.state, 1, ?) = ?)", f.State, len(f.State)+1, f.State+":")
	}
	if f.Direction != "" {
		add("c.direction = ? COLLATE NOCASE", f.Direction)
	}
	if len(f.Records) > 0 {
		add("o.state IN (?"+strings.Repeat(",?", len(f.Records)-1)+")", anys(f.Records)...)
	}
	if strings.TrimSpace(f.Text) != "" {
		m := matchQuery(f.Text)
		if m == "" {
			return nil, nil
		}
		add("c.id IN (SELECT rowid FROM calls_text WHERE calls_text MATCH ?)", m)
	}
	query := "SELECT " + entryColumns + entryTables
	if len(where) > 0 {
		query += "WHERE " + strings.Join(where, " AND ") + " "
	}
	limit := f.Limit
	if limit == 0 {
		limit = 50
	}
	es, err := entries(ctx, l.r, query+"ORDER BY c.started DESC, c.id DESC LIMIT ?", append(args, limit)...)
	if err != nil || len(es) == 0 {
		return es, l.fail("read the history", err)
	}
	changes, err := l.errands(ctx, "read the history", "WHERE e.kind = ? AND e.after <> '' ORDER BY e.id", AmendErrand)
	newest := map[string]ErrandState{}
	for _, c := range changes {
		newest[c.Call] = c.State
	}
	for i := range es {
		es[i].Change = newest[es[i].Call.Key]
	}
	return es, err
}

// Items returns records in the given states (all unsent ones when none is given) with their calls, the oldest first.
func (l *Ledger) Items(ctx context.Context, states ...ItemState) ([]Entry, error) {
	if len(states) == 0 {
		states = slices.DeleteFunc(ItemStates(), func(s ItemState) bool { return !s.Unsent() })
	}
	es, err := entries(ctx, l.r, "SELECT "+entryColumns+entryTables+"WHERE o.state IN (?"+strings.Repeat(",?", len(states)-1)+") ORDER BY o.created, c.id", anys(states)...)
	return es, l.fail("read the outbox", err)
}

// Item returns one record, by key or the beginning of a key that only one call has.
func (l *Ledger) Item(ctx context.Context, key string) (Item, error) {
	s, err := l.Call(ctx, key)
	if err != nil {
		return Item{}, err
	}
	if s.Item == nil {
		return Item{}, l.fail("read the record", errors.New("call "+s.Call.Key+" has no record yet: it has not ended"))
	}
	return *s.Item, nil
}

// Call returns everything about one call, by key or the beginning of a key that only one call has.
func (l *Ledger) Call(ctx context.Context, key string) (Story, error) {
	const op = "read the call"
	key = strings.TrimSpace(key)
	if key == "" {
		return Story{}, &NotFoundError{}
	}
	es, err := entries(ctx, l.r, "SELECT "+entryColumns+entryTables+"WHERE c.key >= ?1 AND c.key < ?1 || char(0x10FFFF) ORDER BY c.key <> ?1, c.id DESC LIMIT 8", key)
	if err != nil {
		return Story{}, l.fail(op, err)
	}
	if len(es) == 0 {
		return Story{}, &NotFoundError{Key: text.Clean(key).String()}
	}
	if len(es) > 1 && es[0].Call.Key != key {
		amb := &AmbiguousError{Prefix: key}
		for _, e := range es {
			amb.Keys = append(amb.Keys, e.Call.Key)
		}
		return Story{}, amb
	}
	s := Story{Entry: es[0]}
	key = s.Call.Key
	rows, err := l.r.QueryContext(ctx, "SELECT at, state, what FROM transitions WHERE call = (SELECT id FROM calls WHERE key = ?) ORDER BY seq", key)
	if err != nil {
		return Story{}, l.fail(op, err)
	}
	s.Transitions, err = collect(rows, func(rows *sql.Rows) (t Transition, err error) {
		var at int64
		var what string
		err = rows.Scan(&at, &t.State, &what)
		t.At, t.What = fromNanos(at), text.Clean(what)
		return t, err
	})
	if err != nil {
		return Story{}, l.fail(op, err)
	}
	rows, err = l.r.QueryContext(ctx, "SELECT at, result, class, reason, task_id FROM attempts WHERE call = (SELECT id FROM calls WHERE key = ?) ORDER BY seq", key)
	if err != nil {
		return Story{}, l.fail(op, err)
	}
	s.Attempts, err = collect(rows, func(rows *sql.Rows) (a Attempt, err error) {
		var at int64
		var reason string
		err = rows.Scan(&at, &a.Result, &a.Class, &reason, &a.TaskID)
		a.At, a.Reason = fromNanos(at), text.Clean(reason)
		return a, err
	})
	if err != nil {
		return s, l.fail(op, err)
	}
	s.Errands, err = l.CallErrands(ctx, key)
	return s, err
}

// Counts counts what is open and unsent.
func (l *Ledger) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	var oldest sql.NullInt64
	err := l.r.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM calls WHERE ended = 0),
		count(*) FILTER (WHERE state IN ('pending','sending')), count(*) FILTER (WHERE state = 'sending'),
		count(*) FILTER (WHERE state = 'dead'), count(*) FILTER (WHERE state = 'fix'), min(created)
		FROM outbox WHERE state IN ('pending','sending','dead','fix')`).Scan(&c.OpenCalls, &c.Pending, &c.Sending, &c.Dead, &c.Fix, &oldest)
	c.Oldest = fromNanos(oldest.Int64)
	return c, l.fail("count the records", closed(err))
}

// Purge removes ended calls that started before the given time, with journal, record and full text, overwriting them on
// disk. Calls whose record is unsent stay, however old. It returns how many went.
func (l *Ledger) Purge(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := l.write(ctx, "purge old calls", func(tx *sql.Tx) error {
		res, err := tx.Exec(`DELETE FROM calls WHERE started < ? AND ended <> 0
			AND id IN (SELECT call FROM outbox WHERE state IN ('sent','dropped','filtered'))`, nanos(before))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil || n == 0 {
		return 0, err
	}
	// What was deleted must leave the log too; readers may keep it for a while, then a later checkpoint does it.
	_, err = l.w.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	return int(n), l.fail("purge old calls", err)
}

func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func anys[T ~string](in []T) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// matchQuery makes an FTS5 query of what a person typed: every word, as the beginning of a word, quoted so that none of it
// is query syntax.
func matchQuery(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	for i, w := range words {
		words[i] = `"` + w + `"*`
	}
	return strings.Join(words, " ")
}

// reversedDigits keeps the digits of a number, without leading zeros, last one first.
func reversedDigits(number string) string {
	var d []byte
	for _, c := range []byte(number) {
		if c >= '0' && c <= '9' && (len(d) > 0 || c != '0') {
			d = append(d, c)
		}
	}
	slices.Reverse(d)
	return string(d)
}
