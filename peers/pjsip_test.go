//go:build unix

package peers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip"
	"offhook/sip/offer"
)

// scripted is what a phone is and does while one of pjproject's SIPp scripts runs, as its driver asks of pjsua.
type scripted struct {
	config func(*sip.Config)
	// on is what the agent does about an event; nil: answers each call.
	on func(*sip.Phone, sip.Event)
	// registrar puts one between, so that the phone has a name and a password: it takes each REGISTER and passes on the rest.
	registrar bool
	registers bool   // the script itself is the registrar
	only      bool   // nobody is called: the script speaks to a phone that is there
	patient   bool   // takes most of a minute
	foreign   string // why it does not concern this phone; it is not run
	apart     string // why this phone does otherwise on purpose; it is run, and fails
}

// scriptedPhone opens the phone of a script.
func scriptedPhone(t *testing.T, s scripted, change func(*sip.Config)) *sip.Phone {
	return telephone(t, func(c *sip.Config) {
		c.Account, c.Username, c.SessionTimer = "sip:a@127.0.0.1", "a", -1
		c.Password = func(context.Context) (string, error) { return "a", nil }
		c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.Codecs = []string{"PCMU", "PCMA"}
		c.Sound.Protect = offer.Plain
		change(c)
		if s.config != nil {
			s.config(c)
		}
	})
}

// work lets an agent work until the phone is closed.
func (s scripted) work(p *sip.Phone) {
	on := s.on
	if on == nil {
		on = answers
	}
	for e := range p.Events() {
		on(p, e)
	}
}

// What agents do.
func answers(p *sip.Phone, e sip.Event) {
	if in, ok := e.(sip.IncomingCall); ok {
		p.Answer(in.Leg)
	}
}

// answered does f with each call that is up.
func answered(f func(*sip.Phone, sip.LegID)) func(*sip.Phone, sip.Event) {
	return func(p *sip.Phone, e sip.Event) {
		answers(p, e)
		if up, ok := e.(sip.CallAnswered); ok {
			f(p, up.Leg)
		}
	}
}

// run plays one script against a phone and says what SIPp thinks of it, "" for nothing but good.
func (s scripted) run(t *testing.T, file string) string {
	at := freePort(t, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	server := !strings.HasPrefix(filepath.Base(file), "uac-") && !s.only
	var p *sip.Phone
	switch {
	case s.registers:
		p = nil // it would register before SIPp is there
	case s.registrar:
		r := passingRegistrar(t, at)
		p = scriptedPhone(t, s, func(c *sip.Config) { c.Account, c.Registrar = "sip:a@"+r.String(), r.String() })
		untilRegistered(t, p)
	default:
		p = scriptedPhone(t, s, func(*sip.Config) {})
	}
	limit := "60s"
	if s.apart != "" && !s.patient {
		limit = "8s" // nobody waits long for what does not come
	}
	dir := t.TempDir()
	target := at
	if p != nil {
		target = p.LocalAddr()
	}
	cmd := exec.Command(peer(t, "sipp"), "-sf", file, "-m", "1", "-i", "127.0.0.1", "-p", strconv.Itoa(int(at.Port())), "-nostdin", "-timeout", limit, "-timeout_error",
		"-trace_err", "-error_file", filepath.Join(dir, "errors"), "-trace_msg", "-message_file", filepath.Join(dir, "messages"), target.String())
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &out, append(os.Environ(), "TERM=xterm")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "SIPp listens", func() bool { return udpBound(at) })
	if s.registers {
		p = scriptedPhone(t, s, func(c *sip.Config) { c.Account, c.Registrar = "sip:a@"+at.String(), at.String() })
	}
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { s.work(p) })
	if server && !s.registers {
		to := at
		if s.registrar {
			to = netip.AddrPort{}
		}
		if to.IsValid() {
			p.Dial("x", "sip:sipp@"+to.String())
		} else {
			p.Dial("x", "sipp")
		}
	}
	err := <-done
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond) // nobody is left to take our farewell
	defer cancel()
	_ = p.Close(ctx)
	if err == nil {
		return ""
	}
	e, _ := os.ReadFile(filepath.Join(dir, "errors"))
	m, _ := os.ReadFile(filepath.Join(dir, "messages"))
	return fmt.Sprintf("%v\n%s\n%s\n%s", err, e, tail(out.String(), 500), tail(string(m), 6000))
}

// passingRegistrar is a registrar for one phone: it takes REGISTER, and passes everything else on, unread, between the phone and to.
func passingRegistrar(t *testing.T, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() { conn.Close(); work.Wait() })
	work.Go(func() {
		var phone netip.AddrPort
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			switch msg := string(buf[:n]); {
			case from == to:
				_, _ = conn.WriteToUDPAddrPort(buf[:n], phone)
			case strings.HasPrefix(msg, "REGISTER "):
				phone = from
				head, _, _ := strings.Cut(msg, "\r\n\r\n")
				keep := slices.DeleteFunc(strings.Split(head, "\r\n")[1:], func(l string) bool {
					name, _, _ := strings.Cut(l, ":")
					return !slices.Contains([]string{"via", "from", "to", "call-id", "cseq", "contact"}, strings.ToLower(name))
				})
				_, _ = conn.WriteToUDPAddrPort([]byte("SIP/2.0 200 OK\r\n"+strings.Join(keep, "\r\n")+"\r\nContent-Length: 0\r\n\r\n"), from)
			default:
				phone = from
				_, _ = conn.WriteToUDPAddrPort(buf[:n], to)
			}
		}
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestPjprojectsScriptsFindATelephoneThatDoesAsTheyExpect(t *testing.T) {
	checkout := os.Getenv("PJPROJECT")
	if checkout == "" {
		t.Skip("PJPROJECT names no checkout of pjproject")
	}
	peer(t, "sipp")
	feature.Proves(t, "pjproject", "pjproject's SIPp scripts")
	files, _ := filepath.Glob(filepath.Join(checkout, "tests", "pjsua", "scripts-sipp", "*.xml"))
	if len(files) == 0 {
		t.Fatalf("%s has no tests/pjsua/scripts-sipp", checkout)
	}
	for i, f := range files {
		files[i], _ = filepath.Abs(f)
	}
	var mu sync.Mutex
	rows, count := map[string]string{}, map[string]int{}
	t.Run("script", func(t *testing.T) {
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".xml")
			s := pjScripts[name]
			note := func(result, why string) {
				mu.Lock()
				defer mu.Unlock()
				count[result]++
				rows[name] = fmt.Sprintf("| %s | %s | %s |\n", name, result, why)
			}
			if s.foreign != "" {
				note("does not concern us", s.foreign)
				continue
			}
			t.Run(name, func(t *testing.T) {
				if s.patient && os.Getenv("OFFHOOK_PATIENT") == "" {
					t.Skip("takes most of a minute (OFFHOOK_PATIENT=1)")
				}
				t.Parallel()
				wrong := s.run(t, file)
				switch {
				case wrong == "" && s.apart == "":
					note("passed", "")
				case wrong == "":
					t.Errorf("passes now; the reason %q is out of date", s.apart)
				case s.apart != "":
					note("differs on purpose", s.apart)
				default:
					t.Error(wrong)
				}
			})
		}
	})
	names := slices.SortedFunc(func(yield func(string) bool) {
		for n := range rows {
			if !yield(n) {
				return
			}
		}
	}, cmp.Compare[string])
	var table strings.Builder
	for _, n := range names {
		table.WriteString(rows[n])
	}
	page := fmt.Sprintf("# pjproject's SIPp scripts\n\nThe scripts with which pjproject's own tests try a telephone (tests/pjsua/scripts-sipp), run against ours by `PJPROJECT=… make interop`: "+
		"%d are passed, in %d this phone does otherwise on purpose, %d ask for what it is not. Nothing of pjproject is kept here.\n\n| script | result | |\n| --- | --- | --- |\n%s",
		count["passed"], count["differs on purpose"], count["does not concern us"], table.String())
	if !t.Failed() && len(rows) == len(files) && os.Getenv("OFFHOOK_INTEROP_LOG") != "" {
		if err := os.WriteFile("../docs/pjsip-scripts.md", []byte(page), 0o644); err != nil {
			t.Error(err)
		}
	}
}
