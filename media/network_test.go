package media

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"offhook/media/codec"
)

// network is a seeded model of what happens to packets on the way: everything in virtual time.
type network struct {
	name      string
	delay     time.Duration                                             // fixed part
	jitter    func(r *rand.Rand, i int, at time.Duration) time.Duration // variable part
	loss      float64                                                   // share, in bursts
	burst     float64                                                   // mean length of a burst, packets
	duplicate float64
	ppm       float64 // the far end's clock against ours

	// promises
	concealed float64       // percent of the sound, beyond what was lost
	stretched float64       // percent
	mean      time.Duration // delay of the buffer
	mos       float64
}

func gamma(r *rand.Rand, mean time.Duration) time.Duration {
	// shape 2: the sum of two exponentials
	return time.Duration((r.ExpFloat64() + r.ExpFloat64()) / 2 * float64(mean))
}

// networks are new ones: some remember the last packet.
func networks() []network {
	return []network{
		{name: "LAN", delay: time.Millisecond, jitter: func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
			return gamma(r, 300*time.Microsecond)
		}, concealed: 0.01, stretched: 0.1, mean: 18 * time.Millisecond, mos: 4.35},
		{name: "wireless with stalls", delay: 5 * time.Millisecond, jitter: func() func(*rand.Rand, int, time.Duration) time.Duration {
			var until time.Duration
			return func(r *rand.Rand, _ int, at time.Duration) time.Duration {
				if r.Float64() < 0.005 {
					until = at + 30*time.Millisecond + time.Duration(r.Float64()*float64(50*time.Millisecond))
				}
				return max(until-at, 0) + gamma(r, 2*time.Millisecond)
			}
		}(), concealed: 1.5, stretched: 2, mean: 45 * time.Millisecond, mos: 4.15},
		{name: "gamma 20 ms, reordered, duplicated", delay: 30 * time.Millisecond, jitter: func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
			return gamma(r, 20*time.Millisecond)
		}, duplicate: 0.05, concealed: 1.5, stretched: 2, mean: 90 * time.Millisecond, mos: 4.15},
		{name: "2 % loss in bursts", delay: 20 * time.Millisecond, jitter: func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
			return gamma(r, 5*time.Millisecond)
		}, loss: 0.02, burst: 2, concealed: 1, stretched: 1, mean: 40 * time.Millisecond, mos: 3.9},
		{name: "route steps of 60 ms", delay: 20 * time.Millisecond, jitter: func(r *rand.Rand, _ int, at time.Duration) time.Duration {
			return time.Duration(int(at/(5*time.Second))%2)*60*time.Millisecond + gamma(r, 2*time.Millisecond)
		}, concealed: 1.5, stretched: 3, mean: 85 * time.Millisecond, mos: 4.1},
		{name: "clock 200 ppm fast", delay: time.Millisecond, jitter: func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
			return gamma(r, time.Millisecond)
		}, ppm: 200, concealed: 0.1, stretched: 0.15, mean: 20 * time.Millisecond, mos: 4.35},
		{name: "clock 200 ppm slow", delay: time.Millisecond, jitter: func(r *rand.Rand, _ int, _ time.Duration) time.Duration {
			return gamma(r, time.Millisecond)
		}, ppm: -200, concealed: 0.1, stretched: 0.15, mean: 20 * time.Millisecond, mos: 4.35},
	}
}

// result is what came out of the player.
type result struct {
	heard                        []int16
	lost, late, dup, sent        int
	concealed, stretched, spread float64
	mean                         time.Duration
}

// play sends seconds of a tone through the network into a player.
func (n network) play(t testing.TB, seed uint64, seconds int, hz float64, k kind) result {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	type arrival struct {
		at  time.Duration
		seq int
	}
	var arrivals []arrival
	var res result
	res.sent = seconds * 50
	bad := false
	for i := range res.sent {
		at := time.Second + time.Duration(float64(i)*float64(20*time.Millisecond)*(1-n.ppm/1e6))
		j := n.jitter(r, i, at)
		if n.loss > 0 { // Gilbert: mean burst length, and the share that follows
			if bad {
				bad = r.Float64() > 1/n.burst
			} else {
				bad = r.Float64() < n.loss/n.burst/(1-n.loss)
			}
		}
		if bad {
			res.lost++
			continue
		}
		arrivals = append(arrivals, arrival{at + n.delay + j, i})
		if r.Float64() < n.duplicate {
			arrivals = append(arrivals, arrival{at + n.delay + j + time.Millisecond, i})
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.at - b.at) })

	c := newCoder(t, k)
	tone := sine{hz: hz, amp: 8000}
	payloads := make([][]byte, res.sent)
	for i := range payloads {
		var pcm [2 * Frame]int16
		tone.frame(pcm[:])
		payloads[i] = c.packet(pcm[:])
	}
	p := newPlayer()
	var frame [Frame]int16
	var sum time.Duration
	count := 0
	for now := time.Second; now < time.Second*time.Duration(seconds); now += 10 * time.Millisecond {
		for len(arrivals) > 0 && arrivals[0].at <= now {
			a := arrivals[0]
			arrivals = arrivals[1:]
			switch p.put(1, uint16(a.seq+65000), uint32(a.seq)*c.ticks(2*Frame)+4294960000, k, payloads[a.seq], a.at) {
			case late:
				res.late++
			case duplicate:
				res.dup++
			}
		}
		p.get(now, frame[:])
		res.heard = append(res.heard, frame[:]...)
		if p.started {
			sum += p.delay
			count++
		}
	}
	res.concealed = 100*float64(p.concealed)/float64(p.played) - 100*float64(res.lost)/float64(res.sent)
	res.stretched = 100 * float64(p.stretched) / float64(p.played)
	res.mean = sum / time.Duration(count)
	return res
}

func TestTheJitterBufferKeepsItsPromises(t *testing.T) {
	for _, k := range kinds(t) {
		for _, n := range networks() {
			t.Run(codecName(k)+"/"+n.name, func(t *testing.T) { n.keep(t, k) })
		}
	}
}

func (n network) keep(t *testing.T, k kind) {
	res := n.play(t, 42, 60, 400, k)
	// windows of 200 ms: the tone is still there in nearly all of them
	good, all := 0, 0
	for w := res.heard[Rate:]; len(w) >= Rate/5; w = w[Rate/5:] {
		all++
		if strength(w[:Rate/5], 400) > 0.6 {
			good++
		}
	}
	lost := 100 * float64(res.lost+res.late) / float64(res.sent)
	score := mos(res.mean+n.delay+besidesNetwork, lost, 1)
	t.Logf("mean delay %v, concealed beyond loss %.2f %%, stretched %.2f %%, late %d, MOS %.2f, tone in %d of %d windows",
		res.mean.Round(time.Millisecond/10), res.concealed, res.stretched, res.late, score, good, all)
	if res.concealed > n.concealed {
		t.Errorf("concealed %.2f %% beyond loss, promised %.2f", res.concealed, n.concealed)
	}
	if res.stretched > n.stretched {
		t.Errorf("stretched %.2f %%, promised %.2f", res.stretched, n.stretched)
	}
	if res.mean > n.mean {
		t.Errorf("mean delay %v, promised %v", res.mean, n.mean)
	}
	if score < n.mos {
		t.Errorf("MOS %.2f, promised %.2f", score, n.mos)
	}
	if fixed := mos(100*time.Millisecond+n.delay+besidesNetwork, 100*float64(res.lost)/float64(res.sent), 1); score < fixed-0.02 {
		t.Errorf("MOS %.2f, a fixed buffer of 100 ms reaches %.2f", score, fixed)
	}
	if n.duplicate > 0 && res.dup < res.sent/30 {
		t.Errorf("%d duplicates recognised of about %.0f", res.dup, n.duplicate*float64(res.sent))
	}
	if 100*good < 95*all {
		t.Errorf("the tone is clear in %d of %d windows only", good, all)
	}
}

func TestALoudspeakerThatAsksForSeveralFramesAtOnceIsServedSmoothly(t *testing.T) {
	for _, burst := range []int{2, 4, 6} {
		p := newPlayer()
		var pcm [160]int16
		out := make([]byte, 160)
		var frame [Frame]int16
		var heard []int16
		var concealed, stretched uint64
		for i := range 1500 {
			at := time.Second + time.Duration(i)*20*time.Millisecond
			for k := range pcm {
				pcm[k] = int16(8000 * math.Sin(2*math.Pi*400*float64(160*i+k)/8000))
			}
			codec.ULaw.Encode(out, pcm[:])
			p.put(1, uint16(i), uint32(160*i), kindPCMU, out, at)
			for f := 2 * i; f < 2*i+2; f++ {
				if f%burst == 0 {
					for range burst {
						p.get(at+time.Duration(f%2)*10*time.Millisecond+3*time.Millisecond, frame[:])
						heard = append(heard, frame[:]...)
					}
				}
			}
			if i == 250 { // five seconds to settle
				concealed, stretched = p.concealed, p.stretched
			}
		}
		if c := p.concealed - concealed; c > 0 {
			t.Errorf("bursts of %d frames: %d ms were concealed on a perfect network", burst, c/16)
		}
		if s := p.stretched - stretched; s > Rate/10 {
			t.Errorf("bursts of %d frames: %d ms were stretched in 25 s", burst, s/16)
		}
		if s := strength(heard[len(heard)-Rate:], 400); s < 0.97 {
			t.Errorf("bursts of %d frames: the tone holds %.2f", burst, s)
		}
		if most := time.Duration(burst)*10*time.Millisecond + 40*time.Millisecond; p.delay > most {
			t.Errorf("bursts of %d frames: delay %v", burst, p.delay)
		}
	}
}
