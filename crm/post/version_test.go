package post

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

// The oldest version that is accepted does the whole of an agent's work, and every request names it.
func TestTheOldestAcceptedVersionDoesEverything(t *testing.T) {
	p := newPost(t, emulator.Options{})
	cred := p.Credentials()
	var mu sync.Mutex
	var paths []string
	client, err := salesforce.New(salesforce.Options{
		App:   salesforce.App{LoginURL: p.Base, ClientID: cred.ClientID, Local: true, Now: p.Time, Transport: p},
		Store: salesforce.NewMemoryStore(salesforce.Token{Access: cred.AccessToken, Instance: p.Base}), Version: salesforce.MinVersion,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p.SF = client
	p.freshDirectory()
	p.led.Close()
	p.open()
	p.Answer(func(r *http.Request) (int, string, bool) {
		if strings.HasPrefix(r.URL.Path, "/services/data/v") {
			mu.Lock()
			paths = append(paths, r.URL.Path)
			mu.Unlock()
		}
		return 0, "", false
	})
	if _, err := Preflight(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	p.warm()
	m := p.lookup(emulator.StoryKnownNumber)
	if m.State != crm.MatchOne {
		t.Fatalf("%s %s", m.State, m.Detail)
	}
	if card, err := p.dir.Card(t.Context(), m.Hits[0].Ref); err != nil || len(card.Related) == 0 {
		t.Errorf("%+v %v", card, err)
	}
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	mu.Lock()
	defer mu.Unlock()
	for _, path := range paths {
		if !strings.HasPrefix(path, "/services/data/v"+salesforce.MinVersion+"/") {
			t.Errorf("%s", path)
		}
	}
	if len(paths) < 8 {
		t.Errorf("only %d requests were seen", len(paths))
	}
}
