package post

import (
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/number"
	"offhook/crm/practice"
	"offhook/internal/text"
)

// world is a practice org with a directory on it.
type world struct {
	*practice.World
	dir *crm.Directory
}

func newWorld(t *testing.T, opt emulator.Options) *world {
	t.Helper()
	w := &world{World: practice.New(t, opt)}
	w.freshDirectory()
	return w
}

// freshDirectory makes a directory that has learnt nothing, of Salesforce's limits neither. A busy machine must not decide a test: time
// runs out only where a test says so.
func (w *world) freshDirectory() {
	w.T.Helper()
	w.dir = crm.NewDirectory(w.SF, crm.DirectorySettings{
		Numbers: number.Settings{Region: "GB"}, Now: w.Time, Deadline: 10 * time.Minute, Grace: 10 * time.Minute,
	})
	w.T.Cleanup(w.dir.Close)
}

// warm lets the directory learn what the objects look like.
func (w *world) warm() {
	w.T.Helper()
	if err := w.dir.Warm(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

// ref finds a record of the data set by name.
func (w *world) ref(object, name string) crm.Ref {
	w.T.Helper()
	r, ok := w.Find(object, "Name", name)
	if !ok {
		w.T.Fatalf("no single %s %s", object, name)
	}
	return crm.Ref{Type: object, ID: r["Id"].(string), Name: text.Clean(name)}
}

func (w *world) lookup(caller string) crm.Match {
	return w.dir.Lookup(w.T.Context(), text.Clean(caller), crm.Inbound)
}
