package ledger

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations bring a file from PRAGMA user_version i to i+1. A published one is never changed.
//
// Times are nanoseconds since 1970 in UTC, 0 for none. calls.rdigits is the number's significant digits reversed, so that
// an index finds a number by its end, however its beginning was dialled. calls.seen is the last sign of life of an open
// call. The key of an outbox row is its call: exactly one record per call, by construction. errands.after is the key of the call whose
// Task must be there first.
var migrations = [...]string{`
CREATE TABLE calls (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE,
	session TEXT NOT NULL,
	state TEXT NOT NULL,
	direction TEXT NOT NULL,
	outgoing INTEGER NOT NULL,
	number TEXT NOT NULL,
	rdigits TEXT NOT NULL,
	name TEXT NOT NULL,
	match TEXT NOT NULL,
	record_type TEXT NOT NULL,
	record_id TEXT NOT NULL,
	record_name TEXT NOT NULL,
	started INTEGER NOT NULL,
	answered INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	seconds INTEGER NOT NULL,
	cause TEXT NOT NULL,
	notes TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX calls_started ON calls(started);
CREATE INDEX calls_number ON calls(rdigits, started);
CREATE INDEX calls_open ON calls(id) WHERE ended = 0;

CREATE TABLE transitions (
	call INTEGER NOT NULL REFERENCES calls(id) ON DELETE CASCADE,
	seq INTEGER NOT NULL,
	at INTEGER NOT NULL,
	state TEXT NOT NULL,
	what TEXT NOT NULL,
	PRIMARY KEY (call, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
	call INTEGER PRIMARY KEY REFERENCES calls(id) ON DELETE CASCADE,
	state TEXT NOT NULL CHECK (state IN ('pending','sending','sent','dead','fix','filtered','dropped')),
	payload TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	due INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	error_class TEXT NOT NULL,
	task_id TEXT NOT NULL,
	degraded INTEGER NOT NULL,
	ambiguous INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox(due) WHERE state = 'pending';
CREATE INDEX outbox_unsent ON outbox(state, created) WHERE state IN ('pending','sending','dead','fix');

CREATE TABLE attempts (
	call INTEGER NOT NULL REFERENCES calls(id) ON DELETE CASCADE,
	seq INTEGER NOT NULL,
	at INTEGER NOT NULL,
	result TEXT NOT NULL,
	class TEXT NOT NULL,
	reason TEXT NOT NULL,
	task_id TEXT NOT NULL,
	PRIMARY KEY (call, seq)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE calls_text USING fts5(
	number, name, record_name, cause, notes,
	content='calls', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
INSERT INTO calls_text(calls_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER calls_text_insert AFTER INSERT ON calls BEGIN
	INSERT INTO calls_text(rowid, number, name, record_name, cause, notes)
	VALUES (new.id, new.number, new.name, new.record_name, new.cause, new.notes);
END;
CREATE TRIGGER calls_text_update AFTER UPDATE ON calls
WHEN old.number IS NOT new.number OR old.name IS NOT new.name OR old.record_name IS NOT new.record_name
	OR old.cause IS NOT new.cause OR old.notes IS NOT new.notes BEGIN
	INSERT INTO calls_text(calls_text, rowid, number, name, record_name, cause, notes)
	VALUES ('delete', old.id, old.number, old.name, old.record_name, old.cause, old.notes);
	INSERT INTO calls_text(rowid, number, name, record_name, cause, notes)
	VALUES (new.id, new.number, new.name, new.record_name, new.cause, new.notes);
END;
CREATE TRIGGER calls_text_delete AFTER DELETE ON calls BEGIN
	INSERT INTO calls_text(calls_text, rowid, number, name, record_name, cause, notes)
	VALUES ('delete', old.id, old.number, old.name, old.record_name, old.cause, old.notes);
END;
`, `
CREATE TABLE errands (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	after TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('waiting','doing','done','refused')),
	payload TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	due INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	error_class TEXT NOT NULL,
	result TEXT NOT NULL,
	ambiguous INTEGER NOT NULL
) STRICT;
CREATE INDEX errands_due ON errands(due) WHERE state = 'waiting';
CREATE INDEX errands_after ON errands(after) WHERE after <> '';

CREATE TABLE kept (
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
`}

// SchemaVersion is the PRAGMA user_version of the files that this program writes.
const SchemaVersion = len(migrations)

// applicationID marks the file as a ledger of offhook ("ofhk") for file(1) and for us.
const applicationID = 0x6f66686b

// migrate brings the file up to SchemaVersion, each step in one transaction.
func (l *Ledger) migrate(ctx context.Context) error {
	for {
		v, err := l.schemaVersion(ctx, l.w)
		if err != nil {
			return err
		}
		if v == SchemaVersion {
			return nil
		}
		if err := l.write(ctx, "bring the ledger up to date", func(tx *sql.Tx) error {
			var now int // another process may have been faster
			if err := tx.QueryRow("PRAGMA user_version").Scan(&now); err != nil || now != v {
				return err
			}
			if _, err := tx.Exec(migrations[v]); err != nil {
				return err
			}
			_, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, v+1))
			return err
		}); err != nil {
			return err
		}
	}
}

// schemaVersion reads the version and refuses files that are not ours or are newer than this program.
func (l *Ledger) schemaVersion(ctx context.Context, db *sql.DB) (int, error) {
	var version, app int
	err := db.QueryRowContext(ctx, "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id").Scan(&version, &app)
	switch {
	case err != nil:
		return 0, l.fail("open the ledger", err)
	case version > SchemaVersion:
		return 0, &Error{Op: "open the ledger", Path: l.path, Kind: ErrSchema,
			Err: fmt.Errorf("it has format %d, this program knows %d: use the newer offhook", version, SchemaVersion)}
	case version > 0 && app != applicationID:
		return 0, &Error{Op: "open the ledger", Path: l.path, Kind: ErrSchema, Err: fmt.Errorf("the file is another program's database")}
	}
	return version, nil
}
