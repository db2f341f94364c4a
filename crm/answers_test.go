package crm

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func settled(pairs ...string) Answers {
	var list []Answer
	for i := 1; i < len(pairs); i += 2 {
		list = append(list, Answer{Question: pairs[i-1], Value: pairs[i], API: "66.0"})
	}
	return NewAnswers(list...)
}

// put makes a record in the org.
func (w *world) put(object salesforce.Ident, values map[string]any) {
	w.T.Helper()
	if _, err := w.SF.Create(w.T.Context(), object, values, nil); err != nil {
		w.T.Fatal(err)
	}
}

func TestAnswersOfOneOrgAreNotThoseOfAnother(t *testing.T) {
	ctx := t.Context()
	led, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer led.Close()
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	const mine, other = "00DWz0000000001EAA", "00DWz0000000002EAA"
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(KeepAnswers(ctx, led, mine, Answer{AskPhoneSearch, SearchStrict, text.Clean("as typed"), "68.0", at}, Answer{AskIndexLag, "600", text.Clean(""), "67.0", at}))
	check(KeepAnswers(ctx, led, other, Answer{AskPhoneSearch, SearchNormalise, text.Clean(""), "68.0", at}))
	check(KeepAnswers(ctx, led, mine, Answer{AskIndexLag, "90.5", text.Clean(""), "68.0", at.Add(time.Hour)}))
	a, err := LoadAnswers(ctx, led, mine[:15])
	check(err)
	if !a.Strict() || a.IndexLag() != 90500*time.Millisecond || a.API() != "68.0" || len(a.List()) != 2 || a.List()[0].Detail.String() != "as typed" {
		t.Errorf("%+v", a)
	}
	check(ForgetAnswers(ctx, led, mine))
	if a, _ := LoadAnswers(ctx, led, mine); len(a.List()) != 0 {
		t.Errorf("not forgotten: %+v", a)
	}
	if a, _ := LoadAnswers(ctx, led, other); a.Strict() || a.Of(AskPhoneSearch) != SearchNormalise {
		t.Errorf("the other org's: %+v", a)
	}
}

func TestWhatIsKeptAsAnAnswerIsReadWithSuspicion(t *testing.T) {
	a := NewAnswers(Answer{Question: "who", Value: "me"}, Answer{Question: AskIndexLag, Value: "1e300"})
	if len(a.List()) != 1 || a.IndexLag() != 0 || settled(AskIndexLag, "-3").IndexLag() != 0 || settled(AskIndexLag, "x").IndexLag() != 0 {
		t.Errorf("%+v", a)
	}
}

// In an org whose index keeps numbers as they are typed, the digits find one of two people, and only the spellings find the other.
func TestAStrictIndexIsNotBelievedToKnowEverybody(t *testing.T) {
	const never = 600_000 // ms: only who gives up waiting for the spellings gets past this
	for _, tt := range []struct {
		answers   Answers
		spellings int // after how many ms they come
		want      int
	}{{Answers{}, never, 1}, {settled(AskPhoneSearch, SearchNormalise), never, 1}, {settled(AskPhoneSearch, SearchStrict), 150, 2}} {
		w := newWorld(t, emulator.Options{PhoneSearch: emulator.Strict}, DirectorySettings{Grace: time.Nanosecond, Answers: func() Answers { return tt.answers }})
		w.put("Contact", map[string]any{"LastName": "Digits", "Phone": "07700900321"})
		w.put("Contact", map[string]any{"LastName": "Spaces", "Phone": "07700 900321"})
		w.Fault(emulator.Fault{Kind: emulator.FaultLatency, Path: "/composite", Milliseconds: tt.spellings}) // the index is quicker, and its hit would do
		if m := w.lookup("07700900321"); len(m.Hits) != tt.want {
			t.Errorf("%s: %d hits, not %d: %s", tt.answers.Of(AskPhoneSearch), len(m.Hits), tt.want, names(m.Hits))
		}
	}
}

func TestWithFewAPICallsLeftAStrictOrgIsAskedForSpellingsFirst(t *testing.T) {
	for value, first := range map[string]string{SearchNormalise: "/search", SearchStrict: "/composite"} {
		w := newWorld(t, emulator.Options{PhoneSearch: emulator.Strict, APILimit: 100}, DirectorySettings{Answers: func() Answers { return settled(AskPhoneSearch, value) }})
		w.put("Contact", map[string]any{"LastName": "Spaces", "Phone": "+447700900321"})
		w.warm()
		w.spend(0.80)
		before := len(w.Requests())
		m := w.lookup("07700900321")
		asked := w.Requests()[before:]
		if _, one := m.Only(); !one || len(asked) == 0 || !strings.HasSuffix(asked[0].Path, first) || value == SearchStrict && len(asked) != 1 {
			t.Errorf("%s: %s after %d requests, the first %+v", value, m.State, len(asked), asked[0].Path)
		}
		before = len(w.Requests())
		if m := w.lookup("07700900399"); m.State != MatchNone || len(w.Requests())-before != 2 {
			t.Errorf("%s: nobody is %s after %d requests", value, m.State, len(w.Requests())-before)
		}
	}
}

func TestARecordOfOursIsRememberedForAsLongAsTheIndexLags(t *testing.T) {
	for _, tt := range []struct {
		lag  string
		want time.Duration
	}{{"", 15 * time.Minute}, {"60", 15 * time.Minute}, {"600", 40 * time.Minute}, {"86400", 2 * time.Hour}} {
		d := NewDirectory(nil, DirectorySettings{Answers: func() Answers { return settled(AskIndexLag, tt.lag) }})
		if got := d.rememberFor(); got != tt.want {
			t.Errorf("a lag of %q s: %s, not %s", tt.lag, got, tt.want)
		}
		d.Close()
	}
}

// Without a description of Task only what every org has is written, and what a self test has seen in this one.
func TestWhatASelfTestHasSeenIsWrittenWithoutADescription(t *testing.T) {
	s := TaskSettings{}
	if s.Keyed() || s.has("Type") || !s.has("CallType") || s.has("TaskWhoIds") {
		t.Error("an org of which nothing is known gets fields that it may not have")
	}
	s.Answers = settled(AskTaskKey, Yes, AskTaskType, Yes)
	if !s.Keyed() || !s.has("Type") || s.has("TaskWhoIds") {
		t.Error("what was seen is not written")
	}
	s.Has = map[string]bool{}
	if s.Keyed() || s.has("Type") {
		t.Error("a description that is there is overruled")
	}
}
