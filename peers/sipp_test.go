//go:build unix

package peers

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
)

// sipp is one run of SIPp with a scenario of testdata.
type sipp struct {
	t    testing.TB
	name string
	dir  string
	at   netip.AddrPort
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
	err  error

	words int // told so far
}

// script says how a scenario is run. SIPp calls target, or waits for calls when there is none.
type script struct {
	name   string // testdata/NAME.xml
	target netip.AddrPort
	tcp    bool
	from   string         // caller's number, default Fred's
	media  netip.AddrPort // where the sound is wanted; zero: SIPp's own
	tone   float64        // Hz that SIPp sends, default 440
	at     netip.AddrPort // SIPp's own address; zero: a free one
	args   []string
	// elsewhere is where a scenario sends the caller.
	elsewhere netip.AddrPort
	// codec is the sound that is offered and answered, "8 PCMA/8000"; default PCMU. keys is the number of
	// telephone-event, default 101, negative: left out.
	codec string
	keys  int
	// given are words of the test's own: {{given "replaces"}}.
	given map[string]string
}

// play starts SIPp.
func play(t testing.TB, s script) *sipp {
	t.Helper()
	path := peer(t, "sipp")
	r := &sipp{t: t, name: s.name, dir: t.TempDir(), at: s.at, done: make(chan struct{})}
	if !r.at.IsValid() {
		r.at = freePort(t, ownHost(5))
	}
	if s.from == "" {
		s.from = fredNumber
	}
	if s.tone == 0 {
		s.tone = 440
	}
	tone := filepath.Join(r.dir, "tone.pcmu")
	if err := os.WriteFile(tone, muLawTone(s.tone, 10*time.Second), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &dialect{script: s, tone: tone}
	tmpl, err := template.New(s.name + ".xml").Funcs(d.words()).ParseFiles(filepath.Join("testdata", s.name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	var scenario bytes.Buffer
	if err := tmpl.Execute(&scenario, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(r.dir, "scenario.xml")
	if err := os.WriteFile(file, scenario.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	host := r.at.Addr().String()
	args := []string{"-sf", file, "-i", host, "-p", strconv.Itoa(int(r.at.Port())), "-mi", host, "-nostdin", "-timeout", "60", "-timeout_error",
		"-trace_msg", "-message_file", filepath.Join(r.dir, "messages"), "-trace_err", "-error_file", filepath.Join(r.dir, "errors"),
		"-trace_logs", "-log_file", filepath.Join(r.dir, "log")}
	if s.tcp {
		args = append(args, "-t", "t1")
	}
	if len(s.args) == 0 {
		args = append(args, "-m", "1")
	}
	args = append(args, s.args...)
	if s.target.IsValid() {
		args = append(args, "-s", "alex", s.target.String())
	}
	r.cmd = exec.Command(path, args...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = r.dir, &r.out, &r.out
	r.cmd.Env = append(os.Environ(), "TERM=xterm")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
	})
	if !s.target.IsValid() {
		eventually(t, "SIPp takes calls", func() bool {
			select {
			case <-r.done:
				t.Fatalf("SIPp %s ended at once: %v\n%s", s.name, r.err, tail(r.out.String(), 2000))
			default:
			}
			if s.tcp {
				return tcpBound(r.at)
			}
			return udpBound(r.at)
		})
	}
	return r
}

// done waits until SIPp has seen everything as it is written in the scenario.
func (r *sipp) passed() {
	r.t.Helper()
	r.during(75 * time.Second)
}

// during is passed for a scenario that takes longer.
func (r *sipp) during(limit time.Duration) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(limit):
		r.t.Fatalf("SIPp %s does not end", r.name)
	}
	if r.err != nil {
		r.t.Fatalf("SIPp %s: %v\n%s\n%s\nmessages:\n%s", r.name, r.err, r.read("errors"), tail(r.out.String(), 600), tail(r.read("messages"), 6000))
	}
}

// stop ends a scenario that waits for more calls.
func (r *sipp) stop() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

// told lets a scenario go on that waits for {{told}}: what the far end does next follows what the test has seen, and no clock. SIPp knows
// a call by its Call-ID alone, so the word comes from outside of the call. Until it waits it would take the word for a fault: it logs that it
// does.
func (r *sipp) told() {
	r.t.Helper()
	var id string
	eventually(r.t, "SIPp waits for a word", func() bool {
		m := waits.FindAllStringSubmatch(r.read("log"), -1)
		if len(m) <= r.words {
			return false
		}
		id = m[r.words][1]
		return true
	})
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.at))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	r.words++
	if _, err := fmt.Fprintf(conn, "INFO sip:sipp@%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKtold%[3]d\r\nFrom: <sip:test@%[2]s>;tag=test\r\n"+
		"To: <sip:sipp@%[1]s>;tag=sipp\r\nCall-ID: %[4]s\r\nCSeq: %[3]d INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", r.at, conn.LocalAddr(), r.words, id); err != nil {
		r.t.Fatal(err)
	}
}

var waits = regexp.MustCompile(`waits in ([^\s]+)\s`)

func (r *sipp) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(r.dir, name))
	return string(b)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// udpBound and tcpBound look into the kernel's tables: a probe would be a message or a call.
func udpBound(at netip.AddrPort) bool { return bound("/proc/net/udp", at, "") }
func tcpBound(at netip.AddrPort) bool { return bound("/proc/net/tcp", at, " 0A ") }

func bound(table string, at netip.AddrPort, state string) bool {
	if at.Addr().Is6() {
		table += "6"
	}
	b, err := os.ReadFile(table)
	if err != nil {
		return true // not Linux: the first message is repeated if it was too early
	}
	want := ": "
	for word := range slices.Chunk(at.Addr().AsSlice(), 4) {
		want += fmt.Sprintf("%02X%02X%02X%02X", word[3], word[2], word[1], word[0])
	}
	want += fmt.Sprintf(":%04X ", at.Port())
	for l := range strings.SplitSeq(string(b), "\n") {
		if strings.Contains(l, want) && strings.Contains(l, state) {
			return true
		}
	}
	return false
}

// muLawTone is a sine at a quarter of full scale as G.711 µ-law (ITU-T G.711), without a header: SIPp sends raw payload.
func muLawTone(hz float64, length time.Duration) []byte {
	b := make([]byte, int(length.Seconds()*8000))
	for i := range b {
		v, sign := int(8192*math.Sin(2*math.Pi*hz*float64(i)/8000)), 0
		if v < 0 {
			v, sign = -v, 0x80
		}
		v = min(v, 32635) + 132
		exp := 0
		for v>>(exp+8) > 0 {
			exp++
		}
		b[i] = ^byte(sign | exp<<4 | v>>(exp+3)&15)
	}
	return b
}
