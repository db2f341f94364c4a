package desk

import (
	"slices"

	"offhook/internal/text"
)

// Lacking is everything that an administrator should mend of the org and the settings, one line each: what it is, what it means for
// the records, what to do. It replaces what was lacking before.
type Lacking struct{ Lines []text.Text }

func (Lacking) deskEvent() {}

// maxLacking is how many lines are shown at once: more would push out what is about calls.
const maxLacking = 3

// moreLacking stands for the lines that have no room.
const moreLacking = "Salesforce lacks more than fits here: offhook doctor lists it, with what to do."

// lacking shows lines that are new and takes back those that are gone. A line that the agent has hidden stays hidden while it is true.
func (t *turn) lacking(ev Lacking) {
	known, shown := t.lacks, 0
	t.lacks = slices.Clone(ev.Lines)
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool {
		ours := n.Call == "" && n.Severity == Warning
		gone := slices.Contains(known, n.Text) && !slices.Contains(ev.Lines, n.Text) || n.Text.String() == moreLacking && len(ev.Lines) <= maxLacking
		if ours && slices.Contains(ev.Lines, n.Text) {
			shown++
		}
		return ours && gone
	})
	for _, l := range ev.Lines {
		if slices.Contains(known, l) {
			continue
		}
		if shown++; shown > maxLacking {
			t.notify(Warning, "", text.Clean(moreLacking))
			return
		}
		t.notify(Warning, "", l)
	}
}
