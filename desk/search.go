package desk

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"offhook/crm"
	"offhook/internal/text"
)

// Search is the search page. With an empty Query it shows Recent, and offers Before.
type Search struct {
	For    CallKey     `json:"for,omitempty"` // empty: not for a call
	Query  text.Text   `json:"query"`
	Hits   []crm.Hit   `json:"hits,omitempty"`
	Tried  []text.Text `json:"tried,omitempty"`  // what was asked of Salesforce
	More   []string    `json:"more,omitempty"`   // objects that may have more than these
	Recent []Recent    `json:"recent,omitempty"` // records that were looked at, the last one first
	Before []text.Text `json:"before,omitempty"` // earlier searches, the last one first
	Busy   bool        `json:"busy,omitempty"`
	Auto   bool        `json:"auto,omitempty"`  // it opened by itself
	Live   bool        `json:"live,omitempty"`  // it wants to know what is typed (SearchTyped)
	Typed  bool        `json:"typed,omitempty"` // the query is still being typed
	Error  text.Text   `json:"error,omitzero"`
}

// SearchMore is the key of Values that makes a SearchIn ask for as many rows as Salesforce gives.
const SearchMore = "more"

// RunSearch searches by whatever the query looks like (crm.Directory.Search). Answered by SearchDone.
type RunSearch struct {
	For   CallKey
	Query text.Text
	More  bool
}

// SearchDone is the answer to a query on the search page.
type SearchDone struct {
	For   CallKey
	Query text.Text
	crm.Found
	Err text.Text
}

func (RunSearch) deskEffect() {}
func (SearchDone) deskEvent() {}

// maxBefore is how many earlier searches are offered. They are forgotten with the program: they may name people.
const maxBefore = 10

func (t *turn) newSearch(key CallKey, query text.Text) *Search {
	return &Search{For: key, Query: query, Recent: t.recentList(), Before: t.before, Live: t.set.SearchTyped && t.apiUse < tightUse}
}

// startSearch opens the search page with a query, or empty with what was looked at last.
func (t *turn) startSearch(key CallKey, query string, cmd Command) {
	t.form = nil
	s := t.newSearch(key, text.Clean(strings.TrimSpace(query)))
	if s.Query.Empty() {
		t.search = s
		t.do(LoadRecents{})
		return
	}
	t.before = append([]text.Text{s.Query}, slices.DeleteFunc(slices.Clone(t.before), func(q text.Text) bool { return q == s.Query })...)
	t.before = t.before[:min(len(t.before), maxBefore)]
	s.Before, s.Busy, t.halfway = t.before, true, text.Text{}
	if old := t.search; old != nil && old.Query == s.Query && old.For == key { // what is there stays until there is more
		s.Hits, s.Tried, s.More = old.Hits, old.Tried, old.More
		if old.Typed && (old.Busy || old.Error.Empty()) { // it was searched while it was typed
			s.Busy, t.search = old.Busy, s
			return
		}
	}
	t.search = s
	t.do(RunSearch{For: key, Query: s.Query, More: cmd.Values[SearchMore] != ""})
}

func (t *turn) searchDone(ev SearchDone) {
	if t.search == nil || t.search.Query != ev.Query || t.search.For != ev.For {
		return // an answer to an older question
	}
	if ev.Card != nil { // an id or an address: there is nothing to choose
		if c := t.find(ev.For); c != nil && !c.finished {
			t.makeCurrent(c, crm.CardHit(*ev.Card))
		}
		t.search = nil
		t.showCard(ev.For, ev.Card)
		return
	}
	s := t.newSearch(t.search.For, ev.Query)
	s.Hits, s.Tried, s.More, s.Error, s.Typed = ev.Hits, ev.Tried, ev.More, ev.Err, t.search.Typed
	t.search = s
}

// prefilled puts what was typed into the search box where it belongs in a New form: a number, an e-mail address or a name. What the
// form has already stays.
func (t *turn) prefilled(ev FormLoaded) crm.Form {
	f, typed := *ev.Form, t.typed.String()
	t.typed = text.Text{}
	if typed == "" || ev.Auto || !ev.Ask.Record.Zero() || len(ev.Ask.Values) > 0 {
		return f
	}
	f.Fields = slices.Clone(f.Fields)
	put := func(value string, is func(crm.FormField) bool) bool {
		i := slices.IndexFunc(f.Fields, is)
		if i < 0 || !f.Fields[i].Value.Empty() || value == "" {
			return false
		}
		f.Fields[i].Value = text.CleanBlock(value, len(value))
		return true
	}
	kind := func(k string) func(crm.FormField) bool {
		return func(f crm.FormField) bool { return f.Type == k }
	}
	name := func(n string) func(crm.FormField) bool {
		return func(f crm.FormField) bool { return f.Name == n }
	}
	switch {
	case strings.Contains(typed, "@"):
		put(typed, kind("email"))
	case strings.ContainsAny(typed, "0123456789") && dialable(typed) && strings.Trim(typed, "0123456789+-()./ ") == "":
		if !slices.ContainsFunc(f.Fields, func(f crm.FormField) bool { return f.Type == "phone" && !f.Value.Empty() }) { // the caller's own number is there
			put(typed, kind("phone"))
		}
	default:
		words := strings.Fields(typed)
		last := len(words) - 1
		if slices.ContainsFunc(f.Fields, name("FirstName")) && put(words[last], name("LastName")) {
			put(strings.Join(words[:last], " "), name("FirstName"))
		} else if !put(typed, name("LastName")) && !put(typed, name("Name")) {
			put(typed, name("Subject"))
		}
	}
	return f
}

// Searching while the agent types waits for a pause and for a few characters: each search is a call of the org's API.
const (
	typedTimer TimerID = "search"
	typedPause         = 400 * time.Millisecond
	typedLeast         = 3
)

// searchTyped notes what stands in the box and waits for a pause.
func (t *turn) searchTyped(cmd Command) {
	if t.search == nil || !t.search.Live || t.search.For != cmd.Call {
		return
	}
	t.halfway = text.Clean(strings.TrimSpace(cmd.Text))
	if utf8.RuneCountInString(t.halfway.String()) < typedLeast || t.halfway == t.search.Query {
		t.halfway = text.Text{}
		t.do(After{ID: typedTimer})
		return
	}
	t.do(After{ID: typedTimer, In: typedPause})
}

// searchPaused searches for what stands in the box, unless the agent has asked or left meanwhile.
func (t *turn) searchPaused() {
	q := t.halfway
	t.halfway = text.Text{}
	if t.search == nil || !t.search.Live || q.Empty() {
		return
	}
	s := t.newSearch(t.search.For, q)
	s.Busy, s.Typed = true, true
	t.search = s
	t.do(RunSearch{For: s.For, Query: q})
}
