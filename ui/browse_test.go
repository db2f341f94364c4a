package ui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"

	tea "charm.land/bubbletea/v2"
)

func TestOnlyHTTPSPagesOfTheOrgAreOpened(t *testing.T) {
	const org = "acme.my.salesforce.com"
	for address, want := range map[string]bool{
		"https://acme.my.salesforce.com/lightning/r/Contact/003/view": true,
		"https://ACME.my.salesforce.com/003":                          true,
		"http://acme.my.salesforce.com/003":                           false,
		"https://acme.my.salesforce.com:8443/003":                     false,
		"https://acme.my.salesforce.com.evil.example/003":             false,
		"https://acme.my.salesforce.com@evil.example/003":             false,
		"https://me@acme.my.salesforce.com/003":                       false,
		"javascript:alert(1)":                                         false, "file:///etc/passwd": false, "": false, "https://": false,
	} {
		if OwnPage(address, org) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
	if OwnPage("https:///x", "") {
		t.Error("without an org everything is its page")
	}
}

// told runs what an update asked for and feeds the answers back; it returns everything that was told.
func (b *bench) told(cmd tea.Cmd) (out []tea.Msg) {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	if list, ok := msg.(tea.BatchMsg); ok {
		for _, c := range list {
			out = append(out, b.told(c)...)
		}
		return out
	}
	out = append(out, msg)
	if _, ours := msg.(browsed); ours {
		_, more := b.Update(msg)
		out = append(out, b.told(more)...)
	}
	return out
}

// clipboard is what was put on the terminal's clipboard, and what went out as raw sequences.
func clipboard(msgs []tea.Msg) (copied, raw []string) {
	for _, m := range msgs {
		switch {
		case reflect.TypeOf(m) == reflect.TypeOf(tea.SetClipboard("")()):
			copied = append(copied, reflect.ValueOf(m).String())
		case reflect.TypeOf(m) == reflect.TypeOf(tea.Raw("")()):
			raw = append(raw, fmt.Sprint(reflect.ValueOf(m).Field(0).Interface()))
		}
	}
	return copied, raw
}

func (b *bench) keyed(key rune) []tea.Msg {
	_, cmd := b.Update(tea.KeyPressMsg{Code: key, Text: string(key)})
	return b.told(cmd)
}

func TestTheRecordOpensInTheBrowserOrItsAddressIsCopied(t *testing.T) {
	var opened []string
	browser := func(o *Options) { o.Browse = func(s string) bool { opened = append(opened, s); return true } }
	b := onBench(popped(), browser)
	address := fredCard().URL.String()
	if copied, _ := clipboard(b.keyed('O')); !slices.Equal(opened, []string{address}) || len(copied) != 0 || !strings.Contains(b.text(), "Opening in the browser") {
		t.Errorf("opened %q, copied %q\n%s", opened, copied, b.text())
	}
	foreign := popped()
	foreign.Open.URL = c("https://evil.example/003000000000001")
	opened = nil
	b = onBench(foreign, browser)
	if copied, _ := clipboard(b.keyed('O')); len(opened) != 0 || len(copied) != 1 || !strings.Contains(b.text(), "Only https pages of your org") {
		t.Errorf("opened %q, copied %q\n%s", opened, copied, b.text())
	}
	for name, change := range map[string]func(*Options){"there is none": nil, "it does not start": func(o *Options) { o.Browse = func(string) bool { return false } }} {
		b = onBench(popped(), change)
		if copied, _ := clipboard(b.keyed('O')); !slices.Equal(copied, []string{address}) || !strings.Contains(b.text(), "No browser opens here") {
			t.Errorf("%s: copied %q\n%s", name, copied, b.text())
		}
	}
}

func TestTheClipboardIsReachedThroughTmuxAndScreen(t *testing.T) {
	for around, want := range map[Multiplexer][2]int{NoMultiplexer: {1, 0}, Tmux: {1, 1}, Screen: {0, 1}} {
		b := onBench(popped(), func(o *Options) { o.Inside = around })
		copied, raw := clipboard(b.keyed('I'))
		if len(copied) != want[0] || len(raw) != want[1] {
			t.Errorf("%q: copied %q, raw %q", around, copied, raw)
		}
		if around == Tmux && !strings.HasPrefix(raw[0], "\x1bPtmux;\x1b\x1b]52;c;") {
			t.Errorf("tmux gets %q", raw)
		}
		if around == Screen && !strings.HasPrefix(raw[0], "\x1bP\x1b]52;c;") {
			t.Errorf("screen gets %q", raw)
		}
	}
	for env, want := range map[string]Multiplexer{"TMUX": Tmux, "STY": Screen, "TERM": NoMultiplexer} {
		if got := Around(func(k string) string { return map[bool]string{true: "x"}[k == env] }); got != want {
			t.Errorf("%s: %q", env, got)
		}
	}
}

func TestNumberIDAndAddressHaveAKeyEach(t *testing.T) {
	for key, want := range map[rune]string{'N': "07814256404", 'I': "003000000000001", 'Y': fredCard().URL.String(), 'y': fredCard().URL.String()} {
		b := onBench(popped(), nil)
		if copied, _ := clipboard(b.keyed(key)); !slices.Equal(copied, []string{want}) {
			t.Errorf("%c copies %q, not %s", key, copied, want)
		}
	}
}

func TestTheCardSaysHowOldItIs(t *testing.T) {
	for old, want := range map[time.Duration]string{10 * time.Second: "fields", 5 * time.Minute: "as of 5 min ago", 30 * time.Hour: "as of " + noon.Add(-30*time.Hour).Local().Format("2 Jan")} {
		s := popped()
		s.Open.Fetched = noon.Add(-old)
		if got := onBench(s, nil).text(); !strings.Contains(got, want) {
			t.Errorf("%s old: %q is missing\n%s", old, want, got)
		}
	}
	s := popped()
	s.Reading, s.Earlier = true, 1
	if got := onBench(s, nil).text(); !strings.Contains(got, "reading it again") || !strings.Contains(got, "back") {
		t.Errorf("%s", got)
	}
}

func longSearch() *desk.Snapshot {
	s := idle()
	s.Search = &desk.Search{Query: c("carter"), More: []string{"Lead"}}
	for i := range 20 {
		s.Search.Hits = append(s.Search.Hits, crm.Hit{Ref: crm.Ref{Type: "Contact", ID: fmt.Sprintf("0030000000000%02d", i), Name: c(fmt.Sprintf("Carter %d", i))}})
	}
	for i := range 3 {
		s.Search.Hits = append(s.Search.Hits, crm.Hit{Ref: crm.Ref{Type: "Lead", ID: fmt.Sprintf("00Q0000000000%02d", i), Name: c(fmt.Sprintf("Carver %d", i))}})
	}
	return s
}

func TestDigitsOpenWhatStandsBesideThem(t *testing.T) {
	all := longSearch().Search.Hits
	for name, tc := range map[string]struct {
		keys []string
		want crm.Ref
	}{
		"the third":                {[]string{"3"}, all[2].Ref},
		"the second lead":          {[]string{"]", "]", "2"}, all[21].Ref},
		"back to all":              {[]string{"]", "[", "1"}, all[0].Ref},
		"objects come round again": {[]string{"]", "]", "]", "1"}, all[0].Ref},
	} {
		b := onBench(longSearch(), nil)
		b.text() // the digits are those on the screen
		for _, k := range tc.keys {
			press(b.Model, k)
			b.text()
		}
		if want := []desk.Command{{Verb: desk.Open, Record: tc.want}}; !reflect.DeepEqual(b.sent, want) {
			t.Errorf("%s: %+v\n%s", name, b.sent, b.text())
		}
	}
	b := onBench(longSearch(), nil)
	b.text()
	press(b.Model, "pgdown")
	first := ""
	for l := range strings.SplitSeq(b.text(), "\n") {
		if strings.Contains(l, " 1 ") && strings.Contains(l, "Carter ") {
			first = l
		}
	}
	press(b.Model, "1")
	if len(b.sent) != 1 || !strings.Contains(first, b.sent[0].Record.Name.String()+" ") || b.sent[0].Record.ID == all[0].ID {
		t.Errorf("%q opens %+v", first, b.sent)
	}
}

func TestMoreIsSearchedWhenAskedAndWhatWasTypedGoesIntoTheNewForm(t *testing.T) {
	b := onBench(longSearch(), nil)
	press(b.Model, "+", "n")
	if want := []desk.Command{{Verb: desk.SearchIn, Text: "carter", Values: map[string]string{desk.SearchMore: "yes"}},
		{Verb: desk.New, Values: map[string]string{"typed": "carter"}}}; !reflect.DeepEqual(b.sent, want) {
		t.Errorf("%+v", b.sent)
	}
	b = onBench(withSearch(), nil) // the caller's own number is in the form anyway
	press(b.Model, "n", "+")
	if want := []desk.Command{{Verb: desk.New, Call: "k1"}}; !reflect.DeepEqual(b.sent, want) {
		t.Errorf("%+v", b.sent)
	}
}

func TestEarlierSearchesComeBackWithTheUpKey(t *testing.T) {
	s := idle()
	s.Search = &desk.Search{Before: []text.Text{c("vance"), c("carter")}}
	b := onBench(s, nil)
	press(b.Model, "x", "up", "up", "up", "enter")
	press(b.Model, "down", "enter", "down", "enter")
	var asked []string
	for _, c := range b.sent {
		asked = append(asked, c.Text)
	}
	if !slices.Equal(asked, []string{"carter", "vance", "x"}) {
		t.Errorf("%q", asked)
	}
}

func TestWhatIsTypedIsToldOnlyWhereItIsSearched(t *testing.T) {
	for live, want := range map[bool]int{false: 0, true: 3} {
		s := idle()
		s.Search = &desk.Search{Live: live}
		b := onBench(s, nil)
		press(b.Model, "c", "a", "left", "r")
		if len(b.sent) != want {
			t.Errorf("live %v: %+v", live, b.sent)
		}
	}
	s := idle()
	s.Search = &desk.Search{Live: true}
	b := onBench(s, nil)
	press(b.Model, "car")
	hits := *s
	hits.Search = &desk.Search{Live: true, Typed: true, Query: c("car"), Hits: many().Match.Hits}
	b.show(&hits)
	press(b.Model, "t") // still typing: it is text, and no key of the list
	if last := b.sent[len(b.sent)-1]; last.Text != "cart" {
		t.Errorf("%+v", b.sent)
	}
	done := *s
	done.Search = &desk.Search{Live: true, Query: c("cart"), Hits: many().Match.Hits}
	b.show(&done)
	b.text()
	press(b.Model, "1")
	if last := b.sent[len(b.sent)-1]; last.Verb != desk.Open {
		t.Errorf("after Enter the list has the focus: %+v", last)
	}
}
