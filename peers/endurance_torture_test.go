//go:build unix

package peers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rain is everything that strangers and servers gone mad write to a telephone, from a seed.
type rain struct {
	t       *testing.T
	sip     netip.AddrPort
	seeds   [][]byte // whole messages: those of RFC 4475, what fuzzing found, valid ones
	junk    [][]byte // for the port of the sound
	stop    chan struct{}
	work    sync.WaitGroup
	sent    [kinds]atomic.Uint64
	refused atomic.Uint64 // connections
}

// Kinds of rain.
const (
	floods = iota
	mutants
	streams
	secured
	sounds
	kinds
)

func newRain(t *testing.T, sip netip.AddrPort) *rain {
	t.Helper()
	r := &rain{t: t, sip: sip, stop: make(chan struct{})}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip", "testdata", "torture", "*", "*.dat"))
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r.seeds = append(r.seeds, raw)
	}
	if len(files) != 50 {
		t.Fatalf("%d messages, want the 50 of RFC 4475", len(files))
	}
	r.seeds = append(r.seeds, corpus(t, "../sip/transaction/testdata/fuzz/FuzzIntake/*")...)
	for _, method := range []string{"INVITE", "INVITE", "INVITE", "INVITE", "OPTIONS", "BYE", "CANCEL", "ACK", "REFER", "NOTIFY", "SUBSCRIBE", "INFO", "UPDATE", "PRACK", "MESSAGE", "REGISTER", "PUBLISH"} {
		r.seeds = append(r.seeds, sane(method))
	}
	r.junk = append(corpus(t, "../media/testdata/fuzz/*/*"),
		[]byte{0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9},                             // RTP without sound
		[]byte{0x81, 200, 0, 1, 0, 0, 0, 9},                                       // RTCP that is too short
		[]byte{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, // STUN that is too short
		[]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 1, 0, 0, 8, 0, 0},     // DTLS that is too short
		bytes.Repeat([]byte{0xbf, 72}, 700))
	return r
}

// corpus is what fuzzing once found, as the go command writes it.
func corpus(t *testing.T, pattern string) (out [][]byte) {
	t.Helper()
	files, _ := filepath.Glob(pattern)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\[\]byte\((".*")\)$`).FindAllSubmatch(raw, -1) {
			if s, err := strconv.Unquote(string(m[1])); err == nil {
				out = append(out, []byte(s))
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("nothing is in %s", pattern)
	}
	return out
}

// sane is a message with nothing wrong in it; {ID}, {FROM} and {TARGET} are filled in when it is sent.
func sane(method string) []byte {
	body := "v=0\r\no=c 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	kind := "application/sdp"
	if method != "INVITE" && method != "UPDATE" {
		body, kind = "SIP/2.0 200 OK\r\n", "message/sipfrag"
	}
	return fmt.Appendf(nil, "%s sip:alex@{TARGET} SIP/2.0\r\nVia: SIP/2.0/UDP {FROM};rport;branch=z9hG4bK{ID}\r\nFrom: \"Mallory\" <sip:07814256404@{FROM}>;tag=t{ID}\r\nTo: <sip:alex@{TARGET}>\r\n"+
		"Call-ID: {ID}@rain\r\nCSeq: 7 %s\r\nMax-Forwards: 70\r\nContact: <sip:m@{FROM}>\r\nRefer-To: <sip:0900@{FROM}>\r\nEvent: dialog\r\nSubscription-State: active;expires=60\r\n"+
		"RAck: 1 7 INVITE\r\nSupported: 100rel, timer, replaces\r\nSession-Expires: 1800;refresher=uac\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, method, kind, len(body), body)
}

// filled is a seed as it goes out from an address.
func (r *rain) filled(seed []byte, from net.Addr, id uint64) []byte {
	return []byte(strings.NewReplacer("{ID}", strconv.FormatUint(id, 36), "{FROM}", from.String(), "{TARGET}", r.sip.String()).Replace(string(seed)))
}

// mutate changes a message in some places.
func mutate(g *rand.Rand, msg []byte) []byte {
	out := append([]byte(nil), msg...)
	for range 1 + g.IntN(4) {
		if len(out) < 2 {
			return out
		}
		i := g.IntN(len(out))
		switch g.IntN(9) {
		case 0:
			out[i] ^= 1 << g.IntN(8)
		case 1:
			out = out[:i]
		case 2: // a line twice
			lines := bytes.SplitAfter(out, []byte("\r\n"))
			k := g.IntN(len(lines))
			out = bytes.Join(append(lines[:k+1:k+1], lines[k:]...), nil)
		case 3: // or not at all
			lines := bytes.SplitAfter(out, []byte("\r\n"))
			k := g.IntN(len(lines))
			out = bytes.Join(append(lines[:k:k], lines[k+1:]...), nil)
		case 4:
			out = append(out[:i:i], append(bytes.Repeat([]byte{byte(g.IntN(256))}, g.IntN(3000)), out[i:]...)...)
		case 5: // a number becomes another
			out = regexp.MustCompile(`\d+`).ReplaceAllFunc(out, func(n []byte) []byte {
				if g.IntN(12) > 0 {
					return n
				}
				return []byte([]string{"0", "-1", "4294967296", "99999999999999999999", "1e9", "007"}[g.IntN(6)])
			})
		case 6:
			out = append(out[:i:i], append([]byte([]string{"\r\n\r\n", "\x00", "\x1b]0;x\x07", "%00", "\"", "<", ";", "\xff\xfe", "\r\n "}[g.IntN(9)]), out[i:]...)...)
		case 7:
			j := g.IntN(len(out))
			i, j = min(i, j), max(i, j)
			out = append(out[:i:i], out[j:]...)
		case 8:
			j := g.IntN(len(out))
			out[i], out[j] = out[j], out[i]
		}
	}
	return out[:min(len(out), 60000)]
}

// every runs f about n times a second until the rain is over.
func (r *rain) every(n int, f func(i uint64)) {
	r.work.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		began, i := time.Now(), uint64(0)
		for {
			select {
			case <-r.stop:
				return
			case <-tick.C:
			}
			for due := uint64(time.Since(began).Seconds() * float64(n)); i < due; i++ {
				f(i)
			}
		}
	})
}

// socket is an address of one's own, whose answers are thrown away.
func (r *rain) socket(host netip.Addr) *net.UDPConn {
	r.t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.work.Go(func() {
		<-r.stop
		c.Close()
	})
	r.work.Go(func() {
		buf := make([]byte, 65536)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
	})
	return c
}

// flood sends OPTIONS and worse over UDP.
func (r *rain) flood(host netip.Addr, options, odd int, seed uint64) {
	c := r.socket(host)
	r.every(options, func(i uint64) {
		if _, err := c.WriteToUDPAddrPort(r.filled(sane("OPTIONS"), c.LocalAddr(), seed<<40|i), r.sip); err == nil {
			r.sent[floods].Add(1)
		}
	})
	g := rand.New(rand.NewPCG(seed, 1))
	r.every(odd, func(i uint64) {
		msg := r.filled(r.seeds[g.IntN(len(r.seeds))], c.LocalAddr(), seed<<40|1<<39|i)
		if g.IntN(8) > 0 {
			msg = mutate(g, msg)
		}
		if _, err := c.WriteToUDPAddrPort(msg, r.sip); err == nil {
			r.sent[mutants].Add(1)
		}
	})
}

// pour sends the same over TCP; a connection that is closed is opened again.
func (r *rain) pour(host netip.Addr, to netip.AddrPort, rate int, seed uint64) {
	g := rand.New(rand.NewPCG(seed, 2))
	var c net.Conn
	r.every(rate, func(i uint64) {
		if c == nil {
			d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(host, 0)), Timeout: time.Second}
			var err error
			if c, err = d.Dial("tcp", to.String()); err != nil {
				r.refused.Add(1)
				c = nil
				return
			}
			go func(c net.Conn) { // ends with the connection
				buf := make([]byte, 65536)
				for {
					if _, err := c.Read(buf); err != nil {
						return
					}
				}
			}(c)
		}
		msg := r.filled(r.seeds[g.IntN(len(r.seeds))], c.LocalAddr(), seed<<40|i)
		if g.IntN(3) > 0 {
			msg = mutate(g, msg)
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := c.Write(msg); err != nil || g.IntN(50) == 0 {
			c.Close()
			c = nil
			return
		}
		r.sent[streams].Add(1)
	})
}

// through sends it over the connection that the telephone itself has made to a registrar.
func (r *rain) through(reg *registrar, rate, kind int, seed uint64) {
	g := rand.New(rand.NewPCG(seed, 4))
	r.every(rate, func(i uint64) {
		msg := r.filled(r.seeds[g.IntN(len(r.seeds))], net.TCPAddrFromAddrPort(reg.at), seed<<40|i)
		if g.IntN(3) > 0 {
			msg = mutate(g, msg)
		}
		if reg.write(msg) {
			r.sent[kind].Add(1)
		}
	})
}

// spoil sends what is no sound to the port of the sound: from a stranger, and from where the sound comes from.
func (r *rain) spoil(to netip.AddrPort, from *net.UDPConn, rate int, seed uint64) {
	g := rand.New(rand.NewPCG(seed, 3))
	stranger := r.socket(ownHost(7))
	r.every(rate, func(i uint64) {
		msg := mutate(g, r.junk[g.IntN(len(r.junk))])
		c, port := stranger, to
		if g.IntN(2) == 0 {
			c = from
			if len(msg) >= 12 && msg[0]>>6 == 2 && (msg[1]&127 < 64 || msg[1]&127 > 95) {
				msg[0] ^= 0x40 // else it would be sound, from where sound is to come from
			}
		}
		if g.IntN(3) == 0 {
			port = netip.AddrPortFrom(to.Addr(), to.Port()+1)
		}
		if _, err := c.WriteToUDPAddrPort(msg, port); err == nil {
			r.sent[sounds].Add(1)
		}
	})
}

func (r *rain) end() string {
	close(r.stop)
	r.work.Wait()
	return fmt.Sprintf("%d OPTIONS, %d odd messages over UDP, %d over TCP, %d over TLS, %d odd packets at the sound's port, %d connections were refused", r.sent[floods].Load(),
		r.sent[mutants].Load(), r.sent[streams].Load(), r.sent[secured].Load(), r.sent[sounds].Load(), r.refused.Load())
}
