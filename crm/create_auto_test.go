package crm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// made runs a create errand as often as it takes.
func (w *world) made(o CreateOrder, most int) ([]Ref, error) {
	w.T.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		w.T.Fatal(err)
	}
	run := w.dir.CreateAuto(noErrands{})
	var result string
	for n := range most {
		if result, err = run(w.T.Context(), ledger.Errand{Key: "create:" + o.Call, Kind: CreateErrand, Payload: b, Attempts: n + 1}); err == nil {
			return Made(result), nil
		}
	}
	return nil, err
}

type noErrands struct{}

func (noErrands) Errand(context.Context, string) (ledger.Errand, bool, error) {
	return ledger.Errand{}, false, nil
}

func support(call, number string, at time.Time) CreateOrder {
	return CreateOrder{Call: call, Start: at, Number: text.Clean(number), Type: Inbound, Steps: []CreateStep{
		{Object: "Contact", Unknown: true, Fields: map[string]string{"LastName": "Caller", "Phone": number}},
		{Object: "Case", Fields: map[string]string{"Subject": "Call from Caller", "Origin": "Phone"}},
	}}
}

func TestAnUnknownCallerBecomesOneContactAndEachCallACase(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	first, err := w.made(support("key-1", "+442079460999", w.Time()), 1)
	if err != nil || len(first) != 2 || first[0].Type != "Contact" || first[1].Type != "Case" {
		t.Fatal(first, err)
	}
	if r, _ := w.Find("Case", "Id", first[1].ID); !SameID(r["ContactId"].(string), first[0].ID) || !strings.Contains(r["Description"].(string), "Call: key-1") {
		t.Errorf("%v", r)
	}
	second, err := w.made(support("key-2", "020 7946 0999", w.Time()), 1)
	if err != nil || len(second) != 2 || !SameID(second[0].ID, first[0].ID) || SameID(second[1].ID, first[1].ID) {
		t.Errorf("the same caller again: %v %v", second, err)
	}
	again, err := w.made(support("key-2", "020 7946 0999", w.Time()), 1)
	if err != nil || len(again) != 2 || !SameID(again[1].ID, second[1].ID) {
		t.Errorf("the same errand again: %v %v", again, err)
	}
}

func TestLostRepliesAndRestartsMakeNothingTwice(t *testing.T) {
	for _, object := range []string{"Contact", "Case"} {
		w := newWorld(t, emulator.Options{}, DirectorySettings{})
		contacts, cases := len(w.Records("Contact", true)), len(w.Records("Case", true))
		w.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Object: object, Times: 1})
		o := support("key-1", "+442079460999", w.Time())
		if _, err := w.made(o, 1); err == nil {
			t.Fatal("the reply was not lost")
		}
		w.dir.Close()
		w.freshDirectory(DirectorySettings{}) // another run, which remembers nothing
		got, err := w.made(o, 3)
		if err != nil || len(got) != 2 {
			t.Fatal(got, err)
		}
		if c, k := len(w.Records("Contact", true))-contacts, len(w.Records("Case", true))-cases; c != 1 || k != 1 {
			t.Errorf("after a lost reply about a %s: %d contacts, %d cases", object, c, k)
		}
	}
}

func TestALookupThatFailedMakesNobody(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	before := len(w.Records("Contact", true))
	w.Answer(func(r *http.Request) (int, string, bool) {
		return 503, `[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]`, strings.Contains(r.URL.Path, "earch") || strings.Contains(r.URL.Path, "/query") || strings.Contains(r.URL.Path, "/composite")
	})
	_, err := w.made(support("key-1", "+442079460999", w.Time()), 2)
	if err == nil || salesforce.KindOf(err) != salesforce.KindTransient || len(w.Records("Contact", true)) != before {
		t.Errorf("%v", err)
	}
	w.Answer(nil)
	if got, err := w.made(support("key-1", "+442079460999", w.Time()), 1); err != nil || len(got) != 2 {
		t.Errorf("afterwards: %v %v", got, err)
	}
}

func TestADuplicateRuleWithOneRecordGivesThatRecord(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	set := w.Settings()
	set.DuplicateRules = []emulator.DuplicateRule{{Object: "Contact", Match: []string{"LastName"}}}
	if err := w.SetSettings(set); err != nil {
		t.Fatal(err)
	}
	have, err := w.SF.Create(t.Context(), "Contact", map[string]any{"LastName": "Caller"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.made(support("key-1", "+442079460999", w.Time()), 1)
	if err != nil || len(got) != 2 || !SameID(got[0].ID, have) {
		t.Errorf("%v %v", got, err)
	}
}

func TestWhatCannotBeMadeIsSaidInOneLine(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	o := CreateOrder{Call: "k", Start: w.Time(), Number: text.Clean("+442079460999"), Type: Inbound, Steps: []CreateStep{{Object: "Lead", Unknown: true, Fields: map[string]string{"LastName": "x"}}}}
	_, err := w.made(o, 1)
	var no *RefusedError
	if !errors.As(err, &no) || !strings.Contains(no.Line, "Company is needed") {
		t.Errorf("%v", err)
	}
}

func TestACallFillsInOnlyWhatThePolicyAllows(t *testing.T) {
	for policy, want := range map[UpdatePolicy][3]string{
		UpdateLeave:     {"Buyer", "", "020 7946 0999"},
		UpdateAddOnly:   {"Buyer", "Sales", "020 7946 0999"},
		UpdateOverwrite: {"Boss", "Sales", "020 7946 0999"}, // the number is the same, written otherwise
	} {
		w := newWorld(t, emulator.Options{}, DirectorySettings{})
		id, err := w.SF.Create(t.Context(), "Contact", map[string]any{"LastName": "Fill", "Title": "Buyer", "Phone": "020 7946 0999"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(UpdateOrder{Record: Ref{Type: "Contact", ID: id}, Policy: policy, Fields: map[string]string{"Title": "Boss", "Department": "Sales", "Phone": "+442079460999", "Nothing__c": "x"}})
		if _, err := w.dir.UpdateAuto()(t.Context(), ledger.Errand{Payload: b}); err != nil {
			t.Fatal(policy, err)
		}
		r, _ := w.Find("Contact", "Id", id)
		department, _ := r["Department"].(string)
		if got := [3]string{r["Title"].(string), department, r["Phone"].(string)}; got != want {
			t.Errorf("%s: %v, want %v", policy, got, want)
		}
	}
}

func TestSomebodyWhoWritesMeanwhileIsNotOverwritten(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	id, err := w.SF.Create(t.Context(), "Contact", map[string]any{"LastName": "Fill"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Sleep(5 * time.Second)
	raced := false
	w.Answer(func(r *http.Request) (int, string, bool) {
		if r.Method == http.MethodPatch && !raced && r.Header.Get("If-Unmodified-Since") != "" {
			raced = true
			w.Sleep(5 * time.Second)
			if err := w.SF.Update(context.Background(), "Contact", id, map[string]any{"Title": "Theirs"}, time.Time{}); err != nil {
				t.Error(err)
			}
		}
		return 0, "", false
	})
	b, _ := json.Marshal(UpdateOrder{Record: Ref{Type: "Contact", ID: id}, Policy: UpdateAddOnly, Fields: map[string]string{"Title": "Ours", "Department": "Sales"}})
	if _, err := w.dir.UpdateAuto()(t.Context(), ledger.Errand{Payload: b}); err != nil {
		t.Fatal(err)
	}
	if r, _ := w.Find("Contact", "Id", id); !raced || r["Title"] != "Theirs" || r["Department"] != "Sales" {
		t.Errorf("raced %v: %v", raced, r)
	}
}

func TestFillTakesTheFirstThatIsKnown(t *testing.T) {
	f, err := ParseFill("LastName = {name} || {number}; Phone={number} ; Subject = Call from {name} || Call from {number}")
	if err != nil {
		t.Fatal(err)
	}
	rec := CallRecord{Number: text.Clean("0123"), Name: text.Clean("Ann")}
	if got, want := f.Values(rec, TaskSettings{}), (map[string]string{"LastName": "Ann", "Phone": "0123", "Subject": "Call from Ann"}); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	rec.Name = text.Text{}
	if got := f.Values(rec, TaskSettings{}); got["LastName"] != "0123" || got["Subject"] != "Call from 0123" {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"LastName", "= x", "a b = c", "X = {nmae}"} {
		if _, err := ParseFill(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAFillMayUseWhatAHeaderOfTheCallTold(t *testing.T) {
	f, err := ParseFill("Department = {var:Queue}")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Values(CallRecord{Vars: []Var{{Name: text.Clean("Queue"), Value: text.Clean("Sales")}}}, TaskSettings{}); got["Department"] != "Sales" {
		t.Errorf("%v", got)
	}
}
