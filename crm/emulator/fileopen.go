package emulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	applicationID = 0x6f667366 // "ofsf": how a practice org's file is told from other databases
	fileVersion   = 1
	cachePages    = "cache_size(-65536)" // 64 MiB
)

// openFile opens the database of a practice org, and makes it when there is none. The schema is the fullest one, so that
// its indexes fit whatever the settings show.
func openFile(path string, full *schema) (*file, error) {
	handle, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data file cannot be opened: %w", err)
	}
	head := make([]byte, 16)
	n, _ := handle.Read(head) // what is not a database is refused below
	if err := handle.Close(); err != nil {
		return nil, err
	}
	if n > 0 && !strings.HasPrefix(string(head[:n]), "SQLite format 3") {
		return nil, fmt.Errorf("%s is not the data of a practice org; records of other files are loaded with --load", path)
	}
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) && !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/… becomes file:/C:/…
	}
	dsn := "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + url.Values{"_pragma": {"busy_timeout(2000)",
		"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)", cachePages, "temp_store(FILE)"}}.Encode()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, errors.Join(refused(path, err), db.Close())
	}
	f := &file{db: db, conn: conn, stmts: make(map[string]*sql.Stmt), layouts: make(map[string]*layout), cache: make(map[string]*record)}
	if err := f.prepare(path, full); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func refused(path string, err error) error {
	if text := err.Error(); strings.Contains(text, "locked") || strings.Contains(text, "busy") {
		return fmt.Errorf("%s is open in another practice Salesforce: end that one or use another file", path)
	}
	return fmt.Errorf("%s cannot be used as the data of a practice org: %w", path, err)
}

func (f *file) prepare(path string, full *schema) error {
	f.exec("BEGIN EXCLUSIVE")
	if f.err != nil {
		return refused(path, f.err)
	}
	f.begun = true
	var app, version, tables int64
	for query, into := range map[string]*int64{"PRAGMA application_id": &app, "PRAGMA user_version": &version,
		"SELECT COUNT(*) FROM sqlite_schema": &tables} {
		if f.fail(f.conn.QueryRowContext(context.Background(), query).Scan(into)) {
			return refused(path, f.err)
		}
	}
	switch {
	case tables == 0 && app == 0:
		f.exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		f.exec(fmt.Sprintf("PRAGMA user_version = %d", fileVersion))
		f.exec("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT")
		f.exec("CREATE TABLE object (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next INTEGER NOT NULL, live INTEGER NOT NULL) STRICT")
		f.exec("CREATE TABLE record (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, body TEXT NOT NULL) STRICT")
	case app != applicationID:
		return fmt.Errorf("%s is a database, but not the data of a practice org", path)
	case version > fileVersion:
		return fmt.Errorf("%s was written by a newer offhook (format %d, this one knows %d): update offhook", path, version, fileVersion)
	}
	f.arrange(full)
	if err := f.commit(); err != nil {
		return refused(path, err)
	}
	return nil
}
