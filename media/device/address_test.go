package device

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"offhook/internal/text"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestAServerStringIsReadAsPulseAudioDoes(t *testing.T) {
	for list, want := range map[string][]address{
		"":                         nil,
		"/run/p/native":            {{"unix", "/run/p/native"}},
		"unix:/run/p/native":       {{"unix", "/run/p/native"}},
		"unix:":                    nil,
		"tcp:desk":                 {{"tcp", "desk:4713"}},
		"tcp:desk:5000":            {{"tcp", "desk:5000"}},
		"tcp4:10.0.0.1":            {{"tcp4", "10.0.0.1:4713"}},
		"tcp6:[::1]:99":            {{"tcp6", "[::1]:99"}},
		"tcp6:::1":                 {{"tcp6", "[::1]:4713"}},
		"[::1]":                    {{"tcp", "[::1]:4713"}},
		"desk.example":             {{"tcp", "desk.example:4713"}},
		"desk:":                    nil,
		"a:b:c":                    nil,
		"a[":                       nil,
		"{box}unix:/a {other}/b":   {{"unix", "/a"}},
		"{0123abcd}/a":             {{"unix", "/a"}},
		"{x":                       nil,
		"{box}":                    nil,
		"  /a \t tcp:b  nonsense:": {{"unix", "/a"}, {"tcp", "b:4713"}},
	} {
		if got := parseServers(list, "box", "0123abcd"); !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %v, want %v", list, got, want)
		}
	}
}

func FuzzServerString(f *testing.F) {
	f.Add("{x unix: tcp:[ [::1]:4713 {a}{b}")
	f.Fuzz(func(t *testing.T, list string) {
		for _, a := range parseServers(list, "box", "id") {
			if a.addr == "" {
				t.Errorf("an empty address from %q", list)
			}
			if a.network == "unix" {
				continue
			}
			if _, port, err := net.SplitHostPort(a.addr); err != nil || port == "" {
				t.Errorf("%q cannot be dialled: %v", a.addr, err)
			}
		}
	})
}

func TestTheSettingGoesBeforeTheEnvironmentAndThatBeforeTheUsualPlaces(t *testing.T) {
	env := environment("PULSE_SERVER", "tcp:env", "XDG_RUNTIME_DIR", "/run/xdg", "PULSE_RUNTIME_PATH", "/run/pulse", "SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
	if got := locate("unix:/set", env); got.addrs[0].addr != "/set" || len(got.addrs) != 1 || got.ssh {
		t.Errorf("setting: %+v", got)
	}
	if got := locate(" ", env); got.addrs[0].addr != "env:4713" || len(got.addrs) != 1 || got.ssh {
		t.Errorf("environment: %+v", got)
	}
	got := locate("", environment("XDG_RUNTIME_DIR", "/run/xdg", "PULSE_RUNTIME_PATH", "/run/pulse", "SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22"))
	if len(got.addrs) < 2 || got.addrs[0].addr != "/run/pulse/native" || got.addrs[1].addr != "/run/xdg/pulse/native" || !got.ssh {
		t.Errorf("places: %+v", got)
	}
}

func TestTheCookieIsReadFromItsFileOrZero(t *testing.T) {
	home := t.TempDir()
	if got := cookie(environment("HOME", home)); len(got) != cookieSize || got[0] != 0 {
		t.Errorf("without a file: %d bytes, %v", len(got), got[:4])
	}
	os.MkdirAll(filepath.Join(home, ".config/pulse"), 0o700)
	os.WriteFile(filepath.Join(home, ".config/pulse/cookie"), []byte(strings.Repeat("c", cookieSize)), 0o600)
	other := filepath.Join(home, "other")
	os.WriteFile(other, []byte("short"), 0o600)
	if got := cookie(environment("HOME", home)); string(got) != strings.Repeat("c", cookieSize) {
		t.Errorf("from HOME: %q", got)
	}
	if got := cookie(environment("HOME", home, "PULSE_COOKIE", other)); len(got) != cookieSize || string(got[:5]) != "short" {
		t.Errorf("from PULSE_COOKIE: %d bytes, %q", len(got), got[:5])
	}
}

func TestTheReasonForNoSoundIsOneLineThatHelps(t *testing.T) {
	s := &server{loc: location{asked: "tcp:desk"}}
	for want, err := range map[string]error{
		"refuses us":                  proto.ErrAccessDenied,
		"You may not use":             &net.OpError{Op: "dial", Err: os.ErrPermission},
		"is no PulseAudio":            fmt.Errorf("%w: 9 bytes", errFrame),
		"No sound server answers at":  errors.New("connection refused"),
		"cannot be understood; write": errNowhere,
	} {
		got := s.absent(err).String()
		if !strings.Contains(got, want) || !strings.Contains(got, "tcp:desk") {
			t.Errorf("%v reads %q", err, got)
		}
	}
}

func TestWhatIsNoSoundServerIsCalledSo(t *testing.T) {
	dir, err := os.MkdirTemp("", "offhook-web")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			defer c.Close()
		}
	}()
	set, err := Open(Spec{Server: "unix:" + filepath.Join(dir, "s"), Getenv: environment()})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := set.Describe().String(); !strings.Contains(got, "is no PulseAudio or PipeWire sound server") {
		t.Errorf("Describe says %q", got)
	}
}

func TestOverSSHItIsSaidWhoseMicrophoneItIs(t *testing.T) {
	s := newServer(location{ssh: true}, newBus(), nil)
	s.wanted = map[Role]string{Input: "", Output: ""}
	s.conn, s.seen = &conn{local: true}, devices{all: []Info{{Name: "m", Default: true}, {Name: "o", Output: true, Default: true}}}
	s.seen.all[0].Description, s.seen.all[1].Description = text.Clean("Mic"), text.Clean("Speaker")
	s.seen.server, s.seen.host = text.Clean("pulseaudio 16.1"), text.Clean("box")
	s.publish()
	const want = "Mic and Speaker through pulseaudio 16.1 of box, the computer you are logged in to over SSH, not the one in front of you"
	if got := s.describe(); got != want {
		t.Errorf("Describe says\n%s, want\n%s", got, want)
	}
}

func TestWhatAnEventTellsOfIsThereToBeSeen(t *testing.T) {
	s := newServer(location{}, newBus(), nil)
	s.wanted = map[Role]string{Output: "", Ring: ""}
	s.conn, s.seen = &conn{local: true}, devices{all: []Info{{Name: "o", Output: true, Default: true}}}
	s.assess()
	if !s.audible("") || s.away() {
		t.Fatal("the loudspeaker is not seen")
	}
	s.seen = devices{}
	s.tell(Event{Kind: Removed, Output: true})
	if s.audible("") {
		t.Error("the loudspeaker was told to be gone and is still seen")
	}
	s.conn = nil
	s.assess()
	if e := <-s.events.c; e.Kind != Removed || !s.away() {
		t.Errorf("after the connection was told to be gone it is still seen (%+v)", e)
	}
}

func TestTheTargetGrowsWithTheDistanceOfTheServer(t *testing.T) {
	for rtt, want := range map[time.Duration]time.Duration{
		300 * time.Microsecond: 20 * time.Millisecond,
		40 * time.Millisecond:  100 * time.Millisecond,
		time.Second:            maxTarget,
	} {
		if got := (&conn{rtt: rtt}).target(); got != want {
			t.Errorf("round trip %v: target %v, want %v", rtt, got, want)
		}
	}
}

func TestAMonitorIsNoMicrophone(t *testing.T) {
	d := devices{all: []Info{{Name: "spk", Output: true, Default: true}, {Name: "spk.monitor", Default: true, Monitor: true}}}
	if _, ok := place(d, Input, ""); ok {
		t.Error("the customer would hear herself")
	}
	if name, ok := place(d, Input, "spk.monitor"); !ok || name != "spk.monitor" {
		t.Error("a monitor that is named may be used")
	}
	d.all[0].Name = "auto_null"
	if _, ok := place(d, Output, ""); ok {
		t.Error("the server's dummy is taken for a loudspeaker")
	}
}
