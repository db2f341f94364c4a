package impair_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"offhook/media"
	"offhook/media/codec/opus"
	"offhook/media/impair"
	"offhook/media/wav"
)

// call is two sessions in virtual time with a link between them, from the first to the second.
type call struct {
	t      testing.TB
	ns     atomic.Int64
	a, b   *media.Session
	wires  [2]*net.UDPConn // what a sends to, and what b hears from
	path   *impair.Path
	flying []flight
	got    uint64 // packets of a
	given  uint64 // packets to b
	lost   int
	ssrc   uint32

	reported      time.Duration
	reports       uint32
	sinceA, lostA int
}

type flight struct {
	at   time.Duration
	data []byte
}

func (c *call) now() time.Duration { return time.Duration(c.ns.Load()) }

func newCall(t testing.TB, codec media.Codec, link impair.Link) *call {
	t.Helper()
	c := &call{t: t, path: impair.NewPath(link)}
	c.ns.Store(int64(time.Second))
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for i := range c.wires {
		w, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		c.wires[i] = w
	}
	for _, s := range []**media.Session{&c.a, &c.b} {
		m, err := media.Listen(media.Config{LocalIP: ip, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		*s = m
	}
	for i, s := range []*media.Session{c.a, c.b} {
		wire := c.wires[i].LocalAddr().(*net.UDPAddr).AddrPort()
		if err := s.Configure(media.Params{Remote: wire, RemoteRTCP: wire, Codec: codec, SendPT: codec.PT, RecvPT: codec.PT,
			Fmtp: "useinbandfec=1", Send: i == 0, Receive: i == 1}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// step lets 10 ms pass: in is said at a, out heard at b.
func (c *call) step(in, out []int16) {
	c.a.WriteFrame(in)
	now := c.now()
	var buf [2048]byte
	for sent := c.a.Stats().PacketsSent; c.got < sent; {
		n, _, err := c.wires[0].ReadFromUDPAddrPort(buf[:])
		if err != nil {
			c.t.Fatal(err)
		}
		if buf[1] >= 192 && buf[1] <= 223 {
			continue // a report
		}
		c.got++
		c.ssrc = binary.BigEndian.Uint32(buf[8:])
		arrivals := c.path.Pass(now)
		c.sinceA++
		if len(arrivals) == 0 {
			c.lost++
			c.lostA++
		}
		for _, at := range arrivals {
			c.flying = append(c.flying, flight{at, slices.Clone(buf[:n])})
		}
	}
	slices.SortStableFunc(c.flying, func(x, y flight) int { return int(x.at - y.at) })
	to := c.b.LocalRTP()
	for len(c.flying) > 0 && c.flying[0].at <= now {
		if _, err := c.wires[1].WriteToUDPAddrPort(c.flying[0].data, to); err != nil {
			c.t.Fatal(err)
		}
		c.given++
		c.flying = c.flying[1:]
		for c.b.Stats().PacketsReceived+c.b.Stats().Malformed < c.given { // one by one, so that each has its own moment
			runtime.Gosched()
		}
	}
	c.report(now)
	c.b.ReadFrame(out)
	c.ns.Add(int64(10 * time.Millisecond))
}

// report tells a what b loses, as RTCP would every few seconds.
func (c *call) report(now time.Duration) {
	if now-c.reported < 3*time.Second || c.sinceA == 0 {
		return
	}
	lost := uint8(256 * c.lostA / c.sinceA * 255 / 256)
	c.reported, c.sinceA, c.lostA = now, 0, 0
	c.reports++
	told := c.a.Stats().RemoteJitter // each report names another, to be known by it
	data, err := (&rtcp.ReceiverReport{SSRC: 9, Reports: []rtcp.ReceptionReport{{SSRC: c.ssrc, FractionLost: lost, Jitter: 48 * c.reports}}}).Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.wires[0].WriteToUDPAddrPort(data, c.a.LocalRTCP()); err != nil {
		c.t.Fatal(err)
	}
	for c.a.Stats().RemoteJitter == told { // what is said next is coded by it, whatever the machine's speed
		runtime.Gosched()
	}
}

// talk says all of pcm and returns what is heard until a second after it.
func (c *call) talk(pcm []int16) (heard []int16) {
	var out [media.Frame]int16
	for len(pcm) >= media.Frame {
		c.step(pcm[:media.Frame], out[:])
		heard = append(heard, out[:]...)
		pcm = pcm[media.Frame:]
	}
	var quiet [media.Frame]int16
	for range 100 {
		c.step(quiet[:], out[:])
		heard = append(heard, out[:]...)
	}
	return heard
}

// codecs are those to try.
func codecs(t testing.TB) []media.Codec {
	t.Helper()
	if opus.Available() {
		if err := opus.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	return media.Codecs()
}

const text = "Good morning, this is the service desk of the harbour office. Thank you for waiting. " +
	"May I have your customer number, please? I can see three open orders here, and the second one left the house on Thursday."

// speech is some seconds of a voice at 16 kHz: of a synthesizer if there is one, else of our own.
func speech(t testing.TB) []int16 {
	t.Helper()
	if path, err := exec.LookPath("espeak-ng"); err == nil {
		file := filepath.Join(t.TempDir(), "speech.wav")
		if err := exec.CommandContext(t.Context(), path, "-v", "en", "-s", "150", "-w", file, text).Run(); err == nil {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if pcm, err := wav.Decode(f); err == nil && len(pcm) > 3*impair.Rate {
				return level(pcm)
			}
		}
	}
	return synthetic(10)
}

// level brings a voice to −23 dBFS while it talks.
func level(pcm []int16) []int16 {
	sum, n := 0.0, 0
	for i := 0; i+160 <= len(pcm); i += 160 {
		if l := media.Level(pcm[i : i+160]); l > -45 {
			sum += math.Pow(10, l/10)
			n++
		}
	}
	g := math.Pow(10, -23/20.0) / math.Sqrt(sum/float64(max(n, 1)))
	for i, v := range pcm {
		pcm[i] = int16(max(-32000, min(32000, float64(v)*g)))
	}
	return pcm
}

// synthetic is a sound with the traits of a voice: syllables of gliding pitch through moving formants, hisses, pauses.
func synthetic(seconds int) []int16 {
	r := rand.New(rand.NewPCG(11, 12))
	pcm := make([]int16, 0, seconds*impair.Rate)
	phase := 0.0
	for len(pcm) < seconds*impair.Rate {
		n := impair.Rate * (120 + r.IntN(160)) / 1000
		f0, glide := 100+60*r.Float64(), 40*r.Float64()-20
		formants := [3]float64{300 + 500*r.Float64(), 900 + 1300*r.Float64(), 2300 + 700*r.Float64()}
		for i := range n {
			x := float64(i) / float64(n)
			phase += (f0 + glide*x) / impair.Rate
			v := 0.0
			for k := 1.0; k*f0 < 4000; k++ {
				a := 0.02
				for _, f := range formants {
					a += math.Exp(-math.Pow((k*f0-f)/120, 2))
				}
				v += a / math.Sqrt(k) * math.Sin(2*math.Pi*k*phase+k*k)
			}
			pcm = append(pcm, int16(2500*v*math.Sin(math.Pi*x)))
		}
		if r.IntN(3) == 0 { // a hiss
			for i := range impair.Rate / 12 {
				pcm = append(pcm, int16(500*r.NormFloat64()*math.Sin(math.Pi*float64(i)*12/impair.Rate)))
			}
		}
		pcm = append(pcm, make([]int16, impair.Rate*r.IntN(120)/1000)...)
	}
	return level(pcm[:seconds*impair.Rate])
}
