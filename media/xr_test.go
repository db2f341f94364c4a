package media

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestBurstsAndGapsAreThoseOfTheReferenceAlgorithm(t *testing.T) {
	for _, tc := range []struct {
		name                     string
		lost                     func(i int) bool
		burst, gap               float64 // shares
		burstLength, gapLength   float64
		ratio                    float64
		precision, packets, late int
	}{
		{name: "nothing is lost", lost: func(int) bool { return false }, gapLength: 1000, ratio: 1, packets: 1000},
		// every hundredth packet: no burst at all, a gap with 1 % loss
		{name: "single losses", lost: func(i int) bool { return i%100 == 50 }, gap: 0.01, gapLength: 1000, ratio: 1, packets: 1000},
		// five in a row each two hundred
		{name: "five in a row", lost: func(i int) bool { return i%200 >= 100 && i%200 < 105 }, burst: 1, burstLength: 5, gapLength: 195, ratio: 4.9, packets: 10000},
		// three losses, each three packets apart: a burst of seven with density 3/7
		{name: "a sparse burst", lost: func(i int) bool { j := i % 200; return j == 100 || j == 103 || j == 106 }, burst: 0.4, burstLength: 7, gapLength: 193, ratio: 1, packets: 10000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r runs
			for i := range tc.packets {
				if !tc.lost(i) {
					r.seen(7, uint16(i+65000)) // across a wrap
				}
			}
			m := r.read()
			for _, c := range []struct {
				what      string
				got, want float64
			}{
				{"share lost in bursts", m.burstShare, tc.burst}, {"share lost in gaps", m.gapShare, tc.gap},
				{"packets in a burst", m.burstLength, tc.burstLength}, {"packets in a gap", m.gapLength, tc.gapLength}, {"burst ratio", r.ratio(), tc.ratio},
			} {
				if math.Abs(c.got-c.want) > 0.05*max(c.want, 0.02)+0.03*c.want {
					t.Errorf("%s: %.3f, want %.3f", c.what, c.got, c.want)
				}
			}
		})
	}
}

func TestPacketsOutOfOrderAreNotLostAndLateOnesAre(t *testing.T) {
	var r runs
	order := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < 1000; i += 10 {
		for _, j := range order.Perm(10) {
			r.seen(1, uint16(i+j))
		}
	}
	if r.flush(); r.missing != 0 {
		t.Errorf("%d packets are counted as lost", r.missing)
	}
	for i := range 100 {
		r.seen(2, uint16(i))
		if i == 50 {
			r.discard(2, 50)
		}
	}
	if r.flush(); r.missing != 1 {
		t.Errorf("%d packets are missing, one was too late", r.missing)
	}
}

func TestBothSidesSeeBothDirectionsQuality(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	pa, pb := params(b, PCMU), params(a, PCMU)
	pa.XR, pb.XR = true, true
	if err := errors.Join(a.Configure(pa), b.Configure(pb)); err != nil {
		t.Fatal(err)
	}
	tone := &sine{hz: 500, amp: 8000}
	for i := range 40 { // a's way to b loses three of each 25 packets
		talk(t, v, a, b, tone, 50)
		talk(t, v, b, a, tone, 50)
		a.tx.mu.Lock()
		a.tx.seq += 3
		a.tx.ts += 480
		a.tx.mu.Unlock()
		_ = i
	}
	b.sendReport(false)
	far, near := b.Stats(), a.Stats()
	until(t, func() bool { // reports that came before may be the ones that a has read
		near = a.Stats()
		return math.Abs(near.RemoteRFactor-far.RFactor) <= 0.5 && math.Abs(near.RemoteMOS-far.MeanMOS) <= 0.05 && math.Abs(near.RemoteListeningMOS-far.ListeningMOS) <= 0.05
	}, func() string {
		return fmt.Sprintf("b hears R %.1f, MOS %.2f, %.2f; a is told R %.1f, %.2f, %.2f", far.RFactor, far.MeanMOS, far.ListeningMOS,
			near.RemoteRFactor, near.RemoteMOS, near.RemoteListeningMOS)
	})
	if far.RFactor > 80 || far.RFactor < 20 || near.RFactor < 85 || far.BurstLoss < 50 || near.BurstLoss != 0 || near.RemoteDelay == 0 {
		t.Errorf("b: R %.1f, %.1f %% in bursts; a: R %.1f, %.1f %%, far delay %v", far.RFactor, far.BurstLoss, near.RFactor, near.BurstLoss, near.RemoteDelay)
	}
	// without the agreement nothing of it is sent
	pb.XR = false
	if err := b.Configure(pb); err != nil {
		t.Fatal(err)
	}
	for _, p := range b.compose(false) {
		if _, ok := p.(*rtcp.ExtendedReport); ok {
			t.Error("metrics are sent to somebody who did not ask")
		}
	}
}

func TestMetricsAreReadByAnIndependentParserAsWritten(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	p := params(a, PCMU)
	p.XR = true
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	talk(t, v, a, b, &sine{hz: 500, amp: 8000}, 100)
	data, err := rtcp.Marshal(b.compose(false))
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	x, ok := packets[2].(*rtcp.ExtendedReport)
	if !ok {
		t.Fatalf("%v", packets)
	}
	m := x.Reports[0].(*rtcp.VoIPMetricsReportBlock)
	if m.SSRC != a.tx.ssrc || m.LossRate != 0 || m.Gmin != 16 || m.RFactor < 85 || m.RFactor > 94 || m.MOSCQ < 42 || m.MOSLQ < 43 || m.RERL != 127 ||
		m.BlockLength != 8 || m.GapDuration < 900 || m.JBAbsMax != 1000 || int8(m.SignalLevel) > 0 {
		t.Errorf("%+v", m)
	}
}

func TestWhatTheFarEndDoesNotKnowIsNotShown(t *testing.T) {
	_, a, b := pair(t, PCMU, Config{}, Config{})
	send := func(m *rtcp.VoIPMetricsReportBlock) {
		data, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}, &rtcp.ExtendedReport{SenderSSRC: 1, Reports: []rtcp.ReportBlock{m}}})
		if err != nil {
			t.Fatal(err)
		}
		a.handleRTCP(data, b.LocalRTCP(), time.Second)
	}
	send(&rtcp.VoIPMetricsReportBlock{SSRC: a.tx.ssrc, RFactor: 127, MOSLQ: 127, MOSCQ: 127})
	send(&rtcp.VoIPMetricsReportBlock{SSRC: a.tx.ssrc, RFactor: 255, MOSLQ: 51, MOSCQ: 3})
	send(&rtcp.VoIPMetricsReportBlock{SSRC: a.tx.ssrc + 1, RFactor: 50, MOSLQ: 20, MOSCQ: 20}) // about somebody else
	if st := a.Stats(); st.RemoteRFactor != 0 || st.RemoteListeningMOS != 0 || st.RemoteMOS != 0 || st.Malformed != 0 {
		t.Errorf("%+v", st)
	}
	for _, bad := range [][]byte{
		{0x80, 207, 0, 2, 0, 0, 0, 1, 7, 0, 0, 8},
		{0x80, 207, 0, 1, 0, 0, 0, 1, 7, 0},
		{0x80, 207, 0, 2, 0, 0, 0, 1, 7, 0, 255, 255},
	} {
		before := a.Stats().Malformed
		a.handleRTCP(bad, b.LocalRTCP(), time.Second)
		if a.Stats().Malformed != before+1 {
			t.Errorf("%x was taken", bad)
		}
	}
}

func TestReportsThatStopSayNothingAboutNow(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	p := params(a, PCMU)
	p.XR = true
	if err := b.Configure(p); err != nil {
		t.Fatal(err)
	}
	talk(t, v, a, b, &sine{hz: 500, amp: 8000}, 50)
	talk(t, v, b, a, &sine{hz: 500, amp: 8000}, 50)
	b.sendReport(false)
	until(t, func() bool { return a.Stats().RemoteRFactor > 0 })
	v.add(staleReport - time.Second)
	if st := a.Stats(); st.RemoteMOS == 0 {
		t.Error("a few reports were lost, and nothing is known any more")
	}
	v.add(2 * time.Second)
	if st := a.Stats(); st.RemoteMOS != 0 || st.RemoteRFactor != 0 || st.RemoteJitter != 0 {
		t.Errorf("half a minute later still %+v", st)
	}
}

func TestAFarEndWhoseReportsFreezeDoesNotHearUs(t *testing.T) {
	v, a, b := pair(t, PCMU, Config{}, Config{})
	tone := &sine{hz: 500, amp: 8000}
	report := func(want time.Duration, why string) {
		t.Helper()
		data, err := rtcp.Marshal(b.compose(false))
		if err != nil {
			t.Fatal(err)
		}
		a.handleRTCP(data, b.LocalRTCP(), v.now())
		if got := a.Stats().Unheard; got != want {
			t.Errorf("%s: unheard for %v, want %v", why, got, want)
		}
	}
	talk(t, v, a, b, tone, 50)
	report(0, "all is well")
	talk(t, v, a, b, tone, 50)
	report(0, "still")
	var in [Frame]int16
	lose := func() {
		for range 50 { // a firewall between them has forgotten the call
			a.WriteFrame(in[:])
			v.add(10 * time.Millisecond)
		}
	}
	p := params(b, PCMU)
	wall := listen(t, v, Config{})
	p.Remote = wall.LocalRTP()
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	lose()
	report(0, "the first report that stands still")
	lose()
	report(500*time.Millisecond, "the second")
	v.add(10 * time.Second)
	if got := a.Stats().Unheard; got != 10500*time.Millisecond {
		t.Errorf("unheard for %v", got)
	}
	report(0, "nothing was sent since: held")
	lose()
	report(0, "one report")
	if err := a.Configure(params(b, PCMU)); err != nil {
		t.Fatal(err)
	}
	sent, got := a.Stats().PacketsSent, b.Stats().PacketsReceived
	lose()
	until(t, func() bool { return b.Stats().PacketsReceived-got == a.Stats().PacketsSent-sent })
	report(0, "heard again")
}
