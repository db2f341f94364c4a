package device

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// soundServer is a real PulseAudio of the test's own: two loudspeakers that can be recorded, one microphone. An idle null
// sink renders two seconds ahead, and the first stream is silent so long; without rewinds it is 50 ms.
type soundServer struct {
	tb     testing.TB
	dir    string
	socket string
	cmd    *exec.Cmd
	log    *os.File
}

func startServer(tb testing.TB) *soundServer {
	tb.Helper()
	for _, name := range []string{"pulseaudio", "pactl"} {
		if _, err := exec.LookPath(name); err != nil {
			tb.Skip("peer pulseaudio is not installed")
		}
	}
	dir, err := os.MkdirTemp("", "offhook-sound") // t.TempDir may be too long for a socket's path
	if err != nil {
		tb.Fatal(err)
	}
	s := &soundServer{tb: tb, dir: dir, socket: filepath.Join(dir, "native")}
	tb.Cleanup(func() {
		s.kill()
		os.RemoveAll(dir)
	})
	script := fmt.Sprintf(`load-module module-native-protocol-unix socket=%s auth-anonymous=1
load-module module-always-sink
load-module module-null-sink sink_name=speaker rate=48000 channels=1 norewinds=1 sink_properties=device.description=Speaker
load-module module-null-sink sink_name=headset rate=48000 channels=1 norewinds=1 sink_properties=device.description=Headset
load-module module-null-sink sink_name=micfeed rate=48000 channels=1 norewinds=1 sink_properties=device.description=MicFeed
load-module module-remap-source source_name=mic master=micfeed.monitor channels=1 source_properties=device.description=Microphone
set-default-sink speaker
set-default-source mic
`, s.socket)
	if err := os.WriteFile(filepath.Join(dir, "default.pa"), []byte(script), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.start()
	return s
}

func (s *soundServer) env() []string {
	return append(os.Environ(), "HOME="+s.dir, "XDG_RUNTIME_DIR="+s.dir, "PULSE_RUNTIME_PATH="+s.dir,
		"PULSE_SERVER=unix:"+s.socket, "PULSE_COOKIE="+filepath.Join(s.dir, "cookie"))
}

// start brings the server up and waits until it takes connections.
func (s *soundServer) start() {
	s.tb.Helper()
	os.Remove(s.socket)
	s.cmd = exec.Command("pulseaudio", "-n", "-F", filepath.Join(s.dir, "default.pa"), "--daemonize=no", "--exit-idle-time=-1",
		"--use-pid-file=no", "--realtime=no", "--high-priority=no", "--disable-shm=yes", "--log-level=error")
	s.cmd.Env = s.env()
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	died := make(chan struct{})
	go func() {
		s.cmd.Wait()
		close(died)
	}()
	limit := time.After(patience)
	for poll := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-poll.C:
			// The socket is there before the devices are.
			if out, err := s.pactl("list", "short", "sources"); err == nil && strings.Contains(out, "\tmic\t") {
				poll.Stop()
				return
			}
		case <-died:
			s.tb.Fatal("pulseaudio ended instead of starting")
		case <-limit:
			s.tb.Fatal("pulseaudio did not start")
		}
	}
}

func (s *soundServer) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Kill()
	}
}

func (s *soundServer) pactl(args ...string) (string, error) {
	if c, err := net.Dial("unix", s.socket); err != nil {
		return "", err
	} else {
		c.Close()
	}
	cmd := exec.Command("pactl", args...)
	cmd.Env = s.env()
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (s *soundServer) must(args ...string) string {
	s.tb.Helper()
	out, err := s.pactl(args...)
	if err != nil {
		s.tb.Fatalf("pactl %v: %v", args, err)
	}
	return out
}

// unplug takes a loudspeaker away; plug brings it (back).
func (s *soundServer) unplug(sink string) {
	s.tb.Helper()
	for line := range strings.Lines(s.must("list", "short", "modules")) {
		if f := strings.Fields(line); strings.Contains(line, "sink_name="+sink+" ") {
			s.must("unload-module", f[0])
			return
		}
	}
	s.tb.Fatalf("no sink %s to unplug", sink)
}

func (s *soundServer) plug(sink, description string) {
	s.tb.Helper()
	s.must("load-module", "module-null-sink", "sink_name="+sink, "rate=48000", "channels=1", "norewinds=1", "sink_properties=device.description="+description)
}

// open opens a set on the server.
func (s *soundServer) open(spec Spec) *Set {
	s.tb.Helper()
	spec.Server = "unix:" + s.socket
	spec.Getenv = func(string) string { return "" }
	set, err := Open(spec)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { set.Close() })
	return set
}

// play starts to play a tone until the test ends.
func play(tb testing.TB, p Playback, hz float64) *atomic.Int64 {
	tb.Helper()
	n, fill := new(atomic.Int64), sine(hz)
	if err := p.Start(func(frame []int16) { fill(frame); n.Add(1) }); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return n
}

func record(tb testing.TB, c Capture) *tape {
	tb.Helper()
	t := newTape()
	if err := c.Start(t.sink); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return t
}

// atLeast waits until a playback has been asked for n frames.
func atLeast(tb testing.TB, frames *atomic.Int64, n int64) {
	tb.Helper()
	limit := time.After(patience)
	for poll := time.NewTicker(5 * time.Millisecond); frames.Load() < n; {
		select {
		case <-poll.C:
		case <-limit:
			tb.Fatalf("only %d of %d frames", frames.Load(), n)
		}
	}
}

// inputs are the indexes of the streams that play on the server.
func (s *soundServer) inputs() (indexes []string) {
	s.tb.Helper()
	for line := range strings.Lines(s.must("list", "short", "sink-inputs")) {
		if f := strings.Fields(line); len(f) > 0 {
			indexes = append(indexes, f[0])
		}
	}
	return indexes
}

func killStream(t *testing.T, c *conn, index string) {
	t.Helper()
	n, err := strconv.Atoi(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.request(&proto.KillSinkInput{SinkInputIndex: uint32(n)}, nil); err != nil {
		t.Fatal(err)
	}
}
