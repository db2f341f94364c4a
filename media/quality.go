package media

import "time"

// The E-model (ITU-T G.107) reduced to what a phone can measure: delay and loss. Constants are G.711's with
// concealment (Ie 0, Bpl 25.1, G.113 appendix I). G.722 and Opus are judged on the same narrow-band scale, 0 to 93.2,
// which says how much the network takes away and not how much better wideband sounds: G.107.1 has a scale up to 129 for
// that, but its constants for our concealment are nowhere published, so none are made up.
const (
	packetLossRobustness = 25.1
	equipmentImpairment  = 0
	// besidesNetwork is delay that both ends add outside network and jitter buffer: a frame, and sound devices.
	besidesNetwork = 40 * time.Millisecond
)

// mos estimates the mean opinion score, 1 to 4.5, for a one-way delay and a loss (lost or late) in percent. burst is
// the burst ratio, 1 for random loss.
func mos(oneWay time.Duration, loss, burst float64) float64 {
	return score(rating(oneWay, loss, burst))
}

// rating is the E-model's R, at most 93.2 and perhaps below 0.
func rating(oneWay time.Duration, loss, burst float64) float64 {
	ta := oneWay.Seconds() * 1000
	id := 0.024*ta + 0.11*max(0, ta-177.3)
	ie := equipmentImpairment + (95-equipmentImpairment)*loss/(loss/max(burst, 1)+packetLossRobustness)
	return 93.2 - id - ie
}

// score is the mean opinion score of an R.
func score(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return 1 + 0.035*r + 7e-6*r*(r-60)*(100-r)
}
