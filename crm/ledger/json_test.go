package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"offhook/internal/text"
)

// The shapes are promised to other programs: this is the whole of version 1, byte for byte.
func TestTheShapesOfVersion1StayAsTheyAre(t *testing.T) {
	t.Parallel()
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	claimed(t, l, "k1")
	must(t, l.MarkDead(t.Context(), "k1", Failure{Class: "validation", Reason: text.Clean("Subject: too long")}))
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	const call = `{"key":"k1","state":"ended:normal","direction":"Inbound","number":"07814256404","name":"Fred Bloggs","match":"one",` +
		`"about":{"type":"Contact","id":"003000000000001AAA","name":"Fred Bloggs"},"started":"2026-11-21T09:00:00.123456789Z",` +
		`"answered":"2026-11-21T09:00:04.123456789Z","ended":"2026-11-21T09:01:04.123456789Z","seconds":60,"cause":"the customer hung up",` +
		`"notes":"asked about the invoice\nwill call back","record":"dead"}`
	const record = `{"state":"dead","attempts":1,"created":"2026-11-21T09:00:00.123456789Z","updated":"2026-11-21T09:00:00.123456789Z",` +
		`"errorClass":"validation","lastError":"Subject: too long","payload":{"version":1,"notes":"k1"}}`
	want := map[string]string{
		"history": `{"version":1,"calls":[` + call + `]}`,
		"outbox":  `{"version":1,"counts":{"openCalls":0,"pending":0,"sending":0,"dead":1,"fix":0,"oldest":"2026-11-21T09:00:00.123456789Z"},"records":[{"call":` + call + `,"record":` + record + `}]}`,
		"story": `{"version":1,"call":` + call + `,"detail":{"version":1,"notes":"detail"},"transitions":[` +
			`{"at":"2026-11-21T09:00:00.123456789Z","state":"ringing","what":"INVITE"},` +
			`{"at":"2026-11-21T09:01:04.123456789Z","state":"ended:normal","what":"the customer hung up"}],"record":` + record + `,"attempts":[` +
			`{"at":"2026-11-21T09:00:00.123456789Z","result":"queued"},` +
			`{"at":"2026-11-21T09:00:00.123456789Z","result":"dead","class":"validation","reason":"Subject: too long"}]}`,
		"empty history": `{"version":1,"calls":[]}`,
		"empty outbox":  `{"version":1,"counts":{"openCalls":0,"pending":0,"sending":0,"dead":0,"fix":0},"records":[]}`,
	}
	counts, err := l.Counts(t.Context())
	must(t, err)
	for name, v := range map[string]any{
		"history": NewHistoryJSON([]Entry{s.Entry}), "outbox": NewOutboxJSON(counts, []Entry{s.Entry}), "story": s.JSON(),
		"empty history": NewHistoryJSON(nil), "empty outbox": NewOutboxJSON(Counts{}, nil),
	} {
		got, err := json.Marshal(v)
		must(t, err)
		if string(got) != want[name] {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want[name])
		}
	}
	var out bytes.Buffer
	n, err := l.Export(t.Context(), &out)
	if line := `{"version":1,"call":` + call + `,"record":` + record + "}\n"; err != nil || n != 1 || out.String() != line {
		t.Errorf("export: %d, %v\ngot  %swant %s", n, err, out.String(), line)
	}
}

func TestAnExportIsOneLinePerRecordWhateverIsInIt(t *testing.T) {
	t.Parallel()
	l := open(t, file(t), newClock())
	for _, key := range []string{"k1", "k2", "k3"} {
		c := ended(key, t0)
		c.Name = text.Clean("evil\nname\x1b[2J")
		must(t, l.Finish(t.Context(), c, &Item{Payload: json.RawMessage("{\n \"a\": \"x\\ny\"\n}")}))
	}
	must(t, l.Drop(t.Context(), "k2", text.Text{}))
	var out bytes.Buffer
	n, err := l.Export(t.Context(), &out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err != nil || n != 2 || len(lines) != 2 {
		t.Fatalf("%d, %v: %s", n, err, out.String())
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) || strings.Contains(line, "\x1b") {
			t.Errorf("%q", line)
		}
	}
}
