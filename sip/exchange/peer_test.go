package exchange

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/wav"
	"offhook/sip/transaction"
)

// baresip finds the program and its modules.
func baresip(t *testing.T) (program, modules string) {
	t.Helper()
	program, err := exec.LookPath("baresip")
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern + "/sndfile.so"); err == nil && len(found) > 0 {
			return program, filepath.Dir(found[0])
		}
	}
	t.Skip("peer baresip is not installed")
	return "", ""
}

// freePort is a UDP port for another program, and so is the one after it. The kernel gives out none below 32768 by itself, so nobody takes
// them meanwhile.
func freePort(t *testing.T, ip string) netip.AddrPort {
	t.Helper()
	for range 100 {
		at := netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(20_000+2*rand.IntN(5000)))
		a, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		b, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), at.Port()+1)))
		a.Close()
		if err != nil {
			continue
		}
		b.Close()
		return at
	}
	t.Fatal("there is no pair of free ports")
	return netip.AddrPort{}
}

func writeTone(t *testing.T, path string, hz float64, seconds int) {
	t.Helper()
	f, err := wav.Create(path, media.Rate/2) // baresip's G.711 takes 8 kHz only
	if err != nil {
		t.Fatal(err)
	}
	pcm := thin(note(hz, seconds))
	if err := f.Write(pcm); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// baresip 1.0 gives up when the first challenge is SHA-256, and sends its sound from 127.0.0.1 wherever it said that it is.
func TestBaresipRegistersAndTalksToACustomer(t *testing.T) {
	t.Parallel()
	program, modules := baresip(t)
	users := DefaultUsers()
	users[1].Algorithms = []transaction.Algorithm{transaction.MD5}
	w := newWorld(t, Options{Still: true, Users: users})
	dir, at := t.TempDir(), freePort(t, "127.0.3.1")
	writeTone(t, dir+"/tone.wav", 880, 60)
	config := fmt.Sprintf(`poll_method epoll
sip_listen %s
net_interface %s
audio_source aufile,%s/tone.wav
audio_player aubridge,sink
audio_alert aubridge,alert
audio_txmode thread
module_path %s
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path %s
module_tmp account.so
module_app menu.so
`, at, at.Addr(), dir, modules, dir)
	account := fmt.Sprintf("<sip:2102@%s>;regint=60;auth_user=2102;auth_pass=practice2102;answermode=auto;audio_codecs=PCMU/8000/1\n", w.Addr())
	for name, content := range map[string]string{"config": config, "accounts": account, "contacts": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-f", dir, "-s")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			ended <- nil
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Log(log.String())
		}
	}
	defer stop()

	if e := w.told(EventRegistered); e.Extension != "2102" {
		t.Fatalf("told %+v", e)
	}
	w.place(Call{From: "07814256404", Name: "Fred Bloggs", To: "2102", Talk: note(620, 60)})
	w.told(EventAnswered)
	spy := &pipe{}
	w.on(func() {
		l := w.legs[0]
		l.pipe.mu.Lock()
		l.pipe.other = spy
		l.pipe.mu.Unlock()
	})
	settle(t, "silence instead of baresip's tone", func() bool {
		spy.mu.Lock()
		defer spy.mu.Unlock()
		var pcm []int16
		for i := range spy.n { // the ring keeps what came last
			pcm = append(pcm, spy.heard[(spy.first+i)%maxHeard][:]...)
		}
		return spy.n == maxHeard && strength(pcm, 880) > 0.8
	})
	recorded := func() []int16 {
		files, _ := filepath.Glob(dir + "/*-dec.wav")
		if len(files) == 0 {
			return nil
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			return nil
		}
		pcm, _ := wav.Decode(bytes.NewReader(b))
		return pcm
	}
	settle(t, "silence instead of the customer's tone", func() bool {
		pcm := recorded()
		return len(pcm) > media.Rate/4 && strength(pcm[len(pcm)-media.Rate/5:], 620) > 0.8
	})
	w.HangUp("2102")
	w.told(EventEnded)
	stop()
	w.told(EventUnregistered)
}

func TestSIPpCallsWithAPassword(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("sipp")
	if err != nil {
		t.Skip("peer sipp is not installed")
	}
	scenario, err := filepath.Abs("testdata/call_with_password.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"u1", "t1"} {
		w := newWorld(t, Options{Still: true, Algorithms: []transaction.Algorithm{transaction.MD5}})
		at, sound := freePort(t, "127.0.3.2"), freePort(t, "127.0.3.2")
		for sound == at {
			sound = freePort(t, "127.0.3.2")
		}
		cmd := exec.Command(program, w.Addr().String(), "-sf", scenario, "-t", network, "-m", "20", "-r", "100", "-l", "5",
			"-i", at.Addr().String(), "-p", fmt.Sprint(at.Port()), "-mi", sound.Addr().String(), "-mp", fmt.Sprint(sound.Port()),
			"-auth_uri", Echo+"@"+w.Addr().String(), "-timeout", "60s", "-nostdin")
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", network, err, tail(string(out)))
		}
		w.told(EventEnded)
	}
}

// tail is the end of a program's output.
func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
