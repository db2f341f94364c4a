package crm

import (
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/practice"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// world is a practice org with a directory on it.
type world struct {
	*practice.World
	dir *Directory
}

func newWorld(t *testing.T, opt emulator.Options, set DirectorySettings) *world {
	t.Helper()
	w := &world{World: practice.New(t, opt)}
	w.freshDirectory(set)
	return w
}

// freshDirectory makes a directory that has learnt nothing. A busy machine must not decide a test: time runs out only where a test says so.
func (w *world) freshDirectory(set DirectorySettings) {
	w.T.Helper()
	set.Numbers.Region = or(set.Numbers.Region, "GB")
	set.Now = w.Time
	set.Deadline, set.Grace = orDuration(set.Deadline, patience), orDuration(set.Grace, patience)
	w.dir = NewDirectory(w.SF, set)
	w.T.Cleanup(w.dir.Close)
}

// patience is longer than any request to the practice org takes, on any machine.
const patience = 10 * time.Minute

// ref finds a record of the data set by name.
func (w *world) ref(object, name string) Ref {
	w.T.Helper()
	r, ok := w.Find(object, "Name", name)
	if !ok {
		w.T.Fatalf("no single %s %s", object, name)
	}
	return Ref{Type: object, ID: r["Id"].(string), Name: text.Clean(name)}
}

func (w *world) lookup(number string) Match {
	return w.dir.Lookup(w.T.Context(), text.Clean(number), Inbound)
}

func selectNothing() salesforce.SOQL {
	return salesforce.Select("Id").From("Task").Limit(1)
}

func benchClient(b *testing.B, url, token string) *salesforce.Client {
	b.Helper()
	c, err := salesforce.New(salesforce.Options{
		App:   salesforce.App{LoginURL: url, ClientID: "bench", Local: true},
		Store: salesforce.NewMemoryStore(salesforce.Token{Access: token, Instance: url}),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}
