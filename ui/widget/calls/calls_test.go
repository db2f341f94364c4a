package calls

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestTimersReadLikeAClock(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0:00", 7 * time.Second: "0:07", 754 * time.Second: "12:34", time.Hour: "1:00:00", 3723 * time.Second: "1:02:03", 36000 * time.Second: "10:00:00"} {
		if got := Clock(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestTheTimerCountsTalkingOnceAnsweredAndStopsAtTheEnd(t *testing.T) {
	call := desk.Call{State: desk.Incoming, Started: now.Add(-10 * time.Second)}
	if got := Length(&call, now); got != 10*time.Second {
		t.Errorf("ringing: %v", got)
	}
	call.State, call.Answered = desk.Talking, now.Add(-4*time.Second)
	if got := Length(&call, now); got != 4*time.Second {
		t.Errorf("talking: %v", got)
	}
	call.State, call.EndedAt = desk.Ended, now.Add(-time.Second)
	if got := Length(&call, now); got != 3*time.Second {
		t.Errorf("ended: %v", got)
	}
	call.Answered = time.Time{}
	if got := Length(&call, now); got != 0 {
		t.Errorf("never answered: %v", got)
	}
}

func TestTwelveCallsFitAndTheFocusedOneIsAmongThem(t *testing.T) {
	th, _ := theme.Named("dark", true)
	var list []desk.Call
	for i := range desk.MaxCalls {
		list = append(list, desk.Call{Key: desk.CallKey(fmt.Sprint(i)), State: desk.Held, Name: text.Clean(fmt.Sprintf("caller %d", i)), Started: now, Answered: now, StateSince: now})
	}
	for _, w := range []int{46, 80, 200} {
		for i, room := range []int{1, 2, 3, 5, 8, 30, 1, 2, 4, 12, 1, 40} {
			lines, owner := Look{Theme: th, Now: now, Width: w, Focus: list[i].Key}.Draw(list, room)
			out := ansi.Strip(strings.Join(lines, "\n"))
			if len(lines) > room || len(owner) != len(lines) || !strings.Contains(out, "▌") {
				t.Errorf("focus on %d, %d cells, %d lines:\n%s", i, w, room, out)
			}
			for _, l := range lines {
				if ansi.StringWidth(l) != w {
					t.Errorf("%q is %d cells wide, not %d", l, ansi.StringWidth(l), w)
				}
			}
		}
	}
}

func TestEveryStateHasItsOwnGlyphOrWord(t *testing.T) {
	th, _ := theme.Named("dark", true)
	seen := map[string]desk.CallState{}
	for _, s := range []desk.CallState{desk.Incoming, desk.Dialling, desk.Alerting, desk.Answering, desk.Talking, desk.Holding, desk.Held, desk.Resuming, desk.Transferring, desk.Ending, desk.Ended} {
		glyph, word, _ := Look{Theme: th, Now: now}.state(&desk.Call{State: s, Started: now, StateSince: now})
		if other, twice := seen[word]; twice || ansi.StringWidth(glyph) != 1 {
			t.Errorf("%s looks like %s: %s %s", s, other, glyph, word)
		}
		seen[word] = s
	}
}
