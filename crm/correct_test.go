package crm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

func block(s string) text.Block { return text.CleanBlock(s, 1000) }

func TestNotesOfTwoLoseNoWord(t *testing.T) {
	for name, c := range map[string]struct{ was, mine, theirs, want string }{
		"nobody else":                    {"a", "ab", "a", "ab"},
		"nobody else, taken away":        {"ab", "", "ab", ""},
		"the other wrote first":          {"", "mine", "theirs", "mine\n\ntheirs"},
		"the next key":                   {"mine", "mine!", "mine\n\ntheirs", "mine!\n\ntheirs"},
		"mine taken away again":          {"mine", "", "mine\n\ntheirs", "theirs"},
		"theirs only begins like mine":   {"w", "wa", "will pay", "wa\n\nwill pay"},
		"they rewrote what I began from": {"abc", "abcd", "xyz", "abcd\n\nxyz"},
		"they added to mine":             {"abc", "abcd", "abc\n\nmore", "abcd\n\nmore"},
		"they took all away":             {"abc", "abcd", "", "abcd"},
		"the same, stored twice":         {"a", "ab", "ab", "ab"},
	} {
		if got := MergeNotes(block(c.was), block(c.mine), block(c.theirs)); got != block(c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestARecordThatCannotBeReadIsNotCorrected(t *testing.T) {
	for _, stored := range []string{``, `null`, `[]`, `{"version":2,"key":"k"}`, `{"version":1,"notes":7}`, `{`} {
		var refused *RefusedError
		if _, _, err := (Correction{Parts: []RecordPart{PartNotes}}).Apply(ledger.Call{Key: "k"}, json.RawMessage(stored)); !errors.As(err, &refused) || !strings.Contains(refused.Line, "nothing was changed") {
			t.Errorf("%s: %v", stored, err)
		}
	}
}
