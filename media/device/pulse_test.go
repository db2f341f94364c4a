package device

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

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
	// The server says apart that the stream moved and that the device is gone; a look at the devices may come between.
	got := expectAll(t, set.Events(), map[string]func(Event) bool{"moved": kindOf(Moved, true), "lost": kindOf(Lost, true)})
	if e := got["moved"]; e.Name.String() != "Speaker" {
		t.Errorf("moved to %q", e.Name)
	}
	if e, want := got["lost"], "Headset is not plugged in; Speaker is used until it is"; e.Cause.String() != want {
		t.Errorf("cause %q, want %q", e.Cause, want)
	}
	if !strings.Contains(set.Describe().String(), "Speaker (Headset is not plugged in)") {
		t.Errorf("Describe says %q", set.Describe())
	}
	on := srv.open(Spec{Input: "speaker.monitor", Output: "null", Ring: "off"})
	record(t, on.Capture()).hears(t, "700 Hz on the speaker", pure(700))

	srv.plug("headset", "Headset")
	expectAll(t, set.Events(), map[string]func(Event) bool{
		"added":      func(e Event) bool { return e.Kind == Added && e.Output && e.Name.String() == "Headset" },
		"restored":   kindOf(Restored, true),
		"moved back": func(e Event) bool { return e.Kind == Moved && e.Name.String() == "Headset" },
	})
	back := srv.open(Spec{Input: "headset.monitor", Output: "null", Ring: "off"})
	record(t, back.Capture()).hears(t, "700 Hz on the headset again", pure(700))
	if frames.Load() == 0 || p.Name().String() != "Headset" {
		t.Errorf("%d frames, on %q", frames.Load(), p.Name())
	}
}

func TestAHeadsetThatIsNotPluggedInYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	set := srv.open(Spec{Input: "null", Output: "Jabra", Ring: "off", Wait: true})
	if e := <-set.Events(); e.Kind != Lost || e.Cause.String() != "Jabra is not plugged in; Speaker is used until it is" {
		t.Errorf("event %+v", e)
	}
	p := set.Playback()
	play(t, p, 500)
	eventually(t, "the call on the speaker", func() bool { return p.Name().String() == "Speaker" }) // else it never has to move
	srv.plug("jabra", "Jabra")
	expect(t, set.Events(), "moved to the headset", func(e Event) bool { return e.Kind == Moved && e.Name.String() == "Jabra" })
	on := srv.open(Spec{Input: "jabra.monitor", Output: "null", Ring: "off"})
	record(t, on.Capture()).hears(t, "500 Hz on the headset", pure(500))
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
	eventually(t, "the microphone goes on", func() bool { _, n := heard.last(); return n > before })
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
	first := srv.inputs()
	if len(first) != 1 {
		t.Fatalf("%d sink inputs to kill", len(first))
	}
	killStream(t, c, first[0])
	// The gap is too short to be heard on every machine: another stream in its place is the proof.
	eventually(t, "another stream", func() bool { now := srv.inputs(); return len(now) == 1 && now[0] != first[0] })
	_, before := heard.last()
	heard.hears(t, "800 Hz again", func(pcm []int16) bool { _, n := heard.last(); return n > before+Rate/5/Frame && pure(800)(pcm) })
}

func TestAServerOnTheNetworkWantsItsCookie(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	jar := filepath.Join(srv.dir, "jar")
	secret := []byte(strings.Repeat("secret--", cookieSize/8))
	if err := os.WriteFile(jar, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	port := ""
	eventually(t, "a port that is still free when the server asks for it", func() bool {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		l.Close()
		_, err = srv.pactl("load-module", "module-native-protocol-tcp", "listen=127.0.0.1", "port="+port, "auth-cookie="+jar)
		return err == nil
	})
	env := []string{"PULSE_SERVER", "tcp:127.0.0.1:" + port, "PULSE_COOKIE", jar}

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
