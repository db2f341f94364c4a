package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offhook/crm/ledger"
	"offhook/crm/report"
)

func TestHistoryFitsATerminalWithTheLatestCallLast(t *testing.T) {
	var es []ledger.Entry
	check(t, withLedger(t.Context(), sampleLedger(t), func(l *ledger.Ledger) (err error) {
		es, err = l.History(t.Context(), ledger.Filter{})
		return err
	}))
	var out bytes.Buffer
	check(t, historyPage(&out, es, noon))
	want := `Today, Saturday 21 November
  09:00  in   07814256404     Fred Bloggs               1:05  sent      5f2a91c0
  10:00  in   +447814256405   Zoë Ångström              1:05  refused   5f2a91d7
  11:00  out  2104            Front Desk                 now  open      aa000000
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	fits(t, out.String())
}

func TestHistoryChoosesAsItIsTold(t *testing.T) {
	e := sampleLedger(t)
	here := func(hour, minute int) string { // as the person reads the clock, wherever that is
		return time.Date(2026, 11, 21, hour, minute, 0, 0, time.UTC).Local().Format("2006-01-02T15:04")
	}
	for args, want := range map[string]string{
		"--number 07814256405": "5f2a91d7",
		"--text invo --unsent": "5f2a91d7",
		"--direction internal": "aa000000",
		"--limit 1":            "aa000000",
		"--until " + here(9, 30) + " --since " + here(8, 0): "5f2a91c0",
	} {
		out, err := runCmd(t, newHistoryCmd(e), append(strings.Fields(args), "--json")...)
		check(t, err)
		var h ledger.HistoryJSON
		check(t, json.Unmarshal([]byte(out), &h))
		if h.Version != 1 || len(h.Calls) != 1 || !strings.HasPrefix(h.Calls[0].Key, want) {
			t.Errorf("%s: %s", args, out)
		}
	}
	if _, err := runCmd(t, newHistoryCmd(e), "--since", "soon"); err == nil || !strings.Contains(err.Error(), "today") {
		t.Errorf("%v", err)
	}
	if _, err := runCmd(t, newHistoryCmd(e), "--json", "--csv"); err == nil {
		t.Error("two formats at once")
	}
}

func TestHistoryWithoutALedgerIsEmptyAndNoMistake(t *testing.T) {
	e := pathEnv(filepath.Join(t.TempDir(), "none.db"))
	if out, err := runCmd(t, newHistoryCmd(e)); err != nil || out != "No calls.\n" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := runCmd(t, newHistoryCmd(e), "--json"); err != nil || strings.Join(strings.Fields(out), "") != `{"version":1,"calls":[]}` {
		t.Errorf("%q, %v", out, err)
	}
}

func TestHistoryAsCSVCarriesNoFormulas(t *testing.T) {
	out, err := runCmd(t, newHistoryCmd(sampleLedger(t)), "--csv")
	check(t, err)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	check(t, err)
	if len(rows) != 4 || rows[0][0] != "key" || rows[1][0] != fredKey || rows[2][6] != "+447814256405" || rows[1][14] != "sent" {
		t.Errorf("%q", rows)
	}
	for in, want := range map[string]string{
		"=HYPERLINK(1)": "'=HYPERLINK(1)", "@x": "'@x", "-1+2": "'-1+2", "+44 7814": "+44 7814", "+1+2": "'+1+2", "+": "'+", "＝1": "'＝1", "|x": "'|x", "Fred": "Fred", "": "",
	} {
		if got := report.Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	zone := time.FixedZone("X", 2*3600)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, zone)
	for in, want := range map[string]time.Time{
		"":                     {},
		"now":                  now,
		"today":                time.Date(2026, 11, 21, 0, 0, 0, 0, zone),
		"yesterday":            time.Date(2026, 11, 20, 0, 0, 0, 0, zone),
		"09:30":                time.Date(2026, 11, 21, 9, 30, 0, 0, zone),
		"90m":                  now.Add(-90 * time.Minute),
		"7d":                   now.AddDate(0, 0, -7),
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		"2026-11-01 08:15":     time.Date(2026, 11, 1, 8, 15, 0, 0, zone),
		"2026-11-01T08:15:00Z": time.Date(2026, 11, 1, 8, 15, 0, 0, time.UTC),
	} {
		if got, err := parseWhen(in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"-1d", "-5m", "tomorrow", "25:00", "d"} {
		if got, err := parseWhen(in, now); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}
