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
	limit := time.After(15 * time.Second)
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

func TestAToneThatIsPlayedIsRecordedFromTheLoudspeaker(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "speaker.monitor", Output: "Speaker", Ring: "Headset"})
	heard := record(t, set.Capture())
	p := set.Playback()
	play(t, p, 1000)
	heard.hears(t, "1000 Hz", pure(1000))
	if got := p.Name().String(); got != "Speaker" {
		t.Errorf("the playback says it is on %q", got)
	}

	// The ring sounds on the other device: the talk is undisturbed.
	ring := srv.open(Spec{Input: "headset.monitor", Output: "null", Ring: "null"})
	bell := record(t, ring.Capture())
	set.Ringer().Start()
	bell.hears(t, "the ring", func(pcm []int16) bool { return power(pcm, 1046.5)+power(pcm, 1318.51) > 0.5 })
	heard.hears(t, "1000 Hz while it rings", pure(1000))
	set.Ringer().Stop()
	bell.hears(t, "silence after the ring", silent)
	if set.RingBell() {
		t.Error("the terminal bell is asked for although the ring can be heard")
	}
}

func TestTheServerIsDescribedAndItsDevicesListed(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{})
	line := set.Describe().String()
	for _, want := range []string{"Microphone", "Speaker", "pulseaudio"} {
		if !strings.Contains(line, want) {
			t.Errorf("Describe %q does not mention %s", line, want)
		}
	}
	got := map[string]Info{}
	for _, i := range set.List() {
		got[i.Name] = i
	}
	if i := got["speaker"]; !i.Output || !i.Default || i.Description.String() != "Speaker" {
		t.Errorf("speaker is listed as %+v", i)
	}
	if i := got["mic"]; i.Output || !i.Default || i.Monitor {
		t.Errorf("mic is listed as %+v", i)
	}
	if i := got["headset.monitor"]; !i.Monitor {
		t.Errorf("a monitor is listed as %+v", i)
	}

	_, err := Open(Spec{Output: "Headphones", Server: "unix:" + srv.socket})
	if unknown, ok := err.(*UnknownError); !ok || len(unknown.Devices) != 3 {
		t.Fatalf("an unknown device gave %v", err)
	}
	if want := `audio output = "Headphones": no such device; there are "Headset", "MicFeed", "Speaker" (or "default")`; err.Error() != want {
		t.Errorf("the error reads\n%s, want\n%s", err, want)
	}
}

func TestUnpluggingMovesTheCallAndThePluggedInHeadsetGetsItBack(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "mic", Output: "Headset", Ring: "off"})
	watch := srv.open(Spec{Input: "headset.monitor", Output: "null", Ring: "off"})
	p := set.Playback()
	frames := play(t, p, 700)
	record(t, watch.Capture()).hears(t, "700 Hz on the headset", pure(700))

	srv.unplug("headset")
	e := expect(t, set.Events(), "moved", kindOf(Moved, true))
	if e.Name.String() != "Speaker" {
		t.Errorf("moved to %q", e.Name)
	}
	e = expect(t, set.Events(), "lost", kindOf(Lost, true))
	if want := "Headset is not plugged in; Speaker is used until it is"; e.Cause.String() != want {
		t.Errorf("cause %q, want %q", e.Cause, want)
	}
	if !strings.Contains(set.Describe().String(), "Speaker (Headset is not plugged in)") {
		t.Errorf("Describe says %q", set.Describe())
	}
	on := srv.open(Spec{Input: "speaker.monitor", Output: "null", Ring: "off"})
	record(t, on.Capture()).hears(t, "700 Hz on the speaker", pure(700))

	srv.plug("headset", "Headset")
	expect(t, set.Events(), "added", func(e Event) bool { return e.Kind == Added && e.Output && e.Name.String() == "Headset" })
	expect(t, set.Events(), "restored", kindOf(Restored, true))
	expect(t, set.Events(), "moved back", func(e Event) bool { return e.Kind == Moved && e.Name.String() == "Headset" })
	back := srv.open(Spec{Input: "headset.monitor", Output: "null", Ring: "off"})
	record(t, back.Capture()).hears(t, "700 Hz on the headset again", pure(700))
	if frames.Load() == 0 || p.Name().String() != "Headset" {
		t.Errorf("%d frames, on %q", frames.Load(), p.Name())
	}
}

func TestTheDefaultDeviceIsFollowed(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Ring: "off"})
	play(t, set.Playback(), 900)
	on := srv.open(Spec{Input: "headset.monitor", Output: "null", Ring: "off"})
	heard := record(t, on.Capture())
	watch := srv.open(Spec{Input: "speaker.monitor", Output: "null", Ring: "off"})
	record(t, watch.Capture()).hears(t, "900 Hz on the speaker", pure(900))

	srv.must("set-default-sink", "headset")
	seen := map[EventKind]bool{}
	for !seen[DefaultChanged] || !seen[Moved] {
		e := expect(t, set.Events(), "default changed and moved", func(e Event) bool {
			return e.Output && (e.Kind == DefaultChanged || e.Kind == Moved)
		})
		if seen[e.Kind] = true; e.Name.String() != "Headset" {
			t.Errorf("%s to %q", e.Kind, e.Name)
		}
	}
	heard.hears(t, "900 Hz on the headset", pure(900))
}

func TestWithoutALoudspeakerTheCallIsToldSoAndGoesOn(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "null", Ring: "default"})
	frames := play(t, set.Playback(), 900)
	for _, sink := range []string{"speaker", "headset"} {
		srv.unplug(sink)
	}
	srv.unplug("micfeed")
	e := expect(t, set.Events(), "lost", kindOf(Lost, true))
	if !strings.HasPrefix(e.Cause.String(), "No speaker is plugged in") {
		t.Errorf("cause %q", e.Cause)
	}
	if !set.RingBell() {
		t.Error("nobody would hear the ring, yet the bell is not asked for")
	}
	atLeast(t, frames, frames.Load()+50)
	srv.plug("speaker", "Speaker")
	expect(t, set.Events(), "restored", kindOf(Restored, true))
	on := srv.open(Spec{Input: "speaker.monitor", Output: "null", Ring: "off"})
	record(t, on.Capture()).hears(t, "900 Hz again", pure(900))
}

// atLeast waits until a playback has been asked for n frames.
func atLeast(tb testing.TB, frames *atomic.Int64, n int64) {
	tb.Helper()
	limit := time.After(15 * time.Second)
	for poll := time.NewTicker(5 * time.Millisecond); frames.Load() < n; {
		select {
		case <-poll.C:
		case <-limit:
			tb.Fatalf("only %d of %d frames", frames.Load(), n)
		}
	}
}

func TestAKilledServerLeavesTheCallOnTheNullClockAndComesBack(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "speaker.monitor", Output: "Speaker", Ring: "default"})
	heard := record(t, set.Capture())
	frames := play(t, set.Playback(), 1200)
	heard.hears(t, "1200 Hz", pure(1200))

	srv.cmd.Process.Kill()
	for _, output := range []bool{false, true} {
		e := expect(t, set.Events(), "lost", kindOf(Lost, output))
		if !strings.HasPrefix(e.Cause.String(), "The sound server stopped") {
			t.Errorf("cause %q", e.Cause)
		}
	}
	heard.hears(t, "silence", silent)
	_, before := heard.last()
	atLeast(t, frames, frames.Load()+30)
	if _, n := heard.last(); n <= before {
		t.Errorf("the microphone stood still: %d frames, then %d", before, n)
	}
	if !set.RingBell() || !strings.HasPrefix(set.Describe().String(), "The sound server stopped") {
		t.Errorf("bell %v, %q", set.RingBell(), set.Describe())
	}

	srv.start()
	for _, output := range []bool{false, true} {
		expect(t, set.Events(), "restored", kindOf(Restored, output))
	}
	heard.hears(t, "1200 Hz again", pure(1200))
}

func TestASuspendedDeviceIsToldOfAndDoesNotStopTheClock(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "speaker.monitor", Output: "Speaker", Ring: "off"})
	heard := record(t, set.Capture())
	play(t, set.Playback(), 600)
	heard.hears(t, "600 Hz", pure(600))
	srv.must("suspend-sink", "speaker", "1")
	expect(t, set.Events(), "suspended", kindOf(Suspended, true))
	heard.hears(t, "silence", silent)
	srv.must("suspend-sink", "speaker", "0")
	expect(t, set.Events(), "restored", kindOf(Restored, true))
	heard.hears(t, "600 Hz again", pure(600))
}

func TestAKilledStreamIsOpenedAgain(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "speaker.monitor", Output: "Speaker", Ring: "off"})
	heard := record(t, set.Capture())
	play(t, set.Playback(), 800)
	heard.hears(t, "800 Hz", pure(800))
	c, err := dialPulse(address{"unix", srv.socket}, make([]byte, cookieSize))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if out := srv.must("list", "short", "sink-inputs"); out == "" {
		t.Fatal("no sink input to kill")
	} else {
		killStream(t, c, strings.Fields(out)[0])
	}
	heard.hears(t, "the gap", func(pcm []int16) bool { return !pure(800)(pcm) })
	heard.hears(t, "800 Hz again", pure(800))
	if out := srv.must("list", "short", "sink-inputs"); out == "" {
		t.Error("the stream was not opened again")
	}
}

func TestAServerOnTheNetworkWantsItsCookie(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	jar := filepath.Join(srv.dir, "jar")
	secret := []byte(strings.Repeat("secret--", cookieSize/8))
	if err := os.WriteFile(jar, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	srv.must("load-module", "module-native-protocol-tcp", "listen=127.0.0.1", "port="+strconv.Itoa(port), "auth-cookie="+jar)
	env := []string{"PULSE_SERVER", "tcp:127.0.0.1:" + strconv.Itoa(port), "PULSE_COOKIE", jar}

	set, err := Open(Spec{Input: "speaker.monitor", Output: "Speaker", Ring: "off", Getenv: environment(env...)})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	heard := record(t, set.Capture())
	play(t, set.Playback(), 1000)
	heard.hears(t, "1000 Hz over TCP", pure(1000))

	env[3] = filepath.Join(srv.dir, "no such jar")
	stranger, err := Open(Spec{Ring: "off", Getenv: environment(env...)})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if got := stranger.Describe().String(); !strings.Contains(got, "refuses us: its cookie is missing or wrong") {
		t.Errorf("without the cookie Describe says %q", got)
	}
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
