package sip

import (
	"slices"
	"testing"
)

func TestInAConferenceEverybodyHearsEverybodyElse(t *testing.T) {
	a, b, c, d := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 1700}, &bench{hz: 2400}
	agent := open(t, "agent", func(cfg *Config) { cfg.Headset = a.headset(t) })
	first := open(t, "first", func(cfg *Config) { cfg.Headset = b.headset(t) })
	second := open(t, "second", func(cfg *Config) { cfg.Headset = c.headset(t) })
	third := open(t, "third", func(cfg *Config) { cfg.Headset = d.headset(t) })
	theirs := talking(t, first, agent, "x")
	agent.Hold(theirs)
	wait[CallHeld](t, agent)
	talking(t, agent, second, "y")
	agent.Conference([]LegID{theirs, "y"})
	if e := wait[ConferenceChanged](t, agent); !slices.Equal(e.Legs, []LegID{theirs, "y"}) {
		t.Fatalf("%+v", e)
	}
	agent.Resume(theirs)
	wait[CallHeld](t, agent)
	hears := func(who *bench, hz ...float64) bool {
		for _, f := range hz {
			if who.power(f) < 0.15 {
				return false
			}
		}
		return true
	}
	becomes(t, "all three hear each other", func() bool { return hears(a, 1000, 1700) && hears(b, 440, 1700) && hears(c, 440, 1000) })

	// A held member neither hears nor is heard; the others talk on.
	agent.Hold(theirs)
	wait[CallHeld](t, agent)
	becomes(t, "the agent and the second talk alone", func() bool { return a.power(1700) > 0.9 && c.power(440) > 0.9 && b.power(440) < 0.05 })
	agent.Resume(theirs)
	wait[CallHeld](t, agent)
	becomes(t, "all three again", func() bool { return hears(a, 1000, 1700) && hears(b, 440, 1700) && hears(c, 440, 1000) })

	// Somebody joins, somebody leaves.
	talking(t, agent, third, "z")
	agent.Conference([]LegID{theirs, "y", "z"})
	becomes(t, "all four", func() bool {
		return hears(a, 1000, 1700, 2400) && hears(b, 440, 1700, 2400) && hears(c, 440, 1000, 2400) && hears(d, 440, 1000, 1700)
	})
	second.Hangup("")
	agent.Hangup("y")
	if e := wait[CallEnded](t, agent); e.Leg != "y" {
		t.Errorf("%+v", e)
	}
	becomes(t, "three are left", func() bool {
		return hears(a, 1000, 2400) && hears(b, 440, 2400) && hears(d, 440, 1000) && a.power(1700) < 0.05
	})

	agent.Conference(nil)
	becomes(t, "one conversation at a time", func() bool {
		one, other := b.power(440) > 0.9, d.power(440) > 0.9
		return one != other && b.power(2400) < 0.05 && d.power(1000) < 0.05
	})
}

func TestAConferenceThatTheAgentLeavesForAnotherCallTalksOn(t *testing.T) {
	a, b, c, d := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 1700}, &bench{hz: 2400}
	agent := open(t, "agent", func(cfg *Config) { cfg.Headset = a.headset(t) })
	first := open(t, "first", func(cfg *Config) { cfg.Headset = b.headset(t) })
	second := open(t, "second", func(cfg *Config) { cfg.Headset = c.headset(t) })
	third := open(t, "third", func(cfg *Config) { cfg.Headset = d.headset(t) })
	one := talking(t, first, agent, "x")
	two := talking(t, second, agent, "x")
	agent.Conference([]LegID{one, two})
	becomes(t, "both hear each other", func() bool { return b.power(1700) > 0.15 && c.power(1000) > 0.15 })
	talking(t, agent, third, "z")
	becomes(t, "the agent talks to the third, the others to each other", func() bool {
		return a.power(2400) > 0.9 && d.power(440) > 0.9 && b.power(1700) > 0.9 && c.power(1000) > 0.9
	})
}
