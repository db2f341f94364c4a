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
	three := func() {
		t.Helper()
		hears(t, "the agent among three", a, among, 1000, 1700)
		hears(t, "the first among three", b, among, 440, 1700)
		hears(t, "the second among three", c, among, 440, 1000)
	}
	three()

	// A held member neither hears nor is heard; the others talk on.
	agent.Hold(theirs)
	wait[CallHeld](t, agent)
	hearEachOther(t, a, c)
	becomes(t, "the first hears nothing", func() bool { return b.power(440) < 0.05 })
	agent.Resume(theirs)
	wait[CallHeld](t, agent)
	three()

	// Somebody joins, somebody leaves.
	talking(t, agent, third, "z")
	agent.Conference([]LegID{theirs, "y", "z"})
	hears(t, "the agent among four", a, among, 1000, 1700, 2400)
	hears(t, "the first among four", b, among, 440, 1700, 2400)
	hears(t, "the second among four", c, among, 440, 1000, 2400)
	hears(t, "the third among four", d, among, 440, 1000, 1700)
	second.Hangup("")
	agent.Hangup("y")
	if e := wait[CallEnded](t, agent); e.Leg != "y" {
		t.Errorf("%+v", e)
	}
	becomes(t, "the second is gone", func() bool { return a.power(1700) < 0.05 })
	hears(t, "the agent among those who are left", a, among, 1000, 2400)
	hears(t, "the first among those who are left", b, among, 440, 2400)
	hears(t, "the third among those who are left", d, among, 440, 1000)

	agent.Conference(nil)
	becomes(t, "one conversation at a time", func() bool {
		one, other := b.power(440) > 0.5, d.power(440) > 0.5
		return one != other && b.power(2400) < 0.05 && d.power(1000) < 0.05
	})
}

func TestAHeadsetStaysOpenOnItsWayIntoAConferenceAndOut(t *testing.T) {
	a, b, c := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 1700}
	agent := open(t, "agent", func(cfg *Config) { cfg.Headset = a.headset(t) })
	first := open(t, "first", func(cfg *Config) { cfg.Headset = b.headset(t) })
	second := open(t, "second", func(cfg *Config) { cfg.Headset = c.headset(t) })
	one := talking(t, first, agent, "x")
	two := talking(t, second, agent, "x")
	hears(t, "the second", c, among, 440)
	was := a.opened.Load()
	for range 3 {
		agent.Conference([]LegID{one, two})
		hears(t, "the first in the conference", b, among, 440, 1700)
		hears(t, "the second in the conference", c, among, 440, 1000)
		agent.Conference(nil)
		becomes(t, "one conversation at a time", func() bool {
			return b.power(440) < 0.05 && c.power(440) > 0.5 || c.power(440) < 0.05 && b.power(440) > 0.5
		})
	}
	if now := a.opened.Load(); now != was {
		t.Errorf("the microphone was opened %d times more", now-was)
	}
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
	hears(t, "the first in the conference", b, among, 440, 1700)
	hears(t, "the second in the conference", c, among, 440, 1000)
	talking(t, agent, third, "z")
	hearEachOther(t, a, d)
	hearEachOther(t, b, c)
}
