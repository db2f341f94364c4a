//go:build unix

package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// music never sounds the same twice: two voices that change every 90 ms, at 8 kHz.
func music(length time.Duration) []int16 {
	g := rand.New(rand.NewPCG(7, 8))
	pcm := make([]int16, 0, int(length.Seconds()*8000))
	var a, b float64
	for len(pcm) < cap(pcm) {
		f, h := 200+1400*g.Float64(), 300+2500*g.Float64()
		for range min(720, cap(pcm)-len(pcm)) {
			a, b = a+2*math.Pi*f/8000, b+2*math.Pi*h/8000
			pcm = append(pcm, int16(4000*math.Sin(a)+2500*math.Sin(b)))
		}
	}
	return pcm
}

// twice is the same at 16 kHz, without what the higher rate could carry more.
func twice(pcm []int16) []int16 {
	out := make([]int16, 2*len(pcm))
	for i, v := range pcm {
		next := pcm[(i+1)%len(pcm)]
		out[2*i], out[2*i+1] = v, int16((int(v)+int(next))/2)
	}
	return out
}

// followed looks for the music in what was heard, in pieces of 100 ms, and says how much of it is there and how often it jumped.
func followed(song, heard []int16) (share float64, jumps int, first string) {
	const piece = 800
	like := func(part []int16, at int) float64 {
		var xy, xx, yy float64
		for i, v := range part {
			w := float64(song[(at+i+len(song))%len(song)])
			xy, xx, yy = xy+float64(v)*w, xx+float64(v)*float64(v), yy+w*w
		}
		return xy / math.Sqrt(xx*yy+1)
	}
	at, found, total := -1, 0, 0
	for from := 0; from+piece <= len(heard); from += piece {
		part := heard[from : from+piece]
		total++
		if at >= 0 {
			if c := like(part, at+from); c > 0.9 {
				found++
				continue
			}
		}
		best, where := 0.0, 0
		for o := range song {
			if c := like(part[:200], o); c > best {
				if c = like(part, o); c > best {
					best, where = c, o
				}
			}
		}
		if best > 0.9 {
			found++
			if at >= 0 {
				jumps++
				if first == "" {
					first = fmt.Sprintf("after %.1f s by %d samples", float64(from)/8000, where-from-at)
				}
			}
			at = where - from
			for at < 0 {
				at += len(song)
			}
		}
	}
	return float64(found) / float64(max(total, 1)), jumps, first
}

func TestTheMeasureOfMusicFindsEachJump(t *testing.T) {
	song := music(5 * time.Second)
	heard := append(append(append([]int16(nil), song[3000:]...), song...), song[:16000]...)
	if share, jumps, first := followed(song, heard); share != 1 || jumps != 0 {
		t.Errorf("%.3f of it was found, with %d jumps, %s", share, jumps, first)
	}
	if share, jumps, _ := followed(song, append(append([]int16(nil), heard[:20000]...), heard[20160:]...)); jumps != 1 || share < 0.97 {
		t.Errorf("20 ms are missing: %.3f was found, with %d jumps", share, jumps)
	}
	if share, _, _ := followed(song, make([]int16, 16000)); share != 0 {
		t.Errorf("%.3f of it was found in silence", share)
	}
}

// registrar grants everything, and writes what it is told to over the connection that a telephone made.
type registrar struct {
	at   netip.AddrPort
	work sync.WaitGroup

	mu     sync.Mutex
	conn   net.Conn
	grants int
}

// newRegistrar serves udp, tcp or tls.
func newRegistrar(t testing.TB, transport string) *registrar {
	t.Helper()
	r := &registrar{at: freePort(t, ownHost(5))}
	var l io.Closer
	if transport == "udp" {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(r.at))
		if err != nil {
			t.Fatal(err)
		}
		l = c
		r.work.Go(func() {
			buf := make([]byte, 65536)
			for {
				n, from, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				if answer := r.grant(string(buf[:n])); answer != nil {
					_, _ = c.WriteToUDPAddrPort(answer, from)
				}
			}
		})
	} else {
		n, err := net.Listen("tcp", r.at.String())
		if err != nil {
			t.Fatal(err)
		}
		if transport == "tls" {
			n = tls.NewListener(n, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
		}
		l = n
		r.work.Go(func() {
			for {
				c, err := n.Accept()
				if err != nil {
					return
				}
				r.work.Go(func() { r.serve(c) })
			}
		})
	}
	t.Cleanup(func() {
		l.Close()
		r.mu.Lock()
		if r.conn != nil {
			r.conn.Close()
		}
		r.mu.Unlock()
		r.work.Wait()
	})
	return r
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(crand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (r *registrar) serve(c net.Conn) {
	r.mu.Lock()
	if r.conn != nil {
		r.conn.Close()
	}
	r.conn = c
	r.mu.Unlock()
	defer c.Close()
	var have []byte
	buf := make([]byte, 8192)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		have = append(have, buf[:n]...)
		for {
			head, rest, ok := strings.Cut(string(have), "\r\n\r\n")
			if !ok {
				break
			}
			have = []byte(rest)
			if answer := r.grant(strings.TrimLeft(head, "\r\n") + "\r\n"); answer != nil {
				r.mu.Lock()
				_, _ = c.Write(answer)
				r.mu.Unlock()
			}
		}
		if len(have) > 1<<16 {
			have = nil
		}
	}
}

var copied = regexp.MustCompile(`(?im)^(Via|From|To|Call-ID|CSeq|Contact):.*\r\n`)

// grant is the answer to a REGISTER, nil for anything else: that are answers to what was written, and their bodies.
func (r *registrar) grant(req string) []byte {
	if !strings.HasPrefix(req, "REGISTER ") {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.grants++
	head := strings.Join(copied.FindAllString(req, -1), "")
	return []byte("SIP/2.0 200 OK\r\n" + strings.Replace(head, "\r\nCall-ID", ";tag=r\r\nCall-ID", 1) + "Content-Length: 0\r\n\r\n")
}

// granted waits for a registration and tells how many there were.
func (r *registrar) granted(t *testing.T) (grants int) {
	t.Helper()
	eventually(t, "the registration", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		grants = r.grants
		return grants > 0
	})
	return grants
}

// write sends over the connection that the telephone made; false: there is none now.
func (r *registrar) write(msg []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil || r.grants == 0 {
		return false
	}
	_ = r.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := r.conn.Write(msg)
	if err != nil {
		r.conn = nil
	}
	return err == nil
}

// listens is where connections are taken on a host, as the kernel knows.
func listens(t *testing.T, host netip.Addr) netip.AddrPort {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skip(err)
	}
	a := host.As4()
	m := regexp.MustCompile(fmt.Sprintf(`: %02X%02X%02X%02X:([0-9A-F]{4}) [0-9A-F:]+ 0A `, a[3], a[2], a[1], a[0])).FindSubmatch(table)
	if m == nil {
		t.Fatalf("nobody listens on %v", host)
	}
	port, _ := strconv.ParseUint(string(m[1]), 16, 16)
	return netip.AddrPortFrom(host, uint16(port))
}

// soundAt is where the program wants the sound of a call, as SIPp wrote it down.
func soundAt(t *testing.T, call *sipp, host netip.Addr) netip.AddrPort {
	t.Helper()
	var at netip.AddrPort
	eventually(t, "the answer's media", func() bool {
		_, answer, ok := strings.Cut(call.read("messages"), "SIP/2.0 200")
		m := regexp.MustCompile(`(?s)c=IN IP4 ([0-9.]+).*?m=audio (\d+) `).FindStringSubmatch(answer)
		if !ok || m == nil {
			return false
		}
		port, _ := strconv.Atoi(m[2])
		at = netip.AddrPortFrom(netip.MustParseAddr(m[1]), uint16(port))
		return true
	})
	return at
}

// stream sends PCMU from where the far end's sound is to come from, until stop.
func stream(c *net.UDPConn, to netip.AddrPort, payload []byte, stop <-chan struct{}) {
	packet := make([]byte, 172)
	packet[0] = 0x80
	binary.BigEndian.PutUint32(packet[8:], 0x0ff4003)
	began := time.Now()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(began.Add(time.Duration(i) * 20 * time.Millisecond))):
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		binary.BigEndian.PutUint32(packet[4:], uint32(160*i))
		at := 160 * i % (len(payload) - 160)
		at -= at % 160
		copy(packet[12:], payload[at:at+160])
		_, _ = c.WriteToUDPAddrPort(packet, to)
	}
}

// played is what came of music.
type played struct {
	length, widest time.Duration
	share          float64 // of the music in what was heard
	jumps, lost    int
	gaps           int // of more than 60 ms
	first          string
}

func (p played) String() string {
	return fmt.Sprintf("%.1f s, %.2f %% of it the music, %d jumps %s; longest gap %v, %d of more than 60 ms, %d packets lost", p.length.Seconds(), 100*p.share, p.jumps, p.first,
		p.widest, p.gaps, p.lost)
}

func (e *ear) judge(song []int16) (p played) {
	e.mu.Lock()
	p.widest, p.lost, p.gaps = e.widest, e.lost, len(e.gaps)
	pcm := append([]int16(nil), e.heard...)
	e.mu.Unlock()
	p.length = time.Duration(len(pcm)) * time.Second / 8000
	p.share, p.jumps, p.first = followed(song, pcm)
	return p
}

func TestMusicPlaysOnThroughTortureByStrangersAndServers(t *testing.T) {
	peer(t, "sipp")
	length := 6 * time.Second
	if s := os.Getenv("OFFHOOK_TORTURE"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	song := music(5 * time.Second)
	dir := t.TempDir()
	input, heard := filepath.Join(dir, "song.wav"), filepath.Join(dir, "heard.wav")
	writeWAV(t, input, 16000, twice(song))
	udp, tcp, tls := newRegistrar(t, "udp"), newRegistrar(t, "tcp"), newRegistrar(t, "tls")
	o := newOrg(t)
	w := newWorkplace(t, o, settings{input: "file:" + input + "?loop", output: "file:" + heard, noReg: true, sip: fmt.Sprintf("account = \"sip:alex@%[1]s\"\nregistrar = %[1]q\n"+
		"password = \"secret\"\nallow_plaintext = true\ncodecs = [\"PCMU\"]\nring_limit = \"2s\"\nallow_insecure = true\naccept_peers = [\"127.0.5.0/24\"]\n"+
		"accounts = [{account = \"sip:alex@%[2]s\", registrar = %[2]q, transport = \"tcp\"}, {account = \"sip:alex@%[3]s\", registrar = %[3]q, transport = \"tls\"}]\n", udp.at, tcp.at, tls.at)})
	d := w.ready(t)
	udp.granted(t)
	tls.granted(t)
	tcp.granted(t)
	streamed := listens(t, w.sip.Addr())
	t.Logf("it listens at %v, and for TCP at %v", w.sip, streamed)
	e := newEar(t)
	call := play(t, script{name: "uac_wait", target: w.sip, media: e.at, args: []string{"-m", "1", "-timeout", "3600"}})
	d.answer()
	eventually(t, "the call's sound", func() bool { return e.packets() > 25 })
	// Another one is left in peace: what happens to its music is the machine's doing.
	w2 := newWorkplace(t, o, settings{input: "file:" + input + "?loop", sip: "codecs = [\"PCMU\"]\n"})
	d2, e2 := w2.ready(t), newEar(t)
	call2 := play(t, script{name: "uac_wait", target: w2.sip, media: e2.at, args: []string{"-m", "1", "-timeout", "3600"}})
	d2.answer()
	eventually(t, "the other call's sound", func() bool { return e2.packets() > 25 })
	to := soundAt(t, call, w.sip.Addr())
	stop := make(chan struct{})
	var streaming sync.WaitGroup
	streaming.Go(func() { stream(e.conn, to, muLawTone(440, 10*time.Second), stop) })
	before := weigh(t, d.cmd.Process.Pid, w.set.dir)

	stalls := watchStalls()
	r := newRain(t, w.sip)
	r.flood(ownHost(7), 1000, 200, 1)  // strangers
	r.flood(ownHost(5), 1000, 100, 2)  // peers that may call
	r.flood(udp.at.Addr(), 100, 50, 8) // a registrar gone mad
	r.pour(ownHost(7), streamed, 100, 3)
	r.pour(ownHost(5), streamed, 100, 4)
	r.spoil(to, e.conn, 300, 5)
	r.through(tcp, 50, streams, 6)
	r.through(tls, 50, secured, 7)
	select {
	case <-time.After(length):
	case <-d.gone:
		t.Fatalf("the program is gone: %v\n%s", d.err, tail(d.bytes(), 6000))
	}
	rained := r.end()
	again := tls.granted(t)
	machine := stalls.end()
	after := weigh(t, d.cmd.Process.Pid, w.set.dir)

	ours, others := e.judge(song), e2.judge(song)
	close(stop)
	streaming.Wait()
	t.Logf("in %v: %s; registered over TLS %d times; the machine stood still for up to %v", length, rained, again, machine)
	t.Logf("the far end heard %v", ours)
	t.Logf("in the call without torture %v", others)
	t.Logf("before: %v; after: %v: %.1f %% of a core", before, after, 100*(after.processor-before.processor).Seconds()/length.Seconds())
	// Else the machine's pauses are in the sound of both calls, and which of the two they hit is chance.
	still := machine < standsStill && others.widest < standsStill
	switch {
	case ours.lost != 0 || ours.share < others.share-0.05:
		t.Error("the music was disturbed")
	case !still:
		t.Log("the machine stood still itself: pauses say nothing about the program")
	case ours.share < others.share-0.01 || ours.jumps > 2*others.jumps+int(length/time.Minute)/5 || ours.widest > max(machine, others.widest)+pauseOfOne:
		t.Error("the music was disturbed")
	}

	d2.pressUntil("x", `ended|hung up`)
	call2.passed()
	d.pressUntil("x", `ended|hung up`)
	call.passed()
	got, rate := readWAV(t, heard)
	most := length * 4 / 5
	if !still {
		most = length / 2
	}
	mustCarry(t, "the agent's loudspeaker", got, rate, 440, most)
	eventually(t, "nobody rings", func() bool { return !ringing(d.screen()) })
	play(t, script{name: "uac_cancel", target: w.sip}).passed() // it takes calls as before
	d.sees(`Unsent 0`)
	keys := map[string]int{}
	for _, k := range o.tasks(t) {
		if keys[k.CallObject]++; keys[k.CallObject] == 2 {
			t.Errorf("two Tasks for one call: %+v", k)
		}
	}
	t.Logf("%d calls had to be recorded", len(keys))
}
