package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/desk"
	"offhook/sip/exchange"
	"offhook/ui"
	"offhook/ui/tape"
)

// percentiles reports what people wait for: the middle, and the hundredth that is slowest.
func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(0, "ns/op") // setting up and clearing away are no part of it
}

// benchPlace is a desk that writes no Tasks for calls that nobody answered: the figures are about the caller, not about records.
func benchPlace(b *testing.B) *place {
	b.Helper()
	p := &place{TB: b, e: testEnv()}
	var err error
	if p.b, err = startBackend(b.Context(), p.e, true, quietSettings+"[record]\nlog = [\"answered\"]\n"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.b.close)
	p.open(p.b.settings)
	return p
}

// strangers are numbers of the practice data, one after the other, so that every caller is looked up for the first time.
func strangers(p *place) func() string {
	var numbers []string
	for _, object := range []string{"Contact", "Lead"} {
		for _, r := range p.b.org.Records(object, false) {
			for _, f := range []string{"Phone", "MobilePhone"} {
				n, _ := r[f].(string)
				digits := strings.Map(func(c rune) rune {
					if c >= '0' && c <= '9' {
						return c
					}
					return -1
				}, n)
				if len(digits) >= 9 && strings.HasPrefix(strings.TrimSpace(n), "+") {
					numbers = append(numbers, "+"+digits)
				}
			}
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	i := 0
	return func() string { i++; return numbers[i%len(numbers)] }
}

// clear ends the ringing call, and waits until nothing is left of it.
func (p *place) clear() {
	p.Helper()
	p.b.exchange.HangUp(agentExtension)
	p.until("the desk is free", func(s *desk.Snapshot) bool {
		return s.State == desk.Available && !slices.ContainsFunc(s.Calls, func(c desk.Call) bool { return c.State != desk.Ended })
	})
}

// BenchmarkInviteToSnapshot measures from the customer's INVITE to the snapshot that says who calls: over real SIP on loopback, the
// journal on disk, and a Salesforce that answers at once.
func BenchmarkInviteToSnapshot(b *testing.B) {
	for name, numbers := range map[string]func(*place) func() string{
		"a caller never seen before": strangers,
		"a caller seen today":        func(*place) func() string { return func() string { return emulator.StoryKnownNumber } },
	} {
		b.Run(name, func(b *testing.B) {
			p := benchPlace(b)
			next := numbers(p)
			var took []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				number := next()
				began := time.Now()
				if err := p.b.exchange.Place(exchange.Call{From: number, To: agentExtension}); err != nil {
					b.Fatal(err)
				}
				p.until("the lookup has its answer", func(s *desk.Snapshot) bool {
					n := len(s.Calls)
					return n > 0 && s.Calls[n-1].State == desk.Incoming && s.Calls[n-1].Match.State != crm.MatchSearching
				})
				took = append(took, time.Since(began))
				p.clear()
			}
			percentiles(b, took)
		})
	}
}

// glass is a virtual terminal that tells when words appear.
type glass struct {
	mu   sync.Mutex
	em   *vt.Emulator
	wake chan struct{}
}

func newGlass(w, h int) *glass {
	g := &glass{em: vt.NewEmulator(w, h), wake: make(chan struct{}, 1)}
	_, _ = g.em.Write([]byte(ansi.SetModeLineFeedNewLine))
	return g
}

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	n, err := g.em.Write(p)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return n, err
}

func (g *glass) shows(part string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Contains(g.em.String(), part)
}

func (g *glass) until(b *testing.B, what string, ready func() bool) {
	b.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !ready() {
		select {
		case <-g.wake:
		case <-limit.C:
			b.Fatalf("never: %s\n%s", what, g.em.String())
		}
	}
}

type answers func([]byte) (int, error)

func (f answers) Read(p []byte) (int, error) { return f(p) }

// BenchmarkInviteToScreen measures from the customer's INVITE to the caller's name on the screen, drawn by the real renderer at its
// usual sixty frames a second.
func BenchmarkInviteToScreen(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			p := benchPlace(b)
			g := newGlass(size[0], size[1])
			in, keys := io.Pipe()
			go func() { _, _ = io.Copy(keys, answers(g.em.Read)) }() // what the terminal answers to queries
			b.Cleanup(func() { _ = keys.Close(); _ = g.em.Close() })
			screen, err := screenOptions(p.b.settings)
			if err != nil {
				b.Fatal(err)
			}
			screen.Send = p.w.desk.Send
			snapshots, cancel := p.w.desk.Subscribe()
			defer cancel()
			ctx := context.WithoutCancel(b.Context())
			term := tape.Terminal{In: in, Out: g, Width: size[0], Height: size[1], Environ: []string{"TERM=xterm-256color", "COLORTERM=truecolor"}}
			stage := ui.Open(ctx, screen, snapshots, append(term.Options(ctx), tea.WithFPS(60))...)
			defer stage.Stop()
			g.until(b, "Available", func() bool { return g.shows("Available") })
			var took []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				began := time.Now()
				if err := p.b.exchange.Place(exchange.Call{From: emulator.StoryKnownNumber, To: agentExtension}); err != nil {
					b.Fatal(err)
				}
				g.until(b, "the caller's name", func() bool { return g.shows(emulator.StoryKnownName) })
				took = append(took, time.Since(began))
				p.clear()
				p.w.desk.Send(desk.Command{Verb: desk.Dismiss})
				p.w.desk.Send(desk.Command{Verb: desk.Close})
				g.until(b, "an empty desk", func() bool { return !g.shows(emulator.StoryKnownName) })
			}
			percentiles(b, took)
		})
	}
}
