package edit

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// One key typed into notes of a length, and the panel drawn after it.
func BenchmarkKeyAndArea(b *testing.B) {
	for _, n := range []int{300, 4000, 16000} {
		for _, shape := range []string{"lines", "one line"} {
			b.Run(fmt.Sprintf("%d characters, %s", n, shape), func(b *testing.B) {
				say := "The customer asks about the invoice of last month.\n"
				if shape == "one line" {
					say = strings.ReplaceAll(say, "\n", " ")
				}
				f := Field{Lines: true}
				f.Set(strings.Repeat(say, n/len(say)+1)[:n-2] + ".")
				b.ReportAllocs()
				for b.Loop() {
					f.Key(tea.Key{Code: 'x', Text: "x"})
					f.Area(70, 6)
					f.Key(tea.Key{Code: tea.KeyBackspace})
					f.Area(70, 6)
				}
			})
		}
	}
}

// The panel drawn again with nothing typed, as five times a second in a call.
func BenchmarkArea(b *testing.B) {
	for _, n := range []int{300, 4000, 16000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := Field{Lines: true}
			f.Set(strings.Repeat("The customer asks about the invoice of last month.\n", n/51+1)[:n-2] + ".")
			b.ReportAllocs()
			for b.Loop() {
				f.Area(70, 6)
			}
		})
	}
}

func BenchmarkKeyAndLine(b *testing.B) {
	f := Field{}
	f.Set("Fred Bloggs, 44 Long Street, Edinburgh")
	b.ReportAllocs()
	for b.Loop() {
		f.Key(tea.Key{Code: 'x', Text: "x"})
		f.Line(30)
		f.Key(tea.Key{Code: tea.KeyBackspace})
		f.Line(30)
	}
}

// A form of eight fields is made.
func BenchmarkMakeAndSet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		f := Field{}
		f.Set("Fred Bloggs")
		f.Line(30)
	}
}
