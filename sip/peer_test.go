package sip

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// sipp runs one of SIPp's own scenarios; skipped where there is no SIPp.
func sipp(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		t.Skip("peer sipp is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "-nostdin", "-i", "127.0.0.1", "-timeout", "60s", "-timeout_error")...)
	cmd.Dir = t.TempDir()
	return cmd
}

// freePort is a UDP port for another program. The kernel gives out none below 32768 by itself, so nobody takes it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		if c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			c.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("there is no free port")
	return ""
}

func TestSIPpCallsThePhone(t *testing.T) {
	t.Parallel()
	const calls = 20
	p := open(t, "desk", func(c *Config) { c.MaxCalls = calls })
	cmd := sipp(t, "-sn", "uac", "-p", freePort(t), "-m", strconv.Itoa(calls), "-r", "50", "-d", "100", "-s", "desk", p.LocalAddr().String())
	done := make(chan error, 1)
	go func() {
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
		}
		done <- err
	}()
	normal := 0
	for normal < calls {
		select {
		case e := <-p.Events():
			switch e := e.(type) {
			case IncomingCall:
				p.Answer(e.Leg)
			case CallEnded:
				if e.Cause != EndNormal || e.ByUs {
					t.Fatalf("%+v", e)
				}
				normal++
			}
		case err := <-done:
			if err != nil {
				t.Fatalf("SIPp: %v after %d calls", err, normal)
			}
			done <- nil
		}
	}
	if err := <-done; err != nil {
		t.Fatalf("SIPp is not content: %v", err)
	}
}

func TestThePhoneCallsSIPp(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p := open(t, "desk")
	own, _ := sipp(t, "-sd", "uas").Output() // SIPp's own scenario (it exits 99), without the four seconds that it waits after each call
	short := regexp.MustCompile(`(?s)<timewait[^>]*/>`).ReplaceAll(own, nil)
	file := filepath.Join(t.TempDir(), "uas.xml")
	if err := os.WriteFile(file, short, 0o600); err != nil || len(short) == len(own) {
		t.Fatal(err, len(own))
	}
	cmd := sipp(t, "-sf", file, "-p", port, "-m", "3")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, leg := range []LegID{"one", "two", "three"} {
		p.Dial(leg, "sip:service@127.0.0.1:"+port)
		if pr := wait[CallProgress](t, p); pr.Code != 180 {
			t.Fatalf("%+v", pr)
		}
		if e := wait[CallAnswered](t, p); e.Codec != "PCMU" {
			t.Fatalf("%+v", e)
		}
		p.Hangup(leg)
		wait[CallEnded](t, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("SIPp is not content: %v", err)
	}
}
