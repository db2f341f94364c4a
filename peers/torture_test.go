//go:build unix

package peers

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/peers/feature"
)

// ear is where the sound of a call arrives: it notes when, and what.
type ear struct {
	conn *net.UDPConn
	at   netip.AddrPort
	work sync.WaitGroup

	mu     sync.Mutex
	heard  []int16 // PCMU, decoded
	last   time.Time
	widest time.Duration // longest silence between two packets
	lost   int           // sequence numbers that never came
	gaps   []time.Time   // when a silence of more than 60 ms ended
	seq    uint16
	n      int
}

func newEar(t *testing.T) *ear {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ownHost(8), 0)))
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	e.work.Go(e.listen)
	t.Cleanup(func() {
		conn.Close()
		e.work.Wait()
	})
	return e
}

func (e *ear) listen() {
	buf := make([]byte, 2048)
	for {
		n, err := e.conn.Read(buf)
		if err != nil {
			return
		}
		if n < 12 || buf[0]>>6 != 2 || buf[1]&0x7f != 0 {
			continue
		}
		now := time.Now()
		seq := binary.BigEndian.Uint16(buf[2:])
		e.mu.Lock()
		if e.n > 0 {
			e.widest = max(e.widest, now.Sub(e.last))
			if now.Sub(e.last) > 60*time.Millisecond {
				e.gaps = append(e.gaps, now)
			}
			e.lost += int(seq-e.seq) - 1
		}
		e.n, e.seq, e.last = e.n+1, seq, now
		for _, b := range buf[12:n] {
			e.heard = append(e.heard, fromMuLaw(b))
		}
		e.mu.Unlock()
	}
}

func (e *ear) packets() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// fromMuLaw expands one sample (ITU-T G.711).
func fromMuLaw(b byte) int16 {
	b = ^b
	v := (int16(b&15)<<3+132)<<(b>>4&7) - 132
	if b&0x80 != 0 {
		return -v
	}
	return v
}

// A machine that makes a goroutine wait for so long cannot be told from a program that pauses. One of its processes may have to wait
// when another that looks at the clock has not: pauseOfOne is what nobody is blamed for.
const (
	standsStill = 60 * time.Millisecond
	pauseOfOne  = 200 * time.Millisecond
)

// stall is the longest that this machine made a goroutine wait beyond its time: what no program on it can be blamed for.
type stall struct {
	stop chan struct{}
	work sync.WaitGroup
	most time.Duration
}

func watchStalls() *stall {
	s := &stall{stop: make(chan struct{})}
	s.work.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-s.stop:
				return
			case now := <-tick.C:
				s.most = max(s.most, time.Since(last)-10*time.Millisecond)
				last = now
			}
		}
	})
	return s
}

func (s *stall) end() time.Duration {
	close(s.stop)
	s.work.Wait()
	return s.most
}

func TestTheTortureMessagesOfRFC4475DoNotHarmACall(t *testing.T) {
	feature.Proves(t, "SIPp", "RFC 4475 torture during a call")
	peer(t, "sipp")
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip", "testdata", "torture", "*", "*.dat"))
	if err != nil || len(files) != 50 {
		t.Fatalf("%d messages, want the 50 of RFC 4475 (%v)", len(files), err)
	}
	o, d := story(t, settings{input: "tone:440", sip: "ring_limit = \"2s\"\n"})
	e := newEar(t)
	call := play(t, script{name: "uac_wait", target: d.w.sip, media: e.at})
	d.answer()
	eventually(t, "the call's sound", func() bool { return e.packets() > 25 })
	stalls := watchStalls()
	stranger := newClient(t, d.w.sip)
	for round := range 2 {
		for _, f := range files {
			msg, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			stranger.write(msg)
			if round == 0 {
				stranger.alive() // one by one; the second time all at once
			}
		}
	}
	stranger.alive()
	before := e.packets()
	eventually(t, "the call's sound afterwards", func() bool { return e.packets() > before+50 })
	machine := stalls.end()
	e.mu.Lock()
	widest, lost, heard := e.widest, e.lost, e.heard
	e.mu.Unlock()
	t.Logf("longest gap %v, %d packets lost, the machine itself stood still for up to %v", widest, lost, machine)
	if widest > pauseOfOne+machine || lost != 0 {
		t.Errorf("the sound had a gap of %v and lost %d packets (the machine stood still for up to %v)", widest, lost, machine)
	}
	mustCarry(t, "the far end", heard, 8000, 440, time.Duration(len(heard))*time.Second/8000*4/5)

	d.pressUntil("x", `ended|hung up`)
	call.passed()
	d.sees(`Available|Not responding`) // what rang for the strangers has been given up
	eventually(t, "the strangers' calls are over", func() bool { return !ringing(d.screen()) })
	next := play(t, script{name: "uac_bye", target: d.w.sip})
	d.answer()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	next.told()
	next.passed()
	var calls []task
	eventually(t, "both Tasks", func() bool {
		calls = nil
		for _, k := range o.tasks(t) {
			if k.WhoID == o.fred {
				calls = append(calls, k)
			}
		}
		return len(calls) >= 2
	})
	d.sees(`Unsent 0`)
	d.quit()
	keys := map[string]bool{}
	for _, k := range o.tasks(t) {
		if keys[k.CallObject] {
			t.Errorf("two Tasks for one call: %+v", k)
		}
		keys[k.CallObject] = true
		if k.WhoID == o.fred {
			o.inbound(1, 60).check(t, k)
		}
	}
}
