package find

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

func hits(ids ...string) (out []crm.Hit) {
	for _, id := range ids {
		out = append(out, crm.Hit{Ref: crm.Ref{Type: "Contact", ID: id, Name: text.Clean("name " + id)}})
	}
	return out
}

func search(query string, h ...crm.Hit) *desk.Search {
	return &desk.Search{For: "k1", Query: text.Clean(query), Hits: h}
}

func TestTheListHasTheFocusWhenThereIsSomethingToPick(t *testing.T) {
	if New(search("x")).InQuery != true || New(search("x", hits("a")...)).InQuery {
		t.Error("the focus is in the wrong place at the start")
	}
	p := New(search(""))
	p.Query.Set("carter")
	p.Sync(search("carter", hits("a", "b")...))
	if p.InQuery {
		t.Error("the focus stays in the query when its records arrive")
	}
}

func TestAQueryThatIsBeingTypedIsNotTouchedByAnAnswer(t *testing.T) {
	p := New(search("car"))
	p.Query.Set("carter")
	p.Sync(search("car", hits("a")...))
	if p.Query.Value() != "carter" || !p.InQuery {
		t.Errorf("query %q, focus in query %v", p.Query.Value(), p.InQuery)
	}
}

func TestTheSelectionStaysOnItsRecord(t *testing.T) {
	p := New(search("x", hits("a", "b", "c")...))
	p.Move(1)
	p.Sync(search("x", hits("z", "a", "b")...))
	if h, ok := p.Chosen(); !ok || h.ID != "b" {
		t.Errorf("the selection is on %q", h.ID)
	}
	p.Sync(search("x"))
	if _, ok := p.Chosen(); ok || !p.InQuery {
		t.Error("something is chosen from an empty list")
	}
	p.Move(5)
	p.Move(-9)
}

func TestALongListScrollsWithTheSelection(t *testing.T) {
	p := New(search("x", hits("a", "b", "c", "d", "e", "f", "g", "h")...))
	p.Move(6)
	th, _ := theme.Named("dark", true)
	lines, _, y := p.Draw(th, keymap.Default(), 80, 5)
	if out := ansi.Strip(strings.Join(lines, "\n")); len(lines) != 5 || !strings.Contains(out, "› 3             name g") || y != -1 {
		t.Errorf("cursor line %d\n%s", y, out)
	}
}
