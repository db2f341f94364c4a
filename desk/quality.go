package desk

import (
	"time"

	"offhook/internal/text"
	"offhook/media"
)

// deafFor is how long sound must be missing before the agent is told: shorter holes are the network's, and heard as such.
const deafFor = 5 * time.Second

// trouble is what can be wrong with the sound of a call while it is up. Each is said once, and taken back when it is over.
type trouble struct {
	begins string // of the notice: what it is found by
	line   func(c *call) string
	now    func(t *turn, c *call, st media.Stats) bool
}

// allTroubles is how many there are.
const allTroubles = 5

var troubles = [allTroubles]trouble{
	{"No sound has come", func(c *call) string {
		return "No sound has come from " + c.Remote.Number.Or(text.Clean("the caller")).String() +
			" for five seconds; the call is still up. Ask whether they hear you, or call back."
	}, func(t *turn, c *call, st media.Stats) bool {
		return !c.HeldByThem && t.at.Sub(st.LastPacket) > deafFor
	}},
	{"You are not being heard", func(*call) string {
		return "You are not being heard: the far end reports that nothing of yours arrives. The call is still up; call back if it stays so."
	}, func(_ *turn, c *call, st media.Stats) bool {
		return !c.HeldByThem && st.Unheard > deafFor
	}},
	{"You speak and are muted", func(*call) string { return "You speak and are muted: m lets them hear you." },
		func(_ *turn, c *call, st media.Stats) bool { return c.Muted && st.HeardSilent }},
	{"Your microphone gives no sound", func(*call) string {
		return "Your microphone gives no sound: look at its switch and its plug, or pick another with S. The call is still up."
	}, func(t *turn, c *call, st media.Stats) bool {
		return !c.Muted && st.HeardSilent && !t.noMic && t.links.Sound.Health != HealthWarn // without a microphone there is no switch to look at
	}},
	{"They hear nothing of you", func(*call) string {
		return "They hear nothing of you: no microphone is in use, as it was chosen (audio.input). S picks one. The call is still up."
	}, func(t *turn, c *call, st media.Stats) bool { return !c.Muted && st.HeardSilent && t.noMic }},
}

// qualityRead takes over the live figures, and says what is wrong with the sound of a call.
func (t *turn) qualityRead(ev QualityRead) {
	for i := range t.calls {
		c := &t.calls[i]
		st, ok := ev.Stats[c.Leg]
		if !ok || c.State == Ended {
			continue
		}
		c.Quality = &st
		for k, what := range troubles {
			told := c.troubled[k]
			now := c.State == Talking && t.at.Sub(c.StateSince) > deafFor && what.now(t, c, st)
			if c.troubled[k] = now; now && !told {
				t.say(Warning, c.Key, "%s", what.line(c))
			} else if told && !now {
				t.unsayOf(c, what.begins)
			}
		}
	}
}
