package media

import (
	"math"
	"time"
)

// staleReport is how old the far end's last report may be to say something about now: six of its usual intervals.
const staleReport = 30 * time.Second

// Stats is the session's quality now. Cheap enough for a display at 20 Hz.
func (s *Session) Stats() Stats {
	var st Stats
	c := s.config.Load()
	if c != nil {
		st.Codec, st.Secure = c.Codec.Name, c.suite()
		if c.out != nil {
			st.KeyLeft = c.out.left()
		}
	}
	s.tx.mu.Lock()
	st.PacketsSent, st.SendErrors = s.tx.packets, s.tx.failed
	s.tx.mu.Unlock()

	s.rxMu.Lock()
	src, p := &s.rx.source, s.rx.player
	st.PacketsReceived, st.Lost = src.totals()
	st.Late, st.Duplicates, st.Malformed = s.rx.counts.late, s.rx.counts.duplicates, s.rx.counts.malformed
	st.Jitter = src.jitterTime()
	st.RecentLoss = src.recent
	st.Buffer = max(p.delay, 0)
	st.Concealed, st.Stretched = share(p.concealed, p.played), share(p.stretched, p.played)
	st.Recovered = share(p.recovered, p.played)
	heard := src.known
	ratio, spread := s.rx.runs.ratio(), s.rx.runs.read()
	s.rxMu.Unlock()

	s.reports.mu.Lock()
	r := &s.reports
	st.RoundTrip = r.roundTrip
	now := s.clock()
	fresh := r.heard && now-r.heardAt < staleReport
	if fresh && r.frozenAt != 0 && c != nil && c.Send {
		st.Unheard = max(now-r.frozenAt, 0)
	}
	if fresh {
		st.RemoteLoss = float64(r.lost) * 100 / 256
		st.RemoteJitter = r.jitter
		st.RemoteMOS = mos(r.roundTrip/2+besidesNetwork+2*r.jitter, st.RemoteLoss, 1)
	}
	if f := r.far; f.known && now-f.at < staleReport {
		if f.conversation > 0 { // it knows better than we can guess
			st.RemoteMOS = f.conversation
		}
		st.RemoteRFactor, st.RemoteListeningMOS, st.RemoteDiscard = f.rFactor, f.listening, f.discard
		st.RemoteBuffer, st.RemoteDelay = f.buffer, f.delay
	}
	s.reports.mu.Unlock()

	if all := st.PacketsReceived + st.Lost; all > 0 {
		st.LossPercent = 100 * float64(st.Lost) / float64(all)
	}
	if heard {
		oneWay := st.RoundTrip/2 + st.Buffer + besidesNetwork
		// What Opus recovered is not lost to the ear.
		kept := 1.0
		if all := st.Recovered + st.Concealed; all > 0 {
			kept = st.Concealed / all
		}
		st.MOS = mos(oneWay, kept*st.RecentLoss, 1)
		missing := kept * min(100, st.LossPercent+share(st.Late, st.PacketsReceived))
		st.MeanMOS = mos(oneWay, missing, ratio)
		st.RFactor, st.ListeningMOS = max(0, rating(oneWay, missing, ratio)), mos(0, missing, ratio)
		st.BurstLoss, st.GapLoss = round(100*spread.burstShare), round(100*spread.gapShare)
	}
	st.Strangers = s.strangers.Load()
	st.InLevel, st.OutLevel = round(s.in.value(now)), round(s.out.value(now))
	st.Muted = s.muted.Load()
	st.Speaking, st.HeardSilent = s.speech.now(now)
	st.SecureErrors = s.secureErrors.Load()
	last := time.Duration(s.lastAt.Load() - 1)
	if last >= 0 {
		st.LastPacket = s.began.Add(last)
	}
	if c != nil && c.Receive {
		st.Silent = max(now-max(last, c.since), 0)
	}
	return st
}

func share(part, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return 100 * float64(part) / float64(all)
}

func round(x float64) float64 { return math.Round(x*10) / 10 }
