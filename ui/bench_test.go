package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/desk"
	"offhook/ui/bridge"
	"offhook/ui/widget/calls"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// call with a timer that moves and levels that change, as five times a second in a real call.
func lively(i int) *desk.Snapshot {
	s := popped()
	q := *s.Calls[0].Quality
	q.InLevel, q.OutLevel = -50+float64(i%7)*6, -50+float64(i%5)*8
	s.Calls[0].Quality, s.Seq = &q, uint64(i)
	return s
}

func BenchmarkUpdateAndView(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			m := screen(popped(), size[0], size[1])
			frames := [...]*desk.Snapshot{lively(0), lively(1), lively(2), lively(3)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Update(bridge.Snapshot{Snapshot: frames[i%4]})
				m.View()
			}
		})
	}
	b.Run("80x24 typing notes", func(b *testing.B) {
		m := screen(popped(), 80, 24, "e")
		b.ReportAllocs()
		for b.Loop() {
			m.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
			m.View()
			m.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
			m.View()
		}
	})
	b.Run("80x24 with a box", func(b *testing.B) {
		m := screen(popped(), 80, 24, "?")
		b.ReportAllocs()
		for b.Loop() {
			m.Update(tea.KeyPressMsg{Code: tea.KeyF11})
			m.View()
		}
	})
}

// BenchmarkBytesPerFrame counts what a terminal is sent for one second of a call: the timer and both meters move.
func BenchmarkBytesPerFrame(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			v := newTerminal(b, size[0], size[1])
			clock := make(chan time.Time, 1)
			now := noon
			m := New(Options{Now: func() time.Time {
				select {
				case now = <-clock:
				default:
				}
				return now
			}})
			p := start(b, m, v, size[0], size[1], colorprofile.TrueColor)
			p.Send(bridge.Snapshot{Snapshot: lively(0)})
			v.await(b, "the call", func(s string) bool { return len(s) > 0 && contains(s, "2:14") })
			before := len(v.bytes())
			n := 0
			for b.Loop() {
				n++
				at := noon.Add(time.Duration(n) * time.Second)
				clock <- at
				p.Send(bridge.Snapshot{Snapshot: lively(n)})
				want := clockText(134 + n)
				v.await(b, want, func(s string) bool { return contains(s, want) })
			}
			b.ReportMetric(float64(len(v.bytes())-before)/float64(n), "bytes/frame")
		})
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func clockText(seconds int) string { return calls.Clock(time.Duration(seconds) * time.Second) }

// The gates: what a machine cannot vary.
func TestAFrameStaysCheap(t *testing.T) {
	frames := [...]*desk.Snapshot{lively(0), lively(1)}
	for name, m := range map[string]*Model{"with a call": screen(popped(), 80, 24), "with notes being typed": screen(popped(), 80, 24, "e", "Wants a credit note.")} {
		i := 0
		if n := testing.AllocsPerRun(50, func() {
			m.Update(bridge.Snapshot{Snapshot: frames[i%2]})
			m.View()
			i++
		}); n > 260 {
			t.Errorf("a frame at 80×24 %s takes %.0f allocations", name, n)
		}
	}
}
