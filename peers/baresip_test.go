//go:build unix

package peers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// baresip is a running telephone that nobody here wrote. It plays a tone and records what it hears.
type baresip struct {
	t    testing.TB
	dir  string
	at   netip.AddrPort
	cmd  *exec.Cmd
	conn net.Conn
	work sync.WaitGroup

	mu     sync.Mutex
	events []map[string]any // of the control port
	said   strings.Builder  // its own log
}

// baresipPort finds a port for baresip, which also takes the next one (TLS) and the one 10,000 further on (control). They lie
// below the range from which the system hands out ports, so that nobody else is given one of them in between.
func baresipPort(t testing.TB, host netip.Addr) netip.AddrPort {
	t.Helper()
	free := func(port uint16) bool {
		at := netip.AddrPortFrom(host, port)
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			return false
		}
		defer l.Close()
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return false
		}
		return c.Close() == nil
	}
	for range 200 {
		port := uint16(12000 + 2*rand.IntN(3500))
		if free(port) && free(port+1) && free(port+10000) {
			return netip.AddrPortFrom(host, port)
		}
	}
	t.Fatal("no three free ports for baresip")
	return netip.AddrPort{}
}

// newBaresip starts baresip. It registers nowhere and answers by itself what is called on its port. Without a tone its loudspeaker stands
// before its microphone.
func newBaresip(t testing.TB, codec string, tone float64) *baresip {
	t.Helper()
	return newBaresipWith(t, codec, tone, "")
}

// newBaresipWith starts one whose account has these parameters too (";mediaenc=dtls_srtp").
func newBaresipWith(t testing.TB, codec string, tone float64, params string) *baresip {
	t.Helper()
	return startBaresip(t, baresipSettings{codec: codec, tone: tone, params: params})
}

// baresipSettings are what the tests change.
type baresipSettings struct {
	codec   string
	tone    float64    // Hz; 0: its loudspeaker stands before its microphone
	params  string     // of the account, ";medianat=ice"
	answer  string     // auto (default) or manual
	host    netip.Addr // default 127.0.0.1
	narrow  bool       // takes calls for its own user alone
	more    string     // lines of its configuration
	modules []string
}

func startBaresip(t testing.TB, set baresipSettings) *baresip {
	t.Helper()
	codec, tone := set.codec, set.tone
	if set.answer == "" {
		set.answer = "auto"
	}
	if !set.host.IsValid() {
		set.host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	path := peer(t, "baresip")
	modules := ""
	for _, dir := range []string{"/usr/lib/baresip/modules", "/usr/lib64/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if _, err := os.Stat(filepath.Join(dir, "g711.so")); err == nil {
			modules = dir
		}
	}
	if modules == "" {
		t.Fatal("baresip is here without its modules")
	}
	// baresip's sound leaves from 127.0.0.1 whatever its SDP says, and offhook takes sound from the negotiated address only.
	b := &baresip{t: t, dir: t.TempDir(), at: baresipPort(t, set.host)}
	wav := filepath.Join(b.dir, "tone.wav")
	rate := 8000
	if strings.HasPrefix(codec, "G722") {
		rate = 16000
	}
	source := "aufile," + wav
	if tone > 0 {
		writeWAV(t, wav, rate, sine(tone, rate, 60*time.Second))
	}
	host, port := b.at.Addr().String(), int(b.at.Port())
	if set.host.Is6() {
		host = "[" + host + "]"
	}
	if tone == 0 {
		source = fmt.Sprintf("aubridge,sink%d", port)
	}
	config := fmt.Sprintf(`poll_method epoll
sip_listen %[1]s:%[2]d
net_interface %[7]s
call_max_calls 10
call_local_timeout 120
audio_source %[3]s
audio_player aubridge,sink%[2]d
audio_alert aubridge,alert%[2]d
audio_txmode thread
rtp_ports 20000-27999
jitter_buffer_delay 5-10
module_path %[4]s
module g711.so
module g722.so
module opus.so
module srtp.so
module dtls_srtp.so
module plc.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %[1]s:%[5]d
snd_path %[6]s
%[8]s
`, host, port, source, modules, port+10000, b.dir, set.host, set.more)
	for _, m := range set.modules {
		config = strings.Replace(config, "module plc.so", "module "+m+".so\nmodule plc.so", 1)
	}
	catchall := ";catchall=yes"
	if set.narrow {
		catchall = ""
	}
	account := fmt.Sprintf("<sip:%s@%s:%d>;regint=0%s;answermode=%s;audio_codecs=%s%s\n", fredNumber, host, port, catchall, set.answer, codec, set.params)
	for name, text := range map[string]string{"config": config, "accounts": account, "contacts": ""} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.cmd = exec.Command(path, "-f", b.dir, "-s")
	pr, pw := io.Pipe()
	b.cmd.Stdout, b.cmd.Stderr = pw, pw
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.work.Go(func() {
		for sc := bufio.NewScanner(pr); sc.Scan(); {
			b.mu.Lock()
			b.said.WriteString(sc.Text() + "\n")
			b.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = b.cmd.Process.Signal(syscall.SIGTERM)
		_ = b.cmd.Wait()
		pw.Close()
		if b.conn != nil {
			b.conn.Close()
		}
		b.work.Wait()
		if t.Failed() {
			t.Logf("baresip said:\n%s", tail(b.log(), 3000))
		}
	})
	eventually(t, "baresip listens", func() bool {
		c, err := net.Dial("tcp", netip.AddrPortFrom(b.at.Addr(), b.at.Port()+10000).String())
		if err == nil {
			b.conn = c
		}
		return err == nil
	})
	b.work.Go(b.listen)
	return b
}

// listen reads netstrings of JSON: events, and answers to commands.
func (b *baresip) listen() {
	r := bufio.NewReader(b.conn)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "%d:", &n); err != nil {
			return
		}
		buf := make([]byte, n+1) // and the comma
		if _, err := io.ReadFull(r, buf); err != nil {
			return
		}
		var ev map[string]any
		if json.Unmarshal(buf[:n], &ev) == nil {
			b.mu.Lock()
			b.events = append(b.events, ev)
			b.mu.Unlock()
		}
	}
}

// command is one command of baresip's menu.
func (b *baresip) command(name, params string) {
	b.t.Helper()
	body, _ := json.Marshal(map[string]string{"command": name, "params": params, "token": "t"})
	if _, err := fmt.Fprintf(b.conn, "%d:%s,", len(body), body); err != nil {
		b.t.Fatal(err)
	}
}

func (b *baresip) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.String()
}

// event waits for an event whose JSON matches.
func (b *baresip) event(pattern string) {
	b.t.Helper()
	re := regexp.MustCompile(pattern)
	eventually(b.t, "baresip's event "+pattern, func() bool { return b.has(re) })
}

func (b *baresip) has(re *regexp.Regexp) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ev := range b.events {
		if line, _ := json.Marshal(ev); re.Match(line) {
			return true
		}
	}
	return false
}

// hears waits until baresip, in the call, has recorded that much of the tone.
func (b *baresip) hears(hz float64, least time.Duration) {
	b.t.Helper()
	recorded(b.t, "baresip's recording", func() string {
		if files := b.recordings(); len(files) > 0 {
			return files[0]
		}
		return ""
	}, hz, least)
}

func (b *baresip) recordings() []string {
	files, _ := filepath.Glob(filepath.Join(b.dir, "*-dec.wav"))
	return files
}

// heard is what baresip has recorded of the other side; it is complete when the call has ended.
func (b *baresip) heard() (pcm []int16, rate int) {
	b.t.Helper()
	files := b.recordings()
	if len(files) != 1 {
		b.t.Fatalf("baresip recorded %v", files)
	}
	return readWAV(b.t, files[0])
}
