package crm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/internal/text"
)

// spend uses API calls until the wanted share is reached.
func (w *world) spend(share float64) {
	w.T.Helper()
	for range 1000 {
		if w.SF.Budget().Share() >= share {
			return
		}
		if _, err := w.SF.Query(w.T.Context(), selectNothing()); err != nil {
			w.T.Fatal(err)
		}
	}
	w.T.Fatalf("the budget stays at %+v", w.SF.Budget())
}

func (w *world) warm() {
	w.T.Helper()
	if err := w.dir.Warm(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

func TestFrom80PercentOnCallersAreRememberedForLonger(t *testing.T) {
	w := newWorld(t, emulator.Options{APILimit: 100}, DirectorySettings{LikeObjects: []string{"Contact", "Lead", "Account"}})
	w.warm()
	ask := func(number string) int {
		before := len(w.Requests())
		if m := w.lookup(number); m.State == MatchFailed {
			t.Fatalf("%s: %s", number, m.Detail)
		}
		return len(w.Requests()) - before
	}
	const nobody = "+442079460999"
	w.spend(0.80)
	// Nobody has the number: the index and the spellings are asked, and no scan.
	if n := ask(nobody); n != 2 {
		t.Errorf("%d requests for a number that nobody has", n)
	}
	if n := ask(emulator.StoryKnownNumber); n != 1 {
		t.Errorf("%d requests for a number that the index knows", n)
	}
	w.Sleep(9 * time.Minute)
	if n := ask(emulator.StoryKnownNumber) + ask(nobody); n != 0 {
		t.Errorf("%d requests within ten minutes", n)
	}
	w.Sleep(9 * time.Minute)
	if n := ask(emulator.StoryKnownNumber); n != 0 {
		t.Errorf("a caller who was found is asked again: %d", n)
	}
	if n := ask(nobody); n == 0 {
		t.Error("a caller whom nobody knew stays unknown, although a record may have been made")
	}
	// A record's own lookup is not fobbed off with what is old.
	before := len(w.Requests())
	if _, err := w.dir.lookup(t.Context(), text.Clean(emulator.StoryKnownNumber), Inbound, true); err != nil || len(w.Requests()) == before {
		t.Errorf("a record's lookup: %v, %d requests", err, len(w.Requests())-before)
	}
}

func TestFrom95PercentOnOnlyTheMemoryAnswers(t *testing.T) {
	w := newWorld(t, emulator.Options{APILimit: 60}, DirectorySettings{})
	w.warm()
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne {
		t.Fatalf("%s", m.State)
	}
	w.spend(0.95)
	w.Sleep(90 * time.Minute)
	before := len(w.Requests())
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne || m.Via != "cache" {
		t.Errorf("a caller of this morning: %s via %s, %s", m.State, m.Via, m.Detail)
	}
	for range 3 {
		if m := w.lookup("+442079460999"); m.State != MatchFailed || !strings.Contains(m.Detail.String(), "95 %") || strings.Contains(m.Detail.String(), "\n") {
			t.Errorf("an unknown caller: %s %q", m.State, m.Detail)
		}
	}
	if n := len(w.Requests()) - before; n != 0 {
		t.Errorf("%d requests", n)
	}
	// The org's count falls by itself over the day: one lookup in ten minutes finds that out.
	w.Sleep(budgetAsk)
	if m := w.lookup("+442079460999"); m.State != MatchNone {
		t.Errorf("%s %s", m.State, m.Detail)
	}
	if m := w.lookup("+442079460998"); m.State != MatchFailed {
		t.Errorf("%s", m.State)
	}
}

// A pop is two round trips: the search (with the spellings beside it while calls are plentiful), then one composite with the
// record, its open cases and its last activities.
func TestAPopIsTwoRoundTrips(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		share float64
		want  []string
	}{
		"calls are plentiful": {0, 0, []string{"GET /search", "POST /composite", "POST /composite"}},
		"80 % are used":       {100, 0.80, []string{"GET /search", "POST /composite"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{APILimit: c.limit}, DirectorySettings{})
			w.T = t
			w.warm()
			w.spend(c.share)
			before := len(w.Requests())
			m := w.lookup(emulator.StoryKnownNumber)
			if m.State != MatchOne {
				t.Fatalf("%s %s", m.State, m.Detail)
			}
			looked := len(w.Requests())
			card, err := w.dir.Card(t.Context(), m.Hits[0].Ref)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range w.Requests()[before:] {
				got = append(got, r.Method+" "+r.Path[strings.LastIndexByte(r.Path, '/'):])
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || len(w.Requests())-looked != 1 {
				t.Errorf("%v, of them %d for the card", got, len(w.Requests())-looked)
			}
			if len(card.Fields) == 0 || !slices.ContainsFunc(card.Related, func(r Related) bool { return r.Type == "Case" }) {
				t.Errorf("the card lacks its fields or its cases: %+v", card)
			}
		})
	}
}

func TestRequestLimitExceededStopsLookupsLongerEachTime(t *testing.T) {
	p := newWorld(t, emulator.Options{}, DirectorySettings{})
	p.warm()
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit, Path: "/search"})
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit, Path: "/composite"})
	for _, pause := range []time.Duration{limitPause, 2 * limitPause, 4 * limitPause} {
		if m := p.lookup("+442079460999"); m.State != MatchFailed {
			t.Fatalf("%s", m.State)
		}
		before := len(p.Requests())
		p.Sleep(pause - time.Second)
		if m := p.lookup("+442079460999"); m.State != MatchFailed || !strings.Contains(m.Detail.String(), "used up") || len(p.Requests()) != before {
			t.Errorf("within %s: %s %q, %d requests", pause, m.State, m.Detail, len(p.Requests())-before)
		}
		p.Sleep(2 * time.Second)
	}
	p.ClearFaults()
	if m := p.lookup("+442079460999"); m.State != MatchNone {
		t.Errorf("after the pause: %s %s", m.State, m.Detail)
	}
	if p.dir.rest.pause != 0 {
		t.Errorf("an answer does not end the pauses: %s", p.dir.rest.pause)
	}
}
