package dialog

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"offhook/peers/feature"
)

// sipp runs a scenario of testdata; done says that SIPp saw everything as it is written there.
func sipp(t *testing.T, scenario string, target string, extra ...string) (at netip.AddrPort, done func()) {
	t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		if os.Getenv("OFFHOOK_PEERS_REQUIRED") == "1" {
			t.Fatal("peer sipp is not installed")
		}
		t.Skip("peer sipp is not installed")
	}
	file, err := filepath.Abs(filepath.Join("testdata", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at = c.LocalAddr().(*net.UDPAddr).AddrPort()
	c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	dir := t.TempDir()
	args := []string{"-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(int(at.Port())), "-m", "1", "-nostdin", "-timeout", "50", "-timeout_error",
		"-trace_err", "-error_file", filepath.Join(dir, "errors"), "-trace_msg", "-message_file", filepath.Join(dir, "messages")}
	args = append(args, extra...)
	if target != "" {
		args = append(args, target)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TERM=xterm")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	t.Cleanup(cancel)
	return at, func() {
		t.Helper()
		if err := <-waited; err != nil {
			e, _ := os.ReadFile(filepath.Join(dir, "errors"))
			m, _ := os.ReadFile(filepath.Join(dir, "messages"))
			t.Fatalf("SIPp: %v\n%s\n%s", err, e, m)
		}
	}
}

func TestSIPpCallsWithReliableResponsesUPDATEAndSessionTimer(t *testing.T) {
	feature.Proves(t, "SIPp", "100rel and PRACK", "UPDATE", "session timer, theirs")
	p := newPhone(t, "phone")
	p.wait = 30 * time.Second
	_, done := sipp(t, "uac_prack", p.flow.LocalAddr().String())
	c := p.incoming()
	media := local(30000)
	c.Progress(183, "", &media)
	if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 41000 {
		t.Fatalf("%+v", m)
	}
	if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 42000 || m.Codec.Name != "PCMA" {
		t.Fatalf("%+v", m)
	}
	c.Answer(media)
	next[Confirmed](p, c)
	next[Ended](p, c)
	done()
}

func TestSIPpIsCalledWithReliableResponsesUPDATEAndSessionTimer(t *testing.T) {
	if os.Getenv("OFFHOOK_PATIENT") == "" {
		t.Skip("the refresh comes after ten seconds (OFFHOOK_PATIENT=1)")
	}
	feature.Proves(t, "SIPp", "100rel and PRACK", "UPDATE", "session timer, ours")
	p := newPhone(t, "phone", reliableConfig(ReliableSupported), timed(30*time.Minute, 0))
	p.wait = 30 * time.Second
	at, done := sipp(t, "uas_prack", "")
	to := p.uri()
	to.Host, to.Port = at.Addr().String(), int(at.Port())
	c := p.invite(to)
	next[Answered](p, c)
	if m := c.now().Media(); m.Remote.Port() != 42000 || m.Codec.Name != "PCMA" {
		t.Fatalf("%+v", m)
	}
	next[Refreshed](p, c) // ours
	c.End("")
	done()
}
